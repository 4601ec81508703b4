"""Note: what providers report about messages, and what follows from it.

Events come late, twice and in any order; the table in `domain.delivery` says what each changes. What cannot be
delivered marks its contact, goes once by the other channel, and otherwise becomes a task.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from chalicelib.domain.delivery import Event
from chalicelib.domain.facts import Facts
from chalicelib.domain.ids import PatientId, digest
from chalicelib.domain.patient import Category, Channel, Contact, ContactStatus
from chalicelib.domain.provider_context import About, ForMessage, ForReminder, read_context
from chalicelib.service.change import Altered, Desk
from chalicelib.service.chart import Audit, Task
from chalicelib.service.conversation import Conversation
from chalicelib.service.escalate import Escalation
from chalicelib.service.metrics import SILENT, Metric, Metrics
from chalicelib.service.ports import Store
from chalicelib.service.say import Saying, Voice

SMS_EVENTS = {
    "TEXT_QUEUED": Event.ACCEPTED,
    "TEXT_PENDING": Event.ACCEPTED,
    "TEXT_SUCCESSFUL": Event.DELIVERED,
    "TEXT_DELIVERED": Event.DELIVERED,
    "TEXT_UNREACHABLE": Event.UNDELIVERED,
    "TEXT_CARRIER_UNREACHABLE": Event.UNDELIVERED,
    "TEXT_TTL_EXPIRED": Event.UNDELIVERED,
    "TEXT_BLOCKED": Event.UNDELIVERED,
    "TEXT_CARRIER_BLOCKED": Event.UNDELIVERED,
    "TEXT_SPAM": Event.UNDELIVERED,
    "TEXT_INVALID": Event.UNDELIVERED,
    "TEXT_INVALID_MESSAGE": Event.UNDELIVERED,
    "TEXT_PROTECT_BLOCKED": Event.UNDELIVERED,
    "TEXT_UNKNOWN": Event.ACCEPTED,
}
"""End User Messaging's event types (clinical reference §7.2). TEXT_SENT stands in the enumeration but never comes."""

EMAIL_EVENTS = {
    "Send": Event.ACCEPTED,
    "Delivery": Event.DELIVERED,
    "Bounce": Event.UNDELIVERED,
    "Reject": Event.UNDELIVERED,
    "Rendering Failure": Event.UNDELIVERED,
    "Complaint": Event.DELIVERED,
    "DeliveryDelay": Event.ACCEPTED,
}
"""SES event types (clinical reference §7.4). A complaint is about something that arrived."""

_ALL_BUT_SAFETY = tuple(c for c in Category if c is not Category.SAFETY)
"""What a complaint ends (clinical reference §7.4)."""

CONTACT_IS_BAD = {"TEXT_INVALID", "TEXT_BLOCKED", "Bounce"}
"""These say that nothing will ever arrive at the address; the others speak of this time, or of the copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One provider event, read from its own shape."""

    about: About
    event: Event
    code: str
    provider_id: str
    at: datetime
    channel: Channel
    contact_is_bad: bool = False
    complained: bool = False


def read_receipt(body: str) -> Receipt | None:
    """The receipt in a queue message: an SNS envelope around a provider's event. None for events that change nothing
    or are about nothing of ours. Raises ValueError or KeyError for what is no such thing."""
    envelope = json.loads(body)
    raw = json.loads(envelope["Message"]) if "Message" in envelope else envelope
    if "mail" in raw:
        return _email(raw)
    about = read_context(raw.get("context") or {})
    event = SMS_EVENTS.get(raw["eventType"])
    if about is None or event is None:
        return None
    return Receipt(
        about=about,
        event=event,
        code=raw["eventType"] if event is Event.UNDELIVERED else "",
        provider_id=str(raw.get("messageId", "")),
        at=datetime.fromtimestamp(raw["eventTimestamp"] / 1000, UTC).replace(microsecond=0),
        channel=Channel.SMS,
        contact_is_bad=raw["eventType"] in CONTACT_IS_BAD,
    )


