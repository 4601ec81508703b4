"""Load: whether a plan's texts would queue at the number they leave from, and when they would be through."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.clinic import Clinic
from chalicelib.service.ports import Place, Store

LOOKED_AT = 3
"""How many of a plan's next texts are asked about; the others' neighbours are not in the index yet."""

WITHIN = timedelta(days=7)

LOOK_BACK = timedelta(minutes=10)
"""Texts due this long before a slot may still be queueing when it comes."""

MOST = 1_000
"""References read of one shard for one slot."""

NOTICED = timedelta(seconds=60)
"""A text that leaves within this of its slot is on time (the promise of timeliness)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queueing:
    """A moment at which a number has more to send than it may."""

    slot: datetime
    ahead: int
    """Other texts of the number that are due at that moment or are still waiting then."""
    through: datetime
    """When the last of them will have left, and this plan's with it."""


def queueing(
    store: Store, clinic: Clinic, texts: Iterable[datetime], *, shards: int, patient_id: str = "", now: datetime
) -> list[Queueing]:
    """Where the next texts of a plan would queue behind others of the clinic's.

    It counts what the due index holds: the next wake of every patient. That is exact for the coming hours and too
    few for days far ahead, when wakes come due that stand behind others today; a warning given is always true.
    """
    found = []
    for slot in sorted({t for t in texts if now <= t < now + WITHIN})[:LOOKED_AT]:
        before = Place(due=slot - LOOK_BACK, clinic_id="", patient_id="")
        waiting = [
            reference.due
            for shard in range(shards)
            for reference in store.due(shard, before, slot, limit=MOST)
            if reference.clinic_id == clinic.id
            and reference.lane.startswith("sms#")
            and reference.patient_id != patient_id
        ]
        pace = timedelta(seconds=1 / clinic.sms_per_second)
        free, ahead = slot - LOOK_BACK, 0
        for due in sorted(waiting):
            free = max(free, due) + pace
            ahead += free > slot
        if free - slot > NOTICED:
            found.append(Queueing(slot=slot, ahead=ahead, through=free))
    return found
