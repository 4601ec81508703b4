"""Metrics as CloudWatch reads them out of the log."""

import json
from datetime import UTC, datetime

import pytest

from chalicelib.adapters.metrics import LogMetrics
from chalicelib.service.metrics import Metric

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)


def told(metric, value=1, **among):
    lines = []
    LogMetrics(stage="dev", now=lambda: NOW, write=lines.append).tell(metric, value, **among)
    [line] = lines
    assert line.endswith("\n")
    return json.loads(line)


def test_a_metric_is_one_of_the_stage_and_one_of_its_kind_and_channel():
    line = told(Metric.SENT, kind="checkin", channel="sms")
    [directive] = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Ranvier"
    assert directive["Dimensions"] == [["Stage"], ["Stage", "Kind", "Channel"]]
    assert directive["Metrics"] == [{"Name": "Sent", "Unit": "Count"}]
    assert {name: line[name] for name in line if name != "_aws"} == {
        "Stage": "dev",
        "Kind": "checkin",
        "Channel": "sms",
        "Sent": 1,
    }
    assert line["_aws"]["Timestamp"] == 1772352000000


def test_without_kind_and_channel_it_is_the_stages_alone():
    line = told(Metric.GAPS, 0)
    assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["Stage"]]
    assert set(line) == {"_aws", "Stage", "Gaps"}


def test_a_dimension_is_never_empty():
    assert told(Metric.HELD, channel="sms")["Kind"] == "any"


@pytest.mark.parametrize("metric", Metric)
def test_what_is_measured_is_in_seconds_and_all_else_is_counted(metric):
    [directive] = told(metric)["_aws"]["CloudWatchMetrics"]
    measured = metric in (Metric.LATENESS, Metric.OLDEST_DUE)
    assert directive["Metrics"][0]["Unit"] == ("Seconds" if measured else "Count")


def test_a_providers_code_is_in_the_line_and_no_dimension():
    line = told(Metric.FAILED, kind="checkin", channel="sms", code="ConflictException:NO_ORIGINATION_IDENTITIES_FOUND")
    assert line["Code"].startswith("ConflictException")
    assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"][-1] == ["Stage", "Kind", "Channel"]
