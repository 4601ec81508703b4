"""The data triage reads with, compiled once: red-flag terms, concept patterns, answer words, model weights."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .model import Model
from .patterns import Pattern, Patterns
from .phrases import Phrasebook
from .plain import Compounds, compounds_by_first
from .spelling import Spelling
from .values import Tier

_HALF_WORDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A red-flag group. `tier_without_ad_risk` holds where the patient is not at risk of dysreflexia."""

    id: str
    tier: Tier
    reply: str
    tier_without_ad_risk: Tier | None = None
    pump_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Words of structured answers. Whole messages are looked up in `whole`; phrases anywhere in `phrases`."""

    whole: Mapping[str, frozenset[str]]
    phrases: Phrasebook
    numbers: Mapping[str, int]
    opt_out_first: frozenset[str]
    opt_out_whole: frozenset[str]
    opt_out_openings: frozenset[str]
    """One-word opt-outs: as the first of many words they may mean something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    groups: Mapping[str, Group]
    """In the order of the data file, worst first."""
    terms: Phrasebook
    patterns: Patterns
    answers: Answers
    spelling: Spelling
    model: Model
    variants: Mapping[str, str]
    compounds: Compounds
    clinical: frozenset[str]
    """Concepts whose mere mention keeps the safety net under a message."""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Knowledge":
        """From the parsed files under their names: `lexicon`, `patterns`, `answers`, `model`.

        Raises ValueError or KeyError where a file is not what it should be: a promise of the package, not of a user.
        """
        lexicon, patterns, answers = data["lexicon"], data["patterns"], data["answers"]
        groups = {each["id"]: _group(each) for each in lexicon["groups"]}
        compounds = compounds_by_first(patterns["compounds"].split())
        terms = Phrasebook({each["id"]: _flat(each["terms"]) for each in lexicon["groups"]}, compounds)
        rules = [_pattern(each, groups) for each in patterns["patterns"]]
        concepts = {
            name: [term for phrases in by_language.values() for term in _split(phrases)]
            for name, by_language in patterns["concepts"].items()
        }
        compiled = Patterns(concepts, rules, compounds)
        return cls(
            groups=groups,
            terms=terms,
            patterns=compiled,
            answers=_answers(lexicon, answers, compounds),
            spelling=Spelling(
                clinical=terms.words | compiled.words | frozenset(patterns["vocabulary"].split()),
                everyday=patterns["everyday"].split(),
                slips=lexicon["typo_map"] | patterns["slips"],
            ),
            model=Model.from_json(data["model"]),
            variants={pair[0]: pair[1] for pair in patterns["variants"].split()},
            compounds=compounds,
            clinical=frozenset(patterns["clinical"]),
        )


def _split(phrases: str) -> list[str]:
    return [phrase.strip() for phrase in phrases.split("|") if phrase.strip()]


def _flat(terms: Mapping[str, Iterable[str]]) -> list[str]:
    # One phrase may be listed under two languages (pus); it is one term.
    return list(dict.fromkeys(term for of_language in terms.values() for term in of_language))


def _group(data: Mapping[str, Any]) -> Group:
    otherwise = data.get("tier_if_not", {}).get("patient.ad_risk")
    return Group(
        id=data["id"],
        tier=Tier(data["tier"]),
        reply=data["reply"],
        tier_without_ad_risk=Tier(otherwise) if otherwise else None,
        pump_only=data.get("only_if") == "patient.itb_pump",
    )


def _pattern(data: Mapping[str, Any], groups: Mapping[str, Group]) -> Pattern:
    if data["group"] not in groups:
        raise ValueError(f"pattern {data['id']} names no group of the lexicon")
    return Pattern(
        id=data["id"],
        group=data["group"],
        needs=tuple(data["needs"]),
        within=_HALF_WORDS * data.get("within", 6),
        tier=Tier(data["tier"]) if "tier" in data else None,
        leans=data.get("leans", False),
    )


def _answers(lexicon: Mapping[str, Any], answers: Mapping[str, Any], compounds: Compounds) -> Answers:
    phrases = {key: _split(value) for key, value in answers["phrases"].items()}
    phrases["opt_out"] = [*lexicon["optout_phrase"], *phrases["opt_out"]]
    whole = {key: frozenset(_split(value)) for key, value in answers["whole"].items()}
    whole["help"] = frozenset(lexicon["help"])
    whole["courtesy"] |= frozenset(lexicon["courtesy_no_reply"])
    exact = frozenset(lexicon["optout_exact"]) | frozenset(_split(answers["opt_out_exact"]))
    return Answers(
        whole=whole,
        phrases=Phrasebook(phrases, compounds),
        numbers={word: int(digit) for word, digit in (lexicon["number_words"] | answers["numbers"]).items()},
        opt_out_first=frozenset(lexicon["optout_first_token"]) | frozenset(_split(answers["opt_out_first"])),
        opt_out_whole=exact,
        opt_out_openings=frozenset(each for each in lexicon["optout_exact"] if " " not in each),
    )
