"""Which time it is here: the machine's, or a virtual one that stands still until it is moved.

The virtual clock replaces the time of the whole process, so that queue delays, request signatures and the service
itself all live in it. Waiting (`monotonic`, `sleep`, socket time-outs) stays real.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Protocol

import time_machine


class Clock(Protocol):
    virtual: bool

    def now(self) -> datetime:
        """Aware, in UTC."""

    def move_to(self, instant: datetime) -> None:
        """Raises `RealTimeError` where the clock is the machine's."""

    def stop(self) -> None: ...


class RealTimeError(RuntimeError):
    """Somebody tried to move the machine's clock."""


class MachineClock:
    virtual = False

    def now(self) -> datetime:
        return datetime.now(UTC)

    def move_to(self, instant: datetime) -> None:  # noqa: ARG002 (the protocol's signature)
        raise RealTimeError("this runs in real time: start it with RANVIER_LOCAL_NOW for a clock that can be moved")

    def stop(self) -> None:
        return


class VirtualClock:
    virtual = True

    def __init__(self, start: datetime) -> None:
        self._travel = time_machine.travel(start.astimezone(UTC), tick=False)
        self._traveller = self._travel.start()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def move_to(self, instant: datetime) -> None:
        if instant < self.now():
            raise ValueError("the clock only moves forwards")
        self._traveller.move_to(instant.astimezone(UTC))

    def stop(self) -> None:
        self._travel.stop()


_DURATION = re.compile(
    r"P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)


def later(start: datetime, duration: str) -> datetime:
    """`start` plus an ISO 8601 duration such as `PT15M`, `P1DT6H`, `P2W` or `P18M` (calendar months, the day clipped
    to the month's last). Raises `ValueError` for anything else."""
    found = _DURATION.fullmatch(duration)
    if found is None or not any(found.groups()) or duration.endswith("T"):
        raise ValueError("not an ISO 8601 duration such as PT15M or P1D")
    parts = {name: float(value) for name, value in found.groupdict(default="0").items()}
    months = int(parts.pop("years") * 12 + parts.pop("months")) + start.month - 1
    year, month = start.year + months // 12, months % 12 + 1
    day = min(start.day, (datetime(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day)  # noqa: DTZ001
    return start.replace(year=year, month=month, day=day) + timedelta(**parts)


def parse(instant: str) -> datetime:
    """An instant such as `2026-03-01T14:00:00Z`. Raises `ValueError`, also where the zone is missing."""
    parsed = datetime.fromisoformat(instant)
    if parsed.tzinfo is None:
        raise ValueError("an instant needs its zone, as in 2026-03-01T14:00:00Z")
    return parsed.astimezone(UTC)


def wire(instant: datetime, *, millis: bool = False) -> str:
    """The instant as JSON carries it, `2026-03-01T14:00:00Z`."""
    kept = instant.astimezone(UTC).isoformat(timespec="milliseconds" if millis else "seconds")
    return kept.removesuffix("+00:00") + "Z"


def from_millis(millis: float) -> datetime:
    return datetime.fromtimestamp(millis / 1000, UTC)


def millis(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)
