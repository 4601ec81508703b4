"""What a reminder costs on the table, billed by the bytes it really writes: `python -m bench.units`.

Counted: everything our code asks AWS for, per reminder, with 500 due in one tick. Not counted: receiving and deleting
the queue message, which the Lambda service does (about 0.1 requests a message at batch size one with long polling
shared), receipts, holds, and the storage itself.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from bench.tables import table
from bench.ward import DUE, Received, live, populate
from chalicelib.adapters.memory import MemoryEmail, MemoryQueue, MemorySms, MemoryTable
from chalicelib.adapters.meter import Meter, item_bytes
from chalicelib.domain.cursor import SHARDS

PROMISE = {"wru": 4.0, "rru": 2.2, "calls": 4.2, "tick": SHARDS + 3}
SIZES = (1_000, 10_000, 100_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What one more reminder costs: the difference that 500 due make to a tick with none. `tick` is that tick's own
    number of table calls."""

    enrolled: int
    wru: float
    rru: float
    table_calls: float
    queue_calls: float
    provider_calls: float
    tick: int
    cursor_bytes: int
    record_bytes: int

    @property
    def calls(self) -> float:
        return self.table_calls + self.queue_calls + self.provider_calls


class CountedQueue(MemoryQueue):
    """Counts the batches of ten that SQS would be asked to take."""

    batches: int = 0

    def send(self, messages) -> None:  # type: ignore[no-untyped-def]
        self.batches += -(-len(messages) // 10)
        super().send(messages)


def bill(enrolled: int, due: int = 500) -> Bill:
    idle, _, _, _ = _lived(max(due, 1), 0)
    meter, queue, sms, memory = _lived(enrolled, due)
    items = {str(item["sk"]): item_bytes(item) for item in memory.items() if "patient000000001" in str(item["pk"])}
    return Bill(
        enrolled=enrolled,
        wru=(meter.wru - idle.wru) / due,
        rru=(meter.rru - idle.rru) / due,
        table_calls=(meter.calls.total() - idle.calls.total()) / due,
        queue_calls=queue.batches / due,
        provider_calls=len(sms.attempts) / due,
        tick=idle.calls.total(),
        cursor_bytes=items["F#cursor"],
        record_bytes=items["H#00000007"],
    )


def _lived(enrolled: int, due: int) -> tuple[Meter, CountedQueue, MemorySms, MemoryTable]:
    meter = Meter()
    memory = MemoryTable(meter=meter)
    store = populate(memory, enrolled, due)
    clock = [DUE - timedelta(minutes=3)]
    queue = CountedQueue(now=lambda: clock[0])
    sms = MemorySms()

    def receive() -> Iterator[Received]:
        while (at := queue.next_at()) is not None:
            clock[0] = max(clock[0], at)
            for message in queue.receive():
                yield Received(body=message.body, at=clock[0])
                queue.delete(message.receipt)

    meter.reset()
    queued, sent = live(memory, store, queue, sms, MemoryEmail(), receive)
    assert (queued, sent, len(sms.sent)) == (due, due, due)
    return meter, queue, sms, memory


def report(sizes: tuple[int, ...] = (*SIZES, 1_000_000)) -> str:
    bills = [bill(size) for size in sizes]
    rows = [
        (b.enrolled, b.wru, b.rru, b.table_calls, b.queue_calls, b.calls, b.tick, b.cursor_bytes, b.record_bytes)
        for b in bills
    ]
    promised = ("promised", PROMISE["wru"], PROMISE["rru"], "", "", PROMISE["calls"], PROMISE["tick"], 1024, 1024)
    heads = ("enrolled", "WRU", "RRU", "table", "queue", "calls", "tick", "cursor B", "record B")
    return table("Cost of one text, 500 due in one tick", heads, [*rows, promised])


if __name__ == "__main__":
    print(report(tuple(map(int, sys.argv[1:])) or (*SIZES, 1_000_000)))
