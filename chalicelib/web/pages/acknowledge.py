"""A task's page for whoever was paged: which task, how grave, and one button. Nothing of the patient."""

from collections.abc import Mapping
from contextlib import suppress

from chalice.app import Response

from chalicelib import wiring
from chalicelib.domain.local_time import local_text, zone
from chalicelib.service.escalate import paged
from chalicelib.service.ladder import CLIMB
from chalicelib.service.say import Unsettled
from chalicelib.web.pages.paper import Reached


def show(at: Reached) -> Response | None:
    task_id, _ = paged(at.link.subject)
    task = wiring.conversation().task(at.clinic.id, task_id)
    if task is None or task.tier not in CLIMB:
        return None
    opened = local_text(task.urgent_since or task.opened_at, zone(at.clinic.timezone)).replace("T", " ")
    lines = [
        f"{at.say(f'acknowledge.{task.tier}')}: {at.say('acknowledge.line')}",
        at.say("acknowledge.opened", opened=opened, zone=at.clinic.timezone),
    ]
    if task.state != "open":
        lines.append(at.say("acknowledge.closed" if task.state == "closed" else "acknowledge.seen"))
    return at.page(
        "one_button.html",
        title=at.say("acknowledge.title", code=task.code),
        lines=lines,
        button=at.say("acknowledge.button") if task.state == "open" else "",
        name="answer",
        value="seen",
    )


def press(at: Reached, form: Mapping[str, str]) -> Response:
    """Raises `ValueError` for what is none of the page's buttons."""
    if form.get("answer") != "seen":
        raise ValueError("no such answer")
    task_id, whom = paged(at.link.subject)
    # Unsettled: it is acknowledged, and only whether the patient's text about that went out is not known, which whoever
    # was paged could do nothing about.
    with suppress(Unsettled):
        wiring.escalation().acknowledge(at.clinic.id, task_id, whom, now=at.now)
    return at.back()
