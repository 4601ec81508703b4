"""Work for staff."""

from typing import Any

from chalicelib import wiring
from chalicelib.web import answers
from chalicelib.web.door import Call
from chalicelib.web.paging import page_of


def listed(call: Call) -> dict[str, Any]:
    page = page_of(call)
    tasks, following = wiring.store().tasks(call.principal.clinic_id, limit=page.limit, start=page.cursor)
    wanted = call.query.get("patient")
    shown = [t for t in tasks if wanted in (None, t.patient_id)]
    return answers.page([answers.task(t) for t in shown], page.sealed(following))
