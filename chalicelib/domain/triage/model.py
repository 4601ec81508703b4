"""A linear model over words, word pairs, letters and concepts, which may raise a tier and never lowers one.

A message scores as its best stretch: the run of at most WINDOW tokens whose weights sum highest. So a long harmless
story around one sentence of danger does not dilute it, adding words before or after can only raise the score, and
the stretch that decided is the explanation. Weights come from `bench/triage/train.py` and ship as data.

Two classes say whether a message is urgent: one for all dangers, one for despair alone, which is told in everyday
words. The others only say which kind of emergency an urgent message is; they have learnt from nothing else, and mean
nothing for messages that nobody holds to be urgent.
"""

from array import array
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import sqrt
from typing import Any
from zlib import crc32, decompress

from .phrases import Found
from .plain import is_ideograph
from .values import Tier

WINDOW = 20
_LETTERS = (3, 4, 5)
_LETTERS_WEIGHT = 2.0
"""A word's runs of letters count together as about two words, however long it is."""
CONCEPT_WEIGHT = 0.4
"""What a concept counts beside a word. Concepts are the same in all languages, so what is learnt of one in Spanish is
known in Chinese; but the words that make them up were gathered by one person, so they count less than words do."""
LEAN = 0.5
"""How far below its floor a class that says urgent may stay where a pattern that only leans agrees."""


@dataclass(frozen=True, slots=True)
class Token:
    """The buckets of one token: itself, its runs of letters, and what each of these counts."""

    word: int
    letters: tuple[int, ...]
    share: float


@dataclass(frozen=True, slots=True)
class Features:
    """Buckets by where they may be used: token i alone, pair (i-1, i), pair around one token (i-2, i).

    `concepts[i]` are the concepts whose phrase ends at token i, each with the token it starts at: a stretch must hold
    the whole phrase.
    """

    alone: list[Token]
    pairs: list[int]
    skips: list[int]
    concepts: list[list[tuple[int, int]]]


def crc_bucket(buckets: int, feature: str) -> int:
    return crc32(feature.encode("utf-8", "surrogatepass")) % buckets


def features(tokens: Sequence[str], concepts: Iterable[Found], bucket: Callable[[str], int]) -> Features:
    """The features of a message in buckets. Training and reading share this function: it is the model's other half."""
    known: dict[str, Token] = {}
    for token in tokens:
        if token not in known:
            letters: tuple[int, ...] = ()
            if len(token) > 3 and not is_ideograph(token):
                # Pasted rubbish is not a word; its first letters say enough.
                dressed = f"<{token[:24]}>"
                runs = (dressed[at : at + n] for n in _LETTERS for at in range(len(dressed) - n + 1))
                letters = tuple(bucket(f"l {run}") for run in runs)
            known[token] = Token(bucket(f"w {token}"), letters, _LETTERS_WEIGHT / sqrt(len(letters) or 1))
    alone = [known[token] for token in tokens]
    pairs = [bucket(f"p {a} {b}") for a, b in pairwise(tokens)]
    skips = [bucket(f"s {a} {b}") for a, b in zip(tokens, tokens[2:], strict=False)]
    ending: list[list[tuple[int, int]]] = [[] for _ in tokens]
    for start, end, name in sorted({(each.start, each.end, each.key) for each in concepts}):
        ending[end - 1].append((start, bucket(f"c {name}")))
    return Features(alone, pairs, skips, ending)


@dataclass(frozen=True, slots=True)
class Stretch:
    """The best run of tokens for one class, and how far its score stands above (or below) the floor."""

    margin: float
    start: int
    end: int


def best_stretch(weights: Sequence[float], seen: Features) -> Stretch:
    """The run of at most WINDOW tokens with the highest sum. O(tokens x WINDOW)."""
    best = Stretch(float("-inf"), 0, 0)
    weight = weights.__getitem__
    alone = [weight(own.word) + own.share * sum(map(weight, own.letters)) for own in seen.alone]
    pairs = [0.0, *(weights[each] for each in seen.pairs)]
    skips = [0.0, 0.0, *(weights[each] for each in seen.skips)]
    concepts = [[(start, CONCEPT_WEIGHT * weights[each]) for start, each in ending] for ending in seen.concepts]
    for start in range(len(alone)):
        total = 0.0
        for at in range(start, min(start + WINDOW, len(alone))):
            total += alone[at]
            if at > start:
                total += pairs[at]
            if at > start + 1:
                total += skips[at]
            for opens, worth in concepts[at]:
                if opens >= start:
                    total += worth
            if total > best.margin:
                best = Stretch(total, start, at + 1)
    return best


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One class of the model. `floor` is the sum a stretch must exceed to raise the message to `tier`.

    `ad_risk_only` marks the class that is an emergency only for patients at risk of dysreflexia.
    """

    name: str
    tier: Tier
    group: str | None
    ad_risk_only: bool
    floor: float
    weights: "array[int]"
    step: float


class Model:
    def __init__(self, outcomes: Sequence[Outcome], buckets: int) -> None:
        self.outcomes = tuple(outcomes)
        self.buckets = buckets

    def stretches(self, tokens: Sequence[str], concepts: Iterable[Found]) -> list[tuple[Outcome, Stretch]]:
        """Each class with its best stretch; a positive margin raises."""
        if not tokens or not self.outcomes:
            return []
        seen = features(tokens, concepts, partial(crc_bucket, self.buckets))
        judged: list[tuple[Outcome, Stretch]] = []
        for outcome in self.outcomes:
            raw = best_stretch(outcome.weights, seen)
            margin = raw.margin * outcome.step - outcome.floor
            judged.append((outcome, Stretch(margin, raw.start, raw.end)))
        return judged

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Model":
        """Weights are signed bytes, one per bucket, deflated and in base64, times the class's step."""
        outcomes = [
            Outcome(
                name=each["name"],
                tier=Tier(each["tier"]),
                group=each["group"],
                ad_risk_only=each["ad_risk_only"],
                floor=each["floor"],
                step=each["step"],
                weights=array("b", decompress(b64decode(each["weights"]))),
            )
            for each in data["outcomes"]
        ]
        buckets = data["buckets"]
        if any(len(each.weights) != buckets for each in outcomes):
            raise ValueError("the model's weights do not fill its buckets")
        return cls(outcomes, buckets)
