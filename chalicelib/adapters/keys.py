"""Every key of the table. `under` is the wall between clinics: whatever a clinic owns has a key made by it."""

from datetime import datetime

from chalicelib.adapters.table import Key
from chalicelib.domain.local_time import utc_text

CLINICS = "CLINICS"
"""The roster partition that lists the clinics themselves, for the operator."""

FACTS = "F#"
"""The prefix of what decides sends; one consistent query reads it all."""
CURSOR = "F#cursor"
HISTORY = "H#"
MESSAGES = "M#"
TASKS = "T#"
CONSENTS = "G#"
"""Consents given and withdrawn, append-only."""

WATERMARK = Key("TICK", "watermark")
"""Where the tick has looked up to, and the next free second of each busy lane: one item, one conditional write."""


def under(clinic: str, *parts: str) -> str:
    """A partition of the clinic's. Ids hold no `#`, so no part can reach out of its place."""
    for part in (clinic, *parts):
        if "#" in part:
            raise ValueError("a key part holds no '#'")
    return "#".join(("C", clinic, *parts))


def clinic(clinic_id: str) -> Key:
    return Key(under(clinic_id), "clinic")


def clinic_of_number(sms_number: str) -> Key:
    return Key(f"S#{sms_number}", "clinic")


def access_key(clinic_id: str, key_id: str) -> Key:
    return Key(under(clinic_id), f"key#{key_id}")


def key_of_secret(secret_hash: str) -> Key:
    return Key(f"K#{secret_hash}", "key")


def protocol(clinic_id: str, protocol_id: str) -> Key:
    return Key(under(clinic_id), f"protocol#{protocol_id}")


def patient(clinic_id: str, patient_id: str) -> str:
    return under(clinic_id, "P", patient_id)


def fact(clinic_id: str, patient_id: str, *noun: str) -> Key:
    return Key(patient(clinic_id, patient_id), FACTS + "#".join(noun))


def cursor(clinic_id: str, patient_id: str) -> Key:
    return Key(patient(clinic_id, patient_id), CURSOR)


def reminder(clinic_id: str, patient_id: str, seq: int) -> Key:
    return Key(patient(clinic_id, patient_id), f"{HISTORY}{seq:08d}")


def message(clinic_id: str, patient_id: str, message_id: str) -> Key:
    return Key(patient(clinic_id, patient_id), MESSAGES + message_id)


def task(clinic_id: str, patient_id: str, task_id: str) -> Key:
    return Key(patient(clinic_id, patient_id), TASKS + task_id)


def last_unread(clinic_id: str, patient_id: str) -> Key:
    """Which task was the last to be opened for what the patient said: so that two texts at once open one."""
    return Key(patient(clinic_id, patient_id), "U#last")


def audit(clinic_id: str, at: datetime, audit_id: str) -> Key:
    """A month of the clinic's audit is one partition, in order of time."""
    return Key(under(clinic_id, "audit", f"{at:%Y-%m}"), f"{utc_text(at)}#{audit_id}")


def address(clinic_id: str, address_hash: str) -> str:
    """What is known of one number or e-mail address at one clinic."""
    return under(clinic_id, "N", address_hash)


STANDING = "standing"
WAITING = "waiting"


def tasks(clinic_id: str, state: str) -> str:
    return under(clinic_id, "tasks", state)


def roster(clinic_id: str) -> str:
    return under(clinic_id, "roster")


def shard(index: int) -> str:
    return f"D#{index}"


def due(at: datetime, clinic_id: str, patient_id: str) -> str:
    """Sorts by time; the ids keep two patients due in one second apart."""
    return f"{utc_text(at)}#{clinic_id}#{patient_id}"


def up_to(at: datetime) -> str:
    """Sorts after every key of `due` with that instant or an earlier one: `~` comes after every id's `#`."""
    return f"{utc_text(at)}~"
