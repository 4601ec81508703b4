"""A nurse's week on the API: enrol, book, move, miss, refill, pause for a hospital stay, correct the injury date, add
and remove a protocol. At every step the timeline reads right, in sentences."""

import pytest

from local.world import World
from tests.journeys.clinics import Clinic

MONDAY = "2026-03-02T15:00:00Z"
ANA = "+12025550121"
DESK = {"method": "verbal", "recorded_by": "front desk"}
CHECKIN = "spasticity.v1/weekly"


class Nurse(Clinic):
    """A nurse with one patient: what she asks, and how she reads the answers."""

    def __init__(self, world, **enrolment):
        super().__init__(world)
        self.patient = self.enrol(email="ana@example.org", anchors={"injury_date": "2026-01-10"}, **enrolment)
        # Patients are spread over the week; this one has her check-ins on Tuesdays, and no monthly questionnaire.
        off = {"spasticity.v1/sciset": {"off": True}}
        self.put_plan({"overrides": {CHECKIN: {"weekday": "tue", "at": "11:00"}, **off}})

    def at(self, path):
        return f"/patients/{self.patient}{path}"

    def post(self, path, body=None, status=None):
        return self.ask("POST", self.at(path), body, status)

    def patch(self, path, body, status=None):
        return self.ask("PATCH", self.at(path), body, status)

    def plan(self):
        return self.ask("GET", self.at("/plan"))

    def put_plan(self, body, status=200, version=None):
        seen = self.plan()["version"] if version is None else version
        headers = {"If-Match": f'"{seen}"'} if seen else {}
        reply = self.world.api("PUT", self.at("/plan"), json=body, token=self.key, headers=headers)
        assert reply.status == status, reply.body
        return reply.json()

    def visit(self, starts_at, **visit):
        return self.post("/appointments", {"kind": "physician", "starts_at": starts_at, **visit})

    def reads(self, start, end):
        return [sentence(line) for line in self.timeline(self.patient, **{"from": start, "to": end})]


def sentence(line):
    day, clock = line["local"].split("T")
    return f"{day} {clock} {line['channel']}, {line['title']}: {line['state']}, {line['reason']['detail']}"


def titles(lines):
    return [f"{line['local'][:10]} {line['title']}" for line in lines]


def problems(answer):
    return {each["field"]: each["message"] for each in answer["errors"]}


@pytest.fixture
def nurse():
    with World(start=MONDAY) as world:
        yield Nurse(world)


