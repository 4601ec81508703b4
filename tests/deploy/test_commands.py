"""`python -m ops …`, as an operator on call runs it, against a stage that lives on the embedded AWS."""

import json
import os
import re
import shutil
from datetime import datetime, timedelta

import pytest

from chalicelib import wiring
from chalicelib.adapters.schema import create_table_request
from local.world import World
from ops.__main__ import main
from ops.account import Account
from ops.kept import Kept, sealed_secret
from ops.stage import PROJECT, Stage
from tests.journeys.clinics import Clinic

ANA = "+12025550121"


class Operator:
    """Who types the commands, with a checkout of their own."""

    def __init__(self, world, folder, capsys):
        self.world, self._capsys = world, capsys
        shutil.copytree(PROJECT / ".chalice", folder / ".chalice", ignore=shutil.ignore_patterns("deployed"))
        self.stage = Stage("local", folder)
        account = Account()
        place = account.place()
        key = account.client("kms").create_key()["KeyMetadata"]["Arn"]
        sealed = sealed_secret(Kept(account.client("ssm"), self.stage), account.client("kms"), self.stage, key)
        own = {name: value for name, value in os.environ.items() if name.startswith("RANVIER_")}
        self.stage.write(place, {**own, "RANVIER_SECRET": sealed}, key)
        self.deploy()

    def deploy(self):
        """What `chalice deploy` does to running functions: new settings, new processes."""
        os.environ.update(self.stage.settings()["environment_variables"])
        wiring.forget()

    def types(self, *words, fails=False):
        """The command's words, and what it printed."""
        self._capsys.readouterr()
        code = main(["local", *words], self.stage.project)
        said = self._capsys.readouterr()
        assert code == (1 if fails else 0), said
        return said.err if fails else said.out

    def journal(self, clinic):
        entries, _ = wiring.ledger().audit(
            clinic, None, limit=100, before=None, since=self.world.now.replace(day=1), now=self.world.now
        )
        return [(entry.action, entry.reason) for entry in entries if entry.actor.startswith("ops:")]


@pytest.fixture
def world():
    with World("2026-03-02T14:00:00Z") as world:
        yield world


@pytest.fixture
def ops(world, tmp_path, capsys):
    return Operator(world, tmp_path, capsys)


@pytest.fixture
def clinic(ops):
    return Clinic(ops.world)


def undelivered(clinic, world):
    """Ana's welcome, which the carrier could not deliver that day; patient and occurrence."""
    world.faults("sms", events=False)
    patient = clinic.enrol()
    [sent] = world.outbox(to=ANA)
    world.receipt(sent["provider_message_id"], "TEXT_CARRIER_UNREACHABLE")
    world.faults("sms", events=True)
    line = next(line for line in clinic.timeline(patient) if line["state"] == "failed")
    return patient, line["occurrence_id"]


# One occurrence


def test_what_failed_is_sent_again_and_the_journal_says_who_asked_and_why(ops, clinic, world):
    patient, occurrence = undelivered(clinic, world)
    why = ("--reason", "carrier had the number blocked")
    said = ops.types("resend", clinic.id, patient, occurrence, *why)
    assert f"Plan: send again, under a new claim, {occurrence}" in said
    assert said.endswith("Done\n")
    world.advance("PT10M")
    assert len(world.outbox(to=ANA)) == 2
    states = [line["state"] for line in clinic.timeline(patient) if line["occurrence_id"] == occurrence]
    assert states == ["failed", "delivered"]
    assert ops.journal(clinic.id) == [("occurrence.resend", "carrier had the number blocked")]
    assert "it went out at" in ops.types("resend", clinic.id, patient, occurrence, *why, fails=True)


def test_a_plan_is_printed_and_nothing_done(ops, clinic, world):
    patient, occurrence = undelivered(clinic, world)
    said = ops.types("--plan", "resend", clinic.id, patient, occurrence, "--reason", "trying")
    assert "it goes out at 2026-03-02" in said
    assert said.endswith("Nothing was changed.\n")
    world.advance("PT10M")
    assert len(world.outbox(to=ANA)) == 1
    assert ops.journal(clinic.id) == []


