"""Who a patient is, and how they and those who act for them are reached."""

from datetime import datetime
from typing import Any

from chalice.app import Response

from chalicelib import wiring
from chalicelib.adapters.secrets import fresh_id
from chalicelib.domain.local_time import local_text, zone
from chalicelib.service import particulars, reach
from chalicelib.service.change import Changed, Refusal
from chalicelib.service.enrol import warnings_of
from chalicelib.service.reach import Wish
from chalicelib.web import answers, answers_plans, checks_plans
from chalicelib.web.bodies_plans import ConsentSaid, ContactChange, NewContact, PatientChange
from chalicelib.web.door import Call
from chalicelib.web.journal import audit_of
from chalicelib.web.problems import not_found, wrong
from chalicelib.web.reading import given, read
from chalicelib.web.settling import settled, version_seen
from chalicelib.web.views.patients import chart_of
from chalicelib.web.views.plans import changes_of, etag


def change(call: Call, patient_id: str) -> Response:
    version = version_seen(call)
    chart_of(call, patient_id)
    body, found = read(call.json, PatientChange)
    corrected = checks_plans.corrected(body, found)
    if found:
        raise wrong(found)
    audit = audit_of(call, patient_id, "patient.change", ", ".join(sorted(call.json)))
    clinic_id = call.principal.clinic_id
    done = settled(particulars.correct(wiring.desk(), clinic_id, patient_id, corrected, version, audit, now=call.now))
    _, told = changes_of(call, done)
    answer = {
        **answers.patient(done.after, call.now),
        "changes": told,
        "warnings": [*_shifted_visits(done, call), *warnings_of(done.after.facts)],
    }
    return Response(answer, headers=etag(done.after.facts.patient.version))


def _shifted_visits(done: Changed, call: Call) -> list[str]:
    """Visits keep their moment when a patient moves to another zone; somebody should know how they read now."""
    was, now = done.before.facts.patient.timezone, done.after.facts.patient.timezone
    if was == now:
        return []
    return [
        f"the visit of {_wall(visit.starts_at, was)} ({was}) keeps its moment and now reads "
        f"{_wall(visit.starts_at, now)} ({now})"
        for visit in done.after.facts.appointments
        if visit.status.stands and visit.starts_at > call.now
    ]


def _wall(at: datetime, tz: str) -> str:
    return local_text(at, zone(tz)).replace("T", " ")


def add_contact(call: Call, patient_id: str) -> Response:
    facts = chart_of(call, patient_id).facts
    body, found = read(call.json, NewContact)
    contact = checks_plans.new_contact(body, fresh_id(), facts.clinic, found)
    if contact is None or found:
        raise wrong(found)
    consent = checks_plans.agreed(body.consent, contact.channel, call.now)
    audit = audit_of(call, patient_id, "contact.add")
    done = reach.add_contact(wiring.desk(), call.principal.clinic_id, patient_id, contact, consent, audit, now=call.now)
    return Response(_reached(call, settled(done), contact.id), status_code=201)


def alter_contact(call: Call, patient_id: str, contact_id: str) -> dict[str, Any]:
    facts = chart_of(call, patient_id).facts
    contact = next((c for c in facts.contacts if c.id == contact_id), None)
    if contact is None:
        raise not_found()
    body, found = read(call.json, ContactChange)
    altered = checks_plans.altered(body, contact, facts.clinic, found)
    if found:
        raise wrong(found)
    consent = checks_plans.agreed(body.consent, contact.channel, call.now) if given(body.consent) else None
    audit = audit_of(call, patient_id, "contact.change", ", ".join(sorted(call.json)))
    done = reach.alter_contact(
        wiring.desk(),
        call.principal.clinic_id,
        patient_id,
        contact_id,
        altered,
        consent,
        audit,
        checked=given(body.address),
        now=call.now,
    )
    return _reached(call, settled(done), contact_id)


def consent(call: Call, patient_id: str) -> Response:
    chart_of(call, patient_id)
    body, found = read(call.json, ConsentSaid)
    if found:
        raise wrong(found)
    wish = Wish(consent=checks_plans.consent(body, call.now), contact_id=body.contact_id)
    said = f"{body.channel} {'granted' if body.granted else 'withdrawn'}"
    audit = audit_of(call, patient_id, "consent.record", said)
    done = reach.heed(wiring.desk(), call.principal.clinic_id, patient_id, wish, audit, now=call.now)
    return Response(_patient(call, done), status_code=201)


def _patient(call: Call, done: Changed | Refusal | None) -> dict[str, Any]:
    changed = settled(done)
    _, told = changes_of(call, changed)
    return {
        **answers.patient(changed.after, call.now),
        "changes": told,
        "warnings": list(warnings_of(changed.after.facts)),
    }


def _reached(call: Call, done: Changed, contact_id: str) -> dict[str, Any]:
    facts = done.after.facts
    _, told = changes_of(call, done)
    contact = next(c for c in facts.contacts if c.id == contact_id)
    return {**answers_plans.contact(contact), "changes": told, "warnings": list(warnings_of(facts))}
