"""Which AWS calls each function makes while a week is lived on the embedded AWS.

    python -m tests.deploy.recording calls.json

Real boto3 clients make the calls, so what is seen is what IAM would judge. It runs in a process of its own, because it
puts a middleware into the app that stays there.
"""

import json
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from itertools import count
from pathlib import Path
from typing import Any

from botocore.handlers import BUILTIN_HANDLERS
from chalice.app import Request

from chalicelib import wiring
from chalicelib.web.examples import EXAMPLES
from chalicelib.web.routes import ROUTES
from local.world import World

QUEUES, ACCOUNT = "ranvier-local", "us-east-1:123456789012"
TABLE = "taken-up-from-a-backup"
"""As after a restore, so that no policy can take the stage's name for the table's."""

_function: ContextVar[str] = ContextVar("function", default="")
_latest = [""]
_seen: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)

# An action inside a transaction needs the right to that action; the transaction itself is none.
_IN_TRANSACTION = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}


def needs(service: str, operation: str, params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The IAM actions a call needs, each with the ARN it needs it on."""
    match service:
        case "dynamodb":
            table = f"arn:aws:dynamodb:{ACCOUNT}:table/{TABLE}"
            if operation == "TransactWriteItems":
                for item in params["TransactItems"]:
                    yield f"dynamodb:{_IN_TRANSACTION[next(iter(item))]}", table
            elif "IndexName" in params:
                yield f"dynamodb:{operation}", f"{table}/index/{params['IndexName']}"
            else:
                yield f"dynamodb:{operation}", table
        case "sqs":
            name = params["QueueName"] if operation == "GetQueueUrl" else params["QueueUrl"].rpartition("/")[2]
            yield f"sqs:{operation.removesuffix('Batch')}", f"arn:aws:sqs:{ACCOUNT}:{name}"
        case "pinpoint-sms-voice-v2":
            yield f"sms-voice:{operation}", f"arn:aws:sms-voice:{ACCOUNT}:phone-number/*"
        case "sesv2":
            # Which address a clinic writes from is its own setting, made long after the stage.
            yield f"ses:{operation}", f"arn:aws:ses:{ACCOUNT}:identity/*"
            name = params["ConfigurationSetName"]
            yield f"ses:{operation}", f"arn:aws:ses:{ACCOUNT}:configuration-set/{name}"
        case _:
            yield f"{service}:{operation}", "?"


def _record(params: Mapping[str, Any], model: Any, **_: Any) -> None:
    function = _function.get()
    if function:
        service = str(model.service_model.service_name)
        _seen[function].update(needs(service, model.name, params))


def _middleware(event: Any, get_response: Any) -> Any:
    name = "api_handler" if isinstance(event, Request) else event.context.function_name
    if name != _latest[0]:
        # Each function is a process of its own: what another has looked up already, it has to look up itself.
        for part in vars(wiring).values():
            if hasattr(part, "cache_clear"):
                part.cache_clear()
        _latest[0] = name
    token = _function.set(name)
    try:
        return get_response(event)
    finally:
        _function.reset(token)


ANA, BEN, KIM, NUMBER = "+12025550121", "+12025550122", "+12025550111", "+12025550199"
CLINIC = {
    **EXAMPLES["NewClinic"],
    "sms_number": NUMBER,
    "on_call": [{"name": "Kim", "email": "kim@northside.example"}, {"name": "Lee", "phone": KIM}],
}
NUMB = "I can't feel my legs since this morning"


def main() -> None:
    BUILTIN_HANDLERS.append(("before-parameter-build", _record))
    # The app binds its queues when it is imported; the World that the week is lived in calls them so.
    os.environ["RANVIER_QUEUE_PREFIX"] = QUEUES
    import app

    app.app.register_middleware(_middleware, "all")
    with World("2026-03-02T14:00:00Z", app=app.app) as world:
        _live(world)
    found = {function: sorted(calls) for function, calls in sorted(_seen.items())}
    Path(sys.argv[1]).write_text(json.dumps(found, indent=1) + "\n")


def _live(world: World) -> None:
    operator, number = world.operator_token, count()

    def ask(method: str, path: str, body: object = None, token: str = "") -> dict[str, Any]:
        reply = world.api(
            method, path, json=body, token=token or key, headers={"Idempotency-Key": f"week-{next(number)}"}
        )
        found = reply.json() if reply.status < 300 and reply.body.startswith(b"{") else {}
        return dict(found)

    key = ""
    clinic = ask("POST", "/clinics", CLINIC, operator)["id"]
    key = ask("POST", f"/clinics/{clinic}/keys", {"role": "admin", "label": "week"}, operator)["token"]
    new = {**EXAMPLES["NewPatient"], "phone": ANA, "email": "ana@example.org", "protocols": ["spasticity.v1"]}
    new |= {"anchors": {"injury_date": "2025-11-10", "discharge_date": "2025-12-20"}, "language": "en"}
    ana = ask("POST", "/patients", new)["id"]
    ben = ask("POST", "/patients", {**new, "external_id": "MRN-2", "phone": BEN, "email": "ben@example.org"})["id"]
    mail = {"external_id": "MRN-3", "phone": None, "email": "cy@example.org", "channels": ["email"]}
    ask("POST", "/patients", {name: value for name, value in {**new, **mail}.items() if value is not None})
    ask("POST", f"/patients/{ben}/messages", {"channel": "sms", "text": "Please call us back today."})
    ask("POST", f"/patients/{ben}/messages", {"channel": "email", "text": "Please call us back today."})
    ask("POST", f"/patients/{ana}/appointments", {"kind": "physician", "starts_at": "2026-03-06T10:30"})
    world.run("tick")
    world.faults("sms", "throttle", 1)
    world.faults("email", "timeout_before", 1)
    world.advance("P2D")
    for text in (NUMB, "2", "1", "HELP", "STOP", "START"):
        world.inbound(ANA, NUMBER, text)
    world.advance("PT3H")
    for message in world.outbox():
        world.receipt(message["provider_message_id"], "TEXT_BLOCKED" if message["channel"] == "sms" else "Bounce")
    world.advance("PT20M")
    _ask_everything(ask, {"patient_id": ben, "clinic_id": clinic}, operator)
    world.inbound(BEN, NUMBER, NUMB)
    paged = next(m for m in reversed(world.outbox()) if m["kind"] == "page")
    world.receipt(paged["provider_message_id"], "Bounce")
    # What the escalation queue should have done is lost: the watch has to.
    world.aws.hold(world.aws.queue("escalate"), [])
    world.advance("PT3H")
    world.faults("sms", "timeout_after", 2, events=False)
    world.advance("P2D", stop_functions=True)
    for function in ("sweep", "reconcile", "watch", "tick"):
        world.run(function)
    world.advance("P3D")


def _ask_everything(ask: Any, ids: dict[str, str], operator: str) -> None:
    """Every route once, with the ids there are, deletions last."""
    ids["appointment_id"] = ask("POST", f"/patients/{ids['patient_id']}/appointments", EXAMPLES["NewAppointment"]).get(
        "id", "none"
    )
    tasks = ask("GET", "/tasks").get("items") or [{"id": "none"}]
    ids["task_id"] = tasks[0]["id"]
    for route in sorted(ROUTES, key=lambda route: route.method == "DELETE"):
        path = re.sub(r"{(\w+)}", lambda part: ids.get(part[1]) or str(EXAMPLES.get(part[1], "none")), route.path)
        body = EXAMPLES.get(route.body) if route.body else None
        ask(route.method, path, body, operator if path == "/clinics" else "")


if __name__ == "__main__":
    main()
