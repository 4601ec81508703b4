"""Work for staff."""

from typing import Any

from chalicelib import wiring
from chalicelib.service.chart import Task
from chalicelib.web import answers
from chalicelib.web.bodies import TaskClosing
from chalicelib.web.door import Call
from chalicelib.web.paging import page_of
from chalicelib.web.problems import conflict, not_found, wrong
from chalicelib.web.reading import read


def listed(call: Call) -> dict[str, Any]:
    page = page_of(call)
    tasks, following = wiring.store().tasks(call.principal.clinic_id, limit=page.limit, start=page.cursor)
    wanted, state = call.query.get("patient"), call.query.get("state")
    shown = [t for t in tasks if wanted in (None, t.patient_id) and state in (None, t.state)]
    call.patients.update(t.patient_id for t in shown)
    return answers.page([answers.task(t) for t in shown], page.sealed(following))


def acknowledge(call: Call, task_id: str) -> dict[str, Any]:
    clinic_id = call.principal.clinic_id
    task = wiring.escalation().acknowledge(clinic_id, task_id, call.principal.actor, now=call.now)
    if task is None:
        raise not_found()
    if task.state == "closed":
        raise conflict("The task is closed.")
    return _shown(call, task)


def close(call: Call, task_id: str) -> dict[str, Any]:
    clinic_id = call.principal.clinic_id
    if wiring.conversation().task(clinic_id, task_id) is None:
        raise not_found()
    body, found = read(call.json, TaskClosing)
    if found:
        raise wrong(found)
    task = wiring.escalation().close(clinic_id, task_id, call.principal.actor, body.outcome, body.note, now=call.now)
    if task is None:
        raise not_found()
    if (task.outcome, task.note) != (body.outcome, body.note):
        raise conflict("The task was closed before, with another outcome.")
    return _shown(call, task)


def _shown(call: Call, task: Task) -> dict[str, Any]:
    call.patients.add(task.patient_id)
    return answers.task(task)
