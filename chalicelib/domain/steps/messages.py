"""Messages that carry no appointment, question or supply: the welcome, questionnaires, education."""

from collections.abc import Iterator
from datetime import date, timedelta

from chalicelib.domain.facts import Facts
from chalicelib.domain.ids import occurrence_id, spread
from chalicelib.domain.local_time import DAY, instant, shift
from chalicelib.domain.occurrence import Occurrence, Rank
from chalicelib.domain.patient import Category, Channel
from chalicelib.domain.protocol import Message, Priority

from .checkins import spread_time
from .course import RANK, Course, on_weekday, recurrences

USEFUL = timedelta(days=7)
"""Worth sending for a week after its moment (design §6)."""


def welcome(facts: Facts) -> Iterator[Occurrence]:
    at = facts.patient.enrolled_at
    yield Occurrence(
        id=occurrence_id(facts.patient.id, "welcome"),
        step="enrolment/welcome",
        kind="welcome",
        template="optin_confirm",
        ideal=at,
        useful_until=at + USEFUL,
        rank=Rank.WELCOME,
        category=Category.ACCOUNT,
        channel=Channel.SMS,
    )


def wanted(course: Course, step: Message, anchor: date, lo: date, hi: date) -> Iterator[Occurrence]:
    """A message that recurs, where its weekday and hour put it; or one sent once, late if the plan began late."""
    seed = f"{course.facts.patient.id}/{course.step_id(step)}"
    chosen = course.override(step)
    weekday = spread(seed, 5) if chosen.weekday is None else chosen.weekday
    clock = chosen.at or spread_time(seed)
    first = shift(anchor, step.starts)
    end = shift(anchor, step.until) if step.until else None
    education = step.priority is Priority.EDUCATION
    for n, nominal in recurrences(first, step.every, lo - 7 * DAY, hi) if step.every else [(0, first)]:
        day = on_weekday(nominal, weekday)
        at = instant(day, clock, course.tz)
        before = at < course.pin.since
        if (before and step.every) or (end and day >= end) or not course.wants(day, lo, hi):
            continue
        yield Occurrence(
            id=course.id(step, f"{course.cycle}{n}"),
            step=course.step_id(step),
            kind="education" if education else "questionnaire",
            template=step.message,
            ideal=at,
            since=course.pin.since,
            useful_until=max(at, course.pin.since) + USEFUL,
            rank=RANK[step.priority],
            category=Category.EDUCATION if education else Category.CHECKIN,
            channel=Channel(step.channel),
            fallback=step.channel == "sms",
        )
