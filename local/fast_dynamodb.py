"""Makes moto's DynamoDB quick enough to live with: the same answers without walking the whole table for each.

moto 5.2.5 answers every Query by filtering all items of the table, and opens every TransactWriteItems by deep-copying
every item in it, so one enrolment at 30,000 items takes 25 seconds (docs/decisions/embedded-aws.md has the figures).
What is replaced here is only how candidates are found and how a cancelled transaction is undone; conditions,
projections, paging and errors stay moto's own code. A test runs the same random workload with and without this.

The patches reach into moto's classes, so they refuse any other version than the one they were read against.
"""

import copy
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import moto
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

SUPPORTED = "5.2.5"

Key = tuple[str, str]
"""Partition and sort key of the table itself; "" where the table has no sort key."""
Watcher = Callable[[Table, Key, Item | None], None]
"""Told of every item as it stands after a write; None where it was deleted."""

# Typed loosely, because their methods are replaced.
_Table: Any = Table
_Item: Any = Item
_Backend: Any = DynamoDBBackend

_LAST = "\U0010ffff"
_QUERY, _PUT, _DELETE = Table.query, Table.put_item, Table.delete_item
_UPDATE, _TRANSACT = DynamoDBBackend.update_item, DynamoDBBackend.transact_write_items


class View:
    """Items that carry a pair of string keys, partition by partition in the order of the sort key."""

    def __init__(self, hash_name: str, range_name: str | None) -> None:
        self.hash_name, self.range_name = hash_name, range_name
        self._order: dict[str, list[tuple[str, Key]]] = {}
        self._items: dict[Key, Item] = {}
        self._place: dict[Key, tuple[str, str]] = {}

    def set(self, key: Key, item: Item | None) -> None:
        place = self._find(item)
        before = self._place.get(key)
        if before != place and before is not None:
            partition = self._order[before[0]]
            del partition[bisect_left(partition, (before[1], key))]
            if not partition:
                del self._order[before[0]]
            del self._place[key], self._items[key]
        if place is None or item is None:
            return
        if before != place:
            insort(self._order.setdefault(place[0], []), (place[1], key))
            self._place[key] = place
        self._items[key] = item

    def _find(self, item: Item | None) -> tuple[str, str] | None:
        if item is None:
            return None
        found = []
        for name in (self.hash_name, self.range_name):
            value = item.attrs.get(name) if name else DynamoType({"S": ""})
            if value is None or value.type != "S":
                return None
            found.append(value.value)
        return found[0], found[1]

    def slice(self, partition: str, comparison: str | None, values: list[str], forward: bool) -> list[Item]:
        """What a query can match, and one item beyond: moto looks at the next item to tell that a page is full."""
        keys = self._order.get(partition, [])
        low, high = 0, len(keys)
        match comparison:
            case "=" | "EQ":
                low, high = _at_least(keys, values[0]), _beyond(keys, values[0])
            case "<" | "LT":
                high = _at_least(keys, values[0])
            case "<=" | "LE":
                high = _beyond(keys, values[0])
            case ">" | "GT":
                low = _beyond(keys, values[0])
            case ">=" | "GE":
                low = _at_least(keys, values[0])
            case "BETWEEN":
                low, high = _at_least(keys, values[0]), _beyond(keys, values[1])
            case "BEGINS_WITH":
                low, high = _at_least(keys, values[0]), _beyond(keys, values[0] + _LAST)
        low, high = (low, high + 1) if forward else (max(0, low - 1), high)
        return [self._items[key] for _, key in keys[low:high]]

    def values(self) -> Iterator[tuple[Key, str, str]]:
        """Every entry: the item's key, then the partition and sort value it has here."""
        for key, (partition, value) in self._place.items():
            yield key, partition, value


def _at_least(keys: list[tuple[str, Key]], value: str) -> int:
    return bisect_left(keys, (value, ("", "")))


def _beyond(keys: list[tuple[str, Key]], value: str) -> int:
    return bisect_right(keys, (value, (_LAST, _LAST)))


class Views:
    """One table's own order and that of its indexes, kept as items are written."""

    def __init__(self, table: Table, watchers: list[Watcher]) -> None:
        self._table, self._watchers = table, watchers
        names = [(None, table.schema)] + [(index.name, index.schema) for index in table.all_indexes()]
        self.by_index = {name: _view(schema) for name, schema in names}
        for item in table.all_items():
            self.written(_key(item), item)

    def written(self, key: Key, item: Item | None) -> None:
        for view in self.by_index.values():
            view.set(key, item)
        for watch in self._watchers:
            watch(self._table, key, item)


def _view(schema: list[dict[str, str]]) -> View:
    names = [part["AttributeName"] for part in schema]
    return View(names[0], names[1] if len(names) > 1 else None)


def _key(item: Item) -> Key:
    return str(item.hash_key.value), "" if item.range_key is None else str(item.range_key.value)


