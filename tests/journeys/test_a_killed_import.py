"""`make serve` is killed twice in the middle of an import: what was answered stands, and it ends as it would have.

A process is killed and not an exception raised, so that nothing of the service's own can tidy up behind it.
"""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from chalicelib.web.examples import EXAMPLES

ROWS = 110
TOKEN = "operator-of-this-test"


class Served:
    """`make serve` as a process, on what the directory holds."""

    def __init__(self, data: Path) -> None:
        settings = {
            "PORT": "0",
            "RANVIER_DATA": str(data),
            "RANVIER_OPERATOR_TOKEN": TOKEN,
            "RANVIER_LOCAL_NOW": "2026-03-02T15:00:00Z",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "local.serve"],
            env=os.environ | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout
        said = self.process.stdout.readline()
        self._port = int(said.split("127.0.0.1:")[1].split()[0])

    def ask(self, method: str, path: str, token: str, body: Any = None) -> bytes:
        line = HTTPConnection("127.0.0.1", self._port, timeout=60)
        kind = "text/csv" if isinstance(body, bytes) else "application/json"
        sent = body if isinstance(body, bytes) else json.dumps(body) if body is not None else None
        line.request(method, path, sent, {"Content-Type": kind, "Authorization": f"Bearer {token}"})
        reply = line.getresponse()
        answer = reply.read()
        line.close()
        assert reply.status < 300, answer
        return answer

    def json(self, method: str, path: str, token: str, body: Any = None) -> Any:
        return json.loads(self.ask(method, path, token, body))

    def until(self, path: str, token: str, progress: float) -> Mapping[str, Any]:
        while (found := self.json("GET", path, token))["progress"] < progress:
            time.sleep(0.05)
        return found

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=60)


def test_a_killed_import_goes_on_where_it_was_and_ends_with_the_same_patients(tmp_path: Path) -> None:
    head = "external_id,given_name,family_name,phone,injury_date,sms_consent,consent_method,recorded_by"
    rows = [f"M{n},Given,Family{n},(202) 555-{n:04d},1/10/2026,yes,written,front desk" for n in range(ROWS)]
    sheet = "\r\n".join([head, *rows]).encode()

    first = Served(tmp_path)
    clinic = first.json("POST", "/clinics", TOKEN, EXAMPLES["NewClinic"])["id"]
    key = first.json("POST", f"/clinics/{clinic}/keys", TOKEN, {"role": "admin", "label": "import"})["token"]
    taken = first.json("POST", "/imports", key, sheet)
    first.kill()
    path = f"/imports/{taken['id']}"

    second = Served(tmp_path)
    half = second.until(path, key, 0.25)
    assert half["state"] == "running", "it was to be killed before its end"
    second.kill()

    third = Served(tmp_path)
    assert third.json("GET", path, key)["created"] < ROWS
    done = third.until(path, key, 1.0)
    assert (done["created"], done["unchanged"], done["errors"], done["state"]) == (ROWS, 0, [], "done")
    result = list(csv.DictReader(io.StringIO(third.ask("GET", f"{path}/result", key).decode())))
    assert [line["external_id"] for line in result] == [f"M{n}" for n in range(ROWS)]
    patients, cursor = [], ""
    while cursor is not None:
        page = third.json("GET", f"/patients?limit=100{cursor and '&cursor=' + cursor}", key)
        patients += page["items"]
        cursor = page["next"]
    assert {(p["external_id"], p["id"]) for p in patients} == {(r["external_id"], r["patient_id"]) for r in result}
    assert len(patients) == ROWS
    third.json("POST", "/_local/clock", key, {"advance": "PT5M"})
    welcomed = Counter(m["to"] for m in third.json("GET", "/_local/outbox", key)["messages"])
    assert len(welcomed) == ROWS
    assert set(welcomed.values()) == {1}, "nobody is welcomed twice"
    third.kill()
