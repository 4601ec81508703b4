"""Each occurrence's slot: its moment, moved into contact hours by the rule of its kind, and out of pauses.

Caps and other messages come after (`agenda`); the slot itself depends on nothing but the facts, so that `Progress`
can tell by it what has been dealt with.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from . import steps, visits
from .facts import Facts
from .local_time import DAY, ContactWindow, instant, local_date
from .occurrence import Occurrence, Shift
from .patient import Channel

NEAR = timedelta(days=2)
"""Contact hours move a slot by up to a day and a half, zones by one."""

Slotted = tuple[Occurrence, datetime]
"""An occurrence and its slot."""


def all_slotted(facts: Facts, lo: date, hi: date) -> Iterator[Slotted]:
    """What plan and appointments want for the local dates [lo, hi), each with its slot, dealt with or not.

    The dates are those of their own moment; contact hours and pauses may move the slot out of them.
    """
    tz, window = facts.tz, facts.window
    first, last = instant(lo, time(0), tz), instant(hi, time(0), tz)
    for source in (steps.wanted, visits.wanted):
        for occurrence in source(facts, lo, hi):
            if first <= moment(occurrence) < last:
                yield occurrence, _slot(facts, window, tz, occurrence)


def moment(occurrence: Occurrence) -> datetime:
    """When the occurrence is meant to be, or when the plan came to want it, if that was later."""
    since = occurrence.since
    return occurrence.ideal if since is None or since < occurrence.ideal else since


def slot_of(facts: Facts, occurrence: Occurrence) -> datetime:
    return _slot(facts, facts.window, facts.tz, occurrence)


def _slot(facts: Facts, window: ContactWindow, tz: ZoneInfo, occurrence: Occurrence) -> datetime:
    at = moment(occurrence)
    if occurrence.channel is Channel.TASK:
        return at
    if occurrence.shift is Shift.DROP:
        return at
    if occurrence.shift is Shift.EARLIER and at == occurrence.ideal:
        earlier = window.previous_last(at, tz)
        at = earlier if occurrence.since is None or earlier >= occurrence.since else window.next_open(at, tz)
    else:
        at = window.next_open(at, tz)
    return _out_of_pauses(facts, at, occurrence.useful_until) if facts.patient.pauses else at


def _out_of_pauses(facts: Facts, at: datetime, useful_until: datetime) -> datetime:
    """After the pause, for what is still of use then. While nobody has said when it ends, whatever falls into it
    waits until its use is over."""
    moved = at
    while pause := facts.patient.pause_at(moved):
        if pause.until is None:
            return max(at, useful_until)
        moved = facts.window.next_open(pause.until, facts.tz)
    return moved if moved <= useful_until else at


def reach_back(facts: Facts, day: date) -> date:
    """A date such that nothing meant for before it has its slot on `day` or later."""
    far = day - NEAR
    for pause in facts.patient.pauses:
        if pause.until is None or local_date(pause.until, facts.tz) >= far:
            far = min(far, local_date(pause.start, facts.tz) - NEAR)
    return far


def beginning(facts: Facts) -> date:
    """A local date before which nothing is wanted: a plan wants nothing before it was made, nor a visit."""
    tz = facts.tz
    dates = [facts.enrolled_on, *(local_date(pin.since, tz) for pin in facts.plan.pins)]
    dates += [local_date(min(a.set_at, a.starts_at), tz) for a in facts.appointments]
    return min(dates) - NEAR - DAY
