"""Visits: appointments made, moved and marked, and what that does to the plan."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.domain.facts import Facts
from chalicelib.domain.plan import Appointment, AppointmentKind, AppointmentStatus, Profile
from chalicelib.domain.problem import Problem
from chalicelib.domain.replan import has_been_handled
from chalicelib.domain.slots import slot_of
from chalicelib.domain.visits import occurrences_of
from chalicelib.service.change import Altered, Desk, Refusal
from chalicelib.service.chart import Audit, Chart
from chalicelib.service.course import not_followed, not_living

MOST = 90
"""Visits made in one request: what one transaction takes, with room for the rest of the change."""

KEPT = timedelta(days=400)
"""Visits are kept beside the plan this long, for the windows they served and the no-show rule; then only in history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVisit:
    id: str
    kind: AppointmentKind
    starts_at: datetime
    profile: Profile | None = None
    window_step: str | None = None


def usual_profile(facts: Facts, kind: AppointmentKind, now: datetime) -> Profile:
    """Which reminders a visit gets when nobody says: more for who missed one within a year (clinical reference §5)."""
    if kind is AppointmentKind.THERAPY:
        return Profile.THERAPY
    if facts.missed_visit_since(now - timedelta(days=365)):
        return Profile.HIGH_RISK_NO_SHOW
    return Profile.APPOINTMENT


def book(
    desk: Desk, clinic_id: str, patient_id: str, visits: Sequence[NewVisit], audit: Audit, *, now: datetime
) -> Chart | Refusal | None:
    """Adds the visits to the patient's, all or none."""

    def alter(facts: Facts) -> Altered | Refusal:
        refused = not_followed(facts)
        if refused:
            return refused
        known = {(a.starts_at, a.kind) for a in facts.appointments if a.status.stands}
        taken = [v for v in visits if (v.starts_at, v.kind) in known]
        if taken:
            return Refusal((Problem("starts_at", "the patient has that visit already"),), conflict=True)
        made = tuple(
            Appointment(
                id=v.id,
                kind=v.kind,
                starts_at=v.starts_at,
                status=AppointmentStatus.BOOKED,
                set_at=now,
                profile=v.profile or usual_profile(facts, v.kind, now),
                window_step=v.window_step,
            )
            for v in visits
        )
        kept = tuple(a for a in facts.appointments if a.starts_at > now - KEPT)
        return Altered(facts=replace(facts, appointments=(*kept, *made)))

    return desk.change(clinic_id, patient_id, alter, audit, now=now)


def move(
    desk: Desk, clinic_id: str, patient_id: str, visit_id: str, starts_at: datetime, audit: Audit, *, now: datetime
) -> Chart | Refusal | None:
    """Gives the visit another time. Reminders that have not gone out move along; if some have, it earns them anew."""

    def alter(facts: Facts) -> Altered | Refusal | None:
        visit = _found(facts, visit_id)
        if visit is None:
            return _ABSENT
        refused = not_followed(facts)
        if refused:
            return refused
        if not visit.status.stands:
            return Refusal(
                (Problem("starts_at", f"the visit is {visit.status.value} and keeps its time"),), conflict=True
            )
        if visit.starts_at == starts_at:
            return None
        reminded = any(has_been_handled(facts, o, slot_of(facts, o)) for o in occurrences_of(facts, visit))
        moved = replace(
            visit,
            starts_at=starts_at,
            set_at=now,
            status=AppointmentStatus.BOOKED,
            generation=visit.generation + reminded,
        )
        return _with(facts, moved)

    return desk.change(clinic_id, patient_id, alter, audit, now=now)


def mark(
    desk: Desk,
    clinic_id: str,
    patient_id: str,
    visit_id: str,
    status: AppointmentStatus,
    audit: Audit,
    *,
    now: datetime,
) -> Chart | Refusal | None:
    """Says what became of the visit: confirmed, cancelled, attended or missed."""

    def alter(facts: Facts) -> Altered | Refusal | None:
        visit = _found(facts, visit_id)
        if visit is None:
            return _ABSENT
        if visit.status is status:
            return None
        refused = not_living(facts)
        if refused:
            return refused
        if status in (AppointmentStatus.ATTENDED, AppointmentStatus.MISSED) and visit.starts_at > now:
            return Refusal((Problem("status", "the visit has not taken place yet"),))
        return _with(facts, replace(visit, status=status))

    return desk.change(clinic_id, patient_id, alter, audit, now=now)


def serve(
    desk: Desk, clinic_id: str, patient_id: str, visit_id: str, step: str | None, audit: Audit, *, now: datetime
) -> Chart | Refusal | None:
    """Says which window of the plan the visit serves (`<protocol>/<step>`), or that it serves none."""

    def alter(facts: Facts) -> Altered | Refusal | None:
        visit = _found(facts, visit_id)
        if visit is None:
            return _ABSENT
        if visit.window_step == step:
            return None
        return not_living(facts) or _with(facts, replace(visit, window_step=step))

    return desk.change(clinic_id, patient_id, alter, audit, now=now)


_ABSENT = Refusal(())
"""There is no such visit: told like every absent thing."""


def _found(facts: Facts, visit_id: str) -> Appointment | None:
    return next((a for a in facts.appointments if a.id == visit_id), None)


def _with(facts: Facts, visit: Appointment) -> Altered:
    others = tuple(a for a in facts.appointments if a.id != visit.id)
    return Altered(facts=replace(facts, appointments=(*others, visit)))
