"""Rounds: going through a clinic's patients, for what needs a person first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from chalicelib.domain.facts import Facts
from chalicelib.domain.local_time import instant, local, local_date, zone
from chalicelib.domain.patient import Category, Channel, ContactStatus, Status
from chalicelib.domain.plan import AppointmentStatus
from chalicelib.domain.plan_windows import Window, plan_windows
from chalicelib.domain.steps.windows import serving
from chalicelib.service.chart import TIERS, Chart, Task
from chalicelib.service.ports import Store

MOST = 2000
"""Patients of one round: what a request has the time for. A larger clinic's answer says that it is not complete."""

AHEAD = timedelta(days=14)
"""Windows that close within it are told: time enough to find an appointment."""

SILENT_AFTER = 2
"""Check-ins in a row without an answer, beside the one that is open, before somebody should call."""

STALE_AFTER = timedelta(days=2)
"""A visit this long past with nobody having said what became of it: its reminders and rules wait for that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """One reason to call or look."""

    kind: str
    tier: str
    patient_id: str
    name: str
    external_id: str
    title: str
    why: str
    since: datetime
    due_on: str | None = None
    task_id: str | None = None

    @property
    def rank(self) -> tuple[int, int, str, datetime, str]:
        """The worst first: by tier, then kind, then what is due soonest, then what has waited longest."""
        return (TIERS.index(self.tier), _KINDS.index(self.kind), self.due_on or "9", self.since, self.patient_id)


_KINDS = ("alert", "unreachable", "non_responder", "window_closing", "stale_booking")


def charts(store: Store, clinic_id: str, *, now: datetime) -> Iterator[Chart]:
    """Every chart of the clinic, in order of name."""
    start = None
    while True:
        ids, start = store.roster(clinic_id, limit=100, start=start)
        for each in ids:
            chart = store.chart(clinic_id, each, now=now)
            if chart is not None:
                yield chart
        if start is None:
            return


def open_tasks(store: Store, clinic_id: str) -> list[Task]:
    found: list[Task] = []
    more = True
    while more:
        page, more = store.tasks(clinic_id, limit=100, after=found[-1].order if found else "")
        found += page
    return found


def worklist(store: Store, clinic_id: str, *, now: datetime) -> tuple[list[Concern], bool]:
    """All there is to do, the worst first, and whether every patient was looked at."""
    tasks: dict[str, list[Task]] = {}
    for task in open_tasks(store, clinic_id):
        tasks.setdefault(task.patient_id, []).append(task)
    found: list[Concern] = []
    complete = True
    for number, chart in enumerate(charts(store, clinic_id, now=now)):
        if number >= MOST:
            complete = False
            break
        found += concerns(chart.facts, tasks.pop(chart.facts.patient.id, ()), now)
    for left in tasks.values():
        found += [_alert(None, task) for task in left]
    return sorted(found, key=lambda c: c.rank), complete


def concerns(facts: Facts, tasks: Sequence[Task], now: datetime) -> Iterator[Concern]:
    """What one patient gives reason for."""
    for task in tasks:
        yield _alert(facts, task)
    if facts.patient.status is not Status.ACTIVE:
        return
    told = {task.kind for task in tasks}
    if "no_channel" not in told:
        yield from _unreachable(facts, now)
    if "no_response" not in told:
        yield from _silent(facts)
    today = local_date(now, facts.tz)
    booked = {task.step for task in tasks}
    for window in plan_windows(facts, today, today + timedelta(days=1)):
        closing = window.closes <= today + AHEAD
        if closing and window.id not in booked and not serving(facts, window.id, window.opens, window.closes):
            yield _closing(facts, window)
    yield from _stale(facts, now)


def _alert(facts: Facts | None, task: Task) -> Concern:
    why = f"{task.rule}: {task.detail}" if task.detail else task.rule
    meanwhile = "; ".join(each for each in (_several(task), _unanswered(facts, task), _meanwhile(facts, task)) if each)
    return Concern(
        kind="alert",
        tier=task.tier,
        patient_id=task.patient_id,
        name=_name(facts),
        external_id=facts.patient.external_id if facts else "",
        title=task.title or task.kind.replace("_", " "),
        why=f"{why}; {meanwhile}" if meanwhile else why,
        since=task.urgent_since or task.opened_at,
        due_on=task.due_on or None,
        task_id=task.id,
    )


def _several(task: Task) -> str:
    return f"{len(task.said)} messages lie on it" if len(task.said) > 1 else ""


def _unanswered(facts: Facts | None, task: Task) -> str:
    if task.state != "open" or task.unanswered_since is None:
        return ""
    said = "everybody has been paged and nobody has answered"
    if facts is None:
        return said
    return f"{said} since {local(task.unanswered_since, zone(facts.clinic.timezone)):%Y-%m-%d %H:%M}"


def _meanwhile(facts: Facts | None, task: Task) -> str:
    """What has happened since that may have done the task's work. A task is closed by a person, with its outcome."""
    if facts is None:
        return ""
    if task.kind == "no_response":
        answered = facts.session is None or facts.session.answered
        return "the patient has answered since" if answered else ""
    if task.kind == "channel_fallback" and task.message_id:  # a text said STOP
        return "the patient takes texts again" if facts.contact(Channel.SMS, Category.APPOINTMENT) else ""
    if task.kind == "book_window" and task.due_on:
        target = date.fromisoformat(task.due_on)
        asked = (w for w in plan_windows(facts, target, target + timedelta(days=1)) if w.id == task.step)
        visits = (serving(facts, w.id, w.opens, w.closes) for w in asked)
        days = (f"a visit is booked for {local_date(v.starts_at, facts.tz)} meanwhile" for v in visits if v)
        return next(days, "")
    return ""