def test_a_nurses_week_reads_right_at_every_step(nurse):
    # Monday: the patient is enrolled, and a visit is booked for Thursday week.
    nurse.world.advance("PT5M")
    visit = nurse.visit("2026-03-12T10:30")["id"]
    assert nurse.reads("2026-03-02", "2026-03-13") == [
        "2026-03-02 10:00 sms, Welcome: delivered, at its own time",
        "2026-03-05 10:00 email, Visit on 2026-03-12: scheduled, at its own time",
        "2026-03-09 10:00 sms, Visit on 2026-03-12: scheduled, at its own time",
        "2026-03-10 11:00 sms, Check-in: scheduled, at its own time",
        "2026-03-11 10:00 sms, Visit on 2026-03-12: scheduled, at its own time",
    ]

    # Tuesday: it is moved a day forward. Its reminders move along, and the check-in makes room for one of them.
    nurse.world.advance("P1D")
    nurse.patch(f"/appointments/{visit}", {"starts_at": "2026-03-11T10:30"})
    assert nurse.reads("2026-03-03", "2026-03-13") == [
        "2026-03-04 10:00 email, Visit on 2026-03-11: scheduled, at its own time",
        "2026-03-08 10:00 sms, Visit on 2026-03-11: scheduled, at its own time",
        "2026-03-10 10:00 sms, Visit on 2026-03-11: scheduled, at its own time",
        "2026-03-10 11:00 email, Check-in: scheduled, another text goes out on 2026-03-10, and no later day of its use "
        "is free; sent by e-mail instead",
    ]

    # Wednesday week: nobody came. Somebody calls today, and the patient is offered another visit tomorrow.
    nurse.world.advance("P8DT3H")
    nurse.patch(f"/appointments/{visit}", {"status": "missed"})
    assert nurse.reads("2026-03-11", "2026-03-14") == [
        "2026-03-11 14:05 task, Call: visit missed, offer another: sent, its time was 2026-03-11 10:31; still of use",
        "2026-03-12 10:00 sms, Missed visit on 2026-03-11: scheduled, at its own time",
        "2026-03-12 11:00 email, Check-in, asked again: scheduled, another text goes out on 2026-03-12, and no later "
        "day of its use is free; sent by e-mail instead",
    ]

    # She takes a medicine now, and has had a fortnight's supply of it today.
    answer = nurse.put_plan({"protocols": ["spasticity.v1", "meds.oral_baclofen.v1"]})
    assert answer["warnings"] == ["meds.oral_baclofen.v1 waits for anchors.last_fill_date; a task asks staff for it"]
    answer = nurse.post("/events", {"type": "fill", "date": "2026-03-11", "days_supply": 14})
    assert titles(answer["added"]) == [
        "2026-03-18 Oral antispasticity medicine",
        "2026-03-22 Oral antispasticity medicine",
        "2026-03-24 Oral antispasticity medicine",
        "2026-03-25 Ring today, no word of a refill: Oral antispasticity medicine due 2026-03-25",
    ]
    assert [(m["from_channel"], m["channel"], m["title"]) for m in answer["moved"]] == [("sms", "email", "Check-in")]

    # Thursday: she goes to hospital. What is still of use when she is back waits; the rest says why it is not sent.
    nurse.world.advance("P1D")
    answer = nurse.post("/pause", {"until": "2026-03-20", "reason": "in hospital"})
    assert answer["status"] == "paused"
    assert titles(answer["changes"]["moved"]) == ["2026-03-20 Oral antispasticity medicine"]
    assert titles(answer["changes"]["cancelled"]) == ["2026-03-17 Check-in"]
    assert nurse.reads("2026-03-13", "2026-03-26") == [
        "2026-03-17 11:00 sms, Check-in: skipped, messages are paused until 2026-03-20: in hospital",
        "2026-03-20 09:00 sms, Oral antispasticity medicine: scheduled, messages were paused on 2026-03-18; still of "
        "use after that",
        "2026-03-22 10:00 sms, Oral antispasticity medicine: scheduled, at its own time",
        "2026-03-24 10:00 sms, Oral antispasticity medicine: scheduled, at its own time",
        "2026-03-24 11:00 email, Check-in: scheduled, another text goes out on 2026-03-24, and no later day of its use "
        "is free; sent by e-mail instead",
        "2026-03-25 07:00 task, Ring today, no word of a refill: Oral antispasticity medicine due 2026-03-25: "
        "scheduled, at its own time",
    ]

    # Saturday after: she is back since Friday, by herself and without a burst. The neurological exams are taken up.
    nurse.world.advance("P9D")
    assert nurse.heard(ANA)[-1:] == ["refill"]
    assert nurse.ask("GET", nurse.at(""))["status"] == "active"
    answer = nurse.put_plan({"protocols": ["spasticity.v1", "meds.oral_baclofen.v1", "neuro.emsci.v1"]})
    assert titles(answer["added"])[:3] == [
        "2026-03-21 Book: Neuro exam: acute II",
        "2026-04-04 Neuro exam: acute II",
        "2026-04-19 Closed without a visit: Neuro exam: acute II",
    ]
    assert [sentence(line) for line in nurse.timeline(nurse.patient) if line["state"] == "skipped"] == [
        "2026-01-24 10:00 sms, Neuro exam: very acute: skipped, the window closed on 2026-01-25, before the plan "
        "began on 2026-03-21",
        "2026-02-07 10:00 sms, Neuro exam: acute I: skipped, the window closed on 2026-02-19, before the plan began on "
        "2026-03-21",
        "2026-03-17 11:00 sms, Check-in: skipped, messages are paused until 2026-03-20: in hospital",
    ]

    # The injury was a week later than written down: what is to come moves, what was done stays done.
    answer = nurse.put_plan({"anchors": {"injury_date": "2026-01-17"}})
    assert [(m["from_local"], m["local"], m["title"]) for m in answer["moved"]][:2] == [
        ("2026-04-04T10:00", "2026-04-11T10:00", "Neuro exam: acute II"),
        ("2026-04-19T07:00", "2026-04-26T07:00", "Closed without a visit: Neuro exam: acute II"),
    ]
    assert (answer["added"], answer["cancelled"]) == ([], [])

    # The medicine is stopped, and its reminders say so.
    answer = nurse.put_plan({"protocols": ["spasticity.v1", "neuro.emsci.v1"]})
    assert [sentence(line) for line in answer["cancelled"]] == [
        "2026-03-22 10:00 sms, Oral antispasticity medicine: cancelled, meds.oral_baclofen.v1 is no longer part of the "
        "plan",
        "2026-03-24 10:00 sms, Oral antispasticity medicine: cancelled, meds.oral_baclofen.v1 is no longer part of the "
        "plan",
        "2026-03-25 07:00 task, Ring today, no word of a refill: Oral antispasticity medicine due 2026-03-25: "
        "cancelled, meds.oral_baclofen.v1 is no longer part of the plan",
    ]
    assert nurse.reads("2026-03-20", "2026-04-12") == [
        "2026-03-20 09:00 sms, Oral antispasticity medicine: delivered, messages were paused on 2026-03-18; still of "
        "use after that",
        "2026-03-21 14:05 task, Book: Neuro exam: acute II: sent, its day was 2026-03-07, before this was planned",
        "2026-03-24 11:00 sms, Check-in: scheduled, at its own time",
        "2026-03-31 11:00 sms, Check-in: scheduled, at its own time",
        "2026-04-07 11:00 sms, Check-in: scheduled, at its own time",
        "2026-04-11 10:00 sms, Neuro exam: acute II: scheduled, at its own time",
    ]


