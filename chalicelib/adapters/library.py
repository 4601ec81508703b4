"""The follow-up protocols that ship with the package, and what a clinic may build its own from."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from chalicelib.adapters.copybook import copybook
from chalicelib.domain import protocol_reading
from chalicelib.domain.protocol import Protocol
from chalicelib.domain.wording import Role

BUILT_IN = (
    "neuro_emsci",
    "neuro_isncsci",
    "program_18mo",
    "discharge_12wk",
    "spasticity",
    "meds_oral_baclofen",
    "meds_itb_pump",
    "botulinum",
    "annual",
    "skin",
    "bladder_bowel",
    "ad_education",
    "ischemic_addon",
)
"""The files, in the order patients get and clinics see them (clinical reference §2)."""

SLOTS = frozenset({"clinic", "phone", "emerg", "date", "url"})
"""What a protocol's own message can fill in; a text that needs the time of a visit belongs to the visit."""


@cache
def protocols() -> Mapping[str, Protocol]:
    """The built-in protocols by id, read once per process. A file that cannot be read raises ValueError at once."""
    found = [_protocol(name) for name in BUILT_IN]
    return MappingProxyType({protocol.id: protocol for protocol in found})


def raw(name: str) -> dict[str, Any]:
    """The JSON of a built-in protocol as it ships, by the name of its file."""
    page: dict[str, Any] = json.loads(files("chalicelib.protocols").joinpath(f"follow_up/{name}.json").read_bytes())
    return page


def _protocol(name: str) -> Protocol:
    read = protocol_reading.read_protocol(raw(name))
    if isinstance(read, Protocol):
        return read
    raise ValueError(f"{name}.json: " + "; ".join(f"{problem.field} {problem.message}" for problem in read))


@cache
def messages() -> frozenset[str]:
    """The names of the texts a protocol may send."""
    return frozenset(
        name
        for name, template in copybook().templates.items()
        if template.role is Role.INITIATED and template.slots <= SLOTS and not name.startswith(_NOT_A_STEP)
    )


_NOT_A_STEP = ("optin_confirm", "noresponse_nudge", "checkin_", "home_program")
"""Sent by the service itself, at enrolment, after silence and within check-ins."""


def schema() -> dict[str, Any]:
    """The shape of a protocol as a JSON Schema (draft 2020-12), for the OpenAPI document and for editors."""
    return protocol_reading.schema()
