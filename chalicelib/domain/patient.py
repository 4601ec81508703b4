"""The patient as the service knows them: how to reach them, what they agreed to, and what bears on their safety."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from .ids import ClinicId, PatientId
from .local_time import ContactWindow


class Channel(StrEnum):
    SMS = "sms"
    EMAIL = "email"
    TASK = "task"
    """Not a message: work for the clinic's staff."""


class Status(StrEnum):
    ACTIVE = "active"
    DISCHARGED = "discharged"
    DECEASED = "deceased"
    ERASED = "erased"


class Role(StrEnum):
    SELF = "self"
    PROXY = "proxy"


class Category(StrEnum):
    """What a patient may switch off by itself, on the preference page (clinical reference §6.6)."""

    APPOINTMENT = "appointment"
    CHECKIN = "checkin"
    REFILL = "refill"
    SAFETY = "safety"
    EDUCATION = "education"
    ACCOUNT = "account"


class ContactStatus(StrEnum):
    OK = "ok"
    STOPPED = "stopped"
    """Opted out of this channel; holds until START."""
    BAD = "bad"
    """The provider said for good that nothing arrives here."""
    WRONG_PERSON = "wrong_person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One address of a patient or of somebody who acts for them. `address` is E.164 or an e-mail address."""

    id: str
    role: Role
    channel: Channel
    address: str
    language: str | None = None
    name: str | None = None
    consent: bool = False
    status: ContactStatus = ContactStatus.OK
    muted: tuple[Category, ...] = ()
    """Categories this contact switched off; safety cannot be muted without staff."""

    def why_not(self, category: Category) -> str | None:
        """The rule that keeps `category` from this contact, or None when it may be written to."""
        if self.status is ContactStatus.STOPPED:
            return "opted_out"
        if self.status is not ContactStatus.OK:
            return "unreachable"
        if not self.consent:
            return "no_consent"
        if category in self.muted:
            return "muted"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What an address has said or shown at a clinic. It holds for every contact with that address, whichever patient
    it is entered for, now and later."""

    status: ContactStatus = ContactStatus.OK
    muted: tuple[Category, ...] = ()
    times: int = 0
    """How often the status has changed: tells one STOP from the next, with a START between them."""

    @property
    def is_refused(self) -> bool:
        """Whether whoever holds the address wants nothing sent there."""
        return self.status in (ContactStatus.STOPPED, ContactStatus.WRONG_PERSON)

    def of(self, contact: Contact) -> Contact:
        """The contact as it begins at this address."""
        return replace(contact, status=self.status, muted=self.muted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clinical:
    """The few clinical facts that change what is sent or how an answer is read. Never rendered to a patient."""

    ad_risk: bool | None = None
    """Injury at T6 or above; None when the level is not known, which counts as at risk."""
    itb_pump: bool = False
    oral_baclofen: bool = False
    etiology: str = "other"
    baseline_psfs: int | None = None

    @property
    def at_ad_risk(self) -> bool:
        return self.ad_risk is not False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """No messages from `start` until `until` (None: until somebody resumes). Work for staff goes on."""

    start: datetime
    until: datetime | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    id: PatientId
    clinic_id: ClinicId
    external_id: str
    given_name: str
    family_name: str
    language: str
    timezone: str
    status: Status
    enrolled_at: datetime
    contact_window: ContactWindow | None = None
    clinical: Clinical = Clinical()
    pauses: tuple[Pause, ...] = ()
    hours_before: bool = False
    """The patient asked for a reminder two hours before appointments."""
    ended_on: date | None = None
    """The local date of the discharge from follow-up, or of the death."""
    ended_at: datetime | None = None
    """When that was recorded: what fell due since is not made up for, should it prove a mistake."""
    version: int = 1

    def pause_at(self, at: datetime) -> Pause | None:
        for pause in self.pauses:
            if pause.start <= at and (pause.until is None or at < pause.until):
                return pause
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """Given or withdrawn, how, and who wrote it down. Kept for good: it is what permits every message (47 CFR
    64.1200(a), prior express consent)."""

    channel: Channel
    granted: bool
    method: str
    recorded_by: str
    at: datetime
    categories: tuple[Category, ...] = ()
    """Empty means all."""


def best_contact(contacts: tuple[Contact, ...], channel: Channel, category: Category) -> Contact | None:
    """Whom to write to on `channel`: the patient first, then who acts for them; None when nobody may be."""
    usable = [c for c in contacts if c.channel is channel and c.why_not(category) is None]
    return min(usable, key=lambda c: (c.role is not Role.SELF, c.id), default=None)
