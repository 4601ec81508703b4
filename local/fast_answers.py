"""Makes moto write DynamoDB's answers quickly: the same answers, by shorter ways.

moto 5.2.5 looks up each of the ten possible members of every AttributeValue under several spellings, though it holds
exactly one and is already in the shape it leaves in; asks every object on the way whether it can turn itself into
JSON; measures every item twice through a chain of properties; reads an item anew for each attribute an index holds;
lists the methods of its answering class at every request. Together that is most of the time a Query takes.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from moto.core import responses as core
from moto.core import utils
from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb import responses
from moto.dynamodb.models import utilities
from moto.dynamodb.models.dynamo_type import DynamoType, Item

# Typed loosely: what they hold is replaced.
_Serializer: Any = BaseJSONSerializer
_Core: Any = core
_Responses: Any = responses
_Type: Any = DynamoType
_Item: Any = Item
_STRUCTURE = BaseJSONSerializer._serialize_type_structure
_METHOD_NAMES = utils.method_names_from_class
_TO_DICT = utilities.dynamo_to_dict
_SIZE = DynamoType.size
_PROJECT = Item.project


def plain(value: object) -> dict[str, Any] | None:
    """An attribute as it goes over the wire, or None where moto should do it (binary, sets, anything odd)."""
    if isinstance(value, DynamoType):
        kind, held = value.type, value.value
    elif isinstance(value, Mapping) and len(value) == 1:
        [(kind, held)] = value.items()
    else:
        return None
    if kind in ("BOOL", "NULL") or (kind in ("S", "N") and isinstance(held, str)):
        return {kind: held}
    if kind == "L":
        members = [plain(member) for member in held]
        return None if None in members else {kind: members}
    if kind == "M":
        named = {name: plain(member) for name, member in held.items()}
        return None if None in named.values() else {kind: named}
    return None


def _structure(self: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
    quick = plain(value) if key and shape.name == "AttributeValue" else None
    if quick is None:
        _STRUCTURE(self, serialized, value, shape, key)
    else:
        serialized[key] = quick


def _to_dict(value: Any) -> Any:
    kind = type(value)
    if kind is str:
        return value
    if kind is DynamoType:
        return plain(value) or _TO_DICT(value)
    if kind is list:
        return [_to_dict(member) for member in value]
    if isinstance(value, dict):
        return {name: _to_dict(member) for name, member in value.items()}
    return _TO_DICT(value)


def _size(self: DynamoType) -> int:
    match self.type:
        case "S":
            return len(self.value.encode())
        case "L":
            return sum(map(_size, self.value))
        case "M":
            return sum(len(name.encode()) + _size(member) for name, member in self.value.items())
        case _:
            return _SIZE(self)


def _project(self: Item, expressions: list[list[str]]) -> Item:
    """Top-level attributes as they are; moto reads the whole item anew for each of them."""
    if any(len(path) != 1 for path in expressions):
        return _PROJECT(self, expressions)
    made = Item(self.hash_key, self.range_key, {})
    wanted = {path[0] for path in expressions}
    dict.update(made.attrs, {name: value for name, value in self.attrs.items() if name in wanted})
    return made


def install() -> None:
    _Serializer._serialize_type_structure = _structure
    _Core.method_names_from_class = cache(_METHOD_NAMES)
    _Responses.dynamo_to_dict = _to_dict
    _Type.size = _size
    _Item.project = _project


def uninstall() -> None:
    _Serializer._serialize_type_structure = _STRUCTURE
    _Core.method_names_from_class = _METHOD_NAMES
    _Responses.dynamo_to_dict = _TO_DICT
    _Type.size = _SIZE
    _Item.project = _PROJECT
