"""The protocols as shipped: they pass the clinics' own gate, and their dates come out to the day.

`python -m tests.test_built_in_protocols` writes the generated part of docs/protocols.md anew.
"""

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from chalicelib.adapters import library
from chalicelib.adapters.copybook import copybook
from chalicelib.domain.agenda import agenda
from chalicelib.domain.clinic import Clinic
from chalicelib.domain.facts import Facts, Progress
from chalicelib.domain.local_time import instant, local, shift
from chalicelib.domain.occurrence import Occurrence
from chalicelib.domain.patient import Channel, Clinical, Contact, Patient, Role, Status
from chalicelib.domain.plan import (
    Appointment,
    AppointmentKind,
    AppointmentStatus,
    Pin,
    Plan,
    Profile,
    Session,
)
from chalicelib.domain.plan import Supply as Cycle
from chalicelib.domain.protocol import Anchor, Message, Period, Priority, Protocol, Question, Supply, VisitWindow
from chalicelib.domain.protocol_check import accepted, problems
from chalicelib.domain.protocol_reading import read_protocol, write_protocol
from chalicelib.domain.protocol_set import default_protocols, exclusions, warnings
from chalicelib.domain.steps import wanted, windows
from tests.protocol_page import page

DOCS = Path(__file__).parent.parent / "docs" / "protocols.md"
FOLDER = Path(__file__).parent.parent / "chalicelib" / "protocols" / "follow_up"
BUILT_IN = library.protocols()
ALL = pytest.mark.parametrize("name", library.BUILT_IN)


# --- the gate ------------------------------------------------------------------------------------------------------


def test_the_thirteen_protocols_of_the_clinical_reference_ship_and_no_file_is_left_out():
    assert sorted(file.stem for file in FOLDER.iterdir()) == sorted(library.BUILT_IN)
    assert len(BUILT_IN) == 13


@ALL
def test_a_built_in_reads_checks_clean_and_survives_the_round_trip(name: str):
    protocol = accepted(library.raw(name), library.messages())
    assert isinstance(protocol, Protocol), protocol
    written = write_protocol(protocol)
    assert read_protocol(json.loads(json.dumps(written))) == protocol
    assert write_protocol(protocol) == written
    assert protocol.id.replace(".", "_") == f"{name}_v1"


@ALL
def test_a_built_in_fits_the_published_schema(name: str):
    jsonschema.Draft202012Validator(library.schema()).validate(library.raw(name))


def test_the_schema_is_a_schema_and_refuses_what_reading_refuses():
    schema = library.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    right = library.raw("spasticity")
    for wrong in (
        {**right, "anchor": "birthday"},
        {**right, "id": "spasticity"},
        {**right, "colour": "red"},
        {**right, "items": [{**right["items"][0], "every": "weekly"}]},
        {**right, "items": [{**right["items"][0], "every": "PT"}]},
        {**right, "items": [{**right["items"][0], "max_questions": 0}]},
        {k: v for k, v in right.items() if k != "items"},
    ):
        assert not validator.is_valid(wrong)
        assert isinstance(read_protocol(wrong), list)
    assert validator.is_valid({**right, "note": None})
    json.dumps(schema)


@ALL
def test_every_rule_carries_its_evidence_mark(name: str):
    marks = re.compile(r"\b(V|K|SEED)\b")
    (protocol,) = (p for p in BUILT_IN.values() if p.id.replace(".", "_") == f"{name}_v1")
    assert all(marks.search(step.evidence) for step in protocol.steps)


def test_messages_of_built_ins_name_no_diagnosis():
    named = re.compile(r"spas|cord|baclofen|botul|intrathecal|ischa?em|dysreflex|infarct|injur", re.IGNORECASE)
    texts = copybook().languages["en"].sms
    sent = {
        message
        for protocol in BUILT_IN.values()
        for step in protocol.steps
        for message in _messages(step)
        if message != "none" and message in texts
    }
    assert {"window_open", "refill", "pump_refill", "pump_overdue", "annual_review", "edu_link"} <= sent
    for message in sent:
        assert not named.search(texts[message].text), message


