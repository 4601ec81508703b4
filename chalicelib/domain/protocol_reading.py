"""Reading a protocol from JSON, and writing it back."""

from collections.abc import Mapping
from typing import Any

from .protocol import Protocol, Step
from .protocol_shape import MAX_STEPS, PROTOCOL, STEP
from .protocol_values import Problem

__all__ = ["Problem", "read_protocol", "readable_steps", "schema", "write_protocol"]


def read_protocol(raw: object) -> Protocol | list[Problem]:
    """The protocol, or everything about its shape that is wrong, in the order of its fields.

    Takes any JSON value. What the shape cannot tell (windows, names of texts, …) is `protocol_check`'s business.
    """
    found: list[Problem] = []
    protocol: Protocol | None = PROTOCOL.read(raw, "", found)
    return found if protocol is None else protocol


def readable_steps(raw: object) -> list[Step | None]:
    """The steps in their places, with None where one cannot be read: they can be checked though others are wrong."""
    items = raw.get("items") if isinstance(raw, Mapping) else None
    if not isinstance(items, list) or len(items) > MAX_STEPS:
        return []
    return [STEP.read(item, "", []) for item in items]


def write_protocol(protocol: Protocol) -> dict[str, Any]:
    """The JSON value that `read_protocol` turns back into an equal protocol; defaults are left out."""
    return PROTOCOL.write(protocol)


def schema() -> dict[str, Any]:
    """The shape as a JSON Schema (draft 2020-12)."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Follow-up protocol", **PROTOCOL.schema}
