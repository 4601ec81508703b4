"""Schedules and queues run as EventBridge, SQS and Lambda would run them."""

import json
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from local.clock import parse, wire
from local.world import World
from tests.local.toy import iso, toy_app

ANA, BEN = "+12025550123", "+12025550124"
CLINIC = "+18005550100"


def enrol(world, patient="ana", *, due="2026-03-01T09:00:00Z", every_s=86400, left=5, to=ANA):
    body = {"patient": patient, "to": to, "due": due, "every_s": every_s, "left": left}
    assert world.api("POST", "/patients", json=body).json() == {"ok": True}


def ran(world, name):
    return [wire(at) for known, at in world.app.ran if known == name]


def sent(world):
    return [(message["to"], message["sent_at"]) for message in world.outbox()]


def page(world, **body):
    world.api("POST", "/text", json={"to": BEN, "text": "call me", **body})


def test_a_virtual_clock_stands_until_it_is_moved(world):
    assert wire(world.now) == "2026-03-01T08:00:00Z"
    assert world.api("GET", "/echo/x").json()["now"] == "2026-03-01T08:00:00Z"
    world.advance("PT15M")
    assert world.api("GET", "/echo/x").json()["now"] == "2026-03-01T08:15:00Z"


def test_a_reminder_goes_out_at_its_second_though_the_tick_comes_once_a_minute(world):
    enrol(world, due="2026-03-01T09:00:17Z")
    assert world.advance("PT1H") == 0
    assert world.advance("PT17S") == 1
    assert sent(world) == [(ANA, "2026-03-01T09:00:17Z")]


def test_time_jumps_over_the_minutes_in_which_nothing_is_due(world):
    enrol(world, every_s=7 * 86400)
    world.advance("P30D")
    assert [at for _, at in sent(world)] == [f"2026-03-{day:02}T09:00:00Z" for day in (1, 8, 15, 22, 29)]
    assert len(ran(world, "tick")) <= 4 * 5
    assert len(ran(world, "daily")) == 30


def test_skipping_idle_minutes_sends_what_every_minute_would_send():
    def live(every_minute):
        with World("2026-03-01T08:00:30Z", app=toy_app, every_minute=every_minute) as world:
            enrol(world, "early", due="2026-03-01T07:00:00Z", left=1, to="+12025550001")
            enrol(world, "now", due="2026-03-01T08:00:30Z", left=1, to="+12025550002")
            enrol(world, "edge", due="2026-03-01T08:03:00Z", every_s=1800, left=30, to="+12025550003")
            enrol(world, "odd", due="2026-03-01T08:17:43Z", every_s=4321, left=30, to="+12025550004")
            world.advance("PT1H7M13S")
            world.faults("sms", "throttle", 2)
            enrol(world, "late", due="2026-03-01T09:08:00Z", every_s=600, left=12, to="+12025550005")
            world.advance("PT5H")
            world.advance("PT3H", stop_functions=True)
            enrol(world, "after", due="2026-03-01T17:30:00Z", every_s=9000, left=3, to="+12025550006")
            world.advance("PT14H")
            return sorted(sent(world)), len(world.app.ran)

    (skipped, few), (every, many) = live(False), live(True)
    assert skipped == every
    assert len(every) > 60
    assert few < many / 3


def test_what_is_overdue_is_swept_up(world):
    world.advance("PT1H")
    enrol(world, due="2026-03-01T08:59:00Z", left=1)  # written behind the tick's watermark
    world.advance("PT20M")
    assert sent(world) == [(ANA, "2026-03-01T09:20:00Z")]


def test_a_message_shows_after_its_delay_and_no_earlier(world):
    world.aws.client("sqs").send_message(
        QueueUrl=world.aws.client("sqs").get_queue_url(QueueName=world.aws.queue("page"))["QueueUrl"],
        MessageBody=json.dumps({"to": BEN, "text": "hello"}),
        DelaySeconds=900,
    )
    assert world.advance("PT14M59S") == 0
    assert world.advance("PT1S") == 1


def test_queues_are_worked_off_while_the_clock_stands(world):
    page(world)
    assert sent(world) == [(BEN, "2026-03-01T08:00:00Z")]


def test_a_failing_message_comes_back_after_its_visibility_and_dies_after_five_receives(world):
    page(world, poison=True)
    world.advance("PT1H")
    assert [given.receives for given in world.runner.deliveries] == [1, 2, 3, 4, 5]
    times = [given.at for given in world.runner.deliveries]
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    assert gaps == pytest.approx([180] * 4, abs=0.01)
    assert len({given.message_id for given in world.runner.deliveries}) == 1
    assert world.aws.messages(world.aws.queue("page")) == []
    [dead] = world.aws.messages(world.aws.queue("page-dead"))
    assert json.loads(dead.body)["poison"] is True


