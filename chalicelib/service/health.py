"""Health: whether the service keeps up, for operators. A query of one item or a few for each shard, whatever is
enrolled."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.service.ports import Store
from chalicelib.service.references import LOOK_AHEAD
from chalicelib.service.tick import waiting

GLANCE = 25
"""References looked at in one reading of a shard: the first that belongs to a running clinic is enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    oldest_due: timedelta
    """How long the oldest due reminder of a running clinic has waited; nothing when none is due."""
    watermark: timedelta | None
    """How far the tick lags behind where it should have looked; None before its first run."""
    clinics: int
    stopped: int
    """Clinics whose stop switch is on."""


def health(store: Store, *, now: datetime, shards: int) -> Health:
    stops = store.stops()
    mark = store.watermark()
    places = list(mark.places.values()) if mark else []
    behind = now + LOOK_AHEAD - min(place.due for place in places) if places else None
    return Health(
        oldest_due=oldest_due(store, now=now, shards=shards),
        watermark=max(behind, timedelta(0)) if behind is not None else None,
        clinics=len(stops),
        stopped=sum(stops.values()),
    )


def oldest_due(store: Store, *, now: datetime, shards: int) -> timedelta:
    """How long the oldest due reminder has waited. A clinic that is stopped keeps its own waiting on purpose."""
    first = [next(waiting(store, shard, now, now=now, page=GLANCE), None) for shard in range(shards)]
    return max((now - reference.due for reference in first if reference), default=timedelta(0))
