"""References onto an SQS standard queue."""

from collections.abc import Sequence
from typing import Any

from chalicelib.service.ports import NotQueued, Queue, QueueMessage


class SqsQueue(Queue):
    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, messages: Sequence[QueueMessage]) -> None:
        failed: list[QueueMessage] = []
        codes: list[str] = []
        for first in range(0, len(messages), 10):
            left = list(messages[first : first + 10])
            for _ in range(2):
                left, codes_now = self._batch(left)
                if not left:
                    break
            else:
                failed += left
                codes += codes_now
        if failed:
            raise NotQueued(len(failed), codes)

    def _batch(self, messages: Sequence[QueueMessage]) -> tuple[list[QueueMessage], list[str]]:
        """One call. The messages it did not take, and the codes that say why."""
        answer = self._client.send_message_batch(
            QueueUrl=self._url,
            Entries=[_entry(position, message) for position, message in enumerate(messages)],
        )
        refused = answer.get("Failed", [])
        return [messages[int(one["Id"])] for one in refused], [one["Code"] for one in refused]


def _entry(position: int, message: QueueMessage) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "Id": str(position),
        "MessageBody": message.body,
        "DelaySeconds": message.delay_s,
    }
    if message.group is not None:
        # On a standard queue this makes it a fair one: a clinic with thousands due does not delay the others.
        entry["MessageGroupId"] = message.group
    return entry
