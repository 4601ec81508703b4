"""The data files keep their promises to each other."""

import json
from importlib.resources import files
from typing import Any

import pytest

import chalicelib.protocols.triage as shipped
from chalicelib.domain.triage import Knowledge
from chalicelib.domain.triage.phrases import Phrasebook
from chalicelib.domain.triage.plain import compounds_by_first, plain
from chalicelib.domain.triage.spelling import distance

NAMES = ("lexicon", "patterns", "answers", "model")


@pytest.fixture
def data() -> dict[str, Any]:
    return {name: json.loads(files(shipped).joinpath(f"{name}.json").read_text("utf-8")) for name in NAMES}


def test_a_phrase_is_cut_as_messages_are() -> None:
    compounds = compounds_by_first(["手机", "手机号"])
    book = Phrasebook({"phone": ["手机号"], "hand": ["手"]}, compounds)

    found = book.find([(token,) for token in plain("手机号变了，手麻", {}, compounds).tokens])

    assert [each.key for each in found] == ["phone", "hand"]


def test_the_model_fits_its_budget() -> None:
    assert len(files(shipped).joinpath("model.json").read_bytes()) < 1_000_000


def test_a_pattern_for_an_unknown_concept_is_refused(data: dict[str, Any]) -> None:
    data["patterns"]["patterns"].append({"id": "x", "group": "skin", "needs": ["no_such_concept"]})

    with pytest.raises(ValueError, match="no_such_concept"):
        Knowledge.from_json(data)


def test_a_pattern_for_an_unknown_group_is_refused(data: dict[str, Any]) -> None:
    data["patterns"]["patterns"].append({"id": "x", "group": "no_such_group", "needs": ["limb"]})

    with pytest.raises(ValueError, match="names no group"):
        Knowledge.from_json(data)


@pytest.mark.parametrize("term", ["", "~", "a*", "..."])
def test_a_phrase_without_a_first_word_is_refused(term: str) -> None:
    with pytest.raises(ValueError, match="begin with a word"):
        Phrasebook({"key": [term]})


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("I can’t", ("i", "cant")),
        ("J'ai mal à la tête", ("j", "ai", "mal", "a", "la", "tete")),
        ("38,7°", ("38,7", "°")),
        ("２４/7", ("24/7",)),
        ("腿numb了", ("腿", "numb", "了")),
        ("手机没电", ("手机", "没", "电")),
        ("👍🏽ok", ("👍", "ok")),
        ("", ()),
    ],
)
def test_a_message_is_cut_into_tokens(text: str, tokens: tuple[str, ...]) -> None:
    assert plain(text, {}, compounds_by_first(["手机"])).tokens == tokens


@pytest.mark.parametrize(
    ("left", "right", "edits"),
    [("chest", "chest", 0), ("chset", "chest", 1), ("numbb", "numb", 1), ("cathater", "catheter", 1), ("ab", "xyz", 3)],
)
def test_the_distance_between_words_counts_swaps_once(left: str, right: str, edits: int) -> None:
    assert distance(left, right, 2) == edits
