"""The published document: OpenAPI 3.1 of every route, made of the table of routes and of the types that read bodies.

Nothing is written twice: what validates a request is what is published about it.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import msgspec

from chalicelib import web
from chalicelib.web.access import KEY_MAKERS, PUBLIC
from chalicelib.web.door import HTML, KEYED, Route
from chalicelib.web.examples import EXAMPLES
from chalicelib.web.parameters import PARAMETERS
from chalicelib.web.problems import CONTENT_TYPE


def _modules(kind: str) -> list[Any]:
    """`chalicelib.web.bodies` and `bodies_…`, or the same of shapes: a part of the API keeps its own beside it."""
    names = sorted(m.name for m in iter_modules(web.__path__) if m.name == kind or m.name.startswith(f"{kind}_"))
    return [import_module(f"chalicelib.web.{name}") for name in names]


_REF = "#/components/schemas/{name}"
_PAGE = re.compile(r"^Page\[(\w+)\]$")
_PART = re.compile(r"\{(\w+)\}")

INTRODUCTION = """\
Ranvier reminds a spinal cord injury clinic's patients of visits, medicines and reassessments, asks how they are, and \
makes work of the answers for the clinic's staff.

**Who you are.** Send `Authorization: Bearer <token>`: a clinic's key (`POST /clinics/{id}/keys`) or a staff token. \
The clinic is always the token's; another clinic's ids answer 404, exactly as ids that do not exist.

**Roles.** `operator`: clinics and keys, no patient data. `admin`, `clinician`: read and write. `viewer`: reads.

**Times.** Instants are UTC, such as `2026-03-01T14:00:00Z`; local times, such as `2026-03-01T09:00`, stand beside \
an IANA zone.

**Lists.** `?limit=&cursor=` answer `{"items": [...], "next": cursor|null}`; `next` is the cursor of the page after.

**Twice is once.** A POST with an `Idempotency-Key` has its effect once: within 24 hours the same key and body get the \
same answer again, another body is refused with 422.

**Refusals** are `application/problem+json` (RFC 9457); `errors` names every bad field at once. A refused request \
changed nothing. 429 says in `Retry-After` when to come again.
"""


@cache
def document() -> dict[str, Any]:
    from chalicelib.web.routes import ROUTES

    bodies = {route.body: body_type(route.body) for route in ROUTES if route.body and route.body not in _OWN}
    answers = {name: shape(name) for route in ROUTES for name in _named(route.answer)}
    answers["Problem"] = shape("Problem")
    schemas = _schemas(bodies.values()) | _schemas(answers.values(), _OWN)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ranvier", "version": "1", "description": INTRODUCTION},
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in dict.fromkeys(_tag(route) for route in ROUTES)],
        "paths": _paths(ROUTES),
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A clinic's key, a staff token, or the operator's token.",
                }
            },
        },
    }


def body_type(name: str) -> type[msgspec.Struct]:
    """The type a route's body is read as."""
    return _type("bodies", name)


def shape(name: str) -> type[msgspec.Struct]:
    """The type of an answer."""
    return _type("shapes", name)


def _type(kind: str, name: str) -> type[msgspec.Struct]:
    for module in _modules(kind):
        found: type[msgspec.Struct] | None = getattr(module, name, None)
        if found is not None:
            return found
    raise LookupError(f"none of the {kind} is called {name}")


def _own(name: str) -> dict[str, Any] | None:
    """Schemas that are not made of a type of ours."""
    from chalicelib.adapters.library import schema

    if name == "FollowUpProtocol":
        return {k: v for k, v in schema().items() if k != "$schema"}
    if name == "PublishedProtocol":
        asked = schema()
        shown = {
            "origin": {"enum": ["built_in", "clinic"]},
            "published_at": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        }
        return {
            **{k: v for k, v in asked.items() if k != "$schema"},
            "title": "Published protocol",
            "properties": {**asked["properties"], **shown},
        }
    if name == "Document":
        return {"type": "object", "description": "An OpenAPI 3.1 document."}
    if name == "Html":
        return {"type": "string", "description": "A page for people: no script, no cookie, nothing loaded."}
    return None


_OWN = ("FollowUpProtocol", "PublishedProtocol", "Document", "Sheet", "Html")


def _schemas(kinds: Iterable[Any], own: Iterable[str] = ()) -> dict[str, Any]:
    _, found = msgspec.json.schema_components([k for k in kinds if k is not None], ref_template=_REF)
    for schema in found.values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    named = {name: _own(name) for name in own}
    return {**found, **{name: schema for name, schema in named.items() if schema}}


def _named(answer: str) -> list[str]:
    """The types an answer is made of."""
    return [n for n in re.findall(r"\w+", answer) if n not in ("Page", *_OWN)]


def answer_schema(answer: str) -> dict[str, Any]:
    """The schema of an answer as the table of routes calls it: `Patient`, `Page[Patient]`, `A | Page[A]`."""
    parts = [part.strip() for part in answer.split("|")]
    if len(parts) > 1:
        return {"anyOf": [answer_schema(part) for part in parts]}
    page = _PAGE.match(answer)
    if not page:
        return {"$ref": _REF.format(name=answer)}
    return {
        "type": "object",
        "required": ["items", "next"],
        "additionalProperties": False,
        "properties": {
            "items": {"type": "array", "items": {"$ref": _REF.format(name=page[1])}},
            "next": {
                "type": ["string", "null"],
                "description": "The cursor of the next page; null where this is the last.",
            },
        },
    }


def _paths(routes: Iterable[Route]) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return paths


