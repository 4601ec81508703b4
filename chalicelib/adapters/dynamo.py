"""DynamoDB in the store's language, on a low-level client."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import sleep
from typing import Any as Client

from botocore.exceptions import ClientError

from chalicelib.adapters.dynamo_wire import (
    Expression,
    from_wire,
    item_from_wire,
    item_to_wire,
    key_to_wire,
)
from chalicelib.adapters.schema import SCHEMA, Schema
from chalicelib.adapters.table import (
    PK,
    SK,
    Busy,
    Change,
    Check,
    Cursor,
    Invalid,
    Item,
    Key,
    Operation,
    Page,
    Put,
    Refused,
    Table,
    Written,
    check_range,
    check_write,
)

_BUSY = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ProvisionedThroughputExceeded",
        "RequestLimitExceeded",
        "ThrottlingError",
        "ThrottlingException",
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
_INVALID = frozenset({"ValidationError", "ValidationException", "ItemCollectionSizeLimitExceeded"})


class DynamoTable(Table):
    def __init__(self, client: Client, name: str, schema: Schema = SCHEMA) -> None:
        self._client = client
        self._name = name
        self._schema = schema

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        with _errors():
            answer = self._client.get_item(TableName=self._name, Key=key_to_wire(key), ConsistentRead=consistent)
        return _item(answer.get("Item"))

    def get_many(self, keys: Sequence[Key], *, consistent: bool = True) -> list[Item | None]:
        found: dict[Key, Item] = {}
        distinct = list(dict.fromkeys(keys))
        for first in range(0, len(distinct), 100):
            for item in self._batch(distinct[first : first + 100], consistent):
                found[Key.of(item)] = item
        return [found.get(key) for key in keys]

    def _batch(self, keys: Sequence[Key], consistent: bool) -> Iterator[Item]:
        """Up to 100 items. DynamoDB may leave some for another call, when throttled or beyond 16 MB."""
        asked = {self._name: {"Keys": [key_to_wire(key) for key in keys], "ConsistentRead": consistent}}
        fruitless = 0
        while asked:
            with _errors():
                answer = self._client.batch_get_item(RequestItems=asked)
            items = answer.get("Responses", {}).get(self._name, [])
            yield from map(item_from_wire, items)
            asked = answer.get("UnprocessedKeys", {})
            fruitless = 0 if items else fruitless + 1
            if asked and fruitless:
                if fruitless == 4:
                    raise Busy("BatchGetItem left keys unread four times running")
                sleep(0.05 * 2**fruitless)

    def query(
        self,
        pk: str,
        *,
        prefix: str | None = None,
        after: str | None = None,
        upto: str | None = None,
        index: str | None = None,
        limit: int | None = None,
        start: Cursor | None = None,
        forward: bool = True,
        consistent: bool = False,
    ) -> Page:
        check_range(prefix, after, upto, limit)
        if after is not None and upto is not None and after >= upto:
            return Page(items=(), next=None)  # DynamoDB refuses an empty range
        expression = Expression()
        pk_name, sk_name = PK, SK
        request: dict[str, object] = {}
        if index is not None:
            source = self._schema.index(index)
            pk_name, sk_name = source.pk, source.sk
            request["IndexName"] = index
        if limit is not None:
            request["Limit"] = limit
        if start is not None:
            request["ExclusiveStartKey"] = item_to_wire(start)
        with _errors():
            answer = self._client.query(
                TableName=self._name,
                KeyConditionExpression=expression.range((pk_name, pk), sk_name, prefix, after, upto),
                ScanIndexForward=forward,
                ConsistentRead=consistent,
                **expression.arguments(),
                **request,
            )
        last = answer.get("LastEvaluatedKey")
        return Page(
            items=tuple(map(item_from_wire, answer["Items"])),
            next=None if not last else {name: str(from_wire(value)) for name, value in last.items()},
        )

    def write(self, *operations: Operation) -> Written | Refused:
        check_write(operations)
        # A lone Check has no call of its own: DynamoDB knows it only inside a transaction.
        if len(operations) > 1 or isinstance(operations[0], Check):
            return self._transact(operations)
        return self._write_one(operations[0])

    def _write_one(self, op: Operation) -> Written | Refused:
        verb, request = self._request(op)
        call = {
            "Put": self._client.put_item,
            "Update": self._client.update_item,
            "Delete": self._client.delete_item,
        }
        returns = {"ReturnValues": "ALL_NEW"} if verb == "Update" else {}
        try:
            with _errors():
                answer = call[verb](**request, **returns)
        except ClientError as error:
            if _code(error) != "ConditionalCheckFailedException":
                raise
            return Refused(op=0, current=_item(error.response.get("Item")))
        return Written(items=(op.item if isinstance(op, Put) else _item(answer.get("Attributes")),))

    def _transact(self, operations: Sequence[Operation]) -> Written | Refused:
        requests = [self._request(op) for op in operations]
        try:
            with _errors():
                self._client.transact_write_items(TransactItems=[{verb: request} for verb, request in requests])
        except ClientError as error:
            if _code(error) != "TransactionCanceledException":
                raise
            return _cancelled(error)
        return Written(items=tuple(op.item if isinstance(op, Put) else None for op in operations))

    def _request(self, op: Operation) -> tuple[str, dict[str, Client]]:
        """The operation's name inside a transaction, and its arguments, alone or there."""
        expression = Expression()
        request: dict[str, Client] = {"TableName": self._name}
        if isinstance(op, Put):
            verb, request["Item"] = "Put", item_to_wire(op.item)
        else:
            verb = {Change: "Update", Check: "ConditionCheck"}.get(type(op), "Delete")
            request["Key"] = key_to_wire(op.key)
        if isinstance(op, Change):
            request["UpdateExpression"] = expression.update(op)
        if op.when is not None:
            request["ConditionExpression"] = expression.condition(op.when)
            request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        return verb, request | expression.arguments()


@contextmanager
def _errors() -> Iterator[None]:
    """DynamoDB's errors in the table's words where it has one; others pass."""
    try:
        yield
    except ClientError as error:
        _raise(_code(error), error)
        raise


def _raise(code: str, error: ClientError) -> None:
    # Only the code: a message may quote keys.
    if code in _BUSY:
        raise Busy(code) from error
    if code in _INVALID:
        raise Invalid(code) from error


def _cancelled(error: ClientError) -> Refused:
    """Which condition cancelled a transaction. Raises `Busy` or `Invalid` where none did."""
    reasons: Sequence[Mapping[str, Client]] = error.response.get("CancellationReasons", [])
    for position, reason in enumerate(reasons):
        if reason.get("Code") == "ConditionalCheckFailed":
            return Refused(op=position, current=_item(reason.get("Item")))
    for reason in reasons:
        _raise(reason.get("Code", ""), error)
    raise error


def _item(wire: Mapping[str, Client] | None) -> Item | None:
    return item_from_wire(wire) if wire else None


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
