"""What is kept is one instant: what a message points at is there if and only if the message is."""

import sqlite3
import sys
import threading

import pytest

from local.world import World
from tests.local.toy import client, enqueue, rows, table, toy_app

START = "2026-03-01T08:00:00Z"


def pairs(path):
    db = sqlite3.connect(path / "ranvier.sqlite")
    items = db.execute("SELECT count(*) FROM item WHERE pk = 'pair'").fetchone()[0]
    messages = db.execute("SELECT count(*) FROM message WHERE queue LIKE '%-page'").fetchone()[0]
    db.close()
    return items, messages


def test_a_snapshot_taken_amid_writes_is_of_one_instant(tmp_path):
    """One writer puts an item, then a message; at any instant there are as many messages as items, or one fewer."""
    done = threading.Event()
    with World(START, app=toy_app, data=tmp_path) as world:

        def write():
            for n in range(60):
                table("put_item", Item={"pk": {"S": "pair"}, "sk": {"S": str(n)}})
                enqueue("page", {"n": n}, 900)
            done.set()

        # Switch threads as often as can be: were the world read in pieces, writes would come between them.
        usual = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        writer = threading.Thread(target=write)
        writer.start()
        seen = set()
        while not done.is_set():
            world.snapshots.take()
            items, messages = pairs(tmp_path)
            seen.add(items)
            assert items - messages in (0, 1)
        writer.join()
        sys.setswitchinterval(usual)
    assert len(seen) > 3
    assert pairs(tmp_path) == (60, 60)


@pytest.mark.parametrize("busy", ["aws", "carrier"])
def test_a_snapshot_waits_for_a_call_under_way(tmp_path, busy):
    with World(START, app=toy_app, data=tmp_path) as world:
        taking = threading.Thread(target=world.snapshots.take)
        with getattr(world, busy).lock:
            taking.start()
            taking.join(0.2)
            assert taking.is_alive()
        taking.join(5)
        assert not taking.is_alive()


def test_everything_is_back_after_a_restart(tmp_path):
    with World(START, app=toy_app, data=tmp_path) as world:
        world.api("POST", "/patients", json=_patient("ana"))
        world.api("POST", "/patients", json=_patient("ben"))
        world.faults("sms", "throttle", 3, events=False)
        world.carrier.opted_out.add("+12025550199")
        client("dynamodb").delete_item(TableName=world.aws.table_name, Key=_key("ben"))
        world.advance("PT59M")
        token, calls = world.operator_token, rows("p#ana")
    with World(START, app=toy_app, data=tmp_path) as world:
        assert world.operator_token == token
        assert rows("p#ana") == calls
        assert rows("p#ben") == []
        assert world.carrier.opted_out == {"+12025550199"}
        assert world.carrier.faults()["sms"] == {"mode": "throttle", "count": 3, "events": False}
        world.faults("sms", "ok")
        world.advance("PT1M")
        assert [message["sent_at"] for message in world.outbox()] == ["2026-03-01T09:00:00Z"]


def test_without_a_directory_nothing_is_kept():
    with World(START, app=toy_app) as world:
        world.api("POST", "/patients", json=_patient("ana"))
    with World(START, app=toy_app):
        assert rows("p#ana") == []


def _patient(name):
    return {"patient": name, "to": "+12025550123", "due": "2026-03-01T09:00:00Z", "every_s": 86400, "left": 1}


def _key(name):
    return {"pk": {"S": f"p#{name}"}, "sk": {"S": "cursor"}}
