"""The stage as those who run it meet it: mishaps, commands, taken down, taken up again, and gone."""

import json
import re
from typing import Any

from tests.deploy.harness import BEN, CAL, CHALICE, DEE, NUMBER, STACK, STAGE, Proof


def before_anything_is_there(proof: Proof) -> None:
    said = proof.make("provision", fails=True, AWS_ACCESS_KEY_ID="")
    proof.check("without credentials: said, with how they are given", "no AWS credentials" in said)
    said = proof.make("provision", fails=True, AWS_REGION="", AWS_DEFAULT_REGION="")
    proof.check("without a region: said", "no region: set AWS_REGION" in said)
    said = proof.command(CHALICE, "deploy", "--stage", STAGE, fails=True)
    proof.check("chalice deploy before provision refuses: no policy, no function", "policy" in said)
    said = proof.make("provision", "--plan")
    left = [each["StackName"] for each in proof.aws("cloudformation").describe_stacks()["Stacks"]]
    plan = re.search(r"Plan: (\d+ changes)", said)
    proof.check("--plan printed what it would add and left no stack", plan and "Add " in said and not left)
    refuses = proof.project.parent / "end-user-messaging-refuses"
    refuses.touch()
    said = proof.make("provision", "--unprotected", fails=True)
    proof.check("a provider's limit stops it half-way, and is named", "OptOuts: the account's limit" in said)
    refuses.unlink()


def a_deployment_that_broke_off(proof: Proof) -> None:
    """Chalice writes its memory at the end; cut to what it was before, it is what a deployment that failed leaves."""
    memory = json.loads(proof.memory.read_text())
    memory["resources"] = [each for each in memory["resources"] if each["resource_type"] == "rest_api"]
    proof.memory.write_text(json.dumps(memory))
    said = proof.make("provision")
    proof.check("what a broken deployment had bound is known again", said.count("is known to Chalice again") == 5)
    proof.chalice_deploy()
    bound = proof.aws("lambda").list_event_source_mappings()["EventSourceMappings"]
    proof.check("deployed over it: each queue is bound once", len(bound) == 5)
    proof.make("bind", "--numbers", NUMBER)
    said = proof.make("provision", fails=True, AWS_REGION="eu-west-1", AWS_DEFAULT_REGION="eu-west-1")
    proof.check("from another region it is left alone", "lives in us-east-1" in said and "Nothing was changed" in said)


def commands(proof: Proof, patient: str) -> None:
    clinic, why = proof.clinic, ("--reason", "proving")
    said = proof.ops("occurrences", clinic, patient)
    proof.check("ops occurrences tells states and names nobody", "delivered" in said and "Ana" not in said)
    delivered = next(line for line in proof.timeline(patient) if line["state"] == "delivered")
    said = proof.ops("resend", clinic, patient, delivered["occurrence_id"], *why, fails=True)
    proof.check("what was delivered is not sent again", "it is delivered" in said)
    coming = next(line for line in proof.timeline(patient) if (line["state"], line["channel"]) == ("scheduled", "sms"))
    proof.ops("void", clinic, patient, coming["occurrence_id"], *why)
    [line] = [each for each in proof.timeline(patient) if each["occurrence_id"] == coming["occurrence_id"]]
    told = (line["state"], line["reason"]["detail"])
    proof.check("what was voided says so on the timeline", told == ("cancelled", "voided by ops: proving"))

    proof.check("ops stop all", "Plan: stop 1 of 1 clinic" in proof.ops("stop", "all", *why))
    other = proof.enrol("MRN-2", BEN)
    held = proof.wait("enrolled while all are stopped: held", lambda: _held(proof, other), 60)
    welcome = held[0]["occurrence_id"]
    proof.ops("void", clinic, other, welcome, *why)
    proof.ops("start", clinic, *why)
    proof.check("started, what was voided meanwhile goes to nobody", not proof.texts(BEN))
    proof.ops("resend", clinic, other, welcome, *why)
    proof.wait("sent again by ops, it goes out", lambda: proof.texts(BEN), 90)
    said = proof.ops("resend", clinic, other, welcome, *why, fails=True)
    proof.check("asked for twice, it went out once", "Nothing was changed" in said and len(proof.texts(BEN)) == 1)

    first = _only_key(proof)
    key = proof.ops("rotate", "clinic-key", clinic, first, *why)
    made = re.search(r"shown this once: (\S+)", key)
    assert made is not None
    old, proof.key = proof.key, made[1]
    proof.check("a rotated key opens beside the old one", proof.timeline(patient) and proof.ask_as(old))
    proof.ops("revoke", clinic, first, *why)
    proof.check("and alone once that is revoked", proof.timeline(patient) and not proof.ask_as(old))
    proof.check("links get a new secret", "chalice deploy" in proof.ops("rotate", "links", *why))
    proof.check("once is once", "an overlap runs" in proof.ops("rotate", "links", *why, fails=True))
    said = proof.ops("letters", "deliver", "--replay")
    proof.check("the dead letter is put back", "1 put back" in said and proof.waiting("deliver-dead") == 0)


