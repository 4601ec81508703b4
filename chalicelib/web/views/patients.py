"""Patients: enrolling them, finding them, and everything that happens to them."""

import json
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from chalice.app import Response

from chalicelib import wiring
from chalicelib.adapters.copybook import copybook
from chalicelib.domain.problem import Problem
from chalicelib.service.chart import Chart
from chalicelib.service.enrol import OtherBody
from chalicelib.service.timeline import future
from chalicelib.service.timeline import timeline as all_lines
from chalicelib.web import answers, checks
from chalicelib.web.bodies import NewPatient
from chalicelib.web.caps import give_back_enrolment, take_enrolments
from chalicelib.web.door import Call
from chalicelib.web.paging import Page, cut, page_of
from chalicelib.web.problems import conflict, not_found, wrong
from chalicelib.web.reading import read
from chalicelib.web.views.clinics import own_clinic
from chalicelib.web.views.protocols import library_of

SHOWN_AHEAD = timedelta(days=90)
"""How much of the plan the answer to an enrolment lays out."""


def enrol(call: Call) -> Response:
    clinic = own_clinic(call)
    body, found = read(call.json, NewPatient)
    request = checks.enrolment(body, clinic, library_of(call), now=call.now, found=found)
    if request is None:
        raise wrong(found)
    day = take_enrolments(clinic, 1, now=call.now)
    digest = wiring.hasher().body(json.dumps(call.json, sort_keys=True, separators=(",", ":")).encode())
    done = wiring.enrolling().enrol(clinic, request, digest, call.principal.actor, now=call.now)
    if isinstance(done, OtherBody) or not done.created:
        give_back_enrolment(clinic, day)
    if isinstance(done, OtherBody):
        raise conflict(
            "A patient with this external id was enrolled with other data. Change that patient instead.",
            [Problem("external_id", "belongs to a patient who was enrolled with other data")],
        )
    chart = done.chart
    call.patients.add(chart.facts.patient.id)
    coming = list(future(chart, copybook, wiring.site(), now=call.now, until=call.now + SHOWN_AHEAD))
    return Response(
        {
            **answers.patient(chart),
            "plan": answers.plan(chart, coming, done.warnings),
            "warnings": list(done.warnings),
        },
        status_code=HTTPStatus.CREATED if done.created else HTTPStatus.OK,
    )


def chart_of(call: Call, patient_id: str) -> Chart:
    """The patient's chart, if it is the token's clinic's."""
    if "#" in patient_id:
        raise not_found()
    chart = wiring.store().chart(call.principal.clinic_id, patient_id, now=call.now)
    if chart is None:
        raise not_found()
    call.patients.add(patient_id)
    return chart


def one(call: Call, patient_id: str) -> Response:
    chart = chart_of(call, patient_id)
    etag = f'"{chart.facts.patient.version}"'
    return Response(answers.patient(chart, call.now), headers={"ETag": etag})


def listed(call: Call) -> dict[str, Any]:
    page = page_of(call)
    ids, following = wiring.roster().find(
        call.principal.clinic_id,
        status=call.query.get("status"),
        q=call.query.get("q"),
        limit=page.limit,
        start=page.cursor,
        now=call.now,
    )
    charts = (wiring.store().chart(call.principal.clinic_id, each, now=call.now) for each in ids)
    shown = [answers.patient(chart, call.now) for chart in charts if chart]
    call.patients.update(each["id"] for each in shown)
    return answers.page(shown, page.sealed(following))


def timeline(call: Call, patient_id: str) -> dict[str, Any]:
    chart = chart_of(call, patient_id)
    found: list[Problem] = []
    start, end = (_moment(call, name, found) for name in ("from", "to"))
    if found:
        raise wrong(found)
    page: Page = page_of(call, most=1000, usual=1000)
    said = wiring.conversation().messages(chart.facts.clinic.id, chart.facts.patient.id)
    lines = all_lines(wiring.store(), chart, copybook, wiring.site(), now=call.now, start=start, end=end, said=said)
    items, following = cut(lines, page)
    return answers.page([answers.line(each, chart.facts) for each in items], following)


def _moment(call: Call, name: str, found: list[Problem]) -> datetime | None:
    """An instant or a date (its UTC midnight) from the query."""
    text = call.query.get(name)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        found.append(Problem(name, "must be an instant such as 2026-03-01T14:00:00Z, or a date"))
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