def _messages(step: object) -> list[str]:
    match step:
        case VisitWindow(message=message) | Message(message=message):
            return [message]
        case Supply(notices=notices):
            return [n.message for n in notices if n.message]
        case _:
            return []


def test_only_the_pump_may_exceed_the_weekly_limit():
    uncapped = [f"{p.id}/{s.key}" for p in BUILT_IN.values() for s in p.steps if isinstance(s, Supply) and s.uncapped]
    assert uncapped == ["meds.itb_pump.v1/refill"]


def test_what_stepping_down_leaves_out_is_every_second_session():
    weekly = BUILT_IN["spasticity.v1"].step("weekly")
    assert weekly is not None
    assert write_protocol(BUILT_IN["spasticity.v1"])["items"][0]["step_down"] == {"after_stable": 8, "to": "P14D"}
    assert weekly.step_down_after == 8


# --- who gets what -------------------------------------------------------------------------------------------------

INJURED = {Anchor.INJURY: date(2026, 1, 10)}
DISCHARGED = {**INJURED, Anchor.DISCHARGE: date(2026, 2, 20)}
BASE = ("neuro.emsci.v1", "program.18mo.v1", "spasticity.v1", "annual.v1", "skin.v1")


@pytest.mark.parametrize(
    ("anchors", "ad_risk", "chosen"),
    [
        (INJURED, False, BASE),
        (INJURED, None, (*BASE, "ad_education.v1")),
        (DISCHARGED, True, (*BASE[:2], "discharge.12wk.v1", *BASE[2:], "ad_education.v1")),
    ],
)
def test_the_defaults_are_those_of_the_clinical_reference(anchors: Any, ad_risk: bool | None, chosen: tuple[str, ...]):
    assert default_protocols(BUILT_IN.values(), anchors, Clinical(ad_risk=ad_risk)) == chosen


def test_the_two_schedules_of_neurological_examination_exclude_each_other_and_nothing_else_does():
    assert [p.message for p in exclusions(list(BUILT_IN.values()))] == [
        "neuro.isncsci.v1 is an alternative to neuro.emsci.v1; choose one"
    ]
    chosen = [BUILT_IN[i] for i in default_protocols(BUILT_IN.values(), DISCHARGED, Clinical())]
    assert warnings(chosen, Clinical()) == []


# --- dates ---------------------------------------------------------------------------------------------------------

CLINIC = Clinic(
    id="c",
    name="Riverside",
    timezone="America/New_York",
    country="US",
    phone="+12025550100",
    sms_number="+12025550199",
    from_email="care@example.org",
)


def facts(anchors: dict[Anchor, date], *ids: str, supply: dict[Anchor, Cycle] | None = None) -> Facts:
    """A patient in New York enrolled two months before the earliest of the dates, who agreed to both channels."""
    enrolled = datetime.combine(min(anchors.values()) - timedelta(days=60), time(6), UTC)
    patient = Patient(
        id="p",
        clinic_id="c",
        external_id="1",
        given_name="A",
        family_name="B",
        language="en",
        timezone="America/New_York",
        status=Status.ACTIVE,
        enrolled_at=enrolled,
    )
    contacts = tuple(
        Contact(id=channel, role=Role.SELF, channel=channel, address=address, consent=True)
        for channel, address in ((Channel.SMS, "+12025550123"), (Channel.EMAIL, "a@example.org"))
    )
    return Facts(
        clinic=CLINIC,
        patient=patient,
        contacts=contacts,
        plan=Plan(version=1, pins=tuple(Pin(protocol=i, since=enrolled) for i in ids), anchors=anchors),
        protocols=BUILT_IN,
        progress=Progress(through=enrolled - timedelta(days=1)),
        supplies=supply or {},
    )


