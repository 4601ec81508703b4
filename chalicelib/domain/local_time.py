"""Dates, wall clocks and zones: the only place where local time becomes an instant and back.

Everything outside this file is either an aware UTC instant or a local date. Local arithmetic is done on dates and
wall-clock times, never by adding hours to an instant, so that "10:00, a week later" stays 10:00 across a clock change.

The rule for the two odd hours of the year: a wall-clock time that does not exist (the gap in spring) becomes the
first instant after the gap; one that exists twice (the fold in autumn) means the first of the two.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

HARD_WALL = (time(8), time(21))
"""No initiated message leaves outside these local hours, whatever a clinic or a patient chose (47 CFR
64.1200(c)(1) binds solicitations only; the clinical reference asks for it everywhere)."""

DAY = timedelta(days=1)


@lru_cache(maxsize=512)
def zone(name: str) -> ZoneInfo:
    """The IANA zone of that name. Raises ZoneInfoNotFoundError (a KeyError) or ValueError for anything else."""
    return ZoneInfo(name)


@lru_cache(maxsize=8192)
def instant(day: date, clock: time, tz: ZoneInfo) -> datetime:
    """The UTC instant at which `clock` shows on `day` in `tz`, by the gap and fold rule of this file."""
    # Remembered: the same mornings and closing hours come up for every patient of a zone.
    wall = datetime.combine(day, clock, tz)
    found = wall.astimezone(UTC)
    if found.astimezone(tz).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return found
    return _end_of_gap(wall)


def _end_of_gap(wall: datetime) -> datetime:
    # With fold=0 a time in the gap is read with the offset from before it, which lands as far past the gap's end as
    # the wall clock stood past its start; with fold=1 it lands as far before. The gap's end lies between the two.
    low = wall.replace(fold=1).astimezone(UTC)
    high = wall.replace(fold=0).astimezone(UTC)
    before = low.astimezone(wall.tzinfo).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        if middle.astimezone(wall.tzinfo).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


def local(at: datetime, tz: ZoneInfo) -> datetime:
    """The instant as the wall clock in `tz` shows it (aware, in `tz`)."""
    return at.astimezone(tz)


def local_date(at: datetime, tz: ZoneInfo) -> date:
    return at.astimezone(tz).date()


def week_of(day: date) -> date:
    """The Monday of the week that holds `day`; weeks run Monday to Sunday in the patient's zone."""
    return day - timedelta(days=day.weekday())


def whole_second(at: datetime) -> datetime:
    """The first whole second not before `at`: due times are keys, and keys count in seconds."""
    return at.replace(microsecond=0) + timedelta(seconds=1) if at.microsecond else at


def utc_text(at: datetime) -> str:
    """`2026-03-01T14:00:00Z`, the form instants take at every edge."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def local_text(at: datetime, tz: ZoneInfo) -> str:
    """`2026-03-01T09:00`: the wall clock, to be shown beside its zone."""
    return at.astimezone(tz).strftime("%Y-%m-%dT%H:%M")


_PERIOD = re.compile(
    r"(?P<sign>-)?P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?)?"
)


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A calendar distance: months and days are counted on the calendar, minutes on the clock. May be negative."""

    months: int = 0
    days: int = 0
    minutes: int = 0

    @classmethod
    def parse(cls, text: str) -> "Period":
        """Reads an ISO 8601 duration such as `P18M`, `-P3D` or `PT24H`. Raises ValueError for anything else."""
        found = _PERIOD.fullmatch(text)
        if not found or not any(found.group(part) for part in found.re.groupindex if part != "sign"):
            raise ValueError(f"{text!r} is not an ISO 8601 duration such as P14D, P3M or PT24H")
        part = {name: int(value or 0) for name, value in found.groupdict().items() if name != "sign"}
        sign = -1 if found["sign"] else 1
        return cls(
            months=sign * (12 * part["years"] + part["months"]),
            days=sign * (7 * part["weeks"] + part["days"]),
            minutes=sign * (60 * part["hours"] + part["minutes"]),
        )

    def __str__(self) -> str:
        sign = "-" if (self.months, self.days, self.minutes) < (0, 0, 0) else ""
        date_part = (f"{abs(self.months)}M" if self.months else "") + (f"{abs(self.days)}D" if self.days else "")
        time_part = f"T{abs(self.minutes)}M" if self.minutes else ""
        return f"{sign}P{date_part}{time_part}" if date_part or time_part else "P0D"

    @property
    def timedelta(self) -> timedelta:
        """The clock distance of a period without months; a month here counts 30 days (for ordering only)."""
        return timedelta(days=self.days + 30 * self.months, minutes=self.minutes)

    def times(self, n: int) -> "Period":
        return Period(self.months * n, self.days * n, self.minutes * n)


def shift(day: date, by: Period) -> date:
    """`day` moved by months, then days. A day that the month lacks becomes its last: 31 August + P6M = 28 February."""
    if by.months:
        year, month = divmod(day.year * 12 + day.month - 1 + by.months, 12)
        day = day.replace(year=year, month=month + 1, day=min(day.day, _month_length(year, month + 1)))
    return day + timedelta(days=by.days) if by.days else day


def _month_length(year: int, month: int) -> int:
    following = date(year + month // 12, month % 12 + 1, 1)
    return (following - DAY).day


def months_between(start: date, end: date) -> int:
    """Whole calendar months from `start` to `end`; negative when `end` is earlier."""
    months = (end.year - start.year) * 12 + end.month - start.month
    return months if shift(start, Period(months=months)) <= end else months - 1


LAST_CALL = timedelta(minutes=15)
"""The last slot of a contact window lies this long before its end, so that pacing or a retry does not run over it."""


@dataclass(frozen=True, slots=True)
class ContactWindow:
    """The local hours, `start` up to `end`, in which somebody wants to be written to."""

    start: time
    end: time

    def within_wall(self) -> "ContactWindow | None":
        """The part of the window inside the hard wall, if there is any."""
        if HARD_WALL[0] <= self.start < self.end <= HARD_WALL[1]:
            return self
        start, end = max(self.start, HARD_WALL[0]), min(self.end, HARD_WALL[1])
        return ContactWindow(start, end) if start < end else None

    def opens(self, day: date, tz: ZoneInfo) -> datetime:
        return instant(day, self.start, tz)

    def closes(self, day: date, tz: ZoneInfo) -> datetime:
        return instant(day, self.end, tz)

    def last(self, day: date, tz: ZoneInfo) -> datetime:
        return max(self.opens(day, tz), self.closes(day, tz) - LAST_CALL)

    def holds(self, at: datetime, tz: ZoneInfo) -> bool:
        return self.start <= at.astimezone(tz).time() < self.end

    def next_open(self, at: datetime, tz: ZoneInfo) -> datetime:
        """`at` itself when the window is open then, otherwise its next opening."""
        if self.holds(at, tz):
            return at
        day = local_date(at, tz)
        return self.opens(day if at < self.opens(day, tz) else day + DAY, tz)

    def previous_last(self, at: datetime, tz: ZoneInfo) -> datetime:
        """`at` itself when the window is open then, otherwise the last slot before it."""
        if self.holds(at, tz):
            return at
        day = local_date(at, tz)
        return self.last(day if at >= self.closes(day, tz) else day - DAY, tz)


DEFAULT_WINDOW = ContactWindow(time(9), time(20))
