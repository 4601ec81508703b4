"""Clinics in a world, as the routes' tests need them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from chalicelib.web.examples import EXAMPLES
from local.gateway import Reply
from local.world import World

START = "2026-03-02T15:00:00Z"


@dataclass
class Tenant:
    """A clinic, with a key of each role."""

    world: World
    id: str
    tokens: dict[str, str]
    ids: dict[str, str] = field(default_factory=dict)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        role: str = "admin",
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Reply:
        return self.world.api(method, path, json=body, body=raw, token=self.tokens[role], headers=headers)

    def enrol(self, external_id: str = "MRN-1", **changes: Any) -> dict[str, Any]:
        reply = self.ask("POST", "/patients", {**EXAMPLES["NewPatient"], "external_id": external_id, **changes})
        assert reply.status == 201, reply.body
        return reply.json()


def make_clinic(world: World, number: str = "+12025550199", **settings: Any) -> Tenant:
    operator = world.operator_token
    made = world.api(
        "POST", "/clinics", json={**EXAMPLES["NewClinic"], "sms_number": number, **settings}, token=operator
    )
    assert made.status == 201, made.body
    clinic = made.json()["id"]
    tokens = {"operator": operator}
    for role in ("admin", "clinician", "viewer"):
        key = world.api("POST", f"/clinics/{clinic}/keys", json={"role": role, "label": role}, token=operator).json()
        tokens[role] = key["token"]
    return Tenant(world, clinic, tokens)


@pytest.fixture
def world() -> Iterator[World]:
    with World(START) as made:
        yield made


@pytest.fixture
def clinic(world: World) -> Tenant:
    return make_clinic(world)