def test_a_change_of_plan_does_what_its_diff_said(nurse):
    nurse.visit("2026-03-12T10:30")
    changes = {
        "protocols": ["spasticity.v1", "program.18mo.v1", "botulinum.v1"],
        "anchors": {"injury_date": "2026-01-03", "injection_date": "2026-02-16"},
        "overrides": {CHECKIN: {"weekday": "thu", "at": "15:30"}},
    }
    told = nurse.post("/plan/diff", changes)
    assert told["added"]
    assert told["moved"]
    assert nurse.plan()["version"] == told["version"] - 1
    assert nurse.put_plan(changes) == told
    shown = {line["occurrence_id"] for line in (*told["moved"], *told["added"], *told["kept"])}
    day, end = "2026-03-02T15:00:01Z", told["until"]
    coming = {
        line["occurrence_id"]
        for line in nurse.timeline(nurse.patient, **{"from": day, "to": end})
        if line["state"] == "scheduled"
    }
    assert coming == shown - {line["occurrence_id"] for line in nurse.timeline(nurse.patient, to=day)}


def test_a_plan_is_changed_only_by_who_saw_its_latest_version(nurse):
    assert problems(nurse.put_plan({"anchors": {}}, status=428, version=0)) == {
        "If-Match": "is required: the version that GET answered"
    }
    before = nurse.plan()
    nurse.put_plan({"anchors": {"injury_date": "2026-01-03"}}, status=412, version=before["version"] - 1)
    assert nurse.plan() == before


def test_the_same_plan_again_changes_nothing(nurse):
    before = nurse.plan()
    answer = nurse.put_plan({name: before[name] for name in ("protocols", "anchors", "overrides")})
    assert answer["version"] == before["version"]
    assert (answer["moved"], answer["added"], answer["cancelled"]) == ([], [], [])


def test_every_bad_field_of_a_plan_is_named_at_once_and_nothing_is_stored(nurse):
    before = nurse.plan()
    answer = nurse.put_plan(
        {
            "protocols": ["neuro.emsci.v1", "skin.v9", "neuro.isncsci.v1"],
            "anchors": {"injury_date": "2027-01-01", "birthday": "2026-01-01", "discharge_date": "soon"},
            "overrides": {
                "neuro.emsci.v1/acute_3rd": {"off": True},
                "neuro.emsci.v1/acute_2": {"weekday": "mon"},
                CHECKIN: {"at": "07:00"},
            },
        },
        status=422,
    )
    assert problems(answer) == {
        "protocols[1]": "'skin.v9' is no protocol of this clinic; GET /protocols lists them",
        "protocols[2]": "neuro.isncsci.v1 is an alternative to neuro.emsci.v1; choose one",
        "anchors.injury_date": "2027-01-01 lies in the future",
        "anchors.birthday": "is not a field of this request",
        "anchors.discharge_date": "must be a date such as 2026-03-01",
        "overrides.neuro.emsci.v1/acute_3rd": "is no step of this plan; did you mean neuro.emsci.v1/acute_3?",
        "overrides.neuro.emsci.v1/acute_2.weekday": "cannot be chosen: the step's dates decide",
        f"overrides.{CHECKIN}": "is no step of this plan; it reads <protocol>/<step>, of a protocol the plan follows",
    }
    assert nurse.plan() == before


