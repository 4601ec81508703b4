"""What DynamoDB says when it is busy or unwell: its mock never is, so a server says it."""

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from chalicelib.adapters.dynamo import DynamoTable
from chalicelib.adapters.table import Absent, Busy, Change, Check, Invalid, Key, Put, Refused, Written

from . import wire
from .conftest import AWS

A, B = Key("p", "a"), Key("p", "b")
PUT_A, PUT_B = Put({"pk": "p", "sk": "a"}), Put({"pk": "p", "sk": "b"})


@pytest.fixture(scope="module")
def server():
    with wire.provider() as provider:
        yield provider


@pytest.fixture
def provider(server):
    server.requests.clear()
    return server


@pytest.fixture(scope="module")
def table(server):
    # Two attempts, not the deployed four: the waits between them are botocore's and grow.
    config = Config(retries={"mode": "standard", "total_max_attempts": 2})
    return DynamoTable(boto3.client("dynamodb", endpoint_url=server.url, config=config, **AWS), "ranvier")


def cancelled(*codes: str, **item: object):
    reasons = [{"Code": code, **({"Item": item} if code == "ConditionalCheckFailed" else {})} for code in codes]
    return wire.error(400, "TransactionCanceledException", CancellationReasons=reasons)


@pytest.mark.parametrize(
    "code", ["TransactionConflictException", "ThrottlingException", "ProvisionedThroughputExceededException"]
)
def test_a_single_write_in_conflict_or_throttled_is_busy_not_refused(provider, table, code: str):
    provider.answer = wire.error(400, code)
    with pytest.raises(Busy, match=code):
        table.write(Change(A, put={"x": 1}, when=Absent()))


@pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_transaction_cancelled_by_another_is_busy_not_refused(provider, table, code: str):
    provider.answer = cancelled("None", code)
    with pytest.raises(Busy, match=code):
        table.write(PUT_A, PUT_B)


def test_a_failed_condition_is_told_even_beside_a_conflict(provider, table):
    provider.answer = cancelled("TransactionConflict", "ConditionalCheckFailed", pk={"S": "p"}, n={"N": "7"})
    assert table.write(PUT_A, Put(PUT_B.item, when=Absent())) == Refused(op=1, current={"pk": "p", "n": 7})


def test_a_broken_request_is_invalid_and_quotes_nothing(provider, table):
    provider.answer = wire.error(400, "ValidationException")
    with pytest.raises(Invalid) as single:
        table.write(PUT_A)
    provider.answer = cancelled("None", "ValidationError")
    with pytest.raises(Invalid) as transaction:
        table.write(PUT_A, PUT_B)
    assert (str(single.value), str(transaction.value)) == ("ValidationException", "ValidationError")


def test_what_has_no_name_here_passes_as_it_is(provider, table):
    provider.answer = wire.error(400, "AccessDeniedException")
    with pytest.raises(ClientError, match="AccessDenied"):
        table.get(A)
    provider.answer = cancelled("None", "SomethingNew")
    with pytest.raises(ClientError, match="TransactionCanceled"):
        table.write(PUT_A, PUT_B)


def test_a_lost_answer_is_asked_for_again_with_the_same_token(provider, table):
    provider.answer = _in_turn(provider, wire.error(500, "InternalServerError"), wire.ok({}))
    assert table.write(PUT_A, Check(B, Absent())) == Written(items=(PUT_A.item, None))
    tokens = [request["body"]["ClientRequestToken"] for request in provider.requests]
    assert len(tokens) == 2
    assert tokens[0] == tokens[1]


def test_keys_left_unread_are_asked_for_again(provider, table):
    def answer(*keys: str, left: tuple[str, ...] = ()) -> wire.Answer:
        wired = [{"pk": {"S": "p"}, "sk": {"S": key}} for key in keys]
        rest = [{"pk": {"S": "p"}, "sk": {"S": key}} for key in left]
        unread = {"ranvier": {"Keys": rest, "ConsistentRead": True}} if rest else {}
        return wire.ok({"Responses": {"ranvier": wired}, "UnprocessedKeys": unread})

    provider.answer = _in_turn(provider, answer("b", left=("a",)), answer(left=("a",)), answer("a"))
    assert table.get_many([A, B]) == [PUT_A.item, PUT_B.item]
    assert [len(request["body"]["RequestItems"]["ranvier"]["Keys"]) for request in provider.requests] == [2, 1, 1]


def test_keys_never_read_end_in_busy(provider, table):
    left = {"ranvier": {"Keys": [{"pk": {"S": "p"}, "sk": {"S": "a"}}]}}
    provider.answer = wire.ok({"Responses": {}, "UnprocessedKeys": left})
    with pytest.raises(Busy):
        table.get_many([A])
    assert len(provider.requests) == 4


def _in_turn(provider, *answers: wire.Answer) -> wire.Answer:
    """Each answer once, in order."""

    def answer(caller) -> None:
        answers[len(provider.requests) - 1](caller)

    return answer


def test_reads_are_as_consistent_as_asked(provider, table):
    """The mock reads everything consistently, so only the request can tell: the last check before a send is one."""
    provider.answer = wire.ok({"Items": []})
    table.get(A)
    table.get(A, consistent=False)
    table.query("p", consistent=True)
    table.query("p")
    assert [request["body"]["ConsistentRead"] for request in provider.requests] == [True, False, True, False]
    provider.answer = wire.ok({"Responses": {}})
    table.get_many([A])
    table.get_many([A], consistent=False)
    batches = [request["body"]["RequestItems"]["ranvier"] for request in provider.requests[4:]]
    assert [batch["ConsistentRead"] for batch in batches] == [True, False]
