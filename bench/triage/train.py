"""Train the linear model on the texts in `training/` and write it as data: `python -m bench.triage.train`.

Plain Python, a few minutes, no clock and no unseeded chance: the same texts give the same file. A message's score is
its best stretch of words (`chalicelib.domain.triage.model`), so training looks for each message's best stretch under
the weights so far and moves only those weights. Floors are set by cross-validation in which all the texts written as
one line are held out together, since texts of one line resemble each other.
"""

import argparse
import json
import random
import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, sqrt
from pathlib import Path
from typing import Any

from bench.triage.corpus import HERE, Example, expand, read_file
from chalicelib.domain.triage import Tier
from chalicelib.domain.triage.model import Features, best_stretch, features
from chalicelib.domain.triage.plain import compounds_by_first, plain

BUCKETS = 1 << 17
FOLDS = 4
EPOCHS = 6
WHOLE_MESSAGE_EPOCHS = 2
"""Until the weights mean something the best stretch is a guess, so the first rounds learn from whole messages."""
RATE = 0.5
SHRINK = 1e-4
MOST = 8
LESSER = 0.05
"""The share of urgent messages that may be raised to a class of emergency they are not."""
MODEL = Path(__file__).parents[2] / "chalicelib" / "protocols" / "triage" / "model.json"
LEARNT = ("training", "dev", "heldout_b", "heldout_c")
"""heldout_b and heldout_c were held out once (docs/triage.md says how that went) and are learnt from since."""
PATTERNS = MODEL.with_name("patterns.json")


@dataclass(frozen=True, slots=True)
class Case:
    example: Example
    seen: Features
    fold: int


@dataclass(frozen=True, slots=True)
class Target:
    """A class of the model: what counts as it, and the share of other messages it may raise in cross-validation."""

    name: str
    tier: Tier
    group: str | None
    positive: Callable[[Example], bool]
    negative: Callable[[Example], bool]
    alarms: float


