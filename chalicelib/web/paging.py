"""Lists a page at a time: `?limit=&cursor=`, answered with `next`."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from chalicelib import wiring
from chalicelib.domain.problem import Problem
from chalicelib.web.door import Call
from chalicelib.web.problems import wrong

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    limit: int
    cursor: str | None
    list_name: str
    """The list and the clinic that a cursor is for: it opens no other."""

    def sealed(self, following: str | None) -> str | None:
        if following is None:
            return None
        return urlsafe_b64encode(f"{_mark(self.list_name, following)}.{following}".encode()).decode()


def _mark(list_name: str, following: str) -> str:
    """Shows that a cursor is ours: it holds keys of the table, which nobody else gets to choose."""
    return wiring.hasher().cursor(list_name, following)


def page_of(call: Call, *, most: int = 100, usual: int = 50) -> Page:
    """The page a request asks for. Raises a 422 that names a bad limit or cursor."""
    found: list[Problem] = []
    text = call.query.get("limit", str(usual))
    limit = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= limit <= most:
        found.append(Problem("limit", f"must be a whole number from 1 to {most}"))
    cursor = None
    list_name = f"{call.principal.clinic_id} {call.place}"
    if "cursor" in call.query:
        try:
            mark, _, cursor = urlsafe_b64decode(call.query["cursor"].encode()).decode().partition(".")
        except ValueError:
            mark, cursor = "", ""
        if not hmac.compare_digest(mark.encode(), _mark(list_name, cursor).encode()):
            found.append(Problem("cursor", "must be the `next` of an earlier answer"))
    if found:
        raise wrong(found)
    return Page(limit=limit, cursor=cursor, list_name=list_name)


def cut(items: Sequence[T], page: Page) -> tuple[Sequence[T], str | None]:
    """A page of what is all at hand: its cursor is the place of its first item."""
    start = int(page.cursor) if page.cursor and page.cursor.isdigit() else 0
    end = start + page.limit
    return items[start:end], page.sealed(str(end)) if end < len(items) else None
