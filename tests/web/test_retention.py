"""What is written ends with the clinic's retention, and nothing stumbles over what has ended."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib import wiring
from chalicelib.adapters.dynamo_wire import item_from_wire
from chalicelib.adapters.table import Item, Key, Remove
from chalicelib.service.reconcile import everybody, reconcile
from chalicelib.web.examples import EXAMPLES
from local.world import World
from tests.web.conftest import Tenant, make_clinic

KEPT = {"messages_days": 100, "log_days": 400, "audit_days": 3000}
CLASSES = {"H#": "log_days", "A#": "log_days", "M#": "messages_days"}
HOUSEKEEPING = ("once", "cap", "counting", "import", "used")
"""What ends by itself within weeks, whatever the clinic says."""


def everything(world: World) -> Iterator[Item]:
    with world.aws.lock:
        found = [item_from_wire(item.to_json()["Attributes"]) for item in world.aws.table.all_items()]
    yield from found


def lived(world: World, clinic: Tenant) -> str:
    """A patient with reminders, a conversation, an answered check-in, a task closed and one open."""
    anchors = {"injury_date": "2025-11-10", "discharge_date": "2025-12-20"}
    patient = clinic.enrol(protocols=["spasticity.v1"], language="en", anchors=anchors)
    while not any(message["kind"] == "checkin" for message in world.outbox()):
        world.advance("P1D")
    for text in ("N", "1", "can I come on Tuesday? my sister drives"):
        world.inbound(patient["contacts"][0]["address"], "+12025550199", text)
    task = clinic.ask("GET", "/tasks").json()["items"][0]
    clinic.ask("POST", f"/tasks/{task['id']}/close", EXAMPLES["TaskClosing"])
    world.advance("P1D")
    return str(patient["id"])


def test_every_item_ends_when_its_class_does_and_legal_records_do_not(world: World) -> None:
    clinic = make_clinic(world, retention=KEPT)
    patient = lived(world, clinic)
    world.inbound("+12025550123", "+12025550199", "STOP")
    seen = set()
    for item in everything(world):
        pk, sk = str(item["pk"]), str(item["sk"])
        days = CLASSES.get(sk[:2]) if f"#P#{patient}" in pk else None
        if sk.startswith("T#") and item["state"] == "closed":
            days = "log_days"
        if any(f"#{kind}#2026-" in pk for kind in ("audit", "lists")):
            days = "audit_days"
        if days:
            seen.add(sk[:2] if days != "audit_days" else days)
            written = datetime.fromtimestamp(int(str(item["ttl"])), UTC) - timedelta(days=KEPT[days])
            assert world.now - timedelta(days=30) <= written <= world.now, (pk, sk)
        elif not any(f"#{kind}" in pk for kind in HOUSEKEEPING) and not pk.startswith("RATE#"):
            assert "ttl" not in item, (pk, sk)
            seen.add(sk[:2])
    assert {"H#", "A#", "M#", "T#", "audit_days"} <= seen, "of each class there was something"
    assert {"G#", "st", "F#"} <= seen, "consents, the number's STOP and the patient stay"


def test_when_all_has_ended_that_can_the_patient_is_followed_as_before(world: World) -> None:
    clinic = make_clinic(world, retention=KEPT)
    patient = lived(world, clinic)
    looked_back_on = f"/reports/deliveries?from=2026-03-01&to={world.now:%Y-%m-%d}"
    world.advance("P16D")
    counted = clinic.ask("GET", looked_back_on).json()["items"]
    assert counted
    world.advance("P430D", stop_functions=True)
    table = wiring.store()._table  # type: ignore[attr-defined]
    ended = [Key.of(i) for i in everything(world) if "ttl" in i and int(str(i["ttl"])) < world.now.timestamp()]
    assert {key.sk[:2] for key in ended} >= {"H#", "M#", "A#", "T#"}
    for key in ended:
        table.write(Remove(key))
    world.advance("P9D")
    assert [run.error for run in world.run("reconcile")] == [None]
    store = wiring.store()
    assert reconcile(store, wiring.queue("deliver"), everybody(store, world.now), now=world.now).gaps == ()
    assert clinic.ask("GET", looked_back_on).json()["items"] == counted
    for what in ("timeline", "messages", "checkins", "plan", "export"):
        assert clinic.ask("GET", f"/patients/{patient}/{what}").status == 200, what
    assert clinic.ask("GET", f"/audit?patient={patient}").json()["items"], "the audit is kept longer"
    assert clinic.ask("GET", "/tasks?state=closed").status == 200


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({**KEPT, "audit_days": 365}, "retention.audit_days"),
        ({**KEPT, "messages_days": 1}, "retention.messages_days"),
        ({**KEPT, "log_days": 90}, "retention.log_days"),
        ({**KEPT, "log_days": 100_000}, "retention.log_days"),
        ({"messages_days": 100}, "retention.log_days"),
    ],
)
def test_a_retention_that_law_or_the_service_itself_cannot_do_with_is_refused(
    clinic: Tenant, sent: dict[str, int], field: str
) -> None:
    reply = clinic.ask("PATCH", "/clinic", {"retention": sent})
    assert reply.status == 422
    assert field in {each["field"] for each in reply.json()["errors"]}


def test_a_change_holds_for_what_is_written_after_it(world: World, clinic: Tenant) -> None:
    assert clinic.ask("GET", "/clinic").json()["retention"]["audit_days"] == 2196
    changed = clinic.ask("PATCH", "/clinic", {"retention": KEPT})
    assert changed.json()["retention"] == KEPT
    world.inbound("+12025550666", "+12025550199", "HELP")
    ends = [int(str(i["ttl"])) for i in everything(world) if str(i["sk"]).startswith("M#")]
    assert ends
    assert {round((end - world.now.timestamp()) / 86400) for end in ends} == {100}
