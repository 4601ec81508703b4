"""A POST sent twice has one effect, however its twins are timed."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chalicelib.web.examples import EXAMPLES
from local.world import World
from tests.web.conftest import Tenant, make_clinic

KEY = {"Idempotency-Key": "k-1"}


def patients(clinic: Tenant) -> list[dict[str, Any]]:
    return clinic.ask("GET", "/patients").json()["items"]


def test_the_same_key_and_body_get_the_same_answer_and_one_effect(clinic: Tenant) -> None:
    path = f"/patients/{clinic.enrol()['id']}/appointments"
    first = clinic.ask("POST", path, EXAMPLES["NewAppointment"], headers=KEY)
    again = clinic.ask("POST", path, EXAMPLES["NewAppointment"], headers=KEY)
    assert (first.status, first.body) == (201, again.body)
    assert again.status == 201
    assert again.header("Idempotent-Replayed") == "true"
    assert len(clinic.ask("GET", path).json()["items"]) == 1


def test_a_key_shown_once_is_shown_again_to_who_asked_for_it_twice(clinic: Tenant) -> None:
    path = f"/clinics/{clinic.id}/keys"
    first, again = (clinic.ask("POST", path, EXAMPLES["NewKey"], headers=KEY).json() for _ in range(2))
    assert first["token"] == again["token"]


def test_another_body_under_the_same_key_is_refused_by_name(clinic: Tenant) -> None:
    clinic.ask("POST", "/patients", EXAMPLES["NewPatient"], headers=KEY)
    refused = clinic.ask("POST", "/patients", {**EXAMPLES["NewPatient"], "given_name": "Eva"}, headers=KEY)
    assert refused.status == 422
    assert [e["field"] for e in refused.json()["errors"]] == ["Idempotency-Key"]
    assert len(patients(clinic)) == 1


def test_a_refused_request_leaves_its_key_for_the_corrected_one(clinic: Tenant) -> None:
    assert clinic.ask("POST", "/patients", {**EXAMPLES["NewPatient"], "phone": "1"}, headers=KEY).status == 422
    assert clinic.ask("POST", "/patients", EXAMPLES["NewPatient"], headers=KEY).status == 201


def test_one_clinics_key_is_not_anothers(world: World, clinic: Tenant) -> None:
    other = make_clinic(world, "+12025550188")
    ids = {c.ask("POST", "/patients", EXAMPLES["NewPatient"], headers=KEY).json()["id"] for c in (clinic, other)}
    assert len(ids) == 2


def test_a_key_is_forgotten_after_a_day(world: World, clinic: Tenant) -> None:
    clinic.ask("POST", "/patients", EXAMPLES["NewPatient"], headers=KEY)
    world.advance("PT24H1M")
    changed = {**EXAMPLES["NewPatient"], "external_id": "MRN-9"}
    assert clinic.ask("POST", "/patients", changed, headers=KEY).status == 201


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "é"])
def test_a_key_that_is_none_is_refused(clinic: Tenant, key: str) -> None:
    reply = clinic.ask("POST", "/patients", EXAMPLES["NewPatient"], headers={"Idempotency-Key": key})
    assert reply.status == 422
    assert patients(clinic) == []


def test_of_many_at_once_exactly_one_has_an_effect(world: World, clinic: Tenant) -> None:
    path = f"/clinics/{clinic.id}/keys"
    headers = {"Authorization": f"Bearer {clinic.tokens['admin']}", "Content-Type": "application/json", **KEY}

    def post(_: int) -> tuple[int, bytes, str | None]:
        reply = world.gateway.request("POST", path, headers, b'{"role": "viewer", "label": "twin"}')
        return reply.status, reply.body, reply.header("Retry-After")

    with ThreadPoolExecutor(8) as many:
        answers = list(many.map(post, range(16)))
    assert {status for status, _, _ in answers} <= {201, 409}
    assert len({body for status, body, _ in answers if status == 201}) == 1
    assert all(retry for status, _, retry in answers if status == 409)
    assert post(0)[0] == 201, "who was told to wait gets the answer then"
    with world.aws.lock:
        made = [i for i in world.aws.table.all_items() if '"twin"' in str(i.attrs.get("doc", ""))]
    assert len(made) == 1


def test_what_an_erasure_removed_is_not_shown_by_an_answer_given_before(clinic: Tenant) -> None:
    patient = clinic.ask("POST", "/patients", EXAMPLES["NewPatient"], headers=KEY).json()["id"]
    assert clinic.ask("DELETE", f"/patients/{patient}").status == 204
    assert clinic.ask("POST", "/patients", EXAMPLES["NewPatient"], headers=KEY).status == 404


def test_no_answer_lies_open_in_the_table(world: World, clinic: Tenant) -> None:
    token = clinic.ask("POST", f"/clinics/{clinic.id}/keys", EXAMPLES["NewKey"], headers=KEY).json()["token"]
    with world.aws.lock:
        assert not any(token in str(item.to_json()) for item in world.aws.table.all_items())
