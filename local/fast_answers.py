"""Makes moto write DynamoDB's answers quickly.

moto 5.2.5 looks up each of the ten possible members of every AttributeValue under several spellings: three quarters
of the time of a Query. An AttributeValue holds exactly one member and is already in the shape it leaves in.
"""

from collections.abc import Mapping
from typing import Any

from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb.models.dynamo_type import DynamoType

_Serializer: Any = BaseJSONSerializer  # typed loosely: its methods are replaced
_STRUCTURE = BaseJSONSerializer._serialize_type_structure


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


def install() -> None:
    _Serializer._serialize_type_structure = _structure


def uninstall() -> None:
    _Serializer._serialize_type_structure = _STRUCTURE
