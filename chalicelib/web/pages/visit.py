"""A visit: when it is, as it stands now, and two answers."""

from collections.abc import Mapping
from datetime import timedelta

from chalice.app import Response

from chalicelib import wiring
from chalicelib.domain.local_time import local, local_date, utc_text
from chalicelib.domain.plan import Appointment, AppointmentStatus
from chalicelib.domain.wording import day_phrase, local_time
from chalicelib.web.pages.paper import Reached

NEAR = timedelta(days=8)
"""Other visits this near are what the same message may have spoken of."""


def show(at: Reached) -> Response | None:
    """None for a visit that is not there any more."""
    visit = _visit(at)
    if visit is None:
        return None
    open_to_answers = visit.status.stands and visit.starts_at > at.now
    asked = open_to_answers and wiring.pressing().asked_for_another_time(at.facts, visit)
    confirm = ("C", at.say("visit.confirm"))
    reschedule = ("R", at.say("visit.reschedule"))
    if not open_to_answers:
        choices = []
    elif asked:
        choices = [confirm] if visit.status is AppointmentStatus.BOOKED else []
    else:
        choices = [confirm, reschedule] if visit.status is AppointmentStatus.BOOKED else [reschedule]
    return at.page(
        "visit.html",
        title=at.say("visit.title"),
        when=_when(at, visit),
        zone=at.say("visit.zone", zone=at.facts.patient.timezone),
        lines=_standing(at, visit, asked=asked),
        asks=at.say("visit.ask") if len(choices) > 1 else "",
        choices=choices,
        at=utc_text(visit.starts_at),
        others=at.say("visit.others") if _others(at, visit) else "",
    )


def press(at: Reached, form: Mapping[str, str]) -> Response | None:
    """Raises `ValueError` for what is none of the page's buttons."""
    visit, answer = _visit(at), form.get("answer")
    if answer not in ("C", "R"):
        raise ValueError("no such answer")
    if visit is None:
        return None
    assert at.chart is not None
    # A visit moved since the page was opened is shown anew: nobody confirms a time they have not seen.
    seen = form.get("at", utc_text(visit.starts_at)) == utc_text(visit.starts_at)
    if seen and visit.status.stands and visit.starts_at > at.now:
        # What the patient read and what they pressed, as staff will see it in the conversation.
        key, act = {
            "C": ("visit.confirm", wiring.pressing().confirm),
            "R": ("visit.reschedule", wiring.pressing().ask_for_another_time),
        }[answer]
        act(at.chart, visit, f"{_when(at, visit)} → {at.say(key)}", now=at.now)
    return at.back()


def _visit(at: Reached) -> Appointment | None:
    return next((a for a in at.facts.appointments if a.id == at.link.subject), None)


def _when(at: Reached, visit: Appointment) -> str:
    language, wall = at.copy.code, local(visit.starts_at, at.facts.tz)
    coming = visit.status.stands and visit.starts_at > at.now
    return at.say(
        "visit.when" if coming else "visit.was",
        day=day_phrase(wall.date(), local_date(at.now, at.facts.tz), language),
        time=local_time(wall.time().replace(tzinfo=None), language),
    )


def _standing(at: Reached, visit: Appointment, *, asked: bool) -> list[str]:
    if visit.status is AppointmentStatus.CANCELLED:
        return [at.say("visit.cancelled")]
    if not visit.status.stands or visit.starts_at <= at.now:
        return [at.say("visit.past")]
    if asked:
        return [at.say("visit.asked")]
    return [at.say("visit.confirmed")] if visit.status is AppointmentStatus.CONFIRMED else []


def _others(at: Reached, visit: Appointment) -> bool:
    return any(
        a.id != visit.id and a.status.stands and at.now < a.starts_at < visit.starts_at + NEAR
        for a in at.facts.appointments
    )
