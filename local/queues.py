"""The queues that feed functions, by the time at which each message shows.

moto takes in what the service sends, as SQS would, and answers for queues nobody polls. What waits for a function is
kept here instead: moto walks all messages of a queue, several times, at every send and receive, and one tick may
queue thousands.
"""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

from moto.sqs.models import Message

from local.clock import from_millis, millis

VISIBILITY_S = 180  # six times a function's 30 s, as AWS asks for queues that feed functions
MAX_RECEIVES = 5
DEAD = "-dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One queue message as a function is given it."""

    message_id: str
    receipt_handle: str
    body: str
    receives: int
    sent_at: datetime
    first_received_at: datetime
    md5: str


class Queues:
    """Not for several threads: whoever calls holds the lock of the AWS it belongs to."""

    def __init__(self, names: Iterable[str], moto_queue: Callable[[str], Any]) -> None:
        self.names = sorted(names)
        self._moto = moto_queue
        self._waiting: dict[str, list[tuple[int, int, Message]]] = {name: [] for name in self.names}
        self._taken: dict[str, Message] = {}
        """By receipt handle: what was received and neither deleted nor shown again."""
        self._deleted: set[int] = set()
        self._order = count()

    def take_in(self) -> None:
        """From moto, what was sent since the last time."""
        for name in self.names:
            queue = self._moto(name)
            if queue._messages:
                for message in queue._messages:
                    self._push(name, message)
                queue._messages = []

    def hand_back(self) -> None:
        """To moto, everything, for a question about a queue that only moto can answer."""
        for name in self.names:
            self._moto(name)._messages = self.all(name)
            self._waiting[name] = []
        self._deleted.clear()

    def all(self, name: str) -> list[Message]:
        """What is in a queue, hidden or not, in the order of showing."""
        if name not in self._waiting:
            return list(self._moto(name)._messages)
        return [message for _, _, message in sorted(self._waiting[name]) if id(message) not in self._deleted]

    def shows_at(self, name: str) -> datetime | None:
        """When the next of its messages shows; None where it is empty."""
        waiting = self._waiting[name]
        while waiting and id(waiting[0][2]) in self._deleted:
            self._deleted.remove(id(heapq.heappop(waiting)[2]))
        return from_millis(waiting[0][0]) if waiting else None

    def receive(self, name: str, most: int, now: datetime) -> list[Received]:
        """Up to `most` messages that show, hidden from now on for the visibility timeout. One that was received
        too often goes to the queue's dead letters instead."""
        found: list[Received] = []
        while len(found) < most:
            shows = self.shows_at(name)
            if shows is None or shows > now:
                break
            message = heapq.heappop(self._waiting[name])[2]
            if message.receipt_handle:
                self._taken.pop(message.receipt_handle, None)
            if message.approximate_receive_count >= MAX_RECEIVES:
                self._moto(name + DEAD).add_message(message)
                continue
            message.mark_received(visibility_timeout=VISIBILITY_S)
            self._push(name, message)
            found.append(self._received(message))
        return found

    def delete(self, receipt_handle: str) -> None:
        """A handle is good until its message shows again, or is deleted; later it does nothing, as in SQS."""
        message = self._taken.pop(receipt_handle, None)
        if message is not None:
            self._deleted.add(id(message))

    def _push(self, name: str, message: Message) -> None:
        shows = max(message.visible_at, message.delayed_until, millis(from_millis(message.sent_timestamp or 0)))
        heapq.heappush(self._waiting[name], (round(shows), next(self._order), message))
        if message.receipt_handle:
            self._taken[message.receipt_handle] = message

    def _received(self, message: Message) -> Received:
        assert message.receipt_handle is not None
        return Received(
            message_id=message.id,
            receipt_handle=message.receipt_handle,
            body=message.body,
            receives=message.approximate_receive_count,
            sent_at=from_millis(message.sent_timestamp or 0),
            first_received_at=from_millis(message.approximate_first_receive_timestamp or 0),
            md5=message.body_md5,
        )
