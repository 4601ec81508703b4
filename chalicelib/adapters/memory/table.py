"""DynamoDB's table in memory: the same answers, the same refusals, in time that does not grow with the
table."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Mapping, Sequence
from threading import Lock
from typing import NamedTuple

from chalicelib.adapters.memory.item import applied, copied, holds, owned
from chalicelib.adapters.meter import Meter, Write, item_bytes
from chalicelib.adapters.schema import SCHEMA, TTL, Index, Schema
from chalicelib.adapters.table import (
    PK,
    SK,
    Change,
    Check,
    Cursor,
    Invalid,
    Item,
    Key,
    Operation,
    Page,
    Put,
    Refused,
    Remove,
    Table,
    Written,
    check_key,
    check_range,
    check_write,
)

ITEM_BYTES = 400 * 1024
PAGE_BYTES = 1024 * 1024
TRANSACTION_BYTES = 4 * 1024 * 1024


class _Entry(NamedTuple):
    """A place in a partition of the table or of an index; the item's own key breaks ties, as in DynamoDB."""

    sort: str
    pk: str = ""
    sk: str = ""


class MemoryTable(Table):
    """One table behind one lock. Items go in and come out as copies, so nobody shares them by accident.

    Indexes do not lag here: what must survive a lagging index is tested by asking it late.
    """

    def __init__(self, schema: Schema = SCHEMA, *, meter: Meter | None = None) -> None:
        self._schema = schema
        self._meter = meter
        if meter is not None:
            meter.indexes = schema.indexes
        self._lock = Lock()
        self._items: dict[Key, Item] = {}
        self._main = _Partitions()
        self._indexed = {index.name: _Partitions() for index in schema.indexes}

    def __len__(self) -> int:
        return len(self._items)

    def items(self) -> Iterator[Item]:
        """Every item, in key order: what a table export gives. Not part of what the store may ask."""
        with self._lock:
            everything = [(key, copied(item)) for key, item in self._items.items()]
        everything.sort(key=lambda entry: entry[0])
        return (item for _, item in everything)

    def expire(self, epoch_s: int) -> int:
        """Delete what the TTL attribute says is over, as DynamoDB does in its own time and for nothing."""
        with self._lock:
            over = [
                (key, item) for key, item in self._items.items() if type(ttl := item.get(TTL)) is int and ttl < epoch_s
            ]
            for key, item in over:
                self._store(key, item, None)
        return len(over)

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        with self._lock:
            item = self._items.get(check_key(key))
            self._read("GetItem", [_size(item)], consistent)
            return None if item is None else copied(item)

    def get_many(self, keys: Sequence[Key], *, consistent: bool = True) -> list[Item | None]:
        with self._lock:
            distinct = list(dict.fromkeys(map(check_key, keys)))
            for first in range(0, len(distinct), 100):
                batch = distinct[first : first + 100]
                self._read("BatchGetItem", [_size(self._items.get(key)) for key in batch], consistent)
            found = [self._items.get(key) for key in keys]
            return [None if item is None else copied(item) for item in found]

    def query(
        self,
        pk: str,
        *,
        prefix: str | None = None,
        after: str | None = None,
        upto: str | None = None,
        index: str | None = None,
        limit: int | None = None,
        start: Cursor | None = None,
        forward: bool = True,
        consistent: bool = False,
    ) -> Page:
        check_range(prefix, after, upto, limit)
        if not pk:
            raise Invalid("a partition key is never empty")
        if index is not None and consistent:
            raise Invalid("an index knows no consistent read")
        if after is not None and upto is not None and after >= upto:
            return Page(items=(), next=None)
        source = None if index is None else self._schema.index(index)
        with self._lock:
            entries = (self._main if source is None else self._indexed[source.name]).get(pk, [])
            low, high = _range(entries, prefix, after, upto)
            if start is not None:
                place = _place(start, pk, source)
                if forward:
                    low = max(low, bisect_right(entries, place))
                else:
                    high = min(high, bisect_left(entries, place))
            order = range(low, high) if forward else range(high - 1, low - 1, -1)
            items: list[Item] = []
            size = 0
            last: _Entry | None = None
            for position in order:
                entry = entries[position]
                stored = self._items[Key(pk, entry.sort) if source is None else Key(entry.pk, entry.sk)]
                item = stored if source is None else source.view(stored)
                assert item is not None, "an index holds only what it projects"
                size += item_bytes(item)
                if size > PAGE_BYTES and items:
                    size -= item_bytes(item)
                    break
                items.append(copied(item))
                last = entry
                if limit is not None and len(items) == limit:
                    break
            else:
                last = None
            self._read("Query", [size], consistent)
            return Page(items=tuple(items), next=None if last is None else _cursor(last, pk, source))

    def write(self, *operations: Operation) -> Written | Refused:
        check_write(operations)
        operations = tuple(owned(op) for op in operations)
        # A lone Check has no call of its own: DynamoDB knows it only inside a transaction.
        transaction = len(operations) > 1 or isinstance(operations[0], Check)
        with self._lock:
            befores = [self._items.get(op.key) for op in operations]
            refused = next(
                (n for n, op in enumerate(operations) if not holds(op.when, befores[n])),
                None,
            )
            if refused is not None:
                self._wrote(operations, befores, befores, transaction, refused=True)
                current = befores[refused]
                return Refused(op=refused, current=None if current is None else copied(current))
            afters = [applied(op, before) for op, before in zip(operations, befores, strict=True)]
            self._check_images(afters)
            self._wrote(operations, befores, afters, transaction, refused=False)
            for op, before, after in zip(operations, befores, afters, strict=True):
                self._store(op.key, before, after)
            known = [
                copied(after) if after is not None and _tells(op, transaction) else None
                for op, after in zip(operations, afters, strict=True)
            ]
        return Written(items=tuple(known))

    def _check_images(self, afters: Sequence[Item | None]) -> None:
        """Raise `Invalid` for what DynamoDB would not store."""
        sizes = [_size(after) for after in afters]
        if max(sizes) > ITEM_BYTES:
            raise Invalid("an item is larger than 400 KB")
        if sum(sizes) > TRANSACTION_BYTES:
            raise Invalid("a transaction is larger than 4 MB")
        for after in afters:
            for index in self._schema.indexes:
                index.view(after)

    def _store(self, key: Key, before: Item | None, after: Item | None) -> None:
        if after is None:
            self._items.pop(key, None)
        else:
            self._items[key] = after
        if (before is None) != (after is None):
            self._main.move(
                None if before is None else (key.pk, _Entry(key.sk)),
                None if after is None else (key.pk, _Entry(key.sk)),
            )
        for index in self._schema.indexes:
            old, new = _indexed(index, key, before), _indexed(index, key, after)
            if old != new:
                self._indexed[index.name].move(old, new)

    def _read(self, operation: str, sizes: Sequence[int], consistent: bool) -> None:
        if self._meter is not None:
            self._meter.read(operation, sizes, consistent=consistent)

    def _wrote(
        self,
        operations: Sequence[Operation],
        befores: Sequence[Item | None],
        afters: Sequence[Item | None],
        transaction: bool,
        refused: bool,
    ) -> None:
        if self._meter is None:
            return
        writes = [
            # A refused Put is billed for the item it brought, if that is the larger.
            Write(operation=_CALLS[type(op)], before=before, after=op.item if isinstance(op, Put) else after)
            for op, before, after in zip(operations, befores, afters, strict=True)
        ]
        self._meter.wrote(writes, transaction=transaction, refused=refused)