EXPECTED_WINDOWS = {
    # injury date: {step: (opens, target, closes)}
    "2025-08-31": {
        "neuro.emsci.v1/very_acute": ("2025-08-31", "2025-09-14", "2025-09-15"),
        "neuro.emsci.v1/acute_1": ("2025-09-16", "2025-09-28", "2025-10-10"),
        "neuro.emsci.v1/acute_2": ("2025-11-09", "2025-11-23", "2025-12-07"),
        "neuro.emsci.v1/acute_3": ("2026-01-28", "2026-02-15", "2026-03-05"),
        "neuro.emsci.v1/chronic": ("2026-06-27", "2026-08-02", "2027-02-28"),
        "program.18mo.v1/phys_w6": ("2025-10-05", "2025-10-12", "2025-10-26"),
        "program.18mo.v1/phys_m3": ("2025-11-19", "2025-11-30", "2025-12-14"),
        "program.18mo.v1/phys_m6": ("2026-02-12", "2026-03-01", "2026-03-19"),
        "program.18mo.v1/phys_m9": ("2026-05-13", "2026-05-31", "2026-06-17"),
        "program.18mo.v1/phys_m12": ("2026-08-11", "2026-08-31", "2026-09-20"),
        "program.18mo.v1/phys_m15": ("2026-11-09", "2026-11-30", "2026-12-19"),
        "program.18mo.v1/phys_m18": ("2027-02-02", "2027-02-22", "2027-03-02"),
    },
    "2024-02-29": {
        "neuro.emsci.v1/very_acute": ("2024-02-29", "2024-03-14", "2024-03-15"),
        "neuro.emsci.v1/acute_1": ("2024-03-16", "2024-03-28", "2024-04-09"),
        "neuro.emsci.v1/acute_2": ("2024-05-09", "2024-05-23", "2024-06-06"),
        "neuro.emsci.v1/acute_3": ("2024-07-28", "2024-08-15", "2024-09-02"),
        "neuro.emsci.v1/chronic": ("2024-12-25", "2025-01-30", "2025-08-28"),
        "program.18mo.v1/phys_w6": ("2024-04-04", "2024-04-11", "2024-04-25"),
        "program.18mo.v1/phys_m3": ("2024-05-19", "2024-05-30", "2024-06-13"),
        "program.18mo.v1/phys_m6": ("2024-08-12", "2024-08-29", "2024-09-16"),
        "program.18mo.v1/phys_m9": ("2024-11-10", "2024-11-28", "2024-12-15"),
        "program.18mo.v1/phys_m12": ("2025-02-08", "2025-02-28", "2025-03-20"),
        "program.18mo.v1/phys_m15": ("2025-05-09", "2025-05-30", "2025-06-18"),
        "program.18mo.v1/phys_m18": ("2025-08-02", "2025-08-22", "2025-08-30"),
    },
}
EXPECTED_YEARS = {
    # injury date: {step of annual.v1: targets of the first rounds}
    "2025-08-31": {
        "year": ["2026-08-31", "2027-08-31", "2028-08-30", "2029-08-31"],
        "dxa": ["2026-08-31", "2028-08-30", "2030-08-31"],
        "phq": ["2025-11-29", "2026-11-29", "2027-11-29"],
        "urodyn": ["2026-01-28", "2031-01-28"],
    },
    "2024-02-29": {
        "year": ["2025-02-28", "2026-02-28", "2027-02-28", "2028-02-28", "2029-02-28"],
        "dxa": ["2025-02-28", "2027-02-28", "2029-02-28"],
        "phq": ["2024-05-29", "2025-05-29", "2026-05-29"],
        "urodyn": ["2024-07-28", "2029-07-28"],
    },
}


