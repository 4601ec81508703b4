"""Train the linear model on the texts of `LEARNT` and write it as data: `python -m bench.triage.train`.

Plain Python, some minutes, no clock and no unseeded chance: the same texts give the same file. A message's score is
its best stretch of words (`chalicelib.domain.triage.model`), so training looks for each message's best stretch under
the weights so far and moves only those weights.

Floors are set on strangers: each of `STRANGERS` is read by a model that has not learnt from that author.
"""

import argparse
import json
import random
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import exp, inf, sqrt
from pathlib import Path
from typing import Any
from zlib import compress

from bench.triage.corpus import HERE, Example, expand, read_file
from chalicelib.domain.triage import Knowledge, Tier, read
from chalicelib.domain.triage.model import (
    CONCEPT_WEIGHT,
    LEAN,
    Features,
    Model,
    best_stretch,
    crc_bucket,
    features,
)
from chalicelib.domain.triage.patterns import Match
from chalicelib.domain.triage.phrases import Found
from chalicelib.domain.triage.plain import plain
from chalicelib.protocols.triage import load

BUCKETS = 1 << 18
_NOWHERE = BUCKETS
"""A bucket past the last, whose weight stays nought: for what is not learnt."""
EPOCHS = 8
WHOLE_MESSAGE_EPOCHS = 2
"""Until the weights mean something the best stretch is a guess, so the first rounds learn from whole messages."""
AVERAGED_FROM = 3
"""The weights kept are the mean of those after each later round: the last message seen has not the last word."""
RATE = 0.04
_FIRST_MOVE = 1e-3
BIAS_RATE = 0.004
FADE = 2e-4
SETTLED = 0.01
"""A message whose slope is smaller than this teaches nothing worth its time."""
FIRST_AUTHOR = 0.4
"""What a line of the first author counts beside a stranger's: they wrote most lines, and the rules as well."""
MOST = 3
"""Texts made of one line with choices. Together they weigh as the square root of their number, not as it."""
_CLEAR = 0.05
"""More than rounding the weights to bytes can move a short text."""
MODEL = Path(__file__).parents[2] / "chalicelib" / "protocols" / "triage" / "model.json"
WORKED = Path(__file__).parents[2] / "tests" / "domain" / "triage" / "triage_cases.json"
"""The reference's worked cases, which hold as they stand."""
STRANGERS = (
    "training_x",
    "training_y",
    "training_r",
    "training_p",
    "training_q",
    "training_s",
    "training_t",
    "training_u",
)
FOLDS = 3
"""Into so many parts the strangers are dealt in turn (X, P and T; Y, Q and U; R and S); each part is read by a model
that learnt from the others."""
LEARNT = ("training", "dev", "heldout_a", "heldout_b", "heldout_c", *STRANGERS)
"""heldout_a, b and c were held out once (docs/triage.md says how that went) and are learnt from since."""
HARMLESS = {"scary": 1 / 3, "admin": 1 / 3, "courtesy": 1 / 3}
"""What an inbox of harmless messages is taken to be made of. The authors wrote more frightening ones than come in."""


@dataclass(frozen=True, slots=True)
class Case:
    """One text to learn from. `source` is the folder it is from, `weight` what it counts."""

    example: Example
    seen: Features
    source: str
    weight: float


@dataclass(frozen=True, slots=True)
class Target:
    """A class of the model: what counts as it, against what, and what it may cost among the strangers' messages.

    A class that says whether a message is urgent may bring the share of harmless messages that are raised up to
    `cost`, counting what the rules and the classes before it raise. The others tell kinds of emergency apart, and may
    make the share `cost` of urgent messages louder than they are: an emergency page for what was only urgent wears the
    on-call out as well, though less.
    """

    name: str
    tier: Tier
    group: str | None
    positive: Callable[[Example], bool]
    negative: Callable[[Example], bool]
    cost: float


