"""What a wake does: the first thing the agenda has for now, and what comes to rest on the way there."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from .agenda import weeks
from .cursor import Cursor, Hold, InFlight, Lane, Wake, advanced, lane_of, outcome_of
from .facts import Facts
from .occurrence import About, Entry, Rank, Reason, State
from .patient import Category, Channel, Status
from .plan import Session

SETTLED_WITHIN = timedelta(hours=1)
"""A claim is settled by redelivery within a quarter of an hour; after this the cursor forgets it, and only the
reconciliation still asks."""

Decision = tuple[Wake, Cursor] | Hold


def decide(facts: Facts, cursor: Cursor, now: datetime, token: str) -> Decision:
    """What to do for this patient at `now` (UTC), and the cursor that a claim would leave behind.

    A wake carries one message at most; when a text and an e-mail are due together the second has a wake of its own
    right after. `token` marks the claim as its maker's.
    """
    if facts.clinic.stopped_at is not None:
        return Hold(
            None,
            Lane.NONE,
            Reason("clinic_stopped", facts.clinic.stop_reason or "the clinic's stop switch is on"),
        )
    if facts.patient.status is not Status.ACTIVE:
        return Hold(
            None,
            Lane.NONE,
            Reason(facts.patient.status.value, f"the patient is {facts.patient.status.value}"),
        )

    message: Entry | None = None
    following: Entry | None = None
    now_due: list[Entry] = []
    seen: list[Entry] = []
    for number, week in enumerate(weeks(facts, now)):
        for entry in week:
            seen.append(entry)
            if entry.acts and entry.at <= now and (entry.channel is Channel.TASK or message is None):
                now_due.append(entry)
                message = message if entry.channel is Channel.TASK else entry
            elif entry.acts:
                following = following or entry
        if following and number:
            break
    carrier = message.occurrence.id if message else None
    settled = [e for e in seen if e.state is not State.SCHEDULED and e.slot <= now]
    carried = [e for e in seen if e.carried_by is not None and e.carried_by == carrier]
    if not now_due and not settled:
        until = following.at if following else None
        return Hold(until, lane_of(following), following.reason if following else _NOTHING_LEFT)

    dealt = [*now_due, *carried, *settled]
    ids = frozenset(e.occurrence.id for e in dealt)
    wake = wake_of(message, dealt, cursor.due or now)
    progress = advanced(
        facts.progress,
        now,
        wake,
        dealt=ids,
        waiting={
            e.occurrence.id: e.reason if e.carried_by is None else None
            for e in seen
            if e.slot <= now and e.occurrence.id not in ids
        },
        ahead=frozenset(e.occurrence.id for e in dealt if e.slot > now),
    )
    seq = cursor.seq + 1
    flight = InFlight(seq=cursor.seq, attempt=1, token=token, at=now, wake=wake)
    return wake, Cursor(
        rev=cursor.rev,
        seq=seq,
        due=max(following.at, now) if following else None,
        lane=lane_of(following),
        progress=progress,
        session=_opened(message, cursor.session, now) if message else cursor.session,
        in_flight={
            **{c: f for c, f in cursor.in_flight.items() if f.at > now - SETTLED_WITHIN},
            wake.channel: flight,
        },
    )


def _opened(message: Entry, before: Session | None, now: datetime) -> Session | None:
    """The check-in that the message opens; any other message leaves the open one as it is."""
    occurrence = message.occurrence
    if occurrence.kind != "checkin":
        return before
    silent = before is not None and not before.answered
    return Session(
        occurrence=occurrence.id,
        step=occurrence.step,
        sent_at=now,
        questions=occurrence.about.questions,
        missed_before=before.missed_before + 1 if before and silent else 0,
        stable=before.stable if before else 0,
        slower_since=before.slower_since if before else None,
        recent=before.recent if before else {},
    )


_NOTHING_LEFT = Reason("finished", "the plan has nothing more to do")


def wake_of(message: Entry | None, dealt: Sequence[Entry], due: datetime) -> Wake:
    """The wake that sends `message` (or nothing) and lays `dealt` to rest."""
    outcomes = tuple(outcome_of(e, State.SENT if e.state is State.SCHEDULED else e.state) for e in dealt)
    if message is None:
        return Wake(
            due=due,
            channel=Channel.TASK,
            kind="staff",
            template="",
            category=Category.ACCOUNT,
            rank=Rank.STAFF,
            useful_until=due,
            about=About(),
            outcomes=outcomes,
        )
    occurrence = message.occurrence
    return Wake(
        due=due,
        channel=message.channel,
        kind=occurrence.kind,
        template=occurrence.template,
        category=occurrence.category,
        rank=occurrence.rank,
        useful_until=occurrence.useful_until,
        about=occurrence.about,
        outcomes=outcomes,
    )


def first_due(facts: Facts, now: datetime) -> Entry | None:
    """The first thing the agenda will do, from `now` on."""
    if facts.patient.status is not Status.ACTIVE:
        return None
    return next((entry for week in weeks(facts, now) for entry in week if entry.acts), None)
