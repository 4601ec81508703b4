"""Opaque ids: `[A-Za-z0-9_-]` only, so that they pass through URLs, keys, provider contexts and tags unescaped."""

from base64 import urlsafe_b64encode
from hashlib import blake2b
from typing import NewType

ClinicId = NewType("ClinicId", str)
PatientId = NewType("PatientId", str)
OccurrenceId = NewType("OccurrenceId", str)
StepId = NewType("StepId", str)
"""`<protocol>/<step key>`, for instance `spasticity.v1/weekly`; appointment reminders use `appointment/<offset>`."""


def digest(*parts: object) -> str:
    """A stable 16-character id made of its parts (96 bits: no clash within any one clinic's lifetime)."""
    made = blake2b("\x1f".join(map(str, parts)).encode(), digest_size=12).digest()
    return urlsafe_b64encode(made).decode()


def occurrence_id(patient: str, step: str, *ordinal: object) -> OccurrenceId:
    """The id of one occurrence: what it belongs to and which one it is, never when, so that a moved one keeps it."""
    return OccurrenceId(digest(patient, step, *ordinal))


def spread(seed: str, places: int) -> int:
    """A stable number in [0, places) for `seed`: spreads a clinic's patients over weekdays and half-hours."""
    return int.from_bytes(blake2b(seed.encode(), digest_size=4).digest()) % places


def reminder_id(patient: str, seq: int) -> str:
    return f"{patient}.{seq}"
