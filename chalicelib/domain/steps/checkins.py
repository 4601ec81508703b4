"""Check-ins: when sessions fall, which extra ones join them, what each asks, and the nudge after silence."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, time, timedelta
from typing import TypeVar

from chalicelib.domain.facts import Facts
from chalicelib.domain.ids import occurrence_id, spread
from chalicelib.domain.local_time import DAY, Period, instant, local_date, shift
from chalicelib.domain.occurrence import About, Occurrence, Rank, Reason
from chalicelib.domain.patient import Category, Channel
from chalicelib.domain.plan import Override, Session
from chalicelib.domain.protocol import Checkin, Question

from .course import FAR, RANK, TASK_TIME, Course, on_weekday, recurrences

USEFUL = timedelta(hours=24)
"""A check-in asks about now: a day later its question is another one (design §6). A nudge likewise."""

FIRST_QUESTION = "checkin_change"
"""Every session begins by asking whether anything is new or worse: a subtle change needs a provider at once."""

SILENCE = 2
"""Two sessions without a word are a signal of their own (clinical reference §3.3: no reply), and so is every other
two: often enough to be seen again, seldom enough not to bury the list."""

_THEN = 10_000
"""Sessions after `until`, at the slower pace, are numbered from here on."""


def checkin_slot(course: Course, step: Checkin) -> tuple[int, time]:
    """The weekday and local time of a patient's check-in: chosen, or spread so that not all fall together."""
    chosen = course.override(step)
    seed = f"{course.facts.patient.id}/checkin"
    weekday = chosen.weekday if chosen.weekday is not None else step.weekday
    return (
        spread(seed + "/day", 5) if weekday is None else weekday,
        chosen.at or step.at or spread_time(seed),
    )


