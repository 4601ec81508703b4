"""moto with its hot spots replaced answers as moto does, and no slower for a larger table."""

import random

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from bench.agenda import calls
from chalicelib.adapters.schema import create_table_request
from local import fast_answers, fast_dynamodb

COMPARISONS = ["=", "<", "<=", ">", ">="]


def workload(seed: int, steps: int = 150):
    """A random life of one table: every answer and every error, in order."""
    rng = random.Random(seed)
    dynamodb = boto3.client("dynamodb", region_name="us-east-1")
    dynamodb.create_table(**create_table_request("t"))
    seen = []
    for _ in range(steps):
        operation, arguments = rng.choice([put, update, delete, transact, batch, query, query, query, scan])(rng)
        try:
            answer = getattr(dynamodb, operation)(**arguments)
        except ClientError as error:
            answer = error.response
        answer.pop("ResponseMetadata")
        seen.append((operation, arguments, answer))
    last = dynamodb.scan(TableName="t")
    return seen, sorted(last["Items"], key=lambda item: (item["pk"]["S"], item["sk"]["S"]))


def s(value) -> dict:
    return {"S": str(value)}


def key(rng) -> dict:
    return {"pk": s(f"p{rng.randrange(4)}"), "sk": s(f"s{rng.randrange(8)}")}


def item(rng) -> dict:
    made = key(rng) | {"n": {"N": str(rng.randrange(5))}, "m": {"M": {"l": {"L": [s("a"), {"BOOL": True}]}}}}
    if rng.random() < 0.7:  # sparse
        made |= {"due_pk": s(f"d{rng.randrange(2)}"), "due_sk": s(f"2026-0{rng.randrange(1, 9)}#x")}
    if rng.random() < 0.5:
        made |= {"work_pk": s("w"), "work_sk": s(rng.randrange(3)), "tags": {"SS": ["b", "a"]}, "z": {"NULL": True}}
    return made


def put(rng):
    condition = {"ConditionExpression": "attribute_not_exists(pk)"} if rng.random() < 0.3 else {}
    return "put_item", {"TableName": "t", "Item": item(rng), "ReturnValues": "ALL_OLD"} | condition


def change(rng):
    expression, values = rng.choice(
        [
            ("SET n = n + :n", {":n": {"N": "1"}}),
            ("SET due_sk = :d, due_pk = :p", {":d": s(f"2026-0{rng.randrange(1, 9)}#y"), ":p": s("d1")}),
            ("REMOVE due_sk, due_pk SET n = :n", {":n": {"N": "0"}}),
            ("ADD n :n", {":n": {"N": "2"}}),
        ]
    )
    made = {"TableName": "t", "Key": key(rng), "UpdateExpression": expression, "ExpressionAttributeValues": values}
    if rng.random() < 0.4:
        made["ConditionExpression"] = "attribute_exists(pk) AND n < :limit"
        values[":limit"] = {"N": "3"}
    return made


