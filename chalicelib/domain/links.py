"""Links that patients and staff follow: signed, expiring, each for one purpose. No personal data, no lookup.

A token is `payload.signature`, both base64url: whoever holds it may do the one thing it says, until it expires. The
signature is HMAC-SHA256 cut to 128 bits, which no one guesses within a link's life.
"""

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from .ids import ClinicId, PatientId


class Purpose(StrEnum):
    VISIT = "v"
    """Confirm an appointment, or ask for another time."""
    CHECKIN = "c"
    """Answer the questions of a check-in."""
    PREFERENCES = "p"
    """Say which messages to get, and by which channel."""
    UNSUBSCRIBE = "u"
    """RFC 8058 one click: stop one category of e-mail."""
    ACKNOWLEDGE = "a"
    """A member of staff has seen a task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    purpose: Purpose
    clinic_id: ClinicId
    patient_id: PatientId
    subject: str
    """What it is about: an appointment's id, a category, a task's id."""
    expires: datetime


def sign(link: Link, secret: bytes) -> str:
    expires = f"{int(link.expires.timestamp()):x}"
    payload = "|".join((link.purpose.value, link.clinic_id, link.patient_id, link.subject, expires)).encode()
    return f"{_encode(payload)}.{_encode(_mac(payload, secret))}"


def read(token: str, secret: bytes, now: datetime) -> Link | None:
    """What the token permits; None when it was altered, made for something else, or has expired."""
    head, _, tail = token.partition(".")
    payload = _decode(head)
    # As bytes: strings outside ASCII it refuses to compare.
    if payload is None or not hmac.compare_digest(
        _encode(_mac(payload, secret)).encode(), tail.encode("utf-8", "replace")
    ):
        return None
    purpose, clinic, patient, subject, expires = payload.decode().split("|")
    link = Link(
        purpose=Purpose(purpose),
        clinic_id=ClinicId(clinic),
        patient_id=PatientId(patient),
        subject=subject,
        expires=datetime.fromtimestamp(int(expires, 16), UTC),
    )
    return link if now < link.expires else None


_TOKEN = re.compile(r"(/r/|/unsubscribe/)[\w.-]+")


def without_tokens(text: str) -> str:
    """The text with its links cut short: whoever may read what was sent does not get the patient's keys with it."""
    return _TOKEN.sub(r"\1…", text)


def _mac(payload: bytes, secret: bytes) -> bytes:
    return hmac.digest(secret, b"link:" + payload, "sha256")[:16]


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(text: str) -> bytes | None:
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