def _unreachable(facts: Facts, now: datetime) -> Iterator[Concern]:
    reached = [c for c in (Channel.SMS, Channel.EMAIL) if facts.contact(c, Category.APPOINTMENT)]
    bad = [c for c in facts.contacts if c.status in (ContactStatus.BAD, ContactStatus.WRONG_PERSON)]
    if not reached:
        rules = sorted({facts.why_no_contact(c, Category.APPOINTMENT) for c in (Channel.SMS, Channel.EMAIL)})
        yield _concern(facts, "unreachable", "review_soon", "Phone the patient", f"no channel: {', '.join(rules)}", now)
    elif bad:
        channels = ", ".join(sorted({c.channel.value for c in bad}))
        why = f"nothing arrives by {channels}; another channel still works"
        yield _concern(facts, "unreachable", "routine", "Ask for a new number or address", why, now)


def _silent(facts: Facts) -> Iterator[Concern]:
    session = facts.session
    if session is not None and not session.answered and session.missed_before >= SILENT_AFTER:
        why = f"{session.missed_before} check-ins in a row without an answer, and one open"
        tier = "review_soon" if facts.patient.clinical.at_ad_risk else "routine"
        yield _concern(facts, "non_responder", tier, "Ask how the patient is", why, session.sent_at)


def _closing(facts: Facts, window: Window) -> Concern:
    opened = instant(window.opens, facts.window.start, facts.tz)
    why = f"open since {window.opens.isoformat()}, closes on {window.closes.isoformat()}, no visit booked"
    found = _concern(facts, "window_closing", "review_soon", f"Book: {window.title}", why, opened)
    return replace(found, due_on=window.closes.isoformat())


def _stale(facts: Facts, now: datetime) -> Iterator[Concern]:
    for visit in facts.appointments:
        booked = visit.status in (AppointmentStatus.BOOKED, AppointmentStatus.CONFIRMED)
        if booked and visit.starts_at < now - STALE_AFTER:
            why = f"the {visit.kind.value} visit is past and nobody said whether it took place"
            yield _concern(facts, "stale_booking", "routine", "Mark attended or missed", why, visit.starts_at)


def _concern(facts: Facts, kind: str, tier: str, title: str, why: str, since: datetime) -> Concern:
    who = facts.patient
    return Concern(
        kind=kind,
        tier=tier,
        patient_id=who.id,
        name=_name(facts),
        external_id=who.external_id,
        title=title,
        why=why,
        since=since,
    )


def _name(facts: Facts | None) -> str:
    return f"{facts.patient.given_name} {facts.patient.family_name}" if facts else ""
