"""Clinics, their keys and their stop switch."""

from dataclasses import replace
from http import HTTPStatus
from typing import Any

import msgspec
from chalice.app import Response

from chalicelib import wiring
from chalicelib.adapters.secrets import fresh_id, fresh_secret, hash_of_secret
from chalicelib.domain.clinic import Clinic
from chalicelib.domain.problem import Problem
from chalicelib.service import switch
from chalicelib.service.chart import AccessKey
from chalicelib.web import answers, checks
from chalicelib.web.access import Role
from chalicelib.web.bodies import ClinicChange, NewClinic, NewKey, Stop
from chalicelib.web.door import Call
from chalicelib.web.journal import note_change
from chalicelib.web.problems import Refused, conflict, not_found, stale, wrong
from chalicelib.web.reading import read


def create(call: Call) -> Response:
    body, found = read(call.json, NewClinic)
    clinic = checks.clinic(body, fresh_id(), found)
    if clinic is None:
        raise wrong(found)
    clinic = replace(clinic, created_at=call.now)
    if not wiring.store().create_clinic(clinic):
        raise _number_taken()
    return Response(answers.clinic(clinic), status_code=HTTPStatus.CREATED)


def listed(_: Call) -> dict[str, Any]:
    return answers.page([answers.clinic(c) for c in wiring.store().clinics()], None)


def create_key(call: Call, clinic_id: str) -> Response:
    clinic = _for_keys(call, clinic_id)
    body, found = read(call.json, NewKey)
    if found:
        raise wrong(found)
    secret = fresh_secret()
    key = AccessKey(
        id=fresh_id(),
        clinic_id=clinic.id,
        role=body.role,
        label=body.label,
        secret_hash=hash_of_secret(secret),
        created_at=call.now,
    )
    wiring.store().add_key(key)
    note_change(call, "key.create", f"{key.role} {key.id}", clinic.id)
    return Response(answers.key(key, secret), status_code=HTTPStatus.CREATED)


def keys(call: Call, clinic_id: str) -> dict[str, Any]:
    clinic = _for_keys(call, clinic_id)
    found = sorted(wiring.store().keys(clinic.id), key=lambda key: (key.created_at, key.id))
    return answers.page([answers.key(each) for each in found], None)


def revoke_key(call: Call, clinic_id: str, key_id: str) -> Response:
    clinic = _for_keys(call, clinic_id)
    for key in wiring.store().keys(clinic.id):
        if key.id == key_id:
            wiring.store().revoke_key(key)
            note_change(call, "key.revoke", f"{key.role} {key.id}", clinic.id)
            return Response("", status_code=HTTPStatus.NO_CONTENT)
    raise not_found()


def _for_keys(call: Call, clinic_id: str) -> Clinic:
    if call.principal.role is not Role.OPERATOR and call.principal.clinic_id != clinic_id:
        raise not_found()
    if "#" in clinic_id:
        raise not_found()
    clinic = wiring.store().clinic(clinic_id)
    if clinic is None:
        raise not_found()
    return clinic


def own_clinic(call: Call) -> Clinic:
    """The clinic of the token."""
    clinic = wiring.store().clinic(call.principal.clinic_id)
    if clinic is None:
        raise not_found()
    return clinic


def own(call: Call) -> Response:
    return _shown(own_clinic(call))


def change(call: Call) -> Response:
    """The settings as they stand with the given ones in their place, checked as a new clinic's are."""
    sent = call.json
    if not isinstance(sent, dict):
        raise wrong(read(sent, ClinicChange)[1])
    before = own_clinic(call)
    whole = {name: value for name, value in answers.clinic(before).items() if name in _SETTINGS}
    body, found = read({**whole, **sent}, NewClinic)
    described = checks.clinic(body, before.id, found)
    if described is None:
        raise wrong(found)
    check_version(call, before.version)
    after = replace(
        described,
        version=before.version + 1,
        created_at=before.created_at,
        stopped_at=before.stopped_at,
        stop_reason=before.stop_reason,
    )
    if not wiring.store().replace_clinic(before, after):
        if after.sms_number != before.sms_number and own_clinic(call).version == before.version:
            raise _number_taken()
        raise stale()
    note_change(call, "clinic.change", ", ".join(sorted(sent)))
    return _shown(after)


_SETTINGS = frozenset(f.encode_name for f in msgspec.structs.fields(NewClinic))


def check_version(call: Call, version: int) -> None:
    """Raises a 412 when If-Match names another version than the one that stands; without it nothing is asked."""
    asked = call.headers.get("if-match")
    if asked is not None and int(asked.strip('"')) != version:
        raise stale()


def _shown(clinic: Clinic) -> Response:
    return Response(answers.clinic(clinic), headers={"ETag": f'"{clinic.version}"'})


def _number_taken() -> Refused:
    return conflict(
        "That number sends for another clinic already.",
        [Problem("sms_number", "is another clinic's sending number; each clinic needs one of its own")],
    )


def stop(call: Call) -> dict[str, Any]:
    body, found = read(call.json if call.raw else {}, Stop)
    if found:
        raise wrong(found)
    shards = wiring.settings().shards
    done = switch.stop(wiring.store(), own_clinic(call), reason=body.reason, now=call.now, shards=shards)
    return _switched(call, done)


def start(call: Call) -> dict[str, Any]:
    shards = wiring.settings().shards
    queue = wiring.queue("deliver")
    return _switched(call, switch.start(wiring.store(), queue, own_clinic(call), now=call.now, shards=shards))


def _switched(call: Call, after: Clinic | None) -> dict[str, Any]:
    if after is None:
        raise conflict("The clinic's settings were changed by somebody else at the same moment; try again.")
    note_change(call, "clinic.stop" if after.stopped_at else "clinic.start", after.stop_reason or "")
    return answers.clinic(after)