def test_a_protocol_that_returns_does_not_say_again_what_it_said(nurse):
    nurse.put_plan({"protocols": ["spasticity.v1", "program.18mo.v1"]})
    nurse.world.advance("P3D")
    before = nurse.heard(ANA)
    assert "window" in before
    nurse.put_plan({"protocols": ["spasticity.v1"]})
    answer = nurse.put_plan({"protocols": ["spasticity.v1", "program.18mo.v1"]})
    assert "Physiatry visit 6 wk" not in [line["title"] for line in answer["added"]]
    tasks = [t["title"] for t in nurse.tasks(kind="book_window")]
    nurse.world.advance("P2D")
    assert nurse.heard(ANA) == before
    assert [t["title"] for t in nurse.tasks(kind="book_window")] == tasks


def test_a_step_switched_off_and_on_again_goes_on_from_now(nurse):
    nurse.world.advance("P9D")
    asked = nurse.heard(ANA).count("checkin")
    nurse.put_plan({"overrides": {CHECKIN: {"off": True}}})
    assert "checkin" not in {line["kind"] for line in nurse.plan()["steps"]}
    nurse.world.advance("P14D")
    nurse.put_plan({"overrides": {CHECKIN: {"weekday": "tue", "at": "11:00"}}})
    nurse.world.advance("P7D")
    assert nurse.heard(ANA).count("checkin") == asked + 1
    missed = [line for line in nurse.timeline(nurse.patient) if line["state"] == "missed"]
    assert missed == []


def test_a_visit_is_taken_for_the_only_window_it_falls_into(nurse):
    nurse.put_plan({"protocols": ["neuro.emsci.v1"]})
    booked = nurse.visit("2026-04-02T09:00", kind="assessment")
    assert booked["window_step"] == "neuro.emsci.v1/acute_2"
    assert booked["warnings"] == [
        "taken as the visit for neuro.emsci.v1/acute_2 (Neuro exam: acute II, 2026-03-21 to 2026-04-18): it is the "
        "only window open that day and no other visit serves it; PATCH window_step to null if it is not"
    ]
    assert nurse.visit("2026-04-03T09:00", kind="assessment")["window_step"] is None
    assert nurse.visit("2026-04-04T09:00", kind="therapy")["window_step"] is None
    nurse.world.advance("P32D")
    nurse.patch(f"/appointments/{booked['id']}", {"status": "attended"})
    window = [line for line in nurse.timeline(nurse.patient) if line["steps"] == ["neuro.emsci.v1/acute_2"]]
    assert {(line["kind"], line["state"], line["reason"]["detail"]) for line in window} >= {
        ("window_closed", "skipped", "seen on 2026-04-02")
    }


def test_a_visit_that_could_serve_several_windows_asks_which(nurse):
    nurse.put_plan({"protocols": ["neuro.emsci.v1", "program.18mo.v1"]})
    booked = nurse.visit("2026-04-06T09:00")
    assert booked["window_step"] is None
    assert booked["warnings"] == [
        "serves no window yet, and may be meant for one of several: PATCH window_step to choose: "
        "neuro.emsci.v1/acute_2 (Neuro exam: acute II, 2026-03-21 to 2026-04-18); "
        "program.18mo.v1/phys_m3 (Physiatry 3 mo, 2026-03-31 to 2026-04-25)"
    ]
    path = f"/appointments/{booked['id']}"
    refused = nurse.patch(path, {"window_step": "program.18mo.v1/phys_m4"}, status=422)
    assert "did you mean program.18mo.v1/phys_m" in problems(refused)["window_step"]
    chosen = nurse.patch(path, {"window_step": "program.18mo.v1/phys_m3"})
    assert (chosen["window_step"], chosen["warnings"]) == ("program.18mo.v1/phys_m3", [])
    assert nurse.patch(path, {"starts_at": "2026-04-28T09:00"})["warnings"] == [
        "2026-04-28 is outside the window of program.18mo.v1/phys_m3 (2026-03-31 to 2026-04-25), which it will not "
        "complete"
    ]


