"""A nurse's week on the API: enrol, book, move, miss, refill, pause for a hospital stay, correct the injury date, add
and remove a protocol. At every step the timeline reads right, in sentences."""

import pytest

from local.world import World
from tests.journeys.clinics import Clinic
from tests.journeys.nurse import ANA, CHECKIN, DESK, MONDAY, Nurse, problems, sentence, titles


@pytest.fixture
def nurse():
    """A nurse in a world of her own, who may let time pass."""
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

    # Tuesday: it is moved a day forward. Its reminders move along, and the check-in gives its day to one of them.
    nurse.world.advance("P1D")
    nurse.patch(f"/appointments/{visit}", {"starts_at": "2026-03-11T10:30"})
    assert nurse.reads("2026-03-03", "2026-03-13") == [
        "2026-03-04 10:00 email, Visit on 2026-03-11: scheduled, at its own time",
        "2026-03-08 10:00 sms, Visit on 2026-03-11: scheduled, at its own time",
        "2026-03-10 10:00 sms, Visit on 2026-03-11: scheduled, at its own time",
        "2026-03-11 10:00 sms, Check-in: scheduled, another text goes out on 2026-03-10, so this one moved to "
        "2026-03-11",
    ]

    # Wednesday week: nobody came. Somebody calls today, and the patient is offered another visit tomorrow.
    nurse.world.advance("P8DT3H")
    nurse.patch(f"/appointments/{visit}", {"status": "missed"})
    assert nurse.reads("2026-03-11", "2026-03-14") == [
        "2026-03-11 10:00 sms, Check-in: delivered, another text goes out on 2026-03-10, so this one moved to "
        "2026-03-11",
        "2026-03-11 14:05 task, Call: visit missed, offer another: sent, its time was 2026-03-11 10:31; still of use",
        "2026-03-12 10:00 sms, Missed visit on 2026-03-11: scheduled, at its own time",
        "2026-03-13 10:00 sms, Check-in, asked again: shed, 3 texts go out in the week of 2026-03-09, the most there "
        "may be",
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
    assert [(m["from_local"], m["local"], m["title"]) for m in answer["moved"]] == [
        ("2026-03-24T11:00", "2026-03-25T10:00", "Check-in")
    ]

    # Thursday: she goes to hospital. What is still of use when she is back waits; the rest says why it is not sent.
    nurse.world.advance("P1D")
    answer = nurse.post("/pause", {"until": "2026-03-20", "reason": "in hospital"})
    assert answer["status"] == "paused"
    assert titles(answer["changes"]["moved"]) == ["2026-03-20 Oral antispasticity medicine"]
    assert titles(answer["changes"]["cancelled"]) == ["2026-03-14 Check-in, asked again", "2026-03-17 Check-in"]
    assert nurse.reads("2026-03-13", "2026-03-26") == [
        "2026-03-13 10:00 sms, Check-in, asked again: skipped, messages are paused until 2026-03-20: in hospital",
        "2026-03-14 10:00 email, Check-in, asked again: skipped, messages are paused until 2026-03-20: in hospital",
        "2026-03-17 11:00 sms, Check-in: skipped, messages are paused until 2026-03-20: in hospital",
        "2026-03-20 09:00 sms, Oral antispasticity medicine: scheduled, messages were paused on 2026-03-18; still of "
        "use after that",
        "2026-03-22 10:00 sms, Oral antispasticity medicine: scheduled, at its own time",
        "2026-03-24 10:00 sms, Oral antispasticity medicine: scheduled, at its own time",
        "2026-03-25 07:00 task, Ring today, no word of a refill: Oral antispasticity medicine due 2026-03-25: "
        "scheduled, at its own time",
        "2026-03-25 10:00 sms, Check-in: scheduled, another text goes out on 2026-03-24, so this one moved to "
        "2026-03-25",
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
        "2026-03-13 10:00 sms, Check-in, asked again: skipped, messages are paused until 2026-03-20: in hospital",
        "2026-03-14 10:00 email, Check-in, asked again: skipped, messages are paused until 2026-03-20: in hospital",
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
    nurse.put_plan({"protocols": ["neuro.emsci.v1"], "anchors": {"injury_date": "2025-12-20"}})
    booked = nurse.visit("2026-03-03T09:00", kind="assessment")
    assert booked["window_step"] == "neuro.emsci.v1/acute_2"
    assert booked["warnings"] == [
        "taken as the visit for neuro.emsci.v1/acute_2 (Neuro exam: acute II, 2026-02-28 to 2026-03-28): it is the "
        "only window open that day and no other visit serves it; PATCH window_step to null if it is not"
    ]
    assert nurse.visit("2026-03-04T09:00", kind="assessment")["window_step"] is None
    assert nurse.visit("2026-03-05T09:00", kind="therapy")["window_step"] is None
    nurse.world.advance("P1D")
    nurse.patch(f"/appointments/{booked['id']}", {"status": "attended"})
    window = [line for line in nurse.timeline(nurse.patient) if line["steps"] == ["neuro.emsci.v1/acute_2"]]
    assert {(line["kind"], line["state"], line["reason"]["detail"]) for line in window} >= {
        ("window", "skipped", "seen on 2026-03-03"),
        ("window_closed", "skipped", "seen on 2026-03-03"),
    }


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
    nurse.put_plan({"protocols": ["spasticity.v1", "neuro.emsci.v1"], "anchors": {"injury_date": "2025-12-20"}})
    nurse.world.advance("PT5M")
    gone = nurse.post("/discharge", {"date": "2026-03-02"})
    assert gone["warnings"] == ["still open, close it before somebody acts on it: Book: Neuro exam: acute II"]
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


def test_a_discharge_recorded_by_mistake_is_taken_back_and_nothing_made_up_for(nurse):
    nurse.visit("2026-03-12T10:30")
    coming = titles(nurse.timeline(nurse.patient, **{"from": "2026-03-06T00:00:00Z", "to": "2026-03-20T00:00:00Z"}))
    nurse.post("/discharge", {"date": "2026-03-02"})
    before = nurse.heard(ANA)
    nurse.world.advance("P3D")
    assert problems(nurse.post("/resume", status=409)), "without a reason it stays a discharge"
    back = nurse.post("/resume", {"reason": "the wrong patient"})
    assert (back["status"], back["ended_on"], back["warnings"]) == ("active", None, [])
    assert back["next_due"] > "2026-03-05"
    assert nurse.post("/resume", {"reason": "the wrong patient"})["version"] == back["version"]
    nurse.world.advance("PT3H")
    assert nurse.heard(ANA) == before, "the check-in of Tuesday is not made up for on Thursday"
    again = nurse.timeline(nurse.patient, **{"from": "2026-03-06T00:00:00Z", "to": "2026-03-20T00:00:00Z"})
    assert titles(again) == coming
    [noted] = [e for e in nurse.ask("GET", f"/audit?patient={nurse.patient}")["items"] if "reinstate" in e["action"]]
    assert (noted["action"], noted["detail"], noted["reason"]) == (
        "patient.reinstate",
        "discharged",
        "the wrong patient",
    )


def test_a_death_is_taken_back_by_an_admin_alone_and_a_pause_from_before_it_still_holds(nurse):
    nurse.post("/pause", {"reason": "in hospital"})
    nurse.post("/deceased", {"date": "2026-03-02"})
    made = nurse.ask("POST", f"/clinics/{nurse.id}/keys", {"role": "clinician", "label": "ward"})
    path, why = nurse.at("/resume"), {"reason": "the wrong patient"}
    refused = nurse.world.api("POST", path, json=why, token=made["token"])
    assert (refused.status, refused.json()["detail"]) == (403, "Only an admin may take back a recorded death.")
    back = nurse.post("/resume", why)
    assert back["status"] == "paused"
    assert back["warnings"] == ["still paused, as before: resume once more to end the pause"]
    assert nurse.post("/resume")["status"] == "active"


def test_patients_follow_a_clinics_own_protocol_as_any_other():
    seating = {
        "id": "northside.seating.v1",
        "name": "Seating clinic",
        "anchor": "injury_date",
        "items": [
            {
                "key": "fitting",
                "kind": "visit_window",
                "title": "Wheelchair fitting",
                "open": "P56D",
                "target": "P63D",
                "close": "P70D",
            }
        ],
    }
    with World(start=MONDAY) as world:
        clinic = Clinic(world)
        clinic.ask("POST", "/protocols", seating, status=201)
        injured = {"injury_date": "2026-01-10"}
        patient = clinic.enrol(protocols=["spasticity.v1"], anchors=injured)
        plan = {"protocols": ["spasticity.v1", "northside.seating.v1"]}
        headers = {"If-Match": '"1"'}
        reply = world.api("PUT", f"/patients/{patient}/plan", json=plan, token=clinic.key, headers=headers)
        assert "Wheelchair fitting" in [line["title"] for line in reply.json()["added"]]
        follower = clinic.enrol(
            "MRN-2", "+12025550122", protocols=["northside.seating.v1"], anchors={"injury_date": "2026-01-10"}
        )
        assert "Wheelchair fitting" in [line["title"] for line in clinic.timeline(follower)]
        world.advance("P13D")
        assert "window" in clinic.heard()
        assert "window" in clinic.heard("+12025550122")


def test_a_plan_whose_texts_would_queue_is_told_before_it_is_saved():
    with World(start=MONDAY) as world:
        clinic = Clinic(world, sms_per_second=0.1)
        for n in range(12):
            clinic.book(clinic.enrol(f"MRN-{n}", f"+1202555{2000 + n}"), "2026-03-04T10:30")
        patient = clinic.enrol("MRN-99", "+12025552999")
        world.advance("PT30M")
        plan = {
            "protocols": ["spasticity.v1", "meds.oral_baclofen.v1"],
            "anchors": {"last_fill_date": "2026-02-20", "days_supply": 18},
        }
        shown = clinic.ask("POST", f"/patients/{patient}/plan/diff", plan)
        assert "2026-03-03T10:00" in {line["local"] for line in shown["added"]}
        assert shown["warnings"] == [
            "at 2026-03-03 10:00 the clinic's number has 12 other texts to send, at 0.1 a second: this one will leave "
            "by 10:02:00"
        ]
