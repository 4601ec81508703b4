"""Templates filled with facts, and what facts may never do to a template."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.copybook import copybook
from chalicelib.domain.wording import (
    Content,
    MissingSlot,
    UnknownLanguage,
    UnknownTemplate,
    UnsafeLink,
    measure,
    pick_language,
    render_email,
    render_sms,
    template_at_level,
)

BOOK = copybook()
FACTS = {
    "clinic": "Lakeside Rehab",
    "phone": "202-555-0100",
    "emerg": "911",
    "day": "tomorrow",
    "time": "10:30 AM",
}
PREFS = {"prefs": "https://ranvier.example/r/abc"}


def sms(**changed):
    return render_sms(BOOK, "appt_1d", "en", FACTS | changed)


def email(template="appt_1d", language="en", links=PREFS, **changed):
    return render_email(BOOK, template, language, FACTS | changed, links)


def test_a_filled_text_says_which_words_it_is_and_what_it_costs():
    text = sms()
    assert text.text == (
        "Lakeside Rehab: visit tomorrow at 10:30 AM. Reply C to confirm, R to reschedule, "
        "or call 202-555-0100. STOP to opt out."
    )
    assert (text.template, text.version, text.language) == ("appt_1d", 1, "en")
    assert (text.encoding, text.units, text.segments) == ("GSM-7", len(text.text), 1)


@pytest.mark.parametrize("absent", ["clinic", "day", "time", "phone"])
def test_a_missing_fact_is_an_error_and_never_an_open_brace(absent):
    facts = {name: value for name, value in FACTS.items() if name != absent}
    with pytest.raises(MissingSlot, match=rf"^{absent}$"):
        render_sms(BOOK, "appt_1d", "en", facts)


@pytest.mark.parametrize("empty", ["", "  ", "\n", "\u200b"])
def test_a_fact_with_nothing_to_see_counts_as_missing(empty):
    with pytest.raises(MissingSlot, match=r"^phone$"):
        sms(phone=empty)


@pytest.mark.parametrize("name", ["{phone}", "{0.__class__}", "{{clinic}}", "{emerg!r:>99}", "%(phone)s", "$phone"])
def test_a_clinic_name_can_not_reach_another_slot(name):
    assert sms(clinic=name).text.startswith(f"{name}: visit tomorrow")


@given(st.text(min_size=1).filter(lambda text: any(char.isalnum() for char in text)))
def test_whatever_the_clinic_is_called_the_rest_of_the_text_stands(name):
    text = sms(clinic=name).text
    assert text.endswith(sms().text.removeprefix("Lakeside Rehab"))
    assert not re.search(r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069]", text)


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("Clínica São José", "Clinica Sao José"),
        ("L’Hôpital — “Sud”", 'L\'Hopital - "Sud"'),
        ("Cœur\u00a0et\u202fÇa… français", "Coeur et Ça... francais"),
        ("Niño Über Ñ", "Niño Über Ñ"),
        ("Łódź Étude", "Lodz Étude"),
        ("Two\nLines\tand\u202espace ", "Two Lines andspace"),
    ],
)
def test_one_stray_character_does_not_double_the_price(name, sent):
    text = sms(clinic=name)
    assert text.text.startswith(f"{sent}: ")
    assert text.encoding == "GSM-7"


def test_a_name_without_a_faithful_spelling_is_kept_and_paid_for():
    text = sms(clinic="康复医院")
    assert text.text.startswith("康复医院: ")
    assert text.encoding == "UCS-2"


def test_chinese_copy_keeps_the_accents_it_pays_for_anyway():
    assert render_sms(BOOK, "appt_1d", "zh", FACTS | {"clinic": "Clínica"}).text.startswith("Clínica:")


def test_a_long_name_costs_a_segment_but_silences_nothing():
    assert sms(clinic="M" * 90).segments == 2


@pytest.mark.parametrize("template", ["no_such", "sci_set_link"])
def test_a_template_that_is_not_a_text_is_refused(template):
    with pytest.raises(UnknownTemplate):
        render_sms(BOOK, template, "en", FACTS)


def test_an_unknown_language_is_refused_and_not_guessed():
    with pytest.raises(UnknownLanguage):
        render_sms(BOOK, "appt_1d", "de", FACTS)


@pytest.mark.parametrize(
    ("wanted", "default", "picked"),
    [
        ("es", "en", "es"),
        ("es-MX", "en", "es"),
        ("zh_Hans_CN", "en", "zh"),
        ("FR", "en", "fr"),
        ("de", "es", "es"),
        (None, "fr", "fr"),
        ("", "en", "en"),
    ],
)
def test_the_language_is_the_patients_else_the_clinics(wanted, default, picked):
    assert pick_language(BOOK, wanted, default) == picked


def test_a_clinic_default_without_copy_is_a_mistake_and_says_so():
    with pytest.raises(UnknownLanguage):
        pick_language(BOOK, "de", "pt")


def test_a_minimal_clinic_sends_the_card_variant_and_a_standard_one_the_question():
    assert template_at_level(BOOK, "checkin_change", "minimal") == "checkin_card_change"
    assert template_at_level(BOOK, "checkin_change", "standard") == "checkin_change"
    assert template_at_level(BOOK, "pump_overdue", "minimal") == "pump_overdue"
    for name in BOOK.templates:
        at_minimal = BOOK.templates[template_at_level(BOOK, name, "minimal")]
        assert at_minimal.content in (Content.MINIMAL, Content.SAFETY)


class Outline(HTMLParser):
    """Tags, attributes and visible text of a page; enough to see what a reader gets."""

    def __init__(self, html):
        super().__init__()
        self.attributes, self.links, self.text, self.open = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.links += [value for name, value in attrs if name == "href"]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_an_email_carries_its_frame_in_both_parts():
    mail = email()
    page = " ".join(Outline(mail.html).text)
    assert mail.subject == "Your upcoming visit at Lakeside Rehab"
    for part in (mail.text, page):
        assert "You have a visit tomorrow at 10:30 AM." in part
        assert "not read live" in part
        assert "call 202-555-0100" in part
        assert "call 911" in part
        assert "agreed to care messages from Lakeside Rehab" in part
    assert PREFS["prefs"] in mail.text
    assert Outline(mail.html).links == [PREFS["prefs"]]
    assert (mail.template, mail.version, mail.language) == ("appt_1d", 1, "en")


def test_buttons_stand_only_where_there_is_a_link():
    confirm = {"confirm": "https://ranvier.example/r/1?a=c&b=2"}
    bare, full = email(), email(links=PREFS | confirm)
    assert "Confirm" not in bare.html + bare.text
    assert "Confirm: https://ranvier.example/r/1?a=c&b=2" in full.text
    assert "a=c&amp;b=2" in full.html
    assert Outline(full.html).links == [confirm["confirm"], PREFS["prefs"]]
    assert "Reschedule" not in full.html


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "https://x.example/\nBcc: y", ""]
)
def test_only_a_plain_web_address_becomes_a_link(address):
    with pytest.raises(UnsafeLink, match=r"^open$"):
        email(links=PREFS | {"open": address})


def test_a_link_the_frame_has_no_place_for_is_a_mistake():
    with pytest.raises(UnsafeLink, match=r"^track$"):
        email(links=PREFS | {"track": "https://ranvier.example"})


def test_no_email_goes_without_the_way_to_stop_it():
    with pytest.raises(MissingSlot, match=r"^prefs$"):
        email(links={})


@given(st.text(min_size=1).filter(lambda text: any(char.isalnum() for char in text)))
def test_no_value_can_add_markup_or_a_header(name):
    mail = email(clinic=name)
    assert "\n" not in mail.subject
    assert "\r" not in mail.subject
    plain, named = Outline(email().html), Outline(mail.html)
    assert named.open == []
    assert [found[:2] for found in named.attributes] == [found[:2] for found in plain.attributes]


@pytest.mark.parametrize("slot", ["clinic", "phone", "emerg", "day", "time"])
def test_markup_in_any_value_is_shown_as_text(slot):
    mail = email(**{slot: '<b onclick="x">&'})
    assert "<b " not in mail.html
    assert '<b onclick="x">&' in " ".join(Outline(mail.html).text)


@pytest.mark.parametrize(("language", "tag"), [("en", "en"), ("es", "es"), ("fr", "fr"), ("zh", "zh-Hans")])
def test_a_screen_reader_is_told_the_language(language, tag):
    attributes = Outline(email(language=language).html).attributes
    assert ("html", "lang", tag) in attributes
    assert ("div", "lang", tag) in attributes


def test_an_email_needs_no_style_sheet_image_or_script():
    assert not re.search(r"<(style|img|script|link|iframe)|url\(|@media", email().html)


def test_a_template_without_email_is_refused():
    with pytest.raises(UnknownTemplate):
        email("ack_unknown")


def test_an_email_keeps_the_accents_a_text_must_drop():
    assert "Clínica" in email(clinic="Clínica").subject
    assert measure(sms(clinic="Clínica").text).encoding == "GSM-7"
