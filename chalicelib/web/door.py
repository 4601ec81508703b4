"""The door every request comes through: who it is, whether they may, what they said; and how refusals are told."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, wraps
from http import HTTPStatus
from importlib import import_module
from typing import Any

from chalice.app import Request, Response

from chalicelib.web.access import PUBLIC, Principal, Role
from chalicelib.web.problems import CONTENT_TYPE, Refused, forbidden, unauthorized

BODY_LIMIT = 256 * 1024
"""Bytes of a request's body, where its route says nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One line of the table of routes."""

    method: str
    path: str
    roles: frozenset[Role]
    view: str
    """`module.function` under `chalicelib.web.views`."""
    body: str = ""
    """The type in `chalicelib.web.bodies` that the body is read as."""
    summary: str = ""
    answer: str = ""
    """The type in `chalicelib.web.shapes` of what is answered; a list's is `Page[Item]`; none for 204."""
    status: int = 200
    query: tuple[str, ...] = ()
    """What the address may ask, by its names in `chalicelib.web.parameters`."""
    reads: str = ""
    """The audit's name for reading this, where personal data are shown."""
    content_types: tuple[str, ...] = ("application/json",)
    produces: str = "application/json"
    body_limit: int = BODY_LIMIT

    @property
    def takes_body(self) -> bool:
        return self.method in ("POST", "PUT", "PATCH")


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request that was let in."""

    principal: Principal
    now: datetime
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes = field(default=b"", repr=False)

    @cached_property
    def json(self) -> Any:
        """The body as JSON. Raises a 400 for what cannot be read."""
        try:
            return json.loads(self.raw)
        except ValueError as unreadable:
            raise Refused(HTTPStatus.BAD_REQUEST, "The body is not readable as JSON.") from unreadable


def door(route: Route, request: Callable[[], Request | None]) -> Callable[..., Response]:
    """The function that Chalice calls for the route."""

    def enter(**parts: str) -> Response:
        try:
            answer = _view(route)(_let_in(route, request()), **parts)
        except Refused as refused:
            headers: dict[str, str | list[str]] = {"Content-Type": CONTENT_TYPE, **refused.headers}
            return Response(refused.body(), headers=headers, status_code=int(refused.status))
        return answer if isinstance(answer, Response) else Response(answer)

    return wraps(enter)(enter)


def _view(route: Route) -> Callable[..., Any]:
    module, _, name = route.view.partition(".")
    found: Callable[..., Any] = getattr(import_module(f"chalicelib.web.views.{module}"), name)
    return found


def _let_in(route: Route, request: Request | None) -> Call:
    from chalicelib import wiring
    from chalicelib.web.access import identify

    assert request is not None, "a view runs inside a request"
    headers = {name.lower(): value for name, value in (request.headers or {}).items()}
    now = wiring.now()
    if route.roles is PUBLIC:
        principal: Principal | None = Principal(role=Role.VIEWER, actor="public")
    else:
        principal = identify(headers.get("authorization", ""))
    if principal is None:
        raise unauthorized()
    if route.roles is not PUBLIC and principal.role not in route.roles:
        raise forbidden()
    raw = request.raw_body or b""
    raw = raw.encode() if isinstance(raw, str) else raw
    if len(raw) > route.body_limit:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A body here may hold {route.body_limit} bytes at most.")
    return Call(principal=principal, now=now, query=request.query_params or {}, headers=headers, raw=raw)
