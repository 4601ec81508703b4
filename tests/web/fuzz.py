"""Schemathesis against the served app: `python -m tests.web.fuzz [examples] [seed] [phases]` is `make fuzz`.

The service runs as `make serve` runs it, on a free loopback port; the document is fetched from it, and requests are
made of the document. What may be fuzzed with which token is told by the document's own tags.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from chalicelib import wiring
from local.server import Server
from local.world import World

CONFIG = Path(__file__).with_name("schemathesis.toml")
START = "2026-03-02T13:00:00Z"


FAST = "100000"
"""Requests a second: a fuzzer asks faster than any clinic."""


@contextmanager
def served() -> Iterator[Server]:
    """The service on a free port of this machine, on a virtual clock that stands."""
    os.environ["RANVIER_KEY_RATE"] = FAST
    wiring.forget()
    server = Server(0)
    with World(START, public_url=server.url) as world:
        thread = threading.Thread(target=server.serve, args=(world,))
        thread.start()
        server.token = world.operator_token  # type: ignore[attr-defined]
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
            server.close()
            del os.environ["RANVIER_KEY_RATE"]
            wiring.forget()


def ask(server: Server, method: str, path: str, body: Any = None, token: str = "") -> Any:
    line = HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    line.request(method, path, json.dumps(body) if body is not None else None, headers)
    answer = line.getresponse().read()
    line.close()
    return json.loads(answer) if answer else None


def prepared(server: Server) -> str:
    """A clinic with a patient in it; its admin's key."""
    from chalicelib.web.examples import EXAMPLES

    operator = server.token  # type: ignore[attr-defined]
    clinic = ask(server, "POST", "/clinics", EXAMPLES["NewClinic"], operator)
    key = ask(server, "POST", f"/clinics/{clinic['id']}/keys", {"role": "admin", "label": "fuzz"}, operator)["token"]
    ask(server, "POST", "/patients", EXAMPLES["NewPatient"], key)
    return str(key)


def run(*, examples: int, seed: int, phases: str = "examples,coverage,fuzzing") -> int:
    """0 where nothing was found."""
    with served() as server:
        key = prepared(server)
        worst = 0
        for token, which in ((key, ()), (server.token, ("--include-tag", "clinics"))):  # type: ignore[attr-defined]
            done = subprocess.run(
                [
                    str(Path(sys.executable).with_name("schemathesis")),
                    "--config-file",
                    str(CONFIG),
                    "run",
                    f"{server.url}/openapi.json",
                    "--header",
                    f"Authorization: Bearer {token}",
                    "--max-examples",
                    str(examples),
                    "--seed",
                    str(seed),
                    "--phases",
                    phases,
                    "--warnings",
                    "off",
                    *which,
                ],
                check=False,
            )
            worst = max(worst, done.returncode)
        return worst


if __name__ == "__main__":
    asked = [*sys.argv[1:], *("20", "1", "examples,coverage,fuzzing")[len(sys.argv) - 1 :]]
    sys.exit(run(examples=int(asked[0]), seed=int(asked[1]), phases=asked[2]))
