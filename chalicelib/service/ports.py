"""What the service asks of the outside world, in its own words.

The adapters ring answers these; the memory adapters and the AWS ones pass the same contract tests.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from chalicelib.domain.clinic import Clinic
from chalicelib.domain.cursor import Cursor, InFlight
from chalicelib.domain.delivery import Event, Reminder
from chalicelib.domain.occurrence import Reason
from chalicelib.domain.patient import Category, Consent, ContactStatus, Standing
from chalicelib.service.chart import TO_DO, AccessKey, Audit, Chart, Reference, Task


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


SANDBOX = "sandbox"
"""The code of what no provider was asked for: the stage is a sandbox, and the address is not on its list."""


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
    account: bool = False
    """The account may send no more on this channel for now, to anybody: a spend limit, a daily quota."""


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


class NotQueued(Exception):
    """Some messages of a batch were refused: how many, and the queue's codes."""

    def __init__(self, count: int, codes: Sequence[str]) -> None:
        super().__init__(f"{count} messages not queued: {', '.join(sorted(set(codes)))}")
        self.count = count


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in the order of what is due: just after this patient's wake."""

    due: datetime
    clinic_id: str
    patient_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """What of the due index has been queued, and when each busy lane is free again. Every reminder's truth is its
    cursor: without a watermark the tick only looks at more than it must."""

    turn: int
    """Counts the ticks that moved it; the next one moves it only from there."""
    places: Mapping[int, Place] = field(default_factory=dict)
    """For each shard, the place up to which everything has been queued."""
    lanes: Mapping[str, datetime] = field(default_factory=dict)


CLINIC_KEPT = timedelta(seconds=20)
"""How old a worker's copy of its clinic's settings may be: at one text a second this spares nineteen reads in twenty.
The stop switch does not wait for it (docs/decisions/clinic-stop.md)."""


