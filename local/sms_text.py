"""How a carrier cuts a text into parts. Written apart from the service's own measuring, so that each checks the other.

GSM 03.38: 160 septets in one part, 153 in each of several (a 6-byte header takes 7 septets); what lies outside its
alphabet makes the whole text UCS-2, 70 or 67 UTF-16 units.
"""

from typing import NamedTuple

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")  # each behind an escape: two septets


class Measured(NamedTuple):
    encoding: str
    """`GSM-7` or `UCS-2`."""
    segments: int


def measure(text: str) -> Measured:
    if all(letter in _BASIC or letter in _EXTENDED for letter in text):
        return Measured("GSM-7", _parts([2 if letter in _EXTENDED else 1 for letter in text], 160, 153))
    return Measured("UCS-2", _parts([2 if ord(letter) > 0xFFFF else 1 for letter in text], 70, 67))


def _parts(widths: list[int], single: int, many: int) -> int:
    if sum(widths) <= single:
        return 1
    parts, room = 1, many
    for width in widths:
        if width > room:  # an escaped letter or a surrogate pair is never split over two parts
            parts, room = parts + 1, many
        room -= width
    return parts
