"""Reads the message copy that ships with the package."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from chalicelib.domain.wording import (
    Content,
    Copybook,
    EmailCopy,
    EmailSheet,
    Encoding,
    Frame,
    LanguageCopy,
    Role,
    SmsCopy,
    Template,
)

LANGUAGES = ("en", "es", "fr", "zh")


@cache
def copybook() -> Copybook:
    """The copy as shipped, read once per process. Copy that does not hold together raises at once."""
    shared = _read("templates")
    return parse_copybook(shared, {code: _read(code) for code in LANGUAGES})


def parse_copybook(shared: Mapping[str, Any], languages: Mapping[str, Mapping[str, Any]]) -> Copybook:
    """A copybook from the shape of the JSON files; `KeyError` or `ValueError` where it differs."""
    return Copybook(
        templates=MappingProxyType({name: _template(name, row) for name, row in shared["templates"].items()}),
        sheets=MappingProxyType({name: _sheet(name, row) for name, row in shared["emails"].items()}),
        languages=MappingProxyType({code: _language(code, page) for code, page in languages.items()}),
    )


def _read(name: str) -> dict[str, Any]:
    source = files("chalicelib.protocols").joinpath(f"copy/{name}.json")
    page: dict[str, Any] = json.loads(source.read_bytes())
    return page


def _template(name: str, row: Mapping[str, Any]) -> Template:
    return Template(
        name=name,
        role=Role(row["role"]),
        content=Content(row["content"]),
        slots=frozenset(row["slots"]),
        at_minimal=row.get("at_minimal"),
        email=row.get("email"),
    )


def _sheet(name: str, row: Mapping[str, Any]) -> EmailSheet:
    return EmailSheet(name=name, content=Content(row["content"]), slots=frozenset(row["slots"]))


def _language(code: str, page: Mapping[str, Any]) -> LanguageCopy:
    frame = page["frame"]
    return LanguageCopy(
        code=code,
        tag=page["tag"],
        encoding=Encoding(page["encoding"]),
        frame=Frame(
            greeting=frame["greeting"],
            not_live=frame["not_live"],
            why=frame["why"],
            manage=frame["manage"],
            buttons=MappingProxyType(dict(frame["buttons"])),
        ),
        sms=MappingProxyType({name: SmsCopy(text=row["text"], version=row["v"]) for name, row in page["sms"].items()}),
        email=MappingProxyType(
            {
                name: EmailCopy(subject=row["subject"], line=row["line"], version=row["v"])
                for name, row in page["email"].items()
            }
        ),
    )
