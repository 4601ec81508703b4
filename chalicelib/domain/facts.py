"""Everything that decides what is sent to one patient, in one value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from .clinic import Clinic
from .danger import Danger
from .local_time import DEFAULT_WINDOW, ContactWindow, local_date, zone
from .occurrence import Reason
from .patient import Category, Channel, Contact, Patient, best_contact
from .plan import Appointment, AppointmentStatus, Plan, Session, Supply
from .protocol import Anchor, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a plan has been carried out.

    An occurrence is open when its slot lies after `through` and it is not in `done`, or when it is in `pending`.
    Everything else has been dealt with and stands in the history. `pending` holds what was moved past `through`
    (a cap, a closed window, a hold); `done` holds what had been dealt with before a change of plan moved it ahead.
    Both are nearly always empty, which keeps the cursor under the kilobyte its writes are billed by.
    """

    through: datetime
    pending: Mapping[str, Reason | None] = field(default_factory=dict)
    """With the reason each was moved for, where one was."""
    oldest: datetime | None = None
    """The earliest slot in `pending`: how far back to look for what is open."""
    moved: Mapping[str, Reason] = field(default_factory=dict)
    """Why the next message does not stand at its slot, where a cap moved it: its entry says so when its day comes."""
    done: frozenset[str] = frozenset()
    sent: tuple[datetime, ...] = ()
    """When the initiated texts of this week went out (claims count): what the caps have used up."""
    mailed: tuple[datetime, ...] = ()
    voided: Mapping[str, Reason] = field(default_factory=dict)
    """What an operator took back and no wake has laid to rest yet: it is not sent, and says why."""

    def is_open(self, occurrence: str, slot: datetime) -> bool:
        if slot > self.through:
            return occurrence not in self.done
        return occurrence in self.pending


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    clinic: Clinic
    patient: Patient
    contacts: tuple[Contact, ...]
    plan: Plan
    protocols: Mapping[str, Protocol]
    progress: Progress
    appointments: tuple[Appointment, ...] = ()
    supplies: Mapping[Anchor, Supply] = field(default_factory=dict)
    session: Session | None = None
    danger: Danger | None = None

    @property
    def tz(self) -> ZoneInfo:
        return zone(self.patient.timezone)

    @property
    def window(self) -> ContactWindow:
        """The patient's own hours, else the clinic's, never outside the hard wall."""
        return (self.patient.contact_window or self.clinic.contact_window).within_wall() or DEFAULT_WINDOW

    @property
    def enrolled_on(self) -> date:
        return local_date(self.patient.enrolled_at, self.tz)

    def anchor(self, anchor: Anchor) -> date | None:
        """The date steps count from; the day of enrolment is that of the zone where it took place."""
        found = self.plan.anchor(anchor)
        return self.enrolled_on if found is None and anchor is Anchor.ENROLMENT else found

    def contact(self, channel: Channel, category: Category) -> Contact | None:
        return best_contact(self.contacts, channel, category)

    def why_no_contact(self, channel: Channel, category: Category) -> str:
        """The rule that keeps `channel` shut, the most telling where contacts differ."""
        reasons = [c.why_not(category) for c in self.contacts if c.channel is channel]
        order = ("opted_out", "unreachable", "muted", "no_consent")
        return next((rule for rule in order if rule in reasons), "no_contact")

    def missed_visit_since(self, since: datetime) -> bool:
        return any(a.status is AppointmentStatus.MISSED and a.starts_at >= since for a in self.appointments)
