"""What is said, both ways: the messages beside the reminders, the numbers they travel by, and the port they are kept
behind."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from chalicelib.domain.delivery import Event
from chalicelib.domain.ids import ClinicId, PatientId
from chalicelib.domain.patient import Channel
from chalicelib.service.chart import Task

NOBODY = PatientId("unknown-sender--")
"""Under this id, as long as every other, stands what came from a number that is no patient's of the clinic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Anything sent or heard that is no reminder: a reply, its answer, a page to staff, a note from staff.

    Its id is made of what caused it, so that it is claimed once however often its cause comes round.
    """

    id: str
    clinic_id: ClinicId
    patient_id: PatientId
    inbound: bool
    channel: Channel
    audience: str
    """`patient` or `staff`."""
    kind: str
    at: datetime
    text: str = field(repr=False)
    cause: str = ""
    """The id of the message or reminder that this one answers or stands in for."""
    status: str = "sending"
    """Inbound: `received`, then `handled`. Outbound: as `domain.delivery.Status`."""
    attempt: int = 1
    provider_id: str = ""
    detail: str = ""
    template: str = ""
    version: int = 0
    language: str = ""
    tier: str = ""
    rules: tuple[str, ...] = ()
    """What decided the tier: names of rules, not the words they saw."""
    evidence: str = field(default="", repr=False)
    sender: str = field(default="", repr=False)
    """The number it came from, where no patient is known to have written it."""
    prompt: str = ""
    """The question an inbound message answers, settled when it was heard."""
    kept_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer of a check-in, graded."""

    id: str
    at: datetime
    question: str
    answer: str
    tier: str
    rule: str
    detail: str
    baseline: float | None = None
    kept_until: datetime | None = None
    cause: str = ""
    """The id of the message it stands in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A message from a phone that several patients share, until it is said whose it is."""

    message_id: str
    text: str = field(repr=False)
    at: datetime
    patients: tuple[str, ...]


class Conversation(Protocol):
    """Where messages, numbers and tasks are kept. Writes that lose a race answer so; nothing is overwritten."""

    def clinic_of_number(self, sms_number: str) -> str | None: ...

    def waiting(self, clinic_id: str, number: str) -> Waiting | None: ...

    def wait(self, clinic_id: str, number: str, waiting: Waiting | None) -> None: ...

    def claim(self, message: Message) -> Message | None:
        """Stores the message if it is not there; answers the one that is."""

    def replace(self, old: Message, new: Message) -> bool:
        """Stores `new` if the message still stands as `old` does."""

    def record(self, message: Message, event: Event) -> None:
        """Writes what became of a send; a status moves only as the table of `domain.delivery` lets it."""

    def record_handled(self, message: Message) -> None:
        """Everything an inbound message asked for has been done."""

    def evidence(
        self, clinic_id: str, patient_id: str, message_id: str, event: Event, provider_id: str, detail: str
    ) -> None: ...

    def message(self, clinic_id: str, patient_id: str, message_id: str) -> Message | None: ...

    def messages(self, clinic_id: str, patient_id: str) -> Iterator[Message]:
        """All of a patient's, in order of their ids."""

    def said_since(
        self, clinic_id: str, patient_id: str, kinds: Set[str], since: datetime, *, besides: str = ""
    ) -> bool:
        """Whether a message of one of the kinds has gone to the patient after `since`, or may have, but for one that
        `besides` caused."""

    def safety_asked(self, clinic_id: str, patient_id: str, since: datetime) -> datetime | None:
        """When the safety question was last asked after `since`, if nothing has answered it."""

    def add_answer(self, clinic_id: str, patient_id: str, answer: Answer) -> None: ...

    def answers(self, clinic_id: str, patient_id: str) -> list[Answer]:
        """In order of time."""

    def task(self, clinic_id: str, task_id: str) -> Task | None: ...

    def task_of_code(self, clinic_id: str, code: str) -> Task | None:
        """The open task of that short code."""

    def new_code(self, clinic_id: str) -> str:
        """A short code that no recent task of the clinic has."""

    def last_unread(self, clinic_id: str, patient_id: str) -> str:
        """Which of the patient's tasks was opened last by `open_unread`; empty before the first."""

    def open_unread(self, task: Task, *, after: str | None) -> bool:
        """Opens the task, with its code if it has one. False where it is there already, or where another has been
        opened since `after` was the last one; None: others do not matter."""

    def replace_task(self, old: Task, new: Task) -> bool:
        """Stores `new`, with the code it may have been given, if the task still stands as `old`."""

    def overdue_tasks(self, upto: datetime, *, limit: int) -> Sequence[Task]:
        """Unacknowledged urgent tasks whose next rung was due by then."""

    def unanswered_tasks(self) -> int:
        """How many there are of all clinics that everybody has been paged about. May lag by seconds."""
