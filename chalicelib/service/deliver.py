"""Deliver: one queue message, one wake. Load, decide, claim, send once, record.

The order is the point. Nothing leaves before the claim, a conditional write that also moves the cursor on; after it
exactly one call is made to a provider; what it answered is recorded before the queue message is let go. Whatever
breaks in between, the message comes again and `resolve` settles it by evidence.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.domain.cursor import Hold, InFlight, Wake
from chalicelib.domain.decision import decide
from chalicelib.domain.delivery import GRACE, MAX_UNSURE_ATTEMPTS, Attempt, Event, Reminder, Status, resends
from chalicelib.domain.ids import digest
from chalicelib.domain.message import Composed, Site, compose, time_to_live
from chalicelib.domain.patient import Status as PatientStatus
from chalicelib.domain.wording import Copybook, SmsText
from chalicelib.service.chart import Chart, Reference, Task
from chalicelib.service.ports import Accepted, Ambiguous, Email, EmailProvider, NotSent, Queue, Sms, SmsProvider, Store
from chalicelib.service.ports import Outcome as Answer
from chalicelib.service.references import queue_if_near, queue_in

EARLY = timedelta(seconds=5)
"""A queue message may show a moment before its time; more than this, it waits for it."""

BUSY_RETRY_S = 30
"""A throttled provider is asked again after this long, each time a little later."""

BLOCKED_RETRY_S = 600
"""Where a quota or a permission of ours stands in the way, somebody has to mend it first."""


class Unsettled(Exception):
    """It is not known whether the message went out. Raised so that the queue brings the reference back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What delivering takes: the ports, the words, and where links lead."""

    store: Store
    queue: Queue
    sms: SmsProvider
    email: EmailProvider
    book: Callable[[], Copybook]
    site: Site

    def deliver(self, reference: Reference, *, now: datetime, token: str) -> str:
        """Carries out the wake the reference points at, if it still stands. Answers what was done, in a word.

        `token` is new for every invocation and marks the claim as its own. Raises `Unsettled` when the provider's
        answer was lost, or is not yet known from an earlier attempt.
        """
        chart = self.store.chart(reference.clinic_id, reference.patient_id, now=now)
        if chart is None:
            return "gone"
        if chart.cursor.seq > reference.seq:
            return self._resolve(chart, reference, now=now, token=token)
        if chart.cursor.seq < reference.seq or chart.cursor.due != reference.due:
            # Whoever moved it has queued its new time, or the tick will.
            return "moved"
        if reference.due > now + EARLY:
            queue_if_near(self.queue, reference, now)
            return "early"
        return self._wake(chart, reference, now=max(now, reference.due), token=token)

    def _wake(self, chart: Chart, reference: Reference, *, now: datetime, token: str) -> str:
        decision = decide(chart.facts, chart.cursor, now, token)
        if isinstance(decision, Hold):
            return self._hold(chart, reference, decision, now)
        wake, claimed = decision
        # Rendered before the claim, so that copy which cannot be rendered costs no reminder.
        composed = compose(self.book(), chart.facts, wake, now, self.site) if wake.sends else None
        if self.store.claim(chart, claimed) is not None:
            # Somebody else claimed it or changed the facts in this very moment; what they left behind decides.
            return self.deliver(reference, now=now, token=token)
        if claimed.due is not None:
            following = replace(reference, seq=claimed.seq, due=claimed.due)
            queue_if_near(self.queue, following, now)
        flight = claimed.in_flight[wake.channel]
        return self._perform(chart, reference, flight, composed, claimed.due, now)

    def _hold(self, chart: Chart, reference: Reference, hold: Hold, now: datetime) -> str:
        if hold.until is None or hold.until == chart.cursor.due:
            return hold.reason.rule
        if self.store.hold(reference, hold.until, hold.lane, hold.reason):
            queue_if_near(self.queue, replace(reference, due=hold.until), now)
        return "held"

    # --- after the claim ---

    def _perform(
        self,
        chart: Chart,
        reference: Reference,
        flight: InFlight,
        composed: Composed | None,
        next_due: datetime | None,
        now: datetime,
    ) -> str:
        for task in tasks_of(chart, flight.wake, now):
            self.store.open_task(task)
        record = _record(chart, flight, composed, next_due)
        if composed is None:
            # Nothing to send, or (after a lost claim) nobody left to send it to.
            event = Event.REFUSED if flight.wake.sends else Event.SETTLED
            status = Status.FAILED if flight.wake.sends else Status.SETTLED
            self.store.record(replace(record, status=status, detail="no_contact" if flight.wake.sends else ""), event)
            return status.value
        return self._answered(chart, reference, flight, record, self._send(chart, flight, composed, now), now)

    def _answered(
        self, chart: Chart, reference: Reference, flight: InFlight, record: Reminder, answer: Answer, now: datetime
    ) -> str:
        channel = flight.wake.channel
        match answer:
            case Accepted(provider_id=provider_id):
                attempt = Attempt(number=flight.attempt, at=now, outcome="accepted", provider_id=provider_id)
                done = replace(
                    record,
                    status=Status.SENT,
                    provider_id=provider_id,
                    sent_at=now,
                    attempts=(*record.attempts, attempt),
                )
                self.store.record(done, Event.ACCEPTED)
                return "sent"
            case Ambiguous(code=code):
                raise Unsettled(code)
            case NotSent(code=code, permanent=permanent) if not permanent:
                delay = BUSY_RETRY_S * flight.attempt if answer.retry else BLOCKED_RETRY_S
                later = now + timedelta(seconds=delay)
                facts = chart.facts
                if later < flight.wake.useful_until and facts.window.holds(later, facts.tz):
                    freed = replace(flight, not_sent=True)
                    if self.store.retry(reference, channel, flight, freed):
                        queue_in(self.queue, reference, min(delay, 900))
                    return "not_sent"
                return self._failed(record, flight, code, now)
            case NotSent(code=code):
                return self._failed(record, flight, code, now)

    def _failed(self, record: Reminder, flight: InFlight, code: str, now: datetime) -> str:
        attempt = Attempt(number=flight.attempt, at=now, outcome="not_sent", code=code)
        failed = replace(record, status=Status.FAILED, detail=code, attempts=(*record.attempts, attempt))
        self.store.record(failed, Event.REFUSED)
        return "failed"

    def _send(self, chart: Chart, flight: InFlight, composed: Composed, now: datetime) -> Answer:
        clinic, patient = chart.facts.clinic, chart.facts.patient
        about = {
            "r": f"{clinic.id}.{patient.id}.{flight.seq}",
            "k": flight.wake.kind,
            "u": "patient",
            "a": str(flight.attempt),
        }
        if composed.text:
            return self.sms.send(
                Sms(
                    to=composed.contact.address,
                    text=composed.text.text,
                    origination=clinic.sms_number,
                    time_to_live_s=time_to_live(chart.facts, flight.wake, now),
                    context=about,
                )
            )
        assert composed.email is not None
        headers = {}
        if composed.unsubscribe:
            headers = {
                "List-Unsubscribe": f"<{composed.unsubscribe}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            }
        return self.email.send(
            Email(
                to=composed.contact.address,
                sender=clinic.from_email,
                subject=composed.email.subject,
                text=composed.email.text,
                html=composed.email.html,
                headers=headers,
                # A tag's value takes no dots.
                tags={**about, "r": about["r"].replace(".", "-_-")},
            )
        )

    # --- when the reference comes again ---

    def _resolve(self, chart: Chart, reference: Reference, *, now: datetime, token: str) -> str:
        """Settles a wake that was claimed before: by its record, by a provider's event, or by what is safer."""
        flight = next((f for f in chart.cursor.in_flight.values() if f.seq == reference.seq), None)
        if flight is None:
            return "settled"
        known = self.store.reminder(reference.clinic_id, reference.patient_id, flight.seq)
        if known is not None and known.is_complete:
            return "settled"
        wake = flight.wake
        next_due = chart.cursor.due
        if known is not None:
            # A provider's event proves that it went out; the record of it is all that is missing.
            record = _record(chart, flight, None, next_due)
            attempt = Attempt(number=flight.attempt, at=flight.at, outcome="accepted", provider_id=known.provider_id)
            proven = replace(record, status=Status.SENT, sent_at=flight.at, attempts=(attempt,))
            self.store.record(proven, Event.ACCEPTED)
            return "settled"
        if not wake.sends:
            return self._perform(chart, reference, flight, None, next_due, now)
        facts = chart.facts
        stands = facts.patient.status is PatientStatus.ACTIVE and facts.clinic.stopped_at is None
        in_time = now <= wake.useful_until and facts.window.holds(now, facts.tz)
        composed = compose(self.book(), facts, wake, now, self.site) if stands and in_time else None
        if flight.not_sent:
            if composed is None:
                return self._failed(_record(chart, flight, None, next_due), flight, "not_sent_in_time", now)
            return self._again(chart, reference, flight, composed, now, token)
        if now - flight.at < GRACE[wake.channel]:
            raise Unsettled("within the grace period")
        if resends(wake.rank) and flight.attempt < MAX_UNSURE_ATTEMPTS and composed is not None:
            return self._again(chart, reference, flight, composed, now, token)
        record = _record(chart, flight, None, next_due)
        attempt = Attempt(number=flight.attempt, at=flight.at, outcome="ambiguous")
        self.store.record(replace(record, status=Status.UNKNOWN, attempts=(attempt,)), Event.GAVE_UP)
        return "unknown"

    def _again(
        self, chart: Chart, reference: Reference, flight: InFlight, composed: Composed, now: datetime, token: str
    ) -> str:
        mine = replace(flight, attempt=flight.attempt + 1, token=token, at=now, not_sent=False)
        if not self.store.retry(reference, flight.wake.channel, flight, mine):
            raise Unsettled("another worker is on it")
        record = _record(chart, mine, composed, chart.cursor.due)
        return self._answered(chart, reference, mine, record, self._send(chart, mine, composed, now), now)


