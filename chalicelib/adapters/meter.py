"""What DynamoDB bills, computed from the items before and after: emulators report constants instead.

Sizes and roundings are AWS's documented ones (Developer Guide, "DynamoDB item sizes and formats", "read and
write operations"); what an index and a transaction cost was captured on real DynamoDB by
paritysuite/dynamodb-conformance and nubo-db/dynoxide (pull requests 123, 177, 188, 2026). Units are on-demand
request units; 1 write unit is 1 KB, 1 read unit 4 KB read consistently or 8 KB read eventually.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chalicelib.adapters.schema import Index
from chalicelib.adapters.table import Item, Value, same


def item_bytes(item: Item) -> int:
    """Names and values, in UTF-8."""
    return sum(len(name.encode()) + value_bytes(value) for name, value in item.items())


def value_bytes(value: Value) -> int:
    if isinstance(value, str):
        return len(value.encode())
    if value is None or isinstance(value, bool):
        return 1
    if isinstance(value, int):
        return _number_bytes(value)
    # A list or map costs 3 bytes, and 1 more for each element.
    if isinstance(value, Mapping):
        return 3 + len(value) + item_bytes(value)
    return 3 + len(value) + sum(map(value_bytes, value))


def _number_bytes(number: int) -> int:
    """One byte for the exponent, one per two significant digits, one for a minus sign."""
    digits = str(abs(number))
    pairs = (len(digits) + 1) // 2
    trailing = (len(digits) - len(digits.rstrip("0"))) // 2
    return 1 if number == 0 else 1 + pairs - trailing + (number < 0)


def write_units(before: Item | None, after: Item | None) -> int:
    """The table's own share of a write: the larger of the two images, at least 1 KB."""
    return max(_kilobytes(before), _kilobytes(after), 1)


def index_units(index: Index, before: Item | None, after: Item | None) -> int:
    """One index's share of a write: it is charged on what changes in its own stored view."""
    old, new = index.view(before), index.view(after)
    if old is None or new is None:
        return _kilobytes(old) + _kilobytes(new)
    if (old[index.pk], old[index.sk]) != (new[index.pk], new[index.sk]):
        return _kilobytes(old) + _kilobytes(new)  # a moved key is a delete and a put
    return 0 if same(old, new) else max(_kilobytes(old), _kilobytes(new))


def read_units(size: int, *, consistent: bool) -> float:
    """Of one item, or of all the items one query read together; nothing found costs as much as a little."""
    return max(1, -(-size // 4096)) * (1.0 if consistent else 0.5)


def _kilobytes(item: Item | None) -> int:
    return 0 if item is None else -(-item_bytes(item) // 1024)


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """What one operation did, or would have done had its condition held."""

    operation: str
    before: Item | None
    after: Item | None


@dataclass(slots=True)
class Meter:
    """Counts what a table was asked and what that would be billed. An optional observer of `MemoryTable`."""

    indexes: Sequence[Index] = ()
    calls: Counter[str] = field(default_factory=Counter)
    """API calls, by DynamoDB's operation names."""
    wru_by: Counter[str] = field(default_factory=Counter)
    """Write request units, by operation."""
    rru_by: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Read request units, by operation."""

    @property
    def wru(self) -> int:
        return self.wru_by.total()

    @property
    def rru(self) -> float:
        return sum(self.rru_by.values())

    def reset(self) -> None:
        self.calls.clear()
        self.wru_by.clear()
        self.rru_by.clear()

    def read(self, operation: str, sizes: Sequence[int], *, consistent: bool) -> None:
        """One call that reads items, each rounded up by itself; a query gives the sum of its items as one
        size."""
        self.calls[operation] += 1
        self.rru_by[operation] += sum(read_units(size, consistent=consistent) for size in sizes)

    def wrote(self, writes: Sequence[Write], *, transaction: bool, refused: bool) -> None:
        """One call. Refused, it moves no index and still bills the table's share, as if it had been written;
        in a transaction the table's share counts twice (prepare and commit), an index's once."""
        operation = "TransactWriteItems" if transaction else writes[0].operation
        self.calls[operation] += 1
        for write in writes:
            base = write_units(write.before, write.after)
            self.wru_by[operation] += base * 2 if transaction else base
            if not refused:
                self.wru_by[operation] += sum(index_units(index, write.before, write.after) for index in self.indexes)
