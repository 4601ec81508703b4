"""Metrics as lines of the log, which CloudWatch reads by itself (embedded metric format): no call, no client, no wait.

Counts and seconds of a whole stage, and nothing that could lead to a person.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from chalicelib.service.metrics import Metric, Metrics

NAMESPACE = "Ranvier"

DETAILED = ("Stage", "Kind", "Channel")
"""Each combination of these that occurs is a metric of its own, which is what CloudWatch bills by."""

SECONDS = frozenset({Metric.LATENESS, Metric.OLDEST_DUE})
"""What is measured in seconds; all else is counted."""

ANY = "any"
"""The kind or channel where there is none to name: CloudWatch drops a dimension that is empty."""


def _to_the_log(line: str) -> None:
    sys.stdout.write(line)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogMetrics(Metrics):
    stage: str
    now: Callable[[], datetime]
    write: Callable[[str], object] = _to_the_log
    """Takes the line as it is: a logger's prefix would keep CloudWatch from reading it."""

    def tell(self, metric: Metric, value: float = 1, *, kind: str = "", channel: str = "", code: str = "") -> None:
        self.write(metric_line(self.stage, self.now(), metric, value, kind=kind, channel=channel, code=code) + "\n")


def metric_line(
    stage: str, at: datetime, metric: Metric, value: float, *, kind: str = "", channel: str = "", code: str = ""
) -> str:
    """One log line that makes this metric: of the whole stage, and of the kind and channel where one is given."""
    detailed = {"Kind": kind or ANY, "Channel": channel or ANY} if kind or channel else {}
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [["Stage"], *([DETAILED] if detailed else [])],
        "Metrics": [{"Name": metric, "Unit": "Seconds" if metric in SECONDS else "Count"}],
    }
    about = {"Timestamp": round(at.timestamp() * 1000), "CloudWatchMetrics": [directive]}
    told = {"_aws": about, "Stage": stage, **detailed, metric: value, **({"Code": code} if code else {})}
    return json.dumps(told, separators=(",", ":"))