def test_what_is_voided_stays_on_the_timeline_and_goes_to_nobody(ops, clinic, world):
    patient = clinic.enrol()
    coming = next(line for line in clinic.timeline(patient) if (line["state"], line["channel"]) == ("scheduled", "sms"))
    words = ("void", clinic.id, patient, coming["occurrence_id"], "--reason", "wrong protocol")
    assert ops.types(*words).startswith("Plan: call off")
    assert "is so already" in ops.types(*words)
    world.advance("P14D")
    [line] = [line for line in clinic.timeline(patient) if line["occurrence_id"] == coming["occurrence_id"]]
    assert (line["state"], line["reason"]["rule"]) == ("cancelled", "voided")
    assert line["reason"]["detail"] == "voided by ops: wrong protocol"
    sent = {occurrence for message in world.outbox(to=ANA) for occurrence in message["occurrence_ids"]}
    assert coming["occurrence_id"] not in sent
    assert ops.journal(clinic.id) == [("occurrence.void", "wrong protocol")]


def test_what_an_operator_reads_of_a_patient_names_nobody(ops, clinic, world):
    patient = clinic.enrol()
    world.advance("P2D")
    said = ops.types("occurrences", clinic.id, patient)
    assert re.search(rf"welcome\s+delivered\s+as_planned\s+{patient}\.1", said)
    assert not re.search(r"Ana|Ruiz|2025550|Northside", said)
    assert ops.journal(clinic.id) == [("timeline.read", "")]


@pytest.mark.parametrize("verb", ["resend", "void"])
@pytest.mark.parametrize(
    ("clinic_id", "patient", "said"),
    [("nowhere", "p", "no clinic nowhere"), (None, "nobody", "no patient nobody"), (None, None, "no such occurrence")],
)
def test_what_is_not_there_is_said(ops, clinic, world, verb, clinic_id, patient, said):
    who = patient or clinic.enrol()
    told = ops.types(verb, clinic_id or clinic.id, who, "nothing", "--reason", "r", fails=True)
    assert said in told


# The switch


def test_stopping_all_holds_everybodys_and_starting_lets_go_what_is_still_of_use(ops, clinic, world):
    other = Clinic(world, sms_number="+12025550188", name="Southside")
    said = ops.types("stop", "all", "--reason", "wrong copy")
    assert said.startswith("Plan: stop 2 of 2 clinics")
    patient = clinic.enrol()
    world.advance("PT2H")
    assert world.outbox() == []
    assert {line["state"] for line in clinic.timeline(patient) if line["kind"] == "welcome"} == {"held"}
    assert "Plan: stop 0 of 2" in ops.types("stop", "all", "--reason", "again")
    said = ops.types("start", clinic.id, "--reason", "mended")
    assert f"{clinic.id}: start" in said
    world.advance("PT1M")
    assert [message["to"] for message in world.outbox()] == [ANA]
    assert ops.journal(clinic.id) == [("clinic.start", "mended"), ("clinic.stop", "wrong copy")]
    assert ops.journal(other.id) == [("clinic.stop", "wrong copy")]


def test_a_stop_by_operators_reaches_a_worker_that_has_just_read_the_clinic(ops, clinic, world):
    clinic.enrol()
    world.advance("P1D")
    worker = wiring.delivery()
    upto = world.now + timedelta(days=14)
    [reference] = [r for shard in range(4) for r in worker.store.due(shard, None, upto, limit=5)]
    world.advance(reference.due - timedelta(seconds=5))
    before = len(world.outbox(to=ANA))
    worker.store.clinic(clinic.id, now=world.now)
    ops.types("stop", clinic.id, "--reason", "now")
    assert worker.deliver(reference, now=reference.due, token="t") == "held"
    assert len(world.outbox(to=ANA)) == before


# Keys


def test_links_signed_before_a_rotation_open_until_its_overlap_is_ended(ops, clinic, world):
    clinic.enrol(email="ana@example.org", channels=["email"])
    world.advance("PT10M")
    [old] = re.findall(r"/r/[\w.-]+", world.outbox(to="ana@example.org")[0]["text"])[:1]

    def opens(link):
        return world.api("GET", link).status == 200

    said = ops.types("rotate", "links", "--reason", "yearly")
    assert "chalice deploy --stage local" in said
    ops.deploy()
    assert opens(old)
    assert "an overlap runs" in ops.types("rotate", "links", "--reason", "again", fails=True)
    clinic.enrol("MRN-2", "+12025550122", email="ben@example.org", channels=["email"])
    world.advance("PT10M")
    [new] = re.findall(r"/r/[\w.-]+", world.outbox(to="ben@example.org")[0]["text"])[:1]
    ops.types("rotate", "links", "--end", "--reason", "over")
    ops.deploy()
    assert (opens(old), opens(new)) == (False, True)
    assert "No overlap runs" in ops.types("rotate", "links", "--end", "--reason", "over")
    assert ops.journal("platform") == [("link_secret.end", "over"), ("link_secret.rotate", "yearly")]


