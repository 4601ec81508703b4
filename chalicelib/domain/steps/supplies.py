"""Supplies: what runs out, when the patient and staff hear of it, and what makes hearing of it needless."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from chalicelib.domain.local_time import DAY, instant, local_date, shift
from chalicelib.domain.occurrence import About, Occurrence, Reason
from chalicelib.domain.patient import Category, Channel
from chalicelib.domain.plan import Appointment, AppointmentStatus
from chalicelib.domain.plan import Supply as Cycle
from chalicelib.domain.protocol import Notice, Supply

from .course import DAYTIME, RANK, Course, anchor_of
from .windows import serving

BOOKABLE = timedelta(days=60)
"""A visit at most this long before the due date is the visit for it."""


def supply_due(course: Course, step: Supply, anchor: date) -> date | None:
    """The local date by which the supply must be renewed; None while the days of supply are not known."""
    if step.due is not None:
        return shift(anchor, step.due)
    cycle = _cycle(course, step)
    return anchor + timedelta(days=cycle.days_supply) if cycle and cycle.days_supply else None


def _cycle(course: Course, step: Supply) -> Cycle | None:
    return course.facts.supplies.get(anchor_of(course.protocol, step))


def wanted(course: Course, step: Supply, anchor: date, lo: date, hi: date) -> Iterator[Occurrence]:
    """The notices of the present cycle on the local dates [lo, hi)."""
    due = supply_due(course, step, anchor)
    cycle = _cycle(course, step)
    number = cycle.number if cycle else 0
    if due is None:
        title = f"Enter the days of supply: {step.title}"
        yield course.task(step, f"{number}.unknown", course.began, "missing_anchor", title)
        return
    visit = serving(course.facts, course.step_id(step), due - BOOKABLE, due)
    if visit and not visit.status.stands:
        visit = None  # an attended visit was for the refill before: had it been this one, its event would stand here
    for index, notice in enumerate(step.notices):
        day = shift(due, notice.at)
        if not course.wants(day, lo, hi):
            continue
        needless = _needless(course, notice, due, cycle, visit)
        for occurrence in _of(course, step, number, index, due, needless):
            # What is to be done before the due date is no use after it; from the due date on somebody must look.
            if due < course.began and not (notice.task and day >= due):
                yield course.too_late(occurrence, due, "it was due on")
            else:
                yield occurrence


def _of(
    course: Course, step: Supply, cycle: int, index: int, due: date, needless: Reason | None
) -> Iterator[Occurrence]:
    """What one notice of the cycle wants: a task, or a message by one channel or both."""
    notice = step.notices[index]
    day = shift(due, notice.at)
    if notice.task:
        title = f"{notice.task}: {step.title} due {due}"
        ordinal = f"{cycle}.{index}"
        yield course.task(step, ordinal, day, "supply", title, tier=notice.tier, due=due, verdict=needless)
        return
    for channel in (Channel.SMS, Channel.EMAIL) if notice.both_channels else (Channel.SMS,):
        yield Occurrence(
            id=course.id(step, cycle, index, channel),
            step=course.step_id(step),
            kind="refill" if notice.message == "refill" else "supply",
            template=notice.message or "",
            ideal=instant(day, DAYTIME, course.tz),
            since=course.pin.since,
            useful_until=_useful_until(course, step, due, day),
            rank=RANK[step.priority],
            category=Category.SAFETY if step.uncapped else Category.REFILL,
            channel=channel,
            uncapped=step.uncapped,
            fallback=not notice.both_channels,
            about=About(title=step.title, date=due.isoformat()),
            verdict=needless,
        )


def _needless(
    course: Course, notice: Notice, due: date, cycle: Cycle | None, visit: Appointment | None
) -> Reason | None:
    day = visit and local_date(visit.starts_at, course.tz)
    if notice.unless == "confirmed" and cycle and cycle.confirmed:
        return Reason("confirmed", f"the patient said it is arranged for {due}")
    if notice.unless == "confirmed" and visit and visit.status is AppointmentStatus.CONFIRMED:
        return Reason("confirmed", f"the visit of {day} is confirmed")
    if notice.unless == "booked" and visit:
        return Reason("booked", f"a visit is booked for {day}")
    return None


def _useful_until(course: Course, step: Supply, due: date, day: date) -> datetime:
    """Until the next message takes its place; the last, until the due day is over."""
    following = min((d for n in step.notices if n.message and (d := shift(due, n.at)) > day), default=None)
    if following is not None:
        return instant(following, DAYTIME, course.tz)
    return instant(max(due, day) + DAY, time(0), course.tz)
