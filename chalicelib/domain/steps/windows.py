"""Visit windows: when staff are asked to book, when the patient is, and when somebody must look into it.

Windows with one target day are one visit's worth of asking: one task to book, made for the first of them to open, and
one message. The agenda merges them; here they get the same day and the same key.
"""

from collections.abc import Iterable, Iterator
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
    for n, opens, target, closes in _rounds(step, anchor, lo, hi):
        if opens - BOOK_AHEAD < hi and closes + 2 * DAY > lo:
            yield n, opens, target, closes


def _rounds(step: VisitWindow, anchor: date, lo: date, hi: date) -> Iterator[tuple[int, date, date, date]]:
    opens, target, closes = step.opens, step.target, step.closes
    found: Iterable[tuple[int, date]] = ((0, anchor),)
    if step.repeat is not None:
        found = recurrences(anchor, step.repeat, lo - closes.timedelta - _SLACK, hi - opens.timedelta + _SLACK)
    for n, base in found:
        yield n, shift(base, opens), shift(base, target), shift(base, closes)


def serving(facts: Facts, step: str, opens: date, closes: date) -> Appointment | None:
    """The appointment that serves a window: attended before standing, the earliest first."""
    found = [
        a
        for a in facts.appointments
        if a.window_step == step
        and (a.status.stands or a.status is AppointmentStatus.ATTENDED)
        and opens - BOOK_AHEAD <= local_date(a.starts_at, facts.tz) <= closes
    ]
    return min(found, key=lambda a: (a.status is not AppointmentStatus.ATTENDED, a.starts_at), default=None)


def wanted(courses: Iterable[Course], lo: date, hi: date) -> Iterator[Occurrence]:
    """What the windows of all protocols want on the local dates [lo, hi)."""
    found = [window for course in courses for window in _of(course, lo, hi)]
    asked: dict[date, date] = {}
    for window in found:
        if not window.late:
            asked[window.target] = min(window.opens, asked.get(window.target, window.opens))
    for window in found:
        if window.late:
            yield from _closed_before(window, lo, hi)
        else:
            yield from _asking(window, asked[window.target] - BOOK_AHEAD, lo, hi)


def _of(course: Course, lo: date, hi: date) -> Iterator[_Window]:
    """The windows of a protocol near [lo, hi), and near enough to those that another shares a target with them."""
    if course.anchor is None:
        return
    for step in course.protocol.steps:
        if not isinstance(step, VisitWindow) or course.override(step).off:
            continue
        first = last = lo
        if step.repeat is not None:
            reach = step.closes.timedelta - step.opens.timedelta + _SLACK
            first, last = lo - reach, hi + reach
            if lo <= course.began < hi:
                # What a window wanted before the plan began comes up on the day it began.
                first = min(first, course.began - step.repeat.timedelta - reach)
        closed: _Window | None = None
        for n, opens, target, closes in _rounds(step, course.anchor, first, last):
            window = _Window(course, step, f"{course.cycle}{n}", opens, target, closes)
            if closes < course.began:
                # Of the years that passed before the plan began, the last round stands for all.
                closed = window
                continue
            yield window
        if closed:
            yield closed


def _closed_before(window: _Window, lo: date, hi: date) -> Iterator[Occurrence]:
    course = window.course
    if lo <= course.began < hi:
        yield _ask(window, course.late(window.closes, "the window closed on"))


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
        yield course.task(
            step,
            f"{window.ordinal}.book",
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


def _ask(window: _Window, verdict: Reason | None) -> Occurrence:
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
