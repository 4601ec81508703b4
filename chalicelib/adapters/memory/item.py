"""What one operation does to one item, as DynamoDB would: pure functions under the memory table."""

from collections.abc import Mapping

from chalicelib.adapters.table import (
    PK,
    SK,
    Absent,
    All,
    Any,
    AtLeast,
    AtMost,
    Change,
    Check,
    Condition,
    Invalid,
    Is,
    IsNot,
    Item,
    Lacks,
    Operation,
    Present,
    Put,
    Remove,
    Value,
    check_number,
    same,
)


def holds(condition: Condition | None, item: Item | None) -> bool:
    """Whether the condition lets the write through."""
    there: Item = {} if item is None else item
    match condition:
        case None:
            return True
        case Absent():
            return item is None
        case Present():
            return item is not None
        case Lacks(attr):
            return attr not in there
        case Is(attr, value):
            return attr in there and same(there[attr], value)
        case IsNot(attr, value):
            return attr not in there or not same(there[attr], value)
        case AtMost(attr, value):
            return _order(there.get(attr), value) in (-1, 0)
        case AtLeast(attr, value):
            return _order(there.get(attr), value) in (0, 1)
        case All(conditions):
            return all(holds(one, item) for one in conditions)
        case Any(conditions):
            return any(holds(one, item) for one in conditions)


def _order(value: Value, other: str | int) -> int | None:
    """-1, 0 or 1 as the value lies below, at or above the other; None where the two do not compare."""
    if isinstance(value, str) and isinstance(other, str):
        return (value > other) - (value < other)
    if type(value) is int and type(other) is int:
        return (value > other) - (value < other)
    return None


def applied(op: Operation, before: Item | None) -> Item | None:
    """The item after the operation; None where there is none."""
    match op:
        case Put(item):
            return item
        case Remove():
            return None
        case Check():
            return before
        case Change(key, put, once, add, drop):
            after = {PK: key.pk, SK: key.sk, **(before or {}), **put}
            for name, value in once.items():
                after.setdefault(name, value)
            for name, amount in add.items():
                there = after.get(name, 0)
                if type(there) is not int:
                    raise Invalid(f"{name} is not a number to add to")
                after[name] = check_number(there + amount)
            for name in drop:
                after.pop(name, None)
            return after


def owned(op: Operation) -> Operation:
    """The operation with values of its own, each of a kind the table can hold."""
    if isinstance(op, Put):
        return Put(copied(op.item), op.when)
    if isinstance(op, Change):
        return Change(op.key, copied(op.put), copied(op.once), _numbers(op.add), op.drop, op.when)
    return op


def _numbers(amounts: Mapping[str, int]) -> dict[str, int]:
    if any(type(amount) is not int for amount in amounts.values()):
        raise Invalid("only whole numbers are added")
    return {name: check_number(amount) for name, amount in amounts.items()}


def copied(item: Item) -> dict[str, Value]:
    """The item with values of its own all the way down. Raises `Invalid` for what the table cannot hold."""
    return {name: _value(value) for name, value in item.items()}


def _value(value: Value) -> Value:
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, int):
        return check_number(value)
    if isinstance(value, Mapping):
        return copied(value)
    if isinstance(value, (list, tuple)):
        return [_value(element) for element in value]
    raise Invalid(f"the table holds no {type(value).__name__}")
