"""What a change of facts does to a plan's progress: keep what was dealt with, recompute only what was not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from .agenda import agenda
from .cursor import Cursor, Lane
from .decision import next_wake
from .facts import Facts, Progress
from .ids import OccurrenceId
from .local_time import local_date
from .occurrence import CLOSED_BEFORE_ENROLMENT, Entry, Occurrence
from .patient import Status
from .protocol import Anchor
from .slots import NEAR, Slotted, all_slotted, beginning, reach_back
from .steps import anchor_of

AHEAD = timedelta(days=900)
"""How far ahead a change can move what has already been sent; beyond it, it would be sent again."""

RECURRING = frozenset({"checkin", "questionnaire", "education"})
"""What comes again and again: one that a change puts into the past was never to be."""


def replanned(old: Facts | None, new: Facts, cursor: Cursor | None, now: datetime) -> tuple[Facts, Cursor]:
    """The facts with their progress carried over to them, and the cursor to commit with them.

    `old` is None at enrolment. What was dealt with under the old facts stays dealt with, wherever the new ones put
    it; what the new ones want in the past and nobody dealt with is open, for the agenda to send late or let go.
    """
    new = _with_enrolment_date(old, new)
    facts = replace(new, progress=_carried_over(old, new, now) if old else Progress(through=now - JUST))
    active = facts.patient.status is Status.ACTIVE
    due, lane = next_wake(facts, now) if active else (None, Lane.NONE)
    return facts, Cursor(
        rev=cursor.rev + 1 if cursor else 1,
        seq=cursor.seq if cursor else 1,
        due=due,
        lane=lane,
        progress=facts.progress,
        in_flight=cursor.in_flight if cursor else {},
        session=new.session,
    )


JUST = timedelta(seconds=1)
"""A plan begins just before it is made, so that what it wants at once is still to come."""


def _with_enrolment_date(old: Facts | None, new: Facts) -> Facts:
    """Steps count from the day of enrolment where it took place, wherever the patient moves to."""
    anchors: Mapping[Anchor, date] = new.plan.anchors
    if Anchor.ENROLMENT in anchors:
        return new
    enrolled = old.anchor(Anchor.ENROLMENT) if old else None
    held = {**anchors, Anchor.ENROLMENT: enrolled or new.enrolled_on}
    return replace(new, plan=replace(new.plan, anchors=held))


def _carried_over(old: Facts, new: Facts, now: datetime) -> Progress:
    progress = old.progress
    past = list(all_slotted(old, beginning(old), local_date(progress.through, old.tz) + NEAR))
    handled = {o.id for o, slot in past if not progress.is_open(o.id, slot)} | progress.done
    behind = [
        (o, slot)
        for o, slot in all_slotted(new, beginning(new), local_date(progress.through, new.tz) + NEAR)
        if slot <= progress.through
    ]
    waiting = [found for found in _open(old, behind, now) if found[0].id not in handled]
    return replace(
        progress,
        pending={o.id: progress.pending.get(o.id) for o, _ in waiting},
        oldest=min((slot for _, slot in waiting), default=None),
        done=_done(old, new, past, handled - {o.id for o, _ in behind}),
    )


def _open(old: Facts, behind: list[Slotted], now: datetime) -> Iterator[Slotted]:
    """Which of what the new facts want in the past is to be looked at: what is still of use, what was promised for a
    later day, and what is recorded as closed before the plan began."""
    promised: set[str] | None = None
    for found in behind:
        occurrence, _ = found
        verdict = occurrence.verdict
        late = verdict is not None and verdict.rule == CLOSED_BEFORE_ENROLMENT
        if late or occurrence.useful_until > now or occurrence.id in old.progress.pending:
            yield found
        elif occurrence.kind not in RECURRING:
            if promised is None:
                start = reach_back(old, local_date(old.progress.through, old.tz))
                ahead = all_slotted(old, start, start + AHEAD)
                promised = {o.id for o, slot in ahead if old.progress.is_open(o.id, slot)}
            if occurrence.id in promised:
                yield found


def _done(old: Facts, new: Facts, past: list[Slotted], elsewhere: set[OccurrenceId | str]) -> frozenset[str]:
    """What was dealt with and does not lie behind any more: the new facts want it later, or want it no more.

    The latter is remembered as well, for it returns when its dates move once more. Only what cannot return is let go:
    visits, and the cycles of a supply or an injection that are over; a step that returns is looked up in the history.
    """
    if not elsewhere:
        return frozenset()
    standing = {pin.protocol for pin in new.plan.pins if _in_same_cycle(old, new, pin.protocol)}
    gone = {o.id for o, _ in past if o.step.partition("/")[0] in standing}
    start = reach_back(new, local_date(old.progress.through, new.tz))
    ahead = {o.id for o, _ in all_slotted(new, start, start + AHEAD)}
    return frozenset(elsewhere & (ahead | gone | old.progress.done))


def _in_same_cycle(old: Facts, new: Facts, protocol: str) -> bool:
    followed = new.protocols[protocol]
    anchors = {followed.anchor, *(anchor_of(followed, step) for step in followed.steps)}
    return all(_cycle(old, anchor) == _cycle(new, anchor) for anchor in anchors)


def _cycle(facts: Facts, anchor: Anchor) -> int:
    supply = facts.supplies.get(anchor)
    return supply.number if supply else 0


def has_been_handled(facts: Facts, occurrence: Occurrence, slot: datetime) -> bool:
    progress = facts.progress
    return not progress.is_open(occurrence.id, slot)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """What a change of plan would do to the days ahead; each entry stands in one list."""

    moved: tuple[tuple[Entry, Entry], ...]
    added: tuple[Entry, ...]
    cancelled: tuple[Entry, ...]
    kept: tuple[Entry, ...]


def diff(old: Facts, new: Facts, now: datetime, until: datetime) -> Diff:
    """Compares what two sets of facts will do from `now` until `until`; both must carry their own progress."""
    before = {e.occurrence.id: e for e in agenda(old, now, until) if _to_come(e)}
    after = {e.occurrence.id: e for e in agenda(new, now, until) if _to_come(e)}
    return Diff(
        moved=tuple((before[i], e) for i, e in after.items() if i in before and _differs(before[i], e)),
        added=tuple(e for i, e in after.items() if i not in before),
        cancelled=tuple(e for i, e in before.items() if i not in after),
        kept=tuple(e for i, e in after.items() if i in before and not _differs(before[i], e)),
    )


def _to_come(entry: Entry) -> bool:
    return entry.acts or entry.carried_by is not None


def _differs(old: Entry, new: Entry) -> bool:
    # Overdue entries stand at `now` in both; seconds do not count as a move.
    return abs(old.at - new.at) >= timedelta(minutes=1) or old.channel is not new.channel
