"""Count: what a clinic sent, day by day, counted from the log itself a page of patients at a time.

Nothing is counted as messages leave: a counter a message would cost as much as the message's own record. Each morning,
and when a large clinic asks for a report, the last days are counted anew from what is written, so counters agree with
the log by construction. A day is counted for a week, since providers report for three days; then its count stands,
whatever reaches the end of its retention. Why it is so: docs/decisions/reports.md.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Protocol

from chalicelib.domain.clinic import Clinic
from chalicelib.domain.local_time import instant, local_date, zone
from chalicelib.service.conversation import NOBODY, Conversation
from chalicelib.service.jobs import CountJob, count_job
from chalicelib.service.ports import Queue, QueueMessage, Store
from chalicelib.service.tally import Tally, count_message, count_reminder, empty, total

RECOUNTED = timedelta(days=7)
"""A carrier's last word may take 72 hours, a mailbox's a little longer."""

PAGE = 50
"""Patients of one job: some 150 reads, a second or two."""

DAYS_AT_ONCE = 80
"""Days that one count closes: they are written in one transaction. A longer time is counted in several."""

MOST_LIVE = 500
"""Patients of a clinic whose last days a request may read by itself: ten seconds of reading at the worst. A larger
clinic's report is as of its last count."""

STALE_AFTER = timedelta(hours=1)
"""A large clinic that asks for a report has its last days counted anew when that was longer ago."""


