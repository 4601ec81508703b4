"""From a spreadsheet's rows to enrolments: each row becomes the body that POST /patients would take, and is checked as
one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chalicelib.domain.clinic import Clinic
from chalicelib.domain.problem import Problem
from chalicelib.domain.protocol import Protocol
from chalicelib.service.enrol import Enrolment
from chalicelib.web import checks
from chalicelib.web.bodies import NewPatient
from chalicelib.web.reading import read
from chalicelib.web.spreadsheet import SheetRow, as_bool, as_date, as_number, as_phone

_DATES = (
    "injury_date",
    "deficit_onset_date",
    "discharge_date",
    "injection_date",
    "last_fill_date",
    "pump_low_reservoir_alarm_date",
    "last_catheter_change",
)

COLUMNS: Mapping[str, tuple[str, str]] = {
    **{name: (name, "text") for name in ("external_id", "given_name", "family_name", "timezone", "language", "email")},
    "phone": ("phone", "phone"),
    "channels": ("channels", "list"),
    "protocols": ("protocols", "list"),
    **{name: (f"anchors.{name}", "date") for name in _DATES},
    "days_supply": ("days_supply", "number"),
    **{name: (f"clinical.{name}", "bool") for name in ("ad_risk", "itb_pump", "oral_baclofen")},
    "etiology": ("clinical.etiology", "text"),
    "baseline_psfs": ("clinical.baseline_psfs", "number"),
    "contact_from": ("contact_window.from", "text"),
    "contact_to": ("contact_window.to", "text"),
    "two_hours_before": ("two_hours_before", "bool"),
    "sms_consent": ("consent.sms", "bool"),
    "email_consent": ("consent.email", "bool"),
    "consent_method": ("consent.method", "text"),
    "recorded_by": ("consent.recorded_by", "text"),
}
"""What a column may be called, the field it fills, and how its cells are read. The field's own dotted name does too."""

ALIASES = {
    "mrn": "external_id",
    "patient_id": "external_id",
    "id": "external_id",
    "first_name": "given_name",
    "forename": "given_name",
    "last_name": "family_name",
    "surname": "family_name",
    "mobile": "phone",
    "mobile_phone": "phone",
    "cell": "phone",
    "cell_phone": "phone",
    "phone_number": "phone",
    "e_mail": "email",
    "email_address": "email",
    "time_zone": "timezone",
    "consent_sms": "sms_consent",
    "consent_email": "email_consent",
    "consent_recorded_by": "recorded_by",
    **{path: name for name, (path, _) in COLUMNS.items() if path != name},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRow:
    line: int
    body: dict[str, Any] = field(repr=False)
    enrolment: Enrolment | None = field(repr=False)
    problems: tuple[Problem, ...] = ()


def unknown_columns(head: list[str]) -> list[str]:
    return [name for name in head if name and ALIASES.get(name, name) not in COLUMNS]


def read_row(row: SheetRow, clinic: Clinic, library: Mapping[str, Protocol], *, now: datetime) -> ReadRow:
    """The row as the body it stands for, and everything that is wrong with it, by the names of its columns."""
    found: list[Problem] = []
    body: dict[str, Any] = {"timezone": clinic.timezone}
    shown: dict[str, str] = {}
    if "" in row.cells:
        found.append(Problem("(row)", "has more cells than the head has columns"))
    for column, text in row.cells.items():
        name = ALIASES.get(column, column)
        if not text or name not in COLUMNS:
            continue
        path, kind = COLUMNS[name]
        shown[path] = column
        value = _value(text, kind, clinic.country, path, found)
        if value is not None:
            _set(body, path, value)
    _consistent(body)
    bad = {problem.field for problem in found}
    said, more = read(body, NewPatient)
    enrolment = None if more else checks.enrolment(said, clinic, library, now=now, found=more)
    found += [problem for problem in more if problem.field not in bad]
    problems = tuple(Problem(_column(p.field, shown), p.message) for p in found)
    return ReadRow(line=row.line, body=body, enrolment=None if problems else enrolment, problems=problems)


def _column(path: str, shown: Mapping[str, str]) -> str:
    """The column that a field's mistake is shown at: the one it was read from, where there was one."""
    bare = path.partition("[")[0]
    plain = next((name for name, (known, _) in COLUMNS.items() if known == bare), path)
    return shown.get(bare, plain)


def _value(text: str, kind: str, country: str, at: str, found: list[Problem]) -> Any:
    match kind:
        case "date":
            return as_date(text, country, at, found)
        case "bool":
            return as_bool(text, at, found)
        case "number":
            return as_number(text, at, found)
        case "phone":
            return as_phone(text, at, found)
        case "list":
            return [part for part in text.replace(",", " ").replace(";", " ").replace("|", " ").split() if part]
    return text


def _consistent(body: dict[str, Any]) -> None:
    """Words that people write into these columns, as the API calls them."""
    for path in ("language", "consent.method", "clinical.etiology"):
        parent, _, name = path.rpartition(".")
        place = body.get(parent, {}) if parent else body
        if isinstance(place.get(name), str):
            word = place[name].lower().replace(" ", "_")
            place[name] = _METHODS.get(word, word) if name == "method" else word
    for name in ("from", "to"):
        clock = body.get("contact_window", {}).get(name)
        if clock and len(clock) == 4:
            body["contact_window"][name] = f"0{clock}"


_METHODS = {
    **dict.fromkeys(("écrit", "ecrit", "par_écrit", "escrito", "por_escrito", "书面", "paper"), "written"),
    **dict.fromkeys(("oral", "téléphone", "telephone", "phone", "teléfono", "telefono", "口头", "电话"), "verbal"),
}
"""How consent was given, as clinics' sheets say it, beside the API's own words."""


def _set(body: dict[str, Any], path: str, value: Any) -> None:
    parent, _, name = path.rpartition(".")
    (body.setdefault(parent, {}) if parent else body)[name] = value
