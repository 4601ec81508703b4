"""Nouns as JSON documents: one attribute a noun, without what equals its default and without what stands elsewhere.

A document is small because the table bills by the kilobyte, and every reminder writes a cursor and a record: so the
names that fill those are short, and an instant is the number of its second. It is typed on the way back in: what does
not fit its noun raises `msgspec.ValidationError`.
"""

from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from chalicelib.adapters.schema import TTL

T = TypeVar("T")

SHORT = {
    "about": "X",
    "appointments": "V",
    "attempt": "A",
    "attempts": "N",
    "category": "K",
    "channel": "C",
    "claimed_at": "L",
    "computed_by": "B",
    "contact_id": "J",
    "detail": "D",
    "in_flight": "F",
    "language": "E",
    "next_due": "W",
    "occurrence": "I",
    "outcome": "R",
    "outcomes": "O",
    "planned_at": "P",
    "progress": "G",
    "questions": "Q",
    "segments": "M",
    "session": "S",
    "template": "T",
    "through": "H",
    "useful_until": "U",
}
"""Field names that stand in most cursors and records. No key of a mapping is a single capital letter."""

_LONG = {short: name for name, short in SHORT.items()}


def ending(kept_until: datetime | None) -> dict[str, int]:
    """The attribute at whose time the table deletes an item of itself."""
    return {TTL: int(kept_until.timestamp())} if kept_until else {}


def ended_at(item: Mapping[str, Any]) -> datetime | None:
    """The time that `ending` put there."""
    return datetime.fromtimestamp(item[TTL], UTC) if TTL in item else None


def pack(noun: object, *, without: Collection[str] = ()) -> str:
    """`without`: fields that the item holds as attributes of their own, or in its key."""
    plain = _plain(noun)
    if without:
        plain = {name: held for name, held in plain.items() if _LONG.get(name, name) not in without}
    return msgspec.json.encode(plain).decode()


def unpack(document: str, kind: type[T], known: Mapping[str, Any] | None = None) -> T:
    """`known`: the fields that `pack` was told to leave out."""
    found = _named(msgspec.json.decode(document))
    # Not strict only so that a number may be an instant.
    return msgspec.convert({**found, **known} if known else found, kind, strict=False, str_keys=True)


def _named(value: Any) -> Any:
    if isinstance(value, dict):
        return {_LONG.get(name, name): _named(held) for name, held in value.items()}
    if isinstance(value, list):
        return [_named(held) for held in value]
    return value


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        found = {}
        for each in fields(value):
            held = getattr(value, each.name)
            if each.default is not MISSING and held == each.default:
                continue
            if each.default_factory is not MISSING and held == each.default_factory():
                continue
            found[SHORT.get(each.name, each.name)] = _plain(held)
        return found
    if isinstance(value, dict):
        return {key: _plain(held) for key, held in value.items()}
    if isinstance(value, datetime) and not value.microsecond:
        return int(value.timestamp())
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple | list):
        return [_plain(held) for held in value]
    return value
