"""What clinics have used of their limits: a number for each day and the month's money, in one item a clinic and month.

A send costs no write of its own. Each process adds up what it has sent and writes the sum at most a minute later, or
after a fortieth of what is left to the clinic; as the limit comes near that is after each message. A process that ends
takes at most that much uncounted with it.
"""

import threading
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from chalicelib.adapters import keys
from chalicelib.adapters.schema import TTL
from chalicelib.adapters.table import Change, Item, Key, Table, Written
from chalicelib.domain.clinic import Clinic
from chalicelib.domain.limits import MILLION, Used
from chalicelib.domain.local_time import instant, local_date, zone
from chalicelib.service.allowance import Tally

TOLD_WITHIN = timedelta(minutes=1)
"""How long a process keeps to itself what it has sent, and trusts what it knows of the others."""

SHARE = 40
"""A process writes its sum once it is more than this part of what the clinic has left."""

KEPT = timedelta(days=62)
"""A month's item lives into the month after next."""


@dataclass(slots=True)
class _Known:
    day: date
    total: Used
    """In the table, when it was last looked at."""
    at: datetime
    untold: Used = Used()
    """Sent by this process since."""


class TableTally(Tally):
    def __init__(self, table: Table) -> None:
        self._table = table
        self._known: dict[str, _Known] = {}
        # The local service answers requests in several threads.
        self._lock = threading.RLock()

    def used(self, clinic: Clinic, now: datetime) -> Used:
        with self._lock:
            known = self._current(clinic, now)
            return known.total.plus(known.untold)

    def add(self, clinic: Clinic, used: Used, now: datetime, *, at_once: bool) -> None:
        with self._lock:
            known = self._current(clinic, now)
            known.untold = known.untold.plus(used)
            if at_once or _much(clinic, known):
                self._tell(clinic, known, now)

    def _current(self, clinic: Clinic, now: datetime) -> _Known:
        today = local_date(now, zone(clinic.timezone))
        known = self._known.get(clinic.id)
        if known is not None and known.untold.messages and (known.day != today or not _fresh(known, now)):
            self._tell(clinic, known, now)
        if known is None or known.day != today or not _fresh(known, now):
            found = self._table.get(_key(clinic, today), consistent=False)
            known = self._known[clinic.id] = _Known(today, _total(found, today), now)
        return known

    def _tell(self, clinic: Clinic, known: _Known, now: datetime) -> None:
        ends = instant(known.day.replace(day=1), time(0), zone(clinic.timezone)) + KEPT
        added = {_day(known.day): known.untold.messages, "cost": known.untold.cost}
        written = self._table.write(
            Change(_key(clinic, known.day), add=added, put={"clinic": clinic.id, TTL: int(ends.timestamp())})
        )
        assert isinstance(written, Written), "nothing is asked of what stands there"
        known.untold, known.at = Used(), now
        known.total = _total(written.items[0], known.day)


def _fresh(known: _Known, now: datetime) -> bool:
    return timedelta(0) <= now - known.at < TOLD_WITHIN


def _much(clinic: Clinic, known: _Known) -> bool:
    messages = clinic.messages_a_day - known.total.messages
    money = round(clinic.spend_a_month * MILLION) - known.total.cost
    return known.untold.messages * SHARE > messages or known.untold.cost * SHARE > money


def _key(clinic: Clinic, day: date) -> Key:
    return Key(keys.under(clinic.id, "used", f"{day:%Y-%m}"), "month")


def _day(day: date) -> str:
    return f"d{day:%d}"


def _total(item: Item | None, day: date) -> Used:
    found = item or {}
    return Used(messages=_whole(found, _day(day)), cost=_whole(found, "cost"))


def _whole(item: Item, name: str) -> int:
    value = item.get(name, 0)
    assert isinstance(value, int)
    return value
