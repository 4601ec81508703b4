"""Makes moto answer for DynamoDB quickly: the same answers, by shorter ways.

A request of DynamoDB's is JSON that names its operation, and so is the answer. moto 5.2.5 matches the address against
every service it knows, makes a WSGI request of it, and reads and writes the JSON member by member by the service's
model; here it goes to moto's operation as it is, and what that returns goes back. What moto refuses, and what brings
binary values or sets, goes the long way, which finds everything as it was.

moto also measures every item twice through a chain of properties, reads an item anew for each attribute an index
holds, and lists the methods of its answering class at every request. Together that is most of the time a call takes.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from moto.core import responses as core
from moto.core import utils
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.exceptions import ServiceException
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb import responses
from moto.dynamodb.models import utilities
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from werkzeug.exceptions import HTTPException

# Typed loosely: what they hold is replaced.
_Stubber: Any = BotocoreStubber
_Core: Any = core
_Responses: Any = responses
_Type: Any = DynamoType
_Item: Any = Item
_PROCESS_REQUEST = BotocoreStubber.process_request
_METHOD_NAMES = utils.method_names_from_class
_TO_DICT = utilities.dynamo_to_dict
_SIZE = DynamoType.size
_PROJECT = Item.project


def plain(value: object) -> dict[str, Any] | None:
    """An attribute as it goes over the wire, or None where moto should do it (binary, sets, anything odd)."""
    if isinstance(value, DynamoType):
        kind, held = value.type, value.value
    elif isinstance(value, Mapping) and len(value) == 1:
        [(kind, held)] = value.items()
    else:
        return None
    if kind in ("BOOL", "NULL") or (kind in ("S", "N") and isinstance(held, str)):
        return {kind: held}
    if kind == "L":
        members = [plain(member) for member in held]
        return None if None in members else {kind: members}
    if kind == "M":
        named = {name: plain(member) for name, member in held.items()}
        return None if None in named.values() else {kind: named}
    return None


def _to_dict(value: Any) -> Any:
    kind = type(value)
    if kind is str:
        return value
    if kind is DynamoType:
        return plain(value) or _TO_DICT(value)
    if kind is list:
        return [_to_dict(member) for member in value]
    if isinstance(value, dict):
        return {name: _to_dict(member) for name, member in value.items()}
    return _TO_DICT(value)


def _size(self: DynamoType) -> int:
    match self.type:
        case "S":
            return len(self.value.encode())
        case "L":
            return sum(map(_size, self.value))
        case "M":
            return sum(len(name.encode()) + _size(member) for name, member in self.value.items())
        case _:
            return _SIZE(self)


def _project(self: Item, expressions: list[list[str]]) -> Item:
    """Top-level attributes as they are; moto reads the whole item anew for each of them."""
    if any(len(path) != 1 for path in expressions):
        return _PROJECT(self, expressions)
    made = Item(self.hash_key, self.range_key, {})
    wanted = {path[0] for path in expressions}
    dict.update(made.attrs, {name: value for name, value in self.attrs.items() if name in wanted})
    return made


_ADDRESS = "https://dynamodb.us-east-1.amazonaws.com/"
_DIRECT = {
    "BatchGetItem": responses.DynamoHandler.batch_get_item,
    "DeleteItem": responses.DynamoHandler.delete_item,
    "GetItem": responses.DynamoHandler.get_item,
    "PutItem": responses.DynamoHandler.put_item,
    "Query": responses.DynamoHandler.query,
    "TransactWriteItems": responses.DynamoHandler.transact_write_items,
    "UpdateItem": responses.DynamoHandler.update_item,
}
_NOT_PLAIN = (b'{"B": ', b'{"BS": ', b'{"SS": ', b'{"NS": ')
_HEADERS = {"server": "amazon.com", "content-type": "application/x-amz-json-1.0", "x-amzn-requestid": "local"}


def process_request(stubber: BotocoreStubber, request: Any) -> Any:
    """In place of moto's: status, headers and body of the answer to one request."""
    return _answer(request) or _PROCESS_REQUEST(stubber, request)


def _answer(request: Any) -> tuple[int, dict[str, str], str] | None:
    """None for what is to go the long way, which then finds everything as it was."""
    act = _DIRECT.get(operation(request)) if request.url == _ADDRESS else None
    if act is None or any(mark in request.body for mark in _NOT_PLAIN):
        return None
    asked = responses.DynamoHandler()
    asked.current_account, asked.region = DEFAULT_ACCOUNT_ID, "us-east-1"
    asked.body = asked.params = json.loads(request.body)
    try:
        found = act(asked)
    except (HTTPException, ServiceException):
        return None
    return 200, dict(_HEADERS), json.dumps(found.result)


def operation(request: Any) -> str:
    """`PutItem` and the like; of what is used here only SES does not name it in a header."""
    target = request.headers.get("X-Amz-Target") or ".SendEmail"
    return str(target if isinstance(target, str) else target.decode()).rpartition(".")[2]


def install() -> None:
    _Stubber.process_request = process_request
    _Core.method_names_from_class = cache(_METHOD_NAMES)
    _Responses.dynamo_to_dict = _to_dict
    _Type.size = _size
    _Item.project = _project


def uninstall() -> None:
    _Stubber.process_request = _PROCESS_REQUEST
    _Core.method_names_from_class = _METHOD_NAMES
    _Responses.dynamo_to_dict = _TO_DICT
    _Type.size = _SIZE
    _Item.project = _PROJECT
