"""Which functions there are and what feeds each, read off `app.py`, so that nothing here has to be told twice."""

import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chalice.app import Chalice, ScheduledEventConfig, SQSEventConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Fed:
    """What calls a function: a queue (named without its prefix), a schedule, or the API."""

    queue: str | None = None
    schedule: bool = False


Functions = Mapping[str, Fed]
API = "api_handler"


def lambda_name(stack: str, function: str) -> str:
    """What Chalice calls a function in Lambda. The API's has the stage's own name."""
    return stack if function == API else f"{stack}-{function}"


def functions_of(project: Path, queue_prefix: str) -> Functions:
    """Chalice's names of the functions, the API's among them."""
    app = app_of(project, queue_prefix)
    found = {API: Fed()}
    for source in app.event_sources:
        match source:
            case SQSEventConfig():
                found[source.name] = Fed(queue=str(source.queue).removeprefix(f"{queue_prefix}-"))
            case ScheduledEventConfig():
                found[source.name] = Fed(schedule=True)
    return found


def app_of(project: Path, queue_prefix: str = "ranvier-dev") -> Chalice:
    """`app.py` as a module of its own: its one setting is read at import."""
    before = os.environ.get("RANVIER_QUEUE_PREFIX")
    os.environ["RANVIER_QUEUE_PREFIX"] = queue_prefix
    try:
        spec = importlib.util.spec_from_file_location("ranvier_app", project / "app.py")
        if spec is None or spec.loader is None:
            raise FileNotFoundError(project / "app.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        os.environ.pop("RANVIER_QUEUE_PREFIX") if before is None else os.environ.update(RANVIER_QUEUE_PREFIX=before)
    app: Chalice = module.app
    return app
