"""What a wake does: the first thing the agenda has for now, and what comes to rest on the way there."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from .agenda import HORIZON, weeks
from .cursor import Cursor, Hold, InFlight, Lane, Wake, lane_of, outcome_of
from .facts import Facts, Progress
from .limits import Wait, earliest, silence
from .local_time import local_date, whole_second
from .occurrence import About, Entry, Rank, Reason, State
from .patient import Category, Channel, Status
from .placing import PUNCTUAL
from .plan import Session
from .slots import NEAR, all_slotted, reach_back

SETTLED_WITHIN = timedelta(hours=1)
"""A claim is settled by redelivery within a quarter of an hour; after this the cursor forgets it, and only the
reconciliation still asks."""

KEPT = timedelta(days=15)
"""Sends are remembered for the caps until the week after theirs has ended: until then it may have to be told what
their week had no room for."""

Decision = tuple[Wake, Cursor] | Hold


def decide(facts: Facts, cursor: Cursor, now: datetime, token: str, waits: Sequence[Wait] = ()) -> Decision:
    """What to do for this patient at `now` (UTC), and the cursor that a claim would leave behind.

    A wake carries one message at most; when a text and an e-mail are due together the second has a wake of its own
    right after. `token` marks the claim as its maker's. What `waits` cover is left open for later, and nothing else
    waits for it.
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

    waits = (*waits, *silence(facts, now))
    message: Entry | None = None
    following: Entry | None = None
    due = now + HORIZON
    held: Reason | None = None
    now_due: list[Entry] = []
    seen: list[Entry] = []
    for number, week in enumerate(weeks(facts, now)):
        for entry in week:
            seen.append(entry)
            if not entry.acts:
                continue
            at, wait = earliest(facts, entry, waits)
            if wait is not None and entry.at <= now:
                held = held or wait.reason
            if at <= now and (entry.channel is Channel.TASK or message is None):
                now_due.append(entry)
                message = message if entry.channel is Channel.TASK else entry
            elif following is None or at < due:
                following, due = entry, at
        if following and number:
            break
    settled = [e for e in seen if e.state is not State.SCHEDULED and e.slot <= now]
    if not now_due and not settled:
        reason, kind = (following.reason, following.occurrence.kind) if following else (_NOTHING_NEAR, "")
        return Hold(whole_second(due), lane_of(following), held or reason, kind, told=held is not None)

    carriers = {e.occurrence.id for e in now_due}
    dealt = [*now_due, *(e for e in seen if e.carried_by in carriers), *settled]
    wake = wake_of(message, dealt, cursor.due or now)
    flight = InFlight(seq=cursor.seq, attempt=1, token=token, at=now, wake=wake)
    progress = _progress(facts, now, message, seen, dealt, following)
    session = _opened(message, cursor.session, now) if message else cursor.session
    due, lane = whole_second(max(due, now)), lane_of(following)
    if session is not cursor.session:
        # A session that opens brings the second try at it along, which these facts did not know of.
        due, lane = next_wake(replace(facts, progress=progress, session=session), now)
    return wake, Cursor(
        rev=cursor.rev,
        seq=cursor.seq + 1,
        due=due,
        lane=lane,
        progress=progress,
        session=session,
        held=held,
        in_flight={
            **{c: f for c, f in cursor.in_flight.items() if f.at > now - SETTLED_WITHIN},
            wake.channel: flight,
        },
    )


def _progress(
    facts: Facts,
    now: datetime,
    message: Entry | None,
    seen: Sequence[Entry],
    dealt: Sequence[Entry],
    following: Entry | None,
) -> Progress:
    """Progress after the wake: what stays open behind it, and what is done before its time."""
    progress = facts.progress
    ids = {e.occurrence.id for e in dealt}
    waiting = [e for e in seen if e.slot <= now and e.occurrence.id not in ids]
    done = progress.done - ids
    if done:
        # What was done ahead needs no mention once `through` has reached its slot.
        behind = reach_back(facts, local_date(progress.through, facts.tz)), local_date(now, facts.tz) + NEAR
        done -= {o.id for o, slot in all_slotted(facts, *behind) if slot <= now}
    # A message counts at its planned instant, so that what follows is placed the same before and after it.
    sent = (*progress.sent, message.at) if message and message.channel is Channel.SMS else progress.sent
    mailed = (*progress.mailed, message.at) if message and message.channel is Channel.EMAIL else progress.mailed
    return Progress(
        through=max(progress.through, now),
        pending={e.occurrence.id: e.reason if e.carried_by is None else None for e in waiting},
        oldest=min((e.slot for e in waiting), default=None),
        moved=_moved(following),
        done=done | {e.occurrence.id for e in dealt if e.slot > now},
        sent=tuple(s for s in sent if s > now - KEPT),
        mailed=tuple(m for m in mailed if m > now - KEPT),
        voided={o: why for o, why in progress.voided.items() if o not in ids},
    )


def _moved(following: Entry | None) -> dict[str, Reason]:
    if following is None or following.channel is Channel.TASK or following.at - following.slot <= PUNCTUAL:
        return {}
    return {following.occurrence.id: following.reason}


def _opened(message: Entry, before: Session | None, now: datetime) -> Session | None:
    """The check-in that the message opens; any other message leaves the open one as it is."""
    occurrence = message.occurrence
    if occurrence.kind != "checkin":
        return before
    if before is not None and before.occurrence == occurrence.id:
        # Sent again: it is still the same one, and whoever got no question has not been silent.
        return replace(before, sent_at=now)
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


_NOTHING_NEAR = Reason("nothing_near", f"the plan has nothing to do for {HORIZON.days // 7} weeks")


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


def next_wake(facts: Facts, now: datetime) -> tuple[datetime, Lane]:
    """When something may next have to be done for an active patient, from `now` on, and what it will need a slot on."""
    first = next((entry for week in weeks(facts, now) for entry in week if entry.acts), None)
    return whole_second(max(first.at, now) if first else now + HORIZON), lane_of(first)
