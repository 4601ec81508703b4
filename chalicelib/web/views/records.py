"""A patient's own record: everything held, and its end."""

from http import HTTPStatus
from typing import Any

from chalice.app import Response

from chalicelib import wiring
from chalicelib.adapters.copybook import copybook
from chalicelib.domain.local_time import utc_text
from chalicelib.service.erase import erase as erase_all
from chalicelib.service.jobs import sweep_job
from chalicelib.service.timeline import future
from chalicelib.web import answers
from chalicelib.web.door import Call
from chalicelib.web.journal import audit_of
from chalicelib.web.problems import not_found
from chalicelib.web.views.audit import entry
from chalicelib.web.views.clinics import own_clinic
from chalicelib.web.views.patients import SHOWN_AHEAD, chart_of

AUDIT_SHOWN = 1000
"""Entries of the audit in an export; GET /audit pages through all of them."""


def export(call: Call, patient_id: str) -> Response:
    chart = chart_of(call, patient_id)
    facts = chart.facts
    held = wiring.records().held(facts.clinic.id, patient_id)
    trail, _ = wiring.ledger().audit(
        facts.clinic.id, patient_id, limit=AUDIT_SHOWN, before=None, since=facts.patient.enrolled_at, now=call.now
    )
    coming = list(future(chart, copybook, wiring.site(), now=call.now, until=call.now + SHOWN_AHEAD))
    shown: dict[str, Any] = {
        "exported_at": utc_text(call.now),
        "patient": answers.patient(chart, call.now),
        "plan": answers.plan(chart, coming, ()),
        "appointments": [answers.appointment(each, facts) for each in facts.appointments],
        "audit": [entry(each) for each in trail],
        **{name: held.pop(name, []) for name in ("consents", "reminders", "messages", "answers", "tasks")},
    }
    for told in ("patient", "plan", "contact", "appointment"):
        held.pop(told, None)
    return Response(
        {**shown, "other": [{"noun": noun, **item} for noun, items in held.items() for item in items]},
        headers={"Content-Disposition": f'attachment; filename="patient-{patient_id}.json"'},
    )


def erase(call: Call, patient_id: str) -> Response:
    clinic = own_clinic(call)
    done = erase_all(
        wiring.records(),
        wiring.queue("import"),
        lambda: wiring.store().chart(clinic.id, patient_id, now=call.now),
        clinic.timezone,
        audit_of(call, patient_id, "patient.erase"),
        sweep_job,
    )
    if not done:
        raise not_found()
    wiring.imports().forget_patient(clinic.id, patient_id)
    return Response("", status_code=HTTPStatus.NO_CONTENT)
