"""Course: messages paused and resumed; follow-up ended by discharge or death, and taken up again after a mistake."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from chalicelib.domain.facts import Facts
from chalicelib.domain.patient import Pause, Status
from chalicelib.domain.problem import Problem
from chalicelib.service.change import Altered, Changed, Desk, Refusal
from chalicelib.service.chart import Audit

PAUSES_KEPT = timedelta(days=60)
"""What fell into a pause longer ago than this is in the history; until then the pause says why it was not sent."""


def pause(
    desk: Desk, clinic_id: str, patient_id: str, until: datetime | None, reason: str, audit: Audit, *, now: datetime
) -> Changed | Refusal | None:
    """No message from now until `until` (None: until somebody resumes). What falls into a pause is not made up for
    afterwards. A pause of a paused patient is that pause with another end or reason."""

    def alter(facts: Facts) -> Altered | Refusal | None:
        refused = not_followed(facts)
        if refused:
            return refused
        current = facts.patient.pause_at(now)
        if current and (current.until, current.reason) == (until, reason):
            return None
        wanted = Pause(start=current.start if current else now, until=until, reason=reason)
        return _with_pauses(facts, (*(p for p in _recent(facts, now) if p is not current), wanted))

    return desk.carry_out(clinic_id, patient_id, alter, audit, now=now)


def resume(desk: Desk, clinic_id: str, patient_id: str, audit: Audit, *, now: datetime) -> Changed | Refusal | None:
    """Ends the pause now. A patient who is not paused stays as they are."""

    def alter(facts: Facts) -> Altered | Refusal | None:
        refused = not_followed(facts)
        if refused:
            return refused
        if facts.patient.pause_at(now) is None:
            return None
        return _with_pauses(facts, tuple(_ended(p, now) for p in _recent(facts, now)))

    return desk.carry_out(clinic_id, patient_id, alter, audit, now=now)


def discharge(
    desk: Desk, clinic_id: str, patient_id: str, on: date, audit: Audit, *, now: datetime
) -> Changed | Refusal | None:
    """Ends the follow-up: nothing is sent any more, and nothing is asked of staff."""
    return _end(desk, clinic_id, patient_id, Status.DISCHARGED, on, audit, now)


def deceased(
    desk: Desk, clinic_id: str, patient_id: str, on: date, audit: Audit, *, now: datetime
) -> Changed | Refusal | None:
    """Records the death: everything stops at once."""
    return _end(desk, clinic_id, patient_id, Status.DECEASED, on, audit, now)


def reinstate(
    desk: Desk, clinic_id: str, patient_id: str, reason: str, audit: Audit, *, now: datetime
) -> Changed | Refusal | None:
    """Takes back a discharge or a death that was recorded by mistake, and leaves the patient as they were before it.
    The time between counts as a pause: what fell into it is not made up for."""

    def alter(facts: Facts) -> Altered | None:
        who = facts.patient
        if who.status is Status.ACTIVE:
            return None
        between = Pause(start=who.ended_at or now, until=now, reason=reason)
        return _with_patient(
            facts, status=Status.ACTIVE, ended_on=None, ended_at=None, pauses=(*_recent(facts, now), between)
        )

    return desk.carry_out(clinic_id, patient_id, alter, audit, now=now)


def _end(
    desk: Desk, clinic_id: str, patient_id: str, status: Status, on: date, audit: Audit, now: datetime
) -> Changed | Refusal | None:
    def alter(facts: Facts) -> Altered | Refusal | None:
        who = facts.patient
        if (who.status, who.ended_on) == (status, on):
            return None
        refused = not_living(facts)
        if refused:
            return refused
        return _with_patient(facts, status=status, ended_on=on, ended_at=who.ended_at or now)

    return desk.carry_out(clinic_id, patient_id, alter, audit, now=now)


def not_living(facts: Facts) -> Refusal | None:
    """The refusal of any change to a patient who has died."""
    who = facts.patient
    if who.status is not Status.DECEASED:
        return None
    return _refused(f"the patient died on {who.ended_on}: nothing is sent and nothing can be changed any more")


def not_followed(facts: Facts) -> Refusal | None:
    """The refusal of a change to a follow-up that has ended."""
    who = facts.patient
    if who.status is Status.DISCHARGED:
        return _refused(f"the patient was discharged from follow-up on {who.ended_on}: the plan has ended")
    return not_living(facts)


def _refused(why: str) -> Refusal:
    return Refusal((Problem("status", why),), conflict=True)


def _recent(facts: Facts, now: datetime) -> tuple[Pause, ...]:
    return tuple(p for p in facts.patient.pauses if p.until is None or p.until > now - PAUSES_KEPT)


def _ended(pause: Pause, now: datetime) -> Pause:
    return replace(pause, until=now) if pause.until is None or pause.until > now else pause


def _with_pauses(facts: Facts, pauses: tuple[Pause, ...]) -> Altered:
    return _with_patient(facts, pauses=pauses)


def _with_patient(facts: Facts, **changed: object) -> Altered:
    who = facts.patient
    return Altered(facts=replace(facts, patient=replace(who, version=who.version + 1, **changed)))  # type: ignore[arg-type]
