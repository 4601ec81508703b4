"""The plan: which protocols a patient follows, from which dates, with which departures from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum

from .protocol import Anchor


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A protocol version the patient follows since `since` (UTC). What closed before that is never sent."""

    protocol: str
    since: datetime
    own: bool = False
    """The clinic's own, not one that ships: neither ever stands in for the other under its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A departure from one step, keyed in the plan by `<protocol>/<step>`."""

    off: bool = False
    weekday: int | None = None
    at: time | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    version: int
    pins: tuple[Pin, ...]
    anchors: Mapping[Anchor, date] = field(default_factory=dict)
    overrides: Mapping[str, Override] = field(default_factory=dict)

    def anchor(self, anchor: Anchor) -> date | None:
        """The date steps count from. A deficit without an onset of its own counts from the injury."""
        found = self.anchors.get(anchor)
        if found is None and anchor is Anchor.DEFICIT_ONSET:
            return self.anchors.get(Anchor.INJURY)
        return found


class AppointmentKind(StrEnum):
    THERAPY = "therapy"
    ASSESSMENT = "assessment"
    PHYSICIAN = "physician"
    OTHER = "other"


class AppointmentStatus(StrEnum):
    BOOKED = "booked"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    ATTENDED = "attended"
    MISSED = "missed"

    @property
    def stands(self) -> bool:
        return self in (AppointmentStatus.BOOKED, AppointmentStatus.CONFIRMED)


class Profile(StrEnum):
    """Which reminders an appointment gets: clinical reference §5."""

    APPOINTMENT = "appointment"
    THERAPY = "pt"
    HIGH_RISK_NO_SHOW = "high_risk_no_show"


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """A visit with a time. `starts_at` is an instant; it was given in the patient's zone of that day."""

    id: str
    kind: AppointmentKind
    starts_at: datetime
    status: AppointmentStatus
    set_at: datetime
    """When it got this time; reminders whose moment had passed by then are not caught up."""
    profile: Profile
    window_step: str | None = None
    """`<protocol>/<step>` of the visit window it serves."""
    generation: int = 0
    """Counts the moves after a reminder had gone out: each earns reminders of its own."""


class EventType(StrEnum):
    FILL = "fill"
    PUMP_REFILL = "pump_refill"
    INJECTION = "injection"
    DISCHARGE = "discharge"
    CATHETER_CHANGE = "catheter_change"
    DEFICIT_ONSET = "deficit_onset"


ANCHOR_OF_EVENT = {
    EventType.FILL: Anchor.LAST_FILL,
    EventType.PUMP_REFILL: Anchor.PUMP_ALARM,
    EventType.INJECTION: Anchor.INJECTION,
    EventType.DISCHARGE: Anchor.DISCHARGE,
    EventType.CATHETER_CHANGE: Anchor.CATHETER_CHANGE,
    EventType.DEFICIT_ONSET: Anchor.DEFICIT_ONSET,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """The latest of its kind: a fill, a pump refill, a catheter change."""

    anchor: Anchor
    number: int
    """Counts the events of its kind; each is a new cycle with occurrences of its own."""
    days_supply: int | None = None
    confirmed: bool = False
    """The patient said the next one is done or arranged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The check-in that is open: sent, and not yet fully answered. A new one closes it."""

    occurrence: str
    step: str
    sent_at: datetime
    questions: tuple[str, ...]
    answers: Mapping[str, str] = field(default_factory=dict)
    missed_before: int = 0
    """How many sessions just before this one got no answer at all."""
    stable: int = 0
    """How many answered sessions in a row, up to and with this one, showed nothing to act on."""
    recent: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """The last few answers to each question, oldest first, carried from session to session: the patient's baseline."""
    slower_since: date | None = None
    """From this local date on every second session is left out: the patient has been stable for long."""

    heard: bool = False
    """The patient wrote back in words, which answer none of its questions: they are not silent."""

    @property
    def answered(self) -> bool:
        return bool(self.answers) or self.heard
