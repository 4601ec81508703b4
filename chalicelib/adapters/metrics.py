"""Metrics as lines of the log, which CloudWatch reads by itself (embedded metric format): no call, no client, no wait.

Counts and seconds of a whole stage, and nothing that could lead to a person.
"""

import json
from collections.abc import Mapping
from datetime import datetime

NAMESPACE = "Ranvier"

SECONDS = frozenset({"Lateness"})
"""What is measured in seconds; all else is counted."""


def metric_line(stage: str, at: datetime, values: Mapping[str, float]) -> str:
    """One log line that makes these metrics."""
    metrics = [{"Name": name, "Unit": "Seconds" if name in SECONDS else "Count"} for name in values]
    directive = {"Namespace": NAMESPACE, "Dimensions": [["Stage"]], "Metrics": metrics}
    about = {"Timestamp": round(at.timestamp() * 1000), "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": about, "Stage": stage, **values}, separators=(",", ":"))
