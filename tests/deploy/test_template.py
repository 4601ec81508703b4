"""The stage's template, its configuration and the functions say the same."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from chalice.package import YAMLTemplateSerializer

from chalicelib.adapters.metrics import DETAILED, NAMESPACE
from chalicelib.adapters.schema import TTL, create_table_request
from chalicelib.service.metrics import Metric
from local.queues import DEAD, MAX_RECEIVES, VISIBILITY_S
from ops.functions import app_of, functions_of, lambda_name
from ops.stage import PROJECT

TEMPLATE = YAMLTemplateSerializer().load_template((PROJECT / ".chalice" / "resources.yaml").read_text())
RESOURCES = TEMPLATE["Resources"]
CONFIG = json.loads((PROJECT / ".chalice" / "config.json").read_text())
FUNCTIONS = functions_of(PROJECT, "ranvier-dev")
IN_LAMBDA = {lambda_name("ranvier-${Stage}", name) for name in FUNCTIONS}
FED = sorted(fed.queue for fed in FUNCTIONS.values() if fed.queue)


def of_type(kind):
    return {name: each["Properties"] for name, each in RESOURCES.items() if each["Type"] == kind}


def named(properties, key):
    """The name a resource is given, with the stage's own part left out."""
    return properties[key]["Fn::Sub"].replace("ranvier-${Stage}", "").lstrip("-")


def timeout(function):
    return CONFIG["lambda_functions"].get(function, {}).get("lambda_timeout", CONFIG["lambda_timeout"])


def test_the_table_is_the_one_the_adapters_expect():
    table = RESOURCES["Table"]["Properties"]
    wanted = create_table_request("any")
    for part in ("BillingMode", "KeySchema", "GlobalSecondaryIndexes", "AttributeDefinitions"):
        assert table[part] == wanted[part], part
    assert table["TimeToLiveSpecification"] == {"AttributeName": TTL, "Enabled": True}


def test_what_holds_patients_data_is_encrypted_recoverable_and_outlives_the_stack():
    table = RESOURCES["Table"]["Properties"]
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert table["SSESpecification"]["KMSMasterKeyId"] == {"Fn::GetAtt": ["Key", "Arn"]}
    assert TEMPLATE["Parameters"]["DeletionProtection"]["Default"] == "true"
    for name in ("Table", "Key", "Staff"):
        assert RESOURCES[name]["DeletionPolicy"] == "RetainExceptOnCreate", name
        assert RESOURCES[name]["UpdateReplacePolicy"] == "Retain", name


def test_every_function_that_a_queue_feeds_has_that_queue_and_its_dead_letters():
    queues = {named(queue, "QueueName"): queue for queue in of_type("AWS::SQS::Queue").values()}
    assert sorted(queues) == sorted([*FED, *(name + DEAD for name in FED)])
    for name in FED:
        assert queues[name]["VisibilityTimeout"] == VISIBILITY_S >= 6 * timeout(name)
        assert queues[name]["RedrivePolicy"]["maxReceiveCount"] == MAX_RECEIVES
        assert queues[name + DEAD]["MessageRetentionPeriod"] == 14 * 86400


