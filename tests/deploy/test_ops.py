"""The commands on a stand-in of their services: what is made once, what is refused, what is told."""

import json
import shutil
from datetime import UTC, datetime

import boto3
import pytest
from moto import mock_aws

from chalicelib.adapters.sealed_secret import opened
from ops.account import at_home, runtime
from ops.kept import Kept, operator_token, sealed_secret
from ops.sandbox import Sandbox
from ops.stage import PROJECT, NotReady, Place, Stage

HERE = Place(partition="aws", region="us-east-1", account="123456789012")
NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)


@pytest.fixture
def stage(tmp_path):
    """A stage in a project of its own, whose files may be written."""
    shutil.copytree(
        PROJECT / ".chalice", tmp_path / ".chalice", ignore=shutil.ignore_patterns("deployed", "deployments")
    )
    return Stage("dev", tmp_path)


@pytest.fixture
def aws():
    """AWS's own clients, against moto; nobody's credentials."""
    with mock_aws():
        yield lambda service: boto3.client(service, region_name="us-east-1")


@pytest.fixture
def key(aws):
    return aws("kms").create_key()["KeyMetadata"]["Arn"]


@pytest.mark.parametrize("name", ["", "Prod", "a/b", "-x", "a" * 17, "../prod"])
def test_a_stage_has_a_name_that_can_stand_in_an_arn(name):
    with pytest.raises(NotReady):
        Stage(name)


def test_settings_are_written_once_and_what_an_operator_added_stays(stage):
    assert stage.write(HERE, {"RANVIER_TABLE": "ranvier-dev"}, "key") == ["RANVIER_TABLE"]
    stage.tell(RANVIER_KEY_RATE="10")
    assert stage.write(HERE, {"RANVIER_TABLE": "ranvier-dev"}, "key") == []
    assert stage.settings()["environment_variables"] == {"RANVIER_TABLE": "ranvier-dev", "RANVIER_KEY_RATE": "10"}


def test_every_function_gets_a_policy_with_nothing_left_to_fill_in(stage):
    stage.write(HERE, {}, "arn:aws:kms:us-east-1:123456789012:key/one")
    for function, own in stage.settings()["lambda_functions"].items():
        text = (stage.project / ".chalice" / own["iam_policy_file"]).read_text()
        assert "${" not in text, function
        assert json.loads(text)["Version"] == "2012-10-17"


@pytest.mark.parametrize(
    "elsewhere",
    [
        Place(partition="aws", region="eu-west-1", account="123456789012"),
        Place(partition="aws", region="us-east-1", account="999999999999"),
    ],
)
def test_a_stage_is_not_touched_from_another_region_or_account(stage, elsewhere):
    at_home(stage, elsewhere)  # never provisioned: anywhere will do
    stage.write(HERE, {}, "key")
    at_home(stage, HERE)
    with pytest.raises(NotReady, match="Nothing was changed"):
        at_home(stage, elsewhere)


def test_the_secret_is_made_once_and_opens_for_its_stage_alone(stage, aws, key):
    kept = Kept(aws("ssm"), stage)
    sealed = sealed_secret(kept, aws("kms"), stage, key)
    assert sealed_secret(kept, aws("kms"), stage, key) == sealed
    assert len(opened(aws("kms"), sealed.encode(), "dev")) == 32
    with pytest.raises(aws("kms").exceptions.ClientError):
        opened(aws("kms"), sealed.encode(), "prod")


def test_under_a_new_key_the_secret_stays_what_it_was(stage, aws, key):
    kept, kms = Kept(aws("ssm"), stage), aws("kms")
    before = opened(kms, sealed_secret(kept, kms, stage, key).encode(), "dev")
    other = kms.create_key()["KeyMetadata"]["Arn"]
    again = sealed_secret(kept, kms, stage, other)
    assert opened(kms, again.encode(), "dev") == before
    assert sealed_secret(kept, kms, stage, other) == again


def test_the_operators_token_is_shown_once_and_kept_as_a_digest(stage, aws):
    kept = Kept(aws("ssm"), stage)
    digest, token = operator_token(kept)
    assert token is not None
    assert token not in digest
    assert operator_token(kept) == (digest, None)
    renewed, other = operator_token(kept, renew=True)
    assert other is not None
    assert renewed != digest


def test_another_machine_goes_on_where_this_one_deployed(stage, aws, tmp_path):
    kept = Kept(aws("ssm"), stage)
    stage.deployed.parent.mkdir()
    stage.deployed.write_text('{"resources": [{"name": "tick"}]}')
    kept.save_deployed()
    assert kept.restore_deployed() is False
    stage.deployed.unlink()
    assert kept.restore_deployed() is True
    assert json.loads(stage.deployed.read_text()) == {"resources": [{"name": "tick"}]}


@pytest.mark.parametrize(
    ("name", "asked", "contacts", "said"),
    [
        ("prod", None, None, "Sandbox: off. Whoever clinics enrol is contacted."),
        ("dev", None, None, "Sandbox: on. This stage contacts nobody;"),
        ("dev", None, "+12025550123,ana@example.org", "Sandbox: on. This stage contacts only +12025550123, ana@"),
        ("dev", "off", None, "Sandbox: off."),
        ("prod", "on", "+12025550123", "Sandbox: on. This stage contacts only +12025550123;"),
    ],
)
def test_provision_says_whom_a_stage_contacts(stage, name, asked, contacts, said):
    assert str(Sandbox.of(Stage(name, stage.project), asked, contacts)).startswith(said)


def test_whom_a_stage_contacts_stays_until_it_is_said_again(stage):
    stage.write(HERE, Sandbox.of(stage, None, "+12025550123").settings(), "key")
    assert Sandbox.of(stage, None, None).contacts == ("+12025550123",)
    stage.write(HERE, Sandbox.of(stage, "off", None).settings(), "key")
    assert not Sandbox.of(stage, None, None).on


def test_what_is_no_contact_is_refused_by_name(stage):
    with pytest.raises(NotReady, match="'12025550123'"):
        Sandbox.of(stage, None, "12025550123")


@pytest.mark.parametrize(
    ("python", "said"),
    [((3, 11), "make setup PYTHON=python3.13"), ((3, 12), "one that lasts"), ((3, 13), "on python3.13"), ((3, 14), "")],
)
def test_provision_says_which_runtime_functions_get(python, said):
    assert said in runtime(python)


@pytest.mark.parametrize("python", [(3, 10), (3, 15)])
def test_a_python_that_lambda_does_not_run_is_refused(python):
    with pytest.raises(NotReady, match=r"none of 3\.11 to 3\.14"):
        runtime(python)
