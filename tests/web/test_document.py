"""The published document says everything there is, and nothing that is not."""

import json
import re

import msgspec
import pytest

from chalicelib.web.door import Route
from chalicelib.web.examples import EXAMPLES
from chalicelib.web.openapi import answer_schema, body_type, document
from chalicelib.web.parameters import PARAMETERS
from chalicelib.web.reading import read
from chalicelib.web.routes import ROUTES

BODILESS = {"clinics.start", "tasks.acknowledge"}
"""POSTs that say all in their address."""

PAGES = ("/r/", "/unsubscribe/", "/tips/")
"""Patients' pages: HTML, described where they are."""

API = [route for route in ROUTES if not route.path.startswith(PAGES)]


@pytest.mark.parametrize("route", API, ids=lambda r: f"{r.method} {r.path}")
def test_every_route_says_what_it_is_takes_and_answers(route: Route) -> None:
    assert route.summary, "a route without a summary"
    assert route.answer or route.status == 204, "a route without an answer"
    if route.takes_body and route.view not in BODILESS:
        assert route.body or route.content_types != ("application/json",), "a route without a body"
        assert route.body in EXAMPLES or route.view in EXAMPLES, "a body without an example"
    operation = document()["paths"][route.path][route.method.lower()]
    assert str(route.status) in operation["responses"]
    for part in re.findall(r"\{(\w+)\}", route.path):
        assert any(p["name"] == part and p["in"] == "path" for p in operation["parameters"])


def test_every_reference_leads_somewhere() -> None:
    text = json.dumps(document())
    schemas = document()["components"]["schemas"]
    wanted = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert wanted <= schemas.keys()
    assert schemas.keys() <= wanted, "a schema that nothing uses"


def test_no_two_operations_share_a_name() -> None:
    names = [op["operationId"] for path in document()["paths"].values() for op in path.values()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", sorted({r.body for r in API if r.body} - {"FollowUpProtocol"}))
def test_each_example_is_read_without_a_complaint(name: str) -> None:
    assert read(EXAMPLES[name], body_type(name))[1] == []


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_each_parameter_takes_its_own_example(name: str) -> None:
    known = PARAMETERS[name]
    msgspec.convert(known.example, known.kind, strict=False)


def test_bodies_refuse_what_is_not_theirs() -> None:
    for name in {r.body for r in API if r.body}:
        schema = document()["components"]["schemas"][name]
        if "properties" in schema:
            assert schema.get("additionalProperties") is False, name


def test_a_list_is_a_page_of_its_items() -> None:
    assert answer_schema("Page[Patient]")["required"] == ["items", "next"]