def test_an_event_begins_a_cycle_and_the_same_event_again_does_not(nurse):
    nurse.put_plan({"protocols": ["spasticity.v1", "botulinum.v1", "meds.itb_pump.v1"]})
    nurse.patch("", {"clinical": {"itb_pump": True}})
    pump = {"type": "pump_refill", "date": "2026-03-02", "alarm_date": "2026-05-02"}
    first = nurse.post("/events", pump)
    assert "2026-04-11 Pump refill" in titles(first["added"])
    again = nurse.post("/events", pump)
    assert again["version"] == first["version"]
    assert (again["moved"], again["added"], again["cancelled"]) == ([], [], [])
    injected = nurse.post("/events", {"type": "injection", "date": "2026-02-16"})
    assert "2026-03-23 Effect review" in titles(injected["added"])
    later = nurse.post("/events", {"type": "injection", "date": "2026-03-02"})
    assert "2026-04-06 Effect review" in titles(later["added"])
    assert "2026-03-23 Effect review" in titles(later["cancelled"])
    older = nurse.post("/events", {"type": "injection", "date": "2026-02-20"}, status=409)
    assert problems(older) == {
        "date": "an injection of 2026-03-02, which is later, is on record already; if that one is wrong, put it right "
        "in the plan"
    }


def test_an_event_that_nothing_counts_from_says_so(nurse):
    answer = nurse.post("/events", {"type": "discharge", "date": "2026-02-20"})
    assert answer["warnings"] == [
        "nothing in this plan counts from discharge_date: add a protocol that does, if one is meant to"
    ]


@pytest.mark.parametrize(
    ("event", "found"),
    [
        (
            {"type": "fill", "date": "2026-03-01"},
            {"days_supply": "is required: no fill before says how many days it lasts"},
        ),
        (
            {"type": "pump_refill", "date": "2026-03-05", "days_supply": 30},
            {
                "days_supply": "belongs to a fill, not to this event",
                "date": "2026-03-05 lies in the future; for the patient it is 2026-03-02",
                "alarm_date": "is required: the next refill counts from it, and it cannot be guessed",
            },
        ),
        (
            {"type": "pump_refill", "date": "2026-03-01", "alarm_date": "2026-03-01"},
            {"alarm_date": "must lie after the refill on 2026-03-01, within a year of it"},
        ),
        ({"type": "injection", "date": "2026-01-01"}, {"date": "2026-01-01 is before the injury on 2026-01-10"}),
        (
            {"type": "surgery", "date": "2026-02-30"},
            {
                "type": "must be one of fill, pump_refill, injection, discharge, catheter_change, deficit_onset",
                "date": "must be a date such as 2026-03-01",
            },
        ),
        ({}, {"type": "is required", "date": "is required"}),
    ],
)
def test_a_bad_event_is_refused_with_every_field_named(nurse, event, found):
    before = nurse.plan()
    assert problems(nurse.post("/events", event, status=422)) == found
    assert nurse.plan() == before


def test_a_pause_ends_by_itself_or_when_somebody_resumes(nurse):
    assert nurse.post("/resume")["changes"]["added"] == []
    open_end = nurse.post("/pause", {"reason": "travelling"})
    assert open_end["warnings"] == ["no end is given: no message goes out until somebody resumes"]
    longer = nurse.post("/pause", {"reason": "travelling", "until": "2026-03-09"})
    assert [(p["from"], p["until"]) for p in longer["pauses"]] == [("2026-03-02T15:00:00Z", "2026-03-09T04:00:00Z")]
    assert nurse.post("/pause", {"reason": "travelling", "until": "2026-03-09"})["version"] == longer["version"]
    nurse.world.advance("P2D")
    resumed = nurse.post("/resume")
    assert resumed["status"] == "active"
    assert nurse.post("/resume")["version"] == resumed["version"]
    refused = nurse.post("/pause", {"reason": "", "until": "2026-03-01"}, status=422)
    assert problems(refused) == {"reason": "must be text of 1 to 500 characters", "until": "lies in the past"}


