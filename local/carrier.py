"""The phone network and the mail system: accepts messages as the providers do, remembers them, reports on them.

It judges a request as AWS documents it and nothing more; the wire protocols are in `carrier_wire`.
"""

import heapq
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from local.carrier_rules import Refusal, check_email, check_text
from local.clock import parse, wire
from local.provider_events import Event, event
from local.sms_text import measure


class Mode(StrEnum):
    """What the provider does with the next calls."""

    OK = "ok"
    THROTTLE = "throttle"
    QUOTA = "quota"
    """The account's own limit is reached: the month's spend, the day's mail."""
    REJECT = "reject"
    TIMEOUT_BEFORE = "timeout_before"
    """The message is not taken, and the connection ends without an answer."""
    TIMEOUT_AFTER = "timeout_after"
    """The message is taken, and the connection ends without an answer."""
    ERROR = "error"
    """A 500, the message not taken."""
    CRASH_AFTER_ACCEPT = "crash_after_accept"
    """The message is taken, and the function that sent it dies before it can note so."""


PROVIDERS = ("sms", "email")
_REPORTS = {
    "sms": (("TEXT_QUEUED", 0), ("TEXT_DELIVERED", 4)),
    "email": (("Send", 0), ("Delivery", 3)),
}
"""What follows an accepted message by itself, and after how many seconds."""


@dataclass(slots=True)
class Fault:
    mode: Mode = Mode.OK
    count: int = 0
    events: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the provider says: an id, or a refusal. `cut`: it says nothing and hangs up. `kills`: the asking function
    does not live to hear it."""

    provider_id: str = ""
    refusal: Refusal | None = None
    cut: bool = False
    kills: bool = False


_THROTTLED = {
    "sms": Refusal("ThrottlingException", "Rate exceeded"),
    "email": Refusal("TooManyRequestsException", "Maximum sending rate exceeded.", status=429),
}
_QUOTA = {
    "sms": Refusal(
        "ServiceQuotaExceededException",
        "The spend limit is reached",
        402,
        {"Reason": "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT"},
    ),
    "email": Refusal("TooManyRequestsException", "Daily message quota exceeded.", status=429),
}
_BROKEN = {
    "sms": Refusal("InternalServerException", "Internal error", status=500),
    "email": Refusal("InternalServiceErrorException", "Internal error", status=500),
}
_REJECTED = {
    "sms": Refusal.of_field("DestinationPhoneNumber", "INVALID_PARAMETER"),
    "email": Refusal("MessageRejected", "Email address is on the suppression list for your account."),
}


@dataclass(slots=True)
class Carrier:
    """Both providers. Safe to call from several threads."""

    now: Callable[[], datetime]
    outbox: list[dict[str, Any]] = field(default_factory=list)
    """What was accepted, in order: what patients and staff received."""
    attempts: list[dict[str, Any]] = field(default_factory=list)
    """Every call, accepted or not."""
    opted_out: set[str] = field(default_factory=set)
    """Numbers on the provider's own opt-out list, which refuses every text to them."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    _faults: dict[str, Fault] = field(default_factory=lambda: {name: Fault() for name in PROVIDERS})
    _reports: list[tuple[str, int, str, str]] = field(default_factory=list)
    """Still to come: when, a tie-break, the provider's id, the kind of event."""

    def send_text(self, request: Mapping[str, Any]) -> Answer:
        return self._ask("sms", request, check_text(request, self.opted_out), _text)

    def send_email(self, request: Mapping[str, Any]) -> Answer:
        return self._ask("email", request, check_email(request), _email)

    def _ask(
        self,
        channel: str,
        request: Mapping[str, Any],
        refusal: Refusal | None,
        read: Callable[[Mapping[str, Any]], dict[str, Any]],
    ) -> Answer:
        with self.lock:
            mode, events = self._next(channel)
            match mode:
                case Mode.THROTTLE:
                    answer = Answer(refusal=_THROTTLED[channel])
                case Mode.QUOTA:
                    answer = Answer(refusal=_QUOTA[channel])
                case Mode.ERROR:
                    answer = Answer(refusal=_BROKEN[channel])
                case Mode.TIMEOUT_BEFORE:
                    answer = Answer(cut=True)
                case _ if refusal is not None:
                    answer = Answer(refusal=refusal)
                case Mode.REJECT:
                    answer = Answer(refusal=_REJECTED[channel])
                case _:
                    accepted = f"0100{uuid.uuid4()}-000000" if channel == "email" else str(uuid.uuid4())
                    if not request.get("DryRun"):
                        self._take(channel, accepted, read(request), events)
                    answer = Answer(
                        provider_id=accepted,
                        cut=mode is Mode.TIMEOUT_AFTER,
                        kills=mode is Mode.CRASH_AFTER_ACCEPT,
                    )
            self._note(channel, request, mode, answer)
            return answer

    def _next(self, channel: str) -> tuple[Mode, bool]:
        fault = self._faults[channel]
        mode = fault.mode if fault.count > 0 else Mode.OK
        fault.count = max(0, fault.count - 1)
        return mode, fault.events

    def _take(self, channel: str, provider_id: str, message: dict[str, Any], events: bool) -> None:
        at = self.now()
        self.outbox.append(
            {
                "id": str(len(self.outbox) + 1),
                "channel": channel,
                "provider_message_id": provider_id,
                "sent_at": wire(at),
                **message,
            }
        )
        # Without a configuration set the providers publish nothing.
        if events and message["configuration_set"]:
            for kind, after_s in _REPORTS[channel]:
                due = wire(at + timedelta(seconds=after_s), millis=True)
                heapq.heappush(self._reports, (due, len(self.attempts), provider_id, kind))

    def _note(self, channel: str, request: Mapping[str, Any], mode: Mode, answer: Answer) -> None:
        to = request.get("DestinationPhoneNumber")
        if channel == "email":
            to = next(iter((request.get("Destination") or {}).get("ToAddresses") or []), None)
        self.attempts.append(
            {
                "id": str(len(self.attempts) + 1),
                "at": wire(self.now()),
                "channel": channel,
                "to": to,
                "accepted": bool(answer.provider_id),
                "answered": not (answer.cut or answer.kills),
                "error": answer.refusal.code if answer.refusal else None,
                "mode": mode,
                "provider_message_id": answer.provider_id or None,
                "context": _context(request),
            }
        )

    def fault(self, provider: str, mode: Mode, count: int) -> None:
        """The provider's next `count` calls go like this, then all is well again."""
        with self.lock:
            self._faults[provider].mode, self._faults[provider].count = mode, count

    def report_events(self, provider: str, events: bool) -> None:
        """Whether events follow what this provider accepts from now on."""
        with self.lock:
            self._faults[provider].events = events

    def faults(self) -> dict[str, dict[str, Any]]:
        """What is still set, by provider."""
        with self.lock:
            return {name: asdict(fault) for name, fault in self._faults.items()}

    def message(self, provider_id: str) -> dict[str, Any] | None:
        with self.lock:
            return next((sent for sent in self.outbox if sent["provider_message_id"] == provider_id), None)

    def next_report_at(self) -> datetime | None:
        with self.lock:
            return parse(self._reports[0][0]) if self._reports else None

    def reports_due(self, now: datetime) -> list[Event]:
        """The events that have come due, each once."""
        found = []
        with self.lock:
            while self._reports and parse(self._reports[0][0]) <= now:
                at, _, provider_id, kind = heapq.heappop(self._reports)
                sent = self.message(provider_id)
                assert sent is not None
                found.append(event(sent, kind, parse(at)))
        return found

    def state(self) -> dict[str, Any]:
        """What a restart needs beside outbox and attempts."""
        return {"reports": self._reports, "faults": self.faults(), "opted_out": sorted(self.opted_out)}

    def restore(self, state: Mapping[str, Any]) -> Self:
        self._reports = [(at, tie, provider_id, kind) for at, tie, provider_id, kind in state["reports"]]
        self.opted_out = set(state["opted_out"])
        for name, kept in state["faults"].items():
            self._faults[name] = Fault(Mode(kept["mode"]), kept["count"], kept["events"])
        return self


