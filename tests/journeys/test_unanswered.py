"""Nobody answers: everybody is paged in rounds, the clinic's mailbox too, ever more seldom and never not at all."""

import re
from datetime import timedelta

import pytest

from local.clock import parse
from local.world import World
from tests.web.page_reader import Visitor

from .test_two_way import ANA, CLINIC, DAY, KIM, LEE, Clinic

OFFICE = CLINIC["from_email"]
EVERYBODY = {KIM, LEE, DAY, OFFICE}
GRAVE, EMERGENCY = "I can't feel my legs", "I can't breathe"
MONDAY = "2026-03-02T15:00:00Z"


@pytest.fixture
def clinic():
    with World(start=MONDAY) as world:
        yield Clinic(world)


def rounds(clinic, after):
    """The pages since `after`, as (seconds that a round took, to whom) by the round's time."""
    found = {}
    for each in clinic.world.outbox():
        at = parse(each["sent_at"])
        if each["kind"] == "page" and at > after:
            found.setdefault(at.replace(second=0), set()).add(each["to"])
    return found


def pages(clinic, time):
    before = clinic.world.now
    clinic.world.advance(time)
    return rounds(clinic, before)


def unanswered(clinic, text=GRAVE, time="PT31M"):
    clinic.says(text)
    clinic.waits(time)


def test_after_the_last_contact_everybody_is_paged_at_once_and_the_office_is_written_to(clinic):
    unanswered(clinic)
    found = pages(clinic, "PT31M")
    assert list(found.values()) == [EVERYBODY]
    texts = [m["text"] for m in clinic.world.outbox() if m["kind"] == "page"]
    assert ["NOBODY HAS ANSWERED" in text for text in texts] == [False] * 3 + [True] * 4
    mail = next(m for m in clinic.world.outbox(to=OFFICE))
    assert "/r/" in mail["text"], "and it can be acknowledged from there"
    assert "Ruiz" not in mail["text"]


def test_between_rounds_no_message_goes_round(clinic):
    def queued():
        return sum(number for call, number in clinic.world.aws.calls.items() if call.startswith("SendMessage"))

    unanswered(clinic)
    clinic.world.advance("PT8H")
    before = queued()
    assert pages(clinic, "PT3H") == {}
    assert queued() == before
    assert len(pages(clinic, "PT1H")) == 1


def test_rounds_come_at_longer_and_longer_intervals_for_a_day(clinic):
    unanswered(clinic)
    start = clinic.world.now
    found = pages(clinic, "PT24H")
    hours = [round((at - start) / timedelta(minutes=30)) / 2 for at in found]
    assert hours == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5]
    assert set(map(frozenset, found.values())) == {frozenset(EVERYBODY)}


def test_after_a_day_a_round_goes_out_as_the_office_opens_and_never_ends(clinic):
    unanswered(clinic)
    clinic.waits("P1D")
    found = pages(clinic, "P14D")
    local = [(at - timedelta(hours=5 if at < parse("2026-03-08T07:00:00Z") else 4)) for at in found]
    assert {f"{at:%H:%M}" for at in local} == {"09:00"}
    assert " ".join(f"{at:%a}" for at in local) == "Wed Thu Fri Mon Tue Wed Thu Fri Mon Tue"


def test_an_emergency_is_paged_at_weekends_too(clinic):
    unanswered(clinic, EMERGENCY)
    clinic.waits("P1D")
    assert len(pages(clinic, "P14D")) == 14


def test_an_office_that_has_said_when_it_opens_is_paged_then_and_not_on_its_holidays(clinic):
    body = {
        "office_hours": [{"weekday": day, "from": "07:30", "to": "15:00"} for day in ("mon", "thu")],
        "holidays": ["2026-03-05"],
    }
    clinic.ask("PATCH", "/clinic", body)
    unanswered(clinic)
    clinic.waits("P1D")
    assert [f"{at:%m-%d %H:%M}" for at in pages(clinic, "P10D")] == ["03-09 11:30", "03-12 11:30"]


def test_an_answer_at_any_time_ends_it_and_the_patient_is_told(clinic):
    unanswered(clinic)
    clinic.waits("P4D")
    code = clinic.task("urgent_reply")["code"]
    assert clinic.says(f"ACK {code}", sender=DAY)[0] == (ANA, "seen_by_staff")
    assert pages(clinic, "P7D") == {}


def test_the_mailbox_of_the_office_can_answer(clinic):
    unanswered(clinic)
    clinic.waits("PT31M")
    link = re.search(r"open (\S+)", clinic.world.outbox(to=OFFICE)[-1]["text"])[1]
    Visitor(clinic.world).press(link, "I have seen it")
    assert clinic.task("urgent_reply")["ack_by"] == "the clinic's mailbox"


def test_what_is_said_anew_is_as_pressing_as_it_was_the_first_time(clinic):
    unanswered(clinic)
    clinic.waits("P3D")
    start = clinic.world.now
    assert clinic.says(GRAVE)[-1] == (ANA, "ack_urgent")
    clinic.world.advance("PT4H")
    found = rounds(clinic, start - timedelta(seconds=1))
    assert [round((at - start) / timedelta(minutes=30)) / 2 for at in found] == [0, 0.5, 1.5, 3.5]


def test_the_worklist_shows_it_first_and_says_so(clinic):
    unanswered(clinic)
    clinic.waits("PT31M")
    first = clinic.ask("GET", "/worklist")["items"][0]
    assert first["tier"] == "urgent"
    assert "everybody has been paged and nobody has answered since 2026-03-02 11:0" in first["why"]


def test_a_ladder_of_nobody_still_has_the_offices_mailbox():
    bare = {name: value for name, value in CLINIC.items() if name not in ("on_call", "lead")}
    with World(start=MONDAY) as world:
        clinic = Clinic(world, bare)
        assert clinic.says(GRAVE) == [(OFFICE, "page"), (ANA, "ack_urgent")]


def test_a_number_that_is_dead_is_not_paged_again_and_again(clinic):
    clinic.says(GRAVE)
    clinic.waits("PT62M")
    before = len([m for m in clinic.world.outbox() if m["kind"] == "page"])
    for each in [m for m in clinic.world.outbox(to=DAY) if m["kind"] == "page"]:
        clinic.world.receipt(each["provider_message_id"], "TEXT_INVALID")
    assert len([m for m in clinic.world.outbox() if m["kind"] == "page"]) == before
