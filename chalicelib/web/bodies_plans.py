"""What requests about plans, protocols and the course of a follow-up may hold."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType, field

from chalicelib.web.bodies import (
    Anchors,
    Body,
    ChannelName,
    ClinicalFacts,
    Clock,
    Day,
    Hours,
    Language,
    Reason,
    ShortText,
    Text,
)

ProtocolIds = Annotated[list[ShortText], Meta(max_length=40)]
Days = Annotated[int, Meta(ge=1, le=365, extra={"hint": "must be a whole number of days from 1 to 365"})]
Address = Annotated[
    str, Meta(min_length=3, max_length=254, extra={"hint": "must be a phone number or an e-mail address"})
]
Until = Annotated[
    str,
    Meta(
        pattern=r"^\d{4}-\d{2}-\d{2}(T([01]\d|2[0-3]):[0-5]\d(:[0-5]\dZ)?)?$",
        extra={"hint": "must be a date such as 2026-03-20, a local time such as 2026-03-20T09:00, or a UTC instant"},
    ),
]


class AnchorDates(Body, kw_only=True, frozen=True):
    """Dates put right. One that is left out stays; null takes it away."""

    injury_date: Day | UnsetType | None = UNSET
    deficit_onset_date: Day | UnsetType | None = UNSET
    discharge_date: Day | UnsetType | None = UNSET
    injection_date: Day | UnsetType | None = UNSET
    last_fill_date: Day | UnsetType | None = UNSET
    pump_low_reservoir_alarm_date: Day | UnsetType | None = UNSET
    last_catheter_change: Day | UnsetType | None = UNSET
    days_supply: Days | UnsetType | None = UNSET
    """Of the last fill."""


class StepOverride(Body, kw_only=True, frozen=True):
    """A departure from one step. `weekday` and `at` are for steps that choose them: check-ins and messages."""

    off: bool = False
    weekday: Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"] | None = None
    at: Clock | None = None


class PlanChange(Body, kw_only=True, frozen=True):
    """The plan as it shall be. `protocols` and `overrides` are complete lists; what is left out stays as it is."""

    protocols: ProtocolIds | UnsetType = UNSET
    anchors: AnchorDates | UnsetType = UNSET
    overrides: dict[str, StepOverride] | UnsetType = UNSET


class Preview(Body, kw_only=True, frozen=True):
    """A patient made up to look at protocols. Nothing is kept."""

    timezone: ShortText
    protocols: ProtocolIds | None = None
    """The defaults, when left out."""
    anchors: Anchors = Anchors()
    days_supply: Days | None = None
    clinical: ClinicalFacts = ClinicalFacts()
    language: Language | None = None
    drafts: Annotated[list[dict[str, Any]], Meta(max_length=5)] = field(default_factory=list)
    """Protocols not published yet, each as POST /protocols would take it; name them in `protocols`."""


class NewEvent(Body, kw_only=True, frozen=True):
    type: Literal["fill", "pump_refill", "injection", "discharge", "catheter_change", "deficit_onset"]
    date: Day
    days_supply: Days | None = None
    """For a fill: how long it lasts; as the one before, when left out."""
    alarm_date: Day | None = None
    """For a pump refill: when the reservoir will be low again."""
    interval_days: Days | None = None
    """For a catheter change: days until the next; as before, when left out."""


class NewPause(Body, kw_only=True, frozen=True):
    reason: Reason
    until: Until | None = None
    """Messages begin again then by themselves: a date means its beginning, in the patient's zone."""


class Resumption(Body, kw_only=True, frozen=True):
    reason: Reason | None = None
    """Why a discharge or a death that was recorded is taken back; not needed to end a pause."""


class CourseEnd(Body, kw_only=True, frozen=True):
    date: Day


class ClinicalChange(Body, kw_only=True, frozen=True):
    ad_risk: bool | UnsetType | None = UNSET
    itb_pump: bool | UnsetType = UNSET
    oral_baclofen: bool | UnsetType = UNSET
    etiology: Literal["traumatic", "ischemic", "delayed_ischemic", "other"] | UnsetType = UNSET
    baseline_psfs: Annotated[int, Meta(ge=0, le=4)] | UnsetType | None = UNSET


class PatientChange(Body, kw_only=True, frozen=True):
    given_name: Text | UnsetType = UNSET
    family_name: Text | UnsetType = UNSET
    language: Language | UnsetType = UNSET
    timezone: ShortText | UnsetType = UNSET
    contact_window: Hours | UnsetType | None = UNSET
    """null: the clinic's hours again."""
    two_hours_before: bool | UnsetType = UNSET
    clinical: ClinicalChange | UnsetType = UNSET


class Agreed(Body, kw_only=True, frozen=True):
    """That the person at this address agreed to it, how, and who wrote it down."""

    method: Literal["verbal", "written", "web", "other"]
    recorded_by: Text


class NewContact(Body, kw_only=True, frozen=True):
    role: Literal["self", "proxy"]
    channel: ChannelName
    address: Address
    language: Language | None = None
    name: Text | None = None
    consent: Agreed | None = None
    """Nothing is sent to the address without it."""


class ContactChange(Body, kw_only=True, frozen=True):
    address: Address | UnsetType = UNSET
    """A new address needs consent of its own: give it along, or by POST …/consent."""
    language: Language | UnsetType | None = UNSET
    name: Text | UnsetType | None = UNSET
    consent: Agreed | UnsetType = UNSET


class ConsentSaid(Body, kw_only=True, frozen=True):
    """What the patient said, on paper or by phone."""

    channel: ChannelName
    granted: bool
    method: Literal["verbal", "written", "web", "other"]
    recorded_by: Text
    categories: Annotated[
        list[Literal["appointment", "checkin", "refill", "safety", "education", "account"]], Meta(max_length=6)
    ] = field(default_factory=list)
    """Left out: all."""
    contact_id: ShortText | None = None
    """One contact. Left out: to stop, every one of the channel; to go on, the patient's own."""
