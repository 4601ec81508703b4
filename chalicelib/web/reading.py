"""Reading a request's body into its type: every bad field is named at once, none that is good is lost.

The types in `bodies` say what a field may be; msgspec checks it, one field at a time, because it stops at the first
mistake it meets. What could not be read is `UNSET` in the result, so that the checks that follow can go on without it.
"""

import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import UNSET, UnsetType

from chalicelib.domain.problem import Problem

T = TypeVar("T", bound=msgspec.Struct)


def read(raw: Any, kind: type[T]) -> tuple[T, list[Problem]]:
    """The body as `kind`, and everything that is wrong with it."""
    problems: list[Problem] = []
    return _read(raw, kind, "", problems), problems


def _read(raw: Any, kind: type[T], at: str, problems: list[Problem]) -> T:
    if not isinstance(raw, Mapping):
        problems.append(Problem(at or "(body)", "must be an object"))
        raw = {}
    known, hints = _shape(kind)
    problems += [Problem(_path(at, n), "is not a field of this request") for n in raw if n not in known]
    values: dict[str, Any] = {}
    for name, spec in known.items():
        if name not in raw:
            if spec.required:
                problems.append(Problem(_path(at, name), "is required"))
                values[spec.name] = UNSET
            continue
        values[spec.name] = _value(raw[name], hints[spec.name], _path(at, name), problems)
    return kind(**values)


@cache
def _shape(kind: type[msgspec.Struct]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The type's fields by the names they are sent under, and what each may be. An import reads thousands of bodies."""
    return {f.encode_name: f for f in msgspec.structs.fields(kind)}, get_type_hints(kind, include_extras=True)


def _value(raw: Any, kind: Any, at: str, problems: list[Problem]) -> Any:
    if raw is None and type(None) in get_args(kind):
        return None
    inner = _struct_in(kind)
    if inner is not None and _is_a(list, kind):
        if isinstance(raw, list) and not (problem := _of_wrong_length(raw, kind, at)):
            return [_read(each, inner, f"{at}[{place}]", problems) for place, each in enumerate(raw)]
        problems.append(problem if isinstance(raw, list) and problem else Problem(at, "must be a list"))
        return UNSET
    if inner is not None and _is_a(dict, kind):
        if isinstance(raw, Mapping):
            return {name: _read(each, inner, _path(at, name), problems) for name, each in raw.items()}
        problems.append(Problem(at, "must be an object"))
        return UNSET
    if inner is not None:
        return _read(raw, inner, at, problems)
    if isinstance(raw, str) and not is_plain(raw, lines=any((m.extra or {}).get("lines") for m in _metas(kind))):
        problems.append(Problem(at, "must not hold control or direction characters"))
        return UNSET
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as wrong:
        problems.append(_problem(wrong, kind, at))
        return UNSET


def is_plain(text: str, *, lines: bool = False) -> bool:
    """Whether the text holds nothing that could break a line, hide or turn round what stands around it.

    `lines`: line breaks are meant. Names go into texts and e-mail headers, where a line break begins another header.
    """
    return not any(
        (unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") and not (lines and c in "\n\r\t")) or c in _TURNING
        for c in text
    )


_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Bidirectional embeddings, overrides and isolates: the rest of a text would read backwards."""


def _is_a(container: type, kind: Any) -> bool:
    return get_origin(kind) is container or any(_is_a(container, each) for each in get_args(kind))


def _of_wrong_length(raw: list[Any], kind: Any, at: str) -> Problem | None:
    for meta in _metas(kind):
        if meta.max_length is not None and len(raw) > meta.max_length and meta.pattern is None:
            return Problem(at, f"holds {len(raw)}; {meta.max_length} is the most")
        if meta.min_length is not None and len(raw) < meta.min_length:
            return Problem(at, f"must hold {meta.min_length} at least")
        return None
    return None


def _struct_in(kind: Any) -> type[msgspec.Struct] | None:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind
    for each in get_args(kind):
        found = _struct_in(each)
        if found is not None:
            return found
    return None


def _problem(wrong: msgspec.ValidationError, kind: Any, at: str) -> Problem:
    said, _, place = str(wrong).partition(" - at `$")
    meta = next((m for m in _metas(kind) if m.extra and "hint" in m.extra), None)
    if said.startswith("Invalid enum value"):
        text = f"must be one of {', '.join(_choices(kind))}"
    else:
        text = meta.extra["hint"] if meta and meta.extra else _plain(said)
    return Problem(at + place.rstrip("`"), text)


def _metas(kind: Any) -> list[msgspec.Meta]:
    found = [m for m in getattr(kind, "__metadata__", ()) if isinstance(m, msgspec.Meta)]
    for each in get_args(kind):
        found += _metas(each)
    return found


def _choices(kind: Any) -> list[str]:
    if get_origin(kind) is Literal:
        return [str(choice) for choice in get_args(kind)]
    return [choice for each in get_args(kind) for choice in _choices(each)]


def _plain(said: str) -> str:
    """msgspec's words, put as advice."""
    for theirs, ours in (
        ("Expected ", "must be "),
        ("`str`", "text"),
        ("`int`", "a whole number"),
        ("`bool`", "true or false"),
    ):
        said = said.replace(theirs, ours)
    return said.replace("`object`", "an object").replace("`array`", "a list").replace("`null`", "null")


def _path(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name


def given(value: Any) -> bool:
    """Whether a field was sent and could be read."""
    return not isinstance(value, UnsetType)
