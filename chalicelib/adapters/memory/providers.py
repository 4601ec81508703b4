"""The carrier and the mail service in memory, with faults on order."""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count
from typing import Generic, TypeVar

from chalicelib.service.ports import (
    Accepted,
    Ambiguous,
    Email,
    EmailProvider,
    NotSent,
    Outcome,
    Sms,
    SmsProvider,
)


class Fault(StrEnum):
    """What a provider does to one request."""

    OK = "ok"
    THROTTLE = "throttle"
    REJECT = "reject"
    OPTED_OUT = "opted_out"
    QUOTA = "quota"
    """The account may send no more for now."""
    UNREACHABLE = "unreachable"
    """No connection: nothing was asked."""
    TIMEOUT_BEFORE = "timeout_before"
    """No answer, and the message was not taken."""
    TIMEOUT_AFTER = "timeout_after"
    """No answer, and the message was taken."""
    ERROR = "error"
    """A 500, and the message was not taken."""
    CRASH_BEFORE = "crash_before"
    CRASH_AFTER_ACCEPT = "crash_after_accept"
    """The calling function dies after the message was taken."""


TAKEN = frozenset({Fault.OK, Fault.TIMEOUT_AFTER, Fault.CRASH_AFTER_ACCEPT})


class Crashed(BaseException):
    """The running function was killed. Not an Exception: no error handling may survive it."""


_ANSWERS: dict[Fault, Outcome] = {
    Fault.THROTTLE: NotSent(code="ThrottlingException", retry=True),
    Fault.REJECT: NotSent(code="Rejected", permanent=True),
    Fault.OPTED_OUT: NotSent(
        code="ConflictException:DESTINATION_PHONE_NUMBER_OPTED_OUT", permanent=True, opted_out=True
    ),
    Fault.QUOTA: NotSent(code="ServiceQuotaExceededException:MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT", account=True),
    Fault.UNREACHABLE: NotSent(code="EndpointConnectionError", retry=True),
    Fault.TIMEOUT_BEFORE: Ambiguous(code="ReadTimeoutError"),
    Fault.TIMEOUT_AFTER: Ambiguous(code="ReadTimeoutError"),
    Fault.ERROR: Ambiguous(code="InternalServerException"),
}

Message = TypeVar("Message", Sms, Email)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted(Generic[Message]):
    """One call of a provider, taken or not."""

    message: Message
    fault: Fault
    provider_id: str | None
    """The id its events will carry; None where it was not taken."""


@dataclass(slots=True)
class _Provider(Generic[Message]):
    prefix: str
    attempts: list[Attempted[Message]] = field(default_factory=list)
    """Every call, in order."""
    _script: deque[Fault] = field(default_factory=deque)
    _ids: "count[int]" = field(default_factory=lambda: count(1))

    @property
    def sent(self) -> list[Message]:
        """What was taken and so would reach people, in order."""
        return [attempt.message for attempt in self.attempts if attempt.fault in TAKEN]

    def script(self, *faults: Fault) -> None:
        """What to do with the next requests, one fault each; after that, everything is taken."""
        self._script.extend(faults)

    def send(self, message: Message) -> Outcome:
        fault = self._script.popleft() if self._script else Fault.OK
        provider_id = f"{self.prefix}-{next(self._ids):06d}" if fault in TAKEN else None
        self.attempts.append(Attempted(message=message, fault=fault, provider_id=provider_id))
        if fault in (Fault.CRASH_BEFORE, Fault.CRASH_AFTER_ACCEPT):
            raise Crashed(fault)
        if fault in _ANSWERS:
            return _ANSWERS[fault]
        assert provider_id is not None, "whatever is answered Accepted was taken"
        return Accepted(provider_id=provider_id)


class MemorySms(_Provider[Sms], SmsProvider):
    def __init__(self) -> None:
        super().__init__("sms")

    def send(self, sms: Sms) -> Outcome:
        return super().send(sms)


class MemoryEmail(_Provider[Email], EmailProvider):
    def __init__(self) -> None:
        super().__init__("email")

    def send(self, email: Email) -> Outcome:
        return super().send(email)
