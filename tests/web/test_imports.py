"""Spreadsheets as they are really exported, through the API, the queue and a crash."""

import csv
import io
from dataclasses import replace
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.service.enrol import Enrolling
from chalicelib.service.jobs import ChunkJob
from chalicelib.web.spreadsheet import as_date, read_sheet, write_sheet
from local.gateway import Reply
from local.world import World
from tests.web.conftest import Tenant

HEAD = "external_id,given_name,family_name,phone,injury_date,sms_consent,consent_method,recorded_by\n"


def row(number: int, **cells: str) -> str:
    usual = {
        "id": f"M{number}",
        "given": f"Given{number}",
        "family": "Ruiz",
        "phone": f"(202) 555-{number:04d}",
        "injury": "2026-01-10",
        "consent": "yes",
    }
    return ",".join((usual | cells).values()) + ",written,front desk\n"


def upload(clinic: Tenant, text: str | bytes, query: str = "") -> Reply:
    raw = text.encode() if isinstance(text, str) else text
    return clinic.ask("POST", f"/imports{query}", raw=raw, headers={"Content-Type": "text/csv"})


def outcome(clinic: Tenant, reply: Reply) -> dict[str, Any]:
    assert reply.status == 202, reply.body
    return clinic.ask("GET", f"/imports/{reply.json()['id']}").json()


@pytest.mark.parametrize(
    "raw",
    [
        (HEAD + row(1)).encode("utf-8-sig"),
        (HEAD + row(1)).replace(",", ";").encode(),
        (HEAD + row(1)).replace(",", "\t").encode("utf-16"),
        ("sep=;\r\n" + (HEAD + row(1)).replace(",", ";")).encode(),
        (HEAD + row(1)).replace("\n", "\r\n").encode("cp1252"),
        (HEAD + row(1, family='"Ru\niz"')).encode(),
        HEAD.replace("external_id", "MRN").replace("phone", "Mobile Phone").encode() + row(1).encode(),
    ],
    ids=["BOM", "semicolons", "UTF-16 tabs", "sep=", "Windows", "newline in quotes", "own heads"],
)
def test_a_file_is_read_however_it_was_exported(clinic: Tenant, raw: bytes) -> None:
    done = outcome(clinic, upload(clinic, raw))
    assert (done["created"], done["errors"], done["state"], done["progress"]) == (1, [], "done", 1.0)
    patient = clinic.ask("GET", "/patients").json()["items"][0]
    assert patient["contacts"][0]["address"] == "+12025550001"


@pytest.mark.parametrize(
    ("text", "country", "day"),
    [
        ("2026-01-10", "US", "2026-01-10"),
        ("2026-01-10 00:00:00", "US", "2026-01-10"),
        ("1/10/2026", "US", "2026-01-10"),
        ("10/1/2026", "ES", "2026-01-10"),
        ("10.01.2026", "FR", "2026-01-10"),
        ("46032", "US", "2026-01-10"),
        ("46032.0", "GB", "2026-01-10"),
        ("13/13/2026", "US", None),
        ("1/10/26", "US", None),
        ("soon", "US", None),
        ("12", "US", None),
    ],
)
def test_dates_are_read_as_the_country_writes_them(text: str, country: str, day: str | None) -> None:
    found: list[Any] = []
    assert as_date(text, country, "injury_date", found) == day
    assert bool(found) == (day is None)


@pytest.mark.parametrize("method", ["written", "Written", "escrito", "Écrit", "oral", "Téléphone", "电话"])
def test_how_consent_was_given_is_read_in_the_clinics_own_words(clinic: Tenant, method: str) -> None:
    text = (HEAD + row(1)).replace(",written,", f",{method},")
    assert outcome(clinic, upload(clinic, text))["errors"] == []


def test_every_mistake_is_told_by_line_and_field_and_the_rest_is_enrolled(clinic: Tenant) -> None:
    text = HEAD + row(1) + row(2, phone="12", injury="13/45/2026") + "\n" + row(3, given="") + row(4)
    done = outcome(clinic, upload(clinic, text))
    assert {(e["line"], e["field"]) for e in done["errors"]} == {(3, "phone"), (3, "injury_date"), (5, "given_name")}
    assert (done["rows"], done["valid"], done["created"]) == (4, 2, 2)


def test_a_dry_run_says_the_same_and_enrols_nobody(clinic: Tenant) -> None:
    text = HEAD + row(1) + row(2, phone="12")
    said = upload(clinic, text, "?dry_run=true").json()
    assert (said["rows"], said["valid"], said["created"], said["state"]) == (2, 1, 1, "checked")
    assert clinic.ask("GET", "/patients").json()["items"] == []


