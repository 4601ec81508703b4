"""A clinic's settings, and the limits that each say which one it was and when to come again."""

import os
from collections.abc import Iterator

import pytest

from chalicelib import wiring
from chalicelib.web.examples import EXAMPLES
from local.world import World
from tests.web.conftest import START, Tenant, make_clinic


def fields(reply) -> set[str]:
    return {each["field"] for each in reply.json().get("errors", ())}


def test_settings_left_out_stay_and_the_version_counts(clinic: Tenant) -> None:
    before = clinic.ask("GET", "/clinic").json()
    reply = clinic.ask("PATCH", "/clinic", {"contact_window": {"from": "10:00", "to": "19:00"}})
    assert reply.json() == {**before, "contact_window": {"from": "10:00", "to": "19:00"}, "version": 2}
    assert reply.header("ETag") == '"2"'


def test_the_keys_that_open_something_are_listed_without_their_tokens(clinic: Tenant) -> None:
    path = f"/clinics/{clinic.id}/keys"
    made = clinic.ask("POST", path, EXAMPLES["NewKey"]).json()
    listed = clinic.ask("GET", path)
    assert {key["role"] for key in listed.json()["items"]} == {"admin", "clinician", "viewer"}
    assert {name: made[name] for name in ("id", "role", "label", "created_at")} in listed.json()["items"]
    assert not any(token.encode() in listed.body for token in (made["token"], *clinic.tokens.values()))
    assert clinic.ask("DELETE", f"{path}/{made['id']}").status == 204
    assert made["id"] not in {key["id"] for key in clinic.ask("GET", path, role="operator").json()["items"]}


def test_a_change_of_what_was_changed_meanwhile_is_refused(clinic: Tenant) -> None:
    clinic.ask("PATCH", "/clinic", {"language": "es"}, headers={"If-Match": '"1"'})
    late = clinic.ask("PATCH", "/clinic", {"language": "fr"}, headers={"If-Match": '"1"'})
    assert late.status == 412
    assert clinic.ask("GET", "/clinic").json()["language"] == "es"


def test_every_bad_setting_is_named_and_none_is_taken(clinic: Tenant) -> None:
    before = clinic.ask("GET", "/clinic").json()
    reply = clinic.ask("PATCH", "/clinic", {"timezone": "Mars/Base", "phone": "1", "language": "es", "version": 9})
    assert (reply.status, fields(reply)) == (422, {"timezone", "phone", "version"})
    assert clinic.ask("GET", "/clinic").json() == before


def test_anothers_sending_number_cannot_be_taken(world: World, clinic: Tenant) -> None:
    make_clinic(world, "+12025550188")
    reply = clinic.ask("PATCH", "/clinic", {"sms_number": "+12025550188"})
    assert (reply.status, fields(reply)) == (409, {"sms_number"})


def test_stopping_stays_through_a_change_of_settings(clinic: Tenant) -> None:
    clinic.ask("POST", "/clinic/stop", {"reason": "porting"})
    assert clinic.ask("PATCH", "/clinic", {"language": "es"}).json()["stopped"]["reason"] == "porting"


def test_numbers_of_other_countries_than_the_clinic_texts_to_are_refused(clinic: Tenant) -> None:
    clinic.ask("PATCH", "/clinic", {"number_countries": ["US"]})
    for number in ("+18765551234", "+33612345678"):
        reply = clinic.ask("POST", "/patients", {**EXAMPLES["NewPatient"], "phone": number})
        assert (reply.status, fields(reply)) == (422, {"phone"}), number
    clinic.ask("PATCH", "/clinic", {"number_countries": ["US", "FR"]})
    assert clinic.enrol(phone="+33612345678")["contacts"][0]["address"] == "+33612345678"


