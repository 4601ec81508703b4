"""The AWS this service runs on at home: real boto3 clients, answered in this process by moto. No socket is opened.

A function's calls are serialised by one lock, because moto is not made for threads; what stands between two calls
is therefore always a state that real AWS could be in, and is what a snapshot takes.
"""

import json
import os
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any

import boto3
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.sqs.models import Message, sqs_backends

from chalicelib.adapters.schema import create_table_request
from local import fast_answers, fast_dynamodb
from local.clock import wire
from local.queues import DEAD, MAX_RECEIVES, VISIBILITY_S, Queues, Received
from local.turns import Turns

REGION, ACCOUNT = "us-east-1", "123456789012"

TableRequest = Callable[[str], Mapping[str, Any]]
_SENDS = ("SendMessage", "SendMessageBatch")
_ASKS_ABOUT_QUEUES = ("ReceiveMessage", "GetQueueAttributes", "DeleteMessage", "DeleteMessageBatch", "PurgeQueue")
_Stubber: Any = BotocoreStubber  # typed loosely: its method is replaced


class EmbeddedAws:
    """One account in one region, with the table and the queues; empty at every start."""

    def __init__(
        self,
        *,
        table: str = "ranvier-local",
        prefix: str = "ranvier-local",
        table_request: TableRequest = create_table_request,
    ) -> None:
        self.table_name, self.prefix = table, prefix
        self.lock = threading.RLock()
        self.calls: Counter[str] = Counter()
        """Every AWS call the service made, by operation; a test of its thrift reads it."""
        self.changed = threading.Event()
        """Set by each call, so that a waiting worker or snapshot need not poll hard."""
        self._table_request = table_request
        self._mock = mock_aws()
        self._turns: Turns | None = None
        self._fed: Queues | None = None
        self._saved: dict[str, str | None] = {}

    def start(self, queues: Iterable[str], watcher: fast_dynamodb.Watcher) -> None:
        """Bring it up with these queues, each with its dead-letter queue; `watcher` is told of every item written."""
        self._environment()
        self._mock.start()
        fast_dynamodb.install(watcher)
        fast_answers.install()
        _Stubber.process_request = self._serialised
        self.client("dynamodb").create_table(**self._table_request(self.table_name))
        sqs = self.client("sqs")
        common = {"VisibilityTimeout": str(VISIBILITY_S), "MessageRetentionPeriod": str(14 * 86400)}
        for name in sorted({name.removesuffix(DEAD) for name in queues}):
            sqs.create_queue(QueueName=name + DEAD, Attributes=common)
            redrive = {"deadLetterTargetArn": queue_arn(name + DEAD), "maxReceiveCount": MAX_RECEIVES}
            sqs.create_queue(QueueName=name, Attributes={**common, "RedrivePolicy": json.dumps(redrive)})
        self._fed = Queues(set(queues), self._sqs.get_queue)
        self.calls.clear()

    def stop(self) -> None:
        with self.lock:
            fast_answers.uninstall()
            fast_dynamodb.uninstall()
            self._mock.stop()
        for name, value in self._saved.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})

    def client(self, service: str) -> Any:
        return _client(service)

    @property
    def table(self) -> Any:
        """moto's own table. Take the lock before looking."""
        return dynamodb_backends[ACCOUNT][REGION].tables[self.table_name]

    def item(self, key: fast_dynamodb.Key) -> Any:
        """moto's own item, or None. Take the lock before looking."""
        pk, sk = (DynamoType({"S": part}) for part in key)
        return self.table.get_item(pk, sk)

    # Queues, as the poller that feeds functions sees them.

    def queue(self, function: str) -> str:
        return f"{self.prefix}-{function}"

    def put(self, queue: str, body: str) -> str:
        """Put a message there, as SNS or another service would; its id."""
        with self._queues() as queues:
            known = str(self._sqs.send_message(queue, body, delay_seconds=0).id)
            queues.take_in()
            self.changed.set()
            return known

    def put_again(self, queue: str, message_id: str, body: str) -> None:
        """The same message once more, as SQS may deliver it: id and body are those it had."""
        with self._queues() as queues:
            message = Message(message_id, body)
            message.mark_sent()
            message.approximate_receive_count = 1
            self._sqs.get_queue(queue).add_message(message)
            queues.take_in()

    def receive(self, queue: str, most: int, now: datetime) -> list[Received]:
        """See `Queues.receive`."""
        with self._queues() as queues:
            return queues.receive(queue, most, now)

    def delete(self, receipt_handle: str) -> None:
        with self._queues() as queues:
            queues.delete(receipt_handle)

    def shows_at(self, queue: str) -> datetime | None:
        """When the next of its messages shows; None where it is empty."""
        with self._queues() as queues:
            return queues.shows_at(queue)

    def messages(self, queue: str) -> list[Message]:
        """All that is in a queue, one that nobody polls included."""
        with self._queues() as queues:
            return queues.all(queue)

    def hold(self, queue: str, messages: list[Message]) -> None:
        """Put back messages as a snapshot kept them, timings included."""
        with self._queues() as queues:
            self._sqs.get_queue(queue)._messages = messages
            queues.take_in()

    @property
    def queues(self) -> list[str]:
        return list(self._sqs.queues)

    @contextmanager
    def _queues(self) -> Iterator[Queues]:
        with self.lock:
            assert self._fed is not None
            yield self._fed

    @property
    def _sqs(self) -> Any:
        return sqs_backends[ACCOUNT][REGION]

    def _serialised(self, request: Any) -> Any:
        if self._turns:
            self._turns.wait()
        with self.lock:
            operation = fast_answers.operation(request)
            self.calls[operation] += 1
            self.changed.set()
            if self._fed is None:
                return fast_answers.process_request(_STUBBER, request)
            if operation in _ASKS_ABOUT_QUEUES:
                self._fed.hand_back()
            answer = fast_answers.process_request(_STUBBER, request)
            if operation in _ASKS_ABOUT_QUEUES or operation in _SENDS:
                self._fed.take_in()
            return answer

    @contextmanager
    def in_turns(self, threads: int) -> Iterator[Turns]:
        """Within this, threads that take part make their AWS calls alternately."""
        self._turns = Turns(threads)
        try:
            yield self._turns
        finally:
            self._turns = None

    def _environment(self) -> None:
        """Nobody's own AWS settings reach in here, and nothing here reaches a real account."""
        chosen = {
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            # Otherwise botocore puts the account in the host name, which moto does not answer to.
            "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
        }
        for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE", "AWS_SESSION_TOKEN"):
            self._saved[name] = os.environ.pop(name, None)
        for name, value in chosen.items():
            self._saved[name] = os.environ.get(name)
            os.environ[name] = value


_STUBBER = BotocoreStubber()


@cache
def _client(service: str) -> Any:
    """One for the process, whatever is up and down in it: to make one takes longer than to bring all of this up."""
    return boto3.client(service)


def queue_arn(queue: str) -> str:
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}"


def notification(topic: str, message: Mapping[str, Any], at: datetime) -> str:
    """The body of a queue message that SNS delivers without raw delivery: the envelope around the message's text."""
    arn = f"arn:aws:sns:{REGION}:{ACCOUNT}:{topic}"
    host = f"https://sns.{REGION}.amazonaws.com"
    return json.dumps(
        {
            "Type": "Notification",
            "MessageId": str(uuid.uuid4()),
            "TopicArn": arn,
            "Message": json.dumps(message, ensure_ascii=False),
            "Timestamp": wire(at, millis=True),
            "SignatureVersion": "1",
            "Signature": "bG9jYWw=",
            "SigningCertURL": f"{host}/SimpleNotificationService-local.pem",
            "UnsubscribeURL": f"{host}/?Action=Unsubscribe&SubscriptionArn={arn}:local",
        },
        ensure_ascii=False,
    )