def test_uploading_it_again_changes_nothing(clinic: Tenant) -> None:
    text = HEAD + row(1) + row(2)
    upload(clinic, text)
    before = clinic.ask("GET", "/patients").json()
    done = outcome(clinic, upload(clinic, text))
    assert (done["created"], done["unchanged"], done["errors"]) == (0, 2, [])
    assert clinic.ask("GET", "/patients").json() == before


def test_one_external_id_with_two_sets_of_data_is_a_mistake(clinic: Tenant) -> None:
    done = outcome(clinic, upload(clinic, HEAD + row(1) + row(1) + row(1, given="Eva")))
    assert [(e["line"], e["field"]) for e in done["errors"]] == [(4, "external_id")]
    assert (done["created"], done["unchanged"]) == (1, 1)


def test_a_number_that_opted_out_is_not_taken_back_by_a_list(world: World, clinic: Tenant) -> None:
    upload(clinic, HEAD + row(1))
    world.inbound("+12025550001", "+12025550199", "STOP")
    done = outcome(clinic, upload(clinic, HEAD + row(9, phone="(202) 555-0001")))
    assert done["created"] == 1
    found = clinic.ask("GET", "/patients?q=M9").json()["items"][0]["contacts"][0]
    assert (found["status"], found["consent"]) == ("stopped", False)


class Dying:
    """Enrols some patients, then dies in the middle as a function does that is killed."""

    def __init__(self, enrolling: Enrolling, *, after: int) -> None:
        self._enrolling, self._left = enrolling, after

    def enrol(self, *args: Any, **kw: Any) -> Any:
        if not self._left:
            raise KeyboardInterrupt
        self._left -= 1
        return self._enrolling.enrol(*args, **kw)


def test_a_crash_half_way_ends_with_the_same_patients(world: World, clinic: Tenant) -> None:
    text = HEAD + "".join(row(n) for n in range(120))
    headers = {"Authorization": f"Bearer {clinic.tokens['admin']}", "Content-Type": "text/csv"}
    made = world.gateway.request("POST", "/imports", headers, text.encode()).json()
    assert made["state"] == "running"
    dying = replace(wiring.importing(), enrolling=Dying(wiring.enrolling(), after=10))
    with pytest.raises(KeyboardInterrupt):
        dying.work(ChunkJob(clinic_id=clinic.id, import_id=made["id"], chunk=0), now=world.now)
    half = world.gateway.request("GET", "/patients", {"Authorization": headers["Authorization"]}, None).json()
    assert len(half["items"]) == 10
    world.settle()
    done = clinic.ask("GET", f"/imports/{made['id']}").json()
    assert (done["created"], done["unchanged"], done["state"]) == (120, 0, "done")
    assert len(clinic.ask("GET", "/patients?limit=100").json()["items"]) == 100


def test_the_result_is_a_spreadsheet_that_runs_nothing(clinic: Tenant) -> None:
    reply = upload(clinic, HEAD + row(1, id="=HYPERLINK(1)") + row(2, phone="x"))
    result = clinic.ask("GET", f"/imports/{reply.json()['id']}/result", headers={"Accept": "text/csv"})
    lines = list(csv.DictReader(io.StringIO(result.body.decode())))
    assert [line["outcome"] for line in lines] == ["created", "refused"]
    assert lines[0]["external_id"] == "'=HYPERLINK(1)"


@pytest.mark.parametrize("bad", ["=1", "+1", "-1", "@x", "\tx", "\rx", "\n=1"])
def test_a_cell_that_a_spreadsheet_would_run_is_quoted(bad: str) -> None:
    cell = next(csv.reader(io.StringIO(write_sheet(["a"], [[bad]]).partition("\r\n")[2], newline="")))[0]
    assert cell == f"'{bad}"


def test_more_rows_than_there_may_be_are_refused(clinic: Tenant) -> None:
    assert upload(clinic, HEAD + "".join(row(n) for n in range(5001))).status == 413


@pytest.mark.parametrize(
    "raw", [b"", b"\x00\x01", b"PK\x03\x04\x00", b"external_id,external_id\n1,2\n", b"shoe_size\n44\n"]
)
def test_what_is_no_such_table_is_refused_as_a_whole(clinic: Tenant, raw: bytes) -> None:
    assert upload(clinic, raw).status in (400, 422)


def test_a_line_is_the_files_own() -> None:
    _, rows = read_sheet(b'a,b\n"x\ny",1\n\nz,2\n')
    assert [r.line for r in rows] == [2, 5]