def update(rng):
    return "update_item", change(rng) | {
        "ReturnValues": "ALL_NEW",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def delete(rng):
    return "delete_item", {"TableName": "t", "Key": key(rng), "ReturnValues": "ALL_OLD"}


def transact(rng):
    def entry():
        match rng.randrange(4):
            case 0:
                return {"Put": {"TableName": "t", "Item": item(rng)}}
            case 1:
                return {"Update": change(rng)}
            case 2:
                return {"Delete": {"TableName": "t", "Key": key(rng)}}
            case _:
                check = {"TableName": "t", "Key": key(rng), "ConditionExpression": "attribute_exists(pk)"}
                return {"ConditionCheck": check | {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}}

    return "transact_write_items", {"TransactItems": [entry() for _ in range(rng.randrange(1, 4))]}


def batch(rng):
    puts = {(found["pk"]["S"], found["sk"]["S"]): found for found in (item(rng) for _ in range(3))}
    return "batch_write_item", {"RequestItems": {"t": [{"PutRequest": {"Item": found}} for found in puts.values()]}}


def query(rng):
    index = rng.choice([None, "due", "work"])
    part, sort = {None: ("pk", "sk"), "due": ("due_pk", "due_sk"), "work": ("work_pk", "work_sk")}[index]
    held = {
        None: (f"p{rng.randrange(4)}", [f"s{n}" for n in range(8)]),
        "due": (f"d{rng.randrange(2)}", [f"2026-0{n}" for n in range(1, 9)]),
        "work": ("w", ["0", "1", "2"]),
    }[index]
    values = {":p": s(held[0])}
    expression = f"{part} = :p"
    low, high = sorted(rng.choices(held[1], k=2))
    match rng.randrange(4):
        case 0:
            expression += f" AND {sort} {rng.choice(COMPARISONS)} :a"
            values[":a"] = s(low)
        case 1:
            expression += f" AND {sort} BETWEEN :a AND :b"
            values |= {":a": s(low), ":b": s(high)}
        case 2:
            expression += f" AND begins_with({sort}, :a)"
            values[":a"] = s(low[: rng.randrange(1, len(low) + 1)])
    made = {"TableName": "t", "KeyConditionExpression": expression, "ExpressionAttributeValues": values}
    made |= {"IndexName": index} if index else {"ConsistentRead": True}
    if rng.random() < 0.5:
        made["Limit"] = rng.randrange(1, 5)
    if rng.random() < 0.3:
        made |= {"FilterExpression": "n > :n"}
        values[":n"] = {"N": "1"}
    if rng.random() < 0.5:
        made["ScanIndexForward"] = False
    if rng.random() < 0.3:
        start = key(rng)
        start |= {part: s(held[0]), sort: s(low)} if index else {"pk": s(held[0])}
        made["ExclusiveStartKey"] = start
    return "query", made


def scan(rng):
    return "scan", {"TableName": "t", "Limit": rng.randrange(1, 20)}


@pytest.fixture
def fast():
    yield
    fast_answers.uninstall()
    fast_dynamodb.uninstall()


@pytest.mark.parametrize("seed", range(4))
def test_a_random_life_of_a_table_is_answered_as_moto_answers_it(seed, fast):
    with mock_aws():
        expected, kept = workload(seed)
    with mock_aws():
        fast_dynamodb.install()
        fast_answers.install()
        found, ended = workload(seed)
    for expected_step, step in zip(expected, found, strict=True):
        assert step == expected_step
    assert ended == kept
    assert {operation for operation, _, answer in found if "Error" in answer} >= {"transact_write_items"}


def test_a_cancelled_transaction_leaves_indexes_as_they_were(fast):
    with mock_aws():
        fast_dynamodb.install()
        dynamodb = boto3.client("dynamodb", region_name="us-east-1")
        dynamodb.create_table(**create_table_request("t"))
        old = {"pk": s("p"), "sk": s("s"), "due_pk": s("d"), "due_sk": s("2026-01#p")}
        dynamodb.put_item(TableName="t", Item=old)
        moved = {"Put": {"TableName": "t", "Item": old | {"due_sk": s("2026-09#p")}}}
        new = {
            "Put": {"TableName": "t", "Item": {"pk": s("q"), "sk": s("s"), "due_pk": s("d"), "due_sk": s("2026-02#q")}}
        }
        absent = {"pk": s("absent"), "sk": s("s")}
        check = {"TableName": "t", "Key": absent, "ConditionExpression": "attribute_exists(pk)"}
        with pytest.raises(ClientError, match="TransactionCanceled"):
            dynamodb.transact_write_items(TransactItems=[moved, new, {"ConditionCheck": check}])
        due = dynamodb.query(
            TableName="t",
            IndexName="due",
            KeyConditionExpression="due_pk = :p",
            ExpressionAttributeValues={":p": s("d")},
        )
        assert [found["due_sk"]["S"] for found in due["Items"]] == ["2026-01#p"]


def test_a_query_and_a_transaction_cost_the_same_in_a_table_of_thousands(fast):
    with mock_aws():
        fast_dynamodb.install()
        fast_answers.install()
        dynamodb = boto3.client("dynamodb", region_name="us-east-1")
        dynamodb.create_table(**create_table_request("t"))

        def fill(first: int, last: int) -> None:
            for start in range(first, last, 25):
                puts = [
                    {"PutRequest": {"Item": {"pk": s(f"p{n}"), "sk": s("s"), "due_pk": s("d"), "due_sk": s(f"{n:06}")}}}
                    for n in range(start, start + 25)
                ]
                dynamodb.batch_write_item(RequestItems={"t": puts})

        def ask() -> None:
            dynamodb.query(
                TableName="t",
                IndexName="due",
                KeyConditionExpression="due_pk = :p AND due_sk BETWEEN :a AND :b",
                ExpressionAttributeValues={":p": s("d"), ":a": s("000100"), ":b": s("000103")},
            )
            write = {"TableName": "t", "Item": {"pk": s("new"), "sk": s("s")}}
            dynamodb.transact_write_items(TransactItems=[{"Put": write}])

        fill(0, 200)
        among_hundreds = calls(ask)
        fill(200, 4000)
        assert calls(ask) < 1.2 * among_hundreds
