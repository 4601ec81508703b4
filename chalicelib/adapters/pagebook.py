"""Reads the copy of the pages that ships with the package, beside the copybook's."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from chalicelib.adapters.copybook import LANGUAGES
from chalicelib.domain.wording.pages import PageCopy


@cache
def pagebook() -> Mapping[str, PageCopy]:
    """The pages' copy by language, read once per process. Copy that does not hold together raises at once."""
    folder = files("chalicelib.protocols").joinpath("copy/pages")
    return MappingProxyType(
        {code: parse_pages(code, json.loads(folder.joinpath(f"{code}.json").read_bytes())) for code in LANGUAGES}
    )


def parse_pages(code: str, sheet: Mapping[str, Any]) -> PageCopy:
    """One language's copy from the shape of its file; `KeyError` or `ValueError` where it differs."""
    said = {name: part for name, part in sheet.items() if name not in ("tag", "name")}
    return PageCopy(code=code, tag=sheet["tag"], name=sheet["name"], texts=MappingProxyType(dict(_flat(said, ""))))


def _flat(part: Mapping[str, Any], at: str) -> Iterator[tuple[str, str]]:
    for name, held in part.items():
        if isinstance(held, str):
            yield f"{at}{name}", held
        elif isinstance(held, dict):
            yield from _flat(held, f"{at}{name}.")
        else:
            raise ValueError(f"{at}{name} is neither a text nor a group of texts")
