"""The course of a follow-up: events that steps count from, pauses, and its end."""

from dataclasses import replace
from datetime import date
from typing import Any

from chalice.app import Response

from chalicelib import wiring
from chalicelib.domain.patient import Status
from chalicelib.domain.plan import ANCHOR_OF_EVENT
from chalicelib.domain.problem import Problem
from chalicelib.domain.protocol import Anchor
from chalicelib.service import course, reanchor
from chalicelib.service.change import Changed, Refusal
from chalicelib.service.chart import TO_DO
from chalicelib.web import answers, checks_plans
from chalicelib.web.access import Role
from chalicelib.web.bodies_plans import CourseEnd, NewEvent, NewPause, Resumption
from chalicelib.web.door import Call
from chalicelib.web.journal import audit_of
from chalicelib.web.problems import forbidden, wrong
from chalicelib.web.reading import read
from chalicelib.web.settling import settled
from chalicelib.web.views.patients import chart_of
from chalicelib.web.views.plans import changes_of, plan_answer


def event(call: Call, patient_id: str) -> Response:
    facts = chart_of(call, patient_id).facts
    body, found = read(call.json, NewEvent)
    happened = checks_plans.happening(body, facts, now=call.now, found=found)
    if happened is None:
        raise wrong(found)
    audit = audit_of(call, patient_id, f"event.{happened.type.value}")
    done = settled(reanchor.record(wiring.desk(), call.principal.clinic_id, patient_id, happened, audit, now=call.now))
    anchor = ANCHOR_OF_EVENT[happened.type]
    nothing = f"nothing in this plan counts from {anchor.value}: add a protocol that does, if one is meant to"
    unused = [nothing] if reanchor.unused(done.after.facts, anchor) else []
    return plan_answer(call, done, *unused, status=201)


def pause(call: Call, patient_id: str) -> dict[str, Any]:
    facts = chart_of(call, patient_id).facts
    body, found = read(call.json, NewPause)
    until = checks_plans.pause_end(body, facts, now=call.now, found=found)
    if found:
        raise wrong(found)
    audit = audit_of(call, patient_id, "patient.pause")
    clinic_id = call.principal.clinic_id
    done = course.pause(wiring.desk(), clinic_id, patient_id, until, body.reason, audit, now=call.now)
    endless = () if until else ("no end is given: no message goes out until somebody resumes",)
    return _answer(call, done, *endless)


def resume(call: Call, patient_id: str) -> dict[str, Any]:
    """Ends a pause; with a reason, takes back a discharge or a death that was recorded by mistake."""
    status = chart_of(call, patient_id).facts.patient.status
    body, found = read(call.json if call.raw else {}, Resumption)
    if found:
        raise wrong(found)
    clinic_id = call.principal.clinic_id
    if body.reason is None or status is Status.ACTIVE:
        audit = audit_of(call, patient_id, "patient.resume")
        return _answer(call, course.resume(wiring.desk(), clinic_id, patient_id, audit, now=call.now))
    if status is Status.DECEASED and call.principal.role is not Role.ADMIN:
        raise forbidden("Only an admin may take back a recorded death.")
    audit = replace(audit_of(call, patient_id, "patient.reinstate", status.value), reason=call.reason or body.reason)
    done = course.reinstate(wiring.desk(), clinic_id, patient_id, body.reason, audit, now=call.now)
    paused = isinstance(done, Changed) and done.after.facts.patient.pause_at(call.now) is not None
    return _answer(call, done, *(("still paused, as before: resume once more to end the pause",) if paused else ()))


def discharge(call: Call, patient_id: str) -> dict[str, Any]:
    on = _end_date(call, patient_id)
    audit = audit_of(call, patient_id, "patient.discharge")
    done = course.discharge(wiring.desk(), call.principal.clinic_id, patient_id, on, audit, now=call.now)
    return _answer(call, done, *_left_open(call, patient_id))


def deceased(call: Call, patient_id: str) -> dict[str, Any]:
    on = _end_date(call, patient_id)
    audit = audit_of(call, patient_id, "patient.deceased")
    done = course.deceased(wiring.desk(), call.principal.clinic_id, patient_id, on, audit, now=call.now)
    return _answer(call, done, *_left_open(call, patient_id))


def _left_open(call: Call, patient_id: str) -> list[str]:
    """Tasks never close by themselves, and a call that somebody still has on the list may reach a bereaved family."""
    tasks = wiring.store().tasks_of(call.principal.clinic_id, patient_id)
    left = [task for task in tasks if task.state in TO_DO]
    return [f"still open, close it before somebody acts on it: {task.title}" for task in left]


def _end_date(call: Call, patient_id: str) -> date:
    facts = chart_of(call, patient_id).facts
    body, found = read(call.json, CourseEnd)
    on = checks_plans.check_past(body.date, "date", facts, call.now, found)
    injury = facts.plan.anchors.get(Anchor.INJURY)
    if on and injury and on < injury:
        found.append(Problem("date", f"{on} is before the injury on {injury}"))
    if on is None or found:
        raise wrong(found)
    return on


def _answer(call: Call, done: Changed | Refusal | None, *warnings: str) -> dict[str, Any]:
    changed = settled(done)
    _, told = changes_of(call, changed)
    return {**answers.patient(changed.after, call.now), "changes": told, "warnings": list(warnings)}
