"""When EventBridge runs a scheduled function: `rate(…)` and `cron(…)`, in UTC, to the minute."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Protocol

DAY = timedelta(days=1)
_UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": DAY}
_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Schedule(Protocol):
    @property
    def period(self) -> timedelta:
        """The time between two runs, at least."""

    def after(self, instant: datetime) -> datetime:
        """The first run later than `instant`."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Every so often. AWS counts from the rule's creation; counted here from midnight, which is such a creation."""

    period: timedelta

    def after(self, instant: datetime) -> datetime:
        return _EPOCH + ((instant - _EPOCH) // self.period + 1) * self.period


@dataclass(frozen=True, slots=True)
class Cron:
    """Minutes, hours, day of month, month, day of week, year, as EventBridge writes them."""

    expression: str
    times: tuple[time, ...]
    falls_on: Callable[[datetime], bool]

    @property
    def period(self) -> timedelta:
        return DAY if len(self.times) == 1 else DAY / len(self.times)

    def after(self, instant: datetime) -> datetime:
        midnight = instant.replace(hour=0, minute=0, second=0, microsecond=0)
        for days in range(366 * 5):  # a 29 February is never further away than this, save around 2100
            day = midnight + timedelta(days=days)
            if self.falls_on(day):
                for at in self.times:
                    run = day.replace(hour=at.hour, minute=at.minute)
                    if run > instant:
                        return run
        raise ValueError(f"{self.expression} never runs again")


def parse_schedule(expression: str) -> Schedule:
    """Raises `ValueError` for what EventBridge would refuse, and for the rarities L, W and #."""
    if rate := re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression):
        return Rate(int(rate[1]) * _UNITS[rate[2]])
    cron = re.fullmatch(r"cron\(([^)]*)\)", expression)
    fields = cron[1].upper().split() if cron else []
    if len(fields) != 6:
        raise ValueError(f"not a schedule: {expression}")
    minutes, hours = _values(fields[0], 0, 59), _values(fields[1], 0, 23)
    days, months = _values(fields[2], 1, 31), _values(fields[3], 1, 12, _MONTHS)
    weekdays, years = _values(fields[4], 1, 7, _WEEKDAYS), _values(fields[5], 1970, 2199)

    def falls_on(day: datetime) -> bool:
        weekday = day.isoweekday() % 7 + 1  # EventBridge counts Sunday as 1
        return day.year in years and day.month in months and day.day in days and weekday in weekdays

    return Cron(expression, tuple(time(hour, minute) for hour in hours for minute in minutes), falls_on)


def _values(field: str, low: int, high: int, names: list[str] | None = None) -> list[int]:
    def number(text: str) -> int:
        return names.index(text) + 1 if names and text in names else int(text)

    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        if span in ("*", "?"):
            start, end = low, high
        else:
            start = number(first)
            end = number(last) if last else high if step else start
        if not low <= start <= end <= high:
            raise ValueError(f"{field} is outside {low} to {high}")
        found.update(range(start, end + 1, int(step or 1)))
    return sorted(found)
