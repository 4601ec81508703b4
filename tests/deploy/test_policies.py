"""Each function may do what it was seen to do, on what it was seen to do it to, and no more.

What they were seen to do is recorded anew at each run: tests/deploy/recording.py lives a week on real boto3 clients.
"""

import json
import subprocess
import sys

import pytest

from ops.functions import API, functions_of, lambda_name
from ops.stage import PROJECT, Place, Stage
from tests.deploy.recording import TABLE

FUNCTIONS = functions_of(PROJECT, "ranvier-dev")
KEY = "arn:aws:kms:us-east-1:123456789012:key/one"
HERE = Place(partition="aws", region="us-east-1", account="123456789012")
POLICIES = Stage("local", PROJECT).policies(HERE, KEY, TABLE)

UNREACHED = {
    "api_handler": {
        "dynamodb:BatchGetItem": "the rows of an import that is being read",
        "sqs:SendMessage ranvier-local-deliver": "a change that makes something due at once",
    },
    "escalate": {
        "ses:SendEmail": "a rung without a telephone after one with",
    },
    "hear": {
        "dynamodb:DeleteItem": "what waited to be told whose message it is, once it is told",
        "sqs:SendMessage ranvier-local-deliver": "a START after which something is due at once",
    },
    "import": {
        "dynamodb:BatchGetItem": "the rows of a chunk",
        "dynamodb:ConditionCheckItem": "that no address of theirs was stopped meanwhile",
        "dynamodb:DeleteItem": "what an erasure leaves to be swept",
        "dynamodb:PutItem": "the patients a chunk enrols; the record of a claim that was lost sight of; cursors anew",
        "dynamodb:UpdateItem": "a chunk's progress; such a record, where an event came before",
        "sqs:": "the next chunk, and what is due at once",
    },
    "deliver": {"sqs:SendMessage ranvier-local-note": "what follows where a provider will not take a reminder"},
    "note": {
        "sqs:SendMessage ranvier-local-deliver": "a change that makes something due at once",
        "sqs:SendMessage ranvier-local-note": "a text to be tried again in a while",
    },
    "tick": {"dynamodb:UpdateItem": "a reminder moved to its number's next free slot"},
    "watch": {
        "dynamodb:": "climbing what the escalation queue lost",
        "sms-voice:SendTextMessage": "the same",
        "ses:SendEmail": "the same",
    },
}
"""Rights for what the recorded week does not come to, each with what it is for."""


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    path = tmp_path_factory.mktemp("seen") / "calls.json"
    words = [sys.executable, "-m", "tests.deploy.recording", path]
    subprocess.run(words, cwd=PROJECT, check=True, capture_output=True, timeout=300)
    return {function: {tuple(pair) for pair in pairs} for function, pairs in json.loads(path.read_text()).items()}


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
    logs = f"arn:aws:logs:{account}:log-group:/aws/lambda/{lambda_name('ranvier-local', function)}:*"
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
            own_logs = resource.endswith(f":log-group:/aws/lambda/{lambda_name('ranvier-local', function)}:*")
            assert own_logs or resource.endswith(WIDE) or "*" not in resource, resource


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_a_function_has_every_right_it_used(seen, function):
    assert seen[function] - rights(function) == set()


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_a_function_used_every_right_it_has_but_those_named(seen, function):
    idle = rights(function) - seen[function] - set(runtime_rights(function))
    named = tuple(UNREACHED.get(function, {}))
    unnamed = {pair for pair in idle if not f"{pair[0]} {pair[1].rpartition(':')[2]}".startswith(named)}
    assert unnamed == set()


@pytest.mark.parametrize("function", sorted(UNREACHED))
def test_what_is_named_as_unreached_is_granted(function):
    granted = {f"{action} {resource.rpartition(':')[2]}" for action, resource in rights(function)}
    for name in UNREACHED[function]:
        assert any(right.startswith(name) for right in granted), name


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_the_secret_opens_for_its_own_stage_alone(function):
    [secret] = [each for each in POLICIES[function]["Statement"] if "kms:Decrypt" in each["Action"]]
    assert secret["Condition"] == {"StringEquals": {"kms:EncryptionContext:ranvier": "local"}}
