"""Putting facts into templates, safely.

A clinic chooses its own name, so a slot value is untrusted text: it may hold braces, newlines or characters
that turn the reading direction. Substitution is one pass over an allow-list of names; never `str.format`,
whose `{x.__class__}` would let a value reach into the program.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping

from chalicelib.domain.wording.book import MissingSlot
from chalicelib.domain.wording.measure import GSM_BASIC, GSM_EXTENDED

_SLOT = re.compile(r"\{([a-z_]+)\}")
_SPACES = re.compile(r"\s+")

# Only what any reader takes for the same character; everything else stays as it is, and is paid for.
_EQUIVALENT = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02bc\u00b4`", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2022\u00b7", "-"),
        "\u2026": "...",
        "\u0153": "oe",
        "\u0152": "OE",
        "\u0142": "l",
        "\u0141": "L",
        "\u00d7": "x",
    }
)


def slots_of(text: str) -> frozenset[str]:
    """The slot names a template text uses."""
    return frozenset(_SLOT.findall(text))


def clean(value: str) -> str:
    """One line of visible text: no control, direction or zero-width characters, single spaces."""
    one_line = _SPACES.sub(" ", unicodedata.normalize("NFC", value))
    return "".join(char for char in one_line if unicodedata.category(char)[0] != "C").strip()


def fold(value: str) -> str:
    """The same words in GSM-7 where a faithful spelling exists (`Clínica` → `Clinica`, curly → straight)."""
    return "".join(_fold_char(char) for char in value.translate(_EQUIVALENT))


def _fold_char(char: str) -> str:
    if char in GSM_BASIC or char in GSM_EXTENDED:
        return char
    base = unicodedata.normalize("NFKD", char)[0]
    return base if base in GSM_BASIC else char


def fill(text: str, values: Mapping[str, str]) -> str:
    """`text` with each `{slot}` replaced in one pass: what a value holds is never read as a slot.

    Raises `MissingSlot` where a value is absent or empty.
    """

    def value_of(match: re.Match[str]) -> str:
        value = values.get(match[1])
        if not value:
            raise MissingSlot(match[1])
        return value

    return _SLOT.sub(value_of, text)


def prepare(names: Iterable[str], slots: Mapping[str, str], *, gsm: bool) -> dict[str, str]:
    """Cleaned values of the slots a template names; others are ignored: one set of facts serves all."""
    cleaned = {name: clean(slots[name]) for name in names if name in slots}
    return {name: fold(value) for name, value in cleaned.items()} if gsm else cleaned
