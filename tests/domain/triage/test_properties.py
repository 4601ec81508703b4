"""What holds for every text: more words never lower a tier, negation never lowers it, nothing breaks reading."""

import dataclasses
import time
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.triage import Knowledge, Listener, PromptKind, Tier, read
from chalicelib.domain.triage.model import CONCEPT_WEIGHT, WINDOW, Model, best_stretch, crc_bucket, features
from chalicelib.protocols.triage import load

from .conftest import asked

WORDS = (  # noqa: SIM905 - sixty quoted words are harder to read than a sentence of them
    "my leg legs foot hand chest head numb hurts cold blue fever pump beeping bag empty fell chair tired great "
    "gym today film appointment monday movie lunch die want pills out of spasms sore heel fine "
    "pierna dolor fiebre sonda trabajo domingo jambe tete poche rendez-vous soleil 腿 麻 痛 发烧 今天 电影 预约 去"
).split()
NEGATIONS = ("no", "not", "never", "without any", "I do not have", "no tengo", "sin", "pas de", "aucun", "没有", "不是")

words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12)
anything = st.text(max_size=300)


def _tier(text: str) -> Tier:
    return read(text, Listener(), [], load()).tier


@given(before=words, message=words, after=words)
@settings(max_examples=150, deadline=None)
def test_words_before_and_after_never_lower_a_tier(before: list[str], message: list[str], after: list[str]) -> None:
    alone = " ".join(message)
    among = " ".join((*before, *message, *after))

    assert _tier(among).severity >= _tier(alone).severity


@given(message=words, negation=st.sampled_from(NEGATIONS))
@settings(max_examples=150, deadline=None)
def test_a_negation_in_front_never_lowers_a_tier(message: list[str], negation: str) -> None:
    text = " ".join(message)

    assert _tier(f"{negation} {text}").severity >= _tier(text).severity


@given(text=anything)
@settings(max_examples=200, deadline=None)
def test_any_unicode_is_read(text: str) -> None:
    reading = read(text, Listener(), asked(*PromptKind), load())

    assert reading.intents
    assert (reading.tier is Tier.ROUTINE) or reading.reply


@pytest.mark.parametrize(
    "text",
    [
        "numb leg " * 1200,
        "😀" * 10_000,
        "腿麻" * 5_000,
        "a" * 10_000,
        "\u202e\u0301" * 5_000,
        "'" * 10_000,
        "1." * 5_000,
        "x" + "qwertyuiop" * 1_000,
        " ".join(f"catheterr{at:x}" for at in range(700)),
    ],
    ids=["words", "emoji", "ideographs", "one-word", "marks", "apostrophes", "numbers", "long-word", "misspelt"],
)
def test_ten_thousand_characters_are_read_in_bounded_time(knowledge: Knowledge, text: str) -> None:
    started = time.process_time()
    read(text, Listener(), [], knowledge)

    assert time.process_time() - started < 3.0


@given(tokens=words)
@settings(max_examples=60, deadline=None)
def test_the_best_stretch_is_the_best_of_all_stretches(tokens: list[str]) -> None:
    knowledge = load()
    outcome = knowledge.model.outcomes[0]
    concepts = [each for hits in knowledge.patterns.concepts([(token,) for token in tokens]).values() for each in hits]
    seen = features(tokens, concepts, partial(crc_bucket, knowledge.model.buckets))

    def total(start: int, end: int) -> float:
        alone = sum(
            outcome.weights[own.word] + own.share * sum(outcome.weights[each] for each in own.letters)
            for own in seen.alone[start:end]
        )
        pairs = sum(outcome.weights[each] for each in seen.pairs[start : end - 1])
        skips = sum(outcome.weights[each] for each in seen.skips[start : max(start, end - 2)])
        named = sum(
            outcome.weights[bucket] for ending in seen.concepts[start:end] for opens, bucket in ending if opens >= start
        )
        return alone + pairs + skips + CONCEPT_WEIGHT * named

    every = [
        total(start, end)
        for start in range(len(tokens))
        for end in range(start + 1, min(start + WINDOW, len(tokens)) + 1)
    ]
    assert best_stretch(outcome.weights, seen).margin == pytest.approx(max(every))


@given(message=words)
@settings(max_examples=100, deadline=None)
def test_the_model_raises_and_never_lowers(message: list[str]) -> None:
    without = dataclasses.replace(load(), model=Model([], load().model.buckets))
    text = " ".join(message)

    assert _tier(text).severity >= read(text, Listener(), [], without).tier.severity
