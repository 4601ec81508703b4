"""Stopping and starting: one clinic, or all of them. It takes effect before the next claim; pages to staff go on."""

from dataclasses import replace

from chalicelib import wiring
from chalicelib.domain.clinic import Clinic
from chalicelib.service.tick import requeue
from ops.inside import Inside
from ops.say import say
from ops.stage import NotReady

ALL = "all"


def stop(inside: Inside, which: str, reason: str) -> None:
    """Those that are stopped already stay as they are, with the reason they have."""
    for clinic in _clinics(which):
        if clinic.stopped_at is not None:
            say(f"{clinic.id} is stopped since {clinic.stopped_at:%Y-%m-%d %H:%M}Z")
            continue
        _put(clinic, replace(clinic, stopped_at=inside.now, stop_reason=reason))
        inside.note(clinic.id, "clinic.stop", detail="by operators", reason=reason)
        say(f"{clinic.id} is stopped")


def start(inside: Inside, which: str, reason: str) -> None:
    """What waited while a clinic was stopped is queued again where it is still of use."""
    for clinic in _clinics(which):
        if clinic.stopped_at is None:
            say(f"{clinic.id} runs")
            continue
        _put(clinic, replace(clinic, stopped_at=None, stop_reason=None))
        inside.note(clinic.id, "clinic.start", detail="by operators", reason=reason)
        now = inside.now
        shards = wiring.settings().shards
        again = requeue(wiring.store(), wiring.queue("deliver"), upto=now, now=now, shards=shards, clinic_id=clinic.id)
        say(f"{clinic.id} runs; {again} that waited are queued")


def _clinics(which: str) -> list[Clinic]:
    if which == ALL:
        return wiring.store().clinics()
    clinic = wiring.store().clinic(which)
    if clinic is None:
        raise NotReady(f"there is no clinic {which}")
    return [clinic]


def _put(before: Clinic, wanted: Clinic) -> None:
    if not wiring.store().replace_clinic(before, replace(wanted, version=before.version + 1)):
        raise NotReady(f"clinic {before.id} was changed at the same moment; run this again")
