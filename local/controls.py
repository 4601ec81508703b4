"""The routes under `/_local/`: what a tester does with clock, carrier, patients' phones and functions.

They exist only where this process serves them; what is deployed knows nothing of them.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from local.carrier import PROVIDERS, Mode
from local.clock import RealTimeError, later, parse, wire
from local.gateway import Reply
from local.world import World

PREFIX = "/_local/"


class _InvalidError(Exception):
    """A body or query that cannot be acted on; nothing was done."""

    def __init__(self, *errors: tuple[str, str]) -> None:
        super().__init__(*errors)
        self.errors = errors


@dataclass(slots=True)
class Body:
    """A control's JSON object: each field is asked for once, and what nobody asked for is an error, too."""

    content: Mapping[str, Any]
    errors: list[tuple[str, str]] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)

    def get(self, name: str, kind: type, default: Any = None, *, required: bool = False) -> Any:
        self.asked.add(name)
        if name not in self.content:
            if required:
                self.errors.append((name, "is needed"))
            return default
        value = self.content[name]
        # A bool is an int to Python and nobody else.
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.errors.append((name, f"must be {_KINDS[kind]}"))
            return default
        return value

    def one_of(self, name: str, allowed: tuple[str, ...], default: str | None = None) -> str | None:
        value: str | None = self.get(name, str, default)
        if value is not None and value not in allowed:
            self.errors.append((name, f"must be one of {', '.join(allowed)}"))
        return value

    def checked(self) -> None:
        """Raises `_InvalidError` if anything was wrong."""
        unknown = [(name, "is not known here") for name in self.content if name not in self.asked]
        if self.errors or unknown:
            raise _InvalidError(*self.errors, *unknown)


_KINDS = {str: "a string", int: "a whole number", bool: "true or false"}


class Controls:
    def __init__(self, world: World) -> None:
        self._world = world
        self._routes: dict[tuple[str, str], Callable[[Body], object]] = {
            ("GET", "clock"): self._clock,
            ("POST", "clock"): self._move,
            ("GET", "outbox"): self._outbox,
            ("GET", "attempts"): self._attempts,
            ("POST", "inbound"): self._inbound,
            ("POST", "receipt"): self._receipt,
            ("POST", "faults"): self._faults,
            ("GET", "queue"): self._deliveries,
            ("POST", "queue"): self._redeliver,
            ("POST", "run"): self._run,
        }

    def request(self, method: str, target: str, body: bytes | None) -> Reply:
        split = urlsplit(target)
        name = split.path.removeprefix(PREFIX).rstrip("/")
        route = self._routes.get((method, name))
        if route is None:
            known = any(path == name for _, path in self._routes)
            return Reply.problem(405 if known else 404, "No such control")
        try:
            return Reply.of_json(200, route(_read(method, split.query, body)))
        except json.JSONDecodeError:
            return Reply.problem(400, "The body is not JSON")
        except _InvalidError as invalid:
            return Reply.problem(422, "The request cannot be acted on", *invalid.errors)
        except RealTimeError as refused:
            return Reply.problem(409, str(refused))
        except LookupError as missing:
            return Reply.problem(404, str(missing.args[0]))

    def _clock(self, body: Body) -> object:
        body.checked()
        return {"now": wire(self._world.now), "virtual": self._world.clock.virtual}

    def _move(self, body: Body) -> object:
        world = self._world
        advance, to = body.get("advance", str), body.get("to", str)
        stopped = body.get("stop_functions", bool, False)
        target = world.now
        if (advance is None) == (to is None):
            body.errors.append(("advance", "give either advance or to"))
        try:
            target = later(world.now, advance) if advance is not None else parse(to or wire(target))
        except (ValueError, OverflowError) as wrong:
            body.errors.append(("to" if advance is None else "advance", str(wrong)))
        if target < world.now:
            body.errors.append(("to", "the clock only moves forwards"))
        body.checked()
        sent = world.advance(target, stop_functions=stopped)
        return {"now": wire(world.now), "sent": sent}

    def _outbox(self, body: Body) -> object:
        to, since = body.get("to", str), body.get("since", str)
        if since is not None:
            _instant(body, "since", since)
        body.checked()
        return {"messages": self._world.outbox(to=to, since=since)}

    def _attempts(self, body: Body) -> object:
        body.checked()
        return {"attempts": self._world.attempts()}

    def _inbound(self, body: Body) -> object:
        sender, to = body.get("from", str, required=True), body.get("to", str, required=True)
        text, known = body.get("text", str, required=True), body.get("id", str)
        body.checked()
        return {"id": self._world.inbound(sender, to, text, message_id=known)}

    def _receipt(self, body: Body) -> object:
        provider_id = body.get("provider_message_id", str, required=True)
        kind = body.get("event", str, required=True)
        body.checked()
        try:
            self._world.receipt(provider_id, kind)
        except ValueError as wrong:
            raise _InvalidError(("event", str(wrong))) from wrong
        return {"provider_message_id": provider_id, "event": kind}

    def _faults(self, body: Body) -> object:
        provider = body.one_of("provider", PROVIDERS)
        mode = body.one_of("mode", tuple(Mode))
        count, events = body.get("count", int, 1), body.get("events", bool)
        if count < 0:
            body.errors.append(("count", "must not be negative"))
        body.checked()
        carrier = self._world.carrier
        for each in [provider] if provider else PROVIDERS:
            if mode is not None:
                carrier.fault(each, Mode(mode), count)
            if events is not None:
                carrier.report_events(each, events)
        return {"faults": carrier.faults()}

    def _deliveries(self, body: Body) -> object:
        body.checked()
        return {
            "delivered": [
                {
                    "n": given.n,
                    "function": given.function,
                    "message_id": given.message_id,
                    "at": wire(given.at),
                    "receives": given.receives,
                    "error": given.error,
                }
                for given in self._world.runner.deliveries
            ]
        }

    def _redeliver(self, body: Body) -> object:
        which, function = body.content.get("redeliver"), body.get("function", str)
        body.asked.add("redeliver")
        if which != "last" and (not isinstance(which, int) or isinstance(which, bool)):
            body.errors.append(("redeliver", "must be last, or the number of a delivered message"))
        body.checked()
        given = self._world.redeliver(which or "last", function=function)
        return {"n": given.n, "function": given.function, "message_id": given.message_id}

    def _run(self, body: Body) -> object:
        names = tuple(self._world.runner.functions)
        function = body.one_of("function", names) or ""
        times, overlap = body.get("times", int, 1), body.get("overlap", bool, False)
        if not function:
            body.errors.append(("function", "is needed"))
        if not 1 <= times <= 1000:
            body.errors.append(("times", "must be 1 to 1000"))
        body.checked()
        before = len(self._world.carrier.outbox)
        runs = self._world.run(function, times=times, overlap=overlap)
        sent = len(self._world.carrier.outbox) - before
        return {"runs": [{"function": run.function, "error": run.error} for run in runs], "sent": sent}


def _read(method: str, query: str, body: bytes | None) -> Body:
    if method == "GET":
        return Body({name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()})
    content = json.loads(body or b"{}")
    if not isinstance(content, dict):
        raise _InvalidError(("", "must be an object"))
    return Body(content)


def _instant(body: Body, name: str, text: str) -> None:
    try:
        parse(text)
    except ValueError as wrong:
        body.errors.append((name, str(wrong)))