class Store(Protocol):
    """Everything durable. Reads of one patient are consistent; lists and indexes may lag by seconds.

    A write answers False where somebody else changed the same thing first: load again, decide again.
    """

    # clinics and their keys

    def create_clinic(self, clinic: Clinic) -> bool:
        """False when the sending number is another clinic's already."""

    def clinic(self, clinic_id: str, *, now: datetime | None = None) -> Clinic | None:
        """The clinic as it stands; with `now`, as it stood at most `CLINIC_KEPT` before, unless it was stopped."""

    def clinics(self) -> list[Clinic]: ...

    def stops(self) -> Mapping[str, bool]:
        """Every clinic's id, and whether its stop switch is on. One query, which may lag by seconds."""

    def replace_clinic(self, old: Clinic, new: Clinic) -> bool: ...

    def add_key(self, key: AccessKey) -> None: ...

    def keys(self, clinic_id: str) -> list[AccessKey]: ...

    def key_of(self, secret_hash: str) -> AccessKey | None: ...

    def revoke_key(self, key: AccessKey) -> None: ...

    # patients

    def chart(self, clinic_id: str, patient_id: str, *, now: datetime) -> Chart | None:
        """One consistent read of everything that decides a patient's sends. Costs one call, and a second one when the
        clinic's settings are not known as new as the cursor asks for."""

    def enrolment(self, clinic_id: str, patient_id: str) -> str | None:
        """The digest of the body the patient was enrolled with."""

    def enrol(
        self, chart: Chart, digest: str, consents: Sequence[Consent], tasks: Sequence[Task], audit: Audit
    ) -> bool:
        """Everything of a new patient in one transaction. False when the patient is there already, or a contact that
        is to be written to has an address that forbids it by now."""

    def commit(
        self,
        old: Chart,
        new: Chart,
        *,
        audit: Audit,
        tasks: Sequence[Task] = (),
        consents: Sequence[Consent] = (),
    ) -> bool:
        """All that differs between the two charts, in one transaction, if neither `rev` nor `seq` has moved, and no
        contact comes to be written to whose address forbids it by now."""

    def roster(self, clinic_id: str, *, limit: int, start: str | None = None) -> tuple[list[str], str | None]:
        """A page of the clinic's patient ids in order of name, and where the next one starts: that holds a name."""

    def roster_after(self, clinic_id: str, patient_id: str, *, limit: int) -> list[str] | None:
        """Ids of the patients after that one in order of name, from the first where it is empty; None where that one
        is no longer there. For whom a page waits in a queue, where no name may be."""

    # addresses

    def patients_of(self, clinic_id: str, address: str) -> list[str]:
        """The clinic's patients who have a contact with that address. Consistent: whoever is enrolled before it is
        asked is among them."""

    def standing(self, clinic_id: str, address: str) -> Standing: ...

    def mark(
        self,
        clinic_id: str,
        address: str,
        status: ContactStatus,
        at: datetime,
        *,
        only_from: ContactStatus | None = None,
    ) -> None:
        """Writes how the address stands. What it said itself is never taken back by what a provider says of it."""

    def mute(self, clinic_id: str, address: str, categories: Collection[Category], *, on: bool) -> None:
        """Writes which categories are not wanted there, or (`on`) are wanted again."""

    # delivery

    def due(self, shard: int, after: Place | None, upto: datetime, *, limit: int) -> list[Reference]:
        """What the index holds as due after the place and up to the instant, in order, at most `limit`. Fewer: that
        is all."""

    def watermark(self) -> Watermark | None: ...

    def advance_watermark(self, old: Watermark | None, new: Watermark) -> bool: ...

    def claim(self, chart: Chart, new: Cursor) -> bool:
        """Takes the wake and moves the cursor on, in one conditional write. True also where an earlier asking did so
        and its answer was lost (it carries the claim's own token); False when the chart no longer stands."""

    def hold(self, reference: Reference, until: datetime | None, *, reason: Reason | None, lane: str = "") -> bool:
        """Moves a due wake to `until` (None: until somebody changes something) and to `lane`, without taking it."""

    def outdate(self, reference: Reference, clinic_version: int) -> bool:
        """Has the wake decided anew by somebody who knows the clinic's settings as of that version or later: claims
        based on an earlier reading are refused."""

    def retry(self, chart: Chart, old: InFlight, new: InFlight) -> bool:
        """Replaces a claim by its next attempt, if it still stands as `old`."""

    def reminder(self, clinic_id: str, patient_id: str, seq: int) -> Reminder | None: ...

    def reminders(self, clinic_id: str, patient_id: str, *, after: int = 0) -> Iterator[Reminder]:
        """The history from `seq` after + 1 on, in order."""

    def latest_reminders(self, clinic_id: str, patient_id: str) -> Iterator[Reminder]:
        """The history, the latest first, read a little at a time."""

    def record(self, reminder: Reminder, event: Event) -> None:
        """Writes the record of a wake. Its status moves as the event says from whatever stands there already."""

    def evidence(
        self,
        clinic_id: str,
        patient_id: str,
        seq: int,
        event: Event,
        provider_id: str,
        at: datetime,
        detail: str,
        *,
        attempt: int,
    ) -> None:
        """Notes a provider's event on the record it is about, which may not exist yet. Once a further attempt is
        claimed, nothing but a delivery counts of what is told of an earlier one."""

    def try_again(self, reminder: Reminder, attempt: int, text: str, at: datetime) -> bool:
        """Claims the one further attempt at a reminder that did not reach its phone."""

    # staff

    def open_task(self, task: Task) -> bool:
        """False when it is there already."""

    def tasks(
        self, clinic_id: str, *, states: Sequence[str] = TO_DO, limit: int, after: str = ""
    ) -> tuple[list[Task], bool]:
        """The clinic's tasks in these states, worst first (`Task.order`), from after that place on; and whether there
        are more."""

    def tasks_of(self, clinic_id: str, patient_id: str) -> list[Task]:
        """All of the patient's tasks, worst first."""
