"""Every text a patient can be sent, held to the rules; and docs/copy.md, held to the texts.

`python -m tests.test_copy` writes the table in docs/copy.md again.
"""

import json
from datetime import date, time
from importlib.resources import files
from itertools import chain
from pathlib import Path

import pytest

from chalicelib.adapters.copybook import LANGUAGES, copybook, parse_copybook
from chalicelib.domain.wording import (
    Content,
    Role,
    UnknownTemplate,
    choices_phrase,
    day_phrase,
    local_date,
    local_time,
    render_email,
    render_sms,
    sessions_phrase,
    template_at_level,
    times_phrase,
)
from chalicelib.domain.wording.mail import FRAME_SLOTS
from chalicelib.domain.wording.proofread import NO_TAIL, proofread, worst_case, worst_measure

PAGE = Path(__file__).parents[1] / "docs" / "copy.md"
BEGIN, END = "<!-- table: python -m tests.test_copy -->", "<!-- end of table -->"
LINKS = {name: f"https://ranvier.example/r/{name}" for name in ("prefs", "confirm", "reschedule", "open")}
BOOK = copybook()


def facts(language):
    day, at, today = date(2026, 3, 14), time(10, 30), date(2026, 3, 11)
    return {
        "clinic": "Lakeside Rehab",
        "phone": "202-555-0100",
        "emerg": "911",
        "crisis": "988",
        "url": "https://a.example/",
        "count": "6",
        "low": "0",
        "high": "4",
        "date": local_date(day, language),
        "day": day_phrase(day, today, language),
        "time": local_time(at, language),
        "times": times_phrase([at, time(14, 0)], language),
        "sessions": sessions_phrase([(date(2026, 3, 9), at), (date(2026, 3, 11), time(14, 0))], language),
        "choices": choices_phrase(["J.S.", "M.K."]),
    }


def test_the_copy_breaks_no_rule():
    assert proofread(BOOK) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_fits_one_segment_at_its_longest(language):
    for name in BOOK.languages[language].sms:
        cost = worst_measure(BOOK, name, language)
        assert (name, cost.segments, cost.encoding) == (name, 1, BOOK.languages[language].encoding)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_template_can_be_rendered(language):
    for name, template in BOOK.templates.items():
        if template.slots:
            assert "{" not in render_sms(BOOK, name, language, facts(language)).text
        if template.email:
            mail = render_email(BOOK, name, language, facts(language), LINKS)
            assert "{" not in mail.subject + mail.text + mail.html


def test_every_slot_of_the_copy_has_a_longest_value():
    slots = chain.from_iterable(t.slots for t in BOOK.templates.values())
    assert set(slots) == set(worst_case("en"))


def test_only_templates_with_a_stated_reason_go_without_the_stop_tail():
    silent = {
        name
        for name, template in BOOK.templates.items()
        if template.role is Role.INITIATED and template.slots
        if any("STOP" not in page.sms[name].text for page in BOOK.languages.values())
    }
    assert silent == set(NO_TAIL)


def test_a_visit_is_never_promised_for_a_fixed_day_word():
    words = {
        "en": ("today", "tomorrow"),
        "es": ("hoy", "mañana"),
        "fr": ("aujourd", "demain"),
        "zh": ("今天", "明天"),
    }
    for language, page in BOOK.languages.items():
        for text in [copy.text for copy in page.sms.values()] + [copy.line for copy in page.email.values()]:
            assert not any(word in text for word in words[language]), text


def test_patients_are_addressed_formally():
    familiar = {"es": (" tu ", " tus ", " te "), "fr": (" tu ", " ton ", " ta ", " tes "), "zh": ("你",)}
    for language, words in familiar.items():
        page = BOOK.languages[language]
        for text in [copy.text for copy in page.sms.values()] + [copy.line for copy in page.email.values()]:
            assert not any(word in f" {text.lower()} " for word in words), text


def test_every_email_names_no_health_detail_in_its_subject_and_a_way_to_be_helped_in_its_frame():
    for page in BOOK.languages.values():
        frame = page.frame.not_live + page.frame.why
        assert all("{" + slot + "}" in frame for slot in FRAME_SLOTS)
        assert set(page.frame.buttons) == set(LINKS) - {"prefs"}


def test_a_safety_text_is_the_same_at_both_levels():
    for name, template in BOOK.templates.items():
        if template.content is Content.SAFETY:
            assert template_at_level(BOOK, name, "minimal") == name
    assert {n for n, t in BOOK.templates.items() if t.content is Content.SAFETY} == {"pump_overdue", "ack_ad"}


def shipped():
    folder = files("chalicelib.protocols").joinpath("copy")
    shared, *pages = (json.loads(folder.joinpath(f"{name}.json").read_bytes()) for name in ("templates", *LANGUAGES))
    return shared, dict(zip(LANGUAGES, pages, strict=True))


def spoil_text(name, text, language="en"):
    def spoil(shared, pages):
        pages[language]["sms"][name]["text"] = text

    return spoil


