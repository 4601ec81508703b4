"""What an address may ask: the types its parameters are checked as, and the schemas that are published."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from chalicelib.domain.problem import Problem
from chalicelib.web.problems import wrong

Limit = Annotated[int, Meta(ge=1, le=100, extra={"hint": "must be a whole number from 1 to 100"})]
LongLimit = Annotated[int, Meta(ge=1, le=1000, extra={"hint": "must be a whole number from 1 to 1000"})]
Cursor = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_=-]+$",
        max_length=2048,
        extra={"hint": "must be the `next` of an earlier answer of this list"},
    ),
]
Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$", extra={"hint": "must be an id"})]
Search = Annotated[str, Meta(min_length=1, max_length=100, extra={"hint": "must be text of 1 to 100 characters"})]
Moment = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?Z)?$",
        extra={"hint": "must be an instant such as 2026-03-01T14:00:00Z, or a date"},
    ),
]
PatientStatus = Literal["active", "paused", "discharged", "deceased"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    kind: Any
    about: str
    example: str
    name: str = ""
    """As it is written in the address, where that differs from what it is called in the table of routes."""


PARAMETERS: Mapping[str, Parameter] = {
    "limit": Parameter(kind=Limit, about="How many items a page holds; 50 when left out.", example="50"),
    "timeline_limit": Parameter(
        kind=LongLimit, about="How many lines a page holds; 1000 when left out.", example="200", name="limit"
    ),
    "cursor": Parameter(kind=Cursor, about="The `next` of the page before.", example="eyJwayI6IkMifQ=="),
    "status": Parameter(kind=PatientStatus, about="Only patients of this status.", example="active"),
    "q": Parameter(
        kind=Search,
        about="Only patients whose name or external id holds this, whatever its case and accents.",
        example="ruiz",
    ),
    "patient": Parameter(kind=Id, about="Only what concerns this patient.", example="kq3Jv0sTqWm2Zb1x"),
    "state": Parameter(
        kind=Literal["open", "acked", "closed", "all"],
        about="Tasks in this state. Left out: `open` and `acked`, what is still to do.",
        example="open",
    ),
    "from": Parameter(kind=Moment, about="From this instant, or this date's UTC midnight, on.", example="2026-03-01"),
    "to": Parameter(kind=Moment, about="Up to this instant, or this date's UTC midnight.", example="2026-04-01"),
    "month": Parameter(
        kind=Annotated[
            str, Meta(pattern=r"^20\d{2}-(0[1-9]|1[0-2])$", extra={"hint": "must be a month such as 2026-03"})
        ],
        about="The month, in the clinic's zone; the present one when left out.",
        example="2026-03",
    ),
    "from_day": Parameter(
        kind=date, about="The first local day; four weeks back when left out.", example="2026-03-01", name="from"
    ),
    "to_day": Parameter(kind=date, about="The last local day; today when left out.", example="2026-03-31", name="to"),
    "dry_run": Parameter(kind=bool, about="Only check the file: nobody is enrolled.", example="true"),
    "format": Parameter(kind=Literal["json", "csv"], about="`csv` for a spreadsheet.", example="csv"),
}


def check(names: tuple[str, ...], query: Mapping[str, str]) -> None:
    """Raises a 422 that names every parameter that cannot be read as its type."""
    found = []
    for each in names:
        known = PARAMETERS[each]
        name = known.name or each
        if name in query and not _fits(query[name], known.kind):
            found.append(Problem(name, _hint(known.kind)))
    if found:
        raise wrong(found)


def _fits(text: str, kind: Any) -> bool:
    try:
        msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError:
        return False
    return kind is not Moment or _is_moment(text)


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _hint(kind: Any) -> str:
    for meta in getattr(kind, "__metadata__", ()):
        if meta.extra and "hint" in meta.extra:
            return str(meta.extra["hint"])
    choices = getattr(kind, "__args__", None)
    if choices:
        return "must be one of " + ", ".join(choices)
    return {bool: "must be true or false", date: "must be a date such as 2026-03-01"}[kind]
