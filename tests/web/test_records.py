"""Finding patients, the audit, the export, the erasure, the reports and the worklist."""

import csv
import io
from collections import Counter

import pytest

from chalicelib.web.examples import EXAMPLES
from local.world import World
from tests.web.conftest import Tenant, make_clinic

NAME, SURNAME, NUMBER, MAIL, TEXT, MRN = (
    "Zyxwanda",
    "Qwertopoulos",
    "+12025550177",
    "zyxwanda@canary.example",
    "the blue heron limps at noon",
    "MRN-CANARY",
)
CANARIES = (NAME, SURNAME, NUMBER, MAIL, TEXT, MRN)


def canary(clinic: Tenant, **changes) -> dict:
    return clinic.enrol(MRN, given_name=NAME, family_name=SURNAME, phone=NUMBER, email=MAIL, **changes)


def everything(world: World) -> str:
    with world.aws.lock:
        return "\n".join(str(item.to_json()) for item in world.aws.table.all_items())


# --- finding ---


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=nunez", {"B"}),
        ("q=N%C3%9A%C3%91EZ", {"B"}),
        ("q=jose%20nun", {"B"}),
        ("q=ruiz", {"A", "C"}),
        ("q=b", {"B"}),
        ("status=paused", {"C"}),
        ("status=active&q=ruiz", {"A"}),
        ("status=discharged", set()),
        ("q=nobody", set()),
    ],
)
def test_patients_are_found_whatever_the_case_and_accents(clinic: Tenant, query: str, found: set[str]) -> None:
    clinic.enrol("A", given_name="Eva", family_name="Ruiz", phone="+12025550101")
    clinic.enrol("B", given_name="José", family_name="Núñez", phone="+12025550102")
    paused = clinic.enrol("C", given_name="Eva", family_name="Ruiz", phone="+12025550103")
    clinic.ask("POST", f"/patients/{paused['id']}/pause", {"reason": "in hospital"})
    items = clinic.ask("GET", f"/patients?{query}").json()["items"]
    assert {each["external_id"] for each in items} == found
    assert {each["status"] for each in items} <= {"active", "paused"}


def test_pages_are_full_but_the_last_and_hold_everybody_once(clinic: Tenant) -> None:
    for number in range(7):
        clinic.enrol(f"M{number}", family_name="Even" if number % 2 == 0 else "Odd", phone=f"+1202555010{number}")
    pages, cursor = [], ""
    while cursor is not None:
        page = clinic.ask("GET", f"/patients?q=even&limit=2{cursor and '&cursor=' + cursor}").json()
        pages.append([each["external_id"] for each in page["items"]])
        cursor = page["next"]
    assert [len(page) for page in pages] == [2, 2]
    assert sorted(each for page in pages for each in page) == ["M0", "M2", "M4", "M6"]


# --- audit ---


def test_every_reading_and_every_change_is_noted_with_who_and_why(clinic: Tenant) -> None:
    patient = clinic.enrol()["id"]
    why = {"X-Reason": "monthly review"}
    clinic.ask("GET", f"/patients/{patient}", role="viewer", headers=why)
    clinic.ask("GET", f"/patients/{patient}/timeline", role="clinician")
    clinic.ask("GET", "/patients", role="viewer")
    clinic.ask("POST", f"/patients/{patient}/appointments", EXAMPLES["NewAppointment"])
    found = clinic.ask("GET", f"/audit?patient={patient}").json()["items"]
    assert Counter(e["action"] for e in found) == Counter(
        ["patient.enrol", "patient.read", "patient.timeline", "patients.list", "appointment.book"]
    )
    assert next(e for e in found if e["action"] == "patient.read")["reason"] == "monthly review"
    assert all(e["patients"] == [patient] and e["actor"] for e in found)
    assert len({e["actor"] for e in found}) == 3