def test_discharge_and_death_stop_everything_at_once(nurse):
    nurse.visit("2026-03-12T10:30")
    gone = nurse.post("/discharge", {"date": "2026-03-02"})
    assert (gone["status"], gone["next_due"], gone["ended_on"]) == ("discharged", None, "2026-03-02")
    assert nurse.post("/discharge", {"date": "2026-03-02"})["version"] == gone["version"]
    for path, body in (("/pause", {"reason": "x"}), ("/events", {"type": "discharge", "date": "2026-03-01"})):
        assert problems(nurse.post(path, body, status=409)) == {
            "status": "the patient was discharged from follow-up on 2026-03-02: the plan has ended"
        }
    dead = nurse.post("/deceased", {"date": "2026-03-02"})
    assert dead["status"] == "deceased"
    assert nurse.post("/deceased", {"date": "2026-03-02"})["version"] == dead["version"]
    for path, body in (
        ("/discharge", {"date": "2026-03-02"}),
        ("/resume", None),
        ("/appointments", {"kind": "physician", "starts_at": "2026-05-12T10:30"}),
        ("/consent", {"channel": "sms", "granted": True, **DESK}),
        ("/contacts", {"role": "proxy", "channel": "sms", "address": "+12025550177"}),
    ):
        assert problems(nurse.post(path, body, status=409)) == {
            "status": "the patient died on 2026-03-02: nothing is sent and nothing can be changed any more"
        }
    before = nurse.heard(ANA)
    nurse.world.advance("P30D")
    assert nurse.heard(ANA) == before


def test_a_patient_who_moves_is_written_to_by_their_new_clock(nurse):
    nurse.visit("2026-03-12T10:30")
    moved = nurse.patch("", {"timezone": "America/Los_Angeles", "contact_window": {"from": "10:00", "to": "18:00"}})
    assert moved["warnings"] == [
        "the visit of 2026-03-12 10:30 (America/New_York) keeps its moment and now reads 2026-03-12 07:30 "
        "(America/Los_Angeles)"
    ]
    day_before = next(m for m in moved["changes"]["moved"] if m["steps"] == ["appointment/1d"])
    assert (day_before["from_local"], day_before["local"]) == ("2026-03-11T10:00", "2026-03-11T10:00")
    refused = nurse.patch(
        "", {"timezone": "Mars/Olympus", "language": "de", "clinical": {"baseline_psfs": 9}}, status=422
    )
    assert set(problems(refused)) == {"timezone", "language", "clinical.baseline_psfs"}


def test_a_new_number_needs_consent_of_its_own(nurse):
    changed = nurse.patch("/contacts/self-sms", {"address": "(202) 555-0188"})
    assert (changed["address"], changed["consent"], changed["status"]) == ("+12025550188", False, "ok")
    assert changed["warnings"] == ["sms will not be used: no consent is recorded, or it was withdrawn"]
    agreed = nurse.patch("/contacts/self-sms", {"address": "+12025550189", "consent": DESK})
    assert (agreed["consent"], agreed["warnings"]) == (True, [])
    proxy = nurse.post("/contacts", {"role": "proxy", "channel": "sms", "address": "+12025550190", "name": "Luis"})
    assert proxy["consent"] is False
    twice = nurse.post("/contacts", {"role": "proxy", "channel": "sms", "address": "+12025550190"}, status=409)
    assert problems(twice) == {"address": f"is the address of contact {proxy['id']} already"}


def test_a_wish_on_paper_stops_texts_and_care_goes_on_another_way(nurse):
    stopped = nurse.post("/consent", {"channel": "sms", "granted": False, **DESK})
    assert [c["consent"] for c in stopped["contacts"] if c["channel"] == "sms"] == [False]
    assert [t["title"] for t in nurse.tasks(kind="channel_fallback")] == ["Texts were stopped: agree another way"]
    assert nurse.reads("2026-03-03", "2026-03-11") == [
        "2026-03-10 11:00 email, Check-in: scheduled, there is no consent for text; sent by e-mail instead"
    ]
    again = nurse.post("/consent", {"channel": "sms", "granted": True, **DESK})
    assert [c["consent"] for c in again["contacts"] if c["channel"] == "sms"] == [True]


def test_only_start_lifts_a_stop_that_the_number_itself_sent(nurse):
    nurse.world.inbound(ANA, "+12025550199", "STOP")
    refused = nurse.post("/consent", {"channel": "sms", "granted": True, **DESK}, status=409)
    assert problems(refused) == {
        "granted": "the number itself opted out; only START, sent from it to the clinic's number, lifts that"
    }
    entered_again = nurse.patch("/contacts/self-sms", {"address": "+12025550188", "consent": DESK})
    assert entered_again["status"] == "ok"
    back = nurse.patch("/contacts/self-sms", {"address": ANA, "consent": DESK})
    assert back["status"] == "stopped"
    assert back["warnings"] == ["sms will not be used: the number opted out; only START from it lifts that"]
