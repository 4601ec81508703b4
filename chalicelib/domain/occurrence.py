"""One thing a plan makes happen, and what became of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from .ids import OccurrenceId
from .patient import Category, Channel


class Rank(IntEnum):
    """The order in which messages give way when a day or a week is full: the last goes first (clinical §2)."""

    SAFETY = 0
    WELCOME = 1
    DAY_BEFORE = 2
    CHECKIN = 3
    WINDOW = 4
    DAYS_BEFORE = 5
    THERAPY = 6
    WEEK_BEFORE = 7
    NUDGE = 8
    SUPPORTIVE = 9
    HOURS_BEFORE = 10
    EDUCATION = 11
    STAFF = 12


class Shift(StrEnum):
    """What happens to a message whose moment falls outside the contact window."""

    EARLIER = "earlier"
    LATER = "later"
    DROP = "drop"


class State(StrEnum):
    """What became of an occurrence. `SCHEDULED` and `HELD` are still to come; every other is final."""

    SCHEDULED = "scheduled"
    HELD = "held"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    SKIPPED = "skipped"
    SHED = "shed"
    MISSED = "missed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reason:
    """The rule that decided, and the facts it decided on, in a sentence a nurse can read."""

    rule: str
    detail: str


CLOSED_BEFORE_ENROLMENT = "closed_before_enrolment"
"""The rule of what was over before the plan began: recorded once, never sent (clinical reference §2)."""


VOIDED = "voided"
"""The rule of what an operator took back before it went out."""

RESENT = "resent"
"""The rule of what goes out once more because an operator asked for it."""

CANCELLED_BY = frozenset({"appointment_cancelled", VOIDED})
"""The rules that call something off, as against those that let it go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What an occurrence is about, for its wording and its task: ids and dates only."""

    appointments: tuple[str, ...] = ()
    title: str = ""
    date: str = ""
    """A local date, ISO: the visit's, the window's target, the supply's due date."""
    questions: tuple[str, ...] = ()
    tier: str = "routine"
    due: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """What a step wants: this message or task, best at `ideal`, no use after `useful_until` (both UTC)."""

    id: OccurrenceId
    step: str
    kind: str
    """The field's word for it: `appointment`, `checkin`, `window`, `refill`, `pump_refill`, `education`, …"""
    ideal: datetime
    useful_until: datetime
    since: datetime | None = None
    """When the plan came to want it (UTC), where that can be later than `ideal`: it never comes up before."""
    rank: Rank
    category: Category
    channel: Channel
    template: str = ""
    shift: Shift = Shift.LATER
    merge: str = ""
    """Occurrences of one channel with the same non-empty merge key share one message."""
    rides: bool = False
    """Rides along wherever it can: it carries a shared message only if no other does."""
    uncapped: bool = False
    fallback: bool = True
    """May go by e-mail when texts are full or impossible (and by text when there is no e-mail)."""
    about: About = About()
    verdict: Reason | None = None
    """Set when the facts already say that it will not be sent: booked, confirmed, closed before enrolment, …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An occurrence as the agenda placed it."""

    occurrence: Occurrence
    slot: datetime
    """Its moment after the contact window, before any cap: what `Progress.through` is compared with."""
    at: datetime
    """When it happens, or would have."""
    state: State
    channel: Channel
    reason: Reason
    carries: tuple[Occurrence, ...] = ()
    carried_by: OccurrenceId | None = None

    @property
    def acts(self) -> bool:
        """Whether something is sent or a task made at `at`."""
        return self.state is State.SCHEDULED and self.carried_by is None
