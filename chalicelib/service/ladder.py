"""The ladder: whom to page about what cannot wait, in which order, and how soon after one another.

First each contact in turn. Where everybody has been paged and nobody has answered, rounds: everybody at once, by every
way there is, and the clinic's own mailbox. They go on until somebody answers (docs/decisions/unanswered.md).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from chalicelib.domain.clinic import Clinic, Person
from chalicelib.domain.local_time import DAY, instant, local_date, zone
from chalicelib.domain.patient import Channel
from chalicelib.service.chart import Task

CLIMB = {"emergency": timedelta(minutes=5), "urgent": timedelta(minutes=15)}
"""How long each contact has to acknowledge before the next is paged (clinical reference §3.3)."""

FIRST_ROUND = timedelta(minutes=30)
MOST_APART = timedelta(hours=4)
"""The first round comes so long after the last contact's page, each further one after twice as long, up to the second:
whoever was asleep, in theatre or on the road is asked again while it is the same matter, and every shift of the day."""

ROUNDS_AT_NIGHT_TOO = 8
"""These take 23.5 hours, so every shift has been asked. What none of them answered is no matter of hours any more, and
a number that rings every fourth hour for good is soon muted: from here on it is a round a day, as the office opens."""

OPENS = time(9)
"""When an office is taken to open that has not said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way of paging somebody."""

    channel: Channel
    to: str = field(repr=False)
    place: int
    """The contact's place on the ladder, from 1; 0 is the clinic's own mailbox."""


def ladder(clinic: Clinic) -> tuple[Person, ...]:
    """Whom to page, in order: who is on call, then the lead."""
    return (*clinic.on_call, *((clinic.lead,) if clinic.lead else ()))


def climbs(task: Task) -> bool:
    """Whether the task is of those that climb."""
    return task.tier in CLIMB


def is_round(clinic: Clinic, rung: int) -> bool:
    """Whether everybody has had a page of their own before this rung."""
    return rung >= len(ladder(clinic))


def ways(person: Person, place: int) -> list[Way]:
    """How somebody is reached, the fastest first."""
    both = [(Channel.SMS, person.phone), (Channel.EMAIL, person.email)]
    return [Way(channel=channel, to=to, place=place) for channel, to in both if to]


def all_ways(clinic: Clinic) -> Iterator[Way]:
    """Every way to everybody, and the clinic's own mailbox, where patients' e-mails arrive as well."""
    for place, person in enumerate(ladder(clinic), 1):
        yield from ways(person, place)
    yield Way(channel=Channel.EMAIL, to=clinic.from_email, place=0)


def next_page(clinic: Clinic, task: Task, rung: int, now: datetime) -> datetime:
    """When the rung after this one is paged, unless somebody acknowledges the task first. Rounds are counted from the
    latest dangerous text on: what is said anew is as pressing as it was the first time."""
    number = rung + 1 - max(len(ladder(clinic)), task.from_rung)
    if not is_round(clinic, rung + 1):
        return now + CLIMB[task.tier]
    if number < ROUNDS_AT_NIGHT_TOO:
        return now + min(MOST_APART, FIRST_ROUND * (1 << max(0, number)))
    return _opening(clinic, now + MOST_APART, every_day=task.tier == "emergency")


def _opening(clinic: Clinic, after: datetime, *, every_day: bool) -> datetime:
    """When the office next opens after `after`; `every_day` passes over neither weekends nor holidays."""
    tz = zone(clinic.timezone)
    day = local_date(after, tz)
    for ahead in range(_A_LONG_HOLIDAY):
        date = day + ahead * DAY
        hours = [each.start for each in clinic.office_hours if each.weekday == date.weekday()]
        works = bool(hours) if clinic.office_hours else date.weekday() < 5
        opens = instant(date, min(hours, default=OPENS), tz)
        if opens > after and (every_day or (works and date not in clinic.holidays)):
            return opens
    return after + DAY


_A_LONG_HOLIDAY = 15
"""Days after which an office that never opens is paged all the same."""


def page_text(clinic: Clinic, task: Task, url: str | None) -> str:
    """A page: what kind, which task, how to answer. Nothing of the patient: a phone shows it to whoever holds it."""
    what = "an EMERGENCY" if task.tier == "emergency" else "an URGENT"
    still = "NOBODY HAS ANSWERED: " if task.unanswered_since else ""
    where = f" or open {url}" if url else ""
    return (
        f"{clinic.name}: {still}{what} patient message needs a person now. Task {task.code}. "
        f"Reply ACK {task.code}{where}"
    )