def test_a_queue_takes_nothing_without_tls():
    guarded = set()
    for policy in of_type("AWS::SQS::QueuePolicy").values():
        first = policy["PolicyDocument"]["Statement"][0]
        assert (first["Effect"], first["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
        guarded |= {each["Ref"] for each in policy["Queues"]}
    assert guarded == set(of_type("AWS::SQS::Queue"))


def test_logs_of_every_function_end():
    groups = [group["LogGroupName"]["Fn::Sub"] for group in of_type("AWS::Logs::LogGroup").values()]
    assert sorted(groups) == sorted(f"/aws/lambda/{name}" for name in IN_LAMBDA)


def test_alarms_and_dashboard_name_functions_as_lambda_knows_them():
    template = (PROJECT / ".chalice" / "resources.yaml").read_text()
    named_there = set(re.findall(r'FunctionName(?:", |, Value: !Sub )"([^"]+)"', template))
    assert named_there == IN_LAMBDA


def test_the_template_fits_into_one_call():
    """CloudFormation takes 51,200 bytes; more would need a bucket."""
    assert len((PROJECT / ".chalice" / "resources.yaml").read_bytes()) < 51_200


def test_the_api_answers_within_what_the_gateway_waits():
    assert timeout("api_handler") <= 30


@pytest.mark.parametrize(
    "alarm", of_type("AWS::CloudWatch::Alarm").values(), ids=lambda alarm: named(alarm, "AlarmName")
)
def test_every_alarm_has_its_page_and_tells_somebody(alarm):
    page = f"docs/runbook/{named(alarm, 'AlarmName')}.md"
    assert alarm["AlarmDescription"].endswith(page)
    assert (PROJECT / page).exists(), page
    assert alarm["AlarmActions"] == [{"Ref": "Alarms"}]


def test_every_page_of_the_runbook_is_an_alarms():
    pages = {path.stem for path in (PROJECT / "docs" / "runbook").glob("*.md")} - {"README", "restore"}
    assert pages == {named(alarm, "AlarmName") for alarm in of_type("AWS::CloudWatch::Alarm").values()}


def test_alarms_and_dashboard_watch_what_is_told_and_all_of_it():
    watched = set()
    for alarm in of_type("AWS::CloudWatch::Alarm").values():
        each = [alarm, *(part["MetricStat"]["Metric"] for part in alarm.get("Metrics", []) if "MetricStat" in part)]
        watched |= {metric["MetricName"] for metric in each if metric.get("Namespace") == NAMESPACE}
    for metrics in dashboard_metrics():
        watched |= {each[1] for each in metrics if each[0] == NAMESPACE}
        watched |= {name for each in metrics for name in re.findall(r'MetricName="(\w+)"', searched(each))}
    assert watched == set(Metric)


def test_the_dashboard_looks_for_the_dimensions_that_are_told():
    found = [searched(each) for metrics in dashboard_metrics() for each in metrics if searched(each)]
    assert found
    for expression in found:
        assert expression.startswith(f"SEARCH('{{{NAMESPACE},{','.join(DETAILED)}}} ")


@pytest.mark.parametrize("metric", Metric)
def test_every_metric_is_told_somewhere(metric):
    sources = [path.read_text() for path in (PROJECT / "chalicelib").rglob("*.py") if path.name != "metrics.py"]
    assert any(re.search(rf"\bMetric\.{metric.name}\b", source) for source in sources)


def dashboard_metrics():
    body = json.loads(RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])
    return [widget["properties"]["metrics"] for widget in body["widgets"] if widget["type"] == "metric"]


def searched(metric):
    return metric[0].get("expression", "") if isinstance(metric[0], dict) else ""


def test_no_role_is_made_up_by_chalice():
    assert CONFIG["autogen_policy"] is False
    assert CONFIG["lambda_architecture"] == "arm64"


def test_the_pinned_zone_data_are_used_and_not_lambdas_own():
    """A runtime's own zone data change under a plan without a release, and no night would lay it out anew."""
    asked = "import zoneinfo; print(zoneinfo.TZPATH, zoneinfo.ZoneInfo('America/New_York'))"
    told = "from chalicelib.domain import ENGINE; print(ENGINE)"
    path = CONFIG["environment_variables"]["PYTHONTZPATH"]
    ran = subprocess.run(
        [sys.executable, "-c", f"{asked}\n{told}"],
        cwd=PROJECT,
        env={**os.environ, "PYTHONTZPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not Path(path).exists()
    assert ran.stdout.startswith(f"('{path}',) America/New_York")
    pinned = re.search(r"tzdata==(\S+)", (PROJECT / "requirements.txt").read_text())[1]
    assert ran.stdout.strip().endswith(f"/{pinned}")


def test_what_may_flood_leaves_room_for_what_may_not_wait():
    """An account has a thousand functions at once; hear, escalate and the API keep most of them."""
    bounds = {source.name: source.maximum_concurrency for source in app_of(PROJECT).event_sources if queue_of(source)}
    assert {name for name, bound in bounds.items() if bound is None} == {"hear", "escalate"}
    assert sum(filter(None, bounds.values())) <= 300
    assert all(2 <= bound <= 1000 for bound in bounds.values() if bound), "what Lambda takes"


def queue_of(source):
    return getattr(source, "queue", None)
