"""What anybody is told of the service's health, and what only the operator is."""

import pytest

from local.world import World
from tests.web.conftest import Tenant

PUBLIC = {"status": "ok"}


def test_anybody_is_told_that_it_answers_and_no_more(world: World, clinic: Tenant) -> None:
    assert world.api("GET", "/health").json() == PUBLIC
    for role in ("admin", "clinician", "viewer"):
        assert clinic.ask("GET", "/health", role=role).json() == PUBLIC


@pytest.mark.parametrize("token", ["", "wrong", "op_wrong", "a.b.c", "rk_none"])
def test_a_token_that_is_none_is_no_error_here(world: World, token: str) -> None:
    reply = world.api("GET", "/health", headers={"Authorization": f"Bearer {token}"})
    assert (reply.status, reply.json()) == (200, PUBLIC)


def test_the_operator_is_told_how_it_keeps_up(world: World, clinic: Tenant) -> None:
    told = world.api("GET", "/health", token=world.operator_token).json()
    assert told == {
        "status": "ok",
        "oldest_due_s": 0,
        "watermark_age_s": None,
        "clinics": 1,
        "stopped_clinics": 0,
    }
    clinic.enrol()
    world.advance("PT2H")
    told = world.api("GET", "/health", token=world.operator_token).json()
    assert told["watermark_age_s"] is not None
    clinic.ask("POST", "/clinic/stop", {"reason": "porting"})
    assert world.api("GET", "/health", token=world.operator_token).json()["stopped_clinics"] == 1


def test_an_outage_shows(world: World, clinic: Tenant) -> None:
    clinic.enrol()
    world.advance("PT2H")
    world.advance("P10D", stop_functions=True)
    told = world.api("GET", "/health", token=world.operator_token).json()
    assert told["oldest_due_s"] > 3600
    assert told["watermark_age_s"] > 9 * 24 * 3600