def test_the_audit_is_newest_first_page_by_page_across_months(world: World, clinic: Tenant) -> None:
    patient = clinic.enrol()["id"]
    clinic.enrol("other")
    for _ in range(3):
        world.advance("P17D")
        clinic.ask("GET", f"/patients/{patient}")
        clinic.ask("GET", "/patients")
    seen, cursor = [], ""
    while cursor is not None:
        page = clinic.ask("GET", f"/audit?patient={patient}&limit=2{cursor and '&cursor=' + cursor}").json()
        assert len(page["items"]) <= 2
        seen += page["items"]
        cursor = page["next"]
    staff = [e for e in seen if e["action"] in ("patient.read", "patients.list", "patient.enrol")]
    assert [e["at"] for e in seen] == sorted((e["at"] for e in seen), reverse=True)
    assert len({e["id"] for e in seen}) == len(seen)
    assert Counter(e["action"] for e in staff) == {"patient.read": 3, "patients.list": 3, "patient.enrol": 1}


def test_a_refused_reading_is_nobodys_reading(world: World, clinic: Tenant) -> None:
    patient = clinic.enrol()["id"]
    make_clinic(world, "+12025550188").ask("GET", f"/patients/{patient}")
    assert len(clinic.ask("GET", f"/audit?patient={patient}").json()["items"]) == 1


# --- export and erasure ---


def lived(world: World, clinic: Tenant) -> dict:
    """A patient with some of everything: texts both ways, a visit, a task, an upload, a note from staff."""
    row = f"external_id,given_name,family_name,phone\n{MRN}2,{NAME},{SURNAME},{NUMBER}\n"
    patient = canary(clinic)
    clinic.ask("POST", "/imports", raw=row.encode(), headers={"Content-Type": "text/csv"})
    clinic.ask(
        "POST", f"/patients/{patient['id']}/appointments", {"kind": "physician", "starts_at": "2026-03-12T10:30"}
    )
    world.advance("P4D")
    world.inbound(NUMBER, "+12025550199", TEXT)
    clinic.ask("POST", f"/patients/{patient['id']}/messages", {"channel": "sms", "text": f"Dear {NAME}, call us."})
    return patient


def test_the_export_holds_everything(world: World, clinic: Tenant) -> None:
    patient = lived(world, clinic)
    held = clinic.ask("GET", f"/patients/{patient['id']}/export").json()
    text = str(held)
    for each in (NAME, SURNAME, NUMBER, MAIL, MRN):
        assert each in text
    assert held["reminders"]
    assert held["consents"]
    assert len(held["audit"]) >= 3
    assert any("Northside Rehab" in str(r.get("text")) for r in held["reminders"])


def test_an_erased_patient_is_in_no_item_and_gets_no_message(world: World, clinic: Tenant) -> None:
    patient = lived(world, clinic)
    other = next(p for p in clinic.ask("GET", "/patients").json()["items"] if p["external_id"] == f"{MRN}2")
    counted = clinic.ask("GET", "/reports/deliveries").json()["items"]
    sent = len(world.outbox(to=NUMBER)) + len(world.outbox(to=MAIL))
    for each in (patient, other):
        assert clinic.ask("DELETE", f"/patients/{each['id']}", headers={"X-Reason": "asked in writing"}).status == 204
        assert clinic.ask("GET", f"/patients/{each['id']}").status == 404
        assert clinic.ask("DELETE", f"/patients/{each['id']}").status == 404
    world.advance("P8D")
    left = everything(world)
    for each in CANARIES:
        assert each not in left, each
    assert len(world.outbox(to=NUMBER)) + len(world.outbox(to=MAIL)) == sent
    assert clinic.ask("GET", "/reports/deliveries?from=2026-03-01&to=2026-03-28").json()["items"] == counted
    trail = clinic.ask("GET", f"/audit?patient={patient['id']}").json()["items"]
    assert [e["reason"] for e in trail if e["action"] == "patient.erase"] == ["asked in writing"]


def test_an_erased_number_is_not_texted_when_it_comes_again(world: World, clinic: Tenant) -> None:
    clinic.ask("DELETE", f"/patients/{canary(clinic)['id']}")
    sent = len(world.outbox(to=NUMBER))
    again = canary(clinic)
    assert again["contacts"][0]["status"] == "stopped"
    world.advance("P3D")
    assert len(world.outbox(to=NUMBER)) == sent


# --- reports and the worklist ---


