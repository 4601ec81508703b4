"""Idempotency-Key: a POST sent twice has one effect and one answer, for a day, however its twins are timed."""

import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from chalice.app import Response

from chalicelib import wiring
from chalicelib.adapters.ledger import OPERATOR, Once
from chalicelib.domain.problem import Problem
from chalicelib.web.door import KEYED, Call
from chalicelib.web.problems import Refused, not_found, wrong

KEPT = timedelta(hours=24)

UNDER_WAY = timedelta(seconds=60)
"""Longer than a request can run (API Gateway cuts it off after 29 s): past it, its function has died."""

RETRY_S = 2


def once(call: Call, place: str, answer: Callable[[], Response]) -> Response:
    """The answer to this request, made now or kept from before.

    A refusal is not kept: it changed nothing, and the same key may bring the corrected request.
    """
    key = call.headers[KEYED.lower()]
    if not 1 <= len(key) <= 255 or not all("!" <= c <= "~" for c in key):
        raise wrong([Problem(KEYED, "must be 1 to 255 printable ASCII characters without spaces")])
    ledger, seal = wiring.ledger(), wiring.seal()
    scope = call.principal.clinic_id or OPERATOR
    name = hashlib.sha256(f"{place}\n{key}".encode()).hexdigest()
    mine = Once(
        fingerprint=wiring.hasher().body(_body(call)),
        token=secrets.token_urlsafe(9),
        until=call.now + UNDER_WAY,
    )
    stands = ledger.begin(scope, name, mine, now=call.now)
    if stands is not None:
        return _again(call, stands, mine, lambda sealed: seal.open(sealed, scope=scope, name=key))
    try:
        made = answer()
    except Refused:
        ledger.release(scope, name, mine)
        raise
    words = json.dumps({"body": made.body, "headers": made.headers}).encode()
    ledger.settle(
        scope,
        name,
        replace(
            mine,
            until=call.now + KEPT,
            status=made.status_code,
            sealed=seal.close(words, scope=scope, name=key),
            patients=tuple(sorted(call.patients)),
        ),
    )
    return made


def _again(call: Call, stands: Once, mine: Once, open_sealed: Callable[[str], bytes]) -> Response:
    if stands.fingerprint != mine.fingerprint:
        raise wrong([Problem(KEYED, "came with another body before; a new request needs a new key")])
    if not stands.status:
        raise Refused(
            HTTPStatus.CONFLICT,
            "The same request is under way; ask again for its answer.",
            [Problem(KEYED, "is in use by a request that has not ended")],
            headers={"Retry-After": str(RETRY_S)},
        )
    # What an erasure removed is not shown again, even by an answer given before it.
    clinic = call.principal.clinic_id
    if any(wiring.store().enrolment(clinic, each) is None for each in stands.patients):
        raise not_found()
    kept: dict[str, Any] = json.loads(open_sealed(stands.sealed))
    headers = {**kept["headers"], "Idempotent-Replayed": "true"}
    return Response(kept["body"], headers=headers, status_code=stands.status)


def _body(call: Call) -> bytes:
    """The body as it is compared: JSON by what it says, anything else as it is."""
    try:
        said = json.dumps(json.loads(call.raw), sort_keys=True, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        said = hashlib.sha256(call.raw).hexdigest().encode()
    return said + json.dumps(sorted(call.query.items())).encode()