TARGETS = (
    Target(
        "crisis",
        Tier.EMERGENCY,
        "crisis",
        lambda e: e.group == "crisis",
        lambda e: e.group != "crisis",
        0.025,
    ),
    Target(
        "emergency",
        Tier.EMERGENCY,
        None,
        lambda e: e.tier is Tier.EMERGENCY and e.group not in {"crisis", "ad_strong"},
        lambda e: e.tier is not Tier.EMERGENCY,
        0.045,
    ),
    # Apart from the other emergencies, because for a patient not at risk it is none.
    Target(
        "dysreflexia",
        Tier.EMERGENCY,
        None,
        lambda e: e.group == "ad_strong",
        lambda e: e.group != "ad_strong",
        0.005,
    ),
    Target(
        "urgent",
        Tier.URGENT,
        None,
        lambda e: e.tier.severity >= Tier.URGENT.severity,
        lambda e: e.tier.severity < Tier.URGENT.severity,
        0.110,
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


def cases(rng: random.Random) -> list[Case]:
    """Every training text, its line's fold, and a slipped copy of the texts in alphabets."""
    patterns = json.loads(PATTERNS.read_text("utf-8"))
    variants = {pair[0]: pair[1] for pair in patterns["variants"].split()}
    compounds = compounds_by_first(patterns["compounds"].split())
    found: dict[str, Case] = {}
    paths = [path for folder in LEARNT for path in sorted((HERE / folder).glob("*.txt"))]
    lines = [line for path in paths for line in read_file(path)]
    rng.shuffle(lines)
    for at, line in enumerate(lines):
        texts = expand(line.text, MOST, rng)
        if line.language != "zh":
            texts += [_slip(text, rng) for text in texts[: MOST // 2]]
        for text in texts:
            tokens = plain(text, variants, compounds).tokens
            if tokens:
                found.setdefault(text, Case(line, features(tokens, BUCKETS), at % FOLDS))
    return list(found.values())


def fit(data: Sequence[Case], target: Target, rng: random.Random) -> tuple[list[float], float]:
    """Weights and bias by gradient descent on the logistic loss of each message's best stretch."""
    weights = [0.0] * BUCKETS
    bias = 0.0
    chosen = [(case, target.positive(case.example)) for case in data]
    chosen = [(case, yes) for case, yes in chosen if yes or target.negative(case.example)]
    share = sum(yes for _, yes in chosen) / len(chosen)
    for epoch in range(EPOCHS):
        rng.shuffle(chosen)
        rate = RATE / (1 + 0.5 * epoch)
        for case, yes in chosen:
            seen = case.seen
            start, end = 0, len(seen.alone)
            if epoch >= WHOLE_MESSAGE_EPOCHS:
                best = best_stretch(weights, seen)
                start, end = best.start, best.end
            active = [bucket for own in seen.alone[start:end] for bucket in own]
            active += seen.pairs[start : max(start, end - 1)]
            active += seen.skips[start : max(start, end - 2)]
            score = bias + sum(weights[bucket] for bucket in active)
            guess = 1 / (1 + exp(-max(-30.0, min(30.0, score))))
            # Positives and negatives weigh alike whatever their number.
            slope = (guess - yes) * (0.5 / share if yes else 0.5 / (1 - share))
            bias -= 0.1 * rate * slope
            push = rate * slope / sqrt(len(active))
            for bucket in active:
                weights[bucket] -= push + rate * SHRINK * weights[bucket]
    return weights, bias


def floor_for(scores: Sequence[float], alarms: float) -> float:
    """The score that only the given share of harmless texts exceeds."""
    ranked = sorted(scores)
    return ranked[min(len(ranked) - 1, int(len(ranked) * (1 - alarms)))]


def validate(data: Sequence[Case], target: Target, seed: int) -> float:
    """Cross-validated floor for the class, printed with the sensitivity it leaves."""
    held: list[tuple[float, Example]] = []
    for fold in range(FOLDS):
        weights, bias = fit([case for case in data if case.fold != fold], target, random.Random(seed))
        held += [(bias + best_stretch(weights, case.seen).margin, case.example) for case in data if case.fold == fold]
    harmless = [score for score, example in held if example.tier.severity < Tier.URGENT.severity]
    # An emergency page for what was only urgent wears the on-call out as well, though less.
    lesser = [score for score, example in held if target.negative(example) and example.tier is Tier.URGENT]
    floor = max(floor_for(harmless, target.alarms), floor_for(lesser, LESSER) if lesser else float("-inf"))
    positive = [score for score, example in held if target.positive(example)]
    caught = sum(score > floor for score in positive) / len(positive)
    other = [score for score, example in held if target.negative(example)]
    raised = sum(score > floor for score in other) / len(other)
    print(f"{target.name:10s} floor {floor:+.2f}  caught {caught:.3f}  raised of all others {raised:.3f}", flush=True)
    return floor


def packed(target: Target, weights: Sequence[float], bias: float, floor: float) -> dict[str, Any]:
    """The class as JSON, its weights as signed bytes."""
    step = max(abs(weight) for weight in weights) / 127
    return {
        "name": target.name,
        "tier": target.tier.value,
        "group": target.group,
        "ad_risk_only": target.name == "dysreflexia",
        "floor": round(floor - bias, 4),
        "step": step,
        "weights": b64encode(bytes(round(weight / step) & 0xFF for weight in weights)).decode(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=20260301)
    options = parser.parse_args()
    started = time.perf_counter()
    data = cases(random.Random(options.seed))
    print(f"{len(data)} texts")
    outcomes = []
    for target in TARGETS:
        floor = validate(data, target, options.seed)
        weights, bias = fit(data, target, random.Random(options.seed))
        outcomes.append(packed(target, weights, bias, floor))
    MODEL.write_text(json.dumps({"buckets": BUCKETS, "outcomes": outcomes}, indent=1) + "\n", encoding="utf-8")
    print(f"{MODEL.stat().st_size / 1024:.0f} kB in {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