def test_the_counts_agree_with_what_the_carrier_took(world: World, clinic: Tenant) -> None:
    for number in range(3):
        clinic.enrol(f"M{number}", phone=f"+1202555010{number}", email=f"p{number}@example.org")
    world.advance("P5D")
    world.inbound("+12025550101", "+12025550199", "HELP")
    counted = clinic.ask("GET", "/reports/deliveries").json()
    assert counted["complete"]
    by_channel = Counter()
    for each in counted["items"]:
        by_channel[each["channel"]] += each["count"]
    assert by_channel == Counter(message["channel"] for message in world.outbox())
    usage = clinic.ask("GET", "/reports/usage?month=2026-03").json()
    texts = [message for message in world.outbox() if message["channel"] == "sms"]
    sms = next(each for each in usage["items"] if each["channel"] == "sms")
    assert (sms["messages"], sms["segments"]) == (len(texts), sum(m["segments"] for m in texts))
    assert (usage["patients_enrolled"], usage["enrolments"]) == (3, 3)


def test_the_worklist_is_worst_first_and_says_why(world: World, clinic: Tenant) -> None:
    quiet = clinic.enrol("quiet", phone="+12025550101")
    clinic.enrol("nobody", phone=None, email=None, channels=None, consent={})
    clinic.ask("POST", f"/patients/{quiet['id']}/appointments", {"kind": "other", "starts_at": "2026-03-03T10:30"})
    world.advance("P4D")
    world.inbound("+12025550101", "+12025550199", "I cannot feel my legs since this morning")
    items = clinic.ask("GET", "/worklist?limit=100").json()["items"]
    order = ["emergency", "urgent", "review_soon", "routine"]
    tiers = [order.index(each["tier"]) for each in items]
    assert tiers == sorted(tiers)
    assert tiers[0] <= 1, "what the patient wrote comes first"
    kinds = {each["kind"] for each in items}
    assert {"alert", "stale_booking"} <= kinds
    assert all(each["why"] and each["title"] for each in items)
    sheet = clinic.ask("GET", "/worklist?format=csv", headers={"Accept": "text/csv"}).body.decode()
    assert len(list(csv.DictReader(io.StringIO(sheet)))) == len(items)


def test_windows_of_one_day_are_one_piece_of_work(clinic: Tenant, world: World) -> None:
    clinic.enrol("MRN-1", anchors={"injury_date": "2025-05-10"}, protocols=["program.18mo.v1", "annual.v1"])
    world.advance("P25D")
    asked = [t["title"] for t in clinic.ask("GET", "/tasks?state=open").json()["items"] if t["due_on"] == "2026-05-10"]
    assert asked == [
        "Book: Cardiovascular risk screen; Bone density; Renal/bladder ultrasound; Urology review; "
        "Annual review: neuro, skin, seating, bladder, bowel, bone, mood, meds; Physiatry 12 mo"
    ]


def test_the_worklist_says_when_a_visit_to_book_has_been_booked_meanwhile(clinic: Tenant, world: World) -> None:
    patient = clinic.enrol("MRN-1", anchors={"injury_date": "2026-01-10"}, protocols=["neuro.emsci.v1"])
    world.advance("P6D")
    (asked,) = clinic.ask("GET", "/worklist").json()["items"]
    assert (asked["title"], asked["due_on"]) == ("Book: Neuro exam: acute II", "2026-04-04")
    assert asked["why"].endswith("the plan asks for it by 2026-04-04")
    visit = {"kind": "assessment", "starts_at": "2026-04-02T14:30", "window_step": "neuro.emsci.v1/acute_2"}
    assert clinic.ask("POST", f"/patients/{patient['id']}/appointments", visit).status == 201
    (asked,) = clinic.ask("GET", "/worklist").json()["items"]
    assert asked["why"].endswith("; a visit is booked for 2026-04-02 meanwhile")


def test_a_window_about_to_close_is_told_also_when_its_task_was_closed(world: World, clinic: Tenant) -> None:
    patient = clinic.enrol("MRN-1", anchors={"injury_date": "2026-02-01"})
    world.advance("PT1H")
    for task in clinic.ask("GET", "/tasks?limit=100").json()["items"]:
        done = {"outcome": "not_needed", "note": "seen"}
        assert clinic.ask("POST", f"/tasks/{task['id']}/close", done).status == 200
    closing = [c for c in clinic.ask("GET", "/worklist").json()["items"] if c["kind"] == "window_closing"]
    assert closing
    assert {c["patient_id"] for c in closing} == {patient["id"]}
    assert all("2026-03-02" <= c["due_on"] <= "2026-03-16" for c in closing)