def test_a_function_sees_the_events_lambda_gives(world):
    events = []
    for name in ("page", "tick"):
        world.runner.functions[name] = replace(
            world.runner.functions[name], handler=lambda event, context: events.append((event, context))
        )
    page(world)
    world.run("tick")
    (queued, context), (scheduled, _) = events
    [record] = queued["Records"]
    assert json.loads(record["body"])["to"] == BEN
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"].endswith(":ranvier-local-page")
    assert record["awsRegion"] == "us-east-1"
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["attributes"]["SentTimestamp"] == str(int(world.now.timestamp() * 1000))
    assert record["messageId"]
    assert record["receiptHandle"]
    assert context.function_name == "page"
    assert context.get_remaining_time_in_millis() == 30_000
    assert scheduled["time"] == "2026-03-01T08:00:00Z"
    assert scheduled["detail-type"] == "Scheduled Event"


def test_an_outage_runs_nothing_and_what_is_still_due_follows_it(world):
    enrol(world)
    page_due = parse("2026-03-01T09:00:00Z")
    assert world.advance(page_due + timedelta(hours=6), stop_functions=True) == 0
    assert world.app.ran == []
    assert world.advance("PT10M") == 1
    assert sent(world) == [(ANA, "2026-03-01T15:01:00Z")]


def test_two_ticks_at_once_lead_to_one_message(world):
    enrol(world, left=1)
    world.advance("PT57M30S", stop_functions=True)
    runs = world.run("tick", overlap=True)
    assert [run.error for run in runs] == [None, None]
    world.advance("PT1H")
    assert len(sent(world)) == 1


def test_two_workers_given_one_message_send_it_once(world):
    enrol(world, left=1, due="2026-03-01T08:00:00Z")
    world.run("tick")
    runs = world.run("deliver", overlap=True)
    assert len(runs) == 2
    assert len(sent(world)) == 1
    assert world.aws.messages(world.aws.queue("deliver")) == []


def test_a_message_delivered_again_has_the_same_id_and_body(world):
    enrol(world, left=1)
    world.advance("PT2H")
    before = [given for given in world.runner.deliveries if given.function == "deliver"]
    again = world.redeliver("last")
    after = [given for given in world.runner.deliveries if given.function == "deliver"]
    assert [(given.message_id, given.body) for given in after] == [(before[0].message_id, before[0].body)] * 2
    assert again.function == "deliver"
    assert len(sent(world)) == 1


def test_any_delivered_message_can_be_delivered_again_by_its_number(world):
    page(world, text="one")
    page(world, text="two")
    numbers = [given.n for given in world.runner.deliveries if given.function == "page"]
    world.redeliver(numbers[0])
    assert Counter(message["text"] for message in world.outbox()) == {"one": 2, "two": 1}
    with pytest.raises(LookupError):
        world.redeliver(999)


def test_a_killed_function_leaves_its_message_to_come_back(world):
    enrol(world, left=1)
    world.faults("sms", "crash_after_accept")
    world.advance("PT1H")
    assert [given.error for given in world.runner.deliveries if given.function == "deliver"] == ["FunctionKilled"]
    assert len(sent(world)) == 1
    world.advance("PT4M")
    assert [given.error for given in world.runner.deliveries if given.function == "deliver"][1:] == [None]


def test_a_failed_scheduled_run_is_made_again_at_its_next_time(world):
    tries = []

    def fail_twice(_event, _context):
        tries.append(iso(world.now))
        if len(tries) < 3:
            raise OSError("down")

    for name, handler in {"sweep": fail_twice, "tick": lambda *_: None}.items():
        world.runner.functions[name] = replace(world.runner.functions[name], handler=handler)
    enrol(world, due="2026-03-01T07:50:00Z", every_s=864000)
    world.advance("P1D")
    assert tries[:3] == [f"2026-03-01T08:{minute}:00Z" for minute in (10, 20, 30)]
    assert len(tries) <= 5


def test_a_text_in_is_answered_when_its_effects_are_done(world):
    known = world.inbound(ANA, CLINIC, "2")
    [heard] = [given for given in world.runner.deliveries if given.function == "hear"]
    envelope = json.loads(heard.body)
    assert envelope["Type"] == "Notification"
    assert envelope["Timestamp"] == "2026-03-01T08:00:00.000Z"
    assert json.loads(envelope["Message"]) == {
        "originationNumber": ANA,
        "destinationNumber": CLINIC,
        "messageKeyword": "KEYWORD_LOCAL",
        "messageBody": "2",
        "inboundMessageId": known,
    }
    assert [message["text"] for message in world.outbox()] == ["You said 2"]


def test_in_real_time_a_message_goes_out_by_itself():
    with World(app=toy_app) as world:
        page(world)
        deadline = time.monotonic() + 30
        while not world.outbox() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert [to for to, _ in sent(world)] == [BEN]
        assert not world.clock.virtual


def test_calls_are_counted_without_those_of_the_machinery(world):
    page(world)
    assert world.aws.calls["SendMessage"] == 1
    assert world.aws.calls["SendTextMessage"] == 1
    assert world.aws.calls["ReceiveMessage"] == 0
