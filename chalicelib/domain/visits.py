"""The reminders of appointments: which ones a visit gets, when, and which the facts already rule out.

Timing evidence: clinical reference §5 (a reminder three days and one day before beats either alone). Offsets count in
local days and fire at 10:00 local; the one two hours before counts on the clock.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from .facts import Facts
from .ids import occurrence_id
from .local_time import DAY, instant, local_date, week_of
from .occurrence import About, Occurrence, Rank, Reason, Shift
from .patient import Category, Channel
from .plan import Appointment, AppointmentStatus, Profile
from .steps.course import DAYTIME, FAR

LAST_USE = timedelta(minutes=60)
"""A reminder is no use later than this before the visit."""


@dataclass(frozen=True, slots=True)
class Offset:
    name: str
    template: str
    rank: Rank
    days: int = 0
    hours: int = 0
    channel: Channel = Channel.SMS


_WEEK_MAIL = Offset("7d", "appt_7d", Rank.WEEK_BEFORE, days=7, channel=Channel.EMAIL)
_WEEK_TEXT = Offset("7d", "appt_7d", Rank.WEEK_BEFORE, days=7)
_THREE_DAYS = Offset("3d", "appt_3d", Rank.DAYS_BEFORE, days=3)
_DAY = Offset("1d", "appt_1d", Rank.DAY_BEFORE, days=1)
_HOURS = Offset("2h", "appt_2h", Rank.HOURS_BEFORE, hours=2)
_THERAPY = Offset("1d", "pt_session", Rank.THERAPY, days=1)

OFFSETS = {
    Profile.APPOINTMENT: (_WEEK_MAIL, _THREE_DAYS, _DAY, _HOURS),
    Profile.HIGH_RISK_NO_SHOW: (_WEEK_TEXT, _THREE_DAYS, _DAY),
    Profile.THERAPY: (_THERAPY,),
}


def wanted(facts: Facts, lo: date, hi: date) -> Iterator[Occurrence]:
    """What the appointments want on the local dates [lo, hi); some of what lies around them too."""
    # A visit matters from a week before it to a day after; the week it falls in counts whole, for its therapy list.
    first, last = (datetime.combine(day, time(0), UTC) for day in (lo - 10 * DAY, hi + 17 * DAY))
    near = [visit for visit in facts.appointments if first < visit.starts_at < last]
    lists = _therapy_lists(facts, near)
    for visit in near:
        yield from _reminders(facts, visit, lists)
        yield from _missed(facts, visit)


def occurrences_of(facts: Facts, visit: Appointment) -> list[Occurrence]:
    """Every occurrence of one visit, whenever."""
    return [*_reminders(facts, visit, _therapy_lists(facts, facts.appointments)), *_missed(facts, visit)]


def _therapy_lists(facts: Facts, appointments: Iterable[Appointment]) -> dict[date, datetime]:
    """For each week of therapy, when its list goes out: the day before the first session that stands."""
    first: dict[date, datetime] = {}
    for visit in appointments:
        if visit.profile is Profile.THERAPY and visit.status.stands:
            week = week_of(local_date(visit.starts_at, facts.tz))
            first[week] = min(visit.starts_at, first.get(week, visit.starts_at))
    return {week: _moment(facts, at, _THERAPY) for week, at in first.items()}


def _moment(facts: Facts, starts_at: datetime, offset: Offset) -> datetime:
    if offset.hours:
        return starts_at - timedelta(hours=offset.hours)
    return instant(local_date(starts_at, facts.tz) - timedelta(days=offset.days), DAYTIME, facts.tz)


def _settled(facts: Facts, visit: Appointment) -> Reason | None:
    day = local_date(visit.starts_at, facts.tz)
    match visit.status:
        case AppointmentStatus.CANCELLED:
            return Reason("appointment_cancelled", f"the visit of {day} was cancelled")
        case AppointmentStatus.ATTENDED:
            return Reason("attended", f"seen on {day}")
        case AppointmentStatus.MISSED:
            return Reason("appointment_missed", f"the visit of {day} was marked as missed")
        case _:
            return None


def _reminders(facts: Facts, visit: Appointment, lists: dict[date, datetime]) -> Iterator[Occurrence]:
    if visit.starts_at <= visit.set_at:
        return  # entered after it took place
    tz = facts.tz
    day = local_date(visit.starts_at, tz)
    last_use = visit.starts_at - LAST_USE
    offsets = [o for o in OFFSETS[visit.profile] if not o.hours or facts.patient.hours_before]
    for place, offset in enumerate(offsets):
        ideal = _moment(facts, visit.starts_at, offset)
        following = offsets[place + 1] if place + 1 < len(offsets) else None
        useful = _moment(facts, visit.starts_at, following) if following and not following.hours else last_use
        settled = _settled(facts, visit)
        if visit.profile is Profile.THERAPY:
            listed = lists.get(week_of(day), ideal)
            # A session added after the week's list went out gets the reminder of its own day.
            ideal = listed if visit.set_at <= listed else ideal
            merge = f"therapy:{week_of(day)}"
        else:
            merge = f"visit:{offset.name}:{day}"
            if offset.rank is not Rank.DAY_BEFORE and ideal < visit.set_at and not settled:
                settled = Reason(
                    "booked_later",
                    f"its moment had passed when the visit was set on {local_date(visit.set_at, tz)}",
                )
        if offset.hours and visit.status is AppointmentStatus.CONFIRMED:
            settled = Reason("confirmed", "the patient has confirmed the visit")
        yield Occurrence(
            id=occurrence_id(facts.patient.id, "appointment", visit.id, offset.name, visit.generation),
            step=f"appointment/{offset.name}",
            kind="therapy" if visit.profile is Profile.THERAPY else "appointment",
            template=offset.template,
            ideal=ideal,
            since=visit.set_at,
            useful_until=useful,
            rank=offset.rank,
            category=Category.APPOINTMENT,
            channel=offset.channel,
            shift=Shift.DROP if offset.hours else Shift.EARLIER,
            merge="" if offset.hours else merge,
            fallback=offset.channel is Channel.SMS,
            about=About(appointments=(visit.id,), date=day.isoformat()),
            verdict=settled,
        )
    if visit.profile is Profile.HIGH_RISK_NO_SHOW:
        yield _unconfirmed_call(facts, visit, day)


def _unconfirmed_call(facts: Facts, visit: Appointment, day: date) -> Occurrence:
    settled = _settled(facts, visit)
    if visit.status is AppointmentStatus.CONFIRMED:
        settled = Reason("confirmed", "the patient has confirmed the visit")
    at = instant(day - DAY, DAYTIME, facts.tz) + timedelta(hours=4)
    return Occurrence(
        id=occurrence_id(facts.patient.id, "appointment", visit.id, "call", visit.generation),
        step="appointment/call",
        kind="unconfirmed_visit",
        ideal=at,
        since=visit.set_at,
        useful_until=visit.starts_at,
        rank=Rank.STAFF,
        category=Category.APPOINTMENT,
        channel=Channel.TASK,
        about=About(
            appointments=(visit.id,),
            title="Call: tomorrow's visit is not confirmed, and one was missed in the last year",
            date=day.isoformat(),
            due=day.isoformat(),
        ),
        verdict=settled,
    )


def _missed(facts: Facts, visit: Appointment) -> Iterator[Occurrence]:
    if visit.status is not AppointmentStatus.MISSED:
        return
    day = local_date(visit.starts_at, facts.tz)
    ideal = instant(day + DAY, DAYTIME, facts.tz)
    missed = Occurrence(
        id=occurrence_id(facts.patient.id, "appointment", visit.id, "missed", visit.generation),
        step="appointment/missed",
        kind="missed_visit",
        template="appt_missed",
        ideal=ideal,
        useful_until=ideal + 3 * DAY,
        rank=Rank.WINDOW,
        category=Category.APPOINTMENT,
        channel=Channel.SMS,
        about=About(appointments=(visit.id,), date=day.isoformat()),
    )
    yield missed
    yield replace(
        missed,
        id=occurrence_id(facts.patient.id, "appointment", visit.id, "missed.task", visit.generation),
        kind="missed_visit",
        template="",
        ideal=visit.starts_at + timedelta(minutes=1),
        useful_until=ideal + FAR,
        rank=Rank.STAFF,
        channel=Channel.TASK,
        about=About(
            appointments=(visit.id,),
            title="Call: visit missed, offer another",
            date=day.isoformat(),
            due=(day + DAY).isoformat(),
            tier="review_soon",
        ),
    )
