"""The clinic: who sends, from which number, in which hours, and whom to page."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from .ids import ClinicId
from .local_time import DEFAULT_WINDOW, ContactWindow


class ContentLevel(StrEnum):
    """How much a text may say. Minimal is the default: a text is read by whoever holds the phone."""

    MINIMAL = "minimal"
    STANDARD = "standard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody of the clinic's staff whom the service may page."""

    name: str
    phone: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficeHours:
    weekday: int
    """Monday is 0."""
    start: time
    end: time


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long what is written is kept, in days from its writing. A change holds for what is written after it.

    Kept for good, whatever these say: the patients themselves until they are erased, consents, and which numbers said
    STOP. A law of the clinic's own country may ask for longer; none that is known here asks for less.
    """

    messages_days: int = 3 * 366
    """The conversation: what patients wrote, and what was written to them beside reminders."""
    log_days: int = 6 * 366
    """Reminders with what became of each occurrence and their texts, check-in answers, closed tasks."""
    audit_days: int = 6 * 366
    """45 CFR 164.316(b)(2)(i): six years, read onto activity logs by NIST SP 800-66."""

    def messages_until(self, at: datetime) -> datetime:
        return at + timedelta(days=self.messages_days)

    def log_until(self, at: datetime) -> datetime:
        return at + timedelta(days=self.log_days)

    def audit_until(self, at: datetime) -> datetime:
        return at + timedelta(days=self.audit_days)


LEAST_KEPT = Retention(messages_days=90, log_days=366, audit_days=6 * 366)
"""Below these the service could not do its work: a check-in is graded against those before it, and reconciliation
looks back over a year."""
MOST_KEPT_DAYS = 30 * 366


@dataclass(frozen=True, slots=True, kw_only=True)
class Clinic:
    """One tenant. `country` decides the emergency numbers, never a patient's language."""

    id: ClinicId
    name: str
    timezone: str
    country: str
    """ISO 3166 alpha-2; also how national phone numbers are read."""
    phone: str
    sms_number: str
    """The number texts leave from and replies come to; one clinic a number."""
    from_email: str
    language: str = "en"
    contact_window: ContactWindow = DEFAULT_WINDOW
    office_hours: tuple[OfficeHours, ...] = ()
    holidays: tuple[date, ...] = ()
    on_call: tuple[Person, ...] = ()
    lead: Person | None = None
    sms_content_level: ContentLevel = ContentLevel.MINIMAL
    sms_per_second: float = 1.0
    """What the carrier lets this number send; 1 is the usual 10DLC allowance."""
    number_countries: tuple[str, ...] = ()
    """Whose numbers patients may have; empty means the usual ones. Texts to premium ranges abroad are what a
    stolen key is used for."""
    enrolments_a_day: int = 6000
    """How many patients may be enrolled on one local day: an import of 5,000 rows and an ordinary day."""
    messages_a_day: int = 20_000
    """After so many on one local day, what can wait waits for the next: three for each of 5,000 patients, and more."""
    spend_a_month: float = 1_000.0
    """US dollars. Once a local month's messages have cost that, what can wait waits for the next."""
    price_per_segment: float = 0.0091
    """US dollars for one part of a text: 10DLC in the US, the carrier's fee included. What is owed stands on the
    provider's bill."""
    price_per_email: float = 0.0001
    retention: Retention = Retention()
    created_at: datetime | None = None
    stopped_at: datetime | None = None
    """Set while the clinic's stop switch is on: nothing is claimed for its patients."""
    stop_reason: str | None = None
    version: int = 1


USUAL_COUNTRIES = (
    *("US", "CA", "MX", "PR", "GB", "IE", "FR", "ES", "PT", "DE", "AT", "CH", "IT", "NL", "BE", "LU", "DK", "SE", "NO"),
    *("FI", "IS", "PL", "CZ", "GR", "AU", "NZ", "JP", "KR", "CN", "HK", "TW", "SG", "IN", "NP", "IL", "ZA", "BR", "AR"),
    *("CL", "CO", "PE", "UY"),
)
"""Whose numbers a clinic's patients may have when it names none itself: patients travel and keep foreign numbers, but
the destinations where numbers are farmed to earn on every text (artificially inflated traffic) are not among them."""

EMERGENCY_NUMBERS = {
    "US": ("911", "988"),
    "CA": ("911", "988"),
    "ES": ("112", "024"),
    "FR": ("112", "3114"),
    "CN": ("120", "12356"),
    "GB": ("999", "116 123"),
    "MX": ("911", "800 911 2000"),
}
"""(emergency, crisis) by country: clinical reference §3.4. A clinic elsewhere cannot be made until its are known."""
