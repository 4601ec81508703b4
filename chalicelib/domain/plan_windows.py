"""The visit windows of a plan: laid out for whoever looks at it, and found for a visit that names none."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from .facts import Facts
from .local_time import DAY, local_date
from .plan import AppointmentKind
from .protocol import Step, Supply, VisitWindow
from .steps.course import Course, courses
from .steps.supplies import supply_due
from .steps.windows import serving, windows

SUPPLY_OPENS = timedelta(days=21)
"""A visit that renews a supply is booked at most this long before it is due (the pump's first task, clinical §2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    protocol: str
    step: str
    title: str
    opens: date
    target: date
    closes: date

    @property
    def id(self) -> str:
        """As `window_step` names it."""
        return f"{self.protocol}/{self.step}"


def plan_windows(facts: Facts, lo: date, hi: date) -> list[Window]:
    """Every window of the plan that is open on some local date in [lo, hi), in order of opening."""
    found = [
        Window(
            protocol=course.protocol.id, step=step.key, title=_title(step), opens=opens, target=target, closes=closes
        )
        for course in courses(facts)
        for step in course.protocol.steps
        if not course.override(step).off
        for opens, target, closes in _dates(course, step, lo, hi)
        if opens < hi and closes >= lo
    ]
    return sorted(found, key=lambda w: (w.opens, w.target, w.id))


def _dates(course: Course, step: Step, lo: date, hi: date) -> Iterator[tuple[date, date, date]]:
    anchor = course.anchor_of(step)
    if anchor is None:
        return
    if isinstance(step, VisitWindow):
        for _, opens, target, closes in windows(step, anchor, lo, hi):
            yield opens, target, closes
    elif isinstance(step, Supply) and any(notice.unless for notice in step.notices):
        due = supply_due(course, step, anchor)
        if due:
            yield due - SUPPLY_OPENS, due, due


def _title(step: Step) -> str:
    return step.title if isinstance(step, VisitWindow | Supply) else step.key


def served_by(facts: Facts, at: datetime, kind: AppointmentKind) -> list[Window]:
    """The windows that a visit at that moment falls into and that no other visit serves. Therapy serves none."""
    if kind is AppointmentKind.THERAPY:
        return []
    day = local_date(at, facts.tz)
    touching = plan_windows(facts, day, day + DAY)
    return [w for w in touching if not serving(facts, w.id, w.opens, w.closes)]
