"""What a cold start costs: modules that `import app` loads, CPU of a worker's imports, bytes of the package.

    python -m bench.startup

Each figure is the median of fresh processes. CPU, not wall time, so that a busy machine measures the same.
"""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parent.parent
RUNS = 7

HEAVY = ("boto3", "botocore", "cryptography", "icalendar", "jinja2", "jwt", "msgspec", "phonenumbers")
"""What `import app` must not load: each is for some requests or wakes and not for others."""

PROMISED_CPU_MS = 350
PROMISED_BYTES = 12_000_000

SETTINGS = {
    "RANVIER_TABLE": "t",
    "RANVIER_QUEUE_PREFIX": "ranvier-dev",
    "RANVIER_PUBLIC_URL": "https://example.invalid",
    "RANVIER_SECRET": "s",
    "RANVIER_OPERATOR_TOKEN": "o",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_EC2_METADATA_DISABLED": "true",
}

_APP = "import app"
# All that deliver needs before its first message but the queue's address, which is a call.
_WORKER = """
import app
from chalicelib import wiring
from chalicelib.adapters.clients import dynamo_client, email_client, sms_client, sqs_client
from chalicelib.adapters.copybook import copybook
from chalicelib.adapters.ses import SimpleEmail
from chalicelib.adapters.sms import EndUserMessaging
from chalicelib.adapters.sqs import SqsQueue
from chalicelib.service.deliver import Delivery
"""
_CLIENTS = _WORKER + "wiring.store(); sqs_client(); sms_client(); email_client(); copybook()\n"
_TOLD = """
import json, sys, time
began = time.process_time()
exec(sys.argv[1])
print(json.dumps({"ms": 1000 * (time.process_time() - began), "modules": sorted(sys.modules)}))
"""


def cold(what: str) -> dict[str, float | list[str]]:
    """CPU milliseconds and loaded modules of one fresh process."""
    ran = subprocess.run(
        [sys.executable, "-c", _TOLD, what],
        cwd=PROJECT,
        env={**os.environ, **SETTINGS},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float | list[str]] = json.loads(ran.stdout.splitlines()[-1])
    return found


def cpu_ms(what: str) -> float:
    cold(what)  # bytecode is written, as a precompiled package has it
    return statistics.median(float(cold(what)["ms"]) for _ in range(RUNS))  # type: ignore[arg-type]


def heavy() -> list[str]:
    """Which of the heavy packages `import app` loads."""
    modules = cold(_APP)["modules"]
    assert isinstance(modules, list)
    return sorted({name.partition(".")[0] for name in modules} & set(HEAVY))


def report() -> str:
    """The table, for `make bench`."""
    modules = cold(_APP)["modules"]
    assert isinstance(modules, list)
    told = f"{len(modules)} modules; heavy: {', '.join(heavy()) or 'none'}"
    rows = [
        "Start-up, CPU of a fresh process with bytecode",
        f"  {'import app':32} {cpu_ms(_APP):6.0f} ms  {told}",
        f"  {'what deliver imports':32} {cpu_ms(_WORKER):6.0f} ms  promised: at most {PROMISED_CPU_MS}",
        f"  {'the same, with its clients made':32} {cpu_ms(_CLIENTS):6.0f} ms",
    ]
    for package in sorted(PROJECT.glob("build/*/deployment.zip")):
        size = package.stat().st_size / 1e6
        rows.append(
            f"  {package.relative_to(PROJECT)!s:32} {size:6.1f} MB  promised: at most {PROMISED_BYTES / 1e6:.0f}"
        )
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.stdout.write(report())
