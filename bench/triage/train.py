"""Train the linear model on the texts of `LEARNT` and write it as data: `python -m bench.triage.train`.

Plain Python, some minutes, no clock and no unseeded chance: the same texts give the same file. A message's score is
its best stretch of words (`chalicelib.domain.triage.model`), so training looks for each message's best stretch under
the weights so far and moves only those weights.

Floors are set on strangers: each of `STRANGERS` is read by a model that learnt from everybody but that author.
"""

import argparse
import json
import random
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import exp, inf, sqrt
from pathlib import Path
from typing import Any

from bench.triage.corpus import HERE, Example, expand, read_file
from chalicelib.domain.triage import Knowledge, Tier, read
from chalicelib.domain.triage.model import Features, Model, best_stretch, features
from chalicelib.domain.triage.plain import plain
from chalicelib.protocols.triage import load

BUCKETS = 1 << 17
EPOCHS = 8
WHOLE_MESSAGE_EPOCHS = 2
"""Until the weights mean something the best stretch is a guess, so the first rounds learn from whole messages."""
AVERAGED_FROM = 3
"""The weights kept are the mean of those after each later round: the last message seen has not the last word."""
RATE = 0.5
SHRINK = 1e-3
SETTLED = 0.01
"""A message whose slope is smaller than this teaches nothing worth its time."""
MOST = 6
"""Texts made of one line with choices. Together they weigh as the square root of their number, not as it."""
_CLEAR = 0.05
"""More than rounding the weights to bytes can move a short text."""
MODEL = Path(__file__).parents[2] / "chalicelib" / "protocols" / "triage" / "model.json"
WORKED = Path(__file__).parents[2] / "tests" / "domain" / "triage" / "triage_cases.json"
"""The reference's worked cases, which hold as they stand."""
STRANGERS = ("training_x", "training_y")
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

    The class that says whether a message is urgent may raise the share `cost` of harmless messages, counting what the
    rules raise. The others tell kinds of emergency apart, and may make the share `cost` of urgent messages louder than
    they are: an emergency page for what was only urgent wears the on-call out as well, though less.
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
        0.22,
    ),
    Target(
        "crisis",
        Tier.EMERGENCY,
        "crisis",
        lambda e: e.group == "crisis",
        lambda e: e.group != "crisis" and e.tier.severity >= Tier.URGENT.severity,
        0.20,
    ),
    Target(
        "emergency",
        Tier.EMERGENCY,
        None,
        lambda e: e.tier is Tier.EMERGENCY and e.group not in {"crisis", "ad_strong"},
        lambda e: e.tier is Tier.URGENT,
        0.30,
    ),
    # Apart from the other emergencies, because for a patient not at risk it is none.
    Target(
        "dysreflexia",
        Tier.EMERGENCY,
        None,
        lambda e: e.group == "ad_strong",
        lambda e: e.group != "ad_strong" and e.tier.severity >= Tier.URGENT.severity,
        0.10,
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
    found: dict[str, Case] = {}
    lines = [
        (name, line) for name in LEARNT for path in sorted((HERE / name).glob("*.txt")) for line in read_file(path)
    ]
    for name, line in lines:
        texts = expand(line.text, MOST, rng)
        if line.language != "zh":
            texts += [_slip(text, rng) for text in texts[: (MOST + 1) // 2]]
        for text in texts:
            tokens = plain(text, knowledge.variants, knowledge.compounds).tokens
            if tokens:
                seen = features(tokens, BUCKETS)
                found.setdefault(text, Case(line, seen, name, 1 / sqrt(len(texts))))
    return list(found.values())


def fit(data: Iterable[Case], target: Target, rng: random.Random) -> tuple[list[float], float]:
    """Weights and bias by gradient descent on the logistic loss of each message's best stretch."""
    weights = [0.0] * BUCKETS
    kept = [0.0] * BUCKETS
    bias = kept_bias = 0.0
    chosen = [(case, target.positive(case.example)) for case in data]
    chosen = [(case, yes) for case, yes in chosen if yes or target.negative(case.example)]
    share = sum(case.weight for case, yes in chosen if yes) / sum(case.weight for case, _ in chosen)
    for epoch in range(EPOCHS):
        rng.shuffle(chosen)
        rate = RATE / (1 + 0.5 * epoch)
        for case, yes in chosen:
            seen = case.seen
            start, end = 0, len(seen.alone)
            if epoch >= WHOLE_MESSAGE_EPOCHS:
                best = best_stretch(weights, seen)
                start, end = best.start, best.end
            tokens = seen.alone[start:end]
            whole = [token.word for token in tokens]
            whole += seen.pairs[start : max(start, end - 1)]
            whole += seen.skips[start : max(start, end - 2)]
            score = bias + sum(weights[bucket] for bucket in whole)
            score += sum(token.share * sum(weights[bucket] for bucket in token.letters) for token in tokens)
            guess = 1 / (1 + exp(-max(-30.0, min(30.0, score))))
            # Positives and negatives weigh alike whatever their number.
            slope = case.weight * (guess - yes) * (0.5 / share if yes else 0.5 / (1 - share))
            if abs(slope) < SETTLED:
                continue
            bias -= 0.1 * rate * slope
            push = rate * slope / sqrt(len(whole) + sum(len(token.letters) for token in tokens))
            fade = rate * SHRINK
            for bucket in whole:
                weights[bucket] -= push + fade * weights[bucket]
            for token in tokens:
                part = push * token.share
                for bucket in token.letters:
                    weights[bucket] -= part + fade * weights[bucket]
        if epoch >= AVERAGED_FROM:
            part = 1 / (EPOCHS - AVERAGED_FROM)
            kept = [sofar + part * weight for sofar, weight in zip(kept, weights, strict=True)]
            kept_bias += part * bias
    return kept, kept_bias


@dataclass(slots=True)
class Stranger:
    """A message of an author the model has not learnt from: whether it is raised so far, and each class's score."""

    case: Case
    raised: bool
    scores: dict[str, float]


def strangers(data: Sequence[Case], knowledge: Knowledge, seed: int) -> list[Stranger]:
    """The messages of `STRANGERS` as they were written, read by models that know all the other authors."""
    rules = replace(knowledge, model=Model([], BUCKETS))
    found = []
    for author in STRANGERS:
        known = [case for case in data if case.source != author]
        models = {target.name: fit(known, target, random.Random(seed)) for target in TARGETS}
        for path in sorted((HERE / author).glob("*.txt")):
            for line in read_file(path):
                reading = read(line.text, line.listener, (), rules)
                message = plain(line.text, knowledge.variants, knowledge.compounds)
                seen = features(message.tokens, BUCKETS)
                scores = {name: bias + best_stretch(weights, seen).margin for name, (weights, bias) in models.items()}
                raised = reading.tier.severity >= Tier.URGENT.severity
                found.append(Stranger(Case(line, seen, author, 1.0), raised, scores))
    return found


def floor_among_harmless(messages: Sequence[Stranger], target: Target) -> float:
    """The lowest score at which rules and model together raise no more of the harmless messages than the cost."""
    harmless = [each for each in messages if each.case.example.tier is Tier.ROUTINE]
    sizes = {group: sum(each.case.example.group == group for each in harmless) for group in HARMLESS}
    scores = {id(each): inf if each.raised else each.scores[target.name] for each in harmless}
    spent = 0.0
    for each in sorted(harmless, key=lambda each: -scores[id(each)]):
        spent += HARMLESS[each.case.example.group] / sizes[each.case.example.group]
        if spent > target.cost:
            return scores[id(each)]
    return -inf


def floor_among_urgent(messages: Sequence[Stranger], target: Target) -> float:
    """The score that only the share of urgent messages given as the cost exceeds."""
    scores = sorted(each.scores[target.name] for each in messages if each.case.example.tier is Tier.URGENT)
    return scores[int(len(scores) * (1 - target.cost))]


def floors(messages: Sequence[Stranger]) -> dict[str, float]:
    """The floor of every class, printed with what the class then catches, rules apart."""
    found: dict[str, float] = {}
    for target in TARGETS:
        floor = (floor_among_harmless if target.tier is Tier.URGENT else floor_among_urgent)(messages, target)
        found[target.name] = floor
        own = [each for each in messages if target.positive(each.case.example)]
        caught = sum(each.scores[target.name] > floor for each in own) / len(own)
        print(f"{target.name:12s} floor {floor:+.2f}, caught {caught:.3f}", flush=True)
    return found


def above_worked_cases(floor: float, weights: Sequence[float], bias: float, knowledge: Knowledge) -> float:
    """The floor of a kind of emergency, lifted over what the reference works out to be urgent and no emergency."""
    texts = [case["in"].partition("|")[0] for case in json.loads(WORKED.read_text("utf-8")) if case["tier"] == "urgent"]
    cut = [plain(text, knowledge.variants, knowledge.compounds).tokens for text in texts]
    return max(floor, *(bias + best_stretch(weights, features(tokens, BUCKETS)).margin + _CLEAR for tokens in cut))


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
