"""A patient types one thought in several texts: a nurse has one task with all of them, as grave as the worst."""

from dataclasses import dataclass

import pytest

from local.world import World

from .test_two_way import ANA, CLINIC_NUMBER, DAY, KIM, LEE, Clinic

BEN = "+12025550155"


@pytest.fixture
def clinic():
    with World(start="2026-03-02T15:00:00Z") as world:
        yield Clinic(world)


def words(clinic, task):
    """What a nurse reads who opens the task: its texts, in its order."""
    said = {
        m["id"]: m["text"] for m in clinic.ask("GET", f"/patients/{task['patient_id']}/messages?limit=100")["items"]
    }
    return [said[each] for each in task["message_ids"]]


def burst(clinic, *texts, sender=ANA, apart="PT20S"):
    """What each of the texts made go out."""
    went = []
    for text in texts:
        went.append(clinic.says(text, sender=sender))
        clinic.world.advance(apart)
    return went


def test_one_task_holds_the_texts_in_their_order(clinic):
    assert burst(clinic, "the new cushion", "came on tuesday", "just so you know") == [
        [(ANA, "checkin_safety")],
        [],
        [],
    ]
    (task,) = clinic.tasks()
    assert words(clinic, task) == ["the new cushion", "came on tuesday", "just so you know"]
    assert (task["kind"], task["tier"], task["title"]) == ("reply", "review_soon", "Read what the patient wrote")
    (concern,) = clinic.ask("GET", "/worklist")["items"]
    assert concern["why"].endswith("3 messages lie on it")


def test_a_worse_text_makes_it_urgent_pages_and_says_which_text_it_was(clinic):
    clinic.says("the bus was late")
    clinic.world.advance("P4D")
    assert clinic.says("I can't feel my legs") == [(KIM, "page"), (ANA, "ack_urgent")]
    (task,) = [each for each in clinic.tasks() if each["message_ids"]]
    assert (task["opened_at"], task["urgent_since"]) == ("2026-03-02T15:00:00Z", "2026-03-06T15:00:00Z")
    [line] = [each for each in clinic.ask("GET", "/worklist")["items"] if each.get("task_id") == task["id"]]
    assert line["since"] == task["urgent_since"]
    assert (task["kind"], task["tier"], task["rung"]) == ("urgent_reply", "urgent", 1)
    assert words(clinic, task) == ["the bus was late", "I can't feel my legs"]
    assert task["message_id"] == task["message_ids"][1]


def test_a_milder_text_lowers_nothing_and_pages_nobody(clinic):
    clinic.says("I can't feel my legs")
    before = clinic.task("urgent_reply")
    assert (KIM, "page") not in clinic.says("the bus was late")
    (after,) = clinic.tasks()
    assert len(after["message_ids"]) == 2
    assert {**after, "message_ids": None} == {**before, "message_ids": None}
    assert clinic.waits("PT16M")[0] == (LEE, "page"), "the ladder goes on as it was"


def test_danger_said_once_is_answered_once_and_the_words_around_it_are_not(clinic):
    went = burst(clinic, "I can't feel my legs", "the bus was late", "so I am home now")
    assert went == [[(KIM, "page"), (ANA, "ack_urgent")], [], []]


def test_danger_said_twice_is_answered_once_in_ten_minutes_unless_somebody_has_seen_it(clinic):
    went = burst(clinic, "I can't feel my legs", "they are numb up to the hip")
    assert went == [[(KIM, "page"), (ANA, "ack_urgent")], []]
    clinic.ask("POST", f"/tasks/{clinic.task('urgent_reply')['id']}/ack")
    assert clinic.says("now my arms are numb too") == [(KIM, "page"), (ANA, "ack_urgent")]
    clinic.world.advance("PT11M")
    assert (ANA, "ack_urgent") in clinic.says("and my hands feel dead")


def test_the_answer_to_danger_that_a_crash_held_up_comes_when_the_text_is_heard_anew(clinic):
    """Refused as it was being sent, it has not been said."""
    clinic.world.faults("sms", "crash_after_accept", 1)  # the page
    assert clinic.says("I can't feel my legs") == [(KIM, "page")]
    clinic.world.faults("sms", "timeout_before", 1)  # the answer
    clinic.world.advance("PT10M")
    kinds = [m["kind"] for m in clinic.world.outbox(to=ANA)]
    assert kinds.count("ack_urgent") == 1, kinds


def test_an_emergency_tells_everybody_paged_so_far_and_climbs_as_fast_as_one(clinic):
    clinic.says("I can't feel my legs")
    clinic.waits("PT16M")
    assert clinic.says("I can't breathe") == [(KIM, "page"), (LEE, "page"), (ANA, "ack_emergency")]
    pages = [m["text"] for m in clinic.world.outbox() if m["kind"] == "page"]
    code = clinic.task("urgent_reply")["code"]
    assert ["EMERGENCY" in page for page in pages] == [False, False, True, True]
    assert all(f"Task {code}" in page for page in pages), "it is the same task"
    assert clinic.waits("PT5M") == [(DAY, "page")]


