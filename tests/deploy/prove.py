"""`make prove`: a clean stage, provisioned and deployed by the commands of docs/deploy.md, does its work.

Against MiniStack on loopback, which runs the deployed functions behind its own API Gateway, SQS, SNS, schedules and
DynamoDB; the carrier simulator stands in for the carriers. Exits 0 when every step was seen, and says what was.

Two things are not as they would be in AWS: functions are x86_64 here, and the visibility timeout of queues whose
messages are to fail is shortened so that five tries do not take fifteen minutes.
"""

import json
import os
import re
import shutil
import sys
import tempfile
import threading
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from chalicelib.adapters.keys import WATERMARK
from ops.functions import lambda_name
from ops.package import copy_project
from ops.say import say
from tests.deploy import operating, packaged
from tests.deploy.carrier_door import CarrierDoor
from tests.deploy.harness import NUMBER, NURSE, PATIENT, PEOPLE, STACK, STAGE, NotSeen, Proof
from tests.deploy.stand_in import PROJECT, PYTHON, ministack

ZONES = ("America/New_York", "America/Los_Angeles", "Pacific/Auckland", "Asia/Tokyo", "Asia/Kolkata", "Europe/Berlin")


class MainJob(Proof):
    """Remind, hear back, and keep what fails where it is seen."""

    def provision_and_deploy(self) -> str:
        """Answers the operator's token."""
        self.aws("sesv2").create_email_identity(EmailIdentity="northside.example")
        said = self.make("provision", "--unprotected", f"--contacts={','.join(PEOPLE)}")
        self.check("a sandbox, by default: only those on its list are contacted", "Sandbox: on" in said)
        token = re.search(r"op_\S+", said)
        assert token is not None, said
        self.check("what it had made is cleared away by the next run", "An earlier run broke off" in said)
        self.tell(f"provisioned: {re.search('Plan: .*', said)[0]}")  # type: ignore[index]
        again = self.make("provision")
        self.check("provisioned again: nothing changed", "as it should be" in again and "none changed" in again)
        self._point_at_the_stand_ins()
        deployed = self.chalice_deploy()
        functions = [each["name"] for each in deployed if each["resource_type"] == "lambda_function"]
        self.tell(f"chalice deploy: {len(functions)} functions ({', '.join(sorted(functions))})")
        made = {each["FunctionName"] for each in self.aws("lambda").list_functions()["Functions"]}
        expected = {lambda_name(STACK, name) for name in functions}
        self.check("each is called as its alarms and logs call it", made == expected)
        bound = self.make("bind", "--numbers", NUMBER)
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

    def open_clinic(self, operator: str) -> str:
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
        self.clinic = str(clinic["id"])
        made = self.ask("POST", f"/clinics/{self.clinic}/keys", {"role": "admin", "label": "p"}, operator)
        self.key = made["token"]
        self.zone = zone
        patient = self.enrol("MRN-1", PATIENT)
        self.tell(f"enrolled over the deployed API, in {zone}")
        return patient

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
        patient = self.open_clinic(operator)
        queues.purge_queue(QueueUrl=queue)
        functions.update_event_source_mapping(UUID=mapping, Enabled=True)
        self.check("its first message was taken off the queue: nothing was sent", not self.texts(PATIENT))
        # A tick that ran before, on a slow machine, has looked past its time; without its mark it looks again.
        mark = {"pk": {"S": WATERMARK.pk}, "sk": {"S": WATERMARK.sk}}
        self.aws("dynamodb").delete_item(TableName=STACK, Key=mark)
        for tick in ticks:
            events.enable_rule(Name=tick)
        self.wait("the scheduled tick found it, and deliver sent it", lambda: self.texts(PATIENT), 150)
        return patient

    def note(self, patient: str) -> None:
        """The carrier's receipts come by SNS, SQS and the deployed note."""

        def delivered() -> bool:
            items = self.ask("GET", f"/patients/{patient}/timeline")["items"]
            return any(item["state"] == "delivered" for item in items)

        self.wait("its receipt came back: the timeline says delivered", delivered, 60)

    def hear(self) -> None:
        topic = self.topic("inbound")
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
        said = self.ops("letters")
        others = all(f"0 dead letters of {name}" in said for name in ("hear", "note", "escalate", "import"))
        self.check("exactly it, by `python -m ops … letters`", letters() == 1 and "1 dead letter of deliver" in said)
        self.check("and none of another function", others)
        queues.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "180"})

    def report(self, stop: threading.Event) -> None:
        """The carrier publishes its receipts as they come due."""
        while not stop.wait(0.3):
            for event in self.door.events():
                topics = self.aws("sns")
                # While the stage is down nobody listens.
                with suppress(topics.exceptions.NotFoundException):
                    topics.publish(TopicArn=self.topic("events"), Message=json.dumps(event))


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
            proof, stop = MainJob(folder, endpoint, door), threading.Event()
            carrier = threading.Thread(target=proof.report, args=(stop,))
            try:
                operating.before_anything_is_there(proof)
                operator = proof.provision_and_deploy()
                operating.a_deployment_that_broke_off(proof)
                carrier.start()
                patient = proof.remind(operator)
                proof.note(patient)
                proof.hear()
                proof.poison()
                operating.commands(proof, patient)
                operating.a_missing_setting(proof)
                operating.taken_down_and_up(proof, patient)
                operating.deleted(proof)
                packaged.one_stack(proof)
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
