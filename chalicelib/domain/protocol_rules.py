"""What each kind of step must keep to, as (field, what is wrong and what would be right).

Calendar distances are compared on real calendars: `P1M` is 28 days for some patients and 31 for others, so a window
from `P30D` to `P1M` is upside down for whoever was injured in February. A rule must hold for every anchor date.
"""

from collections.abc import Callable, Iterator
from datetime import date
from functools import lru_cache

from .local_time import HARD_WALL, Period, shift
from .protocol import (
    Badge,
    Checkin,
    Message,
    Priority,
    Question,
    Series,
    StaffTask,
    Step,
    Supply,
    VisitWindow,
)

EARLIEST = Period(days=-30)
"""Nothing a plan does lies further before its anchor date than this: the agenda looks no further back."""

BOOK_AHEAD = Period(days=-14)
"""Staff are asked to book this long before a window opens (clinical reference §2)."""

WEEK = Period(days=7)
ZERO = Period()


ANCHOR_DATES = tuple(
    date(year, month, day)
    for year in (2023, 2024, 2025, 2026)
    for month in range(1, 13)
    for day in (1, 15, 28, 29, 30, 31)
    if day <= 28 or (month != 2 and (day < 31 or month in (1, 3, 5, 7, 8, 10, 12))) or (day, year) == (29, 2024)
)
"""Four years hold every length of month on either side of a leap day."""


@lru_cache(maxsize=4096)
def after(one: Period, other: Period, *, by: int = 0) -> bool:
    """Whether, for some anchor date, `one` falls more than `by` days after `other`."""
    if one.months == other.months:
        return one.days - other.days > by
    return any((shift(day, one) - shift(day, other)).days > by for day in ANCHOR_DATES)


def plus(one: Period, other: Period) -> Period:
    return Period(one.months + other.months, one.days + other.days, one.minutes + other.minutes)


Said = Iterator[tuple[str, str]]


def _too_early(first: Period, name: str) -> Said:
    if after(EARLIEST, first):
        yield name, "begins more than 30 days before its anchor date; begin later, or count from another date"


def _visit_window(step: VisitWindow) -> Said:
    if after(step.opens, step.closes):
        yield "close", f"the window closes ({step.closes}) before it opens ({step.opens}); `close` comes last"
    elif after(step.opens, step.target):
        yield "target", f"lies before the window opens; it belongs between {step.opens} and {step.closes}"
    elif after(step.target, step.closes):
        yield "target", f"lies after the window closes; it belongs between {step.opens} and {step.closes}"
    elif step.repeat and _meets_its_next(step, step.repeat):
        yield "repeat", "the next window would open before this one has closed; repeat later, or close earlier"
    yield from _too_early(plus(step.opens, BOOK_AHEAD), "open")


def _meets_its_next(step: VisitWindow, repeat: Period) -> bool:
    return any(shift(shift(day, repeat), step.opens) <= shift(day, step.closes) for day in ANCHOR_DATES)


def _until(starts: Period, until: Period | None, *, whole_week: bool) -> Said:
    if until is None:
        return
    if not after(until, starts):
        yield "until", f"ends ({until}) before it begins ({starts}), so it could never fire; `until` comes later"
    elif whole_week and after(plus(starts, WEEK), until):
        yield "until", "leaves less than a week, so for some weekdays it could never fire; leave at least P7D"


def _checkin(step: Checkin) -> Said:
    weekly = not step.every.months and step.every.days % 7 == 0
    yield from _until(step.starts, step.until, whole_week=weekly)
    if step.then_every and step.until is None:
        yield "then_every", "could never begin without `until`; give `until`, or leave `then_every` out"
    if step.nudge_after and after(plus(step.nudge_after, Period(days=1)), step.every):
        yield "nudge_after", f"comes after the next session ({step.every}) has replaced this one; nudge earlier"
    if step.at and not HARD_WALL[0] <= step.at < HARD_WALL[1]:
        yield "local_time", "patients are written to between 08:00 and 21:00 only"
    if step.weekday is not None and not weekly and step.then_every is None:
        yield "weekday", f"a session every {step.every} does not keep to a weekday; write whole weeks, or leave it out"
    yield from _too_early(step.starts, "from")


def _question(step: Question) -> Said:
    if step.every.months or step.every.days % 7:
        yield "every", "questions join the weekly session; write whole weeks, such as P2W"
    if step.until and not after(step.until, ZERO):
        yield "until", "ends before it begins, so it could never be asked; write a duration such as P12W"


def _message(step: Message) -> Said:
    if step.until and step.every is None:
        yield "until", "means nothing for a message sent once; give `every`, or leave `until` out"
    else:
        yield from _until(step.starts, step.until, whole_week=True)
    yield from _too_early(step.starts, "from")


def _supply(step: Supply) -> Said:
    if not step.notices:
        yield "reminders", "is empty, so nothing could ever happen; write at least one"
    elif not any(after(ZERO, notice.at) for notice in step.notices):
        yield "reminders", "all lie on or after the due date; at least one must come before it, such as -P7D"
    seen: dict[object, int] = {}
    for place, notice in enumerate(step.notices):
        at = f"reminders[{place}]"
        if (notice.message is None) == (notice.task is None):
            yield at, "must be either a `message` to the patient or a `task` for staff"
        elif notice.message and notice.tier != "routine":
            yield f"{at}.tier", "belongs to a `task`; a message has none"
        elif notice.task and notice.both_channels:
            yield f"{at}.channels", "belong to a `message`; a task has none"
        twin = seen.setdefault((notice.at, notice.message, notice.task), place)
        if twin != place:
            yield at, f"is the same as reminders[{twin}]; leave one out"
        if step.due is not None:
            yield from _too_early(plus(step.due, notice.at), f"{at}.at")
        elif after(EARLIEST, notice.at):
            yield f"{at}.at", "may lie before the fill itself; write at most 30 days before the due date"
    if step.uncapped and step.priority is not Priority.SAFETY:
        yield "ignore_weekly_cap", "is for safety alone; set `priority` to safety, or leave it out"


def _staff_task(step: StaffTask) -> Said:
    if (step.at is None) == (step.no_visit_for is None):
        yield "at", "a task needs a date: either `at`, or `no_visit_for`"
        return
    if step.at is not None:
        if step.due and after(step.at, step.due):
            yield "due", f"lies before the task is made ({step.at}); it comes on or after `at`"
        if step.until:
            yield "until", "belongs to `no_visit_for`; a task with a date happens once"
        yield from _too_early(step.at, "at")
    elif step.due:
        yield "due", "belongs to `at`; work that is due to a gap in visits is due at once"
    elif step.until and not after(step.until, ZERO):
        yield "until", "ends before it begins, so it could never fire; write a duration such as P18M"


def _series(step: Series) -> Said:
    yield from _too_early(step.at, "at")


def _badge(step: Badge) -> Said:
    if not after(step.red, step.amber):
        yield "red_at", f"must come after `amber_at` ({step.amber})"
    if not after(step.ends, step.red):
        yield "ends", f"must come after `red_at` ({step.red})"
    yield from _too_early(step.amber, "amber_at")


RULES: dict[type[Step], Callable[..., Said]] = {
    VisitWindow: _visit_window,
    Checkin: _checkin,
    Question: _question,
    Message: _message,
    Supply: _supply,
    StaffTask: _staff_task,
    Series: _series,
    Badge: _badge,
}
