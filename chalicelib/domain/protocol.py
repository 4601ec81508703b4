"""Follow-up protocols: what a clinic has agreed to do for a kind of patient, as data.

A protocol is a tuple of steps, each of one of the kinds below. A published version never changes; a plan pins the
version it was made with. `protocol_check` tells a clinic what is wrong with one it wrote, naming step and field.
"""

from dataclasses import dataclass
from datetime import time
from enum import StrEnum

from .local_time import Period


class Anchor(StrEnum):
    """The dates of a patient's own course that steps count from."""

    INJURY = "injury_date"
    DEFICIT_ONSET = "deficit_onset_date"
    ENROLMENT = "enrolment_date"
    DISCHARGE = "discharge_date"
    INJECTION = "injection_date"
    LAST_FILL = "last_fill_date"
    PUMP_ALARM = "pump_low_reservoir_alarm_date"
    CATHETER_CHANGE = "last_catheter_change"


class Priority(StrEnum):
    SAFETY = "safety"
    CLINICAL = "clinical"
    SUPPORTIVE = "supportive"
    EDUCATION = "education"


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitWindow:
    """An assessment to be booked and attended between `opens` and `closes`, best at `target` (from the anchor).

    Staff get a booking task fourteen days before it opens; the patient is written to at `target` if nothing is
    booked; staff are told when it closed unattended.
    """

    key: str
    title: str
    opens: Period
    target: Period
    closes: Period
    repeat: Period | None = None
    message: str = "window_open"
    """Which text asks the patient to book; `none` leaves it to staff alone."""
    overlaps: bool = False
    """A separate assessment: its window may cross others of its protocol, which is a slip anywhere else."""
    priority: Priority = Priority.CLINICAL
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkin:
    """A session of questions the patient answers with one character each; the first is always "new or worse?"."""

    key: str
    every: Period
    starts: Period
    until: Period | None = None
    then_every: Period | None = None
    weekday: int | None = None
    """Monday is 0; None spreads patients over Monday to Friday."""
    at: time | None = None
    """Local time; None spreads patients over the late morning."""
    max_questions: int = 4
    nudge_after: Period | None = None
    joins: bool = False
    """An extra session: one that falls within a day of a main session joins it."""
    step_down_after: int | None = None
    """After this many stable check-ins in a row every second session is left out."""
    priority: Priority = Priority.CLINICAL
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question that joins a check-in session; it never sends a message of its own."""

    key: str
    message: str
    every: Period
    until: Period | None = None
    priority: Priority = Priority.CLINICAL
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message that recurs (`every`) or is sent once (`every` None), on one channel."""

    key: str
    message: str
    starts: Period
    every: Period | None = None
    until: Period | None = None
    channel: str = "sms"
    priority: Priority = Priority.SUPPORTIVE
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing a supply makes happen at an offset from its due date: a message to the patient or a task for staff."""

    at: Period
    message: str | None = None
    task: str | None = None
    tier: str = "routine"
    unless: str | None = None
    """`confirmed` (the patient said it is done, or the visit is confirmed) or `booked` drops it."""
    both_channels: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """Something that runs out: due `due` after the anchor (or days of supply after it), re-anchored by each event."""

    key: str
    title: str
    due: Period | None
    """None: the event's own days of supply."""
    notices: tuple[Notice, ...]
    anchor: Anchor | None = None
    """The date it runs from, where that is not the protocol's own anchor."""
    uncapped: bool = False
    """Its messages may exceed the caps: stopping the medicine abruptly is dangerous (intrathecal baclofen's boxed
    warning: high fever, altered mental status, rhabdomyolysis, death)."""
    priority: Priority = Priority.SAFETY
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffTask:
    """Work for staff at a date, or whenever nobody has been seen for a while (`no_visit_for`)."""

    key: str
    title: str
    at: Period | None = None
    due: Period | None = None
    no_visit_for: Period | None = None
    until: Period | None = None
    priority: Priority = Priority.CLINICAL
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A block of appointments the clinic sets itself; until some exist, staff have a task to set it."""

    key: str
    title: str
    at: Period
    profile: str
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """A clock shown to staff only. Never texted: a countdown is no message for a patient."""

    key: str
    amber: Period
    red: Period
    ends: Period
    evidence: str = ""


Step = VisitWindow | Checkin | Question | Message | Supply | StaffTask | Series | Badge


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    id: str
    """Ends in its version: `spasticity.v1`."""
    name: str
    anchor: Anchor
    steps: tuple[Step, ...]
    default_on: bool = False
    applies_if: str | None = None
    """A clinical fact the patient must have: `ad_risk` or `itb_pump`."""
    needs_anchor: bool = False
    """Without its anchor date staff get a blocking task, not just a warning."""
    only_with_anchor: bool = False
    """A default only where the anchor date is known: who was never an inpatient needs no transition."""
    excludes: tuple[str, ...] = ()
    """Families (`neuro.isncsci`, whatever the version) that no plan may follow together with this one."""
    note: str = ""

    @property
    def family(self) -> str:
        """The id without its version: `spasticity`."""
        return self.id.rpartition(".v")[0]

    def step(self, key: str) -> Step | None:
        return next((step for step in self.steps if step.key == key), None)
