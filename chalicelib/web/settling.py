"""What became of a change, as the API answers it: the chart, or the refusal in its problem's form."""

from http import HTTPStatus
from typing import TypeVar

from chalicelib.domain.problem import Problem
from chalicelib.service.change import Refusal, Stale
from chalicelib.web.door import Call
from chalicelib.web.problems import Refused, conflict, not_found, stale, wrong

T = TypeVar("T")


def settled(done: T | Refusal | None) -> T:
    """What was done; raises the answer that a refusal becomes."""
    if done is None or (isinstance(done, Refusal) and not done.problems):
        raise not_found()
    if isinstance(done, Stale):
        raise stale()
    if isinstance(done, Refusal):
        raise conflict("That does not fit how things stand.", done.problems) if done.conflict else wrong(done.problems)
    return done


def version_seen(call: Call, *, required: bool = False) -> int | None:
    """The version in If-Match, whose form the door has checked; None where there is none and none is required."""
    asked = call.headers.get("if-match")
    if asked is None:
        if required:
            raise Refused(
                HTTPStatus.PRECONDITION_REQUIRED,
                "Send If-Match with the version you saw, so that nobody's change is lost; GET answers it.",
                [Problem("If-Match", "is required: the version that GET answered")],
            )
        return None
    return int(asked.strip('"'))