def test_what_is_said_after_somebody_has_seen_the_task_is_new(clinic):
    clinic.says("I can't feel my legs")
    code = clinic.task("urgent_reply")["code"]
    clinic.says(f"ACK {code}", sender=KIM)
    assert clinic.says("I can't feel my arms either") == [(KIM, "page"), (ANA, "ack_urgent")]
    seen, new = sorted(clinic.tasks(), key=lambda t: t["state"])
    assert (seen["state"], new["state"]) == ("acked", "open")
    assert words(clinic, new) == ["I can't feel my arms either"]
    assert new["code"] != seen["code"]


def test_a_closed_task_is_not_opened_again(clinic):
    clinic.says("the bus was late")
    first = clinic.task("reply")
    clinic.ask("POST", f"/tasks/{first['id']}/close", {"outcome": "resolved", "note": "read"})
    clinic.says("it was early today")
    (second,) = clinic.tasks()
    assert words(clinic, second) == ["it was early today"]


def test_a_task_is_not_closed_over_a_text_that_came_while_it_was_read(clinic):
    clinic.says("the bus was late")
    task = clinic.task("reply")
    clinic.says("it was early yesterday")
    body = {"outcome": "resolved", "note": "read", "read": task["message_ids"]}
    refused = clinic.ask("POST", f"/tasks/{task['id']}/close", body, status=409)
    now = clinic.task("reply")
    assert refused["errors"] == [{"field": "read", "message": f"lacks {now['message_ids'][1]}"}]
    body["read"] = now["message_ids"]
    assert clinic.ask("POST", f"/tasks/{task['id']}/close", body)["state"] == "closed"


def test_a_request_for_another_time_is_work_of_its_own(clinic):
    visit = {"kind": "physician", "starts_at": "2026-03-06T10:30"}
    clinic.ask("POST", f"/patients/{clinic.ana}/appointments", visit)
    clinic.says("the bus was late")
    clinic.says("please cancel my appointment")
    assert sorted(t["kind"] for t in clinic.tasks()) == ["reply", "reschedule"]
    assert words(clinic, clinic.task("reply")) == ["the bus was late"]


def test_a_number_in_a_checkin_and_words_beside_it_are_one_task_to_read(clinic):
    clinic.until_the_checkin()
    for text in ("N", "3", "1"):
        clinic.says(text)
    assert clinic.task("checkin_answer")["title"] == "Look at the patient's check-in"
    clinic.says("the bus was late")
    task = clinic.task("reply")
    assert task["title"] == "Read what the patient wrote"
    assert words(clinic, task)[-1] == "the bus was late"
    assert not [t for t in clinic.tasks() if t["kind"] == "checkin_answer"]


def test_the_same_text_again_lies_on_its_task_once(clinic):
    for message_id in ("in-1", "in-2", "in-1", "in-2"):
        clinic.world.inbound(ANA, CLINIC_NUMBER, f"about the bus, {message_id}", message_id=message_id)
    assert len(clinic.task("reply")["message_ids"]) == 2


def test_strangers_are_not_taken_for_one(clinic):
    clinic.says("is this the clinic?", sender="+12025550177")
    clinic.says("is this the clinic?", sender="+12025550178")
    assert len([t for t in clinic.tasks() if t["kind"] == "unknown_sender"]) == 2


def test_texts_are_stopped_and_danger_follows(clinic):
    assert clinic.says("Stop, my chest hurts")[0] == (KIM, "page")
    clinic.says("I can't breathe")
    task = clinic.task("urgent_reply")
    assert len(task["message_ids"]) == 2
    assert task["title"].startswith("PHONE"), "nobody can text them, whatever the last text was"


# Read as one


@dataclass(frozen=True)
class Thought:
    language: str
    harmless_alone: tuple[str, ...]


THOUGHTS = [
    Thought("en", ("my legs", "seem strange", "since this morning")),
    Thought("es", ("las piernas", "las tengo raras", "desde esta mañana")),
    Thought("fr", ("mes jambes", "sont bizarres", "depuis ce matin")),
    Thought("zh", ("我的脚", "今天早上开始", "有点不一样")),
]


@pytest.mark.parametrize("thought", THOUGHTS, ids=lambda t: t.language)
def test_what_is_danger_only_together_is_danger(clinic, thought):
    clinic.enrol("MRN-9", BEN, language=thought.language, given_name="Ben")
    went = burst(clinic, *thought.harmless_alone, sender=BEN)
    assert (BEN, "ack_urgent") in [each for answer in went for each in answer]
    (task,) = [t for t in clinic.tasks() if t["tier"] == "urgent"]
    assert "read as one" in task["reason"]["detail"]
    assert words(clinic, task) == list(thought.harmless_alone)


def test_texts_an_hour_apart_are_not_read_as_one(clinic):
    burst(clinic, "my legs", "seem strange", apart="PT1H")
    assert clinic.task("reply")["tier"] == "review_soon"


def test_an_answer_is_no_part_of_the_words_after_it(clinic):
    clinic.until_the_checkin()
    assert burst(clinic, "N", "feeling in legs")[1] != [(KIM, "page"), (ANA, "ack_urgent")]


def test_two_signs_of_dysreflexia_in_two_texts_are_the_emergency_that_they_are_in_one(clinic):
    assert burst(clinic, "headache since noon", "and a stuffy nose")[1] == [(KIM, "page"), (ANA, "ack_ad")]
    assert clinic.task("urgent_reply")["reason"]["rule"] == "together:two_signs_of_dysreflexia"