TARGETS = (
    Target(
        "urgent",
        Tier.URGENT,
        None,
        lambda e: e.tier.severity >= Tier.URGENT.severity,
        lambda e: e.tier.severity < Tier.URGENT.severity,
        0.21,
    ),
    # Apart from the others, because despair is told in everyday words and hardly ever in clinical ones.
    Target(
        "despair",
        Tier.URGENT,
        None,
        lambda e: e.group == "crisis",
        lambda e: e.tier.severity < Tier.URGENT.severity,
        0.22,
    ),
    Target(
        "crisis",
        Tier.EMERGENCY,
        "crisis",
        lambda e: e.group == "crisis",
        lambda e: e.group != "crisis" and e.tier.severity >= Tier.URGENT.severity,
        0.12,
    ),
    Target(
        "emergency",
        Tier.EMERGENCY,
        None,
        lambda e: e.tier is Tier.EMERGENCY and e.group not in {"crisis", "ad_strong"},
        lambda e: e.tier is Tier.URGENT,
        0.15,
    ),
    # Apart from the other emergencies, because for a patient not at risk it is none.
    Target(
        "dysreflexia",
        Tier.EMERGENCY,
        None,
        lambda e: e.group == "ad_strong",
        lambda e: e.group != "ad_strong" and e.tier.severity >= Tier.URGENT.severity,
        0.04,
    ),
)


def _slip(text: str, rng: random.Random) -> str:
    """The text with one or two slips of a finger, or said without spaces or vowels as texters do."""
    letters = list(text)
    for _ in range(rng.choice((1, 1, 2))):
        at = rng.randrange(len(letters))
        kind = rng.randrange(4)
        if kind == 0 and len(letters) > 3:
            del letters[at]
        elif kind == 1:
            letters.insert(at, letters[at])
        elif kind == 2 and at + 1 < len(letters):
            letters[at], letters[at + 1] = letters[at + 1], letters[at]
        elif letters[at].isascii() and letters[at].isalpha():
            letters[at] = rng.choice("aeiostnrlc")
    return "".join(letters)


