"""What the service asks of the outside world, in its own words.

The adapters ring answers these; the memory adapters and the AWS ones pass the same contract tests.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Sms:
    """One text on its way to one number. Address and text never show in a repr, so neither in a traceback."""

    to: str = field(repr=False)
    """E.164."""
    text: str = field(repr=False)
    origination: str
    """The sending number, pool or sender id: its ARN or id."""
    time_to_live_s: int
    """Seconds after which the carrier must drop it rather than deliver it. The provider takes 5 to 259 200
    (72 h, which is also what it assumes when nothing is said); other values are clamped."""
    context: Mapping[str, str] = field(default_factory=dict)
    """At most five opaque pairs that come back on every provider event: the evidence that it was sent."""
    max_price: str | None = None
    """US dollars for one part, as the provider wants it: two digits, a point, up to five digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file carried by an e-mail, such as an appointment's calendar entry."""

    name: str
    content_type: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    """One e-mail on its way to one address."""

    to: str = field(repr=False)
    sender: str
    """The clinic's verified address, with or without a display name."""
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """At most fifteen, printable ASCII; RFC 8058's List-Unsubscribe pair goes here."""
    attachments: tuple[Attachment, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    """Opaque pairs of [A-Za-z0-9_-] that come back on every provider event, as `Sms.context` does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The provider took the message and will report on it under this id."""

    provider_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSent:
    """The message certainly did not leave: nothing reached the provider, or the provider refused it.

    At most one of `permanent` and `retry` is true. With neither, something of ours stands in the way (a
    quota, a permission, an unverified sender): neither the patient's address nor the minute is at fault, and
    people have to put it right.
    """

    code: str
    """The provider's error and reason, never its message: that may quote the number."""
    permanent: bool = False
    """This destination cannot be reached this way, now or later."""
    opted_out: bool = False
    """The provider itself holds a STOP for this destination."""
    retry: bool = False
    """The same message may well be accepted later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ambiguous:
    """The question was asked and the answer lost: it may have been sent. Only evidence can settle it."""

    code: str


Outcome = Accepted | NotSent | Ambiguous


class SmsProvider(Protocol):
    def send(self, sms: Sms) -> Outcome:
        """Ask once. The provider knows no idempotency token, so nothing below here may ask again."""


class EmailProvider(Protocol):
    def send(self, email: Email) -> Outcome:
        """Ask once, as for texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueMessage:
    """A reference on its way to a worker: opaque ids only."""

    body: str
    delay_s: int = 0
    """Seconds before it shows, 0 to 900."""
    group: str | None = None
    """The clinic: a busy one does not starve the others (fair queues)."""

    def __post_init__(self) -> None:
        if not 0 <= self.delay_s <= 900:
            raise ValueError(f"a queue delays by 0 to 900 s, not {self.delay_s}")


class Queue(Protocol):
    def send(self, messages: Sequence[QueueMessage]) -> None:
        """Queue every message, ten to a call. May deliver more than once and in any order.

        Raises `NotQueued` when some could not be queued even when asked again; others of the batch may have
        been, which is harmless, for a reference only ever points at the truth in the table.
        """


class NotQueued(Exception):  # noqa: N818
    """Some messages of a batch were refused: how many, and the queue's codes."""

    def __init__(self, count: int, codes: Sequence[str]) -> None:
        super().__init__(f"{count} messages not queued: {', '.join(sorted(set(codes)))}")
        self.count = count
