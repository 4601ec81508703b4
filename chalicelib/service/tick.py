"""Tick: every minute, find what is due soon and queue it, each at its own second.

The due index is only read; the truth is each patient's cursor, which the worker reads again. So a tick that runs
twice, late or not at all loses nothing and doubles nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from chalicelib.domain.occurrence import Reason
from chalicelib.service.chart import Reference
from chalicelib.service.ports import Place, Queue, Store, Watermark
from chalicelib.service.references import LONGEST_DELAY, LOOK_AHEAD, RESERVED, queue_all, spacing

MOST = 2_000
"""References of one shard in one tick: four shards of them are eight hundred calls of the queue, ten seconds' work,
and more in a minute than a short code sends (100 a second). Also what one tick moves to a later slot, each a write of
its own: ten seconds' work, too."""

OVERDUE = timedelta(minutes=20)
"""A cursor this far behind has been lost sight of; the sweep takes it up again."""

MISSED_SLOT = timedelta(minutes=1)
"""A reserved slot this long past was not used, and those after it are taken."""

PACED = Reason("pacing", "the clinic's number sends no faster; others due at the same time go first")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked:
    """What a tick found, for its log line and its metrics."""

    found: int
    queued: int
    held: int
    advanced: bool
    """False when another tick had moved the watermark first."""


def tick(store: Store, queue: Queue, *, now: datetime, shards: int, most: int = MOST) -> Ticked:
    """Queues what falls due from the watermark up to three minutes from now, and moves the watermark there.

    Where there is more than one tick can do, the watermark stops at what was done and the next tick goes on from it:
    it holds a place for every shard, for thousands may be due in one second.
    """
    mark = store.watermark()
    places = dict(mark.places) if mark else {}
    upto = now + LOOK_AHEAD
    ends = {shard: Place(due=upto, clinic_id="~", patient_id="") for shard in range(shards)}
    found: list[tuple[Reference, int]] = []
    for shard in range(shards):
        references = store.due(shard, places.get(shard), upto, limit=most)
        found += ((reference, shard) for reference in references)
        if len(references) == most:
            ends[shard] = _place(references[-1])
    found.sort(key=lambda each: _order(each[0]))

    free = _busy(mark.lanes if mark else {}, now)
    delayed: list[tuple[Reference, timedelta]] = []
    held = 0
    for position, (reference, slot) in enumerate(_paced((each for each, _ in found), free, now)):
        if slot - now <= LONGEST_DELAY:
            delayed.append((reference, slot - now))
            continue
        if held == most:
            found = found[:position]
            ends = {**places, **{s: _place(r) for r, s in found}}
            break
        store.hold(reference, _whole_second(slot), reason=PACED, lane=RESERVED + reference.lane)
        held += 1
    queued = queue_all(queue, delayed)
    following = Watermark(turn=mark.turn + 1 if mark else 1, places=_furthest(places, ends), lanes=free)
    advanced = store.advance_watermark(mark, following)
    return Ticked(found=len(found), queued=queued, held=held, advanced=advanced)


def sweep(store: Store, queue: Queue, *, now: datetime, shards: int) -> int:
    """Queues again whatever has been overdue for long; answers how many. Normally none."""
    return requeue(store, queue, upto=now - OVERDUE, now=now, shards=shards)


def requeue(
    store: Store, queue: Queue, *, upto: datetime, now: datetime, shards: int, clinic_id: str | None = None
) -> int:
    """Queues again what was due up to then, of one clinic or of all that are not stopped; answers how many.

    Those that find no slot within the queue's longest delay stay where they are, for the next sweep.
    """
    found: list[Reference] = []
    for shard in range(shards):
        theirs = (
            each for each in waiting(store, shard, upto, now=now) if clinic_id is None or each.clinic_id == clinic_id
        )
        found += islice(theirs, MOST)
    found.sort(key=_order)
    mark = store.watermark()
    free = _busy(mark.lanes if mark else {}, now)
    slotted = ((reference, slot - now) for reference, slot in _paced(found, free, now))
    return queue_all(queue, [each for each in slotted if each[1] <= LONGEST_DELAY])


def waiting(store: Store, shard: int, upto: datetime, *, now: datetime, page: int = MOST) -> Iterator[Reference]:
    """A shard's references due by then that somebody may work on, the oldest first, read a page at a time."""
    runs: dict[str, bool] = {}
    after: Place | None = None
    while True:
        references = store.due(shard, after, upto, limit=page)
        for reference in references:
            if reference.clinic_id not in runs:
                clinic = store.clinic(reference.clinic_id, now=now)
                runs[reference.clinic_id] = clinic is not None and clinic.stopped_at is None
            if runs[reference.clinic_id]:
                yield reference
        if len(references) < page:
            return
        after = _place(references[-1])


def _paced(
    references: Iterable[Reference], free: dict[str, datetime], now: datetime
) -> Iterator[tuple[Reference, datetime]]:
    """Each reference with its lane's next free moment; `free` moves on with them."""
    for reference in references:
        slot = max(reference.due, now)
        lane = reference.lane.removeprefix(RESERVED)
        # A slot given earlier is still free, unless it has gone by in an outage.
        if lane and (lane == reference.lane or reference.due < now - MISSED_SLOT):
            slot = max(slot, free.get(lane, slot))
            free[lane] = slot + spacing(lane)
        yield replace(reference, lane=lane), slot


def _busy(lanes: Mapping[str, datetime], now: datetime) -> dict[str, datetime]:
    return {lane: at for lane, at in lanes.items() if at > now}


def _place(reference: Reference) -> Place:
    return Place(due=reference.due, clinic_id=reference.clinic_id, patient_id=reference.patient_id)


def _furthest(old: Mapping[int, Place], new: Mapping[int, Place]) -> dict[int, Place]:
    """A clock that is behind does not move the watermark back."""
    return {shard: max(old.get(shard, place), place, key=_order) for shard, place in new.items()}


def _order(what: Reference | Place) -> tuple[datetime, str, str]:
    """The index's own order, in which a watermark can stop anywhere."""
    return what.due, what.clinic_id, what.patient_id


def _whole_second(at: datetime) -> datetime:
    """A due time is a key: whole seconds, and never early."""
    return at.replace(microsecond=0) + timedelta(seconds=1 if at.microsecond else 0)
