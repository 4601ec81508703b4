"""The wall: every route, every role, every kind of id. What is not yours answers as what is not there.

The cases are made of the table of routes, so a route without one cannot be added.
"""

import re
from collections.abc import Iterator

import pytest

from chalicelib.web.access import PUBLIC, Role
from chalicelib.web.door import Route
from chalicelib.web.examples import EXAMPLES
from chalicelib.web.routes import ROUTES
from local.gateway import Reply
from local.world import World
from tests.web.conftest import START, Tenant, make_clinic

NAMED_PUBLIC = {
    "GET /health",
    "GET /openapi.json",
    "GET /r/{token}",
    "POST /r/{token}",
    "GET /unsubscribe/{token}",
    "POST /unsubscribe/{token}",
    "GET /tips/{language}",
}
"""What anybody may ask: the two that say what this is, and the links that patients are sent."""

GUARDED = [route for route in ROUTES if route.roles is not PUBLIC]
ROLES = tuple(role.value for role in Role)
WITH_IDS = [route for route in GUARDED if "{" in route.path]

MALFORMED = ("x", "no such id", "a#b", "..", "%00", "é", "x" * 200, "' or 1=1")
ABSENT = {"patient_id": "AAAAAAAAAAAAAAAA", "clinic_id": "AAAAAAAAAAAAAAAA"}


def name(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with World(START) as made:
        yield made


@pytest.fixture(scope="module")
def ours(world: World) -> Tenant:
    return furnished(make_clinic(world, "+12025550191"))


@pytest.fixture(scope="module")
def theirs(world: World) -> Tenant:
    return furnished(make_clinic(world, "+12025550192"))


def furnished(clinic: Tenant) -> Tenant:
    """The clinic with one of everything that an address can name."""
    patient = clinic.enrol()
    visit = clinic.ask("POST", f"/patients/{patient['id']}/appointments", EXAMPLES["NewAppointment"]).json()
    upload = clinic.ask(
        "POST", "/imports", raw=EXAMPLES["imports.upload"].encode(), headers={"Content-Type": "text/csv"}
    )
    # A patient whom nothing may be sent to comes with a task.
    clinic.enrol("MRN-2", consent={})
    task = clinic.ask("GET", "/tasks").json()["items"][0]
    clinic.ids = {
        "clinic_id": clinic.id,
        "key_id": fresh_key(clinic),
        "patient_id": patient["id"],
        "contact_id": patient["contacts"][0]["id"],
        "appointment_id": visit["id"],
        "protocol_id": "spasticity.v1",
        "task_id": task["id"],
        "import_id": upload.json()["id"],
    }
    return clinic


def fresh_key(clinic: Tenant) -> str:
    made = clinic.ask("POST", f"/clinics/{clinic.id}/keys", EXAMPLES["NewKey"], role="operator")
    return str(made.json()["id"])


def at(route: Route, ids: dict[str, str]) -> str:
    from urllib.parse import quote

    return re.sub(r"\{(\w+)\}", lambda m: quote(ids[m[1]], safe=""), route.path)


def ask(route: Route, clinic: Tenant, ids: dict[str, str], *, role: str) -> Reply:
    if route.content_types == ("text/csv",):
        raw = EXAMPLES[route.view].encode()
        return clinic.ask(route.method, at(route, ids), role=role, raw=raw, headers={"Content-Type": "text/csv"})
    body = EXAMPLES.get(route.body, {}) if route.takes_body else None
    headers = {"If-Match": "1"} if route.method == "PUT" else None
    return clinic.ask(route.method, at(route, ids), body, role=role, headers=headers)


def test_only_these_are_public() -> None:
    assert {name(route) for route in ROUTES if route.roles is PUBLIC} <= NAMED_PUBLIC


def test_no_route_is_without_a_case(ours: Tenant) -> None:
    named = {part for route in GUARDED for part in re.findall(r"\{(\w+)\}", route.path)}
    assert named <= ours.ids.keys(), "furnish a clinic with one of these, so that the wall is tried there too"


@pytest.mark.parametrize("route", GUARDED, ids=name)
def test_without_a_token_nobody_gets_in(world: World, ours: Tenant, route: Route) -> None:
    body = EXAMPLES.get(route.body) if route.content_types != ("text/csv",) else None
    kind = {"Content-Type": route.content_types[0]}
    answers = {
        (reply.status, reply.body)
        for token in (None, "rk_wrong", "a.b.c", ours.tokens["admin"] + "x")
        for reply in [world.api(route.method, at(route, ours.ids), json=body, token=token, headers=kind)]
    }
    assert {status for status, _ in answers} == {401}
    assert len(answers) == 1


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", GUARDED, ids=name)
def test_a_role_gets_in_where_the_table_says(ours: Tenant, route: Route, role: str) -> None:
    ids = dict(ours.ids)
    if route.method == "DELETE":
        ids["key_id"] = fresh_key(ours)
    if route.view == "records.erase" and role == "admin":
        ids["patient_id"] = str(ours.enrol("gone")["id"])
    reply = ask(route, ours, ids, role=role)
    if Role(role) in route.roles:
        assert reply.status not in (401, 403, 404, 500), reply.body
    else:
        assert reply.status == 403, reply.body


@pytest.mark.parametrize("role", ["admin", "clinician", "viewer"])
@pytest.mark.parametrize("route", WITH_IDS, ids=name)
def test_what_is_another_clinics_is_told_like_what_is_not_there(
    ours: Tenant, theirs: Tenant, route: Route, role: str
) -> None:
    if Role(role) not in route.roles:
        pytest.skip("the role is refused before any id is looked at")
    answers = set()
    for part in re.findall(r"\{(\w+)\}", route.path):
        if part == "protocol_id" or (part == "contact_id" and theirs.ids[part] == ours.ids[part]):
            strangers: tuple[str, ...] = ()
        else:
            strangers = (theirs.ids[part],)
        absent = ABSENT.get(part, ours.ids[part][::-1])
        for wrong in (*strangers, absent, *(MALFORMED if role == "admin" else MALFORMED[:1])):
            if wrong != ours.ids[part]:
                reply = ask(route, ours, {**ours.ids, part: wrong}, role=role)
                answers.add((reply.status, reply.body, reply.headers))
    assert {status for status, _, _ in answers} == {404}
    assert len(answers) == 1, "byte for byte the same"


@pytest.mark.parametrize("route", WITH_IDS, ids=name)
def test_all_of_anothers_ids_together_open_nothing(ours: Tenant, theirs: Tenant, route: Route) -> None:
    if Role.ADMIN not in route.roles or route.path.startswith("/protocols"):
        pytest.skip("not an admin's, or the same for every clinic")
    assert ask(route, ours, theirs.ids, role="admin").status == 404


def test_a_revoked_key_opens_nothing_from_then_on(ours: Tenant, world: World) -> None:
    made = ours.ask("POST", f"/clinics/{ours.id}/keys", EXAMPLES["NewKey"], role="admin").json()
    assert world.api("GET", "/clinic", token=made["token"]).status == 200
    assert ours.ask("DELETE", f"/clinics/{ours.id}/keys/{made['id']}").status == 204
    assert world.api("GET", "/clinic", token=made["token"]).status == 401


def test_fields_that_are_the_services_own_cannot_be_set(ours: Tenant) -> None:
    for stray in ("id", "clinic_id", "status", "due", "seq", "rev", "enrolled_at"):
        reply = ours.ask("POST", "/patients", {**EXAMPLES["NewPatient"], "external_id": "stray", stray: "x"})
        assert reply.status == 422
        assert stray in {each["field"] for each in reply.json()["errors"]}
