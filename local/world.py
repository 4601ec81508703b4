"""The whole service in one process, on its embedded AWS, with patients' phones at hand.

    with World(start="2026-03-01T08:00:00Z") as world:
        world.api("POST", "/patients", json={...}, token=key)
        world.advance("PT15M")
        assert world.outbox(to="+12025550123")

One at a time in a process: the clock, the environment and the interception of AWS calls are the process's own.
"""

import importlib
import json as json_module
import os
import secrets
import threading
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from chalice.app import Chalice

from chalicelib import wiring
from chalicelib.adapters.schema import create_table_request
from chalicelib.domain.ids import reminder_id
from chalicelib.domain.occurrence import State
from chalicelib.domain.patient import Channel
from chalicelib.domain.provider_context import About, ForMessage, ForReminder, read_context
from chalicelib.settings import MissingSetting, from_environment
from local.aws import EmbeddedAws, TableRequest
from local.carrier import PROVIDERS, Carrier, Mode
from local.carrier_wire import carrier_server
from local.clock import Clock, MachineClock, VirtualClock, later, parse
from local.fast_dynamodb import Key, views
from local.functions import Run, functions_of
from local.gateway import Gateway, Reply
from local.provider_events import event as provider_event
from local.runner import EVENTS_FUNCTION, Delivery, Runner
from local.snapshot import Snapshots, Store
from local.wakes import Wakes

INBOUND_FUNCTION = "hear"

Describe = Callable[[Mapping[str, str]], Mapping[str, Any]]
"""From what travelled with a message (SMS context, e-mail tags) to what `/_local/outbox` says it was."""

# The service may keep its settings and clients for the life of the process; so these stay the same in it, too.
_SECRET = secrets.token_urlsafe(32)
_TOKEN = "op_" + secrets.token_urlsafe(24)


