"""Note: what providers report about messages, and what follows from it.

Events come late, twice and in any order; the table in `domain.delivery` says what each changes. What is said of an
address is kept with the address; what was not delivered is said another way (`elsewhere`), or becomes a task.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.domain.delivery import Event, Status
from chalicelib.domain.facts import Facts
from chalicelib.domain.ids import ClinicId, PatientId, digest
from chalicelib.domain.patient import Category, Contact, ContactStatus
from chalicelib.domain.provider_context import ForMessage, ForReminder
from chalicelib.service.answers import Answering, Stopping
from chalicelib.service.change import Altered, Desk
from chalicelib.service.chart import Audit, Task
from chalicelib.service.conversation import Conversation
from chalicelib.service.elsewhere import Elsewhere
from chalicelib.service.escalate import Escalation
from chalicelib.service.followups import RefusedJob
from chalicelib.service.ladder import is_round
from chalicelib.service.metrics import SILENT, Metric, Metrics
from chalicelib.service.ports import Store
from chalicelib.service.receipts import Receipt
from chalicelib.service.retry import Retrying

UNRECORDED_FOR = timedelta(hours=1)
"""An event may overtake the record of its own send, by seconds; after this the reconciliation has found what lacks."""

ALL_BUT_SAFETY = tuple(c for c in Category if c is not Category.SAFETY)
"""What a complaint ends (clinical reference §7.4)."""


class Unrecorded(Exception):
    """The send that an event is about has not been recorded yet. Raised so that the queue brings the event back."""


_Alteration = Callable[[Contact], Contact]


@dataclass(frozen=True, slots=True)
class _Work:
    """What staff are asked to do about an address."""

    kind: str
    rule: str
    detail: str
    title: str

    def task(self, facts: Facts, contact: Contact, now: datetime) -> Task:
        return Task(
            id=f"{facts.patient.id}{digest(facts.clinic.id, contact.id, contact.address, self.kind)}",
            clinic_id=facts.clinic.id,
            patient_id=facts.patient.id,
            kind=self.kind,
            tier="review_soon",
            rule=self.rule,
            detail=self.detail,
            opened_at=now,
            title=self.title,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Noting:
    """What noting takes."""

    store: Store
    talk: Conversation
    desk: Desk
    answering: Answering
    elsewhere: Elsewhere
    retrying: Retrying
    escalation: Escalation
    metrics: Metrics = SILENT

    def note(self, receipt: Receipt, *, now: datetime) -> str:
        """Acts on one event. Answers, in a word, what it was taken for."""
        about = receipt.about
        if receipt.failed:
            self.metrics.tell(Metric.UNDELIVERED, kind=about.kind, channel=receipt.channel, code=receipt.code)
        if isinstance(about, ForMessage):
            return self._message(about, receipt, now)
        self.store.evidence(
            about.clinic_id,
            about.patient_id,
            about.seq,
            receipt.event,
            receipt.provider_id,
            receipt.at,
            receipt.code,
            attempt=about.attempt,
        )
        said = self._address(receipt, now)
        if receipt.failed or receipt.never_known:
            return self._reminder(about, receipt, now)
        return said or receipt.event.value

    def refused(self, job: RefusedJob, *, now: datetime) -> str:
        """A reminder that the provider would not take at all: no event follows, so this stands in for one."""
        chart = self.store.chart(job.clinic_id, job.patient_id, now=now)
        reminder = self.store.reminder(job.clinic_id, job.patient_id, job.seq)
        if chart is None:
            return "gone"
        if reminder is None or not reminder.is_complete:
            raise Unrecorded
        contact = next((c for c in chart.facts.contacts if c.id == reminder.contact_id), None)
        if contact is not None and job.opted_out:
            # The provider holds a STOP that did not come through here.
            self.store.mark(job.clinic_id, contact.address, ContactStatus.STOPPED, now)
            for each in self.store.patients_of(job.clinic_id, contact.address):
                theirs = self.store.chart(job.clinic_id, each, now=now)
                if theirs is not None:
                    cause = digest("refused", reminder.id)
                    self.answering.stop(theirs, contact.address, Stopping.AT_THE_CARRIER, cause=cause, now=now)
        elif contact is not None and job.permanent:
            self._nothing_arrives(job.clinic_id, contact.address, job.code, reminder.id, now)
        self.elsewhere.say_or_phone(reminder, job.code, now=now)
        return "refused"

    # --- messages that are no reminders ---

    def _message(self, about: ForMessage, receipt: Receipt, now: datetime) -> str:
        self.talk.evidence(
            about.clinic_id, about.patient_id, about.message_id, receipt.event, receipt.provider_id, receipt.code
        )
        if about.audience == "staff":
            if receipt.failed:
                self._climb(about, now)
            return "page"
        said = self._address(receipt, now)
        if receipt.failed:
            self.elsewhere.phone_about(about, receipt.code, now=now)
            return "undelivered"
        return said or receipt.event.value

    def _climb(self, about: ForMessage, now: datetime) -> None:
        """A contact's page that did not arrive goes straight to the next rung. A round had other ways to arrive."""
        page = self.talk.message(about.clinic_id, about.patient_id, about.message_id)
        if page is None:
            return
        task_id, rung, *_ = page.cause.split(".")
        task = self.talk.task(about.clinic_id, task_id)
        clinic = self.store.clinic(about.clinic_id)
        if task is None or clinic is None or is_round(clinic, int(rung)):
            return
        if task.rung == int(rung) + 1:
            self.escalation.climb(clinic, task, rung=task.rung, now=now)

    # --- reminders ---

    def _reminder(self, about: ForReminder, receipt: Receipt, now: datetime) -> str:
        reminder = self.store.reminder(about.clinic_id, about.patient_id, about.seq)
        if reminder is None or not reminder.is_complete:
            if now - receipt.at < UNRECORDED_FOR:
                raise Unrecorded
            return "unrecorded"
        if receipt.never_known:
            # For safety, a message of which nobody will ever know counts as one that did not arrive (§7.2).
            if reminder.category is Category.SAFETY and reminder.status is Status.SENT:
                self.elsewhere.say_or_phone(reminder, "TEXT_UNKNOWN", now=now)
            return "never_known"
        if reminder.status not in (Status.FAILED, Status.UNREACHED):
            # It was delivered all the same, or this speaks of an attempt before the last.
            return "late"
        if receipt.event is Event.UNREACHED and reminder.again_at is None:
            self.elsewhere.say(reminder, now=now)
            self.retrying.in_a_while(reminder, now=now)
            return "unreached"
        self.elsewhere.say_or_phone(reminder, receipt.code, now=now)
        return "undelivered"

    # --- addresses ---

    def _address(self, receipt: Receipt, now: datetime) -> str:
        """Keeps what the event says of the address itself."""
        if not (receipt.complained or receipt.address_is_bad):
            return ""
        clinic_id = receipt.about.clinic_id
        address = receipt.address or self._sent_to(receipt, now)
        if not address:
            return ""
        if receipt.complained:
            self._complained(clinic_id, address, receipt.provider_id, now)
            return "complaint"
        self._nothing_arrives(clinic_id, address, receipt.code, receipt.provider_id, now)
        return "unreachable"

    def _sent_to(self, receipt: Receipt, now: datetime) -> str:
        """The address by the record of the send, where the event does not name it."""
        about = receipt.about
        if not isinstance(about, ForReminder):
            return ""
        chart = self.store.chart(about.clinic_id, about.patient_id, now=now)
        reminder = self.store.reminder(about.clinic_id, about.patient_id, about.seq)
        contacts = chart.facts.contacts if chart and reminder else ()
        return next((c.address for c in contacts if reminder and c.id == reminder.contact_id), "")

    def _complained(self, clinic_id: ClinicId, address: str, cause: str, now: datetime) -> None:
        self.store.mute(clinic_id, address, ALL_BUT_SAFETY, on=False)

        def muted(contact: Contact) -> Contact:
            return replace(contact, muted=tuple(c for c in Category if c in {*contact.muted, *ALL_BUT_SAFETY}))

        task = _Work(
            "complaint", "Complaint", "the patient marked an e-mail as spam", "Ask how the patient wants to be reached"
        )
        self._everybody_at(clinic_id, address, muted, task, "contact.complained", cause, now)

    def _nothing_arrives(self, clinic_id: ClinicId, address: str, code: str, cause: str, now: datetime) -> None:
        self.store.mark(clinic_id, address, ContactStatus.BAD, now)

        def bad(contact: Contact) -> Contact:
            return replace(contact, status=ContactStatus.BAD) if contact.status is ContactStatus.OK else contact

        task = _Work(
            "unreachable",
            code,
            "the provider says nothing arrives there",
            "Ask the patient for another number or address",
        )
        self._everybody_at(clinic_id, address, bad, task, "contact.unreachable", cause, now)

    def _everybody_at(
        self,
        clinic_id: ClinicId,
        address: str,
        altered: _Alteration,
        work: _Work,
        action: str,
        cause: str,
        now: datetime,
    ) -> None:
        """First the address was written, which every enrolment and new contact depends on; now whoever is reached."""
        for patient_id in self.store.patients_of(clinic_id, address):

            def alter(facts: Facts) -> Altered | None:
                at = {c.id: altered(c) for c in facts.contacts if c.address.casefold() == address.casefold()}
                contacts = tuple(at.get(c.id, c) for c in facts.contacts)
                if contacts == facts.contacts:
                    return None
                task = work.task(facts, next(iter(at.values())), now)
                return Altered(facts=replace(facts, contacts=contacts), tasks=(task,))

            audit = Audit(
                id=digest("note", clinic_id, patient_id, action, cause),
                clinic_id=clinic_id,
                at=now,
                actor="service",
                action=action,
                patient_id=PatientId(patient_id),
            )
            self.desk.change(clinic_id, patient_id, alter, audit, now=now)