def test_the_days_cap_says_when_the_next_day_begins(world: World, clinic: Tenant) -> None:
    clinic.ask("PATCH", "/clinic", {"enrolments_a_day": 2})
    for external_id in ("A", "B", "A"):
        clinic.ask("POST", "/patients", {**EXAMPLES["NewPatient"], "external_id": external_id})
    refused = clinic.ask("POST", "/patients", {**EXAMPLES["NewPatient"], "external_id": "C"})
    assert refused.status == 429
    assert refused.json()["type"].endswith("enrolments-a-day")
    assert refused.header("Retry-After") == str(14 * 3600)  # 10:00 in New York to its midnight
    world.advance("PT14H")
    clinic.enrol("C")


def test_a_whole_upload_past_the_days_cap_is_refused(clinic: Tenant) -> None:
    clinic.ask("PATCH", "/clinic", {"enrolments_a_day": 1})
    text = b"external_id,given_name,family_name\nA,A,A\nB,B,B\n"
    assert clinic.ask("POST", "/imports", raw=text, headers={"Content-Type": "text/csv"}).status == 429


def test_a_body_too_large_is_refused_before_it_is_read(clinic: Tenant) -> None:
    big = b'{"label": "' + b"x" * 300_000 + b'"}'
    reply = clinic.ask("POST", "/patients", raw=big, headers={"Content-Type": "application/json"})
    assert reply.status == 413
    assert "262144 bytes" in reply.json()["detail"]


@pytest.mark.parametrize("body", [b"{", b"\xff", b'{"a": "\\ud800"}', b"[" * 100_000, b"NaN"])
def test_what_is_no_json_is_a_400(clinic: Tenant, body: bytes) -> None:
    assert clinic.ask("POST", "/patients", raw=body, headers={"Content-Type": "application/json"}).status == 400


@pytest.mark.parametrize("name", ["Ana\nBcc: x", "A\u202ena", "A\x00", "\u2028"])
def test_a_name_that_would_break_a_line_is_refused(clinic: Tenant, name: str) -> None:
    reply = clinic.ask("POST", "/patients", {**EXAMPLES["NewPatient"], "given_name": name})
    assert (reply.status, fields(reply)) == (422, {"given_name"})


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=x", "cursor=", "status=ill", "q="])
def test_a_page_that_is_none_is_refused_by_name(clinic: Tenant, query: str) -> None:
    reply = clinic.ask("GET", f"/patients?{query}")
    assert (reply.status, fields(reply)) == (422, {query.partition("=")[0]})


def test_a_cursor_opens_its_own_list_only(world: World, clinic: Tenant) -> None:
    for number in range(3):
        clinic.enrol(f"M{number}")
    cursor = clinic.ask("GET", "/patients?limit=1").json()["next"]
    assert clinic.ask("GET", f"/patients?limit=1&cursor={cursor}").status == 200
    assert clinic.ask("GET", f"/tasks?cursor={cursor}").status == 422
    assert make_clinic(world, "+12025550188").ask("GET", f"/patients?cursor={cursor}").status == 422


@pytest.fixture
def slow() -> Iterator[World]:
    """A service that lets a key ask once a second."""
    before = os.environ.get("RANVIER_KEY_RATE")
    os.environ["RANVIER_KEY_RATE"] = "1"
    try:
        wiring.forget()
        with World(START) as made:
            yield made
    finally:
        wiring.forget()
        os.environ.pop("RANVIER_KEY_RATE") if before is None else os.environ.update(RANVIER_KEY_RATE=before)


def test_a_key_that_asks_too_fast_is_told_when_to_come_again(slow: World) -> None:
    clinic, other = make_clinic(slow), make_clinic(slow, "+12025550188")
    answers = [clinic.ask("GET", "/clinic") for _ in range(61)]
    assert [reply.status for reply in answers].count(200) == 60
    refused = answers[-1]
    assert (refused.status, refused.header("Retry-After")) == (429, "1")
    assert refused.json()["type"].endswith("rate")
    assert other.ask("GET", "/clinic").status == 200
    slow.advance("PT1S")
    assert clinic.ask("GET", "/clinic").status == 200
