"""Follow-up protocols: built in."""

from typing import Any

from chalicelib.adapters.library import protocols
from chalicelib.domain.protocol_reading import write_protocol
from chalicelib.web import answers
from chalicelib.web.door import Call
from chalicelib.web.problems import not_found


def listed(_: Call) -> dict[str, Any]:
    return answers.page([write_protocol(p) for p in protocols().values()], None)


def one(_: Call, protocol_id: str) -> dict[str, Any]:
    found = protocols().get(protocol_id)
    if found is None:
        raise not_found()
    return write_protocol(found)