def spread_time(seed: str) -> time:
    """A half-hour from 10:00 to 15:30, so that a clinic's patients are not all written to at once."""
    half_hour = spread(seed + "/time", 12)
    return time(10 + half_hour // 2, 30 * (half_hour % 2))


def session_dates(
    course: Course, step: Checkin, anchor: date, weekday: int, lo: date, hi: date
) -> Iterator[tuple[int, date]]:
    """(ordinal, local date) of the step's sessions in [lo, hi)."""
    first = _first(step, anchor, weekday)
    end = shift(anchor, step.until) if step.until else None
    slower = _slower_since(course.facts, step)
    for n, day in recurrences(first, step.every, lo, hi if end is None else min(hi, end)):
        if not (slower and day >= slower and n % 2):
            yield n, day
    if end is not None and step.then_every is not None and hi > end:
        for n, day in recurrences(end, step.then_every, max(end, lo - 7 * DAY), hi):
            moved = on_weekday(day, weekday)
            if lo <= moved < hi:
                yield _THEN + n, moved


def _first(step: Checkin, anchor: date, weekday: int) -> date:
    first = shift(anchor, step.starts)
    return on_weekday(first, weekday) if _weekly(step.every) else first


def _weekly(every: Period) -> bool:
    return every.days % 7 == 0 and not every.months


def _slower_since(facts: Facts, step: Checkin) -> date | None:
    """From when on every second session of this step is left out; extra sessions are there for their number."""
    return facts.session.slower_since if facts.session and not step.joins else None


def wanted(courses: Sequence[Course], lo: date, hi: date) -> Iterator[Occurrence]:
    """The sessions of all protocols on the local dates [lo, hi)."""
    everything = list(_of(courses, Checkin))
    main = [each for each in everything if not each[1].joins]
    asked = list(_of(courses, Question))
    for course, step, anchor in everything:
        yield from _sessions(course, step, anchor, main, asked, lo, hi)


_Kind = TypeVar("_Kind", Checkin, Question)


def _of(courses: Sequence[Course], kind: type[_Kind]) -> Iterator[tuple[Course, _Kind, date]]:
    """The steps of that kind that are carried out, with the dates they count from."""
    for course in courses:
        if course.anchor is not None:
            for step in course.protocol.steps:
                if isinstance(step, kind) and not course.override(step).off:
                    yield course, step, course.anchor


_Main = Sequence[tuple[Course, Checkin, date]]
_Asked = Sequence[tuple[Course, Question, date]]


def _sessions(
    course: Course, step: Checkin, anchor: date, main: _Main, asked: _Asked, lo: date, hi: date
) -> Iterator[Occurrence]:
    weekday, clock = checkin_slot(course, step)
    # An extra session may join one of the day before or after, so it is looked for a day further both ways.
    margin = DAY if step.joins else timedelta(0)
    for n, day in session_dates(course, step, anchor, weekday, lo - margin, hi + margin):
        held, hour = (_main_session_near(main, day) if step.joins else None) or (day, clock)
        at = instant(held, hour, course.tz)
        if at < course.pin.since or not lo <= held < hi:
            continue
        yield Occurrence(
            id=course.id(step, f"{course.cycle}{n}"),
            step=course.step_id(step),
            kind="checkin",
            template="checkin",
            ideal=at,
            useful_until=at + USEFUL,
            rank=Rank.CHECKIN,
            category=Category.CHECKIN,
            channel=Channel.SMS,
            merge=f"checkin:{held}",
            rides=step.joins,
            about=About(date=held.isoformat(), questions=_questions(course.facts, step, asked, n, day)),
        )


def _main_session_near(main: _Main, day: date) -> tuple[date, time] | None:
    """Day and time of the main session within a day of `day`: the same day's before any other."""
    near: list[tuple[int, date, time]] = []
    for course, step, anchor in main:
        weekday, clock = checkin_slot(course, step)
        for _, held in session_dates(course, step, anchor, weekday, day - DAY, day + 2 * DAY):
            if instant(held, clock, course.tz) >= course.pin.since:
                near.append((abs((held - day).days), held, clock))
    return min(near)[1:] if near else None


# --- what a session asks ---


def _questions(facts: Facts, session: Checkin, asked: _Asked, ordinal: int, day: date) -> tuple[str, ...]:
    """What the session of that day asks, in order, the first question first, no more than it may.

    Questions asked every second week take turns, so that not all fall into the same session.
    """
    due: list[tuple[Rank, str]] = []
    alternating = 0
    place, apart = _cadence(facts, session, ordinal, day)
    for _, step, anchor in asked:
        every = max(1, step.every.days // 7 // apart)
        turn = alternating % every
        alternating += every > 1
        if day < anchor or (step.until and day >= shift(anchor, step.until)) or place % every != turn:
            continue
        due.append((RANK[step.priority], step.message))
    rest = [message for _, message in sorted(due, key=lambda q: q[0]) if message != FIRST_QUESTION]
    return (FIRST_QUESTION, *dict.fromkeys(rest))[: session.max_questions]


def _cadence(facts: Facts, session: Checkin, ordinal: int, day: date) -> tuple[int, int]:
    """Which session in a row it is, not counting those left out, and how many weeks lie between two."""
    slower = _slower_since(facts, session)
    if ordinal >= _THEN and session.then_every:
        return ordinal - _THEN, max(1, session.then_every.timedelta.days // 7)
    if slower and day >= slower:
        return ordinal // 2, max(1, 2 * session.every.timedelta.days // 7)
    return ordinal, max(1, session.every.timedelta.days // 7)


# --- after silence ---


def after_silence(facts: Facts) -> Iterator[Occurrence]:
    """What the open session wants while it is not answered: a second try, the other channel, and every
    second silent one a person."""
    session = facts.session
    if session is None:
        return
    protocol_id, _, key = session.step.partition("/")
    protocol = facts.protocols.get(protocol_id)
    step = protocol.step(key) if protocol else None
    off = facts.plan.overrides.get(session.step, Override()).off
    if not isinstance(step, Checkin) or step.nudge_after is None or off:
        return
    answered = Reason("answered", "the check-in was answered") if session.answered else None
    if session.missed_before % SILENCE == SILENCE - 1:
        yield _silent(facts, session, shift(local_date(session.sent_at, facts.tz), step.nudge_after) + DAY, answered)
    sent = session.sent_at.astimezone(facts.tz)
    at = instant(shift(sent.date(), step.nudge_after), sent.time().replace(tzinfo=None), facts.tz)
    both = all(facts.contact(channel, Category.CHECKIN) for channel in (Channel.SMS, Channel.EMAIL))
    text = Occurrence(
        id=occurrence_id(facts.patient.id, session.step, session.occurrence, "nudge"),
        step=session.step,
        kind="nudge",
        template="noresponse_nudge",
        ideal=at,
        useful_until=at + USEFUL,
        rank=Rank.NUDGE,
        category=Category.CHECKIN,
        channel=Channel.SMS,
        # An e-mail follows anyway: one in the text's place would be the same twice.
        fallback=not both,
        verdict=answered,
    )
    yield text
    if both:
        # A day after the second try by text, the other channel, with a page to answer on.
        elsewhere = occurrence_id(facts.patient.id, session.step, session.occurrence, "elsewhere")
        later = at + DAY
        yield replace(text, id=elsewhere, ideal=later, useful_until=later + USEFUL, channel=Channel.EMAIL)


def _silent(facts: Facts, session: Session, day: date, answered: Reason | None) -> Occurrence:
    at = instant(day, TASK_TIME, facts.tz)
    return Occurrence(
        id=occurrence_id(facts.patient.id, session.step, session.occurrence, "silent"),
        step=session.step,
        kind="no_response",
        ideal=at,
        useful_until=at + FAR,
        rank=Rank.STAFF,
        category=Category.CHECKIN,
        channel=Channel.TASK,
        about=About(
            title=f"Call the patient: {session.missed_before + 1} check-ins without an answer",
            tier="review_soon",
            date=day.isoformat(),
            due=day.isoformat(),
        ),
        verdict=answered,
    )
