"""What operators see of a stage: its metrics as they leave by the log, and nothing in them that leads to a person."""

import json
from collections import Counter

import pytest

from local.world import World

from .clinics import Clinic

LEE = {"name": "Lee", "phone": "+12025550112"}
KIM = {"name": "Kim", "phone": "+12025550111"}


@pytest.fixture
def world():
    """A stage like any other: only at home are metrics silent."""
    with World("2026-03-02T13:00:00Z", settings={"RANVIER_STAGE": "dev"}) as made:
        yield made


def told(capsys):
    """The metric lines since the last look."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"_aws"')]


def counted(lines, name):
    found = Counter()
    for line in lines:
        if name in line:
            found[line.get("Kind"), line.get("Channel")] += line[name]
    return found


def test_messages_receipts_and_pages_are_told_by_kind_and_channel(world, capsys):
    clinic = Clinic(world, on_call=[KIM, LEE])
    clinic.enrol()
    world.advance("P2D")
    lines = told(capsys)
    sent = counted(lines, "Sent")
    assert sent == Counter((m["kind"], m["channel"]) for m in world.outbox())
    assert set(counted(lines, "Lateness")) <= set(sent)

    [welcome] = world.outbox()
    world.receipt(welcome["provider_message_id"], "TEXT_CARRIER_UNREACHABLE")
    assert counted(told(capsys), "Undelivered") == {("welcome", "sms"): 1}

    world.inbound("+12025550121", "+12025550199", "I can't feel my legs since this morning")
    lines = told(capsys)
    assert counted(lines, "Heard") == {(None, None): 1}
    assert counted(lines, "Sent")["page", "sms"] == 1
    assert not counted(lines, "Escalations")
    world.advance("PT20M")
    assert counted(told(capsys), "Escalations") == {("urgent_reply", "sms"): 1}


def test_a_task_that_somebody_has_seen_is_no_escalation(world, capsys):
    clinic = Clinic(world, on_call=[KIM, LEE])
    clinic.enrol()
    world.advance("P2D")
    world.inbound("+12025550121", "+12025550199", "I can't feel my legs since this morning")
    [task] = [t for t in clinic.ask("GET", "/tasks")["items"] if t["kind"] == "urgent_reply"]
    clinic.ask("POST", f"/tasks/{task['id']}/ack")
    told(capsys)
    world.advance("PT1H")
    assert not counted(told(capsys), "Escalations")


def test_metrics_hold_no_id(world, capsys):
    clinic = Clinic(world, on_call=[KIM])
    patient = clinic.enrol()
    world.advance("P3D")
    text = json.dumps(told(capsys))
    assert '"Sent"' in text
    for private in (patient, clinic.id, "+1202", "example", "Ruiz"):
        assert private not in text
