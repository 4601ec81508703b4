"""Other words a token may have meant: repeated letters closed up, known slips, and near neighbours of clinical words.

A reading is only ever added beside the token as typed, never put in its place, so spelling can raise a tier and
cannot lower one.
"""

from collections.abc import Iterable, Iterator, Mapping

from .figures import figures
from .plain import Plain, is_ideograph

_SHORTEST = 5
"""Below five letters one slip turns too many everyday words into clinical ones (pair/pain, hat/hot)."""
_TWO_SLIPS_FROM = 9


def _collapsed(token: str, keep: int) -> str:
    out: list[str] = []
    for char in token:
        if out[-keep:] != [char] * keep:
            out.append(char)
    return "".join(out)


def _deletions(word: str, slips: int) -> set[str]:
    found = {word}
    frontier = {word}
    for _ in range(slips):
        frontier = {each[:at] + each[at + 1 :] for each in frontier for at in range(len(each))}
        found |= frontier
    return found


def distance(left: str, right: str, limit: int) -> int:
    """Edits between two words (insert, delete, replace, swap of neighbours); limit + 1 when there are more."""
    if abs(len(left) - len(right)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        fresh = [i]
        for j, b in enumerate(right, 1):
            cost = min(row[j] + 1, fresh[j - 1] + 1, row[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            fresh.append(cost)
        before, row = row, fresh
        if min(row) > limit:
            return limit + 1
    return row[-1]


def _slips(word: str) -> int:
    return 2 if len(word) >= _TWO_SLIPS_FROM else 1


class Spelling:
    """Looks words up by what is left when letters are dropped, so a look-up costs the word's length, not the list's."""

    def __init__(self, clinical: Iterable[str], everyday: Iterable[str], slips: Mapping[str, str]) -> None:
        self._slips = dict(slips)
        words = sorted({word for word in clinical if len(word) >= _SHORTEST})
        self._known = frozenset(everyday).union(words)
        self._near: dict[str, list[str]] = {}
        for word in words:
            for rest in _deletions(word, _slips(word)):
                self._near.setdefault(rest, []).append(word)
        self._seen: dict[str, tuple[str, ...]] = {}

    def forms(self, message: Plain) -> list[tuple[str, ...]]:
        """For each token the words it may stand for, the token itself first."""
        return [self._forms(token) for token in message.tokens]

    def _forms(self, token: str) -> tuple[str, ...]:
        if is_ideograph(token):
            return (token,)
        if token not in self._seen:
            # One message cannot grow the memory of a warm function without bound.
            if len(self._seen) > 4000:
                self._seen.clear()
            self._seen[token] = tuple(dict.fromkeys(self._candidates(token)))
        return self._seen[token]

    def _candidates(self, token: str) -> Iterator[str]:
        yield token
        yield from figures(token)
        for form in dict.fromkeys((token, _collapsed(token, 2), _collapsed(token, 1))):
            # "coool" may be "cool"; "off" typed as typed must not become "of".
            if form != token and len(_collapsed(token, 2)) == len(token):
                continue
            yield form
            if form in self._slips:
                yield self._slips[form]
            if len(form) >= _SHORTEST and len(form) <= 24 and form not in self._known:
                yield from self._neighbours(form)

    def _neighbours(self, form: str) -> Iterator[str]:
        allowed = _slips(form)
        seen: set[str] = set()
        for rest in sorted(_deletions(form, allowed)):
            for word in self._near.get(rest, ()):
                if word not in seen:
                    seen.add(word)
                    if distance(form, word, allowed) <= min(allowed, _slips(word)):
                        yield word
