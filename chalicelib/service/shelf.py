"""The shelf: every follow-up protocol a clinic may choose from, those that ship with the service and its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from chalicelib.domain import protocol as follow_up
from chalicelib.service.chart import Audit


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelved:
    protocol: follow_up.Protocol
    published_at: datetime | None = None
    """When the clinic published it; None for one that ships."""

    @property
    def own(self) -> bool:
        return self.published_at is not None


class Published(Enum):
    """What became of publishing a protocol."""

    NEW = "new"
    SAME = "same"
    """That very protocol stands there already: asking twice does no harm."""
    TAKEN = "taken"
    """Another protocol was published under that id; a published version never changes."""


class Shelf(Protocol):
    def all(self, clinic_id: str) -> Mapping[str, Shelved]:
        """By id. A clinic's own goes before one that ships under the same id, which a later release may bring."""

    def own(self, clinic_id: str, protocol_id: str) -> follow_up.Protocol:
        """One of the clinic's own, as a pin names it. Raises KeyError: what is pinned was published."""

    def publish(self, clinic_id: str, protocol: follow_up.Protocol, audit: Audit) -> Published: ...
