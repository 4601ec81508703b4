"""Follow-up protocols: those that ship, the clinic's own, and what they would do."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from chalice.app import Response

from chalicelib import wiring
from chalicelib.adapters import library
from chalicelib.adapters.copybook import copybook
from chalicelib.domain.problem import Problem
from chalicelib.domain.protocol import Protocol
from chalicelib.domain.protocol_check import accepted
from chalicelib.service import preview as previews
from chalicelib.service.enrol import warnings_of
from chalicelib.service.impact import texts_of
from chalicelib.service.shelf import Published, Shelved
from chalicelib.web import answers, answers_plans, checks_plans
from chalicelib.web.bodies_plans import Preview
from chalicelib.web.door import Call
from chalicelib.web.journal import audit_of
from chalicelib.web.problems import conflict, not_found, wrong
from chalicelib.web.reading import given, read
from chalicelib.web.views.clinics import own_clinic


def listed(call: Call) -> dict[str, Any]:
    return answers.page([answers_plans.protocol(p) for p in _shelf(call).values()], None)


def one(call: Call, protocol_id: str) -> dict[str, Any]:
    found = _shelf(call).get(protocol_id)
    if found is None:
        raise not_found()
    return answers_plans.protocol(found)


def publish(call: Call) -> Response:
    protocol = accepted(_as_written(call.json), library.messages())
    if not isinstance(protocol, Protocol):
        raise wrong([Problem(p.field or "(body)", p.message) for p in protocol])
    if protocol.id in library.protocols():
        raise conflict(
            "A published version never changes.",
            [Problem("id", f"{protocol.id} ships with the service; publish yours under another id")],
        )
    audit = audit_of(call, "", "protocol.publish", protocol.id)
    done = wiring.shelf().publish(call.principal.clinic_id, protocol, audit)
    if done is Published.TAKEN:
        raise conflict(
            "A published version never changes.",
            [Problem("id", f"{protocol.id} is published already; publish the change as {_next(protocol)}")],
        )
    shelved = _shelf(call)[protocol.id]
    status = HTTPStatus.CREATED if done is Published.NEW else HTTPStatus.OK
    return Response(answers_plans.protocol(shelved), status_code=status)


def _as_written(raw: Any) -> Any:
    """The protocol without what GET adds to it, so that one can be read, changed and published."""
    return {k: v for k, v in raw.items() if k not in ("origin", "published_at")} if isinstance(raw, dict) else raw


def _next(protocol: Protocol) -> str:
    return f"{protocol.family}.v{int(protocol.id.rpartition('.v')[2]) + 1}"


def preview(call: Call) -> dict[str, Any]:
    from chalicelib.web.views.plans import load_warnings

    clinic = own_clinic(call)
    body, found = read(call.json, Preview)
    shelf = {**_shelf(call), **_drafts(call, body, found)}
    protocols = {name: shelved.protocol for name, shelved in shelf.items()}
    request = checks_plans.preview(body, clinic, protocols, now=call.now, found=found)
    if request is None or found:
        raise wrong(found)
    shown = previews.preview(clinic, request, shelf, copybook(), wiring.site(), now=call.now)
    queues = load_warnings(call, shown.facts, texts_of(shown.items))
    return {
        "items": [answers_plans.preview_item(each, shown.facts) for each in shown.items],
        "windows": [answers_plans.window(each) for each in shown.windows],
        "warnings": [*warnings_of(shown.facts), *queues],
    }


def _drafts(call: Call, body: Preview, found: list[Problem]) -> dict[str, Shelved]:
    """Protocols that somebody is still writing, as if they were published."""
    drafts: dict[str, Shelved] = {}
    for place, raw in enumerate(body.drafts if given(body.drafts) else ()):
        read_draft = accepted(_as_written(raw), library.messages())
        if isinstance(read_draft, Protocol):
            drafts[read_draft.id] = Shelved(protocol=read_draft, published_at=call.now)
        else:
            found.extend(Problem(f"drafts[{place}].{p.field}".rstrip("."), p.message) for p in read_draft)
    return drafts


def _shelf(call: Call) -> Mapping[str, Shelved]:
    return wiring.shelf().all(call.principal.clinic_id)


def library_of(call: Call) -> dict[str, Protocol]:
    """Every protocol the token's clinic may choose from, by id."""
    return {name: shelved.protocol for name, shelved in _shelf(call).items()}
