"""What a change of facts does to a plan's progress: keep what was dealt with, recompute only what was not."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from .agenda import agenda, all_slotted, beginning
from .cursor import Cursor, lane_of
from .decision import first_due
from .facts import Facts, Progress
from .local_time import DAY, local_date
from .occurrence import Entry, Occurrence, Reason

AHEAD = timedelta(days=900)
"""How far ahead a change can move what has already been sent; beyond it, it would be sent again."""


def replanned(old: Facts | None, new: Facts, cursor: Cursor | None, now: datetime) -> tuple[Facts, Cursor]:
    """The facts with their progress carried over to them, and the cursor to commit with them.

    `old` is None at enrolment. What was dealt with under the old facts stays dealt with, wherever the new ones put
    it; what the new ones want in the past and nobody dealt with is open, for the agenda to send late or let go.
    """
    handled = _handled(old, now) if old else frozenset[str]()
    progress = _carried_over(new, handled, old.progress if old else None, now)
    facts = replace(new, progress=progress)
    first = first_due(facts, now)
    return facts, Cursor(
        rev=cursor.rev + 1 if cursor else 1,
        seq=cursor.seq if cursor else 1,
        due=max(first.at, now) if first else None,
        lane=lane_of(first),
        progress=progress,
        in_flight=cursor.in_flight if cursor else {},
        session=new.session,
    )


def _handled(facts: Facts, now: datetime) -> frozenset[str]:
    through = facts.progress.through
    past = all_slotted(facts, beginning(facts), local_date(now, facts.tz) + 2 * DAY)
    behind = {o.id for o, slot in past if slot <= through}
    return frozenset((behind - facts.progress.pending.keys()) | facts.progress.done)


def _carried_over(new: Facts, handled: frozenset[str], old: Progress | None, now: datetime) -> Progress:
    today = local_date(now, new.tz)
    pending: dict[str, Reason | None] = {}
    waited = old.pending if old else {}
    done: set[str] = set()
    upto = today + (AHEAD if handled else 2 * DAY)
    for occurrence, slot in all_slotted(new, beginning(new), upto):
        if slot <= now and occurrence.id not in handled:
            pending[occurrence.id] = waited.get(occurrence.id)
        elif slot > now and occurrence.id in handled:
            done.add(occurrence.id)
    return Progress(
        through=now,
        pending=pending,
        done=frozenset(done),
        sent=old.sent if old else (),
        mailed=old.mailed if old else (),
    )


def has_been_handled(facts: Facts, occurrence: Occurrence, slot: datetime) -> bool:
    return not facts.progress.is_open(occurrence.id, slot) and (
        slot <= facts.progress.through or occurrence.id in facts.progress.done
    )


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