def spans(injured: str, step_id: str, years: int) -> list[tuple[str, str, str]]:
    protocol, _, key = step_id.partition("/")
    step, anchor = BUILT_IN[protocol].step(key), date.fromisoformat(injured)
    assert isinstance(step, VisitWindow)
    found = windows(step, anchor, anchor, anchor + timedelta(days=366 * years))
    return [(str(opens), str(target), str(closes)) for _, opens, target, closes in found]


@pytest.mark.parametrize(
    ("injured", "step", "expected"),
    [(injured, step, span) for injured, steps in EXPECTED_WINDOWS.items() for step, span in steps.items()],
)
def test_a_window_comes_out_to_the_day(injured: str, step: str, expected: tuple[str, str, str]):
    assert spans(injured, step, 3) == [expected]


@pytest.mark.parametrize(
    ("injured", "key", "expected"),
    [(injured, key, targets) for injured, keys in EXPECTED_YEARS.items() for key, targets in keys.items()],
)
def test_what_repeats_by_the_year_keeps_to_the_anchor_not_to_the_round_before(
    injured: str, key: str, expected: list[str]
):
    targets = [target for _, target, _ in spans(injured, f"annual.v1/{key}", 12)]
    assert targets[: len(expected)] == expected


def test_every_window_of_the_two_programmes_is_in_the_table():
    listed = {step.partition("/")[2] for step in EXPECTED_WINDOWS["2025-08-31"]}
    assert listed == {
        s.key
        for name in ("neuro.emsci.v1", "program.18mo.v1")
        for s in BUILT_IN[name].steps
        if isinstance(s, VisitWindow)
    }


def test_the_last_neurological_window_closes_within_eighteen_months_of_any_date():
    chronic = BUILT_IN["neuro.emsci.v1"].step("chronic")
    assert isinstance(chronic, VisitWindow)
    days = [date(2024, 1, 1) + timedelta(days=n) for n in range(1461)]
    assert all(shift(day, chronic.closes) <= shift(day, Period(months=18)) for day in days)


def acts(known: Facts, protocol: str, first: date, last: date) -> list[tuple[str, str, str]]:
    """(local date and time, channel, template or work) of what a protocol wants and nothing rules out, by time."""
    found: list[Occurrence] = [o for o in wanted(known, first, last) if o.step.startswith(protocol) and not o.verdict]
    found.sort(key=lambda o: (o.ideal, o.channel, o.about.title))
    return [
        (f"{local(o.ideal, known.tz):%Y-%m-%d %H:%M}", str(o.channel), o.template or o.about.title.partition(":")[0])
        for o in found
    ]


@pytest.mark.parametrize(
    ("filled", "days", "week", "three", "one", "due"),
    [
        ("2026-01-30", 30, "2026-02-22", "2026-02-26", "2026-02-28", "2026-03-01"),
        ("2024-01-30", 30, "2024-02-22", "2024-02-26", "2024-02-28", "2024-02-29"),
        ("2025-08-31", 90, "2025-11-22", "2025-11-26", "2025-11-28", "2025-11-29"),
        ("2026-03-05", 28, "2026-03-26", "2026-03-30", "2026-04-01", "2026-04-02"),
    ],
)
def test_an_oral_supply_is_asked_about_at_seven_three_and_one_days(
    filled: str, days: int, week: str, three: str, one: str, due: str
):
    day = date.fromisoformat(filled)
    cycle = {Anchor.LAST_FILL: Cycle(anchor=Anchor.LAST_FILL, number=1, days_supply=days)}
    known = facts({Anchor.LAST_FILL: day}, "meds.oral_baclofen.v1", supply=cycle)
    assert acts(known, "meds.oral_baclofen.v1", day, day + timedelta(days=200)) == [
        (f"{week} 10:00", "sms", "refill"),
        (f"{three} 10:00", "sms", "refill"),
        (f"{one} 10:00", "sms", "refill"),
        (f"{due} 07:00", "task", "Ring today, no word of a refill"),
    ]


