"""A word from staff to a patient, by the channels and in the hours the patient agreed to."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.facts import Facts
from chalicelib.domain.local_time import HARD_WALL, ContactWindow, local_text
from chalicelib.domain.patient import Channel, Contact
from chalicelib.service.conversation import Message
from chalicelib.service.say import Saying, Voice

ANSWERS_WITHIN = timedelta(days=1)
"""Whoever wrote within a day is answered at any hour: it is their conversation."""


@dataclass(frozen=True, slots=True)
class NotNow:
    """It is night where the patient is, and they have not written lately."""

    local_time: str


def send_to_patient(
    voice: Voice, facts: Facts, contact: Contact, text: str, cause: str, *, now: datetime
) -> Message | NotNow:
    """Sends `text` to the contact at once. Only the hard wall holds a person's own message back, not the contact
    window: somebody decided to write now."""
    wall = ContactWindow(*HARD_WALL)
    if not wall.holds(now, facts.tz) and not _wrote_lately(voice, facts, now):
        return NotNow(local_text(wall.next_open(now, facts.tz), facts.tz))
    saying = Saying(
        clinic=facts.clinic,
        patient_id=facts.patient.id,
        to=contact.address,
        channel=contact.channel,
        kind="staff_message",
        cause=cause,
        words=f"{facts.clinic.name}: {text}" if contact.channel is Channel.SMS else text,
        subject=facts.clinic.name,
    )
    voice.say(saying, now=now)
    sent = voice.talk.message(facts.clinic.id, facts.patient.id, saying.id)
    assert sent is not None, "saying stores what it says"
    return sent


def _wrote_lately(voice: Voice, facts: Facts, now: datetime) -> bool:
    said = voice.talk.messages(facts.clinic.id, facts.patient.id)
    return any(m.inbound and now - m.at < ANSWERS_WITHIN for m in said)
