"""What is answered, as types: the schemas that are published, and that a test holds every answer to."""

from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, UnsetType

from chalicelib.web.bodies import ChannelName, DayHours, Hours, Language, LocalTime, Retention

Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]+$")]
Instant = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
Seconds = Annotated[int, Meta(ge=0)]
Count = Annotated[int, Meta(ge=0)]
Channel = Literal["sms", "email", "task"]
Tier = Literal["routine", "review_soon", "urgent", "emergency"]
State = Literal["scheduled", "held", "sent", "delivered", "failed", "skipped", "shed", "missed", "cancelled", "unknown"]
MessageState = Literal["sending", "sent", "delivered", "failed", "unknown"]


class Shape(Struct, kw_only=True, frozen=True):
    """Part of an answer."""


class Health(Shape, kw_only=True, frozen=True):
    """To anybody the status alone; the rest to the operator."""

    status: Literal["ok"]
    oldest_due_s: Seconds | UnsetType = msgspec.UNSET
    """How long the oldest due reminder of a running clinic has waited; 0 when none is due."""
    watermark_age_s: Seconds | UnsetType | None = msgspec.UNSET
    """How far the tick lags behind; null before its first run."""
    clinics: Count | UnsetType = msgspec.UNSET
    stopped_clinics: Count | UnsetType = msgspec.UNSET
    """Those whose stop switch is on."""


class FieldProblem(Shape, kw_only=True, frozen=True):
    field: str
    """A dotted path into the request, such as `anchors.injury_date`."""
    message: str


class Problem(Shape, kw_only=True, frozen=True, omit_defaults=True):
    """Why a request was refused (RFC 9457). Nothing was changed."""

    type: str
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    detail: str
    errors: list[FieldProblem] = []


class Person(Shape, kw_only=True, frozen=True):
    name: str
    phone: str | None
    email: str | None


class Stopped(Shape, kw_only=True, frozen=True):
    at: Instant
    reason: str | None


class Clinic(Shape, kw_only=True, frozen=True):
    id: Id
    name: str
    timezone: str
    country: str
    phone: str
    sms_number: str
    from_email: str
    language: Language
    contact_window: Hours | None
    office_hours: list[DayHours]
    holidays: list[date]
    on_call: list[Person]
    lead: Person | None
    sms_content_level: Literal["minimal", "standard"]
    sms_per_second: float
    number_countries: list[str]
    """Whose numbers patients may have, by ISO 3166 code."""
    enrolments_a_day: int
    messages_a_day: int
    spend_a_month: float
    """US dollars."""
    price_per_segment: float
    price_per_email: float
    retention: Retention
    stopped: Stopped | None
    version: int


class AccessKey(Shape, kw_only=True, frozen=True):
    id: Id
    role: Literal["admin", "clinician", "viewer"]
    label: str
    created_at: Instant


class NewAccessKey(AccessKey, kw_only=True, frozen=True):
    token: str
    """The bearer token. It is shown this once and kept nowhere."""


class Clinical(Shape, kw_only=True, frozen=True):
    ad_risk: bool | None
    itb_pump: bool
    oral_baclofen: bool
    etiology: str
    baseline_psfs: int | None


class Contact(Shape, kw_only=True, frozen=True):
    id: Id
    role: Literal["self", "proxy"]
    channel: ChannelName
    address: str
    name: str | None
    language: str | None
    consent: bool
    status: Literal["ok", "stopped", "bad", "wrong_person"]
    muted: list[str]


class Pause(Shape, kw_only=True, frozen=True):
    start: Instant = msgspec.field(name="from")
    until: Instant | None
    reason: str


class Patient(Shape, kw_only=True, frozen=True):
    id: Id
    external_id: str
    status: Literal["active", "paused", "discharged", "deceased"]
    given_name: str
    family_name: str
    language: str
    timezone: str
    contact_window: Hours | None
    two_hours_before: bool
    enrolled_at: Instant
    clinical: Clinical
    contacts: list[Contact]
    pauses: list[Pause]
    ended_on: date | None
    """When the follow-up ended, by discharge or death."""
    next_due: Instant | None
    version: int


class Reason(Shape, kw_only=True, frozen=True):
    rule: str
    detail: str


class TimelineLine(Shape, kw_only=True, frozen=True):
    occurrence_id: Id
    reminder_id: Id | None
    planned_at: Instant
    at: Instant
    local: LocalTime
    sent_at: Instant | None
    kind: str
    channel: Channel
    state: State
    reason: Reason
    text: str
    title: str
    steps: list[str]
    carried_by: Id | None


