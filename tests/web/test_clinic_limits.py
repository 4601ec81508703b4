"""A clinic's limits through the API: set, held to, seen, and lifted."""

import pytest

from local.world import World
from tests.web.conftest import Tenant, make_clinic

LIMITS = ("messages_a_day", "spend_a_month", "price_per_segment", "price_per_email")


def numbers(count: int) -> list[str]:
    return [f"+1202555{n:04}" for n in range(200, 200 + count)]


def enrol(clinic: Tenant, count: int) -> list[str]:
    return [clinic.enrol(f"M{n}", phone=number, channels=["sms"])["id"] for n, number in enumerate(numbers(count))]


def test_what_waits_says_when_it_will_be_looked_at_again(clinic: Tenant) -> None:
    clinic.ask("PATCH", "/clinic", {"messages_a_day": 1})
    _, waits = enrol(clinic, 2)
    [line] = [
        each for each in clinic.ask("GET", f"/patients/{waits}/timeline").json()["items"] if each["state"] == "held"
    ]
    assert line["local"] == "2026-03-03T10:00", "as the patient's window opens"


def welcomes(clinic: Tenant, patients: list[str]) -> list[tuple[str, str]]:
    found = []
    for patient in patients:
        lines = clinic.ask("GET", f"/patients/{patient}/timeline").json()["items"]
        [welcome] = [line for line in lines if line["kind"] == "welcome"]
        found.append((welcome["state"], welcome["reason"]["rule"]))
    return found


def test_limits_have_defaults_and_are_the_clinics_to_change(world: World, clinic: Tenant) -> None:
    before = clinic.ask("GET", "/clinic").json()
    assert {name: before[name] for name in LIMITS} == {
        "messages_a_day": 20_000,
        "spend_a_month": 1_000.0,
        "price_per_segment": 0.0091,
        "price_per_email": 0.0001,
    }
    after = clinic.ask("PATCH", "/clinic", {"messages_a_day": 50, "spend_a_month": 12.5}).json()
    assert (after["messages_a_day"], after["spend_a_month"]) == (50, 12.5)
    made = make_clinic(world, "+12025550188", messages_a_day=7, price_per_segment=0.02)
    assert made.ask("GET", "/clinic").json()["messages_a_day"] == 7


@pytest.mark.parametrize(
    ("name", "value"),
    [("messages_a_day", 0), ("spend_a_month", 0), ("price_per_segment", -0.01), ("price_per_email", 11)],
)
def test_a_limit_that_is_none_is_refused_by_name(clinic: Tenant, name: str, value: float) -> None:
    reply = clinic.ask("PATCH", "/clinic", {name: value})
    assert (reply.status, [each["field"] for each in reply.json()["errors"]]) == (422, [name])


def test_past_the_days_limit_welcomes_wait_and_go_the_next_day(world: World, clinic: Tenant) -> None:
    clinic.ask("PATCH", "/clinic", {"messages_a_day": 2})
    patients = enrol(clinic, 4)
    world.advance("PT1H")
    assert len(world.outbox()) == 2
    assert sorted(welcomes(clinic, patients)) == [
        ("delivered", "as_planned"),
        ("delivered", "as_planned"),
        ("held", "messages_a_day"),
        ("held", "messages_a_day"),
    ]
    [task] = [each for each in clinic.ask("GET", "/tasks").json()["items"] if each["kind"] == "limit_reached"]
    assert task["reason"]["rule"] == "messages_a_day"
    assert task["reason"]["detail"].endswith("begins on 2026-03-03")
    clinic.ask("PATCH", "/clinic", {"messages_a_day": 100})
    world.advance("P1D")
    assert [state for state, _ in welcomes(clinic, patients)] == ["delivered"] * 4


def test_answers_and_pages_go_past_the_limit(world: World) -> None:
    clinic = make_clinic(world, "+12025550188", messages_a_day=1)
    enrol(clinic, 2)
    world.inbound(numbers(1)[0], "+12025550188", "I can't feel my legs since this morning")
    kinds = [message["kind"] for message in world.outbox()]
    assert "page" in kinds
    assert any(message["audience"] == "patient" and message["kind"] != "welcome" for message in world.outbox())
    assert kinds.count("welcome") == 1


def test_the_months_money_is_counted_at_the_clinics_price(world: World, clinic: Tenant) -> None:
    clinic.ask("PATCH", "/clinic", {"price_per_segment": 0.25, "spend_a_month": 0.5})
    patients = enrol(clinic, 3)
    world.advance("PT1H")
    assert [rule for _, rule in welcomes(clinic, patients)].count("spend_a_month") == 1
    usage = clinic.ask("GET", "/reports/usage").json()
    assert usage["estimated_cost_usd"] == "0.5000"


def test_a_spend_limit_of_the_account_holds_and_lets_go_at_the_numbers_pace(world: World, clinic: Tenant) -> None:
    world.faults("sms", "quota", 2)
    patients = enrol(clinic, 5)
    assert world.outbox() == []
    assert [rule for _, rule in welcomes(clinic, patients)].count("provider_limit") == 4
    world.advance("PT1H")
    assert [state for state, _ in welcomes(clinic, patients)] == ["delivered"] * 5
    assert len(world.attempts()) <= 5 + 2


def test_the_days_mail_quota_holds_mail_alone(world: World, clinic: Tenant) -> None:
    world.faults("email", "quota", 1000)
    texted = clinic.enrol("M1", channels=["sms"])["id"]
    mailed = clinic.enrol("M2", channels=["email"])["id"]
    world.advance("PT1H")
    assert [message["channel"] for message in world.outbox()] == ["sms"]
    [(state, rule), *_] = [
        (line["state"], line["reason"]["rule"])
        for line in clinic.ask("GET", f"/patients/{mailed}/timeline").json()["items"]
        if line["channel"] == "email"
    ]
    assert state in ("scheduled", "held")
    assert rule
    assert texted


def test_where_texts_are_refused_staff_are_paged_by_email(world: World, clinic: Tenant) -> None:
    [patient] = enrol(clinic, 1)
    world.faults("sms", "quota", 1000)
    world.inbound(numbers(1)[0], "+12025550199", "I can't feel my legs since this morning")
    pages = [(message["channel"], message["to"]) for message in world.outbox() if message["kind"] == "page"]
    assert pages == [("email", "lee@northside.example")]
    assert patient
