"""Appointments: one or a series, moved, and marked."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import Any

from chalice.app import Response

from chalicelib import wiring
from chalicelib.adapters.secrets import fresh_id
from chalicelib.domain.facts import Facts
from chalicelib.domain.plan import AppointmentKind, AppointmentStatus, Profile
from chalicelib.domain.problem import Problem
from chalicelib.domain.protocol import VisitWindow
from chalicelib.service import visits
from chalicelib.service.change import Refusal
from chalicelib.service.chart import Audit, Chart
from chalicelib.service.visits import NewVisit
from chalicelib.web import answers
from chalicelib.web.bodies import AppointmentChange, NewAppointment, Series
from chalicelib.web.checks import WEEKDAYS, clock, local_instant
from chalicelib.web.door import Call
from chalicelib.web.problems import conflict, not_found, wrong
from chalicelib.web.reading import given, read
from chalicelib.web.views.patients import chart_of


def listed(call: Call, patient_id: str) -> dict[str, Any]:
    facts = chart_of(call, patient_id).facts
    return answers.page([answers.appointment(a, facts) for a in facts.appointments], None)


def book(call: Call, patient_id: str) -> Response:
    facts = chart_of(call, patient_id).facts
    body, found = read(call.json, NewAppointment)
    starts = _starts(body, facts, call.now, found)
    if given(body.window_step) and body.window_step is not None:
        _check_window_step(body.window_step, facts, found)
    if found:
        raise wrong(found)
    made = [
        NewVisit(
            id=fresh_id(),
            kind=AppointmentKind(body.kind),
            starts_at=at,
            profile=Profile(body.profile) if body.profile else None,
            window_step=body.window_step,
        )
        for at in starts
    ]
    chart = _settled(
        visits.book(
            wiring.desk(),
            call.principal.clinic_id,
            patient_id,
            made,
            _audit(call, patient_id, "appointment.book"),
            now=call.now,
        )
    )
    ids = {v.id for v in made}
    items = [answers.appointment(a, chart.facts) for a in chart.facts.appointments if a.id in ids]
    answer = items[0] if body.series is None else answers.page(items, None)
    return Response(answer, status_code=HTTPStatus.CREATED)


def alter(call: Call, patient_id: str, appointment_id: str) -> dict[str, Any]:
    facts = chart_of(call, patient_id).facts
    if all(a.id != appointment_id for a in facts.appointments):
        raise not_found()
    body, found = read(call.json, AppointmentChange)
    if given(body.starts_at) == given(body.status) and not found:
        found.append(Problem("(body)", "must give starts_at or status, one of the two"))
    if found:
        raise wrong(found)
    audit = _audit(call, patient_id, "appointment.change")
    clinic_id = call.principal.clinic_id
    if isinstance(body.starts_at, str):
        try:
            at = local_instant(body.starts_at, facts.patient.timezone)
        except (ValueError, OverflowError):
            raise wrong([Problem("starts_at", "is no day of the calendar")]) from None
        if at <= call.now:
            raise wrong([Problem("starts_at", "lies in the past")])
        done = visits.move(wiring.desk(), clinic_id, patient_id, appointment_id, at, audit, now=call.now)
    else:
        assert isinstance(body.status, str)
        status = AppointmentStatus(body.status)
        done = visits.mark(wiring.desk(), clinic_id, patient_id, appointment_id, status, audit, now=call.now)
    chart = _settled(done)
    return next(answers.appointment(a, chart.facts) for a in chart.facts.appointments if a.id == appointment_id)


def _settled(done: Chart | Refusal | None) -> Chart:
    """The chart, or the answer that a refusal becomes."""
    if done is None or (isinstance(done, Refusal) and not done.problems):
        raise not_found()
    if isinstance(done, Refusal):
        raise conflict("That does not fit how things stand.", done.problems) if done.conflict else wrong(done.problems)
    return done


def _audit(call: Call, patient_id: str, action: str) -> Audit:
    return Audit(
        id=fresh_id(),
        clinic_id=call.principal.clinic_id,
        at=call.now,
        actor=call.principal.actor,
        action=action,
        patient_id=patient_id,
    )


def _starts(body: NewAppointment, facts: Facts, now: datetime, found: list[Problem]) -> list[datetime]:
    if (body.starts_at is None) == (body.series is None):
        found.append(Problem("starts_at", "give starts_at, or a series, one of the two"))
        return []
    if body.series is not None:
        return list(_series(body.series, facts, now, found)) if given(body.series) else []
    if not given(body.starts_at) or body.starts_at is None:
        return []
    try:
        at = local_instant(body.starts_at, facts.patient.timezone)
    except (ValueError, OverflowError):
        found.append(Problem("starts_at", "is no day of the calendar"))
        return []
    if at <= now:
        found.append(Problem("starts_at", "lies in the past"))
    return [at]


def _series(series: Series, facts: Facts, now: datetime, found: list[Problem]) -> Iterator[datetime]:
    if not all(given(v) for v in (series.weekdays, series.time, series.start, series.until)):
        return
    if series.until < series.start:
        found.append(Problem("series.until", "is before series.from"))
        return
    if series.until - series.start > timedelta(days=366):
        found.append(Problem("series.until", "is more than a year after series.from"))
        return
    wanted = {WEEKDAYS.index(w) for w in series.weekdays}
    days: list[date] = []
    day = series.start
    while day <= series.until:
        if day.weekday() in wanted:
            days.append(day)
        day += timedelta(days=1)
    starts = [local_instant(f"{d.isoformat()}T{clock(series.time):%H:%M}", facts.patient.timezone) for d in days]
    starts = [at for at in starts if at > now]
    if not starts:
        found.append(Problem("series", "holds no day that is still to come"))
    if len(starts) > visits.MOST:
        found.append(Problem("series", f"holds {len(starts)} visits; {visits.MOST} is the most at once"))
    yield from starts


def _check_window_step(step: str, facts: Facts, found: list[Problem]) -> None:
    protocol_id, _, key = step.partition("/")
    protocol = facts.protocols.get(protocol_id)
    if protocol is None or not isinstance(protocol.step(key), VisitWindow):
        found.append(Problem("window_step", f"{step!r} is no visit window of this plan; it reads <protocol>/<step>"))