_LONG_AGO = date(2000, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How far a clinic has been counted."""

    turn: int = 0
    """Counts the counts."""
    through: date | None = None
    """The last day counted, which was not over yet then; None before the first count."""
    at: datetime | None = None
    patients: int = 0
    enrolments: Mapping[str, int] = field(default_factory=dict)
    """Of the patients there then, by the month of their enrolment."""
    erasures: int = 0
    """Counts the erasures: a count that one came into is begun again."""

    @property
    def settled_before(self) -> date:
        """Counts of the days before it stand for good."""
        return (self.through or _LONG_AGO) - RECOUNTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A count under way: all up to and with one page of patients."""

    number: int
    first: date
    through: date
    at: datetime
    last: str
    """The page's last patient; empty where there is no page after it."""
    patients: int
    enrolments: Mapping[str, int]
    tally: Tally


class Counts(Protocol):
    """What has been counted, and what erased patients' messages counted as."""

    def counted(self, clinic_id: str) -> Counted: ...

    def ask(self, clinic_id: str, *, now: datetime) -> bool:
        """Whether a count may be asked for now: not if one was within a few minutes."""

    def part(self, clinic_id: str, before: Counted, number: int) -> Part | None: ...

    def add_part(self, clinic_id: str, before: Counted, part: Part) -> None:
        """Keeps it for a few days. One that is there already stays."""

    def close(self, clinic_id: str, before: Counted, after: Counted, days: Mapping[date, Tally]) -> bool:
        """Writes the days' counts; False where somebody was erased, or another count was closed, meanwhile."""

    def between(self, clinic_id: str, start: date, end: date, *, settled_before: date) -> Tally:
        """The days' counts, erased patients' messages among them; of the days from `settled_before` on only those of
        erased patients."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    tally: Tally
    patients: int
    enrolments: Mapping[str, int]
    as_of: datetime
    complete: bool
    """Whether it holds everything up to now. If not, it is as of the last count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """What counting takes."""

    counts: Counts
    store: Store
    talk: Conversation
    queue: Queue
    segments: Callable[[str], int]
    """How many parts a text is billed as."""
    page: int = PAGE
    most_live: int = MOST_LIVE

    def in_the_morning(self, clinic: Clinic, *, now: datetime) -> None:
        """Begins the day's count. A small clinic's last days are read whenever it asks: it is counted once a week."""
        counted = self.counts.counted(clinic.id)
        today = local_date(now, zone(clinic.timezone))
        if counted.patients > self.most_live or counted.through is None or today - counted.through >= RECOUNTED:
            self.begin(clinic.id)

    def begin(self, clinic_id: str) -> None:
        """Queues a count of the clinic's last days."""
        self._queue(CountJob(clinic_id=clinic_id, turn=self.counts.counted(clinic_id).turn, part=0))

    def work(self, job: CountJob, *, now: datetime) -> int:
        """Counts one page of patients and queues the next, or closes the count; how many patients the page had."""
        clinic, before = self.store.clinic(job.clinic_id), self.counts.counted(job.clinic_id)
        if clinic is None or before.turn != job.turn:
            return 0
        known = self.counts.part(clinic.id, before, job.part)
        part = known or self._counted_page(clinic, before, job.part, now)
        if part is None:
            # Somebody was erased, or a page is missing: from the beginning, on what stands now.
            self.begin(clinic.id)
            return 0
        if known is None:
            self.counts.add_part(clinic.id, before, part)
        if part.last:
            self._queue(replace(job, part=job.part + 1))
        else:
            self._close(clinic, before, part, now)
        return part.patients

    def _counted_page(self, clinic: Clinic, before: Counted, number: int, now: datetime) -> Part | None:
        earlier = self.counts.part(clinic.id, before, number - 1) if number else _beginning(clinic, before, now)
        if earlier is None:
            return None
        page = self.store.roster_after(clinic.id, earlier.last, limit=self.page)
        if page is None:
            return None
        tally, patients, enrolments = total([earlier.tally]), 0, Counter(earlier.enrolments)
        for patient_id in page if number else [NOBODY, *page]:
            month = self._count(tally, clinic, patient_id, earlier.first, now)
            if month:
                patients += 1
                enrolments[month] += 1
        return replace(
            earlier,
            number=number,
            last=page[-1] if len(page) == self.page else "",
            patients=earlier.patients + patients,
            enrolments=enrolments,
            tally=tally.within(earlier.first, earlier.through),
        )

    def _count(self, tally: Tally, clinic: Clinic, patient_id: str, since: date, now: datetime) -> str | None:
        """Counts what the patient was sent since then; the month of the enrolment, None where there is no patient."""
        # The latest first, up to what was claimed days before: a second attempt may be recorded late.
        early = instant(since - timedelta(days=2), time(), zone(clinic.timezone))
        for reminder in self.store.latest_reminders(clinic.id, patient_id):
            if reminder.is_complete and reminder.claimed_at < early:
                break
            count_reminder(tally, reminder, clinic.timezone)
        for message in self.talk.messages(clinic.id, patient_id):
            count_message(tally, message, clinic.timezone, self.segments)
        chart = self.store.chart(clinic.id, patient_id, now=now)
        return f"{local_date(chart.facts.patient.enrolled_at, zone(clinic.timezone)):%Y-%m}" if chart else None

    def _close(self, clinic: Clinic, before: Counted, part: Part, now: datetime) -> None:
        """Writes what a count came to. Begins the next where somebody was erased meanwhile, or days are left."""
        after = Counted(
            turn=before.turn + 1,
            through=part.through,
            at=part.at,
            patients=part.patients,
            enrolments=part.enrolments,
            erasures=before.erasures,
        )
        days = {day: part.tally.within(day, day) for day in _days(part.first, part.through)}
        closed = self.counts.close(clinic.id, before, after, days)
        left = part.through < local_date(now, zone(clinic.timezone))
        if left if closed else self.counts.counted(clinic.id).turn == before.turn:
            self.begin(clinic.id)

    def report(self, clinic: Clinic, start: date, end: date, *, now: datetime) -> Report:
        """What the clinic sent on its local days from `start` to `end`, both included."""
        counted = self.counts.counted(clinic.id)
        if counted.patients <= self.most_live:
            live = self._live(clinic, counted, now)
            if live is not None:
                settled = counted.settled_before
                kept = self.counts.between(clinic.id, start, end, settled_before=settled)
                return replace(live, tally=total([kept, live.tally.within(max(start, settled), end)]))
        if (counted.at is None or now - counted.at >= STALE_AFTER) and self.counts.ask(clinic.id, now=now):
            self.begin(clinic.id)
        return Report(
            tally=self.counts.between(clinic.id, start, end, settled_before=date.max),
            patients=counted.patients,
            enrolments=counted.enrolments,
            as_of=counted.at or now,
            complete=False,
        )

    def _live(self, clinic: Clinic, counted: Counted, now: datetime) -> Report | None:
        """The days that are not settled, as they are at this moment; None for too large a clinic."""
        tally, patients, enrolments = empty(), 0, Counter[str]()
        for patient_id in self._everybody(clinic.id):
            month = self._count(tally, clinic, patient_id, counted.settled_before, now)
            if month:
                patients += 1
                enrolments[month] += 1
            if patients > self.most_live:
                return None
        return Report(tally=tally, patients=patients, enrolments=enrolments, as_of=now, complete=True)

    def _everybody(self, clinic_id: str) -> Iterator[str]:
        yield NOBODY
        start = None
        while True:
            ids, start = self.store.roster(clinic_id, limit=100, start=start)
            yield from ids
            if start is None:
                return

    def _queue(self, job: CountJob) -> None:
        body = count_job(job.clinic_id, job.turn, job.part)
        self.queue.send([QueueMessage(body=body, group=job.clinic_id)])


def _beginning(clinic: Clinic, before: Counted, now: datetime) -> Part:
    """What a count starts from: no patient yet, and the days it is to count."""
    today = local_date(now, zone(clinic.timezone))
    if before.through is None:
        first = local_date(clinic.created_at or now - RECOUNTED, zone(clinic.timezone))
    else:
        # Providers had not said their last of the days that were fresh at the last count.
        first = before.settled_before
    through = min(today, first + timedelta(days=DAYS_AT_ONCE - 1))
    return Part(number=-1, first=first, through=through, at=now, last="", patients=0, enrolments={}, tally=empty())


def _days(first: date, last: date) -> Iterator[date]:
    day = first
    while day <= last:
        yield day
        day += timedelta(days=1)
