"""What comes in is not always a clear word from one known patient: it is kept, answered kindly, and shown to staff."""

import json

import pytest

from chalicelib.service.inbound import read_inbound
from local.clock import parse
from local.queues import DEAD
from local.world import INBOUND_FUNCTION, World

from .test_two_way import ANA, CLINIC_NUMBER, KIM, Clinic

SENDER = "+12025550177"


@pytest.fixture
def clinic():
    with World(start="2026-03-02T15:00:00Z") as world:
        yield Clinic(world)


def said(clinic, patient=None):
    """What came in, as staff read it."""
    items = clinic.ask("GET", f"/patients/{patient or clinic.ana}/messages?limit=100")["items"]
    return [m for m in items if m["direction"] == "in"]


def arrives(clinic, **payload):
    """An inbound event of any shape; the last delivery of it to the function that hears."""
    clinic.world.runner.publish(INBOUND_FUNCTION, payload)
    clinic.world.settle()
    return next(d for d in reversed(clinic.world.runner.deliveries) if d.function == INBOUND_FUNCTION)


WORDS = {
    "originationNumber": ANA,
    "destinationNumber": CLINIC_NUMBER,
    "messageBody": "HELP",
    "inboundMessageId": "in-1",
}


# Characters


@pytest.mark.parametrize(
    "text",
    ["😀" * 800, "\u0000\u0007\u001b[31m hello", "   ", "", "\u200b\u200d\ufeff", "؟" * 1600, "𝟛" * 400],
    ids=["1,600 units of emoji", "controls", "spaces", "nothing", "unseen", "long", "styled digits"],
)
def test_characters_of_any_kind_are_kept_and_looked_at_by_a_person(clinic, text):
    answered = clinic.says(text)
    assert len(answered) <= 1
    (message,) = said(clinic)
    assert message["status"] == "handled"
    assert not any(ord(c) < 32 and c not in "\n\t" for c in message["text"])
    assert clinic.world.runner.deliveries[-1].error is None


def test_what_turns_the_direction_of_writing_neither_hides_danger_nor_reaches_the_screen(clinic):
    assert clinic.says("I can't \u202eb\u2066reathe\u2069 and my chest hurts\u202c")[0] == (KIM, "page")
    (message,) = said(clinic)
    assert message["text"] == "I can't breathe and my chest hurts"


def test_half_an_emoji_becomes_a_mark():
    body = json.dumps({"Message": json.dumps({**WORDS, "messageBody": "ok \ud83d"})})
    assert read_inbound(body, parse("2026-03-02T15:00:00Z")).text == "ok \ufffd"


# Events


def test_fields_that_are_not_needed_may_lack_and_unknown_ones_may_come(clinic):
    assert arrives(clinic, **WORDS, segmentCount=3, timestamp="x", extra={"a": 1}).error is None
    assert [m["kind"] for m in clinic.world.outbox(to=ANA)] == ["welcome", "help"]


@pytest.mark.parametrize("field", ["originationNumber", "destinationNumber", "messageBody", "inboundMessageId"])
def test_an_event_that_cannot_be_read_is_not_lost(clinic, field):
    found = arrives(clinic, **{name: value for name, value in WORDS.items() if name != field})
    assert found.error is not None
    clinic.world.advance("PT1H")
    dead = [d for d in clinic.world.runner.deliveries if d.function == INBOUND_FUNCTION]
    assert len(dead) >= 2, "it is tried again"
    assert lying_dead(clinic.world) == 1, "and then lies where an alarm pages ops"


