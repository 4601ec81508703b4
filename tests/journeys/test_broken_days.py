"""Days on which something breaks: what still goes out goes once, and what does not is told."""

from datetime import datetime, timedelta

import pytest

from local.world import World
from tests.journeys.clinics import Clinic

ANA = "+12025550121"
VISIT = "2026-03-06T10:30"
DAY_BEFORE = "2026-03-05T15:00:00Z"  # 10:00 in New York


@pytest.fixture
def clinic():
    """Ana has a visit on Friday; it is Thursday, ten minutes before the reminder of the day before."""
    with World(start="2026-03-02T15:00:00Z") as world:
        made = Clinic(world)
        made.ana = made.enrol()
        made.book(made.ana, VISIT)
        world.advance("P2DT23H50M")
        yield made


def reminders(clinic):
    return [m for m in clinic.world.outbox(to=ANA) if m["kind"] == "appointment" and "tomorrow" in m["text"]]


def line(clinic):
    return next(one for one in clinic.timeline(clinic.ana) if one["steps"] == ["appointment/1d"])


def test_ticks_that_overlap_send_once(clinic):
    clinic.world.advance("PT8M")
    clinic.world.run("tick", times=2, overlap=True)
    clinic.world.advance("PT2H")
    assert len(reminders(clinic)) == 1


def test_a_queue_message_delivered_again_sends_nothing_more(clinic):
    clinic.world.advance("PT15M")
    assert len(reminders(clinic)) == 1
    clinic.world.redeliver("last")
    clinic.world.redeliver(2)
    clinic.world.advance("PT1H")
    assert len(reminders(clinic)) == 1


def test_a_crash_after_the_carrier_took_it_is_settled_by_the_carriers_word(clinic):
    clinic.world.faults("sms", "crash_after_accept", 1)
    clinic.world.advance("PT2H")
    assert len(reminders(clinic)) == 1
    assert line(clinic)["state"] in ("sent", "delivered")
    assert line(clinic)["reminder_id"]


def test_an_answer_lost_after_acceptance_is_settled_the_same_way(clinic):
    clinic.world.faults("sms", "timeout_after", 1)
    clinic.world.advance("PT2H")
    assert len(reminders(clinic)) == 1
    assert line(clinic)["state"] in ("sent", "delivered")


def test_without_the_carriers_word_the_day_before_is_sent_once_more_at_most(clinic):
    clinic.world.faults("sms", "timeout_after", 1, events=False)
    clinic.world.advance("PT3H")
    assert len(reminders(clinic)) == 2


def test_without_the_carriers_word_a_checkin_is_not_doubled_but_shown_as_unknown(clinic):
    coming = next(one for one in clinic.timeline(clinic.ana) if one["kind"] == "checkin")
    clinic.world.advance(datetime.fromisoformat(coming["at"]) - timedelta(minutes=10))
    clinic.world.faults("sms", "timeout_after", 1, events=False)
    clinic.world.advance("P1D")
    sent = [m for m in clinic.world.outbox(to=ANA) if m["kind"] == "checkin"]
    assert len(sent) == 1
    states = [one["state"] for one in clinic.timeline(clinic.ana) if one["kind"] == "checkin"]
    assert states[0] == "unknown"


def test_a_busy_carrier_is_asked_again_and_sends_once(clinic):
    clinic.world.faults("sms", "throttle", 3)
    clinic.world.advance("PT1H")
    assert len(reminders(clinic)) == 1
    assert line(clinic)["state"] == "delivered"


def test_six_hours_without_functions_send_what_is_still_of_use_and_list_the_rest(clinic):
    clinic.world.advance("PT6H", stop_functions=True)
    assert reminders(clinic) == []
    clinic.world.advance("PT10M")
    assert len(reminders(clinic)) == 1, "a visit tomorrow can still be confirmed this afternoon"
    assert line(clinic)["reason"]["rule"] == "late"


def test_two_days_without_functions_leave_the_missed_ones_listed(clinic):
    clinic.world.advance("P2D", stop_functions=True)
    clinic.world.advance("PT30M")
    assert reminders(clinic) == [], "the visit is over"
    assert (line(clinic)["state"], line(clinic)["reason"]["rule"]) == ("missed", "too_late")


def test_the_stop_switch_holds_and_the_start_lets_go(clinic):
    clinic.ask("POST", "/clinic/stop", {"reason": "wrong numbers loaded"})
    clinic.world.advance("PT1H")
    assert reminders(clinic) == []
    held = line(clinic)
    assert (held["state"], held["reason"]["rule"]) == ("held", "clinic_stopped")
    clinic.ask("POST", "/clinic/start", {})
    clinic.world.advance("PT40M")
    assert len(reminders(clinic)) == 1


def dead_letters(clinic):
    import boto3

    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=f"{clinic.world.aws.queue('deliver')}-dead")["QueueUrl"]
    return [m["Body"] for m in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])]


def test_a_function_that_keeps_failing_leaves_its_message_where_people_look(clinic):
    from chalicelib import wiring
    from chalicelib.service.ports import QueueMessage

    wiring.queue("deliver").send([QueueMessage(body="not a reference")])
    clinic.world.advance("PT2H")
    assert dead_letters(clinic) == ["not a reference"]
    assert len(reminders(clinic)) == 1
