"""What one text costs: its encoding, its units and the segments a carrier bills.

Rules: GSM 03.38 (3GPP TS 23.038) for the alphabet; 140 bytes a message, so 160 septets or 70 UTF-16 units
alone, 153 or 67 in each part of a longer text, where the other bytes hold the part's place.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

# Lower-case c-cedilla and every circumflex are absent from the table itself; the upper-case one is in it.
GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENDED = frozenset("\f^{}\\[~]|€")


class Encoding(StrEnum):
    """The two encodings a carrier chooses between, by the text alone."""

    GSM_7 = "GSM-7"
    UCS_2 = "UCS-2"

    @property
    def alone(self) -> int:
        """Units that fit a message of one segment."""
        return 160 if self is Encoding.GSM_7 else 70

    @property
    def part(self) -> int:
        """Units that fit each segment of a longer message."""
        return 153 if self is Encoding.GSM_7 else 67


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """Units are septets for GSM-7 and UTF-16 code units for UCS-2; no text, no segment."""

    encoding: Encoding
    units: int
    segments: int


def is_gsm(text: str) -> bool:
    """Whether every character is in GSM 03.38: one that is not doubles the price of all the others."""
    return all(char in GSM_BASIC or char in GSM_EXTENDED for char in text)


def measure(text: str) -> Measure:
    """Counts as the provider bills."""
    encoding = Encoding.GSM_7 if is_gsm(text) else Encoding.UCS_2
    wide = _is_extended if encoding is Encoding.GSM_7 else _is_astral
    widths = [2 if wide(char) else 1 for char in text]
    units = sum(widths)
    segments = min(units, 1) if units <= encoding.alone else _parts(widths, encoding.part)
    return Measure(encoding=encoding, units=units, segments=segments)


def _parts(widths: Iterable[int], size: int) -> int:
    # An escape pair, or a surrogate pair, cannot be cut: it moves whole to the next part and leaves a gap.
    parts, used = 1, 0
    for width in widths:
        if used + width > size:
            parts, used = parts + 1, 0
        used += width
    return parts


def _is_extended(char: str) -> bool:
    return char in GSM_EXTENDED


def _is_astral(char: str) -> bool:
    return ord(char) > 0xFFFF
