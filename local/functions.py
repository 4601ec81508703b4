"""The app's functions as Lambda would find them: by what triggers each, and called with that trigger's event.

They are read off the Chalice app, so that a new function needs no word here.
"""

import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalice.app import Chalice, ScheduledEventConfig, SQSEventConfig
from chalice.local import LambdaContext

from local.aws import ACCOUNT, REGION, queue_arn
from local.carrier_wire import FunctionKilled
from local.clock import millis, wire
from local.queues import Received
from local.schedules import Schedule, parse_schedule

log = logging.getLogger("ranvier.local")

TIMEOUT_MS = 30_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One deployed function: either a queue or a schedule calls it."""

    name: str
    handler: Callable[[dict[str, Any], Any], object]
    queue: str | None = None
    batch_size: int = 1
    schedule: Schedule | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How one invocation ended: `error` is the exception's type, None where all went well."""

    function: str
    error: str | None


def functions_of(app: Chalice) -> dict[str, Function]:
    """Raises `ValueError` for a schedule that EventBridge would refuse."""
    found = {}
    for source in app.event_sources:
        handler = app.handler_map[source.name]
        if isinstance(source, SQSEventConfig):
            queue = source.queue or str(source.queue_arn).rpartition(":")[2]
            found[source.name] = Function(name=source.name, handler=handler, queue=queue, batch_size=source.batch_size)
        elif isinstance(source, ScheduledEventConfig):
            expression = source.schedule_expression
            text = expression if isinstance(expression, str) else expression.to_string()
            found[source.name] = Function(name=source.name, handler=handler, schedule=parse_schedule(text))
    return found


def invoke(function: Function, event: dict[str, Any]) -> Run:
    """Call it once. Like Lambda this outlives whatever the function raises, and says so in the log."""
    context = LambdaContext(function.name, memory_size=256, max_runtime_ms=TIMEOUT_MS)
    try:
        function.handler(event, context)
    except FunctionKilled:
        log.warning("%s was killed on request", function.name)
        return Run(function=function.name, error=FunctionKilled.__name__)
    except Exception as error:
        log.error("%s failed", function.name, exc_info=error)
        return Run(function=function.name, error=type(error).__name__)
    return Run(function=function.name, error=None)


def queue_event(queue: str, batch: Sequence[Received]) -> dict[str, Any]:
    """What the SQS poller hands to a function."""
    return {
        "Records": [
            {
                "messageId": message.message_id,
                "receiptHandle": message.receipt_handle,
                "body": message.body,
                "attributes": {
                    "ApproximateReceiveCount": str(message.receives),
                    "SentTimestamp": str(millis(message.sent_at)),
                    "SenderId": "AIDALOCAL",
                    "ApproximateFirstReceiveTimestamp": str(millis(message.first_received_at)),
                },
                "messageAttributes": {},
                "md5OfBody": message.md5,
                "eventSource": "aws:sqs",
                "eventSourceARN": queue_arn(queue),
                "awsRegion": REGION,
            }
            for message in batch
        ]
    }


def schedule_event(function: str, at: datetime) -> dict[str, Any]:
    """What an EventBridge rule hands to a function."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "account": ACCOUNT,
        "region": REGION,
        "source": "aws.events",
        "detail-type": "Scheduled Event",
        "time": wire(at),
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/ranvier-local-{function}"],
        "detail": {},
    }
