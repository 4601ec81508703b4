from datetime import UTC, datetime, timedelta

import pytest
from moto import mock_aws

from chalicelib.adapters import clients
from chalicelib.adapters.memory import Crashed, Fault, MemoryEmail, MemoryQueue, MemorySms
from chalicelib.adapters.sqs import SqsQueue
from chalicelib.service.ports import Accepted, Ambiguous, Email, NotQueued, NotSent, QueueMessage, Sms

from .conftest import AWS

# SQS


def messages(count: int, **more: object) -> list[QueueMessage]:
    return [QueueMessage(body=f"ref-{n}", **more) for n in range(count)]


def test_a_fair_standard_queue_takes_groups_and_delays():
    with mock_aws():
        client = clients.sqs_client(**AWS)
        url = client.create_queue(QueueName="deliver")["QueueUrl"]
        SqsQueue(client, url).send([*messages(11, group="clinic-1"), QueueMessage(body="later", delay_s=900)])
        attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        got = []
        while batch := client.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["MessageGroupId"]
        ).get("Messages"):
            got += batch
    assert attributes["ApproximateNumberOfMessages"] == "11"
    assert attributes["ApproximateNumberOfMessagesDelayed"] == "1"
    assert sorted(one["Body"] for one in got) == sorted(f"ref-{n}" for n in range(11))
    assert {one["Attributes"].get("MessageGroupId") for one in got} == {"clinic-1"}


class Picky:
    """A queue's client that refuses chosen bodies, each so many times."""

    def __init__(self, refusals: dict[str, int]) -> None:
        self.refusals = dict(refusals)
        self.batches: list[list[str]] = []

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict]) -> dict:  # noqa: N803
        self.batches.append([entry["MessageBody"] for entry in Entries])
        refused = [entry for entry in Entries if self.refusals.get(entry["MessageBody"], 0) > 0]
        for entry in refused:
            self.refusals[entry["MessageBody"]] -= 1
        return {"Failed": [{"Id": entry["Id"], "Code": "InternalError"} for entry in refused]}


def test_messages_go_ten_to_a_call():
    client = Picky({})
    SqsQueue(client, "url").send(messages(25))
    assert [len(batch) for batch in client.batches] == [10, 10, 5]


def test_nothing_to_send_calls_nobody():
    client = Picky({})
    SqsQueue(client, "url").send([])
    assert client.batches == []


def test_what_was_not_taken_is_offered_once_more():
    client = Picky({"ref-3": 1, "ref-7": 1})
    SqsQueue(client, "url").send(messages(10))
    assert client.batches[1:] == [["ref-3", "ref-7"]]


def test_what_is_refused_twice_is_told_after_the_rest_was_sent():
    client = Picky({"ref-3": 2})
    with pytest.raises(NotQueued, match=r"^1 messages not queued: InternalError$") as told:
        SqsQueue(client, "url").send(messages(15))
    assert told.value.count == 1
    assert client.batches[-1] == [f"ref-{n}" for n in range(10, 15)]


@pytest.mark.parametrize("delay", [-1, 901])
def test_a_delay_no_queue_takes_cannot_be_built(delay: int):
    with pytest.raises(ValueError, match="900"):
        QueueMessage(body="x", delay_s=delay)


# Memory


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 3, 1, 14, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def bodies(queue: MemoryQueue, limit: int = 10) -> list[str]:
    return [one.body for one in queue.receive(limit)]


def test_a_message_shows_when_its_delay_is_over_and_not_before(clock: Clock):
    queue = MemoryQueue(now=clock)
    queue.send([QueueMessage(body="late", delay_s=900), QueueMessage(body="now"), QueueMessage(body="b", delay_s=5)])
    assert bodies(queue) == ["now"]
    assert queue.next_at() == clock.at + timedelta(seconds=5)
    clock.pass_(5)
    assert bodies(queue) == ["b"]
    clock.pass_(894.9)
    assert "late" not in bodies(queue)
    clock.pass_(0.1)
    assert bodies(queue) == ["late"]