_watchers: list[Watcher] = []


def views(table: Table) -> Views:
    """The orders of one table, made when first asked for. Call while no write is under way."""
    found: Views | None = getattr(table, "_ranvier_views", None)
    if found is None:
        found = Views(table, _watchers)
        vars(table)["_ranvier_views"] = found
    return found


def _query(self: Table, hash_key: DynamoType | None, range_comparison: str | None, *args: Any, **kw: Any) -> Any:
    """moto's own query over the few candidates. What the fast path does not know takes the slow one."""
    values, _limit, _start, forward, _projection, index_name = [*args, *[None] * 6][:6]
    view = views(self).by_index.get(kw.get("index_name", index_name))
    plain = all(value.type == "S" for value in (hash_key, *values) if value is not None)
    if view is None or hash_key is None or not plain or len(kw.get("range_key_conditions") or ()) > 1:
        return _QUERY(self, hash_key, range_comparison, *args, **kw)
    raw = [value.value for value in values]
    comparison = range_comparison.upper() if range_comparison else None
    found = view.slice(hash_key.value, comparison, raw, forward is not False)
    vars(self)["all_items"] = lambda: found
    try:
        # moto copies every item found; it is turned into an answer before anybody else has the lock.
        with _not_copied(_Item):
            return _QUERY(self, hash_key, range_comparison, *args, **kw)
    finally:
        del vars(self)["all_items"]


def _put_item(self: Table, *args: Any, **kw: Any) -> Item:
    kept = views(self)
    item = _PUT(self, *args, **kw)
    kept.written(_key(item), item)
    return item


def _delete_item(self: Table, hash_key: DynamoType, range_key: DynamoType | None) -> Item | None:
    kept = views(self)
    item = _DELETE(self, hash_key, range_key)
    if item is not None:
        kept.written(_key(item), None)
    return item


def _update_item(self: DynamoDBBackend, table_name: str, key: dict[str, Any], *args: Any, **kw: Any) -> Item:
    table = self.get_table(table_name)
    kept = views(table)
    try:
        return _UPDATE(self, table_name, key, *args, **kw)
    finally:
        # Also after an error: moto changes the item in place, so that one found half way leaves it changed.
        item = self.get_item(table_name, key)
        if item is not None:
            kept.written(_key(item), item)


def _transact_write_items(self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
    """Copies the items a transaction names instead of the table, and puts those back when it is cancelled."""
    before: list[tuple[Table, DynamoType, DynamoType | None, Item | None]] = []
    for entry in transact_items:
        for operation in entry.values():
            table = self.tables.get(operation.get("TableName"))
            attrs = operation.get("Item") or operation.get("Key") or {}
            if table is None or any(name not in attrs for name in table.table_key_attrs):
                continue  # moto refuses it before it writes anything
            hash_key, range_key = self.get_keys_value(table, attrs)
            before.append((table, hash_key, range_key, copy.deepcopy(table.get_item(hash_key, range_key))))
    try:
        with _not_copied(_Table):
            _TRANSACT(self, transact_items)
    except Exception:
        for table, hash_key, range_key, item in before:
            _restore(table, hash_key, range_key, item)
        raise


def _restore(table: Table, hash_key: DynamoType, range_key: DynamoType | None, item: Item | None) -> None:
    if item is None:
        Table.delete_item(table, hash_key, range_key)
        return
    if range_key is None:
        table.items[hash_key] = item  # type: ignore[assignment]  # moto's own shape without a sort key
    else:
        table.items[hash_key][range_key] = item
    views(table).written(_key(item), item)


@contextmanager
def _not_copied(kind: Any) -> Iterator[None]:
    copies = vars(kind).get("__deepcopy__")
    kind.__deepcopy__ = lambda self, _memo: self
    try:
        yield
    finally:
        if copies is None:
            del kind.__deepcopy__
        else:
            kind.__deepcopy__ = copies


def install(watcher: Watcher | None = None) -> None:
    """Patch moto, once or again; a watcher given is told of every write from now on.

    Raises `RuntimeError` for a moto these patches were not written for.
    """
    if moto.__version__ != SUPPORTED:
        raise RuntimeError(f"written for moto {SUPPORTED}, not {moto.__version__}: see local/fast_dynamodb.py")
    if watcher is not None:
        _watchers.append(watcher)
    _Table.query, _Table.put_item, _Table.delete_item = _query, _put_item, _delete_item
    _Backend.update_item, _Backend.transact_write_items = _update_item, _transact_write_items


def uninstall() -> None:
    """Give moto its own code back. Tables made in between are not to be used after."""
    _watchers.clear()
    _Table.query, _Table.put_item, _Table.delete_item = _QUERY, _PUT, _DELETE
    _Backend.update_item, _Backend.transact_write_items = _UPDATE, _TRANSACT
