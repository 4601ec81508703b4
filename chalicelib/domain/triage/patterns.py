"""Rules over concepts: a body part near a change, a medicine near its absence, a wish near death.

A concept is a list of phrases in all languages together, so a sentence that mixes languages still brings its concepts
side by side. A rule holds where one phrase of each of its concepts stands within so many half words of the first.
Some only lean: their words are said of films and football as well, and count in full where the message is urgent
anyway or the model nearly says so. There is no rule that takes a match away: negation, tense and mood are left to the
human who reads the message.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .phrases import Found, Phrasebook
from .plain import Compounds, Plain
from .values import Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """`within` is in half words (see `Plain.reach`), from the start of one phrase to the start of the other.

    `tier` replaces the group's where a pattern is worse than its group (a plea for help). `leans` marks a pattern that
    raises nothing by itself.
    """

    id: str
    group: str
    needs: tuple[str, ...]
    within: int
    tier: Tier | None = None
    leans: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    pattern: Pattern
    start: int
    end: int


class Patterns:
    def __init__(
        self, concepts: Mapping[str, Iterable[str]], patterns: Iterable[Pattern], compounds: Compounds
    ) -> None:
        self._patterns = tuple(patterns)
        unknown = {need for pattern in self._patterns for need in pattern.needs}.difference(concepts)
        if unknown:
            raise ValueError(f"patterns name unknown concepts: {sorted(unknown)}")
        self._book = Phrasebook(concepts, compounds)
        self.words = self._book.words

    def concepts(self, forms: list[tuple[str, ...]]) -> dict[str, list[Found]]:
        found: dict[str, list[Found]] = {}
        for each in self._book.find(forms):
            found.setdefault(each.key, []).append(each)
        return found

    def matches(self, message: Plain, found: Mapping[str, list[Found]]) -> list[Match]:
        """The first place where each pattern holds."""
        matches: list[Match] = []
        for pattern in self._patterns:
            if all(need in found for need in pattern.needs):
                match = _first(pattern, message, found)
                if match is not None:
                    matches.append(match)
        return matches


def _first(pattern: Pattern, message: Plain, found: Mapping[str, list[Found]]) -> Match | None:
    others = [found[need] for need in pattern.needs[1:]]
    starts = [[each.start for each in hits] for hits in others]
    for anchor in found[pattern.needs[0]]:
        chosen = [anchor]
        for hits, positions in zip(others, starts, strict=True):
            near = _nearest(anchor, hits, positions, message)
            if abs(message.reach[near.start] - message.reach[anchor.start]) > pattern.within:
                break
            chosen.append(near)
        else:
            return Match(
                pattern=pattern,
                start=min(each.start for each in chosen),
                end=max(each.end for each in chosen),
            )
    return None


def _nearest(anchor: Found, hits: list[Found], starts: list[int], message: Plain) -> Found:
    at = bisect_left(starts, anchor.start)
    return min(
        hits[max(at - 1, 0) : at + 1],
        key=lambda each: abs(message.reach[each.start] - message.reach[anchor.start]),
    )
