"""What became of a message: one table of states and the events that move them.

Two rules. Everything that changes a message's state stands in `MOVES`; nothing else assigns one. And a state never
moves back, but for a phone that was out of reach: by what was told of it later, and once for a second attempt. Provider
events arrive late, twice and in any order, so what does not move is simply not in the table.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from .cursor import Attempt, Outcome, Wake
from .facts import Facts
from .ids import ClinicId, PatientId, reminder_id
from .local_time import local_date
from .occurrence import VOIDED, About, Rank, Reason, State
from .patient import Category, Channel
from .patient import Status as PatientStatus
from .placing import TEXTS_A_WEEK


class Status(StrEnum):
    SENDING = "sending"
    """Claimed; nothing is known of the provider's answer."""
    SENT = "sent"
    """The provider took it."""
    DELIVERED = "delivered"
    FAILED = "failed"
    """The provider refused it, or said that it cannot be delivered."""
    UNREACHED = "unreached"
    """The provider could not deliver it this time; it is tried once more, or was."""
    UNKNOWN = "unknown"
    """No answer, no event, and sending it again could be one too many."""
    SETTLED = "settled"
    """Nothing was to be sent: tasks, and occurrences laid to rest."""


class Event(StrEnum):
    ACCEPTED = "accepted"
    """The provider's answer to the call, or its first event about the message."""
    REFUSED = "refused"
    GAVE_UP = "gave_up"
    """The grace period passed without an answer or an event."""
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    UNREACHED = "unreached"
    """Not delivered this time: the phone is off or out of reach, or its carrier is."""
    RETRIED = "retried"
    """The one further attempt at what was not delivered was claimed."""
    SETTLED = "settled"


MOVES: dict[Event, tuple[Status, frozenset[Status | None]]] = {
    Event.ACCEPTED: (Status.SENT, frozenset({None, Status.SENDING, Status.UNKNOWN})),
    Event.REFUSED: (Status.FAILED, frozenset({None, Status.SENDING})),
    Event.GAVE_UP: (Status.UNKNOWN, frozenset({None, Status.SENDING})),
    # A phone that was out of reach may be told to have got it all the same: of the two, what happened later holds.
    Event.DELIVERED: (
        Status.DELIVERED,
        frozenset({None, Status.SENDING, Status.SENT, Status.UNKNOWN, Status.UNREACHED}),
    ),
    Event.UNREACHED: (Status.UNREACHED, frozenset({None, Status.SENDING, Status.SENT, Status.UNKNOWN})),
    # The one way back, and gone once: after it, what is told of an earlier attempt moves nothing but to delivered.
    Event.RETRIED: (Status.SENDING, frozenset({Status.UNREACHED})),
    # A mailbox may take a message and bounce it later, so even what was delivered can turn out not to be.
    Event.UNDELIVERED: (
        Status.FAILED,
        frozenset({None, Status.SENDING, Status.SENT, Status.UNKNOWN, Status.UNREACHED, Status.DELIVERED}),
    ),
    Event.SETTLED: (Status.SETTLED, frozenset({None})),
}
"""Where each event leads, and from where. `None` is a message whose record does not exist yet: an event may overtake
the record of its own send."""


def advance(status: Status | None, event: Event) -> Status | None:
    """The state after the event; the same one where the event comes too late to matter."""
    target, sources = MOVES[event]
    return target if status in sources else status


SHOWN = {
    Status.SENDING: State.SENT,
    Status.SENT: State.SENT,
    Status.DELIVERED: State.DELIVERED,
    Status.FAILED: State.FAILED,
    Status.UNREACHED: State.FAILED,
    Status.UNKNOWN: State.UNKNOWN,
}
"""How a message's status reads as the state of the occurrences it carried."""

LOST = "record_lost"
"""What stands with a reminder whose record was lost when the table was restored to an earlier moment."""

GRACE = {Channel.SMS: timedelta(seconds=120), Channel.EMAIL: timedelta(seconds=60)}
"""How long the provider's events are waited for before an unrecorded send is given up or tried again. Longer than a
function may run (30 s), so that whoever claimed it is certainly no longer sending."""

MAX_UNSURE_ATTEMPTS = 2
"""A message whose fate is unknown is sent at most twice: so at most one extra, and only without evidence."""


def resends(rank: Rank) -> bool:
    """Whether a doubled message does less harm than a missing one: safety, and the day before a visit."""
    return rank in (Rank.SAFETY, Rank.DAY_BEFORE)


