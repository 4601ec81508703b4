"""Faults at every boundary: each call of the table, the queue or a provider is one, counted while counting is on."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from chalicelib.adapters.memory import Crashed, MemoryEmail, MemorySms
from chalicelib.adapters.memory import Fault as Provider
from chalicelib.adapters.table import Busy, Operation, Refused, Table, Written
from chalicelib.service.ports import NotQueued, Queue, QueueMessage

T = TypeVar("T")


class Broken(ConnectionError):
    """Every asking went unanswered: the client gave up, and the function fails."""


class Fault(StrEnum):
    BEFORE = "killed before"
    AFTER = "killed after"
    LOST = "answer lost, asked again"
    UNANSWERED = "done, never answered"
    BUSY = "throttled"


READS = (Fault.BEFORE, Fault.BUSY)
WRITES = (Fault.BEFORE, Fault.AFTER, Fault.LOST, Fault.UNANSWERED, Fault.BUSY)
"""For a provider, which is asked once: LOST is a time-out before it took the message, UNANSWERED one after."""


@dataclass
class Faults:
    """What goes wrong at which boundary, counting from 0; everything after a kill happens to a new function."""

    script: dict[int, Fault] = field(default_factory=dict)
    seen: list[tuple[str, tuple[Fault, ...]]] = field(default_factory=list)
    """The boundaries passed so far, and what may go wrong at each."""
    counting: bool = True

    def meet(self, name: str, faults: tuple[Fault, ...]) -> Fault | None:
        if not self.counting:
            return None
        self.seen.append((name, faults))
        return self.script.get(len(self.seen) - 1)

    def read(self, name: str, do: Callable[[], T]) -> T:
        match self.meet(name, READS):
            case Fault.BEFORE:
                raise Crashed(name)
            case Fault.BUSY:
                raise Busy(name)
        return do()

    def write(self, name: str, do: Callable[[], T], busy: Exception) -> T:
        match self.meet(name, WRITES):
            case Fault.BEFORE:
                raise Crashed(name)
            case Fault.BUSY:
                raise busy
            case Fault.AFTER:
                do()
                raise Crashed(name)
            case Fault.UNANSWERED:
                do()
                raise Broken(name)
            case Fault.LOST:
                do()
        return do()


class FaultyTable(Table):
    def __init__(self, table: Table, faults: Faults) -> None:
        self._table, self._faults = table, faults

    def get(self, key, **how):
        return self._faults.read(f"get {key.sk}", lambda: self._table.get(key, **how))

    def get_many(self, keys, **how):
        return self._faults.read("get many", lambda: self._table.get_many(keys, **how))

    def query(self, pk, **how):
        return self._faults.read(f"query {how.get('index') or how.get('prefix')}", lambda: self._table.query(pk, **how))

    def write(self, *operations: Operation) -> Written | Refused:
        name = f"write {operations[0].key.sk}"
        return self._faults.write(name, lambda: self._table.write(*operations), Busy(name))


class FaultyQueue(Queue):
    def __init__(self, queue: Queue, faults: Faults) -> None:
        self._queue, self._faults = queue, faults

    def send(self, messages: list[QueueMessage]) -> None:
        busy = NotQueued(len(messages), ["Throttled"])
        self._faults.write("queue", lambda: self._queue.send(messages), busy)


_AS_PROVIDER = {
    Fault.BEFORE: Provider.CRASH_BEFORE,
    Fault.AFTER: Provider.CRASH_AFTER_ACCEPT,
    Fault.LOST: Provider.TIMEOUT_BEFORE,
    Fault.UNANSWERED: Provider.TIMEOUT_AFTER,
    Fault.BUSY: Provider.THROTTLE,
}


class FaultySms(MemorySms):
    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self._faults = faults

    def send(self, sms):
        fault = self._faults.meet("send", WRITES)
        if fault is not None:
            self.script(_AS_PROVIDER[fault])
        return super().send(sms)


class FaultyEmail(MemoryEmail):
    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self._faults = faults

    def send(self, email):
        fault = self._faults.meet("send", WRITES)
        if fault is not None:
            self.script(_AS_PROVIDER[fault])
        return super().send(email)
