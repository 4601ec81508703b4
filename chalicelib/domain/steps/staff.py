"""Work for staff: tasks on a date, tasks when nobody has been seen for long, and series to set up."""

from collections.abc import Iterator
from datetime import date

from chalicelib.domain.local_time import Period, local_date, shift
from chalicelib.domain.occurrence import Occurrence, Reason
from chalicelib.domain.plan import AppointmentStatus
from chalicelib.domain.protocol import Series, StaffTask

from .course import Course, recurrences


def tasks(course: Course, step: StaffTask, anchor: date, lo: date, hi: date) -> Iterator[Occurrence]:
    if step.no_visit_for is not None:
        yield from _gaps(course, step, step.no_visit_for, anchor, lo, hi)
        return
    day = shift(anchor, step.at or Period())
    due = shift(anchor, step.due) if step.due else None
    if course.wants(day, lo, hi):
        task = course.task(step, f"{course.cycle}0", day, "staff", step.title, due=due)
        yield course.too_late(task, due, "it was due by") if due and due < course.began else task


def _gaps(course: Course, step: StaffTask, gap: Period, anchor: date, lo: date, hi: date) -> Iterator[Occurrence]:
    """One task whenever nobody has seen the patient for another `gap`, until somebody has."""
    facts = course.facts
    seen = max(
        (a for a in facts.appointments if a.status is AppointmentStatus.ATTENDED),
        key=lambda a: a.starts_at,
        default=None,
    )
    last = local_date(seen.starts_at, course.tz) if seen else None
    base = max(last or course.began, course.began)
    # Counted from the visit it follows, so that a later one starts a new count.
    start = seen.id if seen and last == base else "start"
    for n, day in recurrences(shift(base, gap), gap, lo, hi):
        if step.until and day >= shift(anchor, step.until):
            return
        ahead = [a.starts_at for a in facts.appointments if a.status.stands]
        booked = min((d for at in ahead if (d := local_date(at, course.tz)) >= day), default=None)
        yield course.task(
            step,
            f"{start}.{n}",
            day,
            "gap_guard",
            step.title,
            tier="review_soon",
            verdict=Reason("booked", f"a visit is booked for {booked}") if booked else None,
        )


def series(course: Course, step: Series, anchor: date, lo: date, hi: date) -> Iterator[Occurrence]:
    day = shift(anchor, step.at)
    if course.wants(day, lo, hi):
        set_up = any(a.profile == step.profile for a in course.facts.appointments)
        yield course.task(
            step,
            f"{course.cycle}0",
            day,
            "set_series",
            f"Set up: {step.title}",
            verdict=Reason("booked", "sessions have been set") if set_up else None,
        )