def test_a_pump_refill_is_due_a_week_before_its_alarm_and_never_falls_silent():
    alarm = date(2024, 3, 7)  # due on 29 February
    cycle = {Anchor.PUMP_ALARM: Cycle(anchor=Anchor.PUMP_ALARM, number=1)}
    known = facts({Anchor.PUMP_ALARM: alarm}, "meds.itb_pump.v1", supply=cycle)
    found = acts(known, "meds.itb_pump.v1", date(2024, 1, 1), date(2024, 6, 1))
    both = [("email", "pump_refill"), ("sms", "pump_refill")]
    assert found == [
        ("2024-02-08 07:00", "task", "Book the visit"),
        *(("2024-02-15 10:00", *each) for each in both),
        ("2024-02-22 07:00", "task", "Ring, the visit is not confirmed"),
        *(("2024-02-22 10:00", *each) for each in both),
        ("2024-02-26 07:00", "task", "Act now, no visit is booked"),
        *(("2024-02-26 10:00", *each) for each in both),
        ("2024-02-29 07:00", "task", "Act now, overdue"),
        ("2024-02-29 10:00", "email", "pump_overdue"),
        ("2024-02-29 10:00", "sms", "pump_overdue"),
        ("2024-03-01 07:00", "task", "Act now, none is on record (find out, then enter it)"),
    ]


def test_windows_with_one_target_day_are_one_message():
    injured = date(2025, 2, 28)
    ids = ("program.18mo.v1", "annual.v1", "ischemic.addon.v1")
    known = facts({Anchor.INJURY: injured}, *ids)
    target = injured + timedelta(days=365)
    start = instant(target - timedelta(days=2), time(0), known.tz)
    asked = [
        entry
        for entry in agenda(known, start, start + timedelta(days=7))
        if entry.occurrence.kind == "window" and entry.occurrence.about.date == target.isoformat()
    ]
    (sent,) = (entry for entry in asked if entry.acts)
    assert len(asked) == 7
    assert len(sent.carries) == 6
    assert all(entry.carried_by == sent.occurrence.id for entry in asked if entry is not sent)


def test_windows_with_one_target_day_are_one_task_to_book():
    injured = date(2025, 2, 28)
    known = facts({Anchor.INJURY: injured}, "program.18mo.v1", "annual.v1", "ischemic.addon.v1")
    start = instant(injured + timedelta(days=300), time(0), known.tz)
    due = (injured + timedelta(days=365)).isoformat()
    tasks = [
        entry
        for entry in agenda(known, start, start + timedelta(days=70))
        if entry.occurrence.kind == "book_window" and entry.occurrence.about.due == due and entry.acts
    ]
    assert len(tasks) == 1


def test_a_catheter_change_is_announced_three_days_before():
    changed = date(2026, 2, 1)
    cycle = {Anchor.CATHETER_CHANGE: Cycle(anchor=Anchor.CATHETER_CHANGE, number=2, days_supply=28)}
    anchors = {Anchor.DISCHARGE: date(2026, 1, 1), Anchor.CATHETER_CHANGE: changed}
    known = facts(anchors, "bladder_bowel.v1", supply=cycle)
    assert acts(known, "bladder_bowel.v1/catheter_change", date(2025, 11, 1), date(2026, 4, 1)) == [
        ("2026-02-26 10:00", "sms", "window_open")
    ]


def test_each_injection_has_reviews_of_its_own():
    ids = []
    for number, injected in ((1, date(2026, 1, 1)), (2, date(2026, 4, 10))):
        cycle = {Anchor.INJECTION: Cycle(anchor=Anchor.INJECTION, number=number)}
        known = facts({Anchor.INJECTION: injected}, "botulinum.v1", supply=cycle)
        found = wanted(known, injected, injected + timedelta(days=200))
        ids.append({o.id for o in found if o.step.startswith("botulinum")})
    assert not ids[0] & ids[1]


