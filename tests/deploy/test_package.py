"""The single-stack template passes what pipelines would ask of it."""

import shutil
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
import yaml
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from ops.functions import functions_of, lambda_name
from ops.package import SHIPS, package
from ops.stage import PROJECT, Stage


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """The template alone: without requirements nothing has to be fetched."""
    project = tmp_path_factory.mktemp("project")
    for name in SHIPS:
        found = PROJECT / name
        (shutil.copytree if found.is_dir() else shutil.copy2)(found, project / name)
    (project / "requirements.txt").write_text("")
    return (package(Stage("dev", project), tmp_path_factory.mktemp("build") / "dev") / "sam.yaml").read_text()


def test_cfn_lint_finds_nothing(template, tmp_path):
    (tmp_path / "sam.yaml").write_text(template)
    lint = Path(sys.executable).with_name("cfn-lint")
    ran = subprocess.run([lint, tmp_path / "sam.yaml"], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "")


def test_the_sam_translator_takes_it(template):
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name="us-east-1"))
    # As `aws cloudformation package` leaves it, which has put the zip into a bucket.
    uploaded = yaml.safe_load(template.replace("./deployment.zip", "s3://bucket/deployment.zip"))
    made = translator.translate(uploaded, parameter_values={"Stage": "dev"})
    kinds = [each["Type"] for each in made["Resources"].values()]
    assert kinds.count("AWS::Lambda::Function") == len(functions_of(PROJECT, "ranvier-dev"))


def test_its_functions_are_called_as_the_alarms_and_log_groups_call_them(template):
    resources = yaml.safe_load(template)["Resources"]
    made = {
        each["Properties"]["FunctionName"]["Fn::Sub"]
        for each in resources.values()
        if each["Type"] == "AWS::Serverless::Function"
    }
    assert made == {lambda_name("ranvier-${Stage}", name) for name in functions_of(PROJECT, "ranvier-dev")}


def test_nothing_secret_is_in_it(template):
    parameters = yaml.safe_load(template)["Parameters"]
    assert parameters["Secret"]["NoEcho"] is True
    assert "Default" not in parameters["Secret"]


def test_every_function_finds_the_pinned_zone_data_and_is_arm64(template):
    for name, each in yaml.safe_load(template)["Resources"].items():
        if each["Type"] == "AWS::Serverless::Function":
            assert each["Properties"]["Environment"]["Variables"]["PYTHONTZPATH"] == "/var/empty", name
            assert each["Properties"]["Architectures"] == ["arm64"], name


def test_queues_that_may_flood_are_bounded_in_it_too(template):
    resources = yaml.safe_load(template)["Resources"]
    deliver = resources["Deliver"]["Properties"]["Events"]["DeliverSqsEventSource"]["Properties"]
    assert deliver["ScalingConfig"] == {"MaximumConcurrency": 200}
