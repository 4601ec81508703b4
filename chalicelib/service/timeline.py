"""Timeline: what went out, what will, and for whatever does not, why. The past is read, the future computed."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.domain.agenda import agenda
from chalicelib.domain.decision import wake_of
from chalicelib.domain.delivery import SHOWN, Reminder
from chalicelib.domain.facts import Facts
from chalicelib.domain.ids import reminder_id
from chalicelib.domain.message import Composed, Site, compose
from chalicelib.domain.occurrence import About, Entry, Reason, State
from chalicelib.domain.patient import Channel
from chalicelib.domain.wording import Copybook
from chalicelib.service.chart import Chart
from chalicelib.service.conversation import Message
from chalicelib.service.ports import Store
from chalicelib.service.story import Beside, why

LOOK_FORWARD = timedelta(days=90)
"""How far ahead a timeline reaches when nobody says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One occurrence on the timeline."""

    occurrence_id: str
    reminder_id: str | None
    planned_at: datetime
    at: datetime
    sent_at: datetime | None
    kind: str
    channel: Channel
    state: State
    reason: Reason
    text: str
    step: str
    title: str
    carried_by: str | None


def timeline(
    store: Store,
    chart: Chart,
    book: Callable[[], Copybook],
    site: Site,
    *,
    now: datetime,
    start: datetime | None,
    end: datetime | None,
    said: Iterable[Message] = (),
) -> list[Line]:
    """The patient's occurrences from `start` to `end` (UTC), in order of time. Where one channel failed, `said`, the
    patient's messages, tell whether the other went instead."""
    facts = chart.facts
    beside = Beside.of(said, store.tasks_of(facts.clinic.id, facts.patient.id), facts.tz)
    known = list(_past(store, chart, beside))
    # What is to be sent again stands twice: as what became of the first, and as what is to come.
    seen = {line.occurrence_id for line in known} - facts.progress.pending.keys()
    until = end or max(now, start or now) + LOOK_FORWARD
    coming = [line for line in future(chart, book, site, now=now, until=until) if line.occurrence_id not in seen]
    found = [
        line for line in (*known, *coming) if (start is None or line.at >= start) and (end is None or line.at <= end)
    ]
    assert facts is chart.facts
    return sorted(found, key=lambda line: (line.at, line.occurrence_id))


def _past(store: Store, chart: Chart, beside: Beside) -> Iterator[Line]:
    recorded = set()
    for reminder in store.reminders(chart.facts.clinic.id, chart.facts.patient.id):
        # A provider's event may be faster than the record of its send; until that is there, the claim tells.
        if reminder.is_complete:
            recorded.add(reminder.seq)
        yield from _lines(reminder, beside)
    for flight in chart.cursor.in_flight.values():
        if flight.seq in recorded:
            continue
        for outcome in flight.wake.outcomes:
            yield Line(
                occurrence_id=outcome.id,
                reminder_id=reminder_id(chart.facts.patient.id, flight.seq),
                planned_at=outcome.planned_at,
                at=flight.at,
                sent_at=None,
                kind=outcome.kind,
                channel=outcome.channel,
                state=State.SCHEDULED if outcome.state is State.SENT else outcome.state,
                reason=Reason("sending", "it was handed to the provider, whose answer is not known yet"),
                text="",
                step=outcome.step,
                title=title_of(outcome.kind, outcome.about),
                carried_by=outcome.carried_by,
            )


def _lines(reminder: Reminder, beside: Beside) -> Iterator[Line]:
    for outcome in reminder.outcomes:
        went = outcome.state is State.SENT and outcome.channel is not Channel.TASK
        yield Line(
            occurrence_id=outcome.id,
            reminder_id=reminder_id(reminder.patient_id, reminder.seq),
            planned_at=outcome.planned_at,
            at=(reminder.sent_at or reminder.claimed_at) if outcome.state is State.SENT else outcome.planned_at,
            sent_at=reminder.sent_at if went else None,
            kind=outcome.kind,
            channel=outcome.channel,
            state=SHOWN[reminder.status] if went else outcome.state,
            reason=why(reminder, outcome, beside) if went else Reason(outcome.rule, outcome.detail),
            text=reminder.text if went else "",
            step=outcome.step,
            title=title_of(outcome.kind, outcome.about),
            carried_by=outcome.carried_by,
        )


def future(chart: Chart, book: Callable[[], Copybook], site: Site, *, now: datetime, until: datetime) -> Iterator[Line]:
    """What will happen from `now` until `until`, as it would read if it were sent then."""
    facts = chart.facts
    entries = agenda(facts, now, until)
    held = _held(chart, now)
    for entry in entries:
        waits = held is not None and entry.acts and entry.channel is not Channel.TASK
        reason = held if waits and held else entry.reason
        if waits:
            held = None
        line = line_of(facts, book(), entry, entries, site)
        # Where it waits for a slot or a limit, the cursor knows until when.
        at = max(line.at, chart.cursor.due or line.at)
        yield replace(line, at=at, state=State.HELD, reason=reason) if waits else line


def line_of(facts: Facts, book: Copybook, entry: Entry, entries: Sequence[Entry], site: Site) -> Line:
    """An entry of the agenda, with its words as they would read at its time. `entries` hold what rides along."""
    return Line(
        occurrence_id=entry.occurrence.id,
        reminder_id=None,
        planned_at=entry.occurrence.ideal,
        at=entry.at,
        sent_at=None,
        kind=entry.occurrence.kind,
        channel=entry.channel,
        state=entry.state,
        reason=entry.reason,
        text=preview(facts, book, entry, entries, site),
        step=entry.occurrence.step,
        title=title_of(entry.occurrence.kind, entry.occurrence.about),
        carried_by=entry.carried_by,
    )


def title_of(kind: str, about: About) -> str:
    """What a line is about, also where no text says so: one that was skipped is explained in vain without it."""
    known = about.title or _TITLES.get(kind, "")
    return f"{known} on {about.date}" if about.date and not about.title and kind in _DATED else known


_DATED = frozenset({"appointment", "therapy", "missed_visit"})

_TITLES = {
    "welcome": "Welcome",
    "appointment": "Visit",
    "therapy": "Therapy",
    "missed_visit": "Missed visit",
    "checkin": "Check-in",
    "nudge": "Check-in, asked again",
    "questionnaire": "Questionnaire",
    "education": "Safety tip",
}


def _held(chart: Chart, now: datetime) -> Reason | None:
    clinic = chart.facts.clinic
    if clinic.stopped_at is not None and chart.cursor.due is not None and chart.cursor.due <= now:
        return Reason("clinic_stopped", clinic.stop_reason or "the clinic's stop switch is on")
    return chart.cursor.held


def preview(facts: Facts, book: Copybook, entry: Entry, entries: Sequence[Entry], site: Site) -> str:
    """The words of an entry that will be sent, as they read at its time."""
    if not entry.acts or entry.channel is Channel.TASK:
        return ""
    riding = [e for e in entries if e.carried_by == entry.occurrence.id]
    composed: Composed | None = compose(book, facts, wake_of(entry, [entry, *riding], entry.at), entry.at, site)
    return composed.rendered.text if composed else ""
