"""What is wrong with a request, field by field, in words its author understands."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    field: str
    """A dotted path into the request: `anchors.injury_date`, `items[2].open`."""
    message: str
