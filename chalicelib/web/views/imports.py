"""Spreadsheets of patients: checked at once, enrolled by the queue, and told row by row."""

import json
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

from chalice.app import Response

from chalicelib import wiring
from chalicelib.adapters.secrets import fresh_id
from chalicelib.domain.clinic import Clinic
from chalicelib.domain.problem import Problem
from chalicelib.domain.protocol import Protocol
from chalicelib.service.imports import MOST_ROWS, Outcome, Progress, Row, Upload, What, begin, chunks_of
from chalicelib.web.caps import take_enrolments
from chalicelib.web.door import Call
from chalicelib.web.journal import note_change
from chalicelib.web.problems import Refused, not_found, wrong
from chalicelib.web.spreadsheet import SheetRow, Unreadable, read_sheet, write_sheet
from chalicelib.web.upload import ReadRow, read_row, unknown_columns
from chalicelib.web.views.clinics import own_clinic
from chalicelib.web.views.protocols import library_of


def upload(call: Call) -> Response:
    clinic = own_clinic(call)
    rows = _sheet(call)
    good, refused = _checked(rows, clinic, library_of(call), call.now)
    new = sum(not row.known for row in good)
    dry = call.query.get("dry_run", "false").lower() in ("true", "1")
    if dry:
        return Response(
            {
                "id": None,
                "rows": len(rows),
                "valid": len(good),
                "created": new,
                "unchanged": len(good) - new,
                "errors": [_error(o) for o in refused],
                "state": "checked",
                "progress": 1.0,
                "dry_run": True,
            }
        )
    take_enrolments(clinic, new, now=call.now)
    made = Upload(
        id=fresh_id(),
        clinic_id=clinic.id,
        at=call.now,
        actor=call.principal.actor,
        rows=len(rows),
        valid=len(good),
        chunks=len(chunks_of(good)),
    )
    begin(wiring.imports(), wiring.queue("import"), made, good, refused)
    note_change(call, "import.upload", f"{made.id}: {made.rows} rows, {made.valid} valid")
    progress = wiring.imports().progress(clinic.id, made.id)
    assert progress is not None, "it was written a moment ago"
    return Response(_shown(progress), status_code=HTTPStatus.ACCEPTED)


def one(call: Call, import_id: str) -> dict[str, Any]:
    return _shown(_progress(call, import_id))


def result(call: Call, import_id: str) -> Response:
    """Every row and what came of it, for a spreadsheet."""
    progress = _progress(call, import_id)
    call.patients.update(o.patient_id for o in progress.outcomes if o.patient_id)
    head = ("line", "external_id", "outcome", "patient_id", "field", "message")
    lines = [(o.line, o.external_id, o.what.value, o.patient_id, o.field, o.message) for o in progress.outcomes]
    return Response(
        write_sheet(head, lines).encode(),
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": f'attachment; filename="import-{import_id}.csv"',
        },
    )


def _sheet(call: Call) -> list[SheetRow]:
    """The rows of a file that is a table with columns we know. Raises a refusal that says what it is instead."""
    try:
        head, rows = read_sheet(call.raw)
    except Unreadable as unreadable:
        raise wrong([Problem("(file)", str(unreadable))]) from None
    unknown = unknown_columns(head)
    if unknown:
        raise wrong([Problem(name[:64], "is no column of this import; take it out or rename it") for name in unknown])
    if len(rows) > MOST_ROWS:
        raise Refused(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The file has {len(rows)} rows; {MOST_ROWS} is the most at once. Split it and send the parts.",
        )
    return rows


def _checked(
    rows: list[SheetRow], clinic: Clinic, library: Mapping[str, Protocol], now: datetime
) -> tuple[list[Row], list[Outcome]]:
    """The good rows, and every mistake in the others."""
    read = [read_row(row, clinic, library, now=now) for row in rows]
    hasher = wiring.hasher()
    ids = {row.line: hasher.patient(clinic.id, str(row.body["external_id"])) for row in read if row.enrolment}
    there = wiring.imports().enrolled_with(clinic.id, sorted(set(ids.values())))
    good: list[Row] = []
    refused: list[Outcome] = []
    earlier: dict[str, tuple[int, str]] = {}
    for row in read:
        if row.enrolment is None:
            refused += _refusals(row)
            continue
        patient_id = ids[row.line]
        digest = hasher.body(json.dumps(row.body, sort_keys=True, separators=(",", ":")).encode())
        line, said = earlier.setdefault(patient_id, (row.line, digest))
        stands = there.get(patient_id)
        if said != digest:
            refused.append(_clash(row, f"is on line {line} too, with other data"))
        elif stands not in (None, digest):
            refused.append(_clash(row, "belongs to a patient who was enrolled with other data"))
        else:
            known = stands is not None or line != row.line
            good.append(Row(line=row.line, digest=digest, patient_id=patient_id, known=known, enrolment=row.enrolment))
    return good, refused


def _refusals(row: ReadRow) -> list[Outcome]:
    named = str(row.body.get("external_id", ""))[:64]
    return [
        Outcome(line=row.line, what=What.REFUSED, external_id=named, field=p.field, message=p.message)
        for p in row.problems
    ]


def _clash(row: ReadRow, message: str) -> Outcome:
    named = str(row.body["external_id"])
    return Outcome(line=row.line, what=What.REFUSED, external_id=named, field="external_id", message=message)


def _progress(call: Call, import_id: str) -> Progress:
    progress = wiring.imports().progress(call.principal.clinic_id, import_id)
    if progress is None:
        raise not_found()
    return progress


def _error(outcome: Outcome) -> dict[str, Any]:
    return {"line": outcome.line, "field": outcome.field, "message": outcome.message}


def _shown(progress: Progress) -> dict[str, Any]:
    made = progress.upload
    return {
        "id": made.id,
        "rows": made.rows,
        "valid": made.valid,
        "created": progress.count(What.CREATED),
        "unchanged": progress.count(What.UNCHANGED),
        "errors": [_error(o) for o in progress.outcomes if o.what is What.REFUSED],
        "state": "done" if progress.finished else "running",
        "progress": round(progress.done / made.chunks, 4) if made.chunks else 1.0,
        "dry_run": False,
    }
