"""The copy linter must catch what it is for, and leave ordinary words alone."""

import pytest

from chalicelib.domain.wording import Content
from chalicelib.domain.wording.lint import lint, lint_clinic_name


@pytest.mark.parametrize(
    ("text", "language", "rule"),
    [
        ("Spasms are a good sign.", "en", "reassurance"),
        ("Don\u2019t worry, call us.", "en", "reassurance"),
        ("It's OK to wait.", "en", "reassurance"),
        ("You're fine.", "en", "reassurance"),
        ("You are RECOVERING well.", "en", "reassurance"),
        ("Es una buena señal.", "es", "reassurance"),
        ("No  se\npreocupe.", "es", "reassurance"),
        ("C'est normal.", "fr", "reassurance"),
        ("Ne vous inquiétez pas.", "fr", "reassurance"),
        ("这是好现象。", "zh", "reassurance"),
        ("请放心", "zh", "reassurance"),
        ("Good sign in a Spanish text", "es", "reassurance"),
        ("your spinal cord clinic", "en", "diagnosis"),
        ("SCI visit", "en", "diagnosis"),
        ("paralysed side", "en", "diagnosis"),
        ("Your pump visit", "en", "diagnosis"),
        ("DOB 1 Jan", "en", "diagnosis"),
        ("lesión de médula", "es", "diagnosis"),
        ("moelle épinière", "fr", "diagnosis"),
        ("脊髓复查", "zh", "diagnosis"),
        ("Take your baclofen", "en", "drug name"),
        ("Botox review", "en", "drug name"),
        ("le baclofène", "fr", "drug name"),
        ("巴氯芬", "zh", "drug name"),
        ("Reply CANCEL if you can't come.", "en", "reply word"),
        ("Reply with 'end' when done", "en", "reply word"),
        ("C=confirm, QUIT=reschedule", "en", "reply word"),
        ("Responda CANCELAR", "es", "reply word"),
        ("Répondez fin", "fr", "reply word"),
        ("回复退订以改期", "zh", "reply word"),
        ("Reply STOP when the spasm ends", "en", "reply word"),
        ("Reply Y to confirm your visit", "en", "reply word"),
        ("OK=confirm", "en", "reply word"),
        ("Tu clínica", "es", "not GSM-7"),
        ("ça va", "fr", "not GSM-7"),
    ],
)
def test_planted_bad_copy_is_found(text, language, rule):
    assert rule in {finding.rule for finding in lint(text, language)}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Reply C to confirm, R to reschedule. STOP to opt out.", "en"),
        ("Your visit is at the end of the week", "en"),
        ("science, pumpkin, disciple", "en"),
        ("horario normal. STOP=baja.", "es"),
        ("Quel est votre avis? STOP=fin", "fr"),
        ("N'interrompez rien sans avis. STOP=désabonnement", "fr"),
        ("回复C确认。STOP退订", "zh"),
    ],
)
def test_ordinary_words_are_left_alone(text, language):
    assert lint(text, language) == []


@pytest.mark.parametrize(
    "text",
    [
        "spasms this week?",
        "any pain?",
        "A refill is due",
        "¿algo al orinar?",
        "examen de la peau",
        "大小便有变化吗",
        "本周用药?",
    ],
)
def test_a_health_word_is_found_only_where_the_text_claims_to_have_none(text):
    assert [f.rule for f in lint(text, "zh", content=Content.MINIMAL)] == ["health word at minimal level"]
    assert lint(text, "zh", content=Content.STANDARD) == []
    assert lint(text, "zh", content=Content.SAFETY) == []


def test_reassurance_is_found_at_every_level():
    for content in Content:
        assert [f.rule for f in lint("all clear", "en", content=content)] == ["reassurance"]


def test_staff_may_read_the_clinical_words():
    assert lint("SCI, baclofen pump, all clear", "en", audience="staff") == []


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("Lakeside Rehab", []),
        ("Clínica San José", []),
        ("End of Lane Clinic", []),
        ("康复医院", []),
        ("Northside SCI Unit", ["diagnosis"]),
        ("Paraplegia Centre", ["diagnosis"]),
        ("Lakeside Rehabilitation Hospital", ["long name"]),
        ("[Lakeside] {Rehab} A", ["long name"]),  # brackets count twice
        ("北京康复医院", []),
        ("北京康复医院东院", ["long name"]),
    ],
)
def test_a_clinic_name_that_tells_the_diagnosis_or_does_not_fit_is_found(name, rules):
    assert [finding.rule for finding in lint_clinic_name(name)] == rules