def _record(chart: Chart, flight: InFlight, composed: Composed | None, next_due: datetime | None) -> Reminder:
    wake = flight.wake
    rendered = composed.rendered if composed else None
    return Reminder(
        clinic_id=chart.facts.clinic.id,
        patient_id=chart.facts.patient.id,
        seq=flight.seq,
        due=wake.due,
        claimed_at=flight.at,
        channel=wake.channel,
        kind=wake.kind,
        category=wake.category,
        status=Status.SENDING,
        outcomes=wake.outcomes,
        next_due=next_due,
        contact_id=composed.contact.id if composed else "",
        template=rendered.template if rendered else wake.template,
        version=rendered.version if rendered else 0,
        language=rendered.language if rendered else "",
        segments=rendered.segments if isinstance(rendered, SmsText) else 0,
        text=rendered.text if rendered else "",
    )


def tasks_of(chart: Chart, wake: Wake, now: datetime) -> list[Task]:
    """The staff tasks a wake makes, under ids that make the same task of the same occurrence."""
    facts = chart.facts
    return [
        Task(
            id=f"{facts.patient.id}{digest(facts.clinic.id, outcome.id)}",
            clinic_id=facts.clinic.id,
            patient_id=facts.patient.id,
            kind=outcome.kind,
            tier=outcome.about.tier,
            rule=outcome.step,
            detail=outcome.detail,
            opened_at=now,
            due_on=outcome.about.due,
            title=outcome.about.title or "Phone the patient: this message could not be sent",
            step=outcome.step,
        )
        for outcome in wake.tasks
    ]
