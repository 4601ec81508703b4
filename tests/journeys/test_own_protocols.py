"""A clinic writes a protocol of its own: looks at it first, publishes it, and patients follow it."""

from itertools import count

import pytest

from local.world import World
from tests.journeys.clinics import Clinic

MONDAY = "2026-03-02T15:00:00Z"
SEATING = {
    "id": "northside.seating.v1",
    "name": "Seating clinic",
    "anchor": "injury_date",
    "items": [
        {
            "key": "fitting",
            "kind": "visit_window",
            "title": "Wheelchair fitting",
            "open": "P56D",
            "target": "P63D",
            "close": "P70D",
        }
    ],
}
LOOK = {"timezone": "America/New_York", "anchors": {"injury_date": "2026-01-10"}}


@pytest.fixture(scope="module")
def monday():
    """A world that stands still: it is Monday for all who share it."""
    with World(start=MONDAY) as world:
        yield world, count(2000)


@pytest.fixture
def clinic(monday):
    world, numbers = monday
    return Clinic(world, sms_number=f"+1202555{next(numbers)}")


def problems(answer):
    return {each["field"]: each["message"] for each in answer["errors"]}


def test_a_draft_is_looked_at_before_it_is_published(clinic):
    shown = clinic.ask("POST", "/protocols/preview", {**LOOK, "protocols": [SEATING["id"]], "drafts": [SEATING]})
    assert shown["windows"] == [
        {
            "protocol": "northside.seating.v1",
            "step": "fitting",
            "title": "Wheelchair fitting",
            "opens": "2026-03-07",
            "target": "2026-03-14",
            "closes": "2026-03-21",
        }
    ]
    assert [(i["local"], i["channel"], i["title"]) for i in shown["items"]] == [
        ("2026-03-02T10:00", "sms", "Welcome"),
        ("2026-03-02T10:00", "task", "Book: Wheelchair fitting"),
        ("2026-03-14T10:00", "sms", "Wheelchair fitting"),
        ("2026-03-22T07:00", "task", "Closed without a visit: Wheelchair fitting"),
    ]
    assert clinic.ask("GET", "/protocols/northside.seating.v1", status=404)


def test_a_preview_is_what_an_enrolment_then_plans(clinic):
    protocols = ["neuro.emsci.v1", "program.18mo.v1", "annual.v1"]
    shown = clinic.ask("POST", "/protocols/preview", {**LOOK, "protocols": protocols})
    body = {"anchors": LOOK["anchors"], "protocols": protocols, "email": "ana@example.org"}
    patient = clinic.enrol(**body)
    lines = clinic.timeline(patient, **{"from": "2026-03-03", "to": "2026-05-20"})
    coming = [
        (i["local"], i["channel"], i["title"]) for i in shown["items"] if "2026-03-03" <= i["local"] < "2026-05-20"
    ]
    assert coming[:3]
    # What happens at one moment stands in the order of its ids, which are each patient's own.
    assert sorted((x["local"], x["channel"], x["title"]) for x in lines) == sorted(coming)


@pytest.mark.parametrize(
    ("injured", "opens", "target", "closes"),
    [
        ("2024-02-29", "2024-05-09", "2024-05-23", "2024-06-06"),
        ("2026-08-31", "2026-11-09", "2026-11-23", "2026-12-07"),
    ],
)
def test_a_preview_shows_every_window_whatever_the_injury_date(clinic, injured, opens, target, closes):
    body = {**LOOK, "anchors": {"injury_date": injured}, "protocols": ["neuro.emsci.v1"]}
    windows = {w["step"]: w for w in clinic.ask("POST", "/protocols/preview", body)["windows"]}
    assert list(windows) == ["very_acute", "acute_1", "acute_2", "acute_3", "chronic"]
    acute = windows["acute_2"]
    assert (acute["opens"], acute["target"], acute["closes"]) == (opens, target, closes)


def test_what_is_wrong_with_a_preview_is_named_at_once(clinic):
    broken = {**SEATING, "items": [{**SEATING["items"][0], "close": "P1D"}]}
    answer = clinic.ask(
        "POST",
        "/protocols/preview",
        {"timezone": "Mars", "anchors": {"injury_date": "soon"}, "protocols": ["skin.v7"], "drafts": [broken]},
        status=422,
    )
    found = problems(answer)
    assert {"timezone", "anchors.injury_date", "protocols[0]", "drafts[0].items[0].close"} <= set(found)


def test_a_published_protocol_is_listed_followed_and_never_changed(clinic):
    made = clinic.ask("POST", "/protocols", SEATING, status=201)
    assert (made["origin"], made["published_at"]) == ("clinic", MONDAY)
    assert clinic.ask("POST", "/protocols", made, status=200) == made
    changed = {**SEATING, "name": "Another"}
    assert problems(clinic.ask("POST", "/protocols", changed, status=409)) == {
        "id": "northside.seating.v1 is published already; publish the change as northside.seating.v2"
    }
    assert clinic.ask("GET", "/protocols/northside.seating.v1")["name"] == "Seating clinic"
    origins = {p["id"]: p["origin"] for p in clinic.ask("GET", "/protocols")["items"]}
    assert origins["northside.seating.v1"] == "clinic"
    assert origins["spasticity.v1"] == "built_in"


def test_a_clinics_own_default_takes_the_place_of_the_one_that_ships(clinic):
    ours = clinic.ask("GET", "/protocols/ad_education.v1")
    clinic.ask("POST", "/protocols", {**ours, "id": "ad_education.v2", "name": "Ours"}, status=201)
    patient = clinic.enrol(protocols=None, anchors=LOOK["anchors"])
    followed = clinic.ask("GET", f"/patients/{patient}/plan")["protocols"]
    assert "ad_education.v2" in followed
    assert "ad_education.v1" not in followed


def test_a_protocol_that_ships_cannot_be_published_over(clinic):
    theirs = clinic.ask("GET", "/protocols/skin.v1")
    refused = clinic.ask("POST", "/protocols", {**theirs, "name": "Ours"}, status=409)
    assert problems(refused) == {"id": "skin.v1 ships with the service; publish yours under another id"}


def test_a_protocol_is_nobody_elses(clinic):
    clinic.ask("POST", "/protocols", SEATING, status=201)
    other = Clinic(clinic.world, name="Southside", sms_number="+12025550198")
    other.ask("GET", "/protocols/northside.seating.v1", status=404)
    refused = other.ask("POST", "/protocols/preview", {**LOOK, "protocols": [SEATING["id"]]}, status=422)
    assert list(problems(refused)) == ["protocols[0]"]


def test_a_broken_protocol_is_refused_with_step_and_field_named(clinic):
    broken = {**SEATING, "id": "seating", "items": [{**SEATING["items"][0], "open": "P80D", "message": "hello"}]}
    found = problems(clinic.ask("POST", "/protocols", broken, status=422))
    assert "id" in found
    assert any(field.startswith("items[0]") for field in found)
