"""Work for staff."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from chalicelib import wiring
from chalicelib.domain.problem import Problem
from chalicelib.service.chart import TASK_STATES, TO_DO, Task
from chalicelib.web import answers
from chalicelib.web.bodies import TaskClosing
from chalicelib.web.door import Call
from chalicelib.web.paging import page_of
from chalicelib.web.problems import conflict, not_found, wrong
from chalicelib.web.reading import read


def listed(call: Call) -> dict[str, Any]:
    page, store, clinic_id = page_of(call), wiring.store(), call.principal.clinic_id
    patient, states, after = call.query.get("patient"), _STATES[call.query.get("state")], page.cursor or ""
    if patient is None:
        shown, more = store.tasks(clinic_id, states=states, limit=page.limit, after=after)
    else:
        left = [t for t in store.tasks_of(clinic_id, patient) if t.state in states and t.order > after]
        shown, more = left[: page.limit], len(left) > page.limit
    call.patients.update(t.patient_id for t in shown)
    return answers.page([answers.task(t) for t in shown], page.sealed(shown[-1].order if more else None))


_STATES: Mapping[str | None, Sequence[str]] = {
    None: TO_DO,
    "all": TASK_STATES,
    **{state: (state,) for state in TASK_STATES},
}


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
    task = wiring.escalation().close(
        clinic_id, task_id, call.principal.actor, body.outcome, body.note, now=call.now, read=body.read
    )
    if task is None:
        raise not_found()
    if task.state != "closed":
        raise conflict("The task holds a message that was not read.", [Problem("read", _unread(task, body.read or []))])
    if (task.outcome, task.note) != (body.outcome, body.note):
        raise conflict("The task was closed before, with another outcome.")
    return _shown(call, task)


def _unread(task: Task, read: Collection[str]) -> str:
    return f"lacks {', '.join(each for each in task.said if each not in read)}"


def _shown(call: Call, task: Task) -> dict[str, Any]:
    call.patients.add(task.patient_id)
    return answers.task(task)
