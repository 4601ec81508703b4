"""Staff's work, listed as it stands: by state, by patient, a page at a time."""

from typing import Any

import pytest

from local.world import World
from tests.web.conftest import Tenant

NOBODY = {"phone": None, "email": None, "channels": None, "consent": {}}
"""An enrolment that leaves nobody to write to, and so makes a task."""


def listed(clinic: Tenant, query: str = "", limit: int = 100) -> list[list[dict[str, Any]]]:
    """The pages of a list."""
    pages, cursor = [], ""
    while cursor is not None:
        reply = clinic.ask("GET", f"/tasks?limit={limit}{query}{cursor and '&cursor=' + cursor}")
        assert reply.status == 200, reply.body
        pages.append(reply.json()["items"])
        cursor = reply.json()["next"]
    return pages


@pytest.fixture
def busy(clinic: Tenant) -> Tenant:
    """A clinic with nine tasks, in turn open, acknowledged and closed, of nine patients."""
    for number in range(9):
        patient = clinic.enrol(f"M{number}", **NOBODY)
        task = listed(clinic, f"&patient={patient['id']}")[0][0]
        if number % 3:
            assert clinic.ask("POST", f"/tasks/{task['id']}/ack").json()["state"] == "acked"
        if number % 3 == 2:
            done = {"outcome": "resolved", "note": "phoned"}
            assert clinic.ask("POST", f"/tasks/{task['id']}/close", done).json()["state"] == "closed"
    clinic.enrol("reachable")
    return clinic


@pytest.mark.parametrize(
    ("query", "states"),
    [
        ("", {"open": 3, "acked": 3}),
        ("&state=open", {"open": 3}),
        ("&state=acked", {"acked": 3}),
        ("&state=closed", {"closed": 3}),
        ("&state=all", {"open": 3, "acked": 3, "closed": 3}),
    ],
)
def test_a_list_holds_the_tasks_of_its_state_and_no_page_is_short_but_the_last(
    busy: Tenant, query: str, states: dict[str, int]
) -> None:
    pages = listed(busy, query, limit=2)
    every = [task for page in pages for task in page]
    assert {s: sum(t["state"] == s for t in every) for s in states} == states
    assert len({task["id"] for task in every}) == sum(states.values()) == len(every)
    assert {len(page) for page in pages[:-1]} <= {2}
    assert pages[-1]


def test_a_patients_tasks_are_found_in_every_state_and_nobody_elses_with_them(busy: Tenant) -> None:
    for task in listed(busy, "&state=all")[0]:
        mine = listed(busy, f"&state={task['state']}&patient={task['patient_id']}")
        assert mine == [[task]]
        others = {"open", "acked", "closed"} - {task["state"]}
        assert [listed(busy, f"&state={each}&patient={task['patient_id']}") for each in others] == [[[]], [[]]]
    assert listed(busy, "&state=all&patient=AAAAAAAAAAAAAAAA") == [[]]


def test_a_page_goes_on_where_the_last_one_ended_whatever_was_closed_between(clinic: Tenant) -> None:
    for number in range(6):
        clinic.enrol(f"M{number}", **NOBODY)
    every = [task["id"] for task in listed(clinic)[0]]
    first = clinic.ask("GET", "/tasks?limit=3").json()
    for task in first["items"]:
        clinic.ask("POST", f"/tasks/{task['id']}/close", {"outcome": "resolved", "note": "phoned"})
    second = clinic.ask("GET", f"/tasks?limit=3&cursor={first['next']}").json()
    assert [task["id"] for task in (*first["items"], *second["items"])] == every
    assert second["next"] is None


def test_the_closed_say_what_came_of_them_the_latest_first(world: World, clinic: Tenant) -> None:
    for number in range(2):
        clinic.enrol(f"M{number}", **NOBODY)
    for task in listed(clinic)[0]:
        world.advance("PT1M")
        clinic.ask("POST", f"/tasks/{task['id']}/close", {"outcome": "no_answer", "note": "rang twice"})
        newest = listed(clinic, "&state=closed")[0][0]
        assert (newest["id"], newest["outcome"], newest["note"]) == (task["id"], "no_answer", "rang twice")
        assert newest["closed_at"] == newest["acked_at"] == f"{world.now:%Y-%m-%dT%H:%M:%SZ}"
