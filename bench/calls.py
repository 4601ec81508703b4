"""The same reminders through real boto3 on an emulated AWS, every call counted on its way out: `python -m bench.calls`.

This checks the figures of `bench.units`, which come from the table in memory, against what the AWS clients really ask.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import count

from moto import mock_aws

from bench.tables import table
from bench.ward import DUE, Received, live, populate
from chalicelib.adapters import clients
from chalicelib.adapters.dynamo import DynamoTable
from chalicelib.adapters.memory import MemoryEmail, MemoryQueue, MemorySms
from chalicelib.adapters.schema import create_table_request
from chalicelib.adapters.sqs import SqsQueue
from chalicelib.domain.cursor import SHARDS

AWS = {"region_name": "us-east-1", "aws_access_key_id": "bench", "aws_secret_access_key": "bench"}


class Both(MemoryQueue):
    """Sends to SQS, whose calls are counted, and keeps a copy to receive from: receiving is the Lambda service's."""

    def __init__(self, sqs: SqsQueue, **how) -> None:  # type: ignore[no-untyped-def]
        super().__init__(**how)
        self.sqs = sqs

    def send(self, messages) -> None:  # type: ignore[no-untyped-def]
        self.sqs.send(messages)
        super().send(messages)


def counted(due: int, enrolled: int) -> Counter[str]:
    """Calls by operation, the provider's among them as `SendTextMessage`."""
    with mock_aws():
        dynamo, sqs = clients.dynamo_client(**AWS), clients.sqs_client(**AWS)
        dynamo.create_table(**create_table_request("bench"))
        url = sqs.create_queue(QueueName="bench")["QueueUrl"]
        kept = DynamoTable(dynamo, "bench")
        store = populate(kept, enrolled, due)
        calls: Counter[str] = Counter()
        for client in (dynamo, sqs):
            client.meta.events.register("before-send", lambda request, **_: calls.update([_operation(request)]))
        clock = [DUE - timedelta(minutes=3)]
        queue = Both(SqsQueue(sqs, url), now=lambda: clock[0])
        sms = MemorySms()

        def receive() -> Iterator[Received]:
            for _ in count():
                at = queue.next_at()
                if at is None:
                    return
                clock[0] = max(clock[0], at)
                for message in queue.receive():
                    yield Received(body=message.body, at=clock[0])
                    queue.delete(message.receipt)

        queued, sent = live(kept, store, queue, sms, MemoryEmail(), receive)
        assert (queued, sent) == (due, due)
        calls["SendTextMessage"] += len(sms.attempts)
        return calls


def _operation(request) -> str:  # type: ignore[no-untyped-def]
    target = request.headers.get("X-Amz-Target", b"")
    text = target.decode() if isinstance(target, bytes) else target
    return text.rpartition(".")[2]


def marginal(due: int = 100, enrolled: int = 200) -> dict[str, float]:
    """Calls by operation for one more reminder."""
    some, none = counted(due, enrolled), counted(0, enrolled)
    assert none.total() <= SHARDS + 3
    return {name: (some[name] - none[name]) / due for name in some}


def report(due: int = 100, enrolled: int = 200) -> str:
    found = marginal(due, enrolled)
    rows = [*sorted(found.items()), ("together", sum(found.values()))]
    return table(f"Calls a text, through boto3: {due} due of {enrolled} enrolled", ("operation", "calls"), rows)


if __name__ == "__main__":
    print(report(*map(int, sys.argv[1:])))
