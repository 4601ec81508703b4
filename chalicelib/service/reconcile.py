"""Reconcile: each morning, ask of every patient whether anything is missing, without trusting what did the sending.

It knows nothing of agendas or claims. It walks what is written: every wake up to the cursor must have a record that is
final, and an active patient's cursor must not lie behind. What is missing is made visible, counted and, where the
cursor still knows what it was, taken up again.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from chalicelib.domain.clinic import LEAST_KEPT
from chalicelib.domain.delivery import Event, Reminder, Status
from chalicelib.domain.patient import Status as PatientStatus
from chalicelib.service.chart import Chart, Reference
from chalicelib.service.ports import Queue, Store
from chalicelib.service.references import queue_in
from chalicelib.service.tick import OVERDUE

FINAL_WITHIN = timedelta(hours=1)
"""A claim is settled by redelivery within minutes; one that is not by then has been lost sight of."""

WALKED = 15
"""How many wakes back each morning looks: five days of the busiest plan. What lies before was looked at then."""

PAGE = 100


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that should stand in the history, and does not."""

    patient_id: str
    kind: str
    """`no_record`, `unfinished` or `overdue`."""
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    patients: int
    reminders: int
    gaps: tuple[Gap, ...] = field(default=())

    def counts(self) -> dict[str, int]:
        return {"patients": self.patients, "reminders": self.reminders, **Counter(gap.kind for gap in self.gaps)}


def reconcile(store: Store, queue: Queue, charts: Iterable[Chart], *, now: datetime) -> Reconciled:
    """Checks the patients, repairs what can be, and answers what was found."""
    patients = reminders = 0
    gaps: list[Gap] = []
    for chart in charts:
        patients += 1
        facts = chart.facts
        first = max(1, chart.cursor.seq - WALKED)
        history = {r.seq: r for r in store.reminders(facts.clinic.id, facts.patient.id, after=first - 1)}
        reminders += len(history)
        for gap in gaps_of(chart, history, now, first=first):
            gaps.append(gap)
            _repair(store, queue, chart, gap, now)
    return Reconciled(patients=patients, reminders=reminders, gaps=tuple(gaps))


def gaps_of(chart: Chart, history: Mapping[int, Reminder], now: datetime, *, first: int = 1) -> list[Gap]:
    """What one patient's history lacks from `first` on, by nothing but the chain of its numbers and the clock."""
    who, cursor = chart.facts.patient, chart.cursor
    waiting = {f.seq for f in cursor.in_flight.values() if now - f.at < FINAL_WITHIN}
    found = []
    long_ago = now - timedelta(days=LEAST_KEPT.log_days)
    if who.enrolled_at < long_ago:
        # Records end with their retention, in no strict order; what is this old was looked at on 365 mornings.
        first = min((r.seq for r in history.values() if r.claimed_at >= long_ago), default=cursor.seq)
    for seq in range(first, cursor.seq):
        record = history.get(seq)
        if seq in waiting:
            continue
        if record is None:
            found.append(Gap(who.id, "no_record", seq))
        elif not record.is_complete or record.status is Status.SENDING:
            found.append(Gap(who.id, "unfinished", seq))
    stopped = chart.facts.clinic.stopped_at is not None
    if who.status is PatientStatus.ACTIVE and not stopped and cursor.due is not None and cursor.due < now - OVERDUE:
        found.append(Gap(who.id, "overdue", cursor.seq))
    return found


def _repair(store: Store, queue: Queue, chart: Chart, gap: Gap, now: datetime) -> None:
    clinic, patient, cursor = chart.facts.clinic.id, chart.facts.patient.id, chart.cursor
    if gap.kind == "overdue":
        assert cursor.due is not None
        _wake(queue, chart, cursor.seq, cursor.due)
        return
    flight = next((f for f in cursor.in_flight.values() if f.seq == gap.seq), None)
    if flight is not None:
        # The claim still stands: a redelivery settles it as it would have then.
        _wake(queue, chart, flight.seq, flight.wake.due)
        return
    bare = Reminder.bare(clinic, patient, gap.seq)
    told = replace(bare, due=now, claimed_at=now, status=Status.UNKNOWN, detail="found by reconciliation")
    told = replace(told, kept_until=chart.facts.clinic.retention.log_until(now))
    store.record(told, Event.GAVE_UP)


def _wake(queue: Queue, chart: Chart, seq: int, due: datetime) -> None:
    facts = chart.facts
    reference = Reference(clinic_id=facts.clinic.id, patient_id=facts.patient.id, seq=seq, due=due)
    queue_in(queue, reference, timedelta(0))


def everybody(store: Store, now: datetime) -> Iterator[Chart]:
    """Every patient of every clinic, as they stand."""
    for clinic in store.clinics():
        start = None
        while True:
            ids, start = store.roster(clinic.id, limit=PAGE, start=start)
            for each in ids:
                chart = store.chart(clinic.id, each, now=now)
                if chart is not None:
                    yield chart
            if start is None:
                break
