"""Perform: what follows a claim. Open its tasks, send its one message, record what became of it.

Exactly one call is made to a provider for each attempt that was claimed. Whatever breaks, the queue message comes
again, and `settle` closes the claim by evidence: a record, a provider's event, or what does less harm.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain.cursor import Attempt, InFlight, Wake
from chalicelib.domain.delivery import (
    GRACE,
    LOST,
    MAX_UNSURE_ATTEMPTS,
    Event,
    Reminder,
    Status,
    let_go,
    resends,
    why_not,
)
from chalicelib.domain.facts import Facts
from chalicelib.domain.ids import digest, reminder_id, spread
from chalicelib.domain.links import without_tokens
from chalicelib.domain.message import Composed, Site, compose, time_to_live
from chalicelib.domain.occurrence import About, Reason
from chalicelib.domain.provider_context import ForReminder
from chalicelib.domain.wording import Copybook, SmsText
from chalicelib.service.allowance import Allowance
from chalicelib.service.chart import Chart, Reference, Task
from chalicelib.service.followups import RefusedJob, refused_job
from chalicelib.service.metrics import Metric, Metrics
from chalicelib.service.outgoing import email_of, text_of
from chalicelib.service.ports import (
    SANDBOX,
    Accepted,
    Ambiguous,
    EmailProvider,
    NotSent,
    Queue,
    QueueMessage,
    SmsProvider,
    Store,
)
from chalicelib.service.ports import Outcome as Answer
from chalicelib.service.references import queue_in

BUSY_RETRY = timedelta(seconds=30)
"""A throttled provider is asked again after this long, each time a little later."""

SPREAD_S = 30

BLOCKED_RETRY = timedelta(minutes=10)
"""Where a quota or a permission of ours stands in the way, somebody has to mend it first."""

REMEMBERED = 4
"""Earlier attempts kept with a claim: enough to see what went wrong, few enough for the cursor's kilobyte."""


OUTSIDE = Reason(SANDBOX, "this stage is a sandbox, and the address is not on the list of those it may contact")


