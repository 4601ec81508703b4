"""Intervene: what operators may do about one occurrence: have it sent again, or have it not sent.

Neither sends anything. Both change, under the cursor's fence, what the plan takes for open; the next wake finds it so,
claims it as ever, and keeps to hours, caps and consent as ever.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.domain.agenda import agenda
from chalicelib.domain.cursor import Outcome
from chalicelib.domain.delivery import SHOWN, Reminder, Status
from chalicelib.domain.facts import Facts, Progress
from chalicelib.domain.local_time import local_date
from chalicelib.domain.occurrence import RESENT, VOIDED, Entry, Occurrence, Reason, State
from chalicelib.domain.patient import Channel
from chalicelib.domain.patient import Status as PatientStatus
from chalicelib.domain.placing import SPACING
from chalicelib.domain.problem import Problem
from chalicelib.domain.replan import AHEAD, replanned
from chalicelib.domain.slots import all_slotted, beginning
from chalicelib.service.change import TRIES, Contended, Refusal, wake_soon
from chalicelib.service.chart import Audit, Chart
from chalicelib.service.ports import Queue, Store

UNDONE = (Status.FAILED, Status.UNREACHED, Status.UNKNOWN)
"""What a message came to that may be sent again. Of all others it is known that they went out, or were not to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervened:
    """What was done, or would be."""

    changed: bool
    """False: it was so already."""
    message: tuple[str, ...]
    """The ids of the occurrences it concerns: all that shared the message which is to go again."""
    entry: Entry | None
    """Where it stands now; None once nothing more happens to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One occurrence, and what is written of it."""

    chart: Chart
    occurrence: str
    history: Sequence[Reminder]

    @property
    def facts(self) -> Facts:
        return self.chart.facts

    def last(self) -> tuple[Reminder, Outcome] | None:
        """The latest record that tells of it."""
        told = [(r, o) for r in self.history for o in r.outcomes if o.id == self.occurrence]
        return told[-1] if told else None

    @property
    def under_way(self) -> bool:
        """Whether a wake has claimed it whose record is not there yet."""
        recorded = {reminder.seq for reminder in self.history if reminder.is_complete}
        flights = [f for f in self.chart.cursor.in_flight.values() if f.seq not in recorded]
        return any(o.id == self.occurrence for f in flights for o in f.wake.carried)

    def wanted(self) -> Occurrence | None:
        """What the plan still has open under that id."""
        facts = self.facts
        until = local_date(facts.progress.through, facts.tz) + AHEAD
        for occurrence, slot in all_slotted(facts, beginning(facts), until):
            if occurrence.id == self.occurrence:
                return occurrence if facts.progress.is_open(occurrence.id, slot) else None
        return None


Decided = tuple[Progress, tuple[str, ...]] | Refusal | None
"""The progress it takes and the occurrences it concerns; None where there is nothing to do."""