def lying_dead(world):
    sqs = world.aws.client("sqs")
    url = sqs.get_queue_url(QueueName=world.aws.queue(INBOUND_FUNCTION) + DEAD)["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
    return int(found["Attributes"]["ApproximateNumberOfMessages"])


def test_a_text_to_no_clinics_number_is_not_lost_either(clinic):
    assert arrives(clinic, **{**WORDS, "destinationNumber": "+12025550000"}).error is not None


# Senders


def test_an_unknown_number_is_told_nothing_and_staff_see_what_it_wrote_and_from_where(clinic):
    assert clinic.says("is Ana Ruiz coming today?", sender=SENDER) == []
    task = clinic.task("unknown_sender")
    (message,) = said(clinic, task["patient_id"])
    assert (message["text"], message["sender"], message["id"]) == (
        "is Ana Ruiz coming today?",
        SENDER,
        task["message_id"],
    )


def test_an_unknown_number_that_asks_for_help_learns_of_no_patient(clinic):
    assert clinic.says("HELP", sender=SENDER) == [(SENDER, "help")]
    assert "Ana" not in clinic.world.outbox(to=SENDER)[-1]["text"]


def test_danger_from_an_unknown_number_is_paged(clinic):
    assert clinic.says("I can't breathe", sender=SENDER) == [(KIM, "page")]


def test_one_confirmation_of_stop_to_an_unknown_number_as_well(clinic):
    assert clinic.says("STOP", sender=SENDER) == [(SENDER, "stop_confirm")]
    assert clinic.says("STOP", sender=SENDER) == []


# Several patients on one phone


@pytest.fixture
def shared(clinic):
    clinic.ben = clinic.enrol("MRN-2", ANA, given_name="Ben", family_name="Ode")
    return clinic


def letter_of(clinic, patient):
    return "AB"[sorted([clinic.ana, clinic.ben]).index(patient)]


def test_the_text_counts_for_whom_the_letter_names_and_for_nobody_else(shared):
    assert shared.says("my hip is a bit sore") == [(ANA, "who_ab")]
    shared.says(letter_of(shared, shared.ben))
    assert [m["text"] for m in said(shared, shared.ben)] == ["my hip is a bit sore"]
    assert said(shared) == []


def test_a_text_whose_writer_never_says_is_in_front_of_staff_all_the_same(shared):
    shared.says("my hip is a bit sore")
    task = shared.task("whose_message")
    (message,) = said(shared, task["patient_id"])
    assert (message["text"], message["sender"]) == ("my hip is a bit sore", ANA)


def test_the_same_text_again_asks_nobody_again(shared):
    shared.world.inbound(ANA, CLINIC_NUMBER, "my hip is a bit sore", message_id="in-7")
    before = len(shared.world.outbox())
    shared.world.inbound(ANA, CLINIC_NUMBER, "my hip is a bit sore", message_id="in-7")
    assert len(shared.world.outbox()) == before


def test_something_new_is_paged_before_it_is_known_of_whom(shared):
    shared.until_the_checkin()
    assert (KIM, "page") in shared.says("Y")


def test_stop_on_a_shared_phone_stops_texts_for_all(shared):
    assert shared.says("STOP") == [(ANA, "stop_confirm")]
    assert shared.says("STOP") == []
    for patient in (shared.ana, shared.ben):
        assert shared.ask("GET", f"/patients/{patient}")["contacts"][0]["status"] == "stopped"


# Patients who are no longer followed


def test_an_answer_after_discharge_reaches_a_person_and_goes_on_asking_nothing(clinic):
    clinic.until_the_checkin()
    clinic.ask("POST", f"/patients/{clinic.ana}/discharge", {"date": clinic.world.now.date().isoformat()})
    assert clinic.says("N") == [(ANA, "ack_unknown")]
    assert clinic.task("reply")["reason"]["rule"] == "no_open_question"
    assert clinic.ask("GET", f"/patients/{clinic.ana}/checkins")["items"] == []


def test_danger_after_discharge_is_paged_like_any(clinic):
    clinic.ask("POST", f"/patients/{clinic.ana}/discharge", {"date": "2026-03-02"})
    assert clinic.says("I can't feel my legs") == [(KIM, "page"), (ANA, "ack_urgent")]


# Answers that race


def test_answers_that_race_and_come_unordered_make_one_session(clinic):
    clinic.until_the_checkin()
    for number, text in enumerate(["2", "N", "2", "1"]):
        clinic.world.inbound(ANA, CLINIC_NUMBER, text, message_id=f"in-{number}")
    for number, text in enumerate(["2", "N", "2", "1"]):
        clinic.world.inbound(ANA, CLINIC_NUMBER, text, message_id=f"in-{number}")
    given = clinic.ask("GET", f"/patients/{clinic.ana}/checkins")["items"]
    assert [(a["question"], a["answer"]) for a in given] == [
        ("checkin_change", "N"),
        ("checkin_psfs", "2"),
        ("checkin_severity", "1"),
    ]
    assert [m["text"] for m in said(clinic)] == ["2", "N", "2", "1"] or len(said(clinic)) == 4


# Whoever is on call


@pytest.mark.parametrize("text", ["ACK {}", "ack {}", "Ack{}", " ack  {} ", "ACK #{}"])
def test_an_acknowledgement_is_read_however_it_is_typed(clinic, text):
    clinic.says("I can't feel my legs")
    code = clinic.task("urgent_reply")["code"]
    assert (ANA, "seen_by_staff") in clinic.says(text.format(code), sender=KIM)


def test_an_acknowledgement_of_nothing_says_so(clinic):
    assert clinic.says("ACK 999", sender=KIM) == [(KIM, "page_answer")]
    assert "no open task" in clinic.world.outbox(to=KIM)[-1]["text"]
