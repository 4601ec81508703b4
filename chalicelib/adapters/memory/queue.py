"""A standard SQS queue in memory: delay, visibility, at-least-once, dead letters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from threading import Lock

from chalicelib.service.ports import Queue, QueueMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One delivery of one message."""

    id: str
    body: str
    group: str | None
    receives: int
    """Deliveries so far, this one included."""
    receipt: str
    """Names this delivery when deleting or releasing; a later delivery makes it stale."""


@dataclass(slots=True, kw_only=True)
class _Held:
    id: int
    message: QueueMessage
    visible_at: datetime
    receives: int = 0


@dataclass(slots=True, kw_only=True)
class MemoryQueue(Queue):
    """One queue. A message shows when its delay or visibility has passed on the given clock, oldest first."""

    now: Callable[[], datetime]
    visibility: timedelta = timedelta(seconds=180)
    """How long a delivery hides its message: SQS wants at least six times the function's timeout."""
    max_receives: int = 5
    """Deliveries after which a message that shows again goes to the dead letters."""
    dead_letters: "MemoryQueue | None" = None
    _held: dict[int, _Held] = field(default_factory=dict)
    _order: list[tuple[datetime, int]] = field(default_factory=list)
    _ids: "count[int]" = field(default_factory=lambda: count(1))
    _lock: Lock = field(default_factory=Lock)

    def __len__(self) -> int:
        """Messages held, shown or hidden."""
        return len(self._held)

    def send(self, messages: Sequence[QueueMessage]) -> None:
        with self._lock:
            now = self.now()
            for message in messages:
                held = _Held(id=next(self._ids), message=message, visible_at=now)
                self._held[held.id] = held
                self._show(held, now + timedelta(seconds=message.delay_s))

    def receive(self, limit: int = 10) -> list[Received]:
        """Up to `limit` (1 to 10) messages that show now, hidden from now on until deleted, released or timed
        out."""
        if not 1 <= limit <= 10:
            raise ValueError("a receive takes 1 to 10 messages")
        with self._lock:
            now = self.now()
            received: list[Received] = []
            while len(received) < limit:
                held = self._first()
                if held is None or held.visible_at > now:
                    break
                if self.dead_letters is not None and held.receives >= self.max_receives:
                    del self._held[held.id]
                    self.dead_letters.send([QueueMessage(body=held.message.body, group=held.message.group)])
                    continue
                held.receives += 1
                self._show(held, now + self.visibility)
                received.append(
                    Received(
                        id=str(held.id),
                        body=held.message.body,
                        group=held.message.group,
                        receives=held.receives,
                        receipt=f"{held.id}/{held.receives}",
                    )
                )
            return received

    def delete(self, receipt: str) -> None:
        """The work is done. A stale receipt deletes nothing: the message is in other hands."""
        with self._lock:
            if (held := self._find(receipt)) is not None:
                del self._held[held.id]

    def release(self, receipt: str, delay: timedelta = timedelta(0)) -> None:
        """Show the message again after `delay`: what a failed function does to its message."""
        with self._lock:
            if (held := self._find(receipt)) is not None:
                self._show(held, self.now() + delay)

    def redrive(self) -> int:
        """Move every dead letter back, as an operator does after the cause is put right. How many moved."""
        if self.dead_letters is None:
            return 0
        with self.dead_letters._lock:
            back = [held.message for held in self.dead_letters._held.values()]
            self.dead_letters._held.clear()
        self.send(back)
        return len(back)

    def next_at(self) -> datetime | None:
        """When the next message shows; None when the queue is empty. A virtual clock jumps there."""
        with self._lock:
            first = self._first()
            return None if first is None else first.visible_at

    def _show(self, held: _Held, at: datetime) -> None:
        held.visible_at = at
        heappush(self._order, (at, held.id))

    def _first(self) -> _Held | None:
        """The message that shows next. Entries of deleted or since hidden messages are dropped on the way."""
        while self._order:
            at, id = self._order[0]
            held = self._held.get(id)
            if held is not None and held.visible_at == at:
                return held
            heappop(self._order)
        return None

    def _find(self, receipt: str) -> _Held | None:
        id, _, receives = receipt.partition("/")
        held = self._held.get(int(id))
        return held if held is not None and str(held.receives) == receives else None
