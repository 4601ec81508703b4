"""Reconcile: each morning, ask of every patient whether anything is missing, without trusting what did the sending.

It knows nothing of agendas or claims. It walks what is written: every wake from the first to the cursor must have a
record that is final, and an active patient's cursor must not lie behind. What is missing is made visible and counted,
never guessed at.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from chalicelib.domain.delivery import Event, Reminder, Status
from chalicelib.domain.patient import Channel
from chalicelib.domain.patient import Status as PatientStatus
from chalicelib.service.chart import Chart, Reference
from chalicelib.service.ports import Queue, Store
from chalicelib.service.references import queue_in
from chalicelib.service.tick import OVERDUE

FINAL_WITHIN = timedelta(hours=1)
"""A claim is settled by redelivery within minutes; one that is not by then has been lost sight of."""

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


def reconcile(store: Store, queue: Queue, *, now: datetime) -> Reconciled:
    """Checks every patient of every clinic, repairs what can be, and answers what was found."""
    patients = reminders = 0
    gaps: list[Gap] = []
    for chart in _everybody(store, now):
        patients += 1
        history = {r.seq: r for r in store.reminders(chart.facts.clinic.id, chart.facts.patient.id)}
        reminders += len(history)
        for gap in gaps_of(chart, history, now):
            gaps.append(gap)
            _repair(store, queue, chart, gap)
    return Reconciled(patients=patients, reminders=reminders, gaps=tuple(gaps))


def gaps_of(chart: Chart, history: dict[int, Reminder], now: datetime) -> list[Gap]:
    """What one patient's history lacks, by nothing but the chain of its numbers and the clock."""
    who, cursor = chart.facts.patient, chart.cursor
    waiting = {f.seq for f in cursor.in_flight.values() if now - f.at < FINAL_WITHIN}
    found = []
    for seq in range(1, cursor.seq):
        record = history.get(seq)
        if record is None and seq not in waiting:
            found.append(Gap(who.id, "no_record", seq))
        elif record is not None and record.status is Status.SENDING and seq not in waiting:
            found.append(Gap(who.id, "unfinished", seq))
    stopped = chart.facts.clinic.stopped_at is not None
    if who.status is PatientStatus.ACTIVE and not stopped and cursor.due is not None and cursor.due < now - OVERDUE:
        found.append(Gap(who.id, "overdue", cursor.seq))
    return found


def _repair(store: Store, queue: Queue, chart: Chart, gap: Gap) -> None:
    clinic, patient, cursor = chart.facts.clinic.id, chart.facts.patient.id, chart.cursor
    if gap.kind == "overdue":
        assert cursor.due is not None
        queue_in(queue, Reference(clinic_id=clinic, patient_id=patient, seq=cursor.seq, due=cursor.due), 0)
        return
    bare = Reminder.bare(clinic, patient, gap.seq)
    flight = next((f for f in cursor.in_flight.values() if f.seq == gap.seq), None)
    if flight is not None:
        bare = replace(
            bare,
            due=flight.wake.due,
            claimed_at=flight.at,
            channel=flight.wake.channel,
            kind=flight.wake.kind,
            category=flight.wake.category,
            outcomes=flight.wake.outcomes,
        )
    sends = flight is None or flight.wake.channel is not Channel.TASK
    status, event = (Status.UNKNOWN, Event.GAVE_UP) if sends else (Status.SETTLED, Event.SETTLED)
    store.record(replace(bare, status=status, detail="found by reconciliation"), event)


def _everybody(store: Store, now: datetime) -> Iterator[Chart]:
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
