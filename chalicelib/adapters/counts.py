"""A clinic's counts on the table: an item a local day, how far has been counted, and what the erased counted as.

What a patient's messages counted as is noted when they are erased, under the number of the last count that was closed
by then: a day that was counted later no longer holds them, and one that was counted before does.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from chalicelib.adapters import keys
from chalicelib.adapters.documents import pack, unpack
from chalicelib.adapters.schema import TTL
from chalicelib.adapters.table import (
    SK,
    Absent,
    All,
    Any,
    AtMost,
    Change,
    Condition,
    Is,
    Item,
    Key,
    Lacks,
    Operation,
    Put,
    Refused,
    Table,
)
from chalicelib.service.counting import Counted, Part
from chalicelib.service.tally import Sent, Tally, empty

PARTS_KEPT = timedelta(days=3)
ASKED_AGAIN = timedelta(minutes=10)

Cells = list[tuple[str, str, str, str, int, int]]
"""Day, kind, channel, state; messages, segments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _PartDocument:
    number: int
    first: date
    through: date
    at: datetime
    last: str
    patients: int
    enrolments: dict[str, int]
    cells: Cells


class TableCounts:
    def __init__(self, table: Table) -> None:
        self._table = table

    def counted(self, clinic_id: str) -> Counted:
        found = self._table.get(_head(clinic_id))
        if found is None:
            return Counted()
        known = unpack(str(found["doc"]), Counted) if "doc" in found else Counted()
        return replace(known, erasures=_whole(found, "erasures"))

    def ask(self, clinic_id: str, *, now: datetime) -> bool:
        long_ago = int((now - ASKED_AGAIN).timestamp())
        due: Condition = Any(Lacks("asked"), AtMost("asked", long_ago))
        asked = Change(_head(clinic_id), put={"asked": int(now.timestamp())}, when=due)
        return not isinstance(self._table.write(asked), Refused)

    # --- a count under way ---

    def part(self, clinic_id: str, before: Counted, number: int) -> Part | None:
        found = self._table.get(_part(clinic_id, before, number))
        if found is None:
            return None
        told = unpack(str(found["doc"]), _PartDocument)
        return Part(
            number=told.number,
            first=told.first,
            through=told.through,
            at=told.at,
            last=told.last,
            patients=told.patients,
            enrolments=told.enrolments,
            tally=_tally(told.cells),
        )

    def add_part(self, clinic_id: str, before: Counted, part: Part) -> None:
        key = _part(clinic_id, before, part.number)
        document = _PartDocument(
            number=part.number,
            first=part.first,
            through=part.through,
            at=part.at,
            last=part.last,
            patients=part.patients,
            enrolments=dict(part.enrolments),
            cells=_cells(part.tally),
        )
        ends = int((part.at + PARTS_KEPT).timestamp())
        self._table.write(Put({"pk": key.pk, "sk": key.sk, "doc": pack(document), TTL: ends}, when=Absent()))

    def close(self, clinic_id: str, before: Counted, after: Counted, days: Mapping[date, Tally]) -> bool:
        unmoved = All(_stands("turn", before.turn), _stands("erasures", before.erasures))
        told = pack(replace(after, erasures=0))
        operations: list[Operation] = [Change(_head(clinic_id), put={"doc": told, "turn": after.turn}, when=unmoved)]
        for day, tally in days.items():
            key = _day(clinic_id, day)
            operations.append(Put({"pk": key.pk, "sk": key.sk, "turn": after.turn, "doc": pack(_cells(tally))}))
        return not isinstance(self._table.write(*operations), Refused)

    # --- what has been counted ---

    def between(self, clinic_id: str, start: date, end: date, *, settled_before: date) -> Tally:
        found = empty()
        for month in _months(start, end):
            turns: dict[str, int] = {}
            for item in self._all(keys.under(clinic_id, "counts", month)):
                day = str(item[SK])
                if start.isoformat() <= day <= end.isoformat() and day < settled_before.isoformat():
                    turns[day] = _whole(item, "turn")
                    _add(found, _tally(unpack(str(item["doc"]), Cells)))
            for item in self._all(keys.under(clinic_id, "erased", month)):
                day, kind, channel, state, turn = str(item[SK]).split("#")
                if start.isoformat() <= day <= end.isoformat() and (day not in turns or int(turn) < turns[day]):
                    what = Sent(day, kind, channel, state)
                    found.messages[what] += _whole(item, "messages")
                    found.segments[what] += _whole(item, "segments")
        return found

    def _all(self, pk: str) -> Iterator[Item]:
        start = None
        while True:
            page = self._table.query(pk, start=start, consistent=True)
            yield from page.items
            start = page.next
            if start is None:
                return


def erased_operations(clinic_id: str, turn: int, tally: Tally) -> list[Operation]:
    """What notes an erased patient's messages, in the transaction that removes them; refused at its first operation
    where a count was closed meanwhile. `turn`: of the last count that was closed."""
    noted: list[Operation] = [Change(_head(clinic_id), add={"erasures": 1}, when=_stands("turn", turn))]
    for what, count in tally.messages.items():
        sk = f"{what.day}#{what.kind}#{what.channel}#{what.state}#{turn:08d}"
        key = Key(keys.under(clinic_id, "erased", what.day[:7]), sk)
        noted.append(Change(key, add={"messages": count, "segments": tally.segments[what]}))
    return noted


def _head(clinic_id: str) -> Key:
    return Key(keys.under(clinic_id, "counts"), "head")


def _day(clinic_id: str, day: date) -> Key:
    return Key(keys.under(clinic_id, "counts", f"{day:%Y-%m}"), day.isoformat())


def _part(clinic_id: str, before: Counted, number: int) -> Key:
    return Key(keys.under(clinic_id, "counting"), f"{before.turn:08d}#{before.erasures:08d}#{number:06d}")


def _stands(name: str, value: int) -> Condition:
    return Is(name, value) if value else Lacks(name)


def _cells(tally: Tally) -> Cells:
    return [
        (what.day, what.kind, what.channel, what.state, number, tally.segments[what])
        for what, number in sorted(tally.messages.items())
    ]


def _tally(cells: Cells) -> Tally:
    messages, segments = Counter[Sent](), Counter[Sent]()
    for day, kind, channel, state, number, parts in cells:
        what = Sent(day, kind, channel, state)
        messages[what], segments[what] = number, parts
    return Tally(messages=messages, segments=segments)


def _add(found: Tally, other: Tally) -> None:
    found.messages.update(other.messages)
    found.segments.update(other.segments)


def _months(start: date, end: date) -> Iterator[str]:
    year, month = start.year, start.month
    while (year, month) <= (end.year, end.month):
        yield f"{year:04d}-{month:02d}"
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def _whole(item: Item, name: str) -> int:
    value = item.get(name, 0)
    assert isinstance(value, int)
    return value
