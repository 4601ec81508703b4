"""A pytest plugin that writes down which AWS calls each function makes while other tests run.

    python -m pytest -p tests.deploy.recorder --seen calls.json tests/journeys …

Real boto3 clients make the calls, so what is seen is what IAM would judge. It runs in a process of its own, because it
puts a middleware into the app that stays there.
"""

import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from botocore.handlers import BUILTIN_HANDLERS
from chalice.app import Request

TABLE, QUEUES, ACCOUNT = "ranvier-local", "ranvier-local", "us-east-1:123456789012"

_function: ContextVar[str] = ContextVar("function", default="")
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
    token = _function.set(name)
    try:
        return get_response(event)
    finally:
        _function.reset(token)


def pytest_addoption(parser: Any) -> None:
    parser.addoption("--seen", type=Path, required=True)


def pytest_configure() -> None:
    BUILTIN_HANDLERS.append(("before-parameter-build", _record))
    # The app binds its queues when it is imported; the World that the tests start calls them so.
    os.environ["RANVIER_QUEUE_PREFIX"] = QUEUES
    import app

    app.app.register_middleware(_middleware, "all")


def pytest_sessionfinish(session: Any) -> None:
    found = {function: sorted(calls) for function, calls in sorted(_seen.items())}
    session.config.getoption("--seen").write_text(json.dumps(found, indent=1))
