"""DynamoDB's attribute values and expressions: pure translation, no calls.

Every name goes through a placeholder, for DynamoDB reserves 573 words, `shard`, `status` and `name` among
them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any as Wire

from chalicelib.adapters.table import (
    PK,
    SK,
    Absent,
    All,
    Any,
    AtLeast,
    AtMost,
    Change,
    Condition,
    Invalid,
    Is,
    IsNot,
    Item,
    Key,
    Lacks,
    Present,
    Value,
    check_key,
    check_number,
)


def to_wire(value: Value) -> Wire:
    """An attribute value. Raises `Invalid` for what the table cannot hold."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int():
            return {"N": str(check_number(value))}
        case Mapping():
            return {"M": item_to_wire(value)}
        case list() | tuple():
            return {"L": [to_wire(element) for element in value]}
    raise Invalid(f"the table holds no {type(value).__name__}")


def from_wire(wire: Wire) -> Value:
    """The value. Raises ValueError for a kind we never write."""
    ((kind, value),) = wire.items()
    match kind:
        case "S" | "BOOL":
            return value  # type: ignore[no-any-return]
        case "N":
            return int(value)
        case "NULL":
            return None
        case "M":
            return item_from_wire(value)
        case "L":
            return [from_wire(element) for element in value]
    raise ValueError(f"an attribute of kind {kind}")


def item_to_wire(item: Item) -> dict[str, Wire]:
    return {name: to_wire(value) for name, value in item.items()}


def item_from_wire(wire: Mapping[str, Wire]) -> dict[str, Value]:
    return {name: from_wire(value) for name, value in wire.items()}


def key_to_wire(key: Key) -> dict[str, Wire]:
    """Raises `Invalid` for an empty part: not every emulator refuses it."""
    check_key(key)
    return item_to_wire({PK: key.pk, SK: key.sk})


@dataclass(slots=True)
class Expression:
    """The placeholders of one request, shared by all its expressions."""

    _names: dict[str, str] = field(default_factory=dict)
    _values: dict[str, Wire] = field(default_factory=dict)

    def arguments(self) -> dict[str, Wire]:
        """The request's two placeholder arguments. DynamoDB refuses empty ones."""
        arguments: dict[str, Wire] = {}
        if self._names:
            arguments["ExpressionAttributeNames"] = {mark: name for name, mark in self._names.items()}
        if self._values:
            arguments["ExpressionAttributeValues"] = self._values
        return arguments

    def name(self, attr: str) -> str:
        return self._names.setdefault(attr, f"#{len(self._names)}")

    def value(self, value: Value) -> str:
        mark = f":{len(self._values)}"
        self._values[mark] = to_wire(value)
        return mark

    def condition(self, condition: Condition) -> str:
        match condition:
            case Absent():
                return f"attribute_not_exists({self.name(PK)})"
            case Present():
                return f"attribute_exists({self.name(PK)})"
            case Lacks(attr):
                return f"attribute_not_exists({self.name(attr)})"
            case Is(attr, None):
                # The same as `= NULL`, which emulators take for absence.
                return f"attribute_type({self.name(attr)}, {self.value('NULL')})"
            case Is(attr, value):
                return f"{self.name(attr)} = {self.value(value)}"
            case IsNot(attr, value):
                mark = self.name(attr)
                return f"(attribute_not_exists({mark}) OR {mark} <> {self.value(value)})"
            case AtMost(attr, value):
                return f"{self.name(attr)} <= {self.value(value)}"
            case AtLeast(attr, value):
                return f"{self.name(attr)} >= {self.value(value)}"
            case All(conditions):
                return "(" + " AND ".join(map(self.condition, conditions)) + ")"
            case Any(conditions):
                return "(" + " OR ".join(map(self.condition, conditions)) + ")"

    def update(self, change: Change) -> str:
        assigned = [f"{self.name(attr)} = {self.value(value)}" for attr, value in change.put.items()]
        for attr, value in change.once.items():
            mark = self.name(attr)
            assigned.append(f"{mark} = if_not_exists({mark}, {self.value(value)})")
        added = [f"{self.name(attr)} {self.value(amount)}" for attr, amount in change.add.items()]
        dropped = [self.name(attr) for attr in change.drop]
        clauses = (("SET", assigned), ("ADD", added), ("REMOVE", dropped))
        return " ".join(f"{verb} {', '.join(parts)}" for verb, parts in clauses if parts)

    def range(self, pk: tuple[str, str], sk: str, prefix: str | None, after: str | None, upto: str | None) -> str:
        """A key condition: the partition, and what `Table.query` says of the sort key."""
        parts = [f"{self.name(pk[0])} = {self.value(pk[1])}"]
        if prefix is not None:
            parts.append(f"begins_with({self.name(sk)}, {self.value(prefix)})")
        elif after is not None and upto is not None:
            # DynamoDB takes one condition on the sort key, and BETWEEN includes both ends: so it starts at
            # the first string after `after`, which is `after` and the smallest character.
            first = self.value(after + "\0")
            parts.append(f"{self.name(sk)} BETWEEN {first} AND {self.value(upto)}")
        elif after is not None:
            parts.append(f"{self.name(sk)} > {self.value(after)}")
        elif upto is not None:
            parts.append(f"{self.name(sk)} <= {self.value(upto)}")
        return " AND ".join(parts)
