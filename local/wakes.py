"""When a function that polls has anything to see, so that 18 months need not be lived minute by minute.

A polling function finds its work through a sparse index whose sort key begins with an instant. What it sees can change
only when an entry of such an index is written, or when the clock passes an entry's instant or a fixed distance from it;
at any other minute it would do nothing. So those are the minutes at which it runs here. The distances: the tick looks
180 seconds ahead, and the sweep takes up what is 20 minutes overdue.
"""

import heapq
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import count

from local.clock import parse
from local.fast_dynamodb import Key
from local.schedules import DAY, Schedule

LOOK_AHEAD = timedelta(seconds=180)
OVERDUE = timedelta(minutes=20)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z")
_TICK = timedelta(microseconds=1)


class Poller:
    """One scheduled function and the instants at which it may find something."""

    def __init__(self, schedule: Schedule, *, every_time: bool) -> None:
        self._schedule = schedule
        # Once a day is little enough to do, and what such a function looks at is not in an index of instants.
        self._every_time = every_time or schedule.period >= DAY
        # A function that comes by less often than the look-ahead is long cannot be what looks ahead.
        ahead = (-LOOK_AHEAD,) if schedule.period < LOOK_AHEAD else ()
        distances = (*ahead, timedelta(0), OVERDUE)
        # An entry on the very edge of what a function asks for may or may not be in it: so also the run after.
        self._distances = (*distances, *(distance + timedelta(seconds=1) for distance in distances))
        self._heap: list[tuple[datetime, int, Key | None, datetime]] = []
        self._order = count()

    def add(self, key: Key, instants: Iterable[datetime]) -> None:
        for instant in instants:
            for distance in self._distances:
                heapq.heappush(self._heap, (instant + distance, next(self._order), key, instant))

    def next_run(self, considered: datetime, entries: dict[Key, tuple[datetime, ...]]) -> datetime | None:
        """Its next worthwhile run later than `considered`, up to which all is done."""
        if self._every_time:
            return self._schedule.after(considered)
        while self._heap:
            at, _, key, instant = self._heap[0]
            if key is None or instant in entries.get(key, ()):
                return self._schedule.after(max(at - _TICK, considered))
            heapq.heappop(self._heap)
        return None

    def begins(self, now: datetime) -> None:
        """It is about to run: what has come up to now it will see."""
        while self._heap and self._heap[0][0] <= now:
            heapq.heappop(self._heap)

    def comes_by(self, after: datetime) -> None:
        """Have it run, whatever there is to see, the first time it would after that."""
        heapq.heappush(self._heap, (after + _TICK, next(self._order), None, after))

    def last_run(self, until: datetime) -> datetime | None:
        """Its last regular run up to `until`; None for a schedule too uneven to say."""
        last = self._schedule.after(until - self._schedule.period)
        return last if last <= until else None


class Wakes:
    """All pollers, kept informed of every item written."""

    def __init__(self, schedules: dict[str, Schedule], *, every_time: bool = False) -> None:
        self.pollers = {name: Poller(schedule, every_time=every_time) for name, schedule in schedules.items()}
        self._entries: dict[Key, tuple[datetime, ...]] = {}

    def written(self, key: Key, sort_keys: Iterable[str]) -> None:
        """An item stands in indexes under these sort keys now; in none where it was deleted."""
        instants = tuple(parse(found[0]) for text in sort_keys if (found := _INSTANT.search(text)))
        known = self._entries.get(key, ())
        if instants == known:
            return
        if instants:
            self._entries[key] = instants
        else:
            del self._entries[key]
        fresh = [instant for instant in instants if instant not in known]
        for poller in self.pollers.values():
            poller.add(key, fresh)

    def next_run(self, name: str, considered: datetime) -> datetime | None:
        return self.pollers[name].next_run(considered, self._entries)
