"""Changes of plan, of particulars and of contacts, all made today: what they answer, and what they refuse."""

from itertools import count

import pytest

from local.world import World
from tests.journeys.nurse import ANA, CHECKIN, DESK, MONDAY, Nurse, problems, titles


@pytest.fixture(scope="module")
def monday():
    """A world that stands still: it is Monday for all who share it."""
    with World(start=MONDAY) as world:
        yield world, count(2000)


@pytest.fixture
def today(monday):
    """A nurse who gets all done today."""
    world, numbers = monday
    return Nurse(world, sms_number=f"+1202555{next(numbers)}")


def test_a_change_of_plan_does_what_its_diff_said(today):
    today.visit("2026-03-12T10:30")
    changes = {
        "protocols": ["spasticity.v1", "program.18mo.v1", "botulinum.v1"],
        "anchors": {"injury_date": "2026-01-03", "injection_date": "2026-02-16"},
        "overrides": {CHECKIN: {"weekday": "thu", "at": "15:30"}},
    }
    told = today.post("/plan/diff", changes)
    assert told["added"]
    assert told["moved"]
    assert today.plan()["version"] == told["version"] - 1
    assert today.put_plan(changes) == told
    shown = {line["occurrence_id"] for line in (*told["moved"], *told["added"], *told["kept"])}
    day, end = "2026-03-02T15:00:01Z", told["until"]
    coming = {
        line["occurrence_id"]
        for line in today.timeline(today.patient, **{"from": day, "to": end})
        if line["state"] == "scheduled"
    }
    assert coming == shown - {line["occurrence_id"] for line in today.timeline(today.patient, to=day)}


def test_a_plan_is_changed_only_by_who_saw_its_latest_version(today):
    assert problems(today.put_plan({"anchors": {}}, status=428, version=0)) == {
        "If-Match": "is required: the version that GET answered"
    }
    before = today.plan()
    today.put_plan({"anchors": {"injury_date": "2026-01-03"}}, status=412, version=before["version"] - 1)
    assert today.plan() == before


def test_the_same_plan_again_changes_nothing(today):
    before = today.plan()
    answer = today.put_plan({name: before[name] for name in ("protocols", "anchors", "overrides")})
    assert answer["version"] == before["version"]
    assert (answer["moved"], answer["added"], answer["cancelled"]) == ([], [], [])


def test_every_bad_field_of_a_plan_is_named_at_once_and_nothing_is_stored(today):
    before = today.plan()
    answer = today.put_plan(
        {
            "protocols": ["neuro.emsci.v1", "skin.v9", "neuro.isncsci.v1"],
            "anchors": {"injury_date": "2027-01-01", "birthday": "2026-01-01", "discharge_date": "soon"},
            "overrides": {
                "neuro.emsci.v1/acute_3rd": {"off": True},
                "neuro.emsci.v1/acute_2": {"weekday": "mon"},
                CHECKIN: {"at": "07:00"},
            },
        },
        status=422,
    )
    assert problems(answer) == {
        "protocols[1]": "'skin.v9' is no protocol of this clinic; GET /protocols lists them",
        "protocols[2]": "neuro.isncsci.v1 is an alternative to neuro.emsci.v1; choose one",
        "anchors.injury_date": "2027-01-01 lies in the future",
        "anchors.birthday": "is not a field of this request",
        "anchors.discharge_date": "must be a date such as 2026-03-01",
        "overrides.neuro.emsci.v1/acute_3rd": "is no step of this plan; did you mean neuro.emsci.v1/acute_3?",
        "overrides.neuro.emsci.v1/acute_2.weekday": "cannot be chosen: the step's dates decide",
        f"overrides.{CHECKIN}": "is no step of this plan; it reads <protocol>/<step>, of a protocol the plan follows",
    }
    assert today.plan() == before


def test_a_visit_that_could_serve_several_windows_asks_which(today):
    today.put_plan({"protocols": ["neuro.emsci.v1", "program.18mo.v1"]})
    booked = today.visit("2026-04-06T09:00")
    assert booked["window_step"] is None
    assert booked["warnings"] == [
        "serves no window yet, and may be meant for one of several: PATCH window_step to choose: "
        "neuro.emsci.v1/acute_2 (Neuro exam: acute II, 2026-03-21 to 2026-04-18); "
        "program.18mo.v1/phys_m3 (Physiatry 3 mo, 2026-03-31 to 2026-04-25)"
    ]
    path = f"/appointments/{booked['id']}"
    refused = today.patch(path, {"window_step": "program.18mo.v1/phys_m4"}, status=422)
    assert "did you mean program.18mo.v1/phys_m" in problems(refused)["window_step"]
    chosen = today.patch(path, {"window_step": "program.18mo.v1/phys_m3"})
    assert (chosen["window_step"], chosen["warnings"]) == ("program.18mo.v1/phys_m3", [])
    assert today.patch(path, {"starts_at": "2026-04-28T09:00"})["warnings"] == [
        "2026-04-28 is outside the window of program.18mo.v1/phys_m3 (2026-03-31 to 2026-04-25), which it will not "
        "complete"
    ]


