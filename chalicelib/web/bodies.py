"""What requests may hold: the types they are read as, and the schemas that are published."""

from dataclasses import asdict
from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, UnsetType

from chalicelib.domain import clinic
from chalicelib.domain.clinic import LEAST_KEPT, MOST_KEPT_DAYS

Text = Annotated[str, Meta(min_length=1, max_length=120, extra={"hint": "must be text of 1 to 120 characters"})]
ShortText = Annotated[str, Meta(min_length=1, max_length=64, extra={"hint": "must be text of 1 to 64 characters"})]
Reason = Annotated[
    str, Meta(min_length=1, max_length=500, extra={"hint": "must be text of 1 to 500 characters", "lines": True})
]
Clock = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", extra={"hint": "must be a local time such as 09:30"})]
LocalTime = Annotated[
    str,
    Meta(
        pattern=r"^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d$",
        extra={"hint": "must be a local time such as 2026-03-01T09:00"},
    ),
]
Day = Annotated[date, Meta(extra={"hint": "must be a date such as 2026-03-01"})]
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}$", extra={"hint": "must be an ISO 3166 country code such as US"})]
Phone = Annotated[str, Meta(min_length=3, max_length=32, extra={"hint": "must be a phone number"})]
EmailAddress = Annotated[
    str,
    Meta(
        pattern=r"^[^@\s<>,;\"]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$",
        max_length=254,
        extra={"hint": "must be an e-mail address such as ana@example.org"},
    ),
]
Money = Annotated[float, Meta(gt=0, le=1_000_000)]
Price = Annotated[float, Meta(ge=0, le=10)]
Language = Literal["en", "es", "fr", "zh"]
ChannelName = Literal["sms", "email"]


class Body(Struct, kw_only=True, frozen=True):
    """A request's body. Fields that are not its own are refused."""


class Hours(Body, kw_only=True, frozen=True):
    """A contact window, in local time."""

    start: Clock = msgspec.field(name="from")
    end: Clock = msgspec.field(name="to")


class StaffPerson(Body, kw_only=True, frozen=True):
    name: Text
    phone: Phone | None = None
    email: EmailAddress | None = None


class DayHours(Body, kw_only=True, frozen=True):
    weekday: Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    start: Clock = msgspec.field(name="from")
    end: Clock = msgspec.field(name="to")


class Retention(Body, kw_only=True, frozen=True):
    """How many days what is written is kept; a change holds for what is written after it."""

    messages_days: Annotated[int, Meta(ge=LEAST_KEPT.messages_days, le=MOST_KEPT_DAYS)]
    """What patients wrote, and what was written to them beside reminders."""
    log_days: Annotated[int, Meta(ge=LEAST_KEPT.log_days, le=MOST_KEPT_DAYS)]
    """Reminders with their texts, check-in answers, closed tasks."""
    audit_days: Annotated[int, Meta(ge=LEAST_KEPT.audit_days, le=MOST_KEPT_DAYS)]
    """Who read or changed what: six years at the least."""


class NewClinic(Body, kw_only=True, frozen=True):
    name: Text
    timezone: ShortText
    country: Country
    phone: Phone
    sms_number: Phone
    from_email: EmailAddress
    language: Language = "en"
    contact_window: Hours | None = None
    office_hours: Annotated[list[DayHours], Meta(max_length=21)] = []
    holidays: Annotated[list[Day], Meta(max_length=100)] = []
    on_call: Annotated[list[StaffPerson], Meta(max_length=10)] = []
    lead: StaffPerson | None = None
    sms_content_level: Literal["minimal", "standard"] = "minimal"
    sms_per_second: Annotated[float, Meta(gt=0, le=1000)] = 1.0
    number_countries: Annotated[list[Country], Meta(max_length=60)] = []
    """Whose numbers patients may have; the usual ones when left out."""
    enrolments_a_day: Annotated[int, Meta(ge=1, le=20_000)] = 6000
    messages_a_day: Annotated[int, Meta(ge=1, le=1_000_000)] = 20_000
    """After so many on one local day, reminders that can wait are held until the next."""
    spend_a_month: Money = 1_000.0
    """US dollars. Once a month's messages have cost that, reminders that can wait are held until the next month."""
    price_per_segment: Price = 0.0091
    """US dollars for one part of a text."""
    price_per_email: Price = 0.0001
    retention: Retention = Retention(**asdict(clinic.Retention()))