Answer = Intervened | Refusal | None
"""None: there is no such patient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervening:
    """What intervening takes. `rehearse`: say what would be done and change nothing."""

    store: Store
    queue: Queue

    def resend(self, clinic_id: str, patient_id: str, occurrence: str, audit: Audit, *, rehearse: bool) -> Answer:
        """Opens a message again that failed, whose fate is unknown, or that was voided; all that shared it go along.

        It takes the place of the first one: caps count it once. Refused where it would not go out, with the rule.
        """

        def decide(case: Case) -> Decided:
            return _resent(case, audit)

        return self._carry_out(clinic_id, patient_id, occurrence, decide, audit, rehearse=rehearse)

    def void(self, clinic_id: str, patient_id: str, occurrence: str, audit: Audit, *, rehearse: bool) -> Answer:
        """Calls off what has not gone out; the timeline keeps it, `cancelled`, with the reason.

        What was claimed and certainly did not leave is not tried again; what may have left is not sent twice.
        """

        def decide(case: Case) -> Decided:
            return _voided(case, audit)

        return self._carry_out(clinic_id, patient_id, occurrence, decide, audit, rehearse=rehearse)

    def _carry_out(
        self,
        clinic_id: str,
        patient_id: str,
        occurrence: str,
        decide: Callable[[Case], Decided],
        audit: Audit,
        *,
        rehearse: bool,
    ) -> Answer:
        for _ in range(TRIES):
            chart = self.store.chart(clinic_id, patient_id, now=audit.at)
            if chart is None:
                return None
            case = Case(chart=chart, occurrence=occurrence, history=list(self.store.reminders(clinic_id, patient_id)))
            decided = decide(case)
            if isinstance(decided, Refusal):
                return decided
            if decided is None:
                return Intervened(changed=False, message=(occurrence,), entry=_entry(chart.facts, occurrence, audit.at))
            progress, message = decided
            opened = replace(chart.facts, progress=progress)
            facts, cursor = replanned(opened, opened, chart.cursor, audit.at)
            entry = _entry(facts, occurrence, audit.at)
            if occurrence not in progress.voided and (entry is None or entry.state is not State.SCHEDULED):
                return _no(f"it would not go out: {entry.reason.detail}" if entry else "the plan no longer wants it")
            done = Intervened(changed=True, message=message, entry=entry)
            after = Chart(facts=facts, cursor=cursor)
            if rehearse:
                return done
            if self.store.commit(chart, after, audit=audit):
                wake_soon(self.queue, after, audit.at)
                return done
        raise Contended


def _resent(case: Case, audit: Audit) -> Decided:
    facts = case.facts
    progress = facts.progress
    if facts.patient.status is not PatientStatus.ACTIVE:
        return _no(f"the patient is {facts.patient.status}")
    if case.under_way:
        return _no("it has been claimed, and what became of it is not known yet: look again in some minutes")
    if case.occurrence in progress.voided and case.wanted() is not None:
        return _lifted(progress, {case.occurrence}), (case.occurrence,)
    last = case.last()
    if last is None:
        return _no("it has not been sent yet" if case.wanted() else "there is no such occurrence")
    reminder, outcome = last
    if case.occurrence in progress.pending:
        return None
    if outcome.channel is Channel.TASK:
        return _no("it is a task for staff, not a message")
    if outcome.rule == VOIDED:
        return _reopened(progress, [outcome], audit), (case.occurrence,)
    if outcome.state is not State.SENT:
        return _no(f"it was {outcome.state} by the rule {outcome.rule}: {outcome.detail}")
    if reminder.status not in UNDONE:
        return _no(f"it is {SHOWN[reminder.status]}: it went out at {reminder.claimed_at:%Y-%m-%d %H:%M}Z")
    shared = [o for o in reminder.outcomes if o.state is State.SENT and o.channel is not Channel.TASK]
    freed = replace(
        progress, sent=_without(progress.sent, reminder.due), mailed=_without(progress.mailed, reminder.due)
    )
    return _reopened(freed, shared, audit), tuple(o.id for o in shared)


def _voided(case: Case, audit: Audit) -> Decided:
    progress = case.facts.progress
    last = case.last()
    if case.occurrence in progress.voided:
        return None
    if not case.under_way and case.wanted() is None:
        if last is None:
            return _no("there is no such occurrence")
        reminder, outcome = last
        if outcome.rule == VOIDED:
            return None
        state = SHOWN[reminder.status] if outcome.state is State.SENT else outcome.state
        return _no(f"nothing of it is to come: it is {state} since {reminder.claimed_at:%Y-%m-%d %H:%M}Z")
    voided = {**progress.voided, case.occurrence: Reason(VOIDED, f"voided by ops: {audit.reason}")}
    return replace(progress, voided=voided), (case.occurrence,)


def _reopened(progress: Progress, outcomes: Iterable[Outcome], audit: Audit) -> Progress:
    again = Reason(RESENT, f"sent again by ops: {audit.reason}")
    opened = {o.id: again for o in outcomes}
    lifted = _lifted(progress, set(opened))
    # How far back to look for them is worked out when the plan is laid out again.
    return replace(lifted, pending={**progress.pending, **opened}, oldest=None, done=progress.done - set(opened))


def _lifted(progress: Progress, occurrences: set[str]) -> Progress:
    kept = {o: why for o, why in progress.voided.items() if o not in occurrences}
    return replace(progress, voided=kept)


def _without(sent: tuple[datetime, ...], due: datetime) -> tuple[datetime, ...]:
    """What the caps have used up, but for the message that was due then: no other of its channel is as near."""
    near = min(sent, key=lambda at: abs(at - due), default=None)
    if near is None or abs(near - due) >= SPACING / 2:
        return sent
    return tuple(at for at in sent if at is not near)


def _entry(facts: Facts, occurrence: str, now: datetime) -> Entry | None:
    until = now + AHEAD
    return next((e for e in agenda(facts, now, until) if e.occurrence.id == occurrence), None)


def _no(message: str) -> Refusal:
    return Refusal((Problem("occurrence", message),), conflict=True)
