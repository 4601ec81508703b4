"""What travels with a message to its provider and comes back on every event about it: opaque ids, nothing else.

A text carries it as its Context, five pairs at most; an e-mail as tags, any number of them, whose values take letters,
digits, `_` and `-` only. Ids are made of just those, so that a dot can part them in a Context and nothing can in a tag:
there, each has a tag of its own.
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


_APART = {"r": ("c", "p", "n"), "m": ("c", "p", "i")}
"""The tags of an e-mail that stand for one pair of a text: clinic, patient, the reminder's number or the message."""


def email_tags(about: About) -> dict[str, str]:
    found = sms_context(about)
    name = "r" if "r" in found else "m"
    parts = found.pop(name).split(".")
    return {**dict(zip(_APART[name], parts, strict=True)), **found}


def read_context(pairs: Mapping[str, str]) -> About | None:
    """What an event is about, from a text's Context or an e-mail's tags; None when it carries nothing of ours."""
    name = "r" if "r" in pairs or "n" in pairs else "m"
    parts = pairs[name].split(".") if name in pairs else [pairs[tag] for tag in _APART[name] if tag in pairs]
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
