"""Pages that links lead to: what opens them, what they may hold, how they are sent, and whom they can be used by."""

import json
import re
import subprocess
import sys
from datetime import timedelta
from importlib.resources import files
from itertools import pairwise

import pytest

from chalicelib import wiring
from chalicelib.adapters.copybook import LANGUAGES
from chalicelib.adapters.pagebook import pagebook, parse_pages
from chalicelib.domain.heeding import choices
from chalicelib.domain.links import Link, Purpose, sign
from chalicelib.domain.protocol_check import SESSION_QUESTIONS
from chalicelib.domain.wording import MissingSlot, UnknownTemplate, page_language
from chalicelib.domain.wording.pages import proofread_pages
from local.world import World
from tests.journeys.clinics import Clinic
from tests.web.page_reader import Visitor

POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
START = "2026-03-02T15:00:00Z"


class Place:
    """A clinic with a patient and a visit, and links made for any purpose."""

    def __init__(self, world):
        self.world, self.visitor = world, Visitor(world)
        self.clinic = Clinic(world, on_call=[{"name": "Kim", "email": "kim@northside.example"}])
        self.ana = self.clinic.enrol(email="ana@example.org")
        self.visit = self.clinic.book(self.ana, "2026-03-12T10:30")["id"]
        world.inbound("+12025550121", "+12025550199", "I can't feel my legs")
        self.task = self.clinic.tasks(kind="urgent_reply")[0]["id"]

    def token(self, purpose, subject=None, *, life=timedelta(days=1), **changed):
        subjects = {
            Purpose.VISIT: self.visit,
            Purpose.CHECKIN: "",
            Purpose.PREFERENCES: "",
            Purpose.UNSUBSCRIBE: "checkin",
            Purpose.ACKNOWLEDGE: f"{self.task}.1",
        }
        said = {"clinic_id": self.clinic.id, "patient_id": self.ana, **changed}
        link = Link(
            purpose=purpose,
            subject=subjects[purpose] if subject is None else subject,
            expires=self.world.now + life,
            **said,
        )
        return sign(link, wiring.site().secret)

    def open(self, purpose, *args, **kwargs):
        return self.visitor.open(f"/r/{self.token(purpose, *args, **kwargs)}")


@pytest.fixture(scope="module")
def place():
    with World(start=START) as world:
        yield Place(world)


EVERY_PAGE = [*Purpose, "tips", "gone"]


@pytest.fixture(params=EVERY_PAGE, ids=str)
def page(request, place):
    if request.param == "tips":
        return place.visitor.open("/tips/en")
    return place.visitor.open("/r/nothing.at-all") if request.param == "gone" else place.open(request.param)


def test_every_page_is_sent_so_that_its_address_stays_with_its_reader(page):
    kept = {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": POLICY,
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-robots-tag": "noindex",
        "cache-control": "no-store",
    }
    assert {name: page.headers.get(name) for name in kept} == kept
    assert "set-cookie" not in page.headers


