"""What every page is printed on: the frame, the headers, and the few pages that know no clinic."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from chalice.app import Response

from chalicelib.domain.clinic import EMERGENCY_NUMBERS, Clinic
from chalicelib.domain.facts import Facts
from chalicelib.domain.links import Link
from chalicelib.domain.wording import PageCopy, page_language
from chalicelib.service.chart import Chart

if TYPE_CHECKING:
    from jinja2 import Environment

HEADERS: Mapping[str, str] = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Cache-Control": "no-store",
}
"""The address of a page is the key to it: it is kept from referrers, caches, search engines and other sites' frames."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What a link led to: what it permits, and whose it is."""

    link: Link
    token: str
    clinic: Clinic
    chart: Chart | None
    """The patient's; None on a page for staff, which shows nothing of a patient."""
    copy: PageCopy
    now: datetime

    @property
    def facts(self) -> Facts:
        assert self.chart is not None, "a patient's page has a patient"
        return self.chart.facts

    @property
    def slots(self) -> dict[str, str]:
        emergency, crisis = EMERGENCY_NUMBERS[self.clinic.country]
        return {"clinic": self.clinic.name, "phone": self.clinic.phone, "emerg": emergency, "crisis": crisis}

    def say(self, key: str, **slots: str) -> str:
        return self.copy.say(key, {**self.slots, **slots})

    def page(self, template: str, **shown: Any) -> Response:
        """The page in its frame. `shown` is what its template asks for."""
        return _printed(template, HTTPStatus.OK, say=self.say, copy=self.copy, clinic=self.clinic, **shown)

    def back(self, fragment: str = "") -> Response:
        """To the same page again, as it stands now: what was pressed is done. The address is relative, since a stage's
        name may stand before it."""
        location = f"{self.token}#{fragment}" if fragment else self.token
        headers: dict[str, str | list[str]] = {**HEADERS, "Location": location}
        return Response("", headers=headers, status_code=HTTPStatus.SEE_OTHER)


def gone(accept_language: str, *, expired: bool = False) -> Response:
    """The one page for a link that opens nothing: expired, altered, or never made. It names no clinic."""
    return _plain("gone", HTTPStatus.GONE if expired else HTTPStatus.NOT_FOUND, accept_language)


def refusal(status: HTTPStatus, accept_language: str, headers: Mapping[str, str]) -> Response:
    """A request that was not carried out, told to somebody who looks at a page."""
    name = "gone" if status is HTTPStatus.NOT_FOUND else "retry"
    answer = _plain(name, status, accept_language)
    answer.headers |= headers
    return answer


def plain_page(template: str, copy: PageCopy, **shown: Any) -> Response:
    """A page that knows no clinic."""
    return _printed(template, HTTPStatus.OK, say=_sayer(copy), copy=copy, clinic=None, **shown)


def _plain(name: str, status: HTTPStatus, accept_language: str) -> Response:
    from chalicelib.adapters.pagebook import pagebook

    copy = pagebook()[page_language(pagebook(), *_wanted(accept_language))]
    lines = [copy.say(key) for key in (f"{name}.line", f"{name}.why") if key in copy.texts]
    return _printed(
        "notice.html",
        status,
        say=_sayer(copy),
        copy=copy,
        clinic=None,
        title=copy.say(f"{name}.title"),
        lines=lines,
    )


def _sayer(copy: PageCopy) -> Any:
    return lambda key, **slots: copy.say(key, slots)


def _wanted(accept_language: str) -> list[str]:
    """The languages of an Accept-Language header, in the order they stand; browsers put the dearest first."""
    return [part.split(";")[0].strip() for part in accept_language[:200].split(",")]


def _printed(template: str, status: HTTPStatus, **shown: Any) -> Response:
    body = _templates().get_template(template).render(**shown)
    return Response(body, headers=dict(HEADERS), status_code=status)


@cache
def _templates() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    found = Environment(
        loader=PackageLoader("chalicelib.web.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    # A line that ends inside 2026-03-14 or e-mail is hard to read at this size.
    found.filters["unbroken"] = lambda text: re.sub(r"(?<=\w)-(?=\w)", "\N{NON-BREAKING HYPHEN}", text)
    found.filters["tel"] = lambda number: "tel:" + re.sub(r"[^0-9+]", "", number)
    return found
