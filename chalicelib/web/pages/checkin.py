"""A check-in: the question that is open, one button an answer; and what the answers so far have come to."""

from collections.abc import Mapping

from chalice.app import Response

from chalicelib import wiring
from chalicelib.domain.grading import next_question
from chalicelib.domain.heeding import choices
from chalicelib.domain.patient import Status
from chalicelib.domain.triage import Tier
from chalicelib.service.press import Standing
from chalicelib.web.pages.paper import Reached

NEWER = "newer"
"""Where the page says that a newer check-in has begun since it was opened."""


def show(at: Reached) -> Response:
    session = at.facts.session
    if at.facts.patient.status is not Status.ACTIVE:
        return at.page("notice.html", title=at.say("checkin.ended_title"), lines=[at.say("checkin.ended")])
    if session is None:
        return at.page("notice.html", title=at.say("checkin.none_title"), lines=[at.say("checkin.none")])
    standing = wiring.pressing().standing(at.facts)
    question = next_question(session)
    notice = _notice(at, standing)
    alarm = _is_urgent(standing) and not standing.seen
    done = at.say("checkin.done_title")
    return at.page(
        "checkin.html",
        # A screen reader reads the title first: what is urgent, or over, is said there.
        title=notice["title"] if notice and alarm else at.say("checkin.title") if question else done,
        notice=notice,
        alarm=alarm,
        number=at.say("checkin.number", number=str(len(session.answers) + 1)),
        question=at.say(f"ask.{question}.question") if question else "",
        of=session.occurrence,
        ask=question,
        choices=[(value, at.say(f"ask.{question}.{value}")) for value in choices(question)] if question else [],
        lines=[at.say("checkin.done_review" if standing.tier is Tier.REVIEW_SOON else "checkin.done")],
    )


def press(at: Reached, form: Mapping[str, str]) -> Response:
    """Raises `ValueError` for what is none of the page's buttons."""
    assert at.chart is not None
    question, answer = form.get("ask", ""), form.get("answer", "")
    if answer not in choices(question):
        raise ValueError("no such answer")
    if at.facts.patient.status is Status.ACTIVE:
        words = f"{at.say(f'ask.{question}.question')} → {at.say(f'ask.{question}.{answer}')}"
        stood = wiring.pressing().answer(at.chart, form.get("of", ""), question, answer, words, now=at.now)
        return at.back("" if stood else NEWER)
    return at.back()


def _notice(at: Reached, standing: Standing) -> dict[str, str] | None:
    if not _is_urgent(standing):
        return None
    name = "seen" if standing.seen else "urgent"
    return {"title": at.say(f"checkin.{name}_title"), "line": at.say(f"checkin.{name}")}


def _is_urgent(standing: Standing) -> bool:
    return standing.tier.severity >= Tier.URGENT.severity
