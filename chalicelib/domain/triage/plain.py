"""A message as triage reads it: folded, stripped of dress, and cut into tokens.

Every step is a function of the characters alone and linear in their number, so any text that a phone can send, and
much that it cannot, is read in bounded time.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate

_APOSTROPHES = frozenset("'’‘ʼ´`＇")
# English contractions close up ("can't" -> "cant"), as people type them; other elisions open ("j'ai" -> "j ai").
_CLOSING = frozenset({"t", "s", "m", "re", "ve", "ll", "d"})
_IN_NUMBER = frozenset(".,:/")


Compounds = Mapping[str, tuple[str, ...]]
"""Everyday words of several ideographs by their first, longest first (`compounds_by_first`)."""

NO_COMPOUNDS: Compounds = {}


def compounds_by_first(words: Iterable[str]) -> Compounds:
    found: dict[str, tuple[str, ...]] = {}
    for word in sorted(words, key=len, reverse=True):
        found[word[0]] = (*found.get(word[0], ()), word)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """`tokens` are words, numbers, single ideographs, everyday compounds of them, and single emoji.

    `reach[i]` is the distance from the start of the message to token i in half words: two for a word, one for an
    ideograph, since a Chinese word is commonly two characters. `stops` are the tokens that punctuation follows.
    """

    tokens: tuple[str, ...]
    reach: tuple[int, ...]
    stops: frozenset[int]

    def quote(self, start: int, end: int) -> str:
        """The tokens from start up to end as one stretch, ideographs unspaced."""
        parts: list[str] = []
        for token in self.tokens[start:end]:
            if parts and not (is_ideograph(token) and is_ideograph(parts[-1][-1])):
                parts.append(" ")
            parts.append(token)
        return "".join(parts)


def is_ideograph(token: str) -> bool:
    return len(token) == 1 and ("\u3400" <= token <= "\u9fff" or "\U00020000" <= token <= "\U0003134f")


def _fold(text: str, variants: Mapping[str, str]) -> str:
    """NFKC, casefold, accents off, any script's digits to ASCII, traditional ideographs to simplified."""
    kept: list[str] = []
    for char in unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold()):
        category = unicodedata.category(char)
        # Marks carry accents and emoji styling; format characters carry bidi overrides and zero-width joiners.
        if category in {"Mn", "Me", "Cf"} or "\U0001f3fb" <= char <= "\U0001f3ff":
            continue
        if category == "Nd":
            kept.append(str(unicodedata.decimal(char)))
        elif char in _APOSTROPHES:
            kept.append("'")
        else:
            kept.append(variants.get(char, char))
    return "".join(kept)


def _is_letter(char: str) -> bool:
    return char.isalpha() and not is_ideograph(char)


def _word_end(text: str, start: int) -> int:
    end = start
    while end < len(text) and _is_letter(text[end]):
        end += 1
    return end


def plain(text: str, variants: Mapping[str, str], compounds: Compounds = NO_COMPOUNDS) -> Plain:
    """Cut a message into tokens.

    `variants` maps traditional ideographs to the simplified ones the data is written in. `compounds` are everyday
    words kept whole, so that a mobile phone (hand + machine) does not read as a hand.
    """
    folded = _fold(text, variants)
    tokens: list[str] = []
    stops: set[int] = set()
    at = 0
    while at < len(folded):
        char = folded[at]
        if _is_letter(char):
            end = _word_end(folded, at)
            word = folded[at:end]
            if end < len(folded) - 1 and folded[end] == "'":
                tail_end = _word_end(folded, end + 1)
                if folded[end + 1 : tail_end] in _CLOSING:
                    word, end = word + folded[end + 1 : tail_end], tail_end
            tokens.append(word)
            at = end
        elif char.isdigit():
            end = at + 1
            while end < len(folded) and (
                folded[end].isdigit()
                or (folded[end] in _IN_NUMBER and end + 1 < len(folded) and folded[end + 1].isdigit())
            ):
                end += 1
            tokens.append(folded[at:end])
            at = end
        else:
            if is_ideograph(char):
                whole = next((each for each in compounds.get(char, ()) if folded.startswith(each, at)), char)
                tokens.append(whole)
                at += len(whole) - 1
            elif unicodedata.category(char) == "So":
                tokens.append(char)
            elif (tokens and not char.isspace() and char != "'") or (tokens and char in "\n\r"):
                stops.add(len(tokens) - 1)
            at += 1
    widths = (1 if is_ideograph(token) else 2 for token in tokens)
    return Plain(tokens=tuple(tokens), reach=tuple(accumulate(widths, initial=0)), stops=frozenset(stops))