def _tag(route: Route) -> str:
    first = route.path.strip("/").split("/")[0]
    if route.produces == HTML:
        return "pages"
    return {"clinics": "clinics", "clinic": "clinics", "health": "about", "openapi.json": "about"}.get(first, first)


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.view.replace(".", "_"),
        "summary": route.summary,
        "tags": [_tag(route)],
        "description": _who(route),
        "parameters": list(_parameters(route)),
        "responses": _responses(route),
        "security": _security(route),
    }
    if route.takes_body and (route.body or route.content_types != ("application/json",)):
        operation["requestBody"] = _request_body(route)
    return operation


def _security(route: Route) -> list[dict[str, Any]]:
    if route.tells_more:
        return [{}, {"bearer": []}]
    return [] if route.roles is PUBLIC else [{"bearer": []}]


def _who(route: Route) -> str:
    if route.tells_more:
        return "For anybody; the operator is told more."
    if route.roles is PUBLIC:
        return "For anybody."
    names = ", ".join(sorted(role.value for role in route.roles))
    mine = "; an admin for the own clinic only" if route.roles == KEY_MAKERS else ""
    return f"For the roles {names}{mine}."


def _parameters(route: Route) -> Iterable[dict[str, Any]]:
    for name in _PART.findall(route.path):
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": r"^[A-Za-z0-9_.-]{1,64}$"},
            "example": EXAMPLES[name],
        }
    for each in route.query:
        known = PARAMETERS[each]
        yield {
            "name": known.name or each,
            "in": "query",
            "description": known.about,
            "schema": msgspec.json.schema(known.kind),
            "example": msgspec.to_builtins(msgspec.convert(known.example, known.kind, strict=False)),
        }
    if route.method == "POST" and route.roles is not PUBLIC:
        yield {
            "name": KEYED,
            "in": "header",
            "description": "Your own name for this request: sent again, it has no second effect and the same answer.",
            "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
            "example": "enrol-MRN-1-2026-03-01",
        }
    if route.method in ("PATCH", "PUT"):
        yield {
            "name": "If-Match",
            "in": "header",
            "required": route.method == "PUT",
            "description": "The version you saw; if it is another by now the answer is 412 and nothing is changed.",
            "schema": {"type": "string", "pattern": r'^"?[0-9]{1,9}"?$'},
            "example": "3",
        }
    if route.roles is not PUBLIC:
        yield {
            "name": "X-Reason",
            "in": "header",
            "description": "Why, in your words: it stands in the audit.",
            "schema": {"type": "string", "pattern": "^[ -~]{1,200}$"},
            "example": "monthly review",
        }


def _request_body(route: Route) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for kind in route.content_types:
        if route.body:
            schema: dict[str, Any] = {"$ref": _REF.format(name=route.body)}
        else:
            schema = {"type": "string"}
        example = EXAMPLES.get(route.body or route.view)
        content[kind] = {"schema": schema} | ({"examples": {"usual": {"value": example}}} if example else {})
    return {"required": route.body not in ("Stop", "Resumption"), "content": content}


_SAID = {
    "400": "The request cannot be read.",
    "401": "No token, or none of ours.",
    "403": "The token's role does not permit this.",
    "404": "There is nothing here, or it is not yours.",
    "409": "It clashes with how things stand.",
    "410": "The link has expired.",
    "412": "It was changed since you saw it.",
    "413": "The body is larger than this route takes.",
    "415": "The body is of another type than this route takes.",
    "422": "Readable, but wrong: `errors` names every bad field.",
    "428": "If-Match is required here: the version you saw.",
    "429": "A limit is reached; `Retry-After` says for how many seconds.",
    "503": "Busy for a moment; `Retry-After` says for how many seconds.",
}


def _responses(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if route.answer:
        good: dict[str, Any] = {
            "description": route.summary,
            "content": {kind: {"schema": _content(kind, route)} for kind in _kinds(route)},
        }
        found[str(route.status)] = good
        if route.view in ALSO_200:
            found["200"] = {**good, "description": ALSO_200[route.view]}
    else:
        found[str(route.status)] = {"description": route.summary}
    for status in _refusals(route):
        refusal: dict[str, Any] = {
            "description": _SAID[status],
            # A body of another type is refused before it reaches us, in the framework's own JSON.
            "content": _told(route) if status != "415" else {"application/json": {"schema": {"type": "object"}}},
        }
        if status in ("429", "503"):
            refusal["headers"] = {
                "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
            }
        found[status] = refusal
    return found


def _told(route: Route) -> dict[str, Any]:
    """How a refusal of the route is told: as a problem, or as a page to whoever looks at pages."""
    kind, name = (HTML, "Html") if route.produces == HTML else (CONTENT_TYPE, "Problem")
    return {kind: {"schema": {"$ref": _REF.format(name=name)}}}


ALSO_200 = {
    "protocols.publish": "That very protocol was published before.",
    "patients.enrol": "The patient was enrolled with this very body before.",
    "imports.upload": "A dry run: what would come of it.",
}


def _kinds(route: Route) -> list[str]:
    return [route.produces, "text/csv"] if "format" in route.query else [route.produces]


def _content(kind: str, route: Route) -> Mapping[str, Any]:
    return {"type": "string"} if kind == "text/csv" else answer_schema(route.answer)


def _refusals(route: Route) -> list[str]:
    if route.produces == HTML:
        return ["404", "410", "503", *(["400", "413", "415"] if route.takes_body else [])]
    if route.roles is PUBLIC:
        return ["503"]
    found = ["401", "403", "422", "429", "503"]
    if route.takes_body:
        found += ["400", "409", "413", "415"]
    if "{" in route.path or route.path.startswith(("/clinic", "/patients", "/import")):
        found.append("404")
    if route.method in ("PATCH", "PUT"):
        found.append("412")
    if route.method == "PUT":
        found.append("428")
    if route.method == "DELETE":
        found.append("409")
    return sorted(set(found))
