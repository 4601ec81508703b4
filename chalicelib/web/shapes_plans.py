"""What is answered about plans, protocols and the course of a follow-up."""

from datetime import date
from typing import Literal

import msgspec

from chalicelib.web.bodies import Clock, LocalTime
from chalicelib.web.shapes import (
    Appointment,
    Channel,
    Contact,
    Instant,
    Patient,
    Reason,
    Shape,
    State,
    TimelineLine,
)

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class PlanOverride(Shape, kw_only=True, frozen=True):
    off: bool
    weekday: Weekday | None
    at: Clock | None


class Plan(Shape, kw_only=True, frozen=True):
    version: int
    protocols: list[str]
    since: dict[str, Instant]
    """When the patient took each protocol up."""
    anchors: dict[str, date]
    days_supply: int | None
    overrides: dict[str, PlanOverride]
    steps: list[TimelineLine]
    """The coming ninety days."""
    warnings: list[str]


class MovedLine(TimelineLine, kw_only=True, frozen=True):
    was_at: Instant = msgspec.field(name="from")
    was_at_local: LocalTime = msgspec.field(name="from_local")
    was_on: Channel = msgspec.field(name="from_channel")


class PlanChanges(Shape, kw_only=True, frozen=True):
    """Every occurrence of the coming eighteen months, in one of the lists."""

    version: int
    """The plan's, after the change."""
    until: Instant
    moved: list[MovedLine]
    added: list[TimelineLine]
    cancelled: list[TimelineLine]
    """As they read before, with what the change has to say of them."""
    kept: list[TimelineLine]
    warnings: list[str]


class Changes(Shape, kw_only=True, frozen=True):
    """What a change does to the coming ninety days."""

    until: Instant
    moved: list[MovedLine]
    added: list[TimelineLine]
    cancelled: list[TimelineLine]
    kept_count: int


class ChangedPatient(Patient, kw_only=True, frozen=True):
    changes: Changes
    warnings: list[str]


class ChangedContact(Contact, kw_only=True, frozen=True):
    changes: Changes
    warnings: list[str]


class BookedAppointment(Appointment, kw_only=True, frozen=True):
    warnings: list[str]


class BookedSeries(Shape, kw_only=True, frozen=True):
    items: list[Appointment]
    next: None
    warnings: list[str]


class PreviewItem(Shape, kw_only=True, frozen=True):
    at: Instant
    local: LocalTime
    kind: str
    channel: Channel
    state: State
    steps: list[str]
    title: str
    text: str
    reason: Reason


class PlanWindow(Shape, kw_only=True, frozen=True):
    protocol: str
    step: str
    title: str
    opens: date
    target: date
    closes: date


class Previewed(Shape, kw_only=True, frozen=True):
    items: list[PreviewItem]
    windows: list[PlanWindow]
    warnings: list[str]