def why_not(facts: Facts, wake: Wake, now: datetime) -> Reason | None:
    """What keeps a claimed message from being sent (again) at `now`: facts may have changed since the claim."""
    if now > wake.useful_until:
        return Reason("too_late", f"it was of use until {wake.useful_until.astimezone(facts.tz):%Y-%m-%d %H:%M}")
    voided = [facts.progress.voided.get(o.id) for o in wake.carried]
    if voided and all(voided):
        return voided[0]
    if facts.clinic.stopped_at is not None:
        return Reason("clinic_stopped", facts.clinic.stop_reason or "the clinic's stop switch is on")
    if facts.patient.status is not PatientStatus.ACTIVE:
        return Reason(facts.patient.status.value, f"the patient is {facts.patient.status.value}")
    paused = facts.patient.pause_at(now)
    if paused:
        return Reason("paused", f"messages are paused: {paused.reason}")
    if facts.danger is not None and facts.danger.silences(wake.category, now):
        return facts.danger.reason(facts.tz)
    if not facts.window.holds(now, facts.tz):
        return Reason("contact_window", "the contact window closed before the provider took it")
    if facts.contact(wake.channel, wake.category) is None:
        rule = facts.why_no_contact(wake.channel, wake.category)
        return Reason(rule, "there is no contact any more that may be written to")
    standing = {visit.id for visit in facts.appointments if visit.status.stands}
    if wake.kind in ("appointment", "therapy") and standing.isdisjoint(wake.about.appointments):
        return Reason("appointment_cancelled", "the visit no longer stands")
    return None


def room_for_a_text(facts: Facts, wake: Wake, now: datetime) -> bool:
    """Whether a text that was not planned as one has room beside those of its day and week; safety always has."""
    today = local_date(now, facts.tz)
    days = [local_date(at, facts.tz) for at in facts.progress.sent]
    this_week = [day for day in days if day.isocalendar()[:2] == today.isocalendar()[:2]]
    return wake.category is Category.SAFETY or (today not in days and len(this_week) < TEXTS_A_WEEK)


def let_go(outcomes: tuple[Outcome, ...], why: Reason) -> tuple[Outcome, ...]:
    """What the occurrences of a message come to that certainly did not go out and now will not."""
    if why.rule == VOIDED:
        state = State.CANCELLED
    else:
        state = State.MISSED if why.rule in ("too_late", "contact_window") else State.SKIPPED
    return tuple(
        replace(o, state=state, rule=why.rule, detail=why.detail)
        if o.state is State.SENT and o.channel is not Channel.TASK
        else o
        for o in outcomes
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """The record of one wake: what it carried, what was sent, and what became of it. Its id is `patient.seq`."""

    clinic_id: ClinicId
    patient_id: PatientId
    seq: int
    due: datetime
    claimed_at: datetime
    channel: Channel
    kind: str
    category: Category
    status: Status
    outcomes: tuple[Outcome, ...]
    next_due: datetime | None = None
    contact_id: str = ""
    template: str = ""
    version: int = 0
    language: str = ""
    segments: int = 0
    text: str = field(default="", repr=False)
    """Exactly what went out; erased with the patient."""
    attempts: tuple[Attempt, ...] = ()
    provider_id: str = ""
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    detail: str = ""
    """The provider's code where it failed."""
    rank: Rank = Rank.STAFF
    useful_until: datetime | None = None
    about: About = About()
    """With these, the same thing can be said again: to a phone that was out of reach, or by the other channel."""
    again_at: datetime | None = None
    """When the one further attempt was claimed."""
    kept_until: datetime | None = None

    @property
    def id(self) -> str:
        return reminder_id(self.patient_id, self.seq)

    @property
    def tries(self) -> int:
        """The number of its latest attempt, the further one apart."""
        return self.attempts[-1].number if self.attempts else 1

    def answered_in(self, facts: Facts) -> bool:
        """Whether what it asks has been answered, so that it need not be said again."""
        return self.kind in ("checkin", "nudge") and facts.session is not None and facts.session.answered

    def wake(self, channel: Channel) -> Wake:
        """What it said, as a wake that says it by `channel`."""
        return Wake(
            due=self.due,
            channel=channel,
            kind=self.kind,
            template=self.template,
            category=self.category,
            rank=self.rank,
            useful_until=self.useful_until or self.due,
            about=self.about,
            outcomes=self.outcomes,
        )

    @classmethod
    def bare(cls, clinic_id: ClinicId, patient_id: PatientId, seq: int) -> "Reminder":
        """What is known of a wake when a provider's event about it is all there is."""
        never = datetime.min.replace(tzinfo=UTC)
        return cls(
            clinic_id=clinic_id,
            patient_id=patient_id,
            seq=seq,
            due=never,
            claimed_at=never,
            channel=Channel.SMS,
            kind="",
            category=Category.ACCOUNT,
            status=Status.SENDING,
            outcomes=(),
        )

    @property
    def is_complete(self) -> bool:
        return self.due > datetime.min.replace(tzinfo=UTC)
