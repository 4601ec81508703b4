"""`make prove`: a clean stage, provisioned and deployed by the commands of docs/deploy.md, does its work.

Against MiniStack on loopback, which runs the deployed functions behind its own API Gateway, SQS, SNS, schedules and
DynamoDB; the carrier simulator stands in for the carriers. Exits 0 when every step was seen, and says what was.

Two things are not as they would be in AWS: functions are x86_64 here, and the poisoned queue's visibility timeout is
shortened so that five tries do not take fifteen minutes.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from zoneinfo import ZoneInfo

import boto3

from ops.package import copy_project
from ops.say import say
from tests.deploy.carrier_door import CarrierDoor
from tests.deploy.stand_in import PROJECT, PYTHON, clean_environment, credentials, ministack

STAGE = "proof"
STACK = f"ranvier-{STAGE}"
NUMBER, PATIENT, NURSE = "+12025550199", "+12025550121", "+12025550111"
ZONES = ("America/New_York", "America/Los_Angeles", "Pacific/Auckland", "Asia/Tokyo", "Asia/Kolkata", "Europe/Berlin")
CHALICE = Path(sys.executable).with_name("chalice")


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
        self.key = ""
        self.api = ""

    # Telling and waiting

    def tell(self, text: str) -> None:
        say(f"{time.monotonic() - self.began:6.1f} s  {text}")

    def wait(self, what: str, seen: Callable[[], Any], seconds: float) -> Any:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = seen()
            if found:
                self.tell(what)
                return found
            time.sleep(0.5)
        raise NotSeen(f"not seen within {seconds:.0f} s: {what}")

    def check(self, what: str, held: object) -> None:
        if not held:
            raise NotSeen(what)
        self.tell(what)

    # Commands, AWS and the API

    def command(self, *words: str | Path) -> str:
        ran = subprocess.run(
            words, cwd=self.project, env=self.environment, capture_output=True, text=True, check=False, timeout=180
        )
        if ran.returncode:
            raise NotSeen(f"{words}: {ran.stdout[-2000:]}{ran.stderr[-4000:]}")
        return ran.stdout

    def ops(self, module: str, *words: str) -> str:
        return self.command(sys.executable, "-m", f"ops.{module}", STAGE, *words)

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

    # The steps

    def provision_and_deploy(self) -> str:
        """Answers the operator's token."""
        self.aws("sesv2").create_email_identity(EmailIdentity="northside.example")
        said = self.ops("provision", "--unprotected", f"--contacts={PATIENT},{NURSE}")
        self.check("a sandbox, by default: only the patient and the nurse are contacted", "Sandbox: on" in said)
        token = re.search(r"op_\S+", said)
        assert token is not None, said
        self.tell(f"provisioned: {re.search('Plan: .*', said)[0]}")  # type: ignore[index]
        again = self.ops("provision")
        self.check("provisioned again: nothing changed", "as it should be" in again and "none changed" in again)
        self._point_at_the_stand_ins()
        self.command(CHALICE, "deploy", "--stage", STAGE)
        deployed = json.loads((self.project / ".chalice" / "deployed" / f"{STAGE}.json").read_text())["resources"]
        functions = [each["name"] for each in deployed if each["resource_type"] == "lambda_function"]
        self.tell(f"chalice deploy: {len(functions)} functions ({', '.join(sorted(functions))})")
        api = next(each["rest_api_id"] for each in deployed if each["resource_type"] == "rest_api")
        self.api = f"{self.endpoint}/_aws/execute-api/{api}/api"
        bound = self.ops("bind", "--numbers", NUMBER)
        self.check(f"bound: {NUMBER[:5]}… is heard", f"Heard: {NUMBER}" in bound)
        return token[0]

    def _point_at_the_stand_ins(self) -> None:
        path = self.project / ".chalice" / "config.json"
        config = json.loads(path.read_text())
        section = config["stages"][STAGE]
        section["lambda_architecture"] = "x86_64"
        for service in ("PINPOINT_SMS_VOICE_V2", "SESV2"):
            section["environment_variables"][f"AWS_ENDPOINT_URL_{service}"] = self.door.url
        path.write_text(json.dumps(config))

    def enrol(self, operator: str) -> str:
        """A patient, whose first reminder is lost on its way: only the scheduled tick can find it again."""
        zone = next(zone for zone in ZONES if 10 <= datetime.now(ZoneInfo(zone)).hour < 18)
        self.check("the deployed API answers", self.ask("GET", "/health") == {"status": "ok"})
        clinic = self.ask(
            "POST",
            "/clinics",
            {
                "name": "Northside Rehab",
                "timezone": zone,
                "country": "US",
                "phone": "+12025550100",
                "sms_number": NUMBER,
                "from_email": "care@northside.example",
                "on_call": [{"name": "Kim Okafor", "phone": NURSE}],
            },
            operator,
        )
        self.key = self.ask("POST", f"/clinics/{clinic['id']}/keys", {"role": "admin", "label": "p"}, operator)["token"]
        patient = self.ask(
            "POST",
            "/patients",
            {
                "external_id": "MRN-1",
                "given_name": "Ana",
                "family_name": "Ruiz",
                "language": "en",
                "timezone": zone,
                "phone": PATIENT,
                "anchors": {"injury_date": "2026-06-10", "discharge_date": "2026-08-20"},
                "protocols": ["spasticity.v1"],
                "consent": {"sms": True, "method": "verbal", "recorded_by": "front desk"},
            },
        )
        self.tell(f"enrolled over the deployed API, in {zone}")
        return str(patient["id"])

    def remind(self, operator: str) -> str:
        events, functions, queues = self.aws("events"), self.aws("lambda"), self.aws("sqs")
        ticks = [rule["Name"] for rule in events.list_rules()["Rules"] if "tick" in rule["Name"]]
        queue = queues.get_queue_url(QueueName=f"{STACK}-deliver")["QueueUrl"]
        mapping = functions.list_event_source_mappings(FunctionName=f"{STACK}-deliver")["EventSourceMappings"][0][
            "UUID"
        ]
        for tick in ticks:
            events.disable_rule(Name=tick)
        functions.update_event_source_mapping(UUID=mapping, Enabled=False)
        patient = self.enrol(operator)
        queues.purge_queue(QueueUrl=queue)
        functions.update_event_source_mapping(UUID=mapping, Enabled=True)
        self.check("its first message was taken off the queue: nothing was sent", not self.texts(PATIENT))
        for tick in ticks:
            events.enable_rule(Name=tick)
        self.wait("the scheduled tick found it, and deliver sent it", lambda: self.texts(PATIENT), 150)
        return patient

    def texts(self, number: str) -> list[dict[str, Any]]:
        with self.door.carrier.lock:
            return [sent for sent in self.door.carrier.outbox if sent["to"] == number]

    def note(self, patient: str) -> None:
        """The carrier's receipts come by SNS, SQS and the deployed note."""

        def delivered() -> bool:
            items = self.ask("GET", f"/patients/{patient}/timeline")["items"]
            return any(item["state"] == "delivered" for item in items)

        self.wait("its receipt came back: the timeline says delivered", delivered, 60)

    def hear(self) -> None:
        topic = self._topic("inbound")
        said = {
            "originationNumber": PATIENT,
            "destinationNumber": NUMBER,
            "messageKeyword": "KEYWORD",
            "messageBody": "I can't feel my legs since this morning and I lost control of my bladder",
            "inboundMessageId": "inbound-1",
        }
        self.aws("sns").publish(TopicArn=topic, Message=json.dumps(said))
        task = self.wait("an urgent text became a task", lambda: self.ask("GET", "/tasks?state=open")["items"], 60)[0]
        self.check(f"tier {task['tier']}, rule {task['reason']['rule']}", task["tier"] in ("urgent", "emergency"))
        self.wait("the nurse on call was paged", lambda: self.texts(NURSE), 60)

    def poison(self) -> None:
        queues = self.aws("sqs")
        queue = queues.get_queue_url(QueueName=f"{STACK}-deliver")["QueueUrl"]
        queues.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "2"})
        body = '{"poison": true}'
        queues.send_message(QueueUrl=queue, MessageBody=body)
        dead = queues.get_queue_url(QueueName=f"{STACK}-deliver-dead")["QueueUrl"]

        def letters() -> int:
            asked = queues.get_queue_attributes(QueueUrl=dead, AttributeNames=["ApproximateNumberOfMessages"])
            return int(asked["Attributes"]["ApproximateNumberOfMessages"])

        self.wait("the poisoned message is in the dead letters", letters, 90)
        said = self.command(sys.executable, "-m", "ops", STAGE, "letters", "deliver")
        self.check("exactly it, by `python -m ops … letters`", letters() == 1 and "1 dead letter" in said)
        for function in ("hear", "note", "escalate", "import"):
            url = queues.get_queue_url(QueueName=f"{STACK}-{function}-dead")["QueueUrl"]
            found = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
            self.check(f"none of {function}", found["Attributes"]["ApproximateNumberOfMessages"] == "0")

    def remove(self) -> None:
        self.ops("destroy")
        self.check("no function is left", not self.aws("lambda").list_functions()["Functions"])
        kept = self.aws("dynamodb").describe_table(TableName=STACK)["Table"]["TableStatus"]
        self.check("the data are", kept == "ACTIVE")

    def _topic(self, name: str) -> str:
        return f"arn:aws:sns:us-east-1:000000000000:{STACK}-{name}"

    def report(self, stop: threading.Event) -> None:
        """The carrier publishes its receipts as they come due."""
        while not stop.wait(0.3):
            for event in self.door.events():
                self.aws("sns").publish(TopicArn=self._topic("events"), Message=json.dumps(event))


def main() -> int:
    if not PYTHON.exists():
        say("MiniStack is not installed here (`make prove` installs it): nothing was proven")
        return 77
    os.environ.update(AWS_EC2_METADATA_DISABLED="true")
    with tempfile.TemporaryDirectory(prefix="ranvier-proof-") as name:
        folder = Path(name)
        copy_project(PROJECT, folder / "project")
        shutil.copytree(PROJECT / "ops", folder / "project" / "ops", ignore=shutil.ignore_patterns("__pycache__"))
        with CarrierDoor(NUMBER) as door, ministack(folder) as endpoint:
            proof, stop = Proof(folder, endpoint, door), threading.Event()
            carrier = threading.Thread(target=proof.report, args=(stop,))
            try:
                operator = proof.provision_and_deploy()
                carrier.start()
                patient = proof.remind(operator)
                proof.note(patient)
                proof.hear()
                proof.poison()
                proof.remove()
            except NotSeen as missing:
                say(f"FAILED: {missing}")
                say((folder / "ministack.log").read_text()[-6000:])
                return 1
            finally:
                stop.set()
                if carrier.is_alive():
                    carrier.join()
            proof.tell("proven")
    return 0


if __name__ == "__main__":
    sys.exit(main())
