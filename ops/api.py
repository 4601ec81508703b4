"""The REST API that Chalice fills: made beforehand, so that its address is known before the first function is.

Links in reminders need the address, and Chalice would only know it after deploying. It is written into Chalice's own
memory of what it deployed, so that `chalice deploy` takes this API for the one it made.
"""

from collections.abc import Mapping
from typing import Any

from ops.memory import enter, known
from ops.stage import Place, Stage

RATE, BURST = 100, 200
"""Requests a second over all clinics, a quarter of what an account may; each key has its own limit in the service."""


def rest_api_of(stage: Stage) -> str | None:
    """The id of the API that Chalice knows, if any."""
    return next((str(each["rest_api_id"]) for each in known(stage, "rest_api")), None)


def ensure_rest_api(gateway: Any, stage: Stage) -> str:
    """The id of the stage's API, made now if there is none."""
    before = rest_api_of(stage)
    if before is not None and _exists(gateway, before):
        return before
    made = str(
        gateway.create_rest_api(
            name="ranvier",
            endpointConfiguration={"types": ["REGIONAL"]},
            minimumCompressionSize=1024,
            tags={"ranvier-stage": stage.name},
        )["id"]
    )
    enter(stage, {"name": "rest_api", "resource_type": "rest_api", "rest_api_id": made})
    return made


def address(place: Place, api: str, api_stage: str) -> str:
    return f"https://{api}.execute-api.{place.region}.amazonaws.com/{api_stage}"


def throttle(gateway: Any, api: str, api_stage: str) -> None:
    """Sets how many requests the API takes at all."""
    settings: Mapping[str, int] = {"rateLimit": RATE, "burstLimit": BURST}
    gateway.update_stage(
        restApiId=api,
        stageName=api_stage,
        patchOperations=[
            {"op": "replace", "path": f"/*/*/throttling/{name}", "value": str(value)}
            for name, value in settings.items()
        ],
    )


def _exists(gateway: Any, api: str) -> bool:
    try:
        gateway.get_rest_api(restApiId=api)
    except gateway.exceptions.NotFoundException:
        return False
    return True
