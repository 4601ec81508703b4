"""The cursor: the one small item that says where a patient's plan stands and when to look at it next.

Its `rev` fences every change of facts and its `seq` every wake, so that a claim, the conditional write that takes a
wake and moves the cursor on in one step, is the last check before anything leaves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from . import ENGINE
from .facts import Progress
from .occurrence import About, Entry, Occurrence, Rank, Reason, State
from .patient import Category, Channel
from .plan import Session

SHARDS = 4
"""The due index is spread over this many partitions: 500 claims a second each, which is what a new index takes
anyway (2,000 a second) and twenty times what a short code can send."""


class Lane(StrEnum):
    """What a wake will need a slot on: a number's texts, the e-mail service, or nothing."""

    SMS = "sms"
    EMAIL = "email"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one occurrence came to in a wake, as the history keeps it."""

    id: str
    step: str
    kind: str
    channel: Channel
    state: State
    """`SENT` means: it went with the wake's message, and its fate is the message's."""
    rule: str
    detail: str
    planned_at: datetime
    about: About = About()
    carried_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wake:
    """What one wake does: at most one message, any number of tasks, and what it lays to rest."""

    due: datetime
    channel: Channel
    """SMS or EMAIL for a message; TASK when nothing is sent."""
    kind: str
    template: str
    category: Category
    rank: Rank
    useful_until: datetime
    about: About
    outcomes: tuple[Outcome, ...]

    @property
    def sends(self) -> bool:
        return self.channel is not Channel.TASK

    @property
    def carried(self) -> tuple[Outcome, ...]:
        """What its message carries: their fate is the message's."""
        return tuple(o for o in self.outcomes if o.channel is not Channel.TASK and o.state is State.SENT)

    @property
    def tasks(self) -> tuple[Outcome, ...]:
        """What becomes work for staff: each piece once, whatever shares it."""
        work = (o for o in self.outcomes if o.channel is Channel.TASK and o.state is State.SENT)
        return tuple(o for o in work if o.carried_by is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One call of a provider."""

    number: int
    at: datetime
    outcome: str
    """`accepted`, `not_sent` or `ambiguous`."""
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InFlight:
    """The latest wake of a channel: claimed, and settled once the history holds its record."""

    seq: int
    attempt: int
    token: str
    at: datetime
    not_sent: bool = False
    """The provider said for certain that this attempt did not go out."""
    unsure: int = 0
    """How many earlier attempts may have gone out."""
    earlier: tuple[Attempt, ...] = ()
    """The latest few of the attempts before this one."""
    wake: Wake


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    rev: int
    seq: int
    due: datetime | None
    """The next instant at which something may have to be done; None when there is nothing to come."""
    lane: Lane
    progress: Progress
    in_flight: Mapping[Channel, InFlight] = field(default_factory=dict)
    computed_by: str = ENGINE
    """Agenda and zone-data version behind `due`."""
    held: Reason | None = None
    """Why a due reminder waits, while it does."""
    session: Session | None = None
    """The open check-in: it stands here because the claim that sends one also opens it."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing is done now; look again at `until` (None: when somebody changes something)."""

    until: datetime | None
    lane: Lane
    reason: Reason
    kind: str = ""
    """The occurrence that waits, by its kind, where one is known."""
    told: bool = False
    """Whether what waits was due: then the cursor keeps the reason."""


def lane_of(entry: Entry | None) -> Lane:
    match entry.channel if entry else None:
        case Channel.SMS:
            return Lane.SMS
        case Channel.EMAIL:
            return Lane.EMAIL
        case _:
            return Lane.NONE


def outcome_of(entry: Entry, state: State) -> Outcome:
    o: Occurrence = entry.occurrence
    return Outcome(
        id=o.id,
        step=o.step,
        kind=o.kind,
        channel=entry.channel,
        state=state,
        rule=entry.reason.rule,
        detail=entry.reason.detail,
        planned_at=o.ideal,
        # What a message is about stands with its wake; only a task is made of its outcome.
        about=o.about if entry.channel is Channel.TASK else About(title=o.about.title),
        carried_by=entry.carried_by,
    )