def cases(rng: random.Random, knowledge: Knowledge) -> list[Case]:
    """Every training text, and a slipped copy of the texts in alphabets."""
    found: dict[str, tuple[str, Example, float]] = {}
    lines = [
        (name, line) for name in LEARNT for path in sorted((HERE / name).glob("*.txt")) for line in read_file(path)
    ]
    for name, line in lines:
        texts = expand(line.text, MOST, rng)
        if line.language != "zh":
            texts += [_slip(text, rng) for text in texts[: (MOST + 1) // 2]]
        weight = (1.0 if name in STRANGERS else FIRST_AUTHOR) / sqrt(len(texts))
        for text in texts:
            found.setdefault(text, (name, line, weight))
    cut = {text: _cut(text, knowledge) for text in found}
    buckets = _learnable(((line, *cut[text]) for text, (_, line, _) in found.items()))
    return [
        Case(line, features(*cut[text], buckets), name, weight)
        for text, (name, line, weight) in found.items()
        if cut[text][0]
    ]


def _cut(text: str, knowledge: Knowledge) -> tuple[tuple[str, ...], list[Found]]:
    """The tokens and concepts of a text."""
    message = plain(text, knowledge.variants, knowledge.compounds)
    concepts = knowledge.patterns.concepts(knowledge.spelling.forms(message))
    return message.tokens, [each for hits in concepts.values() for each in hits]


def _learnable(texts: Iterable[tuple[Example, Sequence[str], Sequence[Found]]]) -> Callable[[str], int]:
    """Buckets of what stands in two lines at least. The rest is this line's own and would only crowd the buckets."""
    first: dict[str, Example] = {}
    buckets: dict[str, int] = {}

    def note(line: Example, feature: str) -> int:
        if first.setdefault(feature, line) is not line:
            buckets[feature] = crc_bucket(BUCKETS, feature)
        return _NOWHERE

    for line, tokens, concepts in texts:
        features(tokens, concepts, partial(note, line))
    return lambda feature: buckets.get(feature, _NOWHERE)


def fit(data: Iterable[Case], target: Target, rng: random.Random) -> tuple[list[float], float]:
    """Weights and bias by gradient descent on the logistic loss of each message's best stretch.

    Steps shrink for each weight by itself as it has been moved (AdaGrad, Duchi 2011): a word met twice is learnt from
    as much as one met a thousand times.
    """
    weights = [0.0] * (BUCKETS + 1)
    moved = [_FIRST_MOVE] * (BUCKETS + 1)
    kept = [0.0] * BUCKETS
    bias = kept_bias = 0.0
    chosen = [(case, target.positive(case.example)) for case in data]
    chosen = [(case, yes) for case, yes in chosen if yes or target.negative(case.example)]
    share = sum(case.weight for case, yes in chosen if yes) / sum(case.weight for case, _ in chosen)
    for epoch in range(EPOCHS):
        rng.shuffle(chosen)
        for case, yes in chosen:
            seen = case.seen
            start, end = 0, len(seen.alone)
            if epoch >= WHOLE_MESSAGE_EPOCHS:
                best = best_stretch(weights, seen)
                start, end = best.start, best.end
            counted = _counted(seen, start, end)
            score = bias + sum(value * sum(weights[bucket] for bucket in own) for value, own in counted)
            guess = 1 / (1 + exp(-max(-30.0, min(30.0, score))))
            # Positives and negatives weigh alike whatever their number.
            slope = case.weight * (guess - yes) * (0.5 / share if yes else 0.5 / (1 - share))
            if abs(slope) < SETTLED:
                continue
            bias -= BIAS_RATE * slope
            for value, own in counted:
                push = slope * value
                square = push * push
                push *= RATE
                for bucket in own:
                    moved[bucket] += square
                    weights[bucket] -= push / sqrt(moved[bucket]) + FADE * weights[bucket]
            weights[_NOWHERE] = 0.0
        if epoch >= AVERAGED_FROM:
            part = 1 / (EPOCHS - AVERAGED_FROM)
            kept = [sofar + part * weight for sofar, weight in zip(kept, weights, strict=False)]
            kept_bias += part * bias
    return kept, kept_bias


def _counted(seen: Features, start: int, end: int) -> list[tuple[float, list[int]]]:
    """What a stretch is made of: buckets, and what those count."""
    tokens = seen.alone[start:end]
    whole = [token.word for token in tokens]
    whole += seen.pairs[start : max(start, end - 1)]
    whole += seen.skips[start : max(start, end - 2)]
    named = [bucket for ending in seen.concepts[start:end] for opens, bucket in ending if opens >= start]
    counted = [(token.share, list(token.letters)) for token in tokens if token.letters]
    return [(1.0, whole), (CONCEPT_WEIGHT, named), *counted]


@dataclass(slots=True)
class Stranger:
    """A message of an author the model has not learnt from: whether rules raise it or lean to, each class's score."""

    example: Example
    raised: bool
    leans: bool
    scores: dict[str, float]

    def standing(self, name: str) -> float:
        """What the floor of an urgent class is held against."""
        return self.scores[name] + (LEAN if self.leans else 0)


def strangers(data: Sequence[Case], knowledge: Knowledge, seed: int) -> list[Stranger]:
    """The messages of `STRANGERS` as they were written, read by models that know all authors but a few."""
    rules = replace(knowledge, model=Model([], BUCKETS))
    found = []
    for at in range(FOLDS):
        left_out = STRANGERS[at::FOLDS]
        known = [case for case in data if case.source not in left_out]
        models = {target.name: fit(known, target, random.Random(seed)) for target in TARGETS}
        for path in (path for author in left_out for path in sorted((HERE / author).glob("*.txt"))):
            for line in read_file(path):
                reading = read(line.text, line.listener, (), rules)
                seen = _seen(line.text, knowledge)
                found.append(
                    Stranger(
                        line,
                        reading.tier.severity >= Tier.URGENT.severity,
                        any(match.pattern.leans for match in _matches(line.text, knowledge)),
                        {name: bias + best_stretch(weights, seen).margin for name, (weights, bias) in models.items()},
                    )
                )
        print(f"{', '.join(left_out)} read as strangers", flush=True)
    return found


def _seen(text: str, knowledge: Knowledge) -> Features:
    return features(*_cut(text, knowledge), partial(crc_bucket, BUCKETS))


def _matches(text: str, knowledge: Knowledge) -> list[Match]:
    message = plain(text, knowledge.variants, knowledge.compounds)
    return knowledge.patterns.matches(message, knowledge.patterns.concepts(knowledge.spelling.forms(message)))


def floor_among_harmless(messages: Sequence[Stranger], target: Target, sofar: Mapping[str, float]) -> float:
    """The lowest score at which no more of the harmless messages are raised than the cost.

    What the rules and the classes with a floor `sofar` raise counts towards the cost.
    """
    harmless = [each for each in messages if each.example.tier is Tier.ROUTINE]
    sizes = {group: sum(each.example.group == group for each in harmless) for group in HARMLESS}

    def standing(each: Stranger) -> float:
        raised = each.raised or any(each.standing(name) > floor for name, floor in sofar.items())
        return inf if raised else each.standing(target.name)

    spent = 0.0
    for each in sorted(harmless, key=standing, reverse=True):
        spent += HARMLESS[each.example.group] / sizes[each.example.group]
        if spent > target.cost:
            return standing(each)
    return -inf


def floor_among_urgent(messages: Sequence[Stranger], target: Target) -> float:
    """The score that only the share of urgent messages given as the cost exceeds."""
    scores = sorted(each.scores[target.name] for each in messages if each.example.tier is Tier.URGENT)
    return scores[int(len(scores) * (1 - target.cost))]


def floors(messages: Sequence[Stranger]) -> dict[str, float]:
    """The floor of every class, printed with what the class then catches by itself."""
    urgent: dict[str, float] = {}
    kinds: dict[str, float] = {}
    for target in TARGETS:
        if target.tier is Tier.URGENT:
            floor = urgent[target.name] = floor_among_harmless(messages, target, urgent)
        else:
            floor = kinds[target.name] = floor_among_urgent(messages, target)
        own = [each for each in messages if target.positive(each.example)]
        caught = sum(each.scores[target.name] > floor for each in own) / len(own)
        print(f"{target.name:12s} floor {floor:+.2f}, caught {caught:.3f}", flush=True)
    return urgent | kinds


def above_worked_cases(floor: float, weights: Sequence[float], bias: float, knowledge: Knowledge) -> float:
    """The floor of a kind of emergency, lifted over what the reference works out to be urgent and no emergency."""
    texts = [case["in"].partition("|")[0] for case in json.loads(WORKED.read_text("utf-8")) if case["tier"] == "urgent"]
    return max(floor, *(bias + best_stretch(weights, _seen(text, knowledge)).margin + _CLEAR for text in texts))


def packed(target: Target, weights: Sequence[float], bias: float, floor: float) -> dict[str, Any]:
    """The class as JSON, its weights as signed bytes, deflated."""
    step = max(abs(weight) for weight in weights) / 127
    return {
        "name": target.name,
        "tier": target.tier.value,
        "group": target.group,
        "ad_risk_only": target.name == "dysreflexia",
        "floor": round(floor - bias, 4),
        "step": step,
        "weights": b64encode(compress(bytes(round(weight / step) & 0xFF for weight in weights), 9)).decode(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=20260301)
    options = parser.parse_args()
    started = time.perf_counter()
    knowledge = load()
    data = cases(random.Random(options.seed), knowledge)
    print(f"{len(data)} texts", flush=True)
    set_at = floors(strangers(data, knowledge, options.seed))
    outcomes = []
    for target in TARGETS:
        weights, bias = fit(data, target, random.Random(options.seed))
        floor = set_at[target.name]
        if target.tier is Tier.EMERGENCY:
            floor = above_worked_cases(floor, weights, bias, knowledge)
        outcomes.append(packed(target, weights, bias, floor))
    MODEL.write_text(json.dumps({"buckets": BUCKETS, "outcomes": outcomes}, indent=1) + "\n", encoding="utf-8")
    print(f"{MODEL.stat().st_size / 1024:.0f} kB in {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
