"""Switch: stop everything a clinic sends, at once, and start it again.

Workers keep a copy of their clinic's settings for some seconds. Reading them anew for every reminder would cost a call
each, for a switch that is hardly ever used; so whoever throws it outdates those reminders that could be claimed before
the last copy has gone: their claims, too, then need the new settings (docs/decisions/clinic-stop.md).
"""

from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil

from chalicelib.domain.clinic import Clinic
from chalicelib.service.chart import Reference
from chalicelib.service.ports import CLINIC_KEPT, Queue, Store
from chalicelib.service.references import EMAILS_A_MINUTE
from chalicelib.service.tick import MOST, requeue

LEEWAY = timedelta(seconds=5)
"""For clocks that differ, and for a message sent a moment before its time."""

TRIES = 4


def stop(store: Store, clinic: Clinic, *, reason: str | None, now: datetime, shards: int) -> Clinic | None:
    """Stops the clinic: what is claimed after this returns, is claimed by somebody who knows. None when the clinic's
    settings were changed by somebody else at the same moment."""
    stopped = replace(clinic, stopped_at=now, stop_reason=reason, version=clinic.version + 1)
    if not store.replace_clinic(clinic, stopped):
        return None
    for reference in _next_to_go(store, clinic, now, shards):
        _outdate(store, reference, stopped.version, now)
    return stopped


def start(store: Store, queue: Queue, clinic: Clinic, *, now: datetime, shards: int) -> Clinic | None:
    """Starts it again and queues what has fallen due meanwhile: what is still of use goes out, the rest is listed as
    missed. None as for `stop`."""
    started = replace(clinic, stopped_at=None, stop_reason=None, version=clinic.version + 1)
    if not store.replace_clinic(clinic, started):
        return None
    requeue(store, queue, upto=now, now=now, shards=shards, clinic_id=clinic.id)
    return started


def _next_to_go(store: Store, clinic: Clinic, now: datetime, shards: int) -> list[Reference]:
    """The clinic's reminders that could be claimed while old copies of its settings live.

    Behind a sending number many are due that have their turn only later; the earliest twice as many as can go in that
    time are enough, and keep this bounded.
    """
    upto = now + CLINIC_KEPT + LEEWAY
    found = [r for shard in range(shards) for r in store.due(shard, None, upto, limit=MOST) if r.clinic_id == clinic.id]
    pace = clinic.sms_per_second + EMAILS_A_MINUTE / 60
    most = 100 + 2 * ceil(pace * (CLINIC_KEPT + LEEWAY).total_seconds())
    return sorted(found, key=lambda r: (r.due, r.patient_id))[:most]


def _outdate(store: Store, reference: Reference, version: int, now: datetime) -> None:
    for _ in range(TRIES):
        if store.outdate(reference, version):
            return
        # It was claimed or moved in this very moment; what it waits for now may be just as near.
        chart = store.chart(reference.clinic_id, reference.patient_id, now=now)
        if chart is None or chart.cursor.due is None:
            return
        reference = replace(reference, seq=chart.cursor.seq, due=chart.cursor.due)
