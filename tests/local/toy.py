"""A service small enough to see through, shaped like the real one: cursors, a tick with look-ahead, a fenced sender.

Written with plain boto3 against the project's table, so that what is tested is the embedded AWS and nothing else.
"""

import json
import os
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from chalice import Chalice, Cron, Rate

ONCE = Config(retries={"total_max_attempts": 1})


def iso(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


@cache
def client(service: str) -> Any:
    return boto3.client(service, config=ONCE)


def table(operation: str, **arguments: Any) -> Any:
    name = os.environ["RANVIER_TABLE"]
    return getattr(client("dynamodb"), operation)(TableName=name, **arguments)


def queue_url(function: str) -> str:
    return client("sqs").get_queue_url(QueueName=f"{os.environ['RANVIER_QUEUE_PREFIX']}-{function}")["QueueUrl"]


def enqueue(function: str, body: dict[str, Any], delay_s: int = 0) -> None:
    client("sqs").send_message(QueueUrl=queue_url(function), MessageBody=json.dumps(body), DelaySeconds=delay_s)


def send_text(to: str, text: str, **context: str) -> str:
    sent = client("pinpoint-sms-voice-v2").send_text_message(
        DestinationPhoneNumber=to,
        OriginationIdentity="+18005550100",
        MessageBody=text,
        MessageType="TRANSACTIONAL",
        ConfigurationSetName=os.environ["RANVIER_SMS_CONFIGURATION_SET"],
        TimeToLive=3600,
        Context=context,
    )
    return sent["MessageId"]


def due_between(after: str, until: str) -> list[dict[str, Any]]:
    return table(
        "query",
        IndexName="due",
        KeyConditionExpression="due_pk = :p AND due_sk BETWEEN :a AND :b",
        ExpressionAttributeValues={":p": {"S": "due#0"}, ":a": {"S": after}, ":b": {"S": until}},
    )["Items"]


def put_cursor(patient: str, to: str, due: str, every_s: int, left: int, seq: int = 1) -> None:
    numbers = {"every_s": every_s, "left": left, "seq": seq}
    texts = {"pk": f"p#{patient}", "sk": "cursor", "due_pk": "due#0", "due_sk": f"{due}#{patient}", "to": to}
    item = {name: {"S": value} for name, value in texts.items()}
    item |= {name: {"N": str(value)} for name, value in numbers.items()}
    table("put_item", Item=item)


def rows(prefix: str) -> list[dict[str, Any]]:
    found = table("query", KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": {"S": prefix}})
    return found["Items"]


def advance_watermark(until: str) -> str | None:
    """Where it stood."""
    answer = table(
        "update_item",
        Key={"pk": {"S": "watermark"}, "sk": {"S": "w"}},
        UpdateExpression="SET through = :u",
        ExpressionAttributeValues={":u": {"S": until}},
        ReturnValues="UPDATED_OLD",
    )
    return answer.get("Attributes", {}).get("through", {}).get("S")


def log(prefix: str, name: str, **values: object) -> None:
    item = {"pk": {"S": prefix}, "sk": {"S": name}, "value": {"S": json.dumps(values)}}
    table("put_item", Item=item)


def toy_app() -> Chalice:
    app = Chalice("toy")
    prefix = os.environ["RANVIER_QUEUE_PREFIX"]
    app.ran = []  # (function, instant) of every invocation

    def ran(name: str) -> datetime:
        now = datetime.now(UTC)
        app.ran.append((name, now))
        return now

    @app.route("/patients", methods=["POST"])
    def enrol():
        put_cursor(**app.current_request.json_body)
        return {"ok": True}

    @app.route("/echo/{word}", cors=True)
    def echo(word):
        query = app.current_request.query_params or {}
        return {"word": word, "query": dict(query), "now": iso(datetime.now(UTC))}

    @app.route("/text", methods=["POST"])
    def text():
        enqueue("page", app.current_request.json_body)
        return {"ok": True}

    @app.schedule(Rate(1, Rate.MINUTES), name="tick")
    def tick(_event):
        now = ran("tick")
        until = iso(now + timedelta(seconds=180))
        after = advance_watermark(until) or "2000"
        for item in due_between(after, until):
            due, _, patient = item["due_sk"]["S"].partition("#")
            wait = (datetime.fromisoformat(due) - now).total_seconds()
            enqueue("deliver", {"patient": patient, "due": due}, max(0, int(wait)))

    @app.schedule(Rate(10, Rate.MINUTES), name="sweep")
    def sweep(_event):
        now = ran("sweep")
        for item in due_between("2000", iso(now - timedelta(minutes=20))):
            due, _, patient = item["due_sk"]["S"].partition("#")
            enqueue("deliver", {"patient": patient, "due": due})

    @app.schedule(Cron(30, 6, "*", "*", "?", "*"), name="daily")
    def daily(_event):
        ran("daily")

    @app.on_sqs_message(queue=f"{prefix}-deliver", batch_size=1, name="deliver")
    def deliver(event):
        ran("deliver")
        for record in event:
            reference = json.loads(record.body)
            _deliver(reference["patient"], reference["due"])

    @app.on_sqs_message(queue=f"{prefix}-hear", batch_size=1, name="hear")
    def hear(event):
        ran("hear")
        for record in event:
            heard = json.loads(json.loads(record.body)["Message"])
            log("heard", heard["inboundMessageId"], **heard)
            send_text(heard["originationNumber"], f"You said {heard['messageBody']}", k="auto_reply")

    @app.on_sqs_message(queue=f"{prefix}-note", batch_size=1, name="note")
    def note(event):
        ran("note")
        for record in event:
            envelope = json.loads(record.body)
            log("noted", envelope["MessageId"], **json.loads(envelope["Message"]))

    @app.on_sqs_message(queue=f"{prefix}-page", batch_size=1, name="page")
    def page(event):
        ran("page")
        for record in event:
            message = json.loads(record.body)
            if "poison" in message:
                raise ValueError("poison")
            send_text(message["to"], message["text"], k="page", u="staff")

    return app


def _deliver(patient: str, due: str) -> None:
    key = {"pk": {"S": f"p#{patient}"}, "sk": {"S": "cursor"}}
    item = table("get_item", Key=key, ConsistentRead=True)["Item"]
    every_s, left, seq = (int(item[name]["N"]) for name in ("every_s", "left", "seq"))
    after = iso(datetime.fromisoformat(due) + timedelta(seconds=every_s))
    change = "SET seq = seq + :one, #left = #left - :one, due_sk = :next"
    values = {":one": {"N": "1"}, ":due": {"S": f"{due}#{patient}"}, ":next": {"S": f"{after}#{patient}"}}
    if left <= 1:
        change = "SET seq = seq + :one, #left = #left - :one REMOVE due_sk, due_pk"
        del values[":next"]
    try:
        table(
            "update_item",
            Key=key,
            UpdateExpression=change,
            ConditionExpression="due_sk = :due",
            ExpressionAttributeNames={"#left": "left"},
            ExpressionAttributeValues=values,
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
            return  # another delivery of this reference claimed it
        raise
    sent = send_text(item["to"]["S"], "Time for your check-in", r=f"c1.{patient}.{seq}", k="checkin", u="patient")
    log(f"sent#{patient}", f"{seq:06}", provider_id=sent)
