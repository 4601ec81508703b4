"""Tick: every minute, find what is due soon and queue it, each at its own second.

The due index is only read; the truth is each patient's cursor, which the worker reads again. So a tick that runs
twice, late or not at all loses nothing and doubles nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.occurrence import Reason
from chalicelib.service.chart import Reference
from chalicelib.service.ports import Queue, Store, Watermark
from chalicelib.service.references import LONGEST_DELAY, LOOK_AHEAD, queue_all

MOST = 2_000
"""References of one shard in one tick: what the function can queue well within its time."""

OVERDUE = timedelta(minutes=20)
"""A cursor this far behind has been lost sight of; the sweep takes it up again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked:
    """What a tick found, for its log line and its metrics."""

    found: int
    queued: int
    held: int
    advanced: bool
    """False when another tick had moved the watermark first."""


def tick(store: Store, queue: Queue, *, now: datetime, shards: int) -> Ticked:
    mark = store.watermark()
    # Without a watermark everything due so far counts as not yet seen.
    after = mark.through if mark else None
    upto = now + LOOK_AHEAD
    if after is not None and after >= upto:
        return Ticked(found=0, queued=0, held=0, advanced=False)
    found: list[Reference] = []
    through = upto
    for shard in range(shards):
        references = store.due(shard, after, upto, limit=MOST)
        if len(references) == MOST:
            # There is more; this tick vouches only for what it saw, and the next takes up from there.
            through = min(through, references[-1].due - timedelta(seconds=1))
        found.extend(references)
    found = [r for r in sorted(found, key=lambda r: (r.due, r.patient_id)) if r.due <= through or r.due <= now]
    queued, held, lanes = _pace(store, queue, found, mark.lanes if mark else {}, now)
    advanced = store.advance_watermark(mark, Watermark(through=max(through, after or through), lanes=lanes))
    return Ticked(found=len(found), queued=queued, held=held, advanced=advanced)


def sweep(store: Store, queue: Queue, *, now: datetime, shards: int) -> int:
    """Queues again whatever has been overdue for long; answers how many. Normally none."""
    found = [r for shard in range(shards) for r in store.due(shard, None, now - OVERDUE, limit=MOST)]
    queued, held, _ = _pace(store, queue, sorted(found, key=lambda r: r.due), {}, now)
    return queued + held


def _pace(
    store: Store, queue: Queue, references: Iterable[Reference], lanes: Mapping[str, datetime], now: datetime
) -> tuple[int, int, dict[str, datetime]]:
    """Gives each reference its lane's next free moment. What gets none within the queue's longest delay is held in
    the table until then, with the reason."""
    free = {lane: at for lane, at in lanes.items() if at > now}
    delayed: list[tuple[Reference, timedelta]] = []
    held = 0
    for reference in references:
        slot = max(reference.due, now)
        if reference.lane:
            pace = timedelta(minutes=1) / int(reference.lane.rpartition("#")[2])
            slot = max(slot, free.get(reference.lane, slot))
            free[reference.lane] = slot + pace
        if slot - now > LONGEST_DELAY:
            why = Reason("pacing", "the clinic's number sends no faster; others due at the same time go first")
            # Whole seconds: a due time is a key.
            until = slot.replace(microsecond=0) + timedelta(seconds=1 if slot.microsecond else 0)
            held += store.hold(reference, until, None, why)
        else:
            delayed.append((reference, slot - now))
    return queue_all(queue, delayed), held, free
