"""The pages that links lead to: what a token opens, and nothing else."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from types import ModuleType
from urllib.parse import parse_qsl

from chalice.app import Response

from chalicelib import wiring
from chalicelib.adapters.pagebook import pagebook
from chalicelib.domain.links import Link, Purpose
from chalicelib.domain.patient import Status
from chalicelib.domain.wording import page_language
from chalicelib.web.door import Call
from chalicelib.web.pages import acknowledge, checkin, preferences, tips, visit
from chalicelib.web.pages.paper import Reached, gone
from chalicelib.web.problems import Refused, not_found

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)

PAGES: Mapping[Purpose, ModuleType] = {
    Purpose.VISIT: visit,
    Purpose.CHECKIN: checkin,
    Purpose.PREFERENCES: preferences,
    Purpose.ACKNOWLEDGE: acknowledge,
}


def show(call: Call, token: str) -> Response:
    """The page as things stand. Whoever follows a link, a mail scanner among them, changes nothing by it."""

    def page(at: Reached) -> Response | None:
        if at.link.purpose is Purpose.UNSUBSCRIBE:
            return preferences.show_unsubscribe(at)
        found: Response | None = PAGES[at.link.purpose].show(at)
        return found

    return _opened(call, token, page)


def press(call: Call, token: str) -> Response:
    """What one button says."""

    def act(at: Reached) -> Response | None:
        if at.link.purpose is Purpose.UNSUBSCRIBE:
            return preferences.unsubscribe(at)
        try:
            done: Response | None = PAGES[at.link.purpose].press(at, _form(call))
        except ValueError as unreadable:
            raise Refused(HTTPStatus.BAD_REQUEST, "This is none of the page's buttons.") from unreadable
        return done

    return _opened(call, token, act)


def show_unsubscribe(call: Call, token: str) -> Response:
    return _opened(call, token, preferences.show_unsubscribe, only=Purpose.UNSUBSCRIBE)


def unsubscribe(call: Call, token: str) -> Response:
    """RFC 8058's one click: no login, nothing asked, the same answer however often."""
    return _opened(call, token, preferences.unsubscribe, only=Purpose.UNSUBSCRIBE)


def show_tips(_: Call, language: str) -> Response:
    code = page_language(pagebook(), language)
    if not language.lower().startswith(code):
        raise not_found()
    return tips.show(pagebook()[code])


def _opened(
    call: Call, token: str, page: Callable[[Reached], Response | None], only: Purpose | None = None
) -> Response:
    """The page behind the token, or the one page for everything that opens nothing."""
    site = wiring.site()
    accept_language = call.headers.get("accept-language", "")
    link = site.opened(token, call.now)
    if link is None:
        return gone(accept_language, expired=site.opened(token, LONG_AGO) is not None)
    if only not in (None, link.purpose):
        return gone(accept_language)
    reached = _reached(call, token, link)
    return (page(reached) if reached else None) or gone(accept_language)


def _reached(call: Call, token: str, link: Link) -> Reached | None:
    if link.purpose is Purpose.ACKNOWLEDGE:
        clinic = wiring.store().clinic(link.clinic_id)
        if clinic is None:
            return None
        copy = pagebook()[page_language(pagebook(), clinic.language)]
        return Reached(link=link, token=token, clinic=clinic, chart=None, copy=copy, now=call.now)
    chart = wiring.store().chart(link.clinic_id, link.patient_id, now=call.now)
    if chart is None or chart.facts.patient.status in (Status.DECEASED, Status.ERASED):
        return None
    facts = chart.facts
    copy = pagebook()[page_language(pagebook(), facts.patient.language, facts.clinic.language)]
    return Reached(link=link, token=token, clinic=facts.clinic, chart=chart, copy=copy, now=call.now)


def _form(call: Call) -> dict[str, str]:
    """A form's fields. Raises ValueError for what is none, or has more fields than any page has."""
    return dict(parse_qsl(call.raw.decode(), keep_blank_values=True, max_num_fields=8))
