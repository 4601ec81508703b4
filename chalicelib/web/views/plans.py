"""A patient's plan: read, changed, and tried before it is changed."""

from collections.abc import Callable, Mapping
from typing import Any

from chalice.app import Response

from chalicelib import wiring
from chalicelib.adapters.copybook import copybook
from chalicelib.domain.facts import Facts
from chalicelib.service import planning
from chalicelib.service.change import Changed, Refusal
from chalicelib.service.enrol import warnings_of
from chalicelib.service.impact import COURSE, SOON, Impact, impact
from chalicelib.service.load import queueing
from chalicelib.service.planning import NewPlan
from chalicelib.service.shelf import Shelved
from chalicelib.service.timeline import future
from chalicelib.web import answers_plans, checks_plans
from chalicelib.web.bodies_plans import PlanChange
from chalicelib.web.door import Call
from chalicelib.web.journal import audit_of
from chalicelib.web.problems import wrong
from chalicelib.web.reading import read
from chalicelib.web.settling import settled, version_seen
from chalicelib.web.views.patients import chart_of

Carry = Callable[[NewPlan, Mapping[str, Shelved]], Changed | Refusal | None]


def one(call: Call, patient_id: str) -> Response:
    chart = chart_of(call, patient_id)
    coming = future(chart, copybook, wiring.site(), now=call.now, until=call.now + SOON)
    answer = answers_plans.plan(chart.facts, coming, warnings_of(chart.facts))
    return Response(answer, headers=etag(chart.facts.plan.version))


def put(call: Call, patient_id: str) -> Response:
    version = version_seen(call, required=True)

    def carry_out(wanted: NewPlan, shelf: Mapping[str, Shelved]) -> Changed | Refusal | None:
        audit = audit_of(call, patient_id, "plan.change")
        clinic_id = call.principal.clinic_id
        return planning.put_plan(wiring.desk(), clinic_id, patient_id, wanted, shelf, version, audit, now=call.now)

    return _changed(call, patient_id, carry_out)


def diff(call: Call, patient_id: str) -> Response:
    version = version_seen(call)

    def rehearse(wanted: NewPlan, shelf: Mapping[str, Shelved]) -> Changed | Refusal | None:
        clinic_id = call.principal.clinic_id
        return planning.try_plan(wiring.desk(), clinic_id, patient_id, wanted, shelf, version, now=call.now)

    return _changed(call, patient_id, rehearse)


def _changed(call: Call, patient_id: str, carry: Carry) -> Response:
    facts = chart_of(call, patient_id).facts
    body, found = read(call.json, PlanChange)
    shelf = wiring.shelf().all(call.principal.clinic_id)
    library = {name: shelved.protocol for name, shelved in shelf.items()}
    wanted = checks_plans.new_plan(body, facts, library, now=call.now, found=found)
    if found:
        raise wrong(found)
    done = settled(carry(wanted, shelf))
    return plan_answer(call, done)


def plan_answer(call: Call, done: Changed, *more: str, status: int = 200) -> Response:
    """What a change of plan did, with what somebody should know about it."""
    facts = done.after.facts
    told = impact(done, copybook(), wiring.site(), now=call.now, until=call.now + COURSE)
    warnings = [*more, *warnings_of(facts), *load_warnings(call, facts, told.new_texts)]
    answer = answers_plans.plan_changes(told, facts, warnings)
    return Response(answer, headers=etag(facts.plan.version), status_code=status)


def changes_of(call: Call, done: Changed) -> tuple[Impact, dict[str, Any]]:
    """What another change did to the weeks ahead."""
    told = impact(done, copybook(), wiring.site(), now=call.now, until=call.now + SOON)
    return told, answers_plans.changes(told, done.after.facts)


def load_warnings(call: Call, facts: Facts, texts: Any) -> list[str]:
    """Where the plan's next texts would wait for others of the clinic's number."""
    shards = wiring.settings().shards
    found = queueing(wiring.store(), facts.clinic, texts, shards=shards, patient_id=facts.patient.id, now=call.now)
    return [answers_plans.queue_warning(each, facts) for each in found]


def etag(version: int) -> dict[str, str | list[str]]:
    return {"ETag": f'"{version}"'}