def spoil_email(name, **changed):
    def spoil(shared, pages):
        pages["en"]["email"][name] |= changed

    return spoil


def spoil_row(name, **changed):
    def spoil(shared, pages):
        shared["templates"][name] |= changed

    return spoil


def forget(section, name):
    def spoil(shared, pages):
        del pages["fr"][section][name]

    return spoil


VISIT = "{clinic}: visit {day} at {time}. Call {phone}."


@pytest.mark.parametrize(
    ("spoil", "rule", "where"),
    [
        (spoil_text("appt_1d", VISIT), "no STOP tail", "en.appt_1d"),
        (spoil_text("appt_1d", VISIT + " It's all clear! STOP to opt out."), "reassurance", "en.appt_1d"),
        (spoil_text("appt_1d", VISIT + " Baclofen. STOP to opt out."), "drug name", "en.appt_1d"),
        (spoil_text("appt_1d", VISIT + " Reply CANCEL or STOP=opt out"), "reply word", "en.appt_1d"),
        (
            spoil_text("appt_1d", VISIT + " Spasms? STOP to opt out."),
            "health word at minimal level",
            "en.appt_1d",
        ),
        (
            spoil_text("appt_1d", VISIT + " " + "x" * 90 + " STOP=opt out"),
            "more than one segment",
            "en.appt_1d",
        ),
        (spoil_text("appt_1d", VISIT + " It\u2019s due. STOP=opt out"), "not GSM-7", "en.appt_1d"),
        (spoil_text("appt_1d", "{clinic}: visit {date}. STOP to opt out."), "slots differ", "en.appt_1d"),
        (
            spoil_text("checkin_safety", "{clinic}{phone}{emerg}" + "感" * 60, "zh"),
            "more than one segment",
            "zh.checkin_safety",
        ),
        (
            spoil_email("visit", subject="Spasm visit at {clinic}"),
            "health word at minimal level",
            "en.email.visit",
        ),
        (spoil_email("visit", line="Visit {day}."), "slots differ", "en.email.visit"),
        (spoil_email("saved", line="Saved. STOP to opt out."), "STOP in an e-mail", "en.email.saved"),
        (forget("sms", "appt_1d"), "not in every language", "fr"),
        (forget("email", "visit"), "not in every language", "fr"),
        (spoil_row("checkin_psfs", at_minimal=None), "no minimal variant", ""),
        (spoil_row("checkin_psfs", at_minimal="checkin_skin"), "no minimal variant", ""),
        (
            spoil_row("ack_review", slots=["clinic", "phone"]),
            "auto-reply without a way to reach someone",
            "ack_review",
        ),
        (spoil_row("appt_2h", slots=["day"]), "does not say who writes", ""),
        (spoil_row("appt_2h", email="no_such"), "no such e-mail", "appt_2h"),
    ],
)
def test_planted_bad_copy_fails_the_build(spoil, rule, where):
    shared, pages = shipped()
    spoil(shared, pages)
    assert (rule, where) in {(found.rule, found.where) for found in proofread(parse_copybook(shared, pages))}


@pytest.mark.parametrize(
    "spoil",
    [spoil_row("help", role="shout"), spoil_row("help", content="x"), lambda s, p: p["en"].pop("frame")],
)
def test_copy_that_does_not_hold_together_is_refused_on_load(spoil):
    shared, pages = shipped()
    spoil(shared, pages)
    with pytest.raises((KeyError, ValueError)):
        parse_copybook(shared, pages)


def table():
    """The rows of docs/copy.md, from the copy itself."""
    yield "| template | content | e-mail | slots | English example | en | es | fr | zh |"
    yield "|---|---|---|---|---|--:|--:|--:|--:|"
    for role in Role:
        yield f"| **{role.value.replace('_', ' ')}** | | | | | | | | |"
        for name, template in BOOK.templates.items():
            if template.role is role:
                yield row(name, template)


def row(name, template):
    content = template.content.value + (f" → `{template.at_minimal}`" if template.at_minimal else "")
    try:
        example = render_sms(BOOK, name, "en", facts("en")).text
        units = [str(worst_measure(BOOK, name, language).units) for language in LANGUAGES]
    except UnknownTemplate:
        example = "E-mail: " + render_email(BOOK, name, "en", facts("en"), LINKS).text.split("\n\n")[1]
        units = [""] * len(LANGUAGES)
    slots = " ".join(sorted(template.slots))
    cells = [f"`{name}`", content, template.email or "", slots, example, *units]
    return "| " + " | ".join(cells) + " |"


def page_with_table(page):
    head, rest = page.split(BEGIN)
    return "\n".join([head + BEGIN, "", *table(), "", END + rest.split(END)[1]])


def test_the_table_in_the_docs_is_current():
    page = PAGE.read_text(encoding="utf-8")
    assert page == page_with_table(page), "python -m tests.test_copy writes it again"


if __name__ == "__main__":
    PAGE.write_text(page_with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
