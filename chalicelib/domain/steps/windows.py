"""Visit windows: when staff are asked to book, when the patient is, and when somebody must look into it.

Windows with one target day are one visit's worth of asking: one task to book, made for the first of them to open, and
one message. The agenda merges them; here they get the same day and the same key.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta

from chalicelib.domain.facts import Facts
from chalicelib.domain.local_time import DAY, instant, local_date, shift, week_of
from chalicelib.domain.occurrence import About, Occurrence, Reason
from chalicelib.domain.patient import Category, Channel
from chalicelib.domain.plan import Appointment, AppointmentStatus
from chalicelib.domain.protocol import VisitWindow

from .course import DAYTIME, RANK, Course, recurrences

BOOK_AHEAD = timedelta(days=14)
"""Staff are asked to book this long before a visit window opens (clinical reference §2)."""

_SLACK = timedelta(days=40)
"""A window reaches from BOOK_AHEAD before it opens to a day past its close, and months differ in length."""


@dataclass(frozen=True, slots=True)
class _Window:
    course: Course
    step: VisitWindow
    ordinal: str
    opens: date
    target: date
    closes: date

    @property
    def late(self) -> bool:
        return self.closes < self.course.began


def windows(step: VisitWindow, anchor: date, lo: date, hi: date) -> Iterator[tuple[int, date, date, date]]:
    """(ordinal, opens, target, closes) of each window of the step that touches [lo, hi)."""
    reach = _reach(step)
    for n, opens, target, closes in _rounds(step, anchor, lo - reach, hi + reach):
        if opens - BOOK_AHEAD < hi and closes + 2 * DAY > lo:
            yield n, opens, target, closes


def _rounds(step: VisitWindow, anchor: date, lo: date, hi: date) -> Iterator[tuple[int, date, date, date]]:
    """The rounds whose target day lies within [lo, hi)."""
    bases: Iterable[tuple[int, date]] = ((0, anchor),)
    if step.repeat is not None:
        there, slack = step.target.timedelta, _SLACK + abs(step.target.months) * DAY
        bases = recurrences(anchor, step.repeat, lo - there - slack, hi - there + slack)
    for n, base in bases:
        target = shift(base, step.target)
        if lo <= target < hi:
            yield n, shift(base, step.opens), target, shift(base, step.closes)


def _reach(step: VisitWindow) -> timedelta:
    """How far from its target day a window has anything to do."""
    days = step.closes.days - step.opens.days + 31 * (step.closes.months - step.opens.months)
    return timedelta(days=max(0, days)) + _SLACK


def serving(facts: Facts, step: str, opens: date, closes: date) -> Appointment | None:
    """The appointment that serves a window: attended before standing, the earliest first."""
    found = [
        a for a in _made_for(facts, step, opens, closes) if a.status.stands or a.status is AppointmentStatus.ATTENDED
    ]
    return min(found, key=lambda a: (a.status is not AppointmentStatus.ATTENDED, a.starts_at), default=None)


def _made_for(facts: Facts, step: str, opens: date, closes: date) -> list[Appointment]:
    """The appointments made for a window, whatever became of them."""
    first = opens - BOOK_AHEAD
    made = (a for a in facts.appointments if a.window_step == step)
    return [a for a in made if first <= local_date(a.starts_at, facts.tz) <= closes]


def wanted(courses: Sequence[Course], lo: date, hi: date) -> Iterator[Occurrence]:
    """What the windows of all protocols want on the local dates [lo, hi)."""
    by_target: dict[date, list[_Window]] = {}
    steps = [step for course in courses for step in course.protocol.steps if isinstance(step, VisitWindow)]
    reach = max(map(_reach, steps), default=_SLACK)
    for course in courses:
        for window in _of(course, lo - reach, hi + reach, lo <= course.began < hi):
            if not window.late:
                by_target.setdefault(window.target, []).append(window)
            elif lo <= course.began < hi:
                yield course.too_late(_ask(window), window.closes, "the window closed on")
    for group in by_target.values():
        asked = min(window.opens for window in group) - BOOK_AHEAD
        if asked < hi and max(window.closes for window in group) + 2 * DAY > lo:
            for window in group:
                yield from _asking(window, asked, lo, hi)


def _of(course: Course, lo: date, hi: date, beginning: bool) -> Iterator[_Window]:
    """The windows of a protocol whose target days lie within [lo, hi), and those that closed before it was taken up."""
    if course.anchor is None:
        return
    for step in course.protocol.steps:
        if not isinstance(step, VisitWindow) or course.override(step).off:
            continue
        # What a window wanted before the plan began comes up on the day it began.
        first = min(lo, shift(course.anchor, step.target)) if beginning else lo
        closed: _Window | None = None
        for n, opens, target, closes in _rounds(step, course.anchor, first, hi):
            window = _Window(course, step, f"{course.cycle}{n}", opens, target, closes)
            if closes >= course.began:
                yield window
            else:
                # Of the years that passed before the plan began, the last round stands for all.
                closed = window
        if closed:
            yield closed


def _asking(window: _Window, asked: date, lo: date, hi: date) -> Iterator[Occurrence]:
    course, step = window.course, window.step
    visit = serving(course.facts, course.step_id(step), window.opens, window.closes)
    seen = booked = None
    if visit:
        day = local_date(visit.starts_at, course.tz)
        if visit.status is AppointmentStatus.ATTENDED:
            seen = booked = Reason("attended", f"seen on {day}")
        else:
            booked = Reason("booked", f"a visit is booked for {day}")
    if course.wants(asked, lo, hi):
        made = _made_for(course.facts, course.step_id(step), window.opens, window.closes)
        # A visit that is cancelled leaves the window to be booked once more.
        again = sum(a.status is AppointmentStatus.CANCELLED for a in made)
        yield course.task(
            step,
            f"{window.ordinal}.book{again or ''}",
            asked,
            "book_window",
            f"Book: {step.title}",
            due=window.target,
            until=instant(window.closes + DAY, time(0), course.tz),
            merge=f"book:{window.target}",
            verdict=booked,
        )
    if step.message != "none" and course.wants(window.target, lo, hi):
        yield _ask(window, booked)
    after = window.closes + DAY
    if course.wants(after, lo, hi):
        yield course.task(
            step,
            f"{window.ordinal}.close",
            after,
            "window_closed",
            f"Closed without a visit: {step.title}",
            tier="review_soon",
            merge=f"closed:{after}",
            verdict=seen,
        )


def _ask(window: _Window, verdict: Reason | None = None) -> Occurrence:
    course, step = window.course, window.step
    return Occurrence(
        id=course.id(step, f"{window.ordinal}.ask"),
        step=course.step_id(step),
        kind="window",
        template=step.message,
        ideal=instant(window.target, DAYTIME, course.tz),
        since=course.pin.since,
        useful_until=instant(window.closes, time(20), course.tz),
        rank=RANK[step.priority],
        category=Category.APPOINTMENT,
        channel=Channel.SMS,
        # A patient is asked once a week to book, for all that is due in it.
        merge=f"window:{week_of(max(window.target, course.began))}",
        about=About(title=step.title, date=window.target.isoformat()),
        verdict=verdict,
    )
