"""The small language in which the store speaks to its one table.

It holds what both DynamoDB and memory do alike, and nothing else. Attribute names are top-level and taken
literally: a dot in one is part of the name. Strings order by their UTF-8 bytes, which is also Python's order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

Value = str | int | bool | None | Sequence["Value"] | Mapping[str, "Value"]
"""No floats: what is money or a measurement here is a whole number of its smallest unit."""
Item = Mapping[str, Value]
Cursor = Mapping[str, str]
"""Where a query stopped: JSON-able, and only of use to the same query."""

PK, SK = "pk", "sk"
_DIGITS = 10**38  # DynamoDB keeps 38 significant digits and refuses more


class Invalid(ValueError):
    """The request breaks the table's own rules, whatever the data. A mistake in our code."""


class Busy(Exception):
    """Throttled, or in conflict with another transaction, after the client's own retries. Nothing was
    written; the same request may succeed later."""


class Key(NamedTuple):
    pk: str
    sk: str

    @classmethod
    def of(cls, item: Item) -> "Key":
        """The key in an item. Raises `Invalid` unless both parts are strings the table takes."""
        pk, sk = item.get(PK), item.get(SK)
        if not (isinstance(pk, str) and isinstance(sk, str)):
            raise Invalid("pk and sk must be strings")
        return check_key(cls(pk, sk))


# Conditions, on the item as it stands before the write.


@dataclass(frozen=True, slots=True)
class Absent:
    """There is no such item."""


@dataclass(frozen=True, slots=True)
class Present:
    """There is such an item."""


@dataclass(frozen=True, slots=True)
class Is:
    """The attribute is there and equals the value, type included."""

    attr: str
    value: Value


@dataclass(frozen=True, slots=True)
class IsNot:
    """The attribute is absent or differs."""

    attr: str
    value: Value


@dataclass(frozen=True, slots=True)
class AtMost:
    """The attribute is there, of the value's type, and ≤ it."""

    attr: str
    value: str | int


@dataclass(frozen=True, slots=True)
class AtLeast:
    """The attribute is there, of the value's type, and ≥ it."""

    attr: str
    value: str | int


@dataclass(frozen=True, slots=True)
class Lacks:
    """The attribute, or the whole item, is absent."""

    attr: str


@dataclass(frozen=True, slots=True, init=False)
class All:
    """Every one holds."""

    conditions: tuple["Condition", ...]

    def __init__(self, *conditions: "Condition") -> None:
        object.__setattr__(self, "conditions", _some(conditions))


@dataclass(frozen=True, slots=True, init=False)
class Any:
    """At least one holds."""

    conditions: tuple["Condition", ...]

    def __init__(self, *conditions: "Condition") -> None:
        object.__setattr__(self, "conditions", _some(conditions))


Condition = Absent | Present | Is | IsNot | AtMost | AtLeast | Lacks | All | Any


def _some(conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    if not conditions:
        raise Invalid("a condition over no conditions says nothing")
    return conditions


# Operations.


@dataclass(frozen=True, slots=True)
class Put:
    """Store the item, replacing what stood there."""

    item: Item
    when: Condition | None = None

    @property
    def key(self) -> Key:
        return Key.of(self.item)


@dataclass(frozen=True, slots=True)
class Change:
    """Alter single attributes, creating the item if need be."""

    key: Key
    put: Item = field(default_factory=dict)
    once: Item = field(default_factory=dict)
    """Put only where the attribute is absent."""
    add: Mapping[str, int] = field(default_factory=dict)
    """Added to the number there; an absent one counts as 0."""
    drop: Sequence[str] = ()
    when: Condition | None = None

    def __post_init__(self) -> None:
        names = [*self.put, *self.once, *self.add, *self.drop]
        if not names:
            raise Invalid("a change must change something")
        if len(set(names)) < len(names) or PK in names or SK in names:
            raise Invalid("a change names each attribute once, and never the key")


@dataclass(frozen=True, slots=True)
class Remove:
    """Delete the item, if there is one."""

    key: Key
    when: Condition | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """Write nothing, but let everything written with this depend on the condition."""

    key: Key
    when: Condition


Operation = Put | Change | Remove | Check


# Answers.


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    items: tuple[Item, ...]
    next: Cursor | None
    """Where the next page starts. Set also where a limit happened to fall on the last item: only None means
    the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """All of it is durable."""

    items: tuple[Item | None, ...]
    """One per operation, as it now stands, where that is known without reading: a Put's always, a Change's
    when it is written alone, else None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A condition failed and nothing was written."""

    op: int
    """The first operation whose condition failed, counting from 0."""
    current: Item | None
    """That operation's item as it stood."""


class Table(Protocol):
    """One table of items. All methods raise `Busy` and `Invalid`; other failures are the vendor's
    exceptions."""

    def get(self, key: Key, *, consistent: bool = True) -> Item | None: ...

    def get_many(self, keys: Sequence[Key], *, consistent: bool = True) -> list[Item | None]:
        """Each key's item, in the order asked; keys may repeat. Not one snapshot: each item is read by
        itself."""

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
        """One page of a partition in key order: at most `limit` items and 1 MB.

        The sort key starts with `prefix`, or lies after `after` (itself excluded) and up to `upto`
        (included). An index answers with the attributes it projects, lags the table, and knows no consistent
        read.
        """

    def write(self, *operations: Operation) -> Written | Refused:
        """Perform the operations, all or none; one is an ordinary write, up to 100 on distinct keys a
        transaction.

        A lost answer is asked for again. A transaction carries a token, so the second asking is the same
        write; a single write does not: a Change may add twice, and a condition may be refused by the change
        it guarded. Conditions that must survive this compare a token of the writer's with `Refused.current`.
        """


def check_key(key: Key) -> Key:
    """The key, if DynamoDB takes it."""
    if not (0 < len(key.pk.encode()) <= 2048 and 0 < len(key.sk.encode()) <= 1024):
        raise Invalid("a partition key has 1 to 2048 bytes, a sort key 1 to 1024")
    return key


def check_range(prefix: str | None, after: str | None, upto: str | None, limit: int | None) -> None:
    """Raise `Invalid` for a query both tables must refuse alike."""
    if prefix is not None and (after is not None or upto is not None):
        raise Invalid("a query takes a prefix or a range, not both")
    if "" in (prefix, upto):
        raise Invalid("a sort key is never empty")
    if limit is not None and limit < 1:
        raise Invalid("a page holds at least one item")


def check_write(operations: Sequence[Operation]) -> None:
    """Raise `Invalid` for a write both tables must refuse alike."""
    if not 1 <= len(operations) <= 100:
        raise Invalid("a write is 1 to 100 operations")
    if len({check_key(op.key) for op in operations}) < len(operations):
        raise Invalid("a transaction touches each item once")


def same(one: Value, other: Value) -> bool:
    """Equal, type included: Python holds True equal to 1, the table does not."""
    if isinstance(one, Mapping):
        return (
            isinstance(other, Mapping)
            and one.keys() == other.keys()
            and all(same(value, other[name]) for name, value in one.items())
        )
    if isinstance(one, (list, tuple)):
        return isinstance(other, (list, tuple)) and len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


def check_number(value: int) -> int:
    """The number, if DynamoDB can hold it exactly."""
    if abs(value) >= _DIGITS:
        raise Invalid("a number has at most 38 digits")
    return value