def a_missing_setting(proof: Proof) -> None:
    functions, queues = proof.aws("lambda"), proof.aws("sqs")
    queues.set_queue_attributes(QueueUrl=proof.queue("note"), Attributes={"VisibilityTimeout": "2"})
    whole = functions.get_function_configuration(FunctionName=f"{STACK}-note")["Environment"]["Variables"]
    broken = {name: value for name, value in whole.items() if name != "RANVIER_TABLE"}
    functions.update_function_configuration(FunctionName=f"{STACK}-note", Environment={"Variables": broken})
    patient = proof.enrol("MRN-3", CAL)
    proof.wait(
        "a function without a setting fails, and its messages wait as dead letters",
        lambda: proof.waiting("note-dead"),
        90,
    )
    logs = proof.aws("logs").filter_log_events(logGroupName=f"/aws/lambda/{STACK}-note")["events"]
    proof.check("its log names the setting", any("RANVIER_TABLE is not set" in each["message"] for each in logs))
    functions.update_function_configuration(FunctionName=f"{STACK}-note", Environment={"Variables": whole})
    proof.ops("letters", "note", "--replay")

    def delivered() -> bool:
        if proof.waiting("note-dead"):
            proof.ops("letters", "note", "--replay")
        return any(line["state"] == "delivered" for line in proof.timeline(patient))

    proof.wait("mended and put back, they are noted: nothing is lost", delivered, 90)


def taken_down_and_up(proof: Proof, patient: str) -> None:
    pool = proof.aws("cognito-idp").list_user_pools(MaxResults=10)["UserPools"][0]["Id"]
    before = proof.timeline(patient)
    said = proof.make("destroy", "--plan")
    proof.check("destroy --plan says what stays", "keep: Table" in said and "Nothing was changed" in said)
    proof.make("destroy")
    proof.check("destroyed: no function is left", not proof.aws("lambda").list_functions()["Functions"])
    kept = proof.aws("dynamodb").describe_table(TableName=STACK)["Table"]["TableStatus"]
    proof.check("the data are", kept == "ACTIVE")
    said = proof.make("provision")
    proof.check("provision takes table, key and user pool up again", f"Table {STACK}, Key" in said and pool in said)
    proof.chalice_deploy()
    proof.make("bind", "--numbers", NUMBER)
    was = [(line["occurrence_id"], line["state"]) for line in before]
    now = [(line["occurrence_id"], line["state"]) for line in proof.timeline(patient)]
    proof.check("the clinic's key opens, and the timeline is what it was", was == now)
    proof.enrol("MRN-4", DEE)
    proof.wait("and it goes on: another patient is welcomed", lambda: proof.texts(DEE), 60)


def deleted(proof: Proof) -> None:
    said = proof.make("destroy", "--delete-data")
    proof.check("destroyed with DATA=delete", "delete for good: Table" in said)
    proof.check("no table is left", not proof.aws("dynamodb").list_tables()["TableNames"])
    proof.check("no user pool", not proof.aws("cognito-idp").list_user_pools(MaxResults=10)["UserPools"])
    proof.check("nothing in SSM", not proof.aws("ssm").describe_parameters()["Parameters"])
    keys = proof.aws("kms")
    states = [keys.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] for key in keys.list_keys()["Keys"]]
    proof.check("the key is to be deleted in 30 days", "PendingDeletion" in states)
    proof.check("once more: there is nothing", "There is nothing of stage" in proof.make("destroy", "--delete-data"))


def _held(proof: Proof, patient: str) -> list[dict[str, Any]]:
    return [line for line in proof.timeline(patient) if line["reason"]["rule"] == "clinic_stopped"]


def _only_key(proof: Proof) -> str:
    """The id of the clinic's one key, which ops learn by asking for one that is not there."""
    said = proof.ops("rotate", "clinic-key", proof.clinic, "none", "--reason", "r", fails=True)
    found = re.findall(r"(\S+) \(admin\)", said)
    assert len(found) == 1, said
    return str(found[0])
