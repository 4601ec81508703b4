"""Appointments: one or a series, moved, and marked."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from http import HTTPStatus
from typing import Any

from chalice.app import Response
from msgspec import UnsetType

from chalicelib import wiring
from chalicelib.adapters.secrets import fresh_id
from chalicelib.domain.facts import Facts
from chalicelib.domain.local_time import local_date
from chalicelib.domain.plan import AppointmentKind, AppointmentStatus, Profile
from chalicelib.domain.plan_windows import Window, plan_windows, served_by
from chalicelib.domain.problem import Problem
from chalicelib.domain.protocol import Supply, VisitWindow
from chalicelib.service import visits
from chalicelib.service.visits import NewVisit
from chalicelib.web import answers
from chalicelib.web.bodies import AppointmentChange, NewAppointment, Series
from chalicelib.web.checks import WEEKDAYS, clock, local_instant
from chalicelib.web.door import Call
from chalicelib.web.journal import audit_of
from chalicelib.web.problems import not_found, wrong
from chalicelib.web.reading import given, read
from chalicelib.web.settling import settled
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
    kind, step = AppointmentKind(body.kind), body.window_step
    warnings: list[str] = []
    if step is None and body.series is None:
        step, warnings = _inferred(facts, starts[0], kind)
    elif step is not None:
        warnings = [said for at in starts for said in _beside_its_window(facts, at, step)]
    made = [
        NewVisit(
            id=fresh_id(),
            kind=kind,
            starts_at=at,
            profile=Profile(body.profile) if body.profile else None,
            window_step=step,
        )
        for at in starts
    ]
    audit = audit_of(call, patient_id, "appointment.book")
    clinic_id = call.principal.clinic_id
    chart = settled(visits.book(wiring.desk(), clinic_id, patient_id, made, audit, now=call.now))
    ids = {v.id for v in made}
    items = [answers.appointment(a, chart.facts) for a in chart.facts.appointments if a.id in ids]
    answer = items[0] if body.series is None else answers.page(items, None)
    return Response({**answer, "warnings": warnings}, status_code=HTTPStatus.CREATED)


def _inferred(facts: Facts, at: datetime, kind: AppointmentKind) -> tuple[str | None, list[str]]:
    """The window that a visit serves when nobody says: the only one it falls into; and what to tell about it."""
    open_then = served_by(facts, at, kind)
    if len(open_then) == 1:
        (window,) = open_then
        return window.id, [
            f"taken as the visit for {_shown(window)}: it is the only window open that day and no other visit serves "
            "it; PATCH window_step to null if it is not"
        ]
    if open_then:
        listed = "; ".join(_shown(window) for window in open_then)
        return None, [
            f"serves no window yet, and may be meant for one of several: PATCH window_step to choose: {listed}"
        ]
    return None, []


def _shown(window: Window) -> str:
    return f"{window.id} ({window.title}, {window.opens} to {window.closes})"


def _beside_its_window(facts: Facts, at: datetime, step: str) -> list[str]:
    """What to tell of a visit outside every window of the step it is said to serve."""
    day = local_date(at, facts.tz)
    around = [w for w in plan_windows(facts, day - NEAR_ENOUGH, day + NEAR_ENOUGH) if w.id == step]
    if any(w.opens <= day <= w.closes for w in around):
        return []
    when = "; ".join(f"{w.opens} to {w.closes}" for w in around)
    return [f"{day} is outside the window of {step}{f' ({when})' if when else ''}, which it will not complete"]


NEAR_ENOUGH = timedelta(days=366)


def alter(call: Call, patient_id: str, appointment_id: str) -> dict[str, Any]:
    facts = chart_of(call, patient_id).facts
    if all(a.id != appointment_id for a in facts.appointments):
        raise not_found()
    body, found = read(call.json, AppointmentChange)
    if sum(given(part) for part in (body.starts_at, body.status, body.window_step)) != 1 and not found:
        found.append(Problem("(body)", "must give starts_at, status or window_step, one of the three"))
    if isinstance(body.window_step, str):
        _check_window_step(body.window_step, facts, found)
    at = _to_come(body.starts_at, facts, call.now, found) if isinstance(body.starts_at, str) else None
    if found:
        raise wrong(found)
    audit = audit_of(call, patient_id, "appointment.change")
    where = (wiring.desk(), call.principal.clinic_id, patient_id, appointment_id)
    if at is not None:
        done = visits.move(*where, at, audit, now=call.now)
    elif isinstance(body.status, str):
        done = visits.mark(*where, AppointmentStatus(body.status), audit, now=call.now)
    else:
        assert not isinstance(body.window_step, UnsetType)
        done = visits.serve(*where, body.window_step, audit, now=call.now)
    after = settled(done).facts
    visit = next(a for a in after.appointments if a.id == appointment_id)
    standing = visit.window_step if visit.status.stands else None
    warnings = _beside_its_window(after, visit.starts_at, standing) if standing else []
    return {**answers.appointment(visit, after), "warnings": warnings}


def _to_come(text: str, facts: Facts, now: datetime, found: list[Problem]) -> datetime | None:
    try:
        at = local_instant(text, facts.patient.timezone)
    except (ValueError, OverflowError):
        found.append(Problem("starts_at", "is no day of the calendar"))
        return None
    if at <= now:
        found.append(Problem("starts_at", "lies in the past"))
    return at


def _starts(body: NewAppointment, facts: Facts, now: datetime, found: list[Problem]) -> list[datetime]:
    if (body.starts_at is None) == (body.series is None):
        found.append(Problem("starts_at", "give starts_at, or a series, one of the two"))
        return []
    if body.series is not None:
        return list(_series(body.series, facts, now, found)) if given(body.series) else []
    if not given(body.starts_at) or body.starts_at is None:
        return []
    at = _to_come(body.starts_at, facts, now, found)
    return [at] if at else []


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
    known = {
        f"{protocol.id}/{each.key}"
        for protocol in facts.protocols.values()
        for each in protocol.steps
        if isinstance(each, VisitWindow | Supply)
    }
    if step not in known:
        near = get_close_matches(step, known, n=1)
        hint = f"did you mean {near[0]}?" if near else "it reads <protocol>/<step>"
        found.append(Problem("window_step", f"{step!r} is no visit window of this plan; {hint}"))
