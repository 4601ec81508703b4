"""What the service loads, decides on and commits: one patient's facts with their cursor, and the nouns beside them."""

from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.cursor import Cursor
from chalicelib.domain.facts import Facts
from chalicelib.domain.ids import ClinicId, PatientId
from chalicelib.domain.local_time import utc_text

TIERS = ("emergency", "urgent", "review_soon", "routine")
"""The worst first, as staff work through them."""

TASK_STATES = ("open", "acked", "closed")
TO_DO = ("open", "acked")

_LATEST = 9_999_999_999


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Read in one consistent query; committed under the cursor's `rev` and `seq`, both unchanged since."""

    facts: Facts
    cursor: Cursor


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What a queue message says: whose wake, which, and when it was due. Opaque ids only."""

    clinic_id: ClinicId
    patient_id: PatientId
    seq: int
    due: datetime
    lane: str = ""
    """The lane and its pace, for pacing; the worker does not need it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Work for the clinic's staff. Never closes by itself."""

    id: str
    clinic_id: ClinicId
    patient_id: PatientId
    kind: str
    tier: str
    rule: str
    detail: str
    opened_at: datetime
    due_on: str = ""
    """Local date by which it should be done, where there is one."""
    title: str = ""
    step: str = ""
    message_id: str | None = None
    """The message that decided what the task is, where there is one."""
    message_ids: tuple[str, ...] = ()
    """All that it is about, in the order they were said, once they are several."""
    phone: bool = False
    """Whether the patient can only be phoned: texts are stopped."""
    state: str = "open"
    code: str = ""
    ack_by: str | None = None
    acked_at: datetime | None = None
    rung: int = 0
    """How many times it has been paged: contact by contact, then in rounds."""
    from_rung: int = 0
    """Rounds are counted from this rung on: the one after the page that the latest dangerous message called for."""
    urgent_since: datetime | None = None
    """Since when it cannot wait."""
    unanswered_since: datetime | None = None
    """Since when everybody has been paged and nobody has answered."""
    climbs_at: datetime | None = None
    """When the next one is, unless somebody acknowledges it first."""
    paged_at: datetime | None = None
    """When the latest was."""
    outcome: str | None = None
    note: str | None = None
    closed_by: str | None = None
    closed_at: datetime | None = None
    kept_until: datetime | None = None
    """None while it is not closed."""

    @property
    def said(self) -> tuple[str, ...]:
        """The messages it is about, in the order they were said."""
        return self.message_ids or ((self.message_id,) if self.message_id else ())

    @property
    def order(self) -> str:
        """Sorts tasks the worst first; among those of a tier what is due soonest, then what has waited longest, and
        after them the closed ones, the latest closed first."""
        if self.closed_at is not None:
            place = f"~{_LATEST - int(self.closed_at.timestamp()):010d}"
        else:
            place = f"{self.due_on or '9'}#{utc_text(self.opened_at)}"
        return f"{TIERS.index(self.tier)}#{place}#{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """A clinic's key to the API. The secret itself is shown once and never kept: `secret_hash` is its SHA-256."""

    id: str
    clinic_id: ClinicId
    role: str
    label: str
    secret_hash: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Who did what to whose data, when and why. Append-only; names fields, never their values."""

    id: str
    clinic_id: ClinicId
    at: datetime
    actor: str
    """A key id, a staff subject, or `service`."""
    action: str
    patient_id: str = ""
    detail: str = ""
    patients: tuple[str, ...] = ()
    """Whom a list showed, where it is one entry for many."""
    reason: str = ""
    """Why, in the words of whoever did it."""
