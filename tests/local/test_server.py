"""The routes under `/_local/` and the server as `make serve` starts it."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from local.server import Server
from local.world import World
from tests.local.toy import toy_app

TO, FROM = "+12025550123", "+18005550100"


class Client:
    def __init__(self, port: int) -> None:
        self._port = port

    def __call__(self, method: str, path: str, body: object = None) -> tuple[int, dict]:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=120)
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        connection.request(method, path, content, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text or b"{}")


@pytest.fixture
def served() -> Iterator[tuple[Client, World]]:
    server = Server(0)
    with World("2026-03-01T08:00:00Z", app=toy_app, public_url=server.url) as world:
        thread = threading.Thread(target=server.serve, args=(world,))
        thread.start()
        yield Client(server.port), world
        server.shutdown()
        thread.join()
        server.close()


def enrol(ask, due="2026-03-01T09:00:00Z", left=5):
    body = {"patient": "ana", "to": TO, "due": due, "every_s": 86400, "left": left}
    assert ask("POST", "/patients", body) == (200, {"ok": True})


def test_the_clock_moves_on_request_and_says_what_was_sent(served):
    ask, _ = served
    enrol(ask)
    assert ask("GET", "/_local/clock") == (200, {"now": "2026-03-01T08:00:00Z", "virtual": True})
    assert ask("POST", "/_local/clock", {"advance": "PT15M"}) == (200, {"now": "2026-03-01T08:15:00Z", "sent": 0})
    to = {"to": "2026-03-03T10:00:00Z"}
    assert ask("POST", "/_local/clock", to) == (200, {"now": "2026-03-03T10:00:00Z", "sent": 3})
    stopped = {"advance": "P1D", "stop_functions": True}
    assert ask("POST", "/_local/clock", stopped) == (200, {"now": "2026-03-04T10:00:00Z", "sent": 0})


def test_the_outbox_can_be_asked_for_a_number_and_a_time(served):
    ask, _ = served
    enrol(ask)
    ask("POST", "/_local/clock", {"advance": "P2D"})
    ask("POST", "/_local/inbound", {"from": "+12025550199", "to": FROM, "text": "hi"})
    _, every = ask("GET", "/_local/outbox")
    assert len(every["messages"]) == 3
    _, mine = ask("GET", "/_local/outbox?to=%2B12025550123&since=2026-03-02T00:00:00Z")
    assert [message["sent_at"] for message in mine["messages"]] == ["2026-03-02T09:00:00Z"]
    assert {"clinic_id", "patient_id", "kind", "occurrence_ids", "message_id", "audience"} <= mine["messages"][0].keys()


def test_what_a_request_led_to_is_seen_by_the_control_after_it(served):
    ask, _ = served
    for n in range(5):
        ask("POST", "/text", {"to": TO, "text": str(n)})
        _, outbox = ask("GET", "/_local/outbox")
        assert [message["text"] for message in outbox["messages"]] == [str(each) for each in range(n + 1)]


def test_faults_receipts_redelivery_and_runs_by_hand(served):
    ask, world = served
    _, faults = ask("POST", "/_local/faults", {"provider": "sms", "mode": "throttle", "count": 2, "events": False})
    assert faults["faults"]["sms"] == {"mode": "throttle", "count": 2, "events": False}
    ask("POST", "/_local/faults", {"provider": "sms", "mode": "ok", "events": True})
    assert ask("POST", "/_local/inbound", {"from": TO, "to": FROM, "text": "1", "id": "in-1"}) == (200, {"id": "in-1"})
    [message] = ask("GET", "/_local/outbox")[1]["messages"]
    provider_id = message["provider_message_id"]
    status, _ = ask("POST", "/_local/receipt", {"provider_message_id": provider_id, "event": "TEXT_BLOCKED"})
    assert status == 200
    delivered = ask("GET", "/_local/queue")[1]["delivered"]
    assert [given["function"] for given in delivered].count("note") == 2
    status, again = ask("POST", "/_local/queue", {"redeliver": "last"})
    assert (status, again["function"], again["message_id"]) == (200, "hear", delivered[0]["message_id"])
    assert ask("POST", "/_local/queue", {"redeliver": delivered[0]["n"]})[0] == 200
    assert len(world.outbox()) == 3
    status, runs = ask("POST", "/_local/run", {"function": "tick", "times": 2, "overlap": True})
    assert (status, runs) == (200, {"runs": [{"function": "tick", "error": None}] * 4, "sent": 0})
    attempts = ask("GET", "/_local/attempts")[1]["attempts"]
    assert [attempt["accepted"] for attempt in attempts] == [True] * 3


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        ("clock", {}, ["advance"]),
        ("clock", {"advance": "soon"}, ["advance"]),
        ("clock", {"advance": "PT1H", "to": "2026-04-01T00:00:00Z"}, ["advance"]),
        ("clock", {"to": "2026-02-01T00:00:00Z"}, ["to"]),
        ("clock", {"to": "2026-04-01T00:00:00"}, ["to"]),
        ("clock", {"advance": "PT1H", "stop_functions": "yes", "speed": 2}, ["stop_functions", "speed"]),
        ("inbound", {"from": TO}, ["to", "text"]),
        ("inbound", {"from": TO, "to": 1, "text": "x"}, ["to"]),
        ("faults", {"provider": "fax", "mode": "smoke"}, ["provider", "mode"]),
        ("faults", {"provider": "sms", "mode": "error", "count": -1}, ["count"]),
        ("faults", {"provider": "sms", "mode": "error", "count": True}, ["count"]),
        ("queue", {"redeliver": "first"}, ["redeliver"]),
        ("run", {"function": "dance"}, ["function", "function"]),
        ("run", {"function": "tick", "times": 0}, ["times"]),
        ("run", [], [""]),
    ],
)
def test_a_control_that_makes_no_sense_names_every_field_and_does_nothing(served, path, body, fields):
    ask, world = served
    status, problem = ask("POST", f"/_local/{path}", body)
    assert (status, problem["status"]) == (422, 422)
    assert sorted({error["field"] for error in problem["errors"]}) == sorted(set(fields))
    assert world.app.ran == []


def test_what_is_not_there_and_what_cannot_be_read(served):
    ask, _ = served
    assert ask("GET", "/_local/nothing")[0] == 404
    assert ask("PUT", "/_local/clock")[0] == 405
    assert ask("POST", "/_local/clock", b"{")[0] == 400
    assert ask("POST", "/_local/receipt", {"provider_message_id": "x", "event": "TEXT_DELIVERED"})[0] == 404
    assert ask("POST", "/_local/queue", {"redeliver": 7})[0] == 404
    assert ask("GET", "/_local/outbox?since=noon")[0] == 422


def test_routing_is_chalices_own(served):
    ask, _ = served
    assert ask("GET", "/echo/a%20b?x=1&x=2")[1]["query"] == {"x": "2"}
    assert ask("DELETE", "/echo/a")[0] == 405
    assert ask("GET", "/nowhere")[0] == 403  # what API Gateway says


class Process:
    """`python -m local.serve` with the toy for its app."""

    def __init__(self, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.local.serve_toy"],
            env=os.environ | {"PORT": "0"} | environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        lines = iter(self.process.stdout.readline, "")
        said = [next(lines) for _ in range(3)]
        self.port = int(said[0].split("127.0.0.1:")[1].split()[0])
        self.token = said[1].split()[-1]
        self.ask = Client(self.port)

    def end(self, how: int) -> int:
        self.process.send_signal(how)
        return self.process.wait(timeout=60)


VIRTUAL = {"RANVIER_LOCAL_NOW": "2026-03-01T08:00:00Z"}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_when_told_to(how):
    assert Process(**VIRTUAL).end(how) == 0


def test_nothing_listens_beyond_loopback():
    served = Process(**VIRTUAL)
    try:
        served.ask("POST", "/text", {"to": TO, "text": "x"})  # so that the carrier listens, too
        pid = served.process.pid
        sockets = {os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
        listening = []
        for table in ("tcp", "tcp6"):
            for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                    listening.append(fields[1].partition(":")[0])
        assert listening == ["0100007F"] * 2  # 127.0.0.1: the service and the carrier
    finally:
        served.end(signal.SIGTERM)


@pytest.mark.parametrize(("how", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 0)])
def test_data_outlive_the_process_even_when_it_is_killed(tmp_path, how, code):
    kept = VIRTUAL | {"RANVIER_DATA": str(tmp_path)}
    first = Process(**kept)
    enrol(first.ask, left=3)
    first.ask("POST", "/_local/clock", {"to": "2026-03-01T08:58:30Z"})  # the reference waits in its queue
    assert first.end(how) == code
    second = Process(**kept)
    assert second.token == first.token
    assert second.ask("GET", "/_local/clock")[1]["now"] == "2026-03-01T08:58:30Z"
    assert second.ask("POST", "/_local/clock", {"advance": "P3D"})[1]["sent"] == 3
    second.end(signal.SIGTERM)
    third = Process(**kept)
    messages = third.ask("GET", "/_local/outbox")[1]["messages"]
    assert [message["sent_at"][:10] for message in messages] == ["2026-03-01", "2026-03-02", "2026-03-03"]
    third.end(signal.SIGTERM)