def test_a_stable_patient_is_still_asked_about_medicines_and_skin():
    start = date(2026, 1, 1)
    anchors = {Anchor.INJURY: start, Anchor.DISCHARGE: start, Anchor.LAST_FILL: start}
    known = facts(anchors, "spasticity.v1", "skin.v1", "meds.oral_baclofen.v1")
    slower = Session(
        occurrence="x",
        step="spasticity.v1/weekly",
        sent_at=datetime(2026, 3, 1, tzinfo=UTC),
        questions=(),
        slower_since=date(2026, 3, 15),
    )
    sessions = wanted(replace(known, session=slower), date(2026, 3, 20), date(2026, 6, 20))
    asked = {question for o in sessions if o.kind == "checkin" for question in o.about.questions}
    assert {"checkin_meds", "checkin_skin"} <= asked


def test_a_pump_visit_that_is_booked_but_not_confirmed_is_rung_about():
    assert pump_tasks(AppointmentStatus.BOOKED, date(2024, 2, 28)) == [
        "Ring, the visit is not confirmed",
        "Act now, none is on record (find out, then enter it)",
    ]


def test_the_visit_of_the_last_refill_does_not_stand_in_for_the_next():
    assert pump_tasks(AppointmentStatus.ATTENDED, date(2024, 1, 30)) == [
        "Book the visit",
        "Ring, the visit is not confirmed",
        "Act now, no visit is booked",
        "Act now, overdue",
        "Act now, none is on record (find out, then enter it)",
    ]


def pump_tasks(status: AppointmentStatus, day: date) -> list[str]:
    """The work for staff that a refill due on 29 February makes, with one visit on `day`."""
    alarm = date(2024, 3, 7)
    cycle = {Anchor.PUMP_ALARM: Cycle(anchor=Anchor.PUMP_ALARM, number=2)}
    known = facts({Anchor.PUMP_ALARM: alarm}, "meds.itb_pump.v1", supply=cycle)
    visit = Appointment(
        id="a",
        kind=AppointmentKind.PHYSICIAN,
        starts_at=datetime.combine(day, time(15), UTC),
        status=status,
        set_at=datetime(2024, 1, 20, tzinfo=UTC),
        profile=Profile.APPOINTMENT,
        window_step="meds.itb_pump.v1/refill",
    )
    found = acts(replace(known, appointments=(visit,)), "meds.itb_pump.v1", date(2024, 1, 1), date(2024, 3, 20))
    return [title for _, channel, title in found if channel == "task"]


def test_questions_join_check_ins_and_never_stand_alone():
    asked = {s.message for p in BUILT_IN.values() for s in p.steps if isinstance(s, Question)}
    assert asked == {"checkin_change", "checkin_psfs", "checkin_skin", "checkin_meds", "home_program"}
    assert all(
        s.priority is not Priority.EDUCATION for p in BUILT_IN.values() for s in p.steps if isinstance(s, Question)
    )


# --- the page ------------------------------------------------------------------------------------------------------

_GENERATED = re.compile(r"(<!-- generated: [^\n]* -->\n)(.*?)(<!-- end of generated -->)", re.DOTALL)


def _page_now() -> str:
    kept = DOCS.read_text(encoding="utf-8")
    made, times = _GENERATED.subn(lambda found: f"{found[1]}{page(BUILT_IN.values())}\n\n{found[3]}", kept)
    assert times == 1
    return made


def test_the_page_says_what_the_protocols_say():
    assert DOCS.read_text(encoding="utf-8") == _page_now(), "run: python -m tests.test_built_in_protocols"


def test_the_example_on_the_page_is_accepted_and_has_a_step_of_every_kind():
    (example,) = re.findall(r"```json\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    made = accepted(json.loads(example), library.messages())
    assert isinstance(made, Protocol), made
    assert len({type(step) for step in made.steps}) == 8
    assert problems(made, library.messages()) == []


if __name__ == "__main__":
    DOCS.write_text(_page_now(), encoding="utf-8")
