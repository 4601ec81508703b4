"""The roster: a clinic's patients in order of name, looked through without opening a single chart."""

import unicodedata
from collections.abc import Mapping
from datetime import datetime

from chalicelib.adapters import keys
from chalicelib.adapters.documents import pack, unpack
from chalicelib.adapters.schema import ROSTER
from chalicelib.adapters.table import PK, SK, Item, Table
from chalicelib.domain.local_time import utc_text

PAGE = 500


def plain(text: str) -> str:
    """The text as it is searched: without case, accents or doubled spaces."""
    bare = (c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join("".join(bare).casefold().split())


def pauses_text(pauses: Mapping[datetime, datetime | None]) -> list[str]:
    """Pauses as the roster's index carries them: `start/until`, the end left out where there is none."""
    return [f"{utc_text(start)}/{utc_text(until) if until else ''}" for start, until in pauses.items()]


class TableRoster:
    def __init__(self, table: Table) -> None:
        self._table = table

    def find(
        self, clinic_id: str, *, status: str | None, q: str | None, limit: int, start: str | None, now: datetime
    ) -> tuple[list[str], str | None]:
        """A page of the ids that match, and where the next one starts; None when nothing more matches.

        Reads on past the page until it knows whether there is another match, so that no page is short but the last.
        """
        wanted = plain(q) if q else ""
        found: list[str] = []
        last: Item | None = None
        cursor = unpack(start, dict[str, str]) if start else None
        while True:
            page = self._table.query(keys.roster(clinic_id), index=ROSTER.name, limit=PAGE, start=cursor)
            for row in page.items:
                if not _matches(row, status, wanted, now):
                    continue
                if len(found) == limit:
                    assert last is not None
                    return found, _place(last)
                found.append(str(row["patient"]))
                last = row
            cursor = dict(page.next) if page.next else None
            if cursor is None:
                return found, None


def _matches(row: Item, status: str | None, wanted: str, now: datetime) -> bool:
    if status is not None and _status(row, now) != status:
        return False
    if not wanted:
        return True
    name, _, given = str(row["name"]).partition(", ")
    return any(wanted in plain(text) for text in (f"{name}, {given}", f"{given} {name}", str(row["external_id"])))


def _status(row: Item, now: datetime) -> str:
    held = row.get("pauses")
    if row["status"] == "active" and isinstance(held, list | tuple):
        at = utc_text(now)
        for each in held:
            start, _, until = str(each).partition("/")
            if start <= at and (not until or at < until):
                return "paused"
    return str(row["status"])


def _place(row: Item) -> str:
    return pack({name: str(row[name]) for name in (PK, SK, ROSTER.pk, ROSTER.sk)})
