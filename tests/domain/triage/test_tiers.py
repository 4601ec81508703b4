"""What raises a message, for whom, with which words of reply, and what lies under the rest."""

import dataclasses

import pytest

from chalicelib.domain.triage import IntentKind, Knowledge, Listener, PromptKind, Tier, read
from chalicelib.domain.triage.model import LEAN, Model

from .conftest import asked


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        ("cnt feal my feeet", Tier.URGENT),
        ("my legss are numbb", Tier.URGENT),
        ("hes tingeling all down his arm", Tier.URGENT),
        ("my mom can't move her hand like she did", Tier.URGENT),
        ("catheder blockd", Tier.URGENT),
        ("tengo calentra y escalofrios", Tier.URGENT),
        ("no puedo RESPIRAAAAR", Tier.EMERGENCY),
        ("ｃｈｅｓｔ ｐａｉｎ", Tier.EMERGENCY),
        ("mi pierna is numb desde ayer", Tier.URGENT),
        ("發燒了", Tier.URGENT),
        ("temp 38,7", Tier.URGENT),
        ("BP 190/110", Tier.EMERGENCY),
        ("no chest pain today", Tier.EMERGENCY),
        ("I never said I want to die", Tier.EMERGENCY),
    ],
)
def test_severity_beats_wording(knowledge: Knowledge, text: str, tier: Tier) -> None:
    assert read(text, Listener(), [], knowledge).tier is tier


def test_two_signs_of_dysreflexia_are_an_emergency_only_for_those_at_risk(knowledge: Knowledge) -> None:
    text = "goosebumps and a stuffy nose"

    at_risk = read(text, Listener(ad_risk=True), [], knowledge)
    below = read(text, Listener(ad_risk=False), [], knowledge)

    assert (at_risk.tier, at_risk.reply) == (Tier.EMERGENCY, "ack_ad")
    assert (below.tier, below.reply) == (Tier.URGENT, "ack_urgent")


def test_itching_is_urgent_only_with_a_pump(knowledge: Knowledge) -> None:
    text = "itchy all over"

    assert read(text, Listener(itb_pump=True), [], knowledge).groups == ("itb_itch",)
    assert read(text, Listener(), [], knowledge).tier is Tier.REVIEW_SOON


def test_a_wish_to_die_gets_the_crisis_line_whatever_else_is_said(knowledge: Knowledge) -> None:
    reading = read("my chest hurts and I want to die", Listener(), [], knowledge)

    assert reading.reply == "ack_crisis"
    assert {"crisis", "cardio_resp"} <= set(reading.groups)


def test_the_evidence_names_the_rule_and_the_words_it_saw(knowledge: Knowledge) -> None:
    reading = read("Hello, since noon my left foot drags", Listener(), [], knowledge)

    assert reading.tier is Tier.URGENT
    assert any(
        each.rule == "pattern:limb_fails" and each.group == "neuro_change" and each.matched == "foot drags"
        for each in reading.evidence
    )


@pytest.mark.parametrize("text", ["I did 20 push ups this week", "we watched a film", "昨天看了电影"])
def test_a_harmless_or_unclear_text_has_the_safety_net_under_it(knowledge: Knowledge, text: str) -> None:
    reading = read(text, Listener(), [], knowledge)

    assert (reading.tier, reading.ask_safety_net) == (Tier.REVIEW_SOON, True)


@pytest.mark.parametrize("text", ["what time is my appointment", "donde me estaciono", "几点的预约", "l'adresse svp"])
def test_an_administrative_text_is_spared_the_safety_net(knowledge: Knowledge, text: str) -> None:
    reading = read(text, Listener(), [], knowledge)

    assert reading.has(IntentKind.ADMIN)
    assert (reading.tier, reading.ask_safety_net) == (Tier.REVIEW_SOON, False)


def test_an_administrative_text_that_touches_the_body_is_not_spared(knowledge: Knowledge) -> None:
    reading = read("what time is my appointment, about my shoulder", Listener(), [], knowledge)

    assert reading.tier is not Tier.ROUTINE
    assert reading.ask_safety_net or reading.tier.severity >= Tier.URGENT.severity


def test_the_safety_net_is_not_asked_twice(knowledge: Knowledge) -> None:
    assert not read("we watched a film", Listener(), asked(PromptKind.SAFETY_NET), knowledge).ask_safety_net


def test_a_kind_of_emergency_means_nothing_until_something_says_that_the_message_is_urgent(
    knowledge: Knowledge,
) -> None:
    kinds = [each for each in knowledge.model.outcomes if each.tier is Tier.EMERGENCY]
    without = dataclasses.replace(knowledge, model=Model(kinds, knowledge.model.buckets))

    assert read("today is the day I stop being a problem", Listener(), [], knowledge).reply == "ack_crisis"
    assert read("today is the day I stop being a problem", Listener(), [], without).tier is Tier.REVIEW_SOON
    assert read("fever, and today is the day I stop being a problem", Listener(), [], without).reply == "ack_crisis"


def test_a_pattern_that_leans_counts_only_beside_something_urgent(knowledge: Knowledge) -> None:
    without = dataclasses.replace(knowledge, model=Model([], knowledge.model.buckets))

    assert read("bleeding", Listener(), [], without).tier is Tier.REVIEW_SOON
    assert read("fever and bleeding", Listener(), [], without).groups == ("infection", "dvt_trauma")


def test_a_pattern_that_leans_needs_the_model_only_half_way(knowledge: Knowledge) -> None:
    def held_at(margin: float) -> Knowledge:
        [urgent] = [each for each in knowledge.model.outcomes if each.name == "urgent"]
        [(_, stretch)] = Model([urgent], knowledge.model.buckets).stretches(["drowning"], [])
        moved = dataclasses.replace(urgent, floor=urgent.floor + stretch.margin - margin)
        return dataclasses.replace(knowledge, model=Model([moved], knowledge.model.buckets))

    assert read("drowning", Listener(), [], held_at(-LEAN - 1)).tier is Tier.REVIEW_SOON
    assert read("drowning", Listener(), [], held_at(0.1 - LEAN)).reply == "ack_emergency"


@pytest.mark.parametrize("text", ["goodbye, thanks", "adieu merci", "adios, gracias", "谢谢，再见", "再见了谢谢你们"])
def test_a_goodbye_is_no_bare_courtesy(knowledge: Knowledge, text: str) -> None:
    reading = read(text, Listener(), [], knowledge)

    assert reading.tier is not Tier.ROUTINE
    assert reading.ask_safety_net or reading.tier.severity >= Tier.URGENT.severity


@pytest.mark.parametrize("text", ["sos", "au secours", "heart attack", "I'm having a stroke", "要跳了,我要跳了"])
def test_a_blunt_cry_needs_no_context(knowledge: Knowledge, text: str) -> None:
    assert read(text, Listener(), [], knowledge).tier.severity >= Tier.URGENT.severity
