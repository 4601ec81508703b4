"""Chalice's memory of what it deployed: a file of one machine, without which it makes everything a second time.

It is written at the end of a deployment that went through. What one that broke off had made, Chalice finds by name;
but not the bindings of queues, which it would make again and be refused. Those are entered here.
"""

import json
from typing import Any

from botocore.exceptions import ClientError

from ops.functions import functions_of, lambda_name
from ops.stage import Place, Stage

Resource = dict[str, Any]


def known(stage: Stage, kind: str) -> list[Resource]:
    """What Chalice remembers of a kind: `rest_api`, `lambda_function`, `sqs_event`, …"""
    return [each for each in _read(stage)["resources"] if each["resource_type"] == kind]


def enter(stage: Stage, resource: Resource) -> None:
    """In the place of what Chalice knew under that name."""
    memory = _read(stage)
    others = [each for each in memory["resources"] if each["name"] != resource["name"]]
    memory["resources"] = [*others, resource]
    stage.deployed.parent.mkdir(exist_ok=True)
    stage.deployed.write_text(json.dumps(memory, indent=2) + "\n")


def recall_bindings(functions: Any, stage: Stage, place: Place) -> list[str]:
    """Enters the queues' bindings that stand and are not known; answers whose. `functions` is Lambda's client."""
    recalled = []
    for name, fed in functions_of(stage.project, stage.stack).items():
        entry = f"{name}-sqs-event-source"
        if fed.queue is None or any(each["name"] == entry for each in known(stage, "sqs_event")):
            continue
        queue = f"{stage.stack}-{fed.queue}"
        arn = f"arn:{place.partition}:sqs:{place.region}:{place.account}:{queue}"
        for binding in _bindings(functions, lambda_name(stage.stack, name), arn):
            enter(
                stage,
                {
                    "name": entry,
                    "resource_type": "sqs_event",
                    "queue_arn": arn,
                    "event_uuid": binding["UUID"],
                    "queue": queue,
                    "lambda_arn": binding["FunctionArn"],
                },
            )
            recalled.append(name)
    return recalled


def _bindings(functions: Any, function: str, queue_arn: str) -> list[Resource]:
    try:
        found: list[Resource] = functions.list_event_source_mappings(FunctionName=function, EventSourceArn=queue_arn)[
            "EventSourceMappings"
        ]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return []
        raise
    return found[:1]


def _read(stage: Stage) -> dict[str, Any]:
    if not stage.deployed.exists():
        return {"resources": [], "schema_version": "2.0", "backend": "api"}
    found: dict[str, Any] = json.loads(stage.deployed.read_text())
    return found
