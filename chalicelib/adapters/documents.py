"""Nouns as JSON documents: one attribute a noun, without what equals its default.

A document is small because the table bills by the kilobyte, and typed on the way back in: what does not fit its noun
raises `msgspec.ValidationError`.
"""

from dataclasses import MISSING, fields, is_dataclass
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def pack(noun: object) -> str:
    return msgspec.json.encode(_plain(noun)).decode()


def unpack(document: str, kind: type[T]) -> T:
    return msgspec.json.decode(document, type=kind)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        found = {}
        for each in fields(value):
            held = getattr(value, each.name)
            if each.default is not MISSING and held == each.default:
                continue
            if each.default_factory is not MISSING and held == each.default_factory():
                continue
            found[each.name] = _plain(held)
        return found
    if isinstance(value, dict):
        return {key: _plain(held) for key, held in value.items()}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple | list):
        return [_plain(held) for held in value]
    return value
