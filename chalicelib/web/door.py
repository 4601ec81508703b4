"""The door every request comes through: who it is, whether they may, what they said; and how refusals are told."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, wraps
from http import HTTPStatus
from importlib import import_module
from typing import Any

from chalice.app import Request, Response

from chalicelib.domain.problem import Problem
from chalicelib.web.access import PUBLIC, Principal, Role
from chalicelib.web.problems import CONTENT_TYPE, Refused, busy, forbidden, not_found, unauthorized, wrong

BODY_LIMIT = 256 * 1024
"""Bytes of a request's body, where its route says nothing else."""

KEYED = "Idempotency-Key"

HTML = "text/html"
"""What a route produces whose answers people look at; its refusals are pages, too."""

_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_TOKEN = re.compile(r"[A-Za-z0-9_.-]{1,1024}")
_HEADERS = {
    "If-Match": (re.compile(r'"?[0-9]{1,9}"?'), "must be a version, such as 3"),
    "X-Reason": (re.compile(r"[ -~]{1,200}"), "must be 1 to 200 printable ASCII characters"),
}


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
    audited: str = ""
    """The audit's name for this, where the view writes no entry with its change: above all what only reads."""
    content_types: tuple[str, ...] = ("application/json",)
    produces: str = "application/json"
    body_limit: int = BODY_LIMIT
    tells_more: bool = False
    """A public route that answers more to whoever shows a token."""

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
    place: str = ""
    """The route's path, ids filled in: which list a cursor belongs to."""
    patients: set[str] = field(default_factory=set)
    """Whom the answer shows or the request concerns: a view adds each, and the audit says so."""

    @cached_property
    def json(self) -> Any:
        """The body as JSON. Raises a 400 for what cannot be read."""
        import msgspec

        try:
            return msgspec.json.decode(self.raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as unreadable:
            raise Refused(HTTPStatus.BAD_REQUEST, "The body is not readable as JSON.") from unreadable

    @property
    def reason(self) -> str:
        """Why, in the caller's words, for the audit."""
        return self.headers.get("x-reason", "")


def door(route: Route, request: Callable[[], Request | None]) -> Callable[..., Response]:
    """The function that Chalice calls for the route."""

    def enter(**parts: str) -> Response:
        from chalicelib.adapters.table import Busy
        from chalicelib.service.change import Contended

        try:
            try:
                return _answer(route, _let_in(route, request(), parts), parts)
            except (Busy, Contended) as crowded:
                raise busy() from crowded
        except Refused as refused:
            if route.produces == HTML:
                return _page_of(refused, request())
            headers: dict[str, str | list[str]] = {"Content-Type": CONTENT_TYPE, **refused.headers}
            return Response(refused.body(), headers=headers, status_code=int(refused.status))

    return wraps(enter)(enter)


def _answer(route: Route, call: Call, parts: Mapping[str, str]) -> Response:
    def view() -> Response:
        answer = _view(route)(call, **parts)
        if route.audited:
            from chalicelib.web.journal import note_call

            note_call(call, route.audited)
        return answer if isinstance(answer, Response) else Response(answer, status_code=route.status)

    if route.method == "POST" and KEYED.lower() in call.headers and route.roles is not PUBLIC:
        from chalicelib.web.once import once

        return once(call, f"{route.method} {route.path} {sorted(parts.items())}", view)
    return view()


def _page_of(refused: Refused, request: Request | None) -> Response:
    from chalicelib.web.pages.paper import refusal

    headers: Mapping[str, str] = (request.headers if request else None) or {}
    return refusal(refused.status, headers.get("accept-language", ""), refused.headers)


def _view(route: Route) -> Callable[..., Any]:
    module, _, name = route.view.partition(".")
    found: Callable[..., Any] = getattr(import_module(f"chalicelib.web.views.{module}"), name)
    return found


def _let_in(route: Route, request: Request | None, parts: Mapping[str, str]) -> Call:
    from chalicelib import wiring
    from chalicelib.web.access import identify

    assert request is not None, "a view runs inside a request"
    headers = {name.lower(): value for name, value in (request.headers or {}).items()}
    now = wiring.now()
    public = route.roles is PUBLIC
    principal = (
        Principal(role=Role.VIEWER, actor="public") if public else identify(headers.get("authorization", ""), now=now)
    )
    if principal is None:
        raise unauthorized()
    if not public:
        from chalicelib.web.rates import rates

        rates.pass_one(f"{principal.clinic_id}.{principal.actor}", now=now, rate=wiring.settings().key_rate)
        if principal.role not in route.roles:
            raise forbidden()
    # An id that none of ours could be is told like one that is not there.
    if not all((_TOKEN if name == "token" else _ID).fullmatch(part) for name, part in parts.items()):
        raise not_found()
    if not public:
        _check_headers(headers)
    raw = request.raw_body or b""
    raw = raw.encode(errors="surrogatepass") if isinstance(raw, str) else raw
    if len(raw) > route.body_limit:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A body here may hold {route.body_limit} bytes at most.")
    query: Mapping[str, str] = request.query_params or {}
    if route.query:
        from chalicelib.web.parameters import check

        check(route.query, query)
    return Call(principal=principal, now=now, query=query, headers=headers, raw=raw, place=route.path.format(**parts))


def _check_headers(headers: Mapping[str, str]) -> None:
    found = [
        Problem(name, hint)
        for name, (form, hint) in _HEADERS.items()
        if name.lower() in headers and not form.fullmatch(headers[name.lower()])
    ]
    if found:
        raise wrong(found)
