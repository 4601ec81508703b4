"""MiniStack with the few things `chalice deploy` and our template ask of it that version 1.5.33 does not do.

Runs in MiniStack's own environment, as a program; imports nothing of ours.
"""

import json
import sys
from pathlib import Path

import ministack.services.apigateway_v1 as gateway
import ministack.services.lambda_svc as functions
from ministack.app import main
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

REFUSES = Path("end-user-messaging-refuses")
"""While this file lies in MiniStack's folder, nothing of End User Messaging can be made."""

_answer = gateway.handle_request


async def answer(method, path, headers, body, query_params):
    """ImportRestApi and PutRestApi, by MiniStack's own importer, which only its CloudFormation reaches."""
    parts = [part for part in path.split("?")[0].strip("/").split("/") if part]
    query = {name: value[0] if isinstance(value, list) else value for name, value in (query_params or {}).items()}
    if parts == ["restapis"] and method == "POST" and query.get("mode") == "import":
        return gateway._get_rest_api(gateway._import_rest_api(json.loads(body)))
    if parts[:1] == ["restapis"] and method == "PUT" and len(parts) == 2:
        api, document = parts[1], json.loads(body)
        resources = gateway._resources[api]
        for known in [each for each, value in resources.items() if value.get("path") != "/"]:
            resources.pop(known)
        schemes = gateway._import_security_schemes(api, document)
        for route, item in document.get("paths", {}).items():
            gateway._import_path_item(api, route, item, schemes, document.get("security"))
        return gateway._get_rest_api(api)
    return await _answer(method, path, headers, body, query_params)


_update = gateway._update_rest_api


def update(api, data):
    """Chalice unsets the compression size by an empty word."""
    for patch in data.get("patchOperations", []):
        if patch.get("path") == "/minimumCompressionSize" and patch.get("value") == "":
            patch["value"] = None
    return _update(api, data)


def nothing(logical_id, properties, stack):
    """A resource type it does not know: taken as made, under the name the template gives it."""
    if REFUSES.exists():
        raise ValueError(f"{logical_id}: the account's limit is reached")
    name = properties.get("OptOutListName") or properties.get("ConfigurationSetName") or logical_id
    return name, {"Arn": f"arn:aws:sms-voice:us-east-1:000000000000:{name}"}


gateway.handle_request = answer
gateway._update_rest_api = update
# Otherwise every function takes 5 s to become active.
functions._LAMBDA_STATE_TRANSITION_DELAY = 0
for kind in ("OptOutList", "ConfigurationSet"):
    _RESOURCE_HANDLERS[f"AWS::SMSVOICE::{kind}"] = {"create": nothing, "delete": lambda physical_id, properties: None}

_alarms = _RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"]
_make_alarm = _alarms["create"]


def make_alarm(logical_id, properties, stack):
    """It refuses alarms over sums of metrics, which CloudWatch has had since 2018: taken as made."""
    if "Metrics" in properties:
        return properties["AlarmName"], {}
    return _make_alarm(logical_id, properties, stack)


_alarms["create"] = make_alarm

sys.argv = ["ministack"]
main()