def _context(request: Mapping[str, Any]) -> dict[str, str]:
    tags = {tag["Name"]: tag["Value"] for tag in request.get("EmailTags") or []}
    return {**(request.get("Context") or {}), **tags}


def _text(request: Mapping[str, Any]) -> dict[str, Any]:
    measured = measure(request["MessageBody"])
    return {
        "to": request["DestinationPhoneNumber"],
        "from": request["OriginationIdentity"],
        "text": request["MessageBody"],
        "headers": {},
        "attachments": [],
        "segments": measured.segments,
        "encoding": measured.encoding,
        "time_to_live_s": request.get("TimeToLive"),
        "configuration_set": request.get("ConfigurationSetName"),
        "context": _context(request),
    }


def _email(request: Mapping[str, Any]) -> dict[str, Any]:
    simple = request["Content"]["Simple"]
    body = simple["Body"]
    return {
        "to": request["Destination"]["ToAddresses"][0],
        "from": request["FromEmailAddress"],
        "subject": simple["Subject"]["Data"],
        "text": (body.get("Text") or {}).get("Data", ""),
        "html": (body.get("Html") or {}).get("Data"),
        "headers": {header["Name"]: header["Value"] for header in simple.get("Headers") or []},
        "attachments": [
            {
                "name": attachment["FileName"],
                "content_type": attachment.get("ContentType"),
                "body_base64": attachment["RawContent"],
            }
            for attachment in simple.get("Attachments") or []
        ],
        "segments": None,
        "encoding": None,
        "configuration_set": request.get("ConfigurationSetName"),
        "context": _context(request),
    }
