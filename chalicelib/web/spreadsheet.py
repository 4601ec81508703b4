"""Spreadsheets as they are really exported: what the bytes say, cell by cell, and what a cell means to us."""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from chalicelib.domain.problem import Problem

MONTH_FIRST = frozenset({"US", "PR", "PH"})
"""Where 3/4/2026 is the fourth of March. Everywhere else it is the third of April."""

_EXCEL_EPOCH = date(1899, 12, 30)
"""Day 0 of Excel's serial dates, its belief in a 29 February 1900 included."""

_SERIALS = range(7_306, 73_051)
"""1920 to 2099: other numbers are no dates of a patient's."""

_YES = frozenset({"yes", "y", "true", "1", "x", "si", "sí", "s", "oui", "o", "vrai", "verdadero", "是"})
_NO = frozenset({"no", "n", "false", "0", "non", "faux", "falso", "否"})

_DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRow:
    line: int
    """Of the file, where the row begins; the head is on line 1 unless Excel put `sep=` before it."""
    cells: Mapping[str, str] = field(repr=False)


class Unreadable(Exception):
    """The file as a whole is no table; the message says why."""


def read_sheet(raw: bytes) -> tuple[list[str], list[SheetRow]]:
    """The head, in our spelling, and every row that is not blank. Raises `Unreadable`."""
    text = _decoded(raw)
    offset = 0
    if text[:4].lower() == "sep=":
        first, _, text = text.partition("\n")
        offset, delimiter = 1, first.strip()[4:5] or ","
    else:
        delimiter = _delimiter(text)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        head = [spelled(cell) for cell in next(lines, [])]
        rows = list(_rows(lines, head, offset))
    except csv.Error as broken:
        raise Unreadable(f"the table breaks off: {broken}") from None
    if not any(head):
        raise Unreadable("the file is empty: its first line must name the columns")
    twice = sorted({name for name in head if name and head.count(name) > 1})
    if twice:
        raise Unreadable(f"a column is named twice: {', '.join(twice)}")
    return head, rows


def _rows(lines: Any, head: Sequence[str], offset: int) -> Iterator[SheetRow]:
    while True:
        begins = lines.line_num + 1 + offset
        cells = next(lines, None)
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            named = {name: _bare(cell) for name, cell in zip(head, cells, strict=False) if name}
            extra = [cell for cell in cells[len(head) :] if cell.strip()]
            yield SheetRow(line=begins, cells={**named, **({"": extra[0]} if extra else {})})


def _decoded(raw: bytes) -> str:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        # Excel's plain "CSV" is Windows-1252, which takes nearly any bytes; UTF-8 takes few by accident.
        encodings = ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            raise Unreadable("this is no CSV file; save the sheet as CSV (UTF-8)")
        return text
    raise Unreadable("its characters cannot be read; save the sheet as CSV (UTF-8)")


def _delimiter(text: str) -> str:
    """The one that the head has most of, outside quotes."""
    head = re.sub(r'"[^"]*"', "", text.partition("\n")[0])
    return max(_DELIMITERS, key=head.count)


def spelled(name: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "_", name.strip().lower()).strip("_")


def _bare(cell: str) -> str:
    """The cell on one line, without the apostrophe that keeps a spreadsheet from reading it as a formula."""
    text = " ".join(cell.split())
    return text[1:] if text[:1] == "'" and text[1:2] in "=+-@0123456789" else text


def as_bool(text: str, at: str, found: list[Problem]) -> bool | None:
    word = text.casefold()
    if word in _YES or word in _NO:
        return word in _YES
    found.append(Problem(at, "must be yes or no"))
    return None


def as_number(text: str, at: str, found: list[Problem]) -> int | None:
    if re.fullmatch(r"[0-9]{1,6}([.,]0+)?", text):
        return int(re.split("[.,]", text)[0])
    found.append(Problem(at, "must be a whole number"))
    return None


def as_date(text: str, country: str, at: str, found: list[Problem]) -> str | None:
    """The date in ISO form: from ISO, from the country's way of writing it, or from Excel's serial number."""
    # A time of midnight is how a date cell comes out of some databases.
    bare = re.sub(r"[ T]00:00(:00(\.0+)?)?Z?$", "", text)
    try:
        if re.fullmatch(r"[0-9]{4}([-/.])[0-9]{1,2}\1[0-9]{1,2}", bare):
            year, month, day = (int(part) for part in re.split("[-/.]", bare))
            return date(year, month, day).isoformat()
        if re.fullmatch(r"[0-9]{1,2}([-/.])[0-9]{1,2}\1[0-9]{4}", bare):
            one, other, year = (int(part) for part in re.split("[-/.]", bare))
            month, day = (one, other) if country in MONTH_FIRST else (other, one)
            return date(year, month, day).isoformat()
    except ValueError:
        order = "month/day/year" if country in MONTH_FIRST else "day/month/year"
        found.append(Problem(at, f"is no day of the calendar; dates here are read as year-month-day or {order}"))
        return None
    if re.fullmatch(r"[0-9]{4,5}([.,]0+)?", bare) and int(re.split("[.,]", bare)[0]) in _SERIALS:
        return (_EXCEL_EPOCH + timedelta(days=int(re.split("[.,]", bare)[0]))).isoformat()
    found.append(Problem(at, "must be a date with a four-digit year, such as 2026-03-01"))
    return None


def as_phone(text: str, at: str, found: list[Problem]) -> str | None:
    if re.fullmatch(r"[0-9][.,][0-9]+E\+?[0-9]+", text, re.IGNORECASE):
        found.append(Problem(at, "was shortened by the spreadsheet; make the column text and enter the number again"))
        return None
    return re.sub(r"\.0$", "", text)


def write_sheet(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """CSV with every cell quoted and nothing that a spreadsheet would run as a formula (CWE-1236)."""
    made = io.StringIO()
    lines = csv.writer(made, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    lines.writerow(head)
    lines.writerows([_safe(cell) for cell in row] for row in rows)
    return made.getvalue()


def _safe(cell: object) -> str:
    text = "" if cell is None else str(cell)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else text