def test_no_secret_is_ever_seen_in_settings_or_on_the_screen(ops, clinic):
    said = ops.types("rotate", "links", "--reason", "r")
    settings = ops.stage.settings()["environment_variables"]
    assert all(each.startswith("kms:") for each in settings["RANVIER_LINK_SECRETS"].split(","))
    assert "kms:" not in said


def test_a_clinics_key_is_rotated_beside_the_old_one(ops, clinic, world):
    [old] = wiring.store().keys(clinic.id)
    said = ops.types("rotate", "clinic-key", clinic.id, old.id, "--reason", "left on a train")
    made, token = re.search(r"Key (\S+), its token shown this once: (\S+)", said).groups()
    assert "was made in its place" in ops.types("rotate", "clinic-key", clinic.id, old.id, "--reason", "r", fails=True)

    def opens(key):
        return world.api("GET", "/patients", token=key).status == 200

    assert (opens(clinic.key), opens(token)) == (True, True)
    assert ops.types("revoke", clinic.id, old.id, "--reason", "r").endswith("Revoked\n")
    assert "no longer" in ops.types("revoke", clinic.id, old.id, "--reason", "r")
    assert (opens(clinic.key), opens(token)) == (False, True)
    assert "it has " + made in ops.types("rotate", "clinic-key", clinic.id, old.id, "--reason", "r", fails=True)


def test_the_operators_new_token_opens_after_the_next_deployment(ops, world):
    def opens(token):
        return world.api("GET", "/clinics", token=token).status == 200

    said = ops.types("rotate", "operator-token", "--reason", "yearly")
    token = re.search(r"op_\S+", said)[0]
    assert (opens(world.operator_token), opens(token)) == (True, False)
    ops.deploy()
    assert (opens(world.operator_token), opens(token)) == (False, True)


# Dead letters


@pytest.fixture
def dead(tmp_path, capsys):
    """In real time, since the queue is polled; a poisoned message of deliver's and a patient's text are dead."""
    with World() as world:
        ops = Operator(world, tmp_path, capsys)
        clinic = Clinic(world)
        world.aws.put(world.aws.queue("deliver-dead"), '{"poison": true}')
        world.aws.put(world.aws.queue("deliver-dead"), json.dumps({"clinic": clinic.id, "patient": "p", "seq": 1}))
        world.aws.put(world.aws.queue("hear-dead"), '{"Message": "I cannot feel my legs"}')
        yield ops, clinic


def test_dead_letters_are_told_of_all_functions_and_words_of_patients_of_none(dead):
    ops, _ = dead
    said = ops.types("letters")
    assert re.findall(r"(\d) dead letters? of (\w+)", said) == [
        ("2", "deliver"),
        ("0", "escalate"),
        ("1", "hear"),
        ("0", "import"),
        ("0", "note"),
    ]
    assert '{"poison": true}' in said
    assert "legs" not in said
    assert "1 dead letter of hear" in ops.types("letters", "hear"), "looking takes nothing away"


def test_dead_letters_are_put_back_one_or_all_and_the_journal_knows(dead):
    ops, clinic = dead
    poison = re.search(r"  (\S+)  .*poison", ops.types("letters", "deliver"))[1]
    assert "Plan: put 2 back on deliver\nNothing" in ops.types("--plan", "letters", "deliver", "--replay")
    assert "1 put back" in ops.types("letters", "deliver", "--only", poison)
    assert "put back already" in ops.types("letters", "deliver", "--only", poison, fails=True)
    assert "1 put back" in ops.types("letters", "deliver", "--replay")
    assert "Plan: put 0 back" in ops.types("letters", "deliver", "--replay")
    assert [action for action, _ in ops.journal(clinic.id)] == ["dead_letter.replay"]
    assert [action for action, _ in ops.journal("platform")] == ["dead_letter.replay"]


@pytest.mark.parametrize(
    ("words", "said"), [(["tick"], "no queue feeds tick"), (["--replay"], "one function at a time")]
)
def test_letters_that_cannot_be_are_refused(dead, words, said):
    assert said in dead[0].types("letters", *words, fails=True)


# A table restored to an earlier moment


def copied(world, name):
    """What `restore-table-to-point-in-time` makes: the items of that moment, and neither recovery nor expiry."""
    tables = world.aws.client("dynamodb")
    tables.create_table(**create_table_request(name))
    for page in tables.get_paginator("scan").paginate(TableName=world.aws.table_name):
        for item in page["Items"]:
            tables.put_item(TableName=name, Item=item)