def _email(raw: Mapping[str, Any]) -> Receipt | None:
    mail, kind = raw["mail"], raw["eventType"]
    tags = {name: values[0] for name, values in (mail.get("tags") or {}).items() if values}
    about, event = read_context(tags), EMAIL_EVENTS.get(kind)
    if about is None or event is None:
        return None
    permanent = kind == "Bounce" and raw["bounce"]["bounceType"] == "Permanent"
    told: Mapping[str, Any] = next((raw[key] for key in ("bounce", "complaint", "delivery") if key in raw), {})
    at = told.get("timestamp") or mail.get("timestamp")
    code = f"Bounce:{raw['bounce']['bounceType']}" if kind == "Bounce" else kind
    return Receipt(
        about=about,
        event=event,
        code=code if event is Event.UNDELIVERED else "",
        provider_id=str(mail.get("messageId", "")),
        at=datetime.fromisoformat(at).replace(microsecond=0),
        channel=Channel.EMAIL,
        contact_is_bad=permanent,
        complained=kind == "Complaint",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Noting:
    """What noting takes."""

    store: Store
    talk: Conversation
    desk: Desk
    voice: Voice
    escalation: Escalation
    metrics: Metrics = SILENT

    def note(self, receipt: Receipt, *, now: datetime) -> str:
        about = receipt.about
        if receipt.event is Event.UNDELIVERED:
            self.metrics.tell(Metric.UNDELIVERED, kind=about.kind, channel=receipt.channel)
        match about:
            case ForReminder():
                self.store.evidence(
                    about.clinic_id,
                    about.patient_id,
                    about.seq,
                    receipt.event,
                    receipt.provider_id,
                    receipt.at,
                    receipt.code,
                )
            case ForMessage():
                self.talk.evidence(
                    about.clinic_id,
                    about.patient_id,
                    about.message_id,
                    receipt.event,
                    receipt.provider_id,
                    receipt.code,
                )
        if isinstance(about, ForMessage) and about.audience == "staff":
            if receipt.event is Event.UNDELIVERED:
                self._climb(about, now)
            return "page"
        if receipt.complained:
            self._alter_contact(receipt, now, muted=True)
            return "complaint"
        if receipt.event is Event.UNDELIVERED:
            if receipt.contact_is_bad:
                self._alter_contact(receipt, now, muted=False)
            self._fall_back(receipt, now)
            return "undelivered"
        return receipt.event.value

    def _climb(self, about: ForMessage, now: datetime) -> None:
        """A page that did not arrive goes straight to the next rung."""
        page = self.talk.message(about.clinic_id, about.patient_id, about.message_id)
        if page is None:
            return
        task_id, _, rung = page.cause.rpartition(".")
        task = self.talk.task(about.clinic_id, task_id)
        clinic = self.store.clinic(about.clinic_id)
        if task is not None and clinic is not None and task.rung == int(rung) + 1:
            self.escalation.climb(clinic, task, rung=task.rung, now=now)

    def _alter_contact(self, receipt: Receipt, now: datetime, *, muted: bool) -> None:
        about = receipt.about
        chart = self.store.chart(about.clinic_id, about.patient_id, now=now)
        reached = self._contact(chart.facts, receipt) if chart else None
        if reached is None:
            return
        # First the address, which every enrolment and new contact depends on; then whoever is reached by it.
        if muted:
            self.store.mute(about.clinic_id, reached.address, _ALL_BUT_SAFETY, on=False)
        else:
            self.store.mark(about.clinic_id, reached.address, ContactStatus.BAD, now)
        for patient_id in self.store.patients_of(about.clinic_id, reached.address):
            self._alter_contact_of(patient_id, reached, receipt, now, muted=muted)

    def _alter_contact_of(
        self, patient_id: str, reached: Contact, receipt: Receipt, now: datetime, *, muted: bool
    ) -> None:
        about = receipt.about

        def alter(facts: Facts) -> Altered | None:
            contact = next((c for c in facts.contacts if c.address.casefold() == reached.address.casefold()), None)
            if contact is None:
                return None
            if muted:
                changed = replace(contact, muted=_ALL_BUT_SAFETY)
            else:
                changed = self.store.standing(facts.clinic.id, contact.address).of(contact)
            if changed == contact:
                return None
            task = Task(
                id=f"{facts.patient.id}{digest(facts.clinic.id, contact.id, contact.address, 'bad')}",
                clinic_id=facts.clinic.id,
                patient_id=facts.patient.id,
                kind="complaint" if muted else "unreachable",
                tier="review_soon",
                rule=receipt.code or "Complaint",
                detail="the patient marked an e-mail as spam" if muted else "the provider says nothing arrives there",
                opened_at=now,
                title="Ask how the patient wants to be reached"
                if muted
                else "Ask the patient for another number or address",
            )
            others = tuple(changed if c.id == contact.id else c for c in facts.contacts)
            return Altered(facts=replace(facts, contacts=others), tasks=(task,))

        audit = Audit(
            id=digest("note", about.clinic_id, patient_id, receipt.provider_id, receipt.code),
            clinic_id=about.clinic_id,
            at=now,
            actor="service",
            action="contact.unreachable" if not muted else "contact.complained",
            patient_id=PatientId(patient_id),
        )
        self.desk.change(about.clinic_id, patient_id, alter, audit, now=now)

    def _contact(self, facts: Facts, receipt: Receipt) -> Contact | None:
        if isinstance(receipt.about, ForReminder):
            known = self.store.reminder(facts.clinic.id, facts.patient.id, receipt.about.seq)
            named = [c for c in facts.contacts if known is not None and c.id == known.contact_id]
            if named:
                return named[0]
        return next((c for c in facts.contacts if c.channel is receipt.channel), None)

    def _fall_back(self, receipt: Receipt, now: datetime) -> None:
        """Sends the same words once by the other channel, or asks staff to phone."""
        about = receipt.about
        if not isinstance(about, ForReminder):
            return
        reminder = self.store.reminder(about.clinic_id, about.patient_id, about.seq)
        chart = self.store.chart(about.clinic_id, about.patient_id, now=now)
        if reminder is None or chart is None or not reminder.text:
            return
        facts = chart.facts
        other = Channel.EMAIL if receipt.channel is Channel.SMS else Channel.SMS
        contact = facts.contact(other, reminder.category)
        standing = facts.patient.status == "active" and facts.clinic.stopped_at is None
        if contact is not None and standing and facts.patient.pause_at(now) is None and self._in_hours(facts, now):
            self.voice.say(
                Saying(
                    clinic=facts.clinic,
                    patient_id=facts.patient.id,
                    to=contact.address,
                    channel=other,
                    kind=f"{reminder.kind}_fallback",
                    cause=f"{about.patient_id}.{about.seq}",
                    words=reminder.text,
                    subject=facts.clinic.name,
                ),
                now=now,
            )
            return
        self.store.open_task(
            Task(
                id=f"{facts.patient.id}{digest(facts.clinic.id, about.seq, 'undelivered')}",
                clinic_id=facts.clinic.id,
                patient_id=facts.patient.id,
                kind="undelivered",
                tier="review_soon" if reminder.category is Category.SAFETY else "routine",
                rule=receipt.code,
                detail="it was not delivered, and there is no other channel",
                opened_at=now,
                title="Phone the patient: a message was not delivered",
            )
        )

    @staticmethod
    def _in_hours(facts: Facts, now: datetime) -> bool:
        return facts.window.holds(now, facts.tz)
