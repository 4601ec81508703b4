"""Errors as the API speaks them: RFC 9457 problem+json, every bad field named at once."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from chalicelib.domain.problem import Problem

CONTENT_TYPE = "application/problem+json"


class Refused(Exception):
    """Ends a request with a problem. Raised in the web ring only, before anything has been changed."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        problems: Sequence[Problem] = (),
        *,
        code: str = "",
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(status.phrase)
        self.status = status
        self.detail = detail
        self.problems = tuple(problems)
        self.code = code or status.phrase.lower().replace(" ", "-")
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "type": f"urn:ranvier:problem:{self.code}",
            "title": self.status.phrase,
            "status": int(self.status),
            "detail": self.detail,
        }
        if self.problems:
            body["errors"] = [{"field": p.field, "message": p.message} for p in self.problems]
        return body


def not_found() -> Refused:
    """The one answer for what is absent, malformed, or another clinic's: they cannot be told apart."""
    return Refused(HTTPStatus.NOT_FOUND, "There is nothing here.")


def unauthorized() -> Refused:
    return Refused(
        HTTPStatus.UNAUTHORIZED,
        "Send a valid key or staff token: Authorization: Bearer <token>.",
        headers={"WWW-Authenticate": "Bearer"},
    )


def forbidden(detail: str = "Your role does not permit this.") -> Refused:
    return Refused(HTTPStatus.FORBIDDEN, detail)


def wrong(problems: Sequence[Problem]) -> Refused:
    count = len(problems)
    detail = "One field is wrong." if count == 1 else f"{count} fields are wrong."
    return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, f"{detail} Nothing was changed.", problems)


def conflict(detail: str, problems: Sequence[Problem] = ()) -> Refused:
    return Refused(HTTPStatus.CONFLICT, detail, problems)


def busy() -> Refused:
    return Refused(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Too much is being changed here at once. Nothing was changed; ask again in a second.",
        headers={"Retry-After": "1"},
    )


def unsettled() -> Refused:
    """A provider's answer was lost, or it said to come again."""
    return Refused(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The provider did not take it, or its answer was lost. Look at the conversation before you send it again.",
        code="unsettled",
        headers={"Retry-After": "60"},
    )


def stale() -> Refused:
    return Refused(HTTPStatus.PRECONDITION_FAILED, "It was changed since you saw it. Read it again, then change it.")