class Done(StrEnum):
    """What a queue message came to."""

    GONE = "gone"
    """There is no such patient any more."""
    MOVED = "moved"
    """The wake has another time now, and a reference of its own."""
    EARLY = "early"
    HELD = "held"
    SENT = "sent"
    SETTLED = "settled"
    """Nothing was to be sent, or all had been done before."""
    WAITING = "waiting"
    """It is not known yet, or not possible yet; a delayed reference asks again."""
    LET_GO = "let_go"
    """It certainly did not go out and is no longer to."""
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Performing:
    """What carrying out a claimed wake takes: the ports, the words, and where links lead."""

    store: Store
    queue: Queue
    notes: Queue
    """Where what follows from a refusal is done, beside what follows from the providers' events."""
    sms: SmsProvider
    email: EmailProvider
    book: Callable[[], Copybook]
    site: Site
    metrics: Metrics
    allowance: Allowance

    def words(self, facts: Facts, wake: Wake, now: datetime) -> Composed | None:
        """The wake's message as it reads at `now`; None where there is nothing to say or nobody to say it to."""
        return compose(self.book(), facts, wake, now, self.site) if wake.sends else None

    def perform(self, chart: Chart, flight: InFlight, words: Composed | None, *, now: datetime) -> Done:
        """Does what was just claimed."""
        self._open_tasks(chart, flight.wake, now)
        if not flight.wake.sends:
            return self._settled(chart, flight)
        if words is None:
            why = why_not(chart.facts, flight.wake, now)
            return self._let_go(chart, flight, why or Reason("no_contact", "there is nobody it may be sent to"))
        return self._send(chart, flight, words, now)

    def settle(self, chart: Chart, flight: InFlight, *, now: datetime, token: str) -> Done:
        """Closes a wake that was claimed before: by its record, by a provider's event, or by what is safer."""
        known = self.store.reminder(chart.facts.clinic.id, chart.facts.patient.id, flight.seq)
        if known is not None and known.is_complete:
            return Done.SETTLED
        wake = flight.wake
        self._open_tasks(chart, wake, now)
        if not wake.sends:
            return self._settled(chart, flight)
        if known is not None:
            # A provider's event proves that it went out; the record of it is all that is missing.
            attempt = _attempt(flight, flight.at, "accepted")
            words = self._tried(chart, flight)
            self._record(chart, flight, words, Status.SENT, attempt, sent_at=flight.at, provider_id=known.provider_id)
            self._told(Metric.SENT, flight)
            return Done.SETTLED
        why = why_not(chart.facts, wake, now)
        if flight.not_sent:
            shut = self.allowance.blocked(wake.channel, now)
            if why is None and shut is not None:
                return self._wait(chart, flight, shut.until - now)
            if why is not None and why.rule == "clinic_stopped":
                return self._wait(chart, flight, BLOCKED_RETRY)
            return self._let_go(chart, flight, why) if why else self._again(chart, flight, now, token)
        ripe = flight.at + GRACE[wake.channel]
        if now < ripe:
            return self._wait(chart, flight, ripe - now)
        if why is None and resends(wake.rank) and flight.unsure + 1 < MAX_UNSURE_ATTEMPTS:
            return self._again(chart, flight, now, token)
        return self._unknown(chart, flight, _attempt(flight, flight.at, "ambiguous"))

    def relive(self, chart: Chart, flight: InFlight, went_out: Mapping[str, datetime]) -> Done:
        """Records a wake of a time that was lost, whose message is not to be sent a second time."""
        self._open_tasks(chart, flight.wake, flight.at)
        if not flight.wake.sends:
            return self._settled(chart, flight)
        at = went_out.get(reminder_id(chart.facts.patient.id, flight.seq))
        words = self._tried(chart, flight)
        if at is None:
            last = _attempt(flight, flight.at, "ambiguous", code=LOST)
            self._record(chart, flight, words, Status.UNKNOWN, last, detail=LOST)
            return Done.UNKNOWN
        self._record(chart, flight, words, Status.SENT, _attempt(flight, at, "accepted"), sent_at=at)
        return Done.SENT

    def record_lost(self, chart: Chart, seq: int, went_out: datetime | None, *, now: datetime) -> None:
        """Records that a reminder of this number went out, or may have, of which nothing else is known."""
        bare = Reminder.bare(chart.facts.clinic.id, chart.facts.patient.id, seq)
        status = Status.UNKNOWN if went_out is None else Status.SENT
        told = replace(bare, due=went_out or now, claimed_at=went_out or now, status=status, sent_at=went_out)
        self.store.record(replace(told, detail=LOST), _EVENTS[status])

    # --- sending ---

    def _send(self, chart: Chart, flight: InFlight, words: Composed, now: datetime) -> Done:
        answer = self._ask(chart, flight, words, now)
        if not isinstance(answer, NotSent):
            segments = words.text.segments if words.text else 0
            self.allowance.spent(chart.facts.clinic, flight.wake.channel, segments, now)
        match answer:
            case Accepted(provider_id=provider_id):
                attempt = _attempt(flight, now, "accepted")
                self._record(chart, flight, words, Status.SENT, attempt, sent_at=now, provider_id=provider_id)
                self._told(Metric.SENT, flight)
                self._told(Metric.LATENESS, flight, (now - flight.wake.due).total_seconds())
                return Done.SENT
            case Ambiguous():
                return self._wait(chart, flight, GRACE[flight.wake.channel])
            case NotSent(code=code) if code == SANDBOX:
                return self._let_go(chart, flight, OUTSIDE)
            case NotSent():
                return self._refused(chart, flight, words, answer, now)

    def _refused(self, chart: Chart, flight: InFlight, words: Composed, answer: NotSent, now: datetime) -> Done:
        attempt = _attempt(flight, now, "not_sent", code=answer.code)
        delay = BLOCKED_RETRY
        if answer.retry:
            # Spread, or those that were too many together would come back together.
            delay = BUSY_RETRY * flight.attempt + timedelta(seconds=spread(chart.facts.patient.id, SPREAD_S))
        if answer.account:
            self.allowance.block(flight.wake.channel, answer.code, now)
        if not answer.permanent and why_not(chart.facts, flight.wake, now + delay) is None:
            freed = replace(flight, not_sent=True, earlier=(*flight.earlier, attempt)[-REMEMBERED:])
            self.store.retry(chart, flight, freed)
            return self._wait(chart, flight, delay)
        if flight.unsure:
            return self._unknown(chart, flight, attempt)
        # Queued first: what follows from a refusal must not be lost between it and the record.
        self._follow_up(chart, flight, answer)
        self._record(chart, flight, words, Status.FAILED, attempt, detail=answer.code)
        self._told(Metric.FAILED, flight, code=answer.code)
        return Done.FAILED

    def _follow_up(self, chart: Chart, flight: InFlight, answer: NotSent) -> None:
        job = RefusedJob(
            clinic_id=chart.facts.clinic.id,
            patient_id=chart.facts.patient.id,
            seq=flight.seq,
            code=answer.code,
            permanent=answer.permanent,
            opted_out=answer.opted_out,
        )
        self.notes.send([QueueMessage(body=refused_job(job), group=job.clinic_id)])

    def _again(self, chart: Chart, flight: InFlight, now: datetime, token: str) -> Done:
        """Claims the next attempt, and makes it."""
        words = self.words(chart.facts, flight.wake, now)
        assert words is not None, "why_not has found a contact"
        earlier, unsure = flight.earlier, flight.unsure
        if not flight.not_sent:
            earlier = (*earlier, _attempt(flight, flight.at, "ambiguous"))[-REMEMBERED:]
            unsure += 1
        following = replace(
            flight,
            attempt=flight.attempt + 1,
            token=token,
            at=now,
            not_sent=False,
            unsure=unsure,
            earlier=earlier,
        )
        if not self.store.retry(chart, flight, following):
            # Somebody else is on it, or the facts moved on: look again when they are done.
            return self._wait(chart, flight, BUSY_RETRY)
        return self._send(chart, following, words, now)

    def _ask(self, chart: Chart, flight: InFlight, words: Composed, now: datetime) -> Answer:
        clinic, wake = chart.facts.clinic, flight.wake
        about = ForReminder(
            clinic_id=clinic.id,
            patient_id=chart.facts.patient.id,
            seq=flight.seq,
            attempt=flight.attempt,
            kind=wake.kind,
        )
        if words.text:
            return self.sms.send(text_of(words, clinic, time_to_live(chart.facts, wake, now), about))
        return self.email.send(email_of(words, clinic, about))

    def _wait(self, chart: Chart, flight: InFlight, delay: timedelta) -> Done:
        facts = chart.facts
        reference = Reference(
            clinic_id=facts.clinic.id, patient_id=facts.patient.id, seq=flight.seq, due=flight.wake.due
        )
        queue_in(self.queue, reference, delay)
        return Done.WAITING

    # --- how it ends ---

    def _settled(self, chart: Chart, flight: InFlight) -> Done:
        self._record(chart, flight, None, Status.SETTLED)
        return Done.SETTLED

    def _let_go(self, chart: Chart, flight: InFlight, why: Reason) -> Done:
        if flight.unsure:
            return self._unknown(chart, flight)
        gone = replace(flight, wake=replace(flight.wake, outcomes=let_go(flight.wake.outcomes, why)))
        self._record(chart, gone, None, Status.SETTLED)
        self._told(Metric.LET_GO, flight)
        return Done.LET_GO

    def _unknown(self, chart: Chart, flight: InFlight, *last: Attempt) -> Done:
        self._record(chart, flight, self._tried(chart, flight), Status.UNKNOWN, *last)
        self._told(Metric.UNKNOWN, flight)
        return Done.UNKNOWN

    def _told(self, metric: Metric, flight: InFlight, value: float = 1, *, code: str = "") -> None:
        self.metrics.tell(metric, value, kind=flight.wake.kind, channel=flight.wake.channel, code=code)

    def _tried(self, chart: Chart, flight: InFlight) -> Composed | None:
        """The words as they read when the attempt was made: what staff must be able to see, whatever became of it."""
        return self.words(chart.facts, flight.wake, flight.at)

    def _record(
        self,
        chart: Chart,
        flight: InFlight,
        words: Composed | None,
        status: Status,
        *last: Attempt,
        provider_id: str = "",
        sent_at: datetime | None = None,
        detail: str = "",
    ) -> None:
        wake, rendered = flight.wake, words.rendered if words else None
        reminder = Reminder(
            clinic_id=chart.facts.clinic.id,
            patient_id=chart.facts.patient.id,
            seq=flight.seq,
            due=wake.due,
            claimed_at=flight.at,
            channel=wake.channel,
            kind=wake.kind,
            category=wake.category,
            status=status,
            outcomes=wake.outcomes,
            next_due=chart.cursor.due,
            contact_id=words.contact.id if words else "",
            template=rendered.template if rendered else wake.template,
            version=rendered.version if rendered else 0,
            language=rendered.language if rendered else "",
            segments=rendered.segments if isinstance(rendered, SmsText) else 0,
            text=without_tokens(rendered.text) if rendered else "",
            attempts=(*flight.earlier, *last),
            provider_id=provider_id,
            sent_at=sent_at,
            detail=detail,
            rank=wake.rank,
            useful_until=wake.useful_until if wake.sends else None,
            about=wake.about if wake.sends else About(),
            kept_until=chart.facts.clinic.retention.log_until(flight.at),
        )
        self.store.record(reminder, _EVENTS[status])

    def _open_tasks(self, chart: Chart, wake: Wake, now: datetime) -> None:
        for task in tasks_of(chart, wake, now):
            self.store.open_task(task)


_EVENTS = {
    Status.SENT: Event.ACCEPTED,
    Status.FAILED: Event.REFUSED,
    Status.UNKNOWN: Event.GAVE_UP,
    Status.SETTLED: Event.SETTLED,
}


def _attempt(flight: InFlight, at: datetime, outcome: str, *, code: str = "") -> Attempt:
    return Attempt(number=flight.attempt, at=at, outcome=outcome, code=code)


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
            detail=outcome.detail if outcome.rule != "as_planned" else f"the plan asks for it by {outcome.about.due}",
            opened_at=now,
            due_on=outcome.about.due,
            title=outcome.about.title or "Phone the patient: this message could not be sent",
            step=outcome.step,
        )
        for outcome in wake.tasks
    ]
