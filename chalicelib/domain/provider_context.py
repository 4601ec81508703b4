"""What travels with a message to its provider and comes back on every event about it: opaque ids, nothing else.

A text carries it as its Context (five pairs at most), an e-mail as tags, whose values take letters, digits, `_` and `-`
only. Every id of ours is made of those too and has a fixed place, so each travels in a pair of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from .ids import ClinicId, PatientId


@dataclass(frozen=True, slots=True, kw_only=True)
class ForReminder:
    clinic_id: ClinicId
    patient_id: PatientId
    seq: int
    attempt: int
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForMessage:
    clinic_id: ClinicId
    patient_id: PatientId
    message_id: str
    attempt: int
    kind: str
    audience: str


About = ForReminder | ForMessage


def sms_context(about: About) -> dict[str, str]:
    """`r` is `<clinic>.<patient>.<seq>` of a reminder, `m` `<clinic>.<patient>.<message>` of all else; `k` is the
    kind, `u` whom it is for, `a` the attempt."""
    match about:
        case ForReminder():
            named = {"r": f"{about.clinic_id}.{about.patient_id}.{about.seq}", "u": "patient"}
        case ForMessage():
            named = {"m": f"{about.clinic_id}.{about.patient_id}.{about.message_id}", "u": about.audience}
    return {**named, "k": about.kind, "a": str(about.attempt)}


_DOT = "-_-"
"""Stands for the dot in a tag's value."""


def email_tags(about: About) -> dict[str, str]:
    return {name: value.replace(".", _DOT) for name, value in sms_context(about).items()}


def read_context(pairs: Mapping[str, str]) -> About | None:
    """What an event is about; None when it carries no context of ours."""
    name = "r" if "r" in pairs else "m"
    parts = pairs.get(name, "").replace(_DOT, ".").split(".")
    if len(parts) != 3:
        return None
    clinic, patient, last = parts
    attempt = int(pairs.get("a", "1"))
    kind = pairs.get("k", "")
    if name == "m":
        return ForMessage(
            clinic_id=ClinicId(clinic),
            patient_id=PatientId(patient),
            message_id=last,
            attempt=attempt,
            kind=kind,
            audience=pairs.get("u", "patient"),
        )
    return ForReminder(
        clinic_id=ClinicId(clinic), patient_id=PatientId(patient), seq=int(last), attempt=attempt, kind=kind
    )