def test_a_message_not_deleted_shows_again_after_its_visibility(clock: Clock):
    queue = MemoryQueue(now=clock, visibility=timedelta(seconds=180))
    queue.send(messages(1))
    (first,) = queue.receive()
    clock.pass_(179)
    assert queue.receive() == []
    clock.pass_(1)
    (second,) = queue.receive()
    assert (first.id, first.receives, second.receives) == (second.id, 1, 2)
    queue.delete(first.receipt)
    assert len(queue) == 1, "a stale receipt deletes nothing"
    queue.delete(second.receipt)
    assert len(queue) == 0
    assert queue.next_at() is None


def test_a_released_message_shows_when_asked(clock: Clock):
    queue = MemoryQueue(now=clock)
    queue.send(messages(1))
    (first,) = queue.receive()
    queue.release(first.receipt, timedelta(seconds=30))
    assert queue.next_at() == clock.at + timedelta(seconds=30)
    clock.pass_(30)
    assert bodies(queue) == ["ref-0"]


def test_a_poisoned_message_ends_among_the_dead_letters_and_can_be_redriven(clock: Clock):
    dead = MemoryQueue(now=clock)
    queue = MemoryQueue(now=clock, max_receives=3, dead_letters=dead)
    queue.send([QueueMessage(body="poison", group="clinic-1"), QueueMessage(body="good")])
    for _ in range(3):
        for one in queue.receive():
            queue.delete(one.receipt) if one.body == "good" else queue.release(one.receipt)
    assert queue.receive() == []
    assert (len(queue), len(dead)) == (0, 1)
    assert queue.redrive() == 1
    (again,) = queue.receive()
    assert (again.body, again.group, again.receives, len(dead)) == ("poison", "clinic-1", 1, 0)


def test_a_receive_takes_at_most_ten(clock: Clock):
    queue = MemoryQueue(now=clock)
    queue.send(messages(25))
    assert [len(queue.receive()) for _ in range(4)] == [10, 10, 5, 0]
    with pytest.raises(ValueError, match="10"):
        queue.receive(11)


SMS = Sms(to="+12025550123", text="t", origination="o", time_to_live_s=60)


def test_a_provider_in_memory_takes_and_remembers_what_it_is_given():
    sms, email = MemorySms(), MemoryEmail()
    letter = Email(to="a@b.example", sender="c@d.example", subject="s", text="t")
    assert sms.send(SMS) == Accepted(provider_id="sms-000001")
    assert email.send(letter) == Accepted(provider_id="email-000001")
    assert (sms.sent, email.sent) == ([SMS], [letter])


@pytest.mark.parametrize(
    ("fault", "outcome", "taken"),
    [
        (Fault.THROTTLE, NotSent, False),
        (Fault.REJECT, NotSent, False),
        (Fault.OPTED_OUT, NotSent, False),
        (Fault.UNREACHABLE, NotSent, False),
        (Fault.TIMEOUT_BEFORE, Ambiguous, False),
        (Fault.TIMEOUT_AFTER, Ambiguous, True),
        (Fault.ERROR, Ambiguous, False),
    ],
)
def test_a_scripted_fault_happens_once_and_is_remembered(fault: Fault, outcome: type, taken: bool):
    sms = MemorySms()
    sms.script(fault)
    assert isinstance(sms.send(SMS), outcome)
    assert isinstance(sms.send(SMS), Accepted)
    assert [attempt.fault for attempt in sms.attempts] == [fault, Fault.OK]
    assert len(sms.sent) == 1 + taken
    assert (sms.attempts[0].provider_id is not None) == taken


@pytest.mark.parametrize(("fault", "taken"), [(Fault.CRASH_BEFORE, 0), (Fault.CRASH_AFTER_ACCEPT, 1)])
def test_a_crash_passes_every_error_handler(fault: Fault, taken: int):
    sms = MemorySms()
    sms.script(fault)
    with pytest.raises(Crashed):
        _carelessly(sms)
    assert len(sms.sent) == taken


def _carelessly(sms: MemorySms) -> None:
    try:
        sms.send(SMS)
    except Exception:  # noqa: BLE001
        pytest.fail("a killed function runs no error handler")