class ClinicChange(Body, kw_only=True, frozen=True):
    """Settings to change; what is left out stays."""

    name: Text | UnsetType = msgspec.UNSET
    timezone: ShortText | UnsetType = msgspec.UNSET
    country: Country | UnsetType = msgspec.UNSET
    phone: Phone | UnsetType = msgspec.UNSET
    sms_number: Phone | UnsetType = msgspec.UNSET
    from_email: EmailAddress | UnsetType = msgspec.UNSET
    language: Language | UnsetType = msgspec.UNSET
    contact_window: Hours | UnsetType | None = msgspec.UNSET
    office_hours: Annotated[list[DayHours], Meta(max_length=21)] | UnsetType = msgspec.UNSET
    holidays: Annotated[list[Day], Meta(max_length=100)] | UnsetType = msgspec.UNSET
    on_call: Annotated[list[StaffPerson], Meta(max_length=10)] | UnsetType = msgspec.UNSET
    lead: StaffPerson | UnsetType | None = msgspec.UNSET
    sms_content_level: Literal["minimal", "standard"] | UnsetType = msgspec.UNSET
    sms_per_second: Annotated[float, Meta(gt=0, le=1000)] | UnsetType = msgspec.UNSET
    number_countries: Annotated[list[Country], Meta(max_length=30)] | UnsetType = msgspec.UNSET
    enrolments_a_day: Annotated[int, Meta(ge=1, le=20_000)] | UnsetType = msgspec.UNSET
    messages_a_day: Annotated[int, Meta(ge=1, le=1_000_000)] | UnsetType = msgspec.UNSET
    spend_a_month: Money | UnsetType = msgspec.UNSET
    price_per_segment: Price | UnsetType = msgspec.UNSET
    price_per_email: Price | UnsetType = msgspec.UNSET
    retention: Retention | UnsetType = msgspec.UNSET


class NewKey(Body, kw_only=True, frozen=True):
    role: Literal["admin", "clinician", "viewer"]
    label: Text


class Stop(Body, kw_only=True, frozen=True):
    reason: Reason = "stopped by the clinic"


class Anchors(Body, kw_only=True, frozen=True):
    injury_date: Day | None = None
    deficit_onset_date: Day | None = None
    discharge_date: Day | None = None
    injection_date: Day | None = None
    last_fill_date: Day | None = None
    pump_low_reservoir_alarm_date: Day | None = None
    last_catheter_change: Day | None = None
    days_supply: Annotated[int, Meta(ge=1, le=365)] | None = None


class ClinicalFacts(Body, kw_only=True, frozen=True):
    ad_risk: bool | None = None
    itb_pump: bool = False
    oral_baclofen: bool = False
    etiology: Literal["traumatic", "ischemic", "delayed_ischemic", "other"] = "other"
    baseline_psfs: Annotated[int, Meta(ge=0, le=4)] | None = None


class ConsentGiven(Body, kw_only=True, frozen=True):
    sms: bool = False
    email: bool = False
    method: Literal["verbal", "written", "web", "other"] = "other"
    recorded_by: Text = "not said"


class NewPatient(Body, kw_only=True, frozen=True):
    external_id: ShortText
    given_name: Text
    family_name: Text
    timezone: ShortText
    language: Language | None = None
    phone: Phone | None = None
    email: EmailAddress | None = None
    channels: Annotated[list[ChannelName], Meta(max_length=2)] | None = None
    anchors: Anchors = Anchors()
    days_supply: Annotated[int, Meta(ge=1, le=365)] | None = None
    clinical: ClinicalFacts = ClinicalFacts()
    protocols: Annotated[list[ShortText], Meta(max_length=40)] | None = None
    contact_window: Hours | None = None
    two_hours_before: bool = False
    consent: ConsentGiven = ConsentGiven()


class Series(Body, kw_only=True, frozen=True):
    weekdays: Annotated[
        list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]], Meta(min_length=1, max_length=7)
    ]
    time: Clock
    start: Day = msgspec.field(name="from")
    until: Day


class NewAppointment(Body, kw_only=True, frozen=True):
    kind: Literal["therapy", "assessment", "physician", "other"]
    starts_at: LocalTime | None = None
    series: Series | None = None
    profile: Literal["appointment", "pt", "high_risk_no_show"] | None = None
    window_step: ShortText | None = None


class AppointmentChange(Body, kw_only=True, frozen=True):
    starts_at: LocalTime | UnsetType = msgspec.UNSET
    status: Literal["confirmed", "cancelled", "attended", "missed"] | UnsetType = msgspec.UNSET
    window_step: ShortText | UnsetType | None = msgspec.UNSET
    """The window of the plan that the visit serves; null: none."""


class TaskClosing(Body, kw_only=True, frozen=True):
    outcome: Literal["resolved", "visit_booked", "sent_to_emergency", "no_answer", "not_needed", "duplicate", "other"]
    note: Reason
    read: Annotated[list[ShortText], Meta(max_length=1000)] | None = None
    """The messages that were read, as the task listed them. While it holds another, it is not closed."""


class NewMessage(Body, kw_only=True, frozen=True):
    channel: ChannelName
    text: Annotated[
        str, Meta(min_length=1, max_length=459, extra={"hint": "must be text of 1 to 459 characters", "lines": True})
    ]
