"""Stopping and starting: one clinic, or all of them. It takes effect before the next claim; pages to staff go on."""

from chalicelib import wiring
from chalicelib.domain.clinic import Clinic
from chalicelib.service import switch
from ops.inside import Inside
from ops.say import UNCHANGED, say
from ops.stage import NotReady

ALL = "all"


def stop(inside: Inside, which: str, *, reason: str, only_plan: bool) -> None:
    """Those that are stopped already stay as they are, with the reason they have."""
    running = [clinic for clinic in _clinics(which) if clinic.stopped_at is None]
    _show("stop", _clinics(which), running)
    for clinic in running if not only_plan else ():
        done = switch.stop(wiring.store(), clinic, reason=reason, now=inside.now, shards=wiring.settings().shards)
        _settled(inside, clinic, done, "clinic.stop", reason)
    _end(running, only_plan)


def start(inside: Inside, which: str, *, reason: str, only_plan: bool) -> None:
    """What waited while a clinic was stopped is queued again where it is still of use."""
    stopped = [clinic for clinic in _clinics(which) if clinic.stopped_at is not None]
    _show("start", _clinics(which), stopped)
    for clinic in stopped if not only_plan else ():
        done = switch.start(
            wiring.store(), wiring.queue("deliver"), clinic, now=inside.now, shards=wiring.settings().shards
        )
        _settled(inside, clinic, done, "clinic.start", reason)
    _end(stopped, only_plan)


def _show(verb: str, clinics: list[Clinic], concerned: list[Clinic]) -> None:
    if not clinics:
        say("There are no clinics yet")
        return
    say(f"Plan: {verb} {len(concerned)} of {len(clinics)} clinic{'s' if len(clinics) > 1 else ''}")
    for clinic in clinics:
        if clinic in concerned:
            say(f"  {clinic.id}: {verb}")
        elif clinic.stopped_at is None:
            say(f"  {clinic.id}: it runs")
        else:
            say(f"  {clinic.id}: it is stopped since {clinic.stopped_at:%Y-%m-%d %H:%M}Z")


def _settled(inside: Inside, clinic: Clinic, done: Clinic | None, action: str, reason: str) -> None:
    if done is None:
        raise NotReady(f"clinic {clinic.id} was changed at the same moment; run this again")
    inside.note(clinic.id, action, detail="by operators", reason=reason)


def _end(concerned: list[Clinic], only_plan: bool) -> None:
    say(UNCHANGED if only_plan or not concerned else "Done")


def _clinics(which: str) -> list[Clinic]:
    if which == ALL:
        return wiring.store().clinics()
    clinic = wiring.store().clinic(which)
    if clinic is None:
        raise NotReady(f"there is no clinic {which}")
    return [clinic]
