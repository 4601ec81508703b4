"""Lambda at home: schedules and queues call the app's functions, at the right instants and in order.

In a virtual clock time jumps from one instant at which something is due to the next; in real time `live` does the
same as the instants come.
"""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from local.aws import EmbeddedAws, notification
from local.carrier import Carrier
from local.clock import Clock
from local.functions import Function, Run, invoke, queue_event, schedule_event
from local.queues import Received
from local.turns import Turns
from local.wakes import Wakes

EVENTS_FUNCTION = "note"
"""What takes the providers' events; its deliveries are not what `redeliver("last")` means."""
_KEPT = 10_000
_INSTANT = timedelta(microseconds=1)
_ENDLESS = 100_000
"""No honest workload delivers as many messages in one instant: somebody answers his own message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A queue message that a function was given."""

    n: int
    """Counting from 1 since the start."""
    function: str
    queue: str
    message_id: str
    body: str
    at: datetime
    receives: int
    error: str | None


class Runner:
    def __init__(
        self,
        *,
        aws: EmbeddedAws,
        carrier: Carrier,
        clock: Clock,
        functions: dict[str, Function],
        wakes: Wakes,
    ) -> None:
        self.aws, self.carrier, self.clock = aws, carrier, clock
        self.functions, self.wakes = functions, wakes
        self.deliveries: deque[Delivery] = deque(maxlen=_KEPT)
        self._delivered = 0
        self._considered = clock.now()
        self._lock = threading.RLock()

    # Time

    def advance(self, to: datetime, *, stop_functions: bool = False) -> None:
        """Live up to `to`, or let the time pass with every function stopped, as in an outage: the providers go on
        reporting, queues fill, and the runs that schedules missed are not made up for.

        Raises `ValueError` for a time that is past, `RealTimeError` where the clock cannot be moved.
        """
        with self._lock:
            if not stop_functions:
                self._live_up_to(to)
            self.clock.move_to(to)
            self._considered = max(self._considered, to)
            self._report()

    def _live_up_to(self, to: datetime) -> None:
        for poller in self.wakes.pollers.values():
            last = poller.last_run(to)
            # However idle: whoever acts at `to` must find watermarks as fresh as if no minute had been skipped.
            if last is not None and last > self._considered:
                poller.comes_by(last - _INSTANT)
        while True:
            self.settle()
            self._run_schedules()
            due = self._next()
            if due is None or due > to:
                return
            self.clock.move_to(max(due, self.clock.now()))

    def live(self, stop: threading.Event) -> None:
        """Real time: do what is due as it comes, until `stop`."""
        while not stop.is_set():
            self.aws.changed.clear()
            with self._lock:
                self.settle()
                self._run_schedules()
            self.aws.changed.wait(timeout=0.2)

    def settle(self) -> None:
        """Do all that is due at this very instant, save what only a schedule starts."""
        with self._lock:
            begun = self._delivered
            while self._report() + self._deliver():
                if self._delivered - begun > _ENDLESS:
                    raise RuntimeError(f"more than {_ENDLESS} queue messages in one instant")

    def _next(self) -> datetime | None:
        runs = [self.wakes.next_run(name, self._considered) for name in self.wakes.pollers]
        shows = [self.aws.shows_at(queue) for queue, _ in self._fed()]
        found = [at for at in (*runs, *shows, self.carrier.next_report_at()) if at is not None]
        return min(found, default=None)

    # What calls functions

    def _report(self) -> int:
        events = self.carrier.reports_due(self.clock.now())
        for event in events:
            self.publish(EVENTS_FUNCTION, event)
        return len(events)

    def publish(self, function: str, message: dict[str, object]) -> None:
        """Deliver a provider's message as SNS would, to the queue of that function."""
        body = notification(f"{self.aws.prefix}-{function}", message, self.clock.now())
        self.aws.put(self.queue_of(function), body)

    def queue_of(self, function: str) -> str:
        known = self.functions.get(function)
        return known.queue if known and known.queue else self.aws.queue(function)

    def _fed(self) -> list[tuple[str, Function]]:
        return [(function.queue, function) for function in self.functions.values() if function.queue]

    def _deliver(self) -> int:
        begun = self._delivered
        for queue, function in self._fed():
            shows = self.aws.shows_at(queue)
            if shows is not None and shows <= self.clock.now():
                batch = self.aws.receive(queue, function.batch_size, self.clock.now())
                if batch:
                    self._give(function, batch)
        return self._delivered - begun

    def _give(self, function: Function, batch: Sequence[Received]) -> Run:
        assert function.queue is not None
        run = invoke(function, queue_event(function.queue, batch))
        for message in batch:
            if run.error is None:
                self.aws.delete(message.receipt_handle)
            self._delivered += 1
            self.deliveries.append(
                Delivery(
                    n=self._delivered,
                    function=function.name,
                    queue=function.queue,
                    message_id=message.message_id,
                    body=message.body,
                    at=self.clock.now(),
                    receives=message.receives,
                    error=run.error,
                )
            )
        return run

    def _run_schedules(self) -> None:
        now = self.clock.now()
        for name, poller in self.wakes.pollers.items():
            due = self.wakes.next_run(name, self._considered)
            if due is not None and due <= now:
                poller.begins(now)
                run = invoke(self.functions[name], schedule_event(name, due))
                if run.error is not None:
                    poller.comes_by(now)  # what it failed to do still waits
        self._considered = now
        self.settle()

    # By hand

    def run(self, name: str, *, overlap: bool = False) -> list[Run]:
        """Call a function now: once, or twice at the same time, as two Lambdas would.

        One that a queue feeds gets that queue's next message, both of them the same one: SQS delivers at least once.
        With nothing waiting there it gets the last message it was given, again; never having had one, it is not
        called. Raises `KeyError` for a function there is not.
        """
        function = self.functions[name]
        with self._lock:
            if function.queue is None:
                event, batch = schedule_event(name, self.clock.now()), []
            else:
                batch = self._next_batch(function)
                if not batch:
                    return []
                event = queue_event(function.queue, batch)
            runs = self._overlapping(function, event) if overlap else [invoke(function, event)]
            if function.queue and any(run.error is None for run in runs):
                for message in batch:
                    self.aws.delete(message.receipt_handle)
            return runs

    def _overlapping(self, function: Function, event: dict[str, Any]) -> list[Run]:
        """Two at once, taking turns at every AWS call: each sees all that the other has not done yet."""
        runs: list[Run] = []

        def call(turns: Turns) -> None:
            with turns.taking():
                runs.append(invoke(function, event))

        with self.aws.in_turns(2) as turns:
            threads = [threading.Thread(target=call, args=(turns,)) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        return runs

    def _next_batch(self, function: Function) -> list[Received]:
        assert function.queue is not None
        batch = self.aws.receive(function.queue, function.batch_size, self.clock.now())
        last = next((given for given in reversed(self.deliveries) if given.function == function.name), None)
        if not batch and last is not None:
            self.aws.put_again(last.queue, last.message_id, last.body)
            batch = self.aws.receive(function.queue, 1, self.clock.now())
        return batch

    def redeliver(self, which: int | str = "last", *, function: str | None = None) -> Delivery:
        """Deliver a message that was delivered before once more, with the same id and body, and see it through.

        `which` is its number, or `last`: the last one that did not merely carry a provider's event, unless
        `function` says whose. Raises `LookupError` where there is none such.
        """
        with self._lock:
            for given in reversed(self.deliveries):
                wanted = given.function == function if function else given.function != EVENTS_FUNCTION
                if given.n == which or (which == "last" and wanted):
                    self.aws.put_again(given.queue, given.message_id, given.body)
                    self.settle()
                    return given
        raise LookupError("no such queue message was delivered")
