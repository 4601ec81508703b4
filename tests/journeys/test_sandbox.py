"""A stage that is a sandbox contacts those on its list and nobody else, and says so of everybody else."""

import pytest

from local.world import World

from .clinics import Clinic

LISTED, OTHER = "+12025550121", "+12025550122"
KIM, LEE = {"name": "Kim", "phone": "+12025550111"}, {"name": "Lee", "phone": "+12025550112"}


@pytest.fixture
def world():
    settings = {"RANVIER_SANDBOX": "on", "RANVIER_SANDBOX_CONTACTS": f"{LISTED},Ana@Example.org,{LEE['phone']}"}
    with World("2026-03-02T15:00:00Z", settings=settings) as made:
        yield made


@pytest.fixture
def clinic(world):
    return Clinic(world, on_call=[KIM, LEE])


def reached(world):
    return {message["to"] for message in world.outbox()}


def test_who_is_on_the_list_is_reminded_and_who_is_not_is_skipped_with_the_reason(world, clinic):
    ana, bo = clinic.enrol(), clinic.enrol("MRN-2", OTHER)
    world.advance("P1D")
    assert reached(world) == {LISTED}
    assert clinic.line(ana, "welcome")["state"] == "delivered"
    skipped = clinic.line(bo, "welcome")
    assert (skipped["state"], skipped["reason"]["rule"], skipped["text"]) == ("skipped", "sandbox", "")
    assert world.attempts()
    assert {attempt["to"] for attempt in world.attempts()} == {LISTED}, "no provider was even asked"


def test_addresses_are_compared_as_mail_does(world, clinic):
    clinic.enrol("MRN-3", None, email="ana@example.org", channels=["email"])
    clinic.enrol("MRN-4", None, email="bo@example.org", channels=["email"])
    world.advance("P8D")
    assert reached(world) == {"ana@example.org"}


def test_pages_go_to_whom_it_may_contact_and_the_ladder_climbs_past_the_others(world, clinic):
    clinic.enrol()
    world.inbound(LISTED, clinic.ask("GET", "/clinic")["sms_number"], "I can't feel my legs since this morning")
    pages = [message["to"] for message in world.outbox() if message["kind"] == "page"]
    assert pages == [LEE["phone"]]
    [task] = [task for task in clinic.ask("GET", "/tasks")["items"] if task["kind"] == "urgent_reply"]
    assert (task["state"], task["rung"]) == ("open", 2)


def test_staff_who_write_are_told_that_it_was_kept_back(world, clinic):
    bo = clinic.enrol("MRN-2", OTHER)
    said = clinic.ask("POST", f"/patients/{bo}/messages", {"channel": "sms", "text": "Call us"})
    assert (said["status"], said["detail"]) == ("failed", "sandbox")


def test_where_nothing_is_set_everybody_is_contacted():
    with World("2026-03-02T15:00:00Z") as world:
        Clinic(world).enrol("MRN-2", OTHER)
        assert reached(world) == {OTHER}