def test_every_page_is_well_formed_and_can_be_found_ones_way_in(page):
    assert page.open_elements == []
    assert page.lang == "en"
    assert page.title
    levels = [level for level, _ in page.headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all(words for _, words in page.headings)
    assert len(page.ids) == len(set(page.ids))
    assert len(page.labels) == len(set(page.labels)), "each button says by itself what it does"
    assert all(page.labels)


def test_every_page_says_that_nobody_watches_and_whom_to_call(page):
    assert "This page and our messages are not watched live." in page.text
    if "Northside Rehab" in page.title:
        assert page.calls[-1] == "+12025550100"
        assert "In an emergency, call 911." in page.text
    else:
        assert "call your clinic" in page.text
        assert "the emergency number of the country you are in" in page.text


def test_the_emergency_number_is_the_countrys_and_not_the_languages(place):
    lille = Clinic(place.world, sms_number="+33700000001", phone="+33100000001", country="FR")
    pilar = lille.enrol(phone="+33612345678", language="es", timezone="Europe/Paris")
    page = place.open(Purpose.PREFERENCES, clinic_id=lille.id, patient_id=pilar)
    assert page.lang == "es"
    assert "En una emergencia, llame al 112." in page.text


@pytest.mark.parametrize("purpose", Purpose)
def test_an_expired_link_opens_one_page_that_names_nobody(place, purpose):
    page = place.open(purpose, life=timedelta(seconds=-1))
    assert (page.status, page.headings, page.labels) == (410, [(1, "This link has expired")], [])
    assert "This link has expired. Call your clinic." in page.text
    assert not {"Northside", "Ana", "+12025550100"} & set(page.text.split())


def altered(token):
    head, _, tail = token.partition(".")
    swapped = "A" if tail[0] != "A" else "B"
    return [
        f"{head}.{swapped}{tail[1:]}",
        f"{head}.",
        head,
        f"{'A' if head[0] != 'A' else 'B'}{head[1:]}.{tail}",
        f"{token}A",
        "x",
        "%00",
        "%F0%9F%98%80",
        "a" * 2000,
    ]


def test_an_altered_link_opens_nothing_and_does_nothing(place):
    for token in altered(place.token(Purpose.VISIT)):
        page = place.visitor.open(f"/r/{token}")
        assert (page.status, page.headings) == (404, [(1, "This link has expired")]), token
        for path in (f"/r/{token}", f"/unsubscribe/{token}"):
            assert place.visitor.post(path, {"answer": "C"}).status == 404, path
    assert "Confirm" in place.open(Purpose.VISIT).labels


def test_a_link_signed_for_another_stage_opens_nothing(place):
    link = Link(
        purpose=Purpose.VISIT,
        clinic_id=place.clinic.id,
        patient_id=place.ana,
        subject=place.visit,
        expires=place.world.now + timedelta(days=1),
    )
    assert place.visitor.open(f"/r/{sign(link, b'another secret')}").status == 404


@pytest.mark.parametrize("purpose", [p for p in Purpose if p is not Purpose.UNSUBSCRIBE])
def test_a_link_for_something_else_unsubscribes_from_nothing(place, purpose):
    path = f"/unsubscribe/{place.token(purpose)}"
    assert place.visitor.open(path).status == 404
    assert place.visitor.post(path, {"List-Unsubscribe": "One-Click"}).status == 404


FOREIGN = {
    Purpose.VISIT: {"answer": "seen"},
    Purpose.CHECKIN: {"ask": "pain_0_10", "of": "x", "answer": "Y"},
    Purpose.PREFERENCES: {"set": "sms.safety.off"},
    Purpose.ACKNOWLEDGE: {"answer": "C"},
}


@pytest.mark.parametrize(("purpose", "fields"), FOREIGN.items(), ids=str)
def test_what_is_none_of_the_pages_buttons_changes_nothing(place, purpose, fields):
    path = f"/r/{place.token(purpose)}"
    before = place.visitor.open(path)
    for sent in (fields, {}, {f"f{n}": "x" for n in range(20)}):
        reply = place.visitor.post(path, sent)
        assert reply.status == 400
        assert b"Nothing was changed." in reply.body
    assert place.visitor.open(path) == before


def test_a_body_that_is_no_form_is_told_so_on_a_page(place):
    path = f"/r/{place.token(Purpose.VISIT)}"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for body, status in ((b"\xff\xfe=%", 400), (b"answer=C&pad=" + b"x" * 5000, 413)):
        reply = place.world.api("POST", path, body=body, headers=headers)
        assert (reply.status, reply.header("Content-Type")) == (status, "text/html; charset=utf-8")


def test_safety_cannot_be_stopped_by_any_link(place):
    assert place.open(Purpose.UNSUBSCRIBE, "safety").status == 404
    token = place.token(Purpose.UNSUBSCRIBE, "safety")
    assert place.visitor.post(f"/unsubscribe/{token}", {"List-Unsubscribe": "One-Click"}).status == 404
    assert "To change that, call +12025550100." in place.open(Purpose.PREFERENCES).text


def test_a_page_for_staff_shows_nothing_of_the_patient(place):
    page = place.open(Purpose.ACKNOWLEDGE)
    assert not {"Ana", "Ruiz", "legs", "feel"} & set(re.findall(r"\w+", page.text))


def test_a_link_for_one_clinic_opens_nothing_of_another(place):
    other = Clinic(place.world, sms_number="+12025550198")
    for purpose in Purpose:
        assert place.open(purpose, clinic_id=other.id).status == 404


def test_nothing_is_shown_of_a_patient_who_died(place):
    bo = place.clinic.enrol("MRN-2", "+12025550122")
    place.clinic.ask("POST", f"/patients/{bo}/deceased", {"date": "2026-03-01"})
    for purpose in (Purpose.CHECKIN, Purpose.PREFERENCES, Purpose.UNSUBSCRIBE):
        assert place.open(purpose, patient_id=bo).status == 404


def test_a_clinics_name_is_text_on_its_pages(place):
    sharp = Clinic(place.world, sms_number="+12025550197", name='A<b>&"{{1+1}}')
    page = place.open(Purpose.PREFERENCES, clinic_id=sharp.id, patient_id=sharp.enrol(phone="+12025550124"))
    assert 'A<b>&"{{1+1}}' in page.text


@pytest.mark.parametrize(
    ("accepted", "lang"),
    [("fr-CA,en;q=0.8", "fr"), ("zh-CN", "zh-Hans"), ("de,es;q=0.5", "es"), ("", "en"), (";;,", "en")],
)
def test_a_page_that_knows_nobody_speaks_the_browsers_language(place, accepted, lang):
    assert place.visitor.open("/r/nothing", **{"Accept-Language": accepted}).lang == lang


def test_the_copy_of_the_pages_breaks_no_rule():
    assert proofread_pages(pagebook()) == []


def shipped(language):
    source = files("chalicelib.protocols").joinpath(f"copy/pages/{language}.json")
    return json.loads(source.read_bytes())


@pytest.mark.parametrize(
    ("group", "key", "text", "rule"),
    [
        ("visit", "confirmed", "Good. Nothing to worry about.", "reassurance"),
        ("checkin", "done", "That is normal. Call {phone}.", "reassurance"),
        ("checkin", "done", "Baclofen may help. Call {phone}.", "drug name"),
        ("checkin", "done", "Paralysis is not new. Call {phone}.", "diagnosis"),
        ("checkin", "done", "Reply CANCEL or call {phone}.", "reply word"),
        ("checkin", "done", "There are no more questions.", "slots differ"),
        ("checkin", "done", "", "nothing said"),
    ],
)
def test_planted_bad_copy_fails_the_build(group, key, text, rule):
    sheet = shipped("fr")
    sheet[group][key] = text
    found = proofread_pages({**pagebook(), "fr": parse_pages("fr", sheet)})
    assert (rule, f"fr.{group}.{key}") in {(f.rule, f.where) for f in found}


def test_a_text_that_one_language_lacks_fails_the_build():
    sheet = shipped("zh")
    del sheet["gone"]["why"]
    found = proofread_pages({**pagebook(), "zh": parse_pages("zh", sheet)})
    assert [(f.rule, f.detail) for f in found] == [("not in every language", "gone.why")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_answer_that_can_be_graded_has_a_button(language):
    copy = pagebook()[language]
    for question in {*SESSION_QUESTIONS, "checkin_severity"}:
        assert copy.say(f"ask.{question}.question")
        labels = [copy.say(f"ask.{question}.{value}") for value in choices(question)]
        assert len(set(labels)) == len(labels)


def test_the_spasm_scale_keeps_its_five_steps_in_order():
    assert [pagebook()["en"].say(f"ask.checkin_psfs.{n}") for n in range(5)] == [
        "No spasms",
        "Mild spasms, only when something sets them off (touch or movement)",
        "Infrequent full spasms, less than once an hour",
        "Spasms more than once an hour",
        "Spasms more than 10 times an hour",
    ]


def test_a_page_without_its_facts_is_not_printed():
    with pytest.raises(MissingSlot):
        pagebook()["en"].say("frame.call", {"phone": " "})
    with pytest.raises(UnknownTemplate):
        pagebook()["en"].say("frame.nothing")


def test_a_language_without_pages_falls_back():
    assert page_language(pagebook(), "es-MX") == "es"
    assert page_language(pagebook(), None, "zh_Hant") == "zh"
    assert page_language(pagebook(), "de", "ja") == "en"


STYLE = files("chalicelib.web.pages").joinpath("templates/style.css").read_text()
LIGHT, DARK = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", part)) for part in STYLE.split("dark)")[:2])


def luminance(colour):
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "ground", "least"),
    [
        ("ink", "paper", 7),
        ("quiet", "paper", 4.5),
        ("act", "paper", 4.5),
        ("on-act", "act", 4.5),
        ("alarm", "paper", 4.5),
        ("edge", "paper", 3),
        ("focus", "paper", 3),
    ],
)
def test_colours_stand_apart_enough_to_be_read(scheme, ink, ground, least):
    lighter, darker = sorted((luminance(scheme[ink]), luminance(scheme[ground])), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= least


def test_importing_the_app_brings_no_templates_along():
    code = "import sys, app; print([m for m in sys.modules if m.startswith(('jinja2', 'chalicelib.web.pages'))])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
