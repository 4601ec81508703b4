"""What somebody said of their number or mailbox holds at that clinic, in every plan and for every later list."""

from urllib.parse import urlsplit

import pytest

from local.world import World
from tests.web.page_reader import Visitor

from .clinics import CLINIC, Clinic
from .test_patient_pages import link, one_click

PHONE, MAIL = "+12025550121", "ana@example.org"
HEAD = "external_id,given_name,family_name,timezone,phone,email,language,injury_date,email_consent,sms_consent\n"


@pytest.fixture
def world():
    with World(start="2026-03-02T15:00:00Z") as world:
        yield world


@pytest.fixture
def clinic(world):
    return Clinic(world)


@pytest.fixture
def ana(clinic):
    return clinic.enrol(phone=None, email=MAIL, channels=["email"])


@pytest.fixture
def mail(world, clinic, ana):
    """An e-mail that can be stopped."""
    clinic.book(ana, "2026-03-06T10:30")
    world.advance("P2D")
    return next(m for m in world.outbox(to=MAIL) if "List-Unsubscribe" in m["headers"])


def everything_stopped(world, mail):
    Visitor(world).press(link(mail, "Manage or stop messages"), "Stop all e-mail")


def complained(world, mail):
    world.receipt(mail["provider_message_id"], "Complaint")


def bounced(world, mail):
    world.receipt(mail["provider_message_id"], "Bounce")


ENDS = pytest.mark.parametrize("end", [everything_stopped, complained, bounced])


def by_enrolment(clinic):
    clinic.enrol("MRN-2", phone=None, email="ANA@example.org", channels=["email"])


def by_import(clinic):
    row = "MRN-3,Eva,Ruiz,America/New_York,,Ana@Example.org,en,2025-11-10,yes,no\n"
    headers = {"Authorization": f"Bearer {clinic.key}", "Content-Type": "text/csv"}
    done = clinic.world.gateway.request("POST", "/imports", headers, (HEAD + row).encode())
    assert done.status < 300, done.body
    clinic.world.settle()


def by_contact(clinic):
    eva = clinic.enrol("MRN-4", phone="+12025550129")
    agreed = {"method": "verbal", "recorded_by": "desk"}
    body = {"role": "self", "channel": "email", "address": "ana@EXAMPLE.org", "consent": agreed}
    clinic.ask("POST", f"/patients/{eva}/contacts", body)


@ENDS
def test_what_a_mailbox_said_holds_for_whoever_enters_it_later(world, clinic, mail, end):
    end(world, mail)
    before = len(world.outbox())
    for enter in (by_enrolment, by_import, by_contact):
        enter(clinic)
    others = [p["id"] for n in (2, 3, 4) for p in clinic.ask("GET", f"/patients?q=MRN-{n}")["items"]]
    assert len(others) == 3
    for eva in others:
        clinic.book(eva, "2026-03-09T10:30")
    world.advance("P5D")
    sent = world.outbox()[before:]
    assert [m["kind"] for m in sent if m["to"].casefold() == MAIL] == []
    assert "+12025550129" in {m["to"] for m in sent}, "the text beside it goes on"


@ENDS
def test_it_holds_for_every_patient_reached_by_that_mailbox_already(world, clinic, mail, end):
    eva = clinic.enrol("MRN-2", phone=None, email=MAIL, channels=["email"])
    end(world, mail)
    clinic.book(eva, "2026-03-09T10:30")
    before = len(world.outbox())
    world.advance("P5D")
    assert [m["kind"] for m in world.outbox()[before:] if m["to"] == MAIL] == []
    assert [
        t
        for t in clinic.tasks()
        if t["patient_id"] == eva and t["kind"] in ("channel_fallback", "complaint", "unreachable")
    ]


def test_what_one_mailbox_said_is_nothing_to_another_clinic(world, clinic, mail):
    everything_stopped(world, mail)
    other = Clinic(world, name="Riverside", sms_number="+12025550188")
    other.enrol("MRN-9", phone=None, email=MAIL, channels=["email"])
    world.advance("P1D")
    assert "welcome" in [m["kind"] for m in world.outbox(to=MAIL)[-3:]]


def test_one_click_holds_for_its_category_wherever_the_mailbox_is_entered(world, clinic, mail):
    path = urlsplit(one_click(mail)).path
    assert world.api("POST", path, body=b"List-Unsubscribe=One-Click").status == 200
    eva = clinic.enrol("MRN-2", phone=None, email=MAIL, channels=["email"])
    (contact,) = clinic.ask("GET", f"/patients/{eva}")["contacts"]
    assert (contact["status"], contact["muted"]) == ("ok", ["appointment"])


def test_a_stop_that_staff_lift_on_the_patients_word_is_lifted_for_good(world, clinic, ana, mail):
    everything_stopped(world, mail)
    granted = {"channel": "email", "granted": True, "method": "verbal", "recorded_by": "desk"}
    clinic.ask("POST", f"/patients/{ana}/consent", granted)
    assert clinic.ask("GET", f"/patients/{ana}")["contacts"][0]["status"] == "ok"
    eva = clinic.enrol("MRN-2", phone=None, email=MAIL, channels=["email"])
    assert clinic.ask("GET", f"/patients/{eva}")["contacts"][0]["status"] == "ok"


def test_an_address_looked_at_again_is_tried_again_but_never_against_a_stop(world, clinic, ana, mail):
    bounced(world, mail)
    (contact,) = clinic.ask("GET", f"/patients/{ana}")["contacts"]
    path = f"/patients/{ana}/contacts/{contact['id']}"
    assert contact["status"] == "bad"
    assert clinic.ask("PATCH", path, {"name": "Ana"})["status"] == "bad"
    assert clinic.ask("PATCH", path, {"address": MAIL})["status"] == "ok"
    everything_stopped(world, mail)
    assert clinic.ask("PATCH", path, {"address": MAIL})["status"] == "stopped"


def test_a_number_that_stopped_is_stopped_wherever_it_is_entered_until_it_says_start(world, clinic):
    clinic.enrol()
    world.inbound(PHONE, CLINIC["sms_number"], "STOP")
    eva = clinic.enrol("MRN-2", phone="+12025550129")
    agreed = {"method": "verbal", "recorded_by": "desk"}
    body = {"role": "proxy", "channel": "sms", "address": PHONE, "name": "Ana", "consent": agreed}
    assert clinic.ask("POST", f"/patients/{eva}/contacts", body)["status"] == "stopped"
    world.inbound(PHONE, CLINIC["sms_number"], "START")
    contacts = clinic.ask("GET", f"/patients/{eva}")["contacts"]
    assert [c["status"] for c in contacts if c["address"] == PHONE] == ["ok"]


def test_an_erased_patients_addresses_are_held_back_as_hashes(world, clinic, ana, mail):
    clinic.ask("DELETE", f"/patients/{ana}")
    eva = clinic.enrol("MRN-2", phone=None, email=MAIL, channels=["email"])
    assert clinic.ask("GET", f"/patients/{eva}")["contacts"][0]["status"] == "stopped"