class _Partitions(dict[str, list[_Entry]]):
    """Each partition's entries in order; empty ones are forgotten."""

    def move(self, old: tuple[str, _Entry] | None, new: tuple[str, _Entry] | None) -> None:
        if old is not None:
            pk, entry = old
            entries = self[pk]
            del entries[bisect_left(entries, entry)]
            if not entries:
                del self[pk]
        if new is not None:
            pk, entry = new
            insort(self.setdefault(pk, []), entry)


_CALLS: Mapping[type[Operation], str] = {
    Put: "PutItem",
    Change: "UpdateItem",
    Remove: "DeleteItem",
    Check: "TransactWriteItems",
}


def _size(item: Item | None) -> int:
    return 0 if item is None else item_bytes(item)


def _tells(op: Operation, transaction: bool) -> bool:
    return isinstance(op, Put) or (isinstance(op, Change) and not transaction)


def _indexed(index: Index, key: Key, item: Item | None) -> tuple[str, _Entry] | None:
    if item is None or index.pk not in item or index.sk not in item:
        return None
    return str(item[index.pk]), _Entry(str(item[index.sk]), *key)


def _range(entries: list[_Entry], prefix: str | None, after: str | None, upto: str | None) -> tuple[int, int]:
    """The positions, first included and last excluded, of what a key condition lets through."""
    if prefix is not None:
        low = bisect_left(entries, _Entry(prefix))
        return low, bisect_left(entries, True, low, key=lambda entry: not entry.sort.startswith(prefix))
    low = 0 if after is None else bisect_right(entries, after, key=_sort)
    high = len(entries) if upto is None else bisect_right(entries, upto, key=_sort)
    return low, high


def _sort(entry: _Entry) -> str:
    return entry.sort


def _cursor(entry: _Entry, pk: str, index: Index | None) -> Cursor:
    if index is None:
        return {PK: pk, SK: entry.sort}
    return {PK: entry.pk, SK: entry.sk, index.pk: pk, index.sk: entry.sort}


def _place(start: Cursor, pk: str, index: Index | None) -> _Entry:
    names = (PK, SK) if index is None else (PK, SK, index.pk, index.sk)
    if set(start) != set(names) or start[PK if index is None else index.pk] != pk:
        raise Invalid("the cursor belongs to another query")
    return _Entry(start[SK]) if index is None else _Entry(start[index.sk], start[PK], start[SK])
