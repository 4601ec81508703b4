"""While nobody has seen that a patient is in danger, nobody asks them how their week was; visits are not forgotten."""

import pytest

from local.clock import parse
from local.world import World

from .clinics import CLINIC
from .nurse import ANA, Nurse, sentence

KIM = "+12025550111"
TUESDAY = "2026-03-10T"
"""Ana's check-in goes out on Tuesdays at eleven, her time; the clocks have gone forward by then (UTC-4)."""
GRAVE = "I can't feel my legs"
QUESTIONS = ("checkin", "nudge", "questionnaire")


@pytest.fixture
def nurse():
    with World("2026-03-02T15:00:00Z") as world:
        yield Nurse(world, on_call=[{"name": "Kim", "phone": KIM}])


def until(nurse, at):
    nurse.world.advance(parse(at))


def says(nurse, text, sender=ANA):
    nurse.world.inbound(sender, CLINIC["sms_number"], text)


def task(nurse):
    return next(t for t in nurse.ask("GET", "/tasks")["items"] if t["kind"] == "urgent_reply")


def acknowledges(nurse):
    says(nurse, f"ACK {task(nurse)['code']}", sender=KIM)


def asked(nurse):
    """When questions went to Ana since that Tuesday, in UTC."""
    sent = [m for m in nurse.world.outbox() if m["kind"] in QUESTIONS and m["patient_id"] == nurse.patient]
    return [m["sent_at"][5:16] for m in sent if m["sent_at"] > TUESDAY]


def on_the_timeline(nurse, day="2026-03-10"):
    lines = nurse.timeline(nurse.patient, **{"from": f"{day}T00:00:00Z", "to": f"{day}T23:59:59Z"})
    return [sentence(line) for line in lines if line["kind"] == "checkin"]


def test_a_checkin_waits_while_nobody_has_seen_the_danger_and_says_so(nurse):
    until(nurse, f"{TUESDAY}14:40:00Z")
    says(nurse, GRAVE)
    until(nurse, f"{TUESDAY}15:20:00Z")
    assert asked(nurse) == []
    (line,) = on_the_timeline(nurse)
    assert line == (
        "2026-03-10 11:30 sms, Check-in: held, nobody has acknowledged the urgent message of 2026-03-10 10:40, "
        f"task {task(nurse)['code']}; questions and tips wait until somebody has"
    )


def test_it_goes_out_four_hours_after_somebody_has_seen_it(nurse):
    until(nurse, f"{TUESDAY}14:40:00Z")
    says(nurse, GRAVE)
    until(nurse, f"{TUESDAY}15:20:00Z")
    acknowledges(nurse)
    until(nurse, f"{TUESDAY}16:00:00Z")
    (line,) = on_the_timeline(nurse)
    assert "held" in line
    assert "was acknowledged on 2026-03-10 11:20" in line
    until(nurse, f"{TUESDAY}23:00:00Z")
    assert asked(nurse) == ["03-10T19:20"]
    (line,) = on_the_timeline(nurse)
    assert "its time was 2026-03-10 11:00; the urgent message of 2026-03-10 10:40" in line


def test_what_was_seen_long_before_holds_nothing(nurse):
    until(nurse, f"{TUESDAY}10:00:00Z")
    says(nurse, GRAVE)
    acknowledges(nurse)
    until(nurse, f"{TUESDAY}23:00:00Z")
    assert asked(nurse) == ["03-10T15:00"]


def test_what_nobody_sees_for_a_day_is_not_asked_any_more_and_says_why(nurse):
    until(nurse, f"{TUESDAY}14:40:00Z")
    says(nurse, GRAVE)
    until(nurse, "2026-03-11T23:00:00Z")
    assert asked(nurse) == []
    (line,) = on_the_timeline(nurse)
    assert ": missed, it was of use until 2026-03-11 11:00; nobody has acknowledged the urgent message" in line


def test_visits_are_reminded_of_all_the_same(nurse):
    nurse.visit("2026-03-11T10:30")
    until(nurse, "2026-03-09T15:00:00Z")
    says(nurse, GRAVE)
    until(nurse, "2026-03-11T14:00:00Z")
    assert "appointment" in [m["kind"] for m in nurse.world.outbox() if m["sent_at"] > "2026-03-09T15"]
    assert asked(nurse) == []


def test_an_everyday_text_holds_nothing(nurse):
    until(nurse, f"{TUESDAY}14:40:00Z")
    says(nurse, "the bus was late")
    until(nurse, f"{TUESDAY}23:00:00Z")
    assert asked(nurse) == ["03-10T15:00"]


def test_the_danger_of_one_patient_silences_no_other(nurse):
    nurse.enrol(external_id="MRN-2", phone="+12025550188", email=None)
    until(nurse, f"{TUESDAY}14:40:00Z")
    says(nurse, GRAVE, sender="+12025550188")
    until(nurse, f"{TUESDAY}23:00:00Z")
    assert asked(nurse) == ["03-10T15:00"]