class EnrolledPlan(Shape, kw_only=True, frozen=True):
    version: int
    protocols: list[str]
    anchors: dict[str, date]
    next_due: Instant | None
    steps: list[TimelineLine]
    warnings: list[str]


class EnrolledPatient(Patient, kw_only=True, frozen=True):
    plan: EnrolledPlan
    warnings: list[str]


class Appointment(Shape, kw_only=True, frozen=True):
    id: Id
    kind: Literal["therapy", "assessment", "physician", "other"]
    starts_at: LocalTime
    timezone: str
    at: Instant
    status: Literal["booked", "confirmed", "cancelled", "attended", "missed"]
    profile: Literal["appointment", "pt", "high_risk_no_show"]
    window_step: str | None


class Task(Shape, kw_only=True, frozen=True):
    id: Id
    code: str
    tier: Tier
    kind: str
    title: str
    reason: Reason
    patient_id: str
    message_id: str | None
    """The message that decided what the task is."""
    message_ids: list[str]
    """All that it is about, in the order they were said. The words stand at `/patients/{id}/messages`."""
    opened_at: Instant
    urgent_since: Instant | None
    """Since when it cannot wait: a milder message may have opened it."""
    due_on: str | None
    ack_by: str | None
    acked_at: Instant | None
    rung: int
    state: Literal["open", "acked", "closed"]
    outcome: str | None
    note: str | None
    """What came of it, in the words of whoever closed it."""
    closed_by: str | None
    closed_at: Instant | None


class Said(Shape, kw_only=True, frozen=True):
    id: Id
    at: Instant
    direction: Literal["in", "out"]
    channel: Literal["sms", "email"]
    kind: str
    text: str
    status: str
    detail: str | None
    """Why it was not sent or did not arrive: the provider's code, or `sandbox`."""
    tier: Tier | None
    rules: list[str]
    """The rules that decided the tier, for what a patient wrote."""
    language: str
    sender: str | None
    """The number it came from, where no patient is known to have written it."""


class Checkin(Shape, kw_only=True, frozen=True):
    at: Instant
    question: str
    answer: str
    text: str | None
    tier: Tier
    baseline: float | None
    reason: Reason


class LineProblem(Shape, kw_only=True, frozen=True):
    line: int
    """The line of the file the row begins on; the head is line 1."""
    field: str
    message: str


class Import(Shape, kw_only=True, frozen=True):
    id: Id | None
    """None for a dry run, of which nothing is kept."""
    rows: int
    valid: int
    created: int
    unchanged: int
    errors: list[LineProblem]
    state: Literal["checked", "running", "done"]
    progress: Annotated[float, Meta(ge=0, le=1)]
    dry_run: bool


class AuditEntry(Shape, kw_only=True, frozen=True):
    id: Id
    at: Instant
    actor: str
    """A key's id, a staff member's subject, `operator` or `service`."""
    action: str
    patients: list[str]
    detail: str
    reason: str | None
    """What the caller gave in `X-Reason`."""


class WorklistItem(Shape, kw_only=True, frozen=True):
    kind: Literal["alert", "unreachable", "non_responder", "window_closing", "stale_booking"]
    tier: Tier
    patient_id: Id
    name: str
    external_id: str
    title: str
    why: str
    since: Instant
    due_on: str | None
    task_id: str | None


class Worklist(Shape, kw_only=True, frozen=True):
    items: list[WorklistItem]
    next: str | None
    as_of: Instant
    complete: bool


class DeliveryCount(Shape, kw_only=True, frozen=True):
    day: date
    kind: str
    channel: ChannelName
    state: MessageState
    count: int


class Deliveries(Shape, kw_only=True, frozen=True):
    items: list[DeliveryCount]
    as_of: Instant
    """What happened up to then is counted; receipts still to come may move a message from one state to another."""
    complete: bool


class UsageLine(Shape, kw_only=True, frozen=True):
    channel: ChannelName
    messages: int
    segments: int
    estimated_cost_usd: str


class Usage(Shape, kw_only=True, frozen=True):
    month: str
    patients_enrolled: int
    enrolments: int
    items: list[UsageLine]
    estimated_cost_usd: str
    as_of: Instant
    complete: bool


class Export(Shape, kw_only=True, frozen=True):
    """Everything held on a patient."""

    exported_at: Instant
    patient: dict[str, Any]
    plan: dict[str, Any]
    appointments: list[dict[str, Any]]
    consents: list[dict[str, Any]]
    reminders: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    answers: list[dict[str, Any]]
    tasks: list[dict[str, Any]]
    audit: list[dict[str, Any]]
    other: list[dict[str, Any]]