def test_a_stage_goes_on_with_a_restored_table_and_sends_nothing_twice(ops, clinic, world):
    patient = clinic.enrol()
    clinic.book(patient, "2026-03-12T09:00")
    world.advance("P1D")
    copied(world, "ranvier-local-2")
    since = world.now
    logs = world.aws.client("logs")
    group = {"logGroupName": "/aws/lambda/ranvier-local-deliver", "logStreamName": "one"}
    logs.create_log_group(logGroupName=group["logGroupName"])
    logs.create_log_stream(**group)
    before = len(world.outbox())
    world.advance("P9D")
    lost = world.outbox()[before:]
    assert len(lost) >= 2
    # The log lost one of them, too.
    for message in lost[:-1]:
        told = {"action": "delivered", "outcome": "sent", "reminder": message["message_id"], "clinic": clinic.id}
        at = int(datetime.fromisoformat(message["sent_at"]).timestamp() * 1000)
        line = f"[WARNING] {message['sent_at']} {json.dumps(told)}"
        logs.put_log_events(**group, logEvents=[{"timestamp": at, "message": line}])

    words = ("restored", "ranvier-local-2", "--since", f"{since:%Y-%m-%dT%H:%M:%SZ}", "--reason", "a bad import")
    said = ops.types("--plan", *words)
    assert f"the log knows of {len(lost) - 1} that went out\nNothing was changed." in said
    said = ops.types(*words)
    assert re.search(rf"{len(lost) - 1} reminders recorded as sent, 1 unknown\n  unknown: {patient}\.\d+\n", said)
    assert f"{len(lost) - 1} reminders" not in ops.types(*words), "run again, there is nothing left to record"
    ops.deploy()
    policy = json.loads((ops.stage.project / ".chalice" / "policies" / "local" / "deliver.json").read_text())
    assert "table/ranvier-local-2" in json.dumps(policy)

    sent = len(world.outbox())
    world.advance("PT2H")
    assert len(world.outbox()) == sent, "stopped"
    ops.types("start", clinic.id, "--reason", "looked at")
    world.advance("PT2H")
    gone = {occurrence for message in lost for occurrence in message["occurrence_ids"]}
    again = {occurrence for message in world.outbox()[sent:] for occurrence in message["occurrence_ids"]}
    assert not gone & again, "nothing of the lost time goes out again"
    states = {line["reminder_id"]: line["state"] for line in clinic.timeline(patient) if line["reminder_id"]}
    assert [states[message["message_id"]] for message in lost] == ["sent"] * (len(lost) - 1) + ["unknown"]
    [held] = [line for line in clinic.timeline(patient) if line["state"] == "unknown"][:1]
    assert held["reason"]["rule"] == "record_lost"
    world.advance("P14D")
    carried = [occurrence for message in world.outbox() for occurrence in message["occurrence_ids"]]
    assert len(carried) == len(set(carried)), "and it goes on, once each"
    assert len(world.outbox()) > sent
    assert ("table.restored", "a bad import") in ops.journal("platform")


def test_a_table_that_is_none_of_ours_is_refused(ops, world):
    why = ("--since", "2026-03-01T08:00:00Z", "--reason", "r")
    assert "there is no table elsewhere" in ops.types("restored", "elsewhere", *why, fails=True)
    request = create_table_request("bare")
    kept = {
        name: value for name, value in request.items() if name not in ("GlobalSecondaryIndexes", "AttributeDefinitions")
    }
    keys = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
    world.aws.client("dynamodb").create_table(**kept, AttributeDefinitions=keys)
    assert "wait for all of them" in ops.types("restored", "bare", *why, fails=True)


# What is typed


@pytest.mark.parametrize("word", ["-" + "a" * 15, "--" + "b" * 14, "-_0" + "c" * 13])
def test_an_id_that_begins_with_a_dash_is_no_option(ops, clinic, word):
    assert f"no clinic {word}" in ops.types("void", word, word, word, "--reason", "r", fails=True)
    assert f"no clinic {word}" in ops.types("rotate", "clinic-key", word, word, "--reason", "r", fails=True)


# Where a command finds nothing to work on


def test_a_stage_that_was_never_provisioned_is_said_to_be_so(ops):
    assert main(["other", "letters"], ops.stage.project) == 1
    assert "never provisioned from this checkout" in ops._capsys.readouterr().err
