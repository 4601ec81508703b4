"""The settings, read from the environment here and nowhere else (but for the queue prefix that `app.py` binds to)."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

OFF = "off"
"""What turns a setting off that is on with any other value."""


class MissingSetting(Exception):
    """A setting without which the service cannot run; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    stage: str
    table: str
    queue_prefix: str
    public_url: str
    secret: bytes = field(repr=False)
    """Keys the hashes of numbers and patient ids. Changing it orphans them: it is made once a stage."""
    operator_token: str = field(repr=False)
    """The operator's bearer token, or `sha256:` and its digest."""
    link_secrets: tuple[bytes, ...] = field(default=(), repr=False)
    """What signs links, and after it what signed those that are still to open. Empty: `secret` does."""
    sms_configuration_set: str = ""
    email_configuration_set: str = ""
    staff_issuer: str = ""
    """The user pool's issuer, `https://cognito-idp.<region>.amazonaws.com/<pool>`. Empty: only clinics' keys open."""
    staff_audience: str = ""
    """The id of the pool's app client that the staff console signs in with."""
    sandbox: bool = False
    """Whether only `sandbox_contacts` are ever contacted, patients and staff alike."""
    sandbox_contacts: frozenset[str] = field(default=frozenset(), repr=False)
    """Numbers (E.164) and e-mail addresses."""
    key_rate: float = 50.0
    """How often a second one key may ask, over a minute."""
    shards: int = 4
    """Partitions of the due index. Fixed for the life of a table."""


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """Raises MissingSetting for the first one that is not there."""
    found = os.environ if environment is None else environment

    def need(name: str) -> str:
        value = found.get(name, "")
        if not value:
            raise MissingSetting(f"{name} is not set")
        return value

    return Settings(
        stage=found.get("RANVIER_STAGE", "dev"),
        table=need("RANVIER_TABLE"),
        queue_prefix=need("RANVIER_QUEUE_PREFIX"),
        public_url=need("RANVIER_PUBLIC_URL").rstrip("/"),
        secret=need("RANVIER_SECRET").encode(),
        operator_token=need("RANVIER_OPERATOR_TOKEN"),
        link_secrets=tuple(each.encode() for each in found.get("RANVIER_LINK_SECRETS", "").split(",") if each),
        sms_configuration_set=found.get("RANVIER_SMS_CONFIGURATION_SET", ""),
        email_configuration_set=found.get("RANVIER_EMAIL_CONFIGURATION_SET", ""),
        staff_issuer=found.get("RANVIER_STAFF_ISSUER", "").rstrip("/"),
        staff_audience=found.get("RANVIER_STAFF_AUDIENCE", ""),
        sandbox=found.get("RANVIER_SANDBOX", OFF) != OFF,
        sandbox_contacts=frozenset(filter(None, found.get("RANVIER_SANDBOX_CONTACTS", "").split(","))),
        key_rate=float(found.get("RANVIER_KEY_RATE", "50")),
        shards=int(found.get("RANVIER_SHARDS", "4")),
    )
