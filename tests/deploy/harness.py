"""What a proof on MiniStack is made of: a stage in a project of its own, commands, AWS, the deployed API, and waiting.

Whatever is claimed is asked of something that ran: a command's output, AWS's own API, the deployed service.
"""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import boto3

from ops.say import say
from tests.deploy.carrier_door import CarrierDoor
from tests.deploy.stand_in import clean_environment, credentials

STAGE = "proof"
STACK = f"ranvier-{STAGE}"
NUMBER, PATIENT, NURSE = "+12025550199", "+12025550121", "+12025550111"
BEN, CAL, DEE = "+12025550122", "+12025550123", "+12025550124"
PEOPLE = (PATIENT, NURSE, BEN, CAL, DEE)
CHALICE = Path(sys.executable).with_name("chalice")
PATIENCE = 3
"""How many times as long as on a quick machine is waited before what is not seen counts as not happening."""


class NotSeen(Exception):
    """What was to be proven did not happen."""


class Proof:
    def __init__(self, folder: Path, endpoint: str, door: CarrierDoor) -> None:
        self.project, self.endpoint, self.door = folder / "project", endpoint, door
        self.environment = clean_environment() | {
            **credentials(endpoint),
            "AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2": door.url,
        }
        self.began = time.monotonic()
        self.key, self.api, self.clinic, self.zone = "", "", "", ""

    # Telling and waiting

    def tell(self, text: str) -> None:
        say(f"{time.monotonic() - self.began:6.1f} s  {text}")

    def wait(self, what: str, seen: Callable[[], Any], seconds: float) -> Any:
        until = time.monotonic() + PATIENCE * seconds
        while time.monotonic() < until:
            found = seen()
            if found:
                self.tell(what)
                return found
            time.sleep(0.5)
        raise NotSeen(f"not seen within {PATIENCE * seconds:.0f} s: {what}")

    def check(self, what: str, held: object) -> None:
        if not held:
            raise NotSeen(what)
        self.tell(what)

    # Commands, AWS and the API

    def command(self, *words: str | Path, fails: bool = False, **environment: str) -> str:
        """What it printed; what it complained of, where it is to fail."""
        wanted = {name: value for name, value in (self.environment | environment).items() if value}
        ran = subprocess.run(
            words, cwd=self.project, env=wanted, capture_output=True, text=True, check=False, timeout=600
        )
        if bool(ran.returncode) is not fails:
            raise NotSeen(f"{words}: {ran.returncode} {ran.stdout[-2000:]}{ran.stderr[-4000:]}")
        return ran.stderr if fails else ran.stdout

    def make(self, module: str, *words: str, fails: bool = False, **environment: str) -> str:
        """What `make provision` and its like run."""
        return self.command(sys.executable, "-m", f"ops.{module}", STAGE, *words, fails=fails, **environment)

    def ops(self, *words: str, fails: bool = False) -> str:
        return self.command(sys.executable, "-m", "ops", STAGE, *words, fails=fails)

    def chalice_deploy(self) -> list[dict[str, Any]]:
        """What Chalice remembers of it."""
        self.command(CHALICE, "deploy", "--stage", STAGE)
        deployed: list[dict[str, Any]] = json.loads(self.memory.read_text())["resources"]
        api = next(each["rest_api_id"] for each in deployed if each["resource_type"] == "rest_api")
        self.api = f"{self.endpoint}/_aws/execute-api/{api}/api"
        return deployed

    @property
    def memory(self) -> Path:
        return self.project / ".chalice" / "deployed" / f"{STAGE}.json"

    def aws(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def ask(self, method: str, path: str, body: object = None, token: str = "") -> Any:
        request = urllib.request.Request(
            f"{self.api}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {token or self.key}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=40) as answer:
                return json.load(answer)
        except HTTPError as refused:
            raise NotSeen(f"{method} {path}: {refused.code} {refused.read()[:500]!r}") from refused

    def ask_as(self, token: str) -> bool:
        """Whether a token opens."""
        try:
            return bool(self.ask("GET", "/clinic", token=token))
        except NotSeen as refused:
            if " 401 " not in str(refused):
                raise
            return False

    def enrol(self, external_id: str, phone: str) -> str:
        """A patient of the clinic, by its own API; answers the id."""
        body = {
            "external_id": external_id,
            "given_name": "Ana",
            "family_name": "Ruiz",
            "language": "en",
            "timezone": self.zone,
            "phone": phone,
            "anchors": {"injury_date": "2026-06-10", "discharge_date": "2026-08-20"},
            "protocols": ["spasticity.v1"],
            "consent": {"sms": True, "method": "verbal", "recorded_by": "front desk"},
        }
        return str(self.ask("POST", "/patients", body)["id"])

    def timeline(self, patient: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("GET", f"/patients/{patient}/timeline")["items"]
        return found

    def texts(self, number: str) -> list[dict[str, Any]]:
        """What the carrier took for the number."""
        with self.door.carrier.lock:
            return [sent for sent in self.door.carrier.outbox if sent["to"] == number]

    def queue(self, name: str) -> str:
        url: str = self.aws("sqs").get_queue_url(QueueName=f"{STACK}-{name}")["QueueUrl"]
        return url

    def waiting(self, name: str) -> int:
        """How many messages show in a queue."""
        asked = self.aws("sqs").get_queue_attributes(
            QueueUrl=self.queue(name), AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(asked["Attributes"]["ApproximateNumberOfMessages"])

    def topic(self, name: str) -> str:
        return f"arn:aws:sns:us-east-1:000000000000:{STACK}-{name}"