class World:
    at_the_end: ClassVar[list[Callable[["World"], None]]] = []
    """Each looks at every world of the process as it ends, all of it still there; what one raises, ending raises."""

    def __init__(
        self,
        start: datetime | str | None = None,
        *,
        app: Chalice | Callable[[], Chalice] | None = None,
        data: Path | None = None,
        operator_token: str | None = None,
        public_url: str = "http://127.0.0.1:8000",
        describe: Describe | None = None,
        table_request: TableRequest = create_table_request,
        every_minute: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """`start`: where a virtual clock begins (with `data`, at the latest instant it was at, if that is later);
        None for real time. `app`: the Chalice app or what makes it; by default the project's own, imported once all
        is up. `every_minute`: skip no run of a schedule, however idle. `settings`: environment variables of the
        service beside or in place of the usual ones.
        """
        self._start = parse(start) if isinstance(start, str) else start
        self._app, self._describe = app, describe or described
        self._described: dict[str, Mapping[str, Any]] = {}
        self._store = Store(data) if data else None
        self.operator_token = operator_token or self._kept("operator_token", _TOKEN)
        self._secret = self._kept("secret", _SECRET)
        self._public_url, self._every_minute = public_url, every_minute
        self._own_settings = dict(settings or {})
        self.aws = EmbeddedAws(table_request=table_request)
        self._undo = ExitStack()
        self._stopping = threading.Event()
        self.snapshots: Snapshots | None = None

    def _kept(self, name: str, default: str) -> str:
        return self._store.kept(name, default) if self._store else default

    # Up and down

    def start(self) -> Self:
        with ExitStack() as undo:
            undo.callback(_restore_environment, dict(os.environ))
            self.clock: Clock = self._clock()
            undo.callback(self.clock.stop)
            self.carrier = Carrier(self.clock.now)
            carrier_server().carrier = self.carrier
            os.environ.update(self._settings())
            _forget_another_world()
            self.app = self._load()
            self.gateway = Gateway(self.app)
            functions = functions_of(self.app)
            schedules = {name: function.schedule for name, function in functions.items() if function.schedule}
            self.wakes = Wakes(schedules, every_time=self._every_minute or not self.clock.virtual)
            fed = {function.queue for function in functions.values() if function.queue}
            expected = {self.aws.queue(INBOUND_FUNCTION), self.aws.queue(EVENTS_FUNCTION)}
            self.aws.start(fed | expected, self._written)
            undo.callback(self.aws.stop)
            self.runner = Runner(
                aws=self.aws, carrier=self.carrier, clock=self.clock, functions=functions, wakes=self.wakes
            )
            if self._store:
                self.snapshots = Snapshots(self._store, self.aws, self.carrier, self.clock)
                self.snapshots.restore()
                self.snapshots.start()
                undo.callback(self.snapshots.stop)
            if not self.clock.virtual:
                live = threading.Thread(target=self.runner.live, args=(self._stopping,), name="functions")
                live.start()
                undo.callback(live.join)
                undo.callback(self._stopping.set)
            self._undo = undo.pop_all()
        return self

    def stop(self) -> None:
        try:
            for look in World.at_the_end:
                look(self)
        finally:
            self._undo.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _clock(self) -> Clock:
        if self._start is None:
            return MachineClock()
        last = self._store.last_instant() if self._store else None
        return VirtualClock(max(self._start, last) if last else self._start)

    def _settings(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2": carrier_server().url,
            "AWS_ENDPOINT_URL_SESV2": carrier_server().url,
            "RANVIER_TABLE": self.aws.table_name,
            "RANVIER_QUEUE_PREFIX": self.aws.prefix,
            "RANVIER_STAGE": "local",
            # Shards are for the clinics of a country; here each would be one more empty query a minute.
            "RANVIER_SHARDS": "1",
            "RANVIER_OPERATOR_TOKEN": self.operator_token,
            "RANVIER_PUBLIC_URL": self._public_url,
            "RANVIER_SECRET": self._secret,
            "RANVIER_SMS_CONFIGURATION_SET": "ranvier-local-sms",
            "RANVIER_EMAIL_CONFIGURATION_SET": "ranvier-local-email",
        } | self._own_settings

    def _load(self) -> Chalice:
        if self._app is None:
            module = importlib.import_module("app")
            if self.aws.prefix != module.QUEUES:
                # Imported before, for something else: it binds its queues when it is.
                module = importlib.reload(module)
            found: Chalice = module.app
            return found
        return self._app if isinstance(self._app, Chalice) else self._app()

    def _written(self, table: Any, key: Key, item: Any) -> None:
        names = [view.range_name for name, view in views(table).by_index.items() if name]
        held = (item.attrs.get(name) for name in names if name) if item else ()
        self.wakes.written(key, [str(value.value) for value in held if value is not None])
        if self.snapshots:
            self.snapshots.written(key)

    # What staff do

    def api(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        body: bytes | None = None,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request to the service, and what its functions do about it at once."""
        sent = {"Content-Type": "application/json"} if json is not None else {}
        sent |= {"Authorization": f"Bearer {token}"} if token else {}
        content = json_module.dumps(json).encode() if json is not None else body
        reply = self.gateway.request(method, path, sent | dict(headers or {}), content)
        self.settle()
        return reply

    # Time

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def advance(self, by: str | timedelta | datetime, *, stop_functions: bool = False) -> int:
        """Move the virtual clock by a duration (`"PT15M"`, a timedelta) or to an instant; how many messages the
        carrier accepted on the way. `stop_functions`: an outage, in which no function runs."""
        if isinstance(by, str):
            by = later(self.now, by)
        to = self.now + by if isinstance(by, timedelta) else by
        before = len(self.carrier.outbox)
        self.runner.advance(to, stop_functions=stop_functions)
        return len(self.carrier.outbox) - before

    def settle(self) -> None:
        """Queues are emptied as they fill, though a virtual clock stands still: do what is due at this instant."""
        if self.clock.virtual:
            self.runner.settle()

    # What patients and providers do

    def outbox(self, *, to: str | None = None, since: datetime | str | None = None) -> list[dict[str, Any]]:
        """What the carrier accepted, in order, each with what the service meant by it."""
        after = parse(since) if isinstance(since, str) else since
        with self.carrier.lock:
            found = list(self.carrier.outbox)
        return [
            {**message, **self._meaning(message)}
            for message in found
            if (to is None or message["to"] == to) and (after is None or parse(message["sent_at"]) >= after)
        ]

    def _meaning(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        # What a message carried never changes, and the outbox is asked for often.
        known = self._described.get(message["id"])
        if known is None:
            known = self._described[message["id"]] = self._describe(message["context"])
        return known

    def attempts(self) -> list[dict[str, Any]]:
        """Every provider call, accepted or not."""
        with self.carrier.lock:
            return list(self.carrier.attempts)

    def inbound(self, sender: str, to: str, text: str, *, message_id: str | None = None) -> str:
        """A patient texts the clinic's number; the message's id, once its effects are done."""
        known = message_id or str(uuid.uuid4())
        answered = next((sent for sent in reversed(self.carrier.outbox) if sent["to"] == sender), None)
        payload = {
            "originationNumber": sender,
            "destinationNumber": to,
            "messageKeyword": "KEYWORD_LOCAL",
            "messageBody": text,
            "inboundMessageId": known,
            "previousPublishedMessageId": answered["provider_message_id"] if answered else None,
        }
        self.runner.publish(INBOUND_FUNCTION, {name: value for name, value in payload.items() if value is not None})
        self.runner.settle()
        return known

    def receipt(self, provider_message_id: str, kind: str) -> None:
        """A provider's event about a message it accepted, now. Raises `LookupError` for an id it never gave and
        `ValueError` for an event it does not make."""
        sent = self.carrier.message(provider_message_id)
        if sent is None:
            raise LookupError("the carrier accepted no such message")
        self.runner.publish(EVENTS_FUNCTION, provider_event(sent, kind, self.now))
        self.runner.settle()

    def faults(self, provider: str, mode: Mode | str = Mode.OK, count: int = 1, *, events: bool | None = None) -> None:
        """The provider's next `count` calls go as `mode` says; `events`: whether its events follow from now on."""
        if provider not in PROVIDERS:
            raise ValueError(f"providers are {' and '.join(PROVIDERS)}")
        self.carrier.fault(provider, Mode(mode), count)
        if events is not None:
            self.carrier.report_events(provider, events)

    # Lambda and SQS by hand

    def run(self, function: str, *, times: int = 1, overlap: bool = False) -> list[Run]:
        """Call a function as Lambda would, `times` after each other; `overlap`: each time two at once."""
        return [run for _ in range(times) for run in self.runner.run(function, overlap=overlap)]

    def redeliver(self, which: int | str = "last", *, function: str | None = None) -> Delivery:
        """See `Runner.redeliver`."""
        return self.runner.redeliver(which, function=function)


def _forget_another_world() -> None:
    """The service keeps its settings and clients for the life of a process; those of other settings are dropped."""
    try:
        same = wiring.settings() == from_environment()
    except MissingSetting:
        same = False
    if not same:
        wiring.forget()


def _restore_environment(saved: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(saved)


def described(context: Mapping[str, str]) -> dict[str, Any]:
    """What the opaque pairs of a message say by themselves, and which occurrences it carried, which the table knows."""
    found: dict[str, Any] = {"clinic_id": None, "patient_id": None, "message_id": None, "kind": context.get("k")}
    match read_context(context):
        case ForReminder() as about:
            found |= {
                "clinic_id": about.clinic_id,
                "patient_id": about.patient_id,
                "message_id": reminder_id(about.patient_id, about.seq),
            }
        case ForMessage() as about:
            found |= {
                "clinic_id": about.clinic_id,
                "patient_id": about.patient_id or None,
                "message_id": about.message_id,
            }
    return found | {"audience": context.get("u", "patient"), "occurrence_ids": _carried(read_context(context))}


def _carried(about: About | None) -> list[str]:
    """The occurrences a reminder carried: from its record, or from the claim while the record is still to come."""
    if not isinstance(about, ForReminder):
        return []
    store = wiring.store()
    reminder = store.reminder(about.clinic_id, about.patient_id, about.seq)
    if reminder is not None and reminder.outcomes:
        outcomes = reminder.outcomes
    else:
        chart = store.chart(about.clinic_id, about.patient_id, now=wiring.now())
        flights = chart.cursor.in_flight.values() if chart else ()
        outcomes = next((flight.wake.outcomes for flight in flights if flight.seq == about.seq), ())
    return [o.id for o in outcomes if o.state is State.SENT and o.channel is not Channel.TASK]