def test_an_event_begins_a_cycle_and_the_same_event_again_does_not(today):
    today.put_plan({"protocols": ["spasticity.v1", "botulinum.v1", "meds.itb_pump.v1"]})
    today.patch("", {"clinical": {"itb_pump": True}})
    pump = {"type": "pump_refill", "date": "2026-03-02", "alarm_date": "2026-05-02"}
    first = today.post("/events", pump)
    assert "2026-04-11 Pump refill" in titles(first["added"])
    again = today.post("/events", pump)
    assert again["version"] == first["version"]
    assert (again["moved"], again["added"], again["cancelled"]) == ([], [], [])
    injected = today.post("/events", {"type": "injection", "date": "2026-02-16"})
    assert "2026-03-23 Effect review" in titles(injected["added"])
    later = today.post("/events", {"type": "injection", "date": "2026-03-02"})
    assert "2026-04-06 Effect review" in titles(later["added"])
    assert "2026-03-23 Effect review" in titles(later["cancelled"])
    older = today.post("/events", {"type": "injection", "date": "2026-02-20"}, status=409)
    assert problems(older) == {
        "date": "an injection of 2026-03-02, which is later, is on record already; if that one is wrong, put it right "
        "in the plan"
    }


def test_an_event_that_nothing_counts_from_says_so(today):
    answer = today.post("/events", {"type": "discharge", "date": "2026-02-20"})
    assert answer["warnings"] == [
        "nothing in this plan counts from discharge_date: add a protocol that does, if one is meant to"
    ]


@pytest.mark.parametrize(
    ("event", "found"),
    [
        (
            {"type": "fill", "date": "2026-03-01"},
            {"days_supply": "is required: no fill before says how many days it lasts"},
        ),
        (
            {"type": "pump_refill", "date": "2026-03-05", "days_supply": 30},
            {
                "days_supply": "belongs to a fill, not to this event",
                "date": "2026-03-05 lies in the future; for the patient it is 2026-03-02",
                "alarm_date": "is required: the next refill counts from it, and it cannot be guessed",
            },
        ),
        (
            {"type": "pump_refill", "date": "2026-03-01", "alarm_date": "2026-03-01"},
            {"alarm_date": "must lie after the refill on 2026-03-01, within a year of it"},
        ),
        ({"type": "injection", "date": "2026-01-01"}, {"date": "2026-01-01 is before the injury on 2026-01-10"}),
        (
            {"type": "surgery", "date": "2026-02-30"},
            {
                "type": "must be one of fill, pump_refill, injection, discharge, catheter_change, deficit_onset",
                "date": "must be a date such as 2026-03-01",
            },
        ),
        ({}, {"type": "is required", "date": "is required"}),
    ],
)
def test_a_bad_event_is_refused_with_every_field_named(today, event, found):
    before = today.plan()
    assert problems(today.post("/events", event, status=422)) == found
    assert today.plan() == before


def test_a_patient_who_moves_is_written_to_by_their_new_clock(today):
    today.visit("2026-03-12T10:30")
    moved = today.patch("", {"timezone": "America/Los_Angeles", "contact_window": {"from": "10:00", "to": "18:00"}})
    assert moved["warnings"] == [
        "the visit of 2026-03-12 10:30 (America/New_York) keeps its moment and now reads 2026-03-12 07:30 "
        "(America/Los_Angeles)"
    ]
    day_before = next(m for m in moved["changes"]["moved"] if m["steps"] == ["appointment/1d"])
    assert (day_before["from_local"], day_before["local"]) == ("2026-03-11T10:00", "2026-03-11T10:00")
    refused = today.patch(
        "", {"timezone": "Mars/Olympus", "language": "de", "clinical": {"baseline_psfs": 9}}, status=422
    )
    assert set(problems(refused)) == {"timezone", "language", "clinical.baseline_psfs"}


def test_a_new_number_needs_consent_of_its_own(today):
    changed = today.patch("/contacts/self-sms", {"address": "(202) 555-0188"})
    assert (changed["address"], changed["consent"], changed["status"]) == ("+12025550188", False, "ok")
    assert changed["warnings"] == ["sms will not be used: no consent is recorded, or it was withdrawn"]
    agreed = today.patch("/contacts/self-sms", {"address": "+12025550189", "consent": DESK})
    assert (agreed["consent"], agreed["warnings"]) == (True, [])
    proxy = today.post("/contacts", {"role": "proxy", "channel": "sms", "address": "+12025550190", "name": "Luis"})
    assert proxy["consent"] is False
    twice = today.post("/contacts", {"role": "proxy", "channel": "sms", "address": "+12025550190"}, status=409)
    assert problems(twice) == {"address": f"is the address of contact {proxy['id']} already"}


def test_a_wish_on_paper_stops_texts_and_care_goes_on_another_way(today):
    stopped = today.post("/consent", {"channel": "sms", "granted": False, **DESK})
    assert [c["consent"] for c in stopped["contacts"] if c["channel"] == "sms"] == [False]
    assert [t["title"] for t in today.tasks(kind="channel_fallback")] == ["Texts were stopped: agree another way"]
    assert today.reads("2026-03-03", "2026-03-11") == [
        "2026-03-10 11:00 email, Check-in: scheduled, there is no consent for text; sent by e-mail instead"
    ]
    again = today.post("/consent", {"channel": "sms", "granted": True, **DESK})
    assert [c["consent"] for c in again["contacts"] if c["channel"] == "sms"] == [True]


def test_only_start_lifts_a_stop_that_the_number_itself_sent(today):
    today.world.inbound(ANA, today.number, "STOP")
    refused = today.post("/consent", {"channel": "sms", "granted": True, **DESK}, status=409)
    assert problems(refused) == {
        "granted": "the number itself opted out; only START, sent from it to the clinic's number, lifts that"
    }
    entered_again = today.patch("/contacts/self-sms", {"address": "+12025550188", "consent": DESK})
    assert entered_again["status"] == "ok"
    back = today.patch("/contacts/self-sms", {"address": ANA, "consent": DESK})
    assert back["status"] == "stopped"
    assert back["warnings"] == ["sms will not be used: the number opted out; only START from it lifts that"]
