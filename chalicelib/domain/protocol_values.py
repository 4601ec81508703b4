"""What JSON values a protocol is made of: each can be read, written and described by a JSON Schema.

Reading adds to a list of problems rather than stopping at the first. The three stand side by side so that they cannot
disagree; `protocol_shape` puts the values together.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

from .local_time import Period


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a protocol: where (`items[2].open`; empty for the whole), and what would be right."""

    field: str
    message: str


def inside(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name


@dataclass(frozen=True, slots=True)
class Scalar:
    parse: Callable[[Any], Any]
    """Raises ValueError, with a sentence for the clinic, for what it cannot read."""
    schema: Mapping[str, Any]
    write: Callable[[Any], Any] = lambda value: value

    def read(self, raw: object, at: str, found: list[Problem]) -> Any:
        try:
            return self.parse(raw)
        except ValueError as wrong:
            found.append(Problem(at, str(wrong)))
            return None


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of at most `most` of one kind of value."""

    of: "Value"
    most: int
    many: str
    """What its members are called, for the message."""

    def read(self, raw: object, at: str, found: list[Problem]) -> tuple[Any, ...]:
        if not isinstance(raw, list | tuple):
            found.append(Problem(at, f"must be a list of {self.many}"))
            return ()
        if len(raw) > self.most:
            found.append(Problem(at, f"holds {len(raw)} {self.many}; at most {self.most} are allowed"))
            return ()
        return tuple(self.of.read(each, f"{at}[{place}]", found) for place, each in enumerate(raw))

    def write(self, value: Any) -> list[Any]:
        return [self.of.write(each) for each in value]

    @property
    def schema(self) -> Mapping[str, Any]:
        return {"type": "array", "items": self.of.schema, "maxItems": self.most}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    name: str
    value: "Value"
    attr: str = ""
    """The attribute that holds it, where it is called otherwise than in JSON."""
    means: str = ""

    @property
    def attribute(self) -> str:
        return self.attr or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A JSON object that becomes a dataclass; what its class gives a default may be left out, or null."""

    makes: type[Any]
    fields: tuple[Field, ...]
    kind: str = ""
    """The value of its field `kind`, for the members of a union."""
    settle: Callable[[dict[str, Any], str, list[Problem]], dict[str, Any]] | None = None
    """From the values as read to the attributes of the class, where they are not one to one."""
    unsettle: Callable[[Any], Any] | None = None
    """The way back: an object whose attributes the fields can write."""

    def read(self, raw: object, at: str, found: list[Problem]) -> Any:
        """The value, or None with what is wrong added to `found`."""
        if not isinstance(raw, Mapping):
            found.append(Problem(at, "must be an object"))
            return None
        before = len(found)
        known = {field.name for field in self.fields} | ({"kind"} if self.kind else set())
        for name in raw:
            if name not in known:
                shown = str(name)[:40]
                what = self.kind or "protocol"
                found.append(Problem(inside(at, shown), f"is no field of a {what}; it has {', '.join(sorted(known))}"))
        values: dict[str, Any] = {}
        for field in self.fields:
            given = raw.get(field.name)
            if given is not None:
                values[field.attribute] = field.value.read(given, inside(at, field.name), found)
            elif self.requires(field):
                found.append(Problem(inside(at, field.name), "is missing"))
        if self.settle:
            values = self.settle(values, at, found)
        return self.makes(**values) if len(found) == before else None

    def requires(self, field: Field) -> bool:
        return field.attribute not in self._defaults()

    def _defaults(self) -> dict[str, Any]:
        return {f.name: f.default for f in fields(self.makes) if f.default is not MISSING}

    def write(self, value: Any) -> dict[str, Any]:
        defaults = self._defaults()
        laid_out = self.unsettle(value) if self.unsettle else value
        written: dict[str, Any] = {"kind": self.kind} if self.kind else {}
        for field in self.fields:
            held = getattr(laid_out, field.attribute)
            if field.attribute not in defaults or held != defaults[field.attribute]:
                written[field.name] = field.value.write(held)
        return written

    @property
    def schema(self) -> Mapping[str, Any]:
        properties: dict[str, Any] = {"kind": {"const": self.kind}} if self.kind else {}
        for field in self.fields:
            required = self.requires(field)
            shape = field.value.schema if required else {"anyOf": [field.value.schema, {"type": "null"}]}
            properties[field.name] = {**shape, "description": field.means} if field.means else shape
        needed = (["kind"] if self.kind else []) + [f.name for f in self.fields if self.requires(f)]
        return {"type": "object", "properties": properties, "required": needed, "additionalProperties": False}


@dataclass(frozen=True, slots=True)
class Union:
    """An object that says by its `kind` which of the records it is."""

    of: tuple[Record, ...]

    def read(self, raw: object, at: str, found: list[Problem]) -> Any:
        if not isinstance(raw, Mapping):
            found.append(Problem(at, "must be an object"))
            return None
        record = next((record for record in self.of if record.kind == raw.get("kind")), None)
        if record is None:
            kinds = ", ".join(record.kind for record in self.of)
            found.append(Problem(inside(at, "kind"), f"must be one of {kinds}"))
            return None
        return record.read(raw, at, found)

    def record_of(self, value: object) -> Record:
        return next(record for record in self.of if isinstance(value, record.makes))

    def write(self, value: Any) -> dict[str, Any]:
        return self.record_of(value).write(value)

    @property
    def schema(self) -> Mapping[str, Any]:
        return {"oneOf": [record.schema for record in self.of]}


Value = Scalar | Listing | Record | Union


# --- scalars -------------------------------------------------------------------------------------------------------


def text(most: int) -> Scalar:
    def parse(raw: Any) -> str:
        if not isinstance(raw, str) or not raw.strip():
            raise ValueError("must be a text")
        if len(raw) > most:
            raise ValueError(f"has {len(raw)} characters; at most {most} are allowed")
        if not raw.replace("\n", " ").isprintable():
            raise ValueError("holds characters that cannot be shown")
        return raw

    return Scalar(parse, {"type": "string", "minLength": 1, "maxLength": most})


def name(pattern: str, example: str, most: int) -> Scalar:
    exact = re.compile(pattern)

    def parse(raw: Any) -> str:
        if not isinstance(raw, str) or len(raw) > most or not exact.fullmatch(raw):
            raise ValueError(f"must look like {example}: small letters, digits and marks, at most {most} characters")
        return raw

    return Scalar(parse, {"type": "string", "pattern": f"^(?:{pattern})$", "maxLength": most})


def choice(*options: str, into: Callable[[str], Any] = str) -> Scalar:
    def parse(raw: Any) -> Any:
        if not isinstance(raw, str) or raw not in options:
            raise ValueError(f"must be one of {', '.join(options)}")
        return into(raw)

    return Scalar(parse, {"enum": list(options)}, str)


def whole(least: int, most: int) -> Scalar:
    def parse(raw: Any) -> int:
        if not isinstance(raw, int) or isinstance(raw, bool) or not least <= raw <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return raw

    return Scalar(parse, {"type": "integer", "minimum": least, "maximum": most})


def _flag_of(raw: Any) -> bool:
    if not isinstance(raw, bool):
        raise ValueError("must be true or false")
    return raw


_LONGEST_DURATION = 20
DURATION_SCHEMA = {
    "type": "string",
    "maxLength": _LONGEST_DURATION,
    "pattern": "^-?P(?=[0-9T])([0-9]+Y)?([0-9]+M)?([0-9]+W)?([0-9]+D)?(T(?=[0-9])([0-9]+H)?([0-9]+M)?)?$",
}


def duration_of(raw: Any) -> Period:
    sentence = "must be a duration such as P14D, P3M or -P7D"
    if not isinstance(raw, str) or not raw.isascii() or len(raw) > _LONGEST_DURATION or raw.endswith("T"):
        raise ValueError(sentence)
    try:
        return Period.parse(raw)
    except ValueError:
        raise ValueError(sentence) from None


FLAG = Scalar(_flag_of, {"type": "boolean"})
DURATION = Scalar(duration_of, DURATION_SCHEMA, str)
