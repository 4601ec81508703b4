"""Inbound: one text from a phone, as the provider hands it over."""

import json
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.ids import digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """One text, as it came in."""

    provider_id: str
    sender: str
    to: str
    text: str
    at: datetime

    @property
    def id(self) -> str:
        return digest("in", self.provider_id)


def read_inbound(body: str, now: datetime) -> Inbound:
    """The text in a queue message: an SNS envelope around the provider's payload (clinical reference §7.1). Raises
    ValueError or KeyError for what is no such thing: it ends on the dead-letter queue, which pages ops."""
    envelope = json.loads(body)
    raw = json.loads(envelope["Message"]) if "Message" in envelope else envelope
    return Inbound(
        provider_id=str(raw["inboundMessageId"]),
        sender=str(raw["originationNumber"]),
        to=str(raw["destinationNumber"]),
        text=cleaned(str(raw["messageBody"])),
        at=now,
    )


def cleaned(text: str) -> str:
    """The text as it can be kept and shown: without control characters and without those that turn the direction of
    what is written after them, which would show staff other words than were sent. Half an emoji becomes a mark."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return "".join(c for c in whole if c in "\n\t" or not (unicodedata.category(c) == "Cc" or c in _TURNING))


_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Unicode's bidirectional controls (UAX 9)."""
