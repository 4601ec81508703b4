"""The ladder: whom to page about what cannot wait, in which order, and how soon after one another."""

from datetime import datetime, timedelta

from chalicelib.domain.clinic import Clinic, Person
from chalicelib.service.chart import Task

CLIMB = {"emergency": timedelta(minutes=5), "urgent": timedelta(minutes=15)}
"""How long each contact has to acknowledge before the next is paged (clinical reference §3.3)."""

AFTER_LAST = timedelta(minutes=30)
MOST_APART = timedelta(hours=4)
"""With everybody paged, the last rung is paged again after the first of these, then twice as late each time up to the
second, until somebody answers."""


def ladder(clinic: Clinic) -> tuple[Person, ...]:
    """Whom to page, in order: who is on call, then the lead."""
    return (*clinic.on_call, *((clinic.lead,) if clinic.lead else ()))


def climbs(task: Task) -> bool:
    """Whether the task is of those that climb."""
    return task.tier in CLIMB


def next_page(clinic: Clinic, task: Task, rung: int, now: datetime) -> datetime:
    """When the rung after this one is paged, unless somebody acknowledges the task first."""
    beyond = rung + 1 - len(ladder(clinic))
    return now + (CLIMB[task.tier] if beyond < 0 else min(MOST_APART, AFTER_LAST * 2 ** min(8, beyond)))


def page_text(clinic: Clinic, task: Task, url: str | None) -> str:
    """A page: what kind, which task, how to answer. Nothing of the patient: a phone shows it to whoever holds it."""
    what = "an EMERGENCY" if task.tier == "emergency" else "an URGENT"
    where = f" or open {url}" if url else ""
    return f"{clinic.name}: {what} patient message needs a person now. Task {task.code}. Reply ACK {task.code}{where}"
