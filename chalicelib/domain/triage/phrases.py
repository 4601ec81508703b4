"""Finding phrases in a message: whole words, stems (`tingl*`), gaps (`cant ~ feel`), and strings of ideographs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .plain import NO_COMPOUNDS, Compounds, is_ideograph, plain

_GAP = 3
"""How many tokens a `~` may skip: "can't ~ feel" hears "can't really even feel"."""
_SHORTEST_STEM = 2


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    stem: bool
    gap_before: bool

    def matches(self, forms: tuple[str, ...]) -> bool:
        if self.stem:
            return any(form.startswith(self.text) for form in forms)
        return self.text in forms


@dataclass(frozen=True, slots=True)
class Found:
    """A phrase at tokens start up to end, the `key` it was filed under and the `term` as the data writes it."""

    key: str
    term: str
    start: int
    end: int


def _pieces(term: str, compounds: Compounds) -> tuple[_Piece, ...]:
    pieces: list[_Piece] = []
    gap = False
    for part in term.split():
        if part == "~":
            gap = True
            continue
        word = part.removesuffix("*")
        # Nearly all the data is plain words already; cutting each anew would double a cold start.
        cut = (word,) if word.isascii() and word.isalpha() and word.islower() else plain(word, {}, compounds).tokens
        for at, token in enumerate(cut):
            last = at == len(cut) - 1
            stem = part.endswith("*") and last and not is_ideograph(token)
            pieces.append(_Piece(token, stem, gap))
            gap = False
    if not pieces or (pieces[0].stem and len(pieces[0].text) < _SHORTEST_STEM):
        raise ValueError(f"a phrase must begin with a word: {term!r}")
    return tuple(pieces)


class Phrasebook:
    """Phrases indexed by their first word or stem, so a message is searched in time linear in its tokens."""

    def __init__(self, entries: Mapping[str, Iterable[str]], compounds: Compounds = NO_COMPOUNDS) -> None:
        self._whole: dict[str, list[tuple[str, str, tuple[_Piece, ...]]]] = {}
        self._stems: dict[str, list[tuple[str, str, tuple[_Piece, ...]]]] = {}
        words: set[str] = set()
        for key, terms in entries.items():
            for term in terms:
                pieces = _pieces(term, compounds)
                index = self._stems if pieces[0].stem else self._whole
                index.setdefault(pieces[0].text, []).append((key, term, pieces))
                words.update(piece.text for piece in pieces if not piece.stem)
        self._longest_stem = max(map(len, self._stems), default=0)
        self.words = frozenset(words)
        """Whole words of the phrases, stems left out: what a slip of the finger may have meant."""

    def find(self, forms: list[tuple[str, ...]]) -> list[Found]:
        """Every phrase in the message, in order of its first token. `forms` are the spellings of each token."""
        found: list[Found] = []
        for start, options in enumerate(forms):
            for form in options:
                self._collect(self._whole.get(form, ()), forms, start, found)
                for cut in range(_SHORTEST_STEM, min(len(form), self._longest_stem) + 1):
                    self._collect(self._stems.get(form[:cut], ()), forms, start, found)
        return found

    @staticmethod
    def _collect(
        entries: Iterable[tuple[str, str, tuple[_Piece, ...]]],
        forms: list[tuple[str, ...]],
        start: int,
        found: list[Found],
    ) -> None:
        for key, term, pieces in entries:
            end = _match(pieces, forms, start)
            if end is not None:
                found.append(Found(key, term, start, end))


def _match(pieces: tuple[_Piece, ...], forms: list[tuple[str, ...]], start: int) -> int | None:
    """Where the phrase ends if it begins at start. The first fit wins: gaps are short, so nothing is lost by it."""
    at = start + 1
    for piece in pieces[1:]:
        reach = _GAP if piece.gap_before else 0
        for skipped in range(reach + 1):
            if at + skipped < len(forms) and piece.matches(forms[at + skipped]):
                at += skipped + 1
                break
        else:
            return None
    return at
