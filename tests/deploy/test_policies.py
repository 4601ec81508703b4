"""Each function may do what it was seen to do, on what it was seen to do it to, and no more.

`seen.json` is what tests/deploy/recorder.py wrote down while the journeys ran on real boto3 clients; `make seen`
writes it anew, and `make prove` holds it to a fresh recording.
"""

import json
from pathlib import Path

import pytest

from ops.functions import API, functions_of
from ops.stage import PROJECT, Place, Stage

FUNCTIONS = functions_of(PROJECT, "ranvier-dev")
KEY = "arn:aws:kms:us-east-1:123456789012:key/one"
POLICIES = Stage("local", PROJECT).policies(Place(partition="aws", region="us-east-1", account="123456789012"), KEY)
SEEN = json.loads(Path(__file__).with_name("seen.json").read_text())

WIDE = ("phone-number/*", "identity/*")
"""What a stage cannot name beforehand: the numbers and addresses that its clinics will send from."""


def rights(function):
    """Every (action, resource) pair the policy grants."""
    return {
        (action, resource)
        for statement in POLICIES[function]["Statement"]
        for action in statement["Action"]
        for resource in statement["Resource"]
    }


def runtime_rights(function):
    """What Lambda needs on a function's behalf, and the opening of the secret when it starts."""
    account = "us-east-1:123456789012"
    logs = f"arn:aws:logs:{account}:log-group:/aws/lambda/ranvier-local-{function}:*"
    yield from (("logs:CreateLogStream", logs), ("logs:PutLogEvents", logs), ("kms:Decrypt", KEY))
    if FUNCTIONS[function].queue:
        queue = f"arn:aws:sqs:{account}:ranvier-local-{FUNCTIONS[function].queue}"
        yield from ((f"sqs:{verb}", queue) for verb in ("DeleteMessage", "GetQueueAttributes", "ReceiveMessage"))


def test_every_function_has_a_policy_and_every_policy_a_function():
    assert sorted(POLICIES) == sorted(FUNCTIONS)
    assert API in POLICIES


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_a_policy_names_its_actions_and_its_resources(function):
    for statement in POLICIES[function]["Statement"]:
        assert statement["Effect"] == "Allow"
        for action in statement["Action"]:
            assert "*" not in action, action
        for resource in statement["Resource"]:
            own_logs = resource.endswith(f":log-group:/aws/lambda/ranvier-local-{function}:*")
            assert own_logs or resource.endswith(WIDE) or "*" not in resource, resource


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_a_function_has_every_right_it_used(function):
    used = {tuple(pair) for pair in SEEN[function]}
    assert used - rights(function) == set()


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_a_function_used_every_right_it_has(function):
    used = {tuple(pair) for pair in SEEN[function]} | set(runtime_rights(function))
    assert rights(function) - used == set()


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_the_secret_opens_for_its_own_stage_alone(function):
    [secret] = [each for each in POLICIES[function]["Statement"] if "kms:Decrypt" in each["Action"]]
    assert secret["Condition"] == {"StringEquals": {"kms:EncryptionContext:ranvier": "local"}}
