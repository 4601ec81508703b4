"""Who is asking: the role and the clinic are the token's, and nobody else's word counts."""

import hmac
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.ids import ClinicId


class Role(StrEnum):
    OPERATOR = "operator"
    """The platform: clinics and keys, no patient data."""
    ADMIN = "admin"
    CLINICIAN = "clinician"
    VIEWER = "viewer"


STAFF = frozenset({Role.ADMIN, Role.CLINICIAN, Role.VIEWER})
WRITERS = frozenset({Role.ADMIN, Role.CLINICIAN})
ADMINS = frozenset({Role.ADMIN})
OPERATORS = frozenset({Role.OPERATOR})
KEY_MAKERS = frozenset({Role.OPERATOR, Role.ADMIN})
PUBLIC: frozenset[Role] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    role: Role
    actor: str
    """A key's id, or a staff member's subject: what the audit names."""
    clinic_id: ClinicId = ClinicId("")
    """Empty for the operator."""


def identify(authorization: str, *, now: datetime) -> Principal | None:
    """The bearer of an Authorization header; None when the token is none of ours, or revoked."""
    from chalicelib import wiring
    from chalicelib.adapters.secrets import KEY_PREFIX, hash_of_secret

    token = _bearer(authorization)
    if not token:
        return None
    if token.startswith(KEY_PREFIX):
        key = wiring.store().key_of(hash_of_secret(token))
        return Principal(role=Role(key.role), actor=key.id, clinic_id=key.clinic_id) if key else None
    if token.count(".") == 2:
        return _staff(token, now)
    return Principal(role=Role.OPERATOR, actor="operator") if is_operator(authorization) else None


def is_operator(authorization: str) -> bool:
    """Whether this is the operator's token: known without asking anybody."""
    from chalicelib import wiring
    from chalicelib.adapters.secrets import hash_of_secret

    token = _bearer(authorization)
    expected = wiring.settings().operator_token
    offered = f"sha256:{hash_of_secret(token)}" if expected.startswith("sha256:") else token
    return bool(token) and hmac.compare_digest(offered.encode(), expected.encode())


def _bearer(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _staff(token: str, now: datetime) -> Principal | None:
    """A member of a clinic's staff, by the user pool's token. A role that is not a clinic's opens nothing."""
    from chalicelib import wiring

    tokens = wiring.staff_tokens()
    claims = tokens.claims(token, now=now) if tokens else None
    if claims is None or claims.role not in {role.value for role in STAFF}:
        return None
    if wiring.store().clinic(claims.clinic_id, now=now) is None:
        return None
    return Principal(role=Role(claims.role), actor=claims.subject, clinic_id=ClinicId(claims.clinic_id))
