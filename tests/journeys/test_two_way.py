"""Patients answer, and danger reaches a person: whole conversations, through the queues and the carrier."""

import pytest

from local.world import World

CLINIC_NUMBER = "+12025550199"
ANA = "+12025550121"
KIM, LEE, DAY = "+12025550111", "+12025550112", "+12025550113"
CLINIC = {
    "name": "Northside Rehab",
    "timezone": "America/New_York",
    "country": "US",
    "phone": "+12025550100",
    "sms_number": CLINIC_NUMBER,
    "from_email": "care@northside.example",
    "on_call": [{"name": "Kim", "phone": KIM}, {"name": "Lee", "phone": LEE}],
    "lead": {"name": "Day", "phone": DAY},
}


class Clinic:
    """A clinic on its embedded AWS, with Ana enrolled; the first check-in has gone out."""

    def __init__(self, world, made=CLINIC):
        self.world = world
        token = world.operator_token
        self.id = world.api("POST", "/clinics", json=made, token=token).json()["id"]
        path = f"/clinics/{self.id}/keys"
        self.key = world.api("POST", path, json={"role": "admin", "label": "t"}, token=token).json()["token"]
        self.ana = self.enrol("MRN-1", ANA)
        self.heard_from = 0

    def enrol(self, external_id, phone, **changed):
        body = {
            "external_id": external_id,
            "given_name": "Ana",
            "family_name": "Ruiz",
            "language": "en",
            "timezone": "America/New_York",
            "phone": phone,
            "anchors": {"injury_date": "2025-11-10", "discharge_date": "2025-12-20"},
            "clinical": {"ad_risk": True, "baseline_psfs": 1},
            "protocols": ["spasticity.v1"],
            "consent": {"sms": True, "email": True, "method": "verbal", "recorded_by": "desk"},
            **changed,
        }
        return self.ask("POST", "/patients", body)["id"]

    def ask(self, method, path, body=None, status=None):
        reply = self.world.api(method, path, json=body, token=self.key)
        assert reply.status < 300 if status is None else reply.status == status, reply.body
        return reply.json()

    def says(self, text, sender=ANA):
        """What went out because of the text, as (to, kind)."""
        before = len(self.world.outbox())
        self.world.inbound(sender, CLINIC_NUMBER, text)
        return [(m["to"], m["kind"]) for m in self.world.outbox()[before:]]

    def until_the_checkin(self):
        for _ in range(14):
            self.world.advance("P1D")
            if any(m["kind"] == "checkin" for m in self.world.outbox()):
                return
        raise AssertionError("no check-in went out")

    def waits(self, time):
        before = len(self.world.outbox())
        self.world.advance(time)
        return [(m["to"], m["kind"]) for m in self.world.outbox()[before:]]

    def tasks(self):
        return self.ask("GET", "/tasks?limit=100")["items"]

    def task(self, kind):
        found = [t for t in self.tasks() if t["kind"] == kind]
        assert found, f"no {kind} among {[t['kind'] for t in self.tasks()]}"
        return found[0]


@pytest.fixture
def clinic():
    with World(start="2026-03-02T15:00:00Z") as world:
        yield Clinic(world)


def test_a_checkin_is_answered_a_character_at_a_time(clinic):
    clinic.until_the_checkin()
    assert clinic.says("N") == [(ANA, "checkin_psfs")]
    assert clinic.says("two") == [(ANA, "checkin_severity")]
    assert clinic.says("１") == [(ANA, "ack_routine")]
    answers = clinic.ask("GET", f"/patients/{clinic.ana}/checkins")["items"]
    assert [(a["question"], a["answer"], a["tier"]) for a in answers] == [
        ("checkin_change", "N", "routine"),
        ("checkin_psfs", "2", "routine"),
        ("checkin_severity", "1", "routine"),
    ]
    assert answers[1]["baseline"] == 1


def test_something_new_is_a_task_and_a_page_before_it_is_answered(clinic):
    clinic.until_the_checkin()
    assert clinic.says("Y") == [(KIM, "page"), (ANA, "ack_urgent")]
    task = clinic.task("urgent_reply")
    assert (task["tier"], task["state"], task["reason"]["rule"]) == ("urgent", "open", "new_or_worse")


def test_an_unanswered_page_climbs_and_the_patient_is_told_the_truth(clinic):
    assert clinic.says("I can't feel my legs") == [(KIM, "page"), (ANA, "ack_urgent")]
    assert clinic.waits("PT14M") == []
    assert clinic.waits("PT2M") == [(LEE, "page"), (ANA, "not_yet_seen")]
    assert clinic.waits("PT15M") == [(DAY, "page")]
    code = clinic.task("urgent_reply")["code"]
    assert clinic.says(f"ack {code}", sender=LEE) == [(ANA, "seen_by_staff"), (LEE, "page_answer")]
    assert clinic.waits("PT6H") == []
    assert clinic.task("urgent_reply")["ack_by"] == "on-call contact 2"


def test_the_api_stops_the_ladder_as_well_and_closing_needs_an_outcome(clinic):
    clinic.says("I can't feel my legs")
    task = clinic.task("urgent_reply")
    assert clinic.ask("POST", f"/tasks/{task['id']}/ack", {})["state"] == "acked"
    assert clinic.waits("PT1H") == []
    assert clinic.ask("POST", f"/tasks/{task['id']}/close", {"outcome": "resolved"}, status=422)["errors"]
    closed = clinic.ask("POST", f"/tasks/{task['id']}/close", {"outcome": "resolved", "note": "seen the same day"})
    assert (closed["state"], closed["outcome"]) == ("closed", "resolved")
    assert task["id"] not in [t["id"] for t in clinic.tasks()]


def test_the_worklist_says_when_texts_that_were_stopped_are_taken_again(clinic):
    def why():
        return [line["why"] for line in clinic.ask("GET", "/worklist")["items"] if line["title"].startswith("Texts")]

    clinic.says("STOP")
    [before] = why()
    assert before.endswith("reminders now need another way")
    clinic.says("START")
    assert why() == [f"{before}; the patient takes texts again"]


def test_danger_at_night_is_paged_and_answered_at_once(clinic):
    clinic.world.advance("PT12H")
    assert clinic.says("pounding headache and sweating") == [(KIM, "page"), (ANA, "ack_ad")]


def test_a_page_that_fails_goes_straight_to_the_next_contact(clinic):
    clinic.world.faults("sms", "reject", 1)
    assert clinic.says("I want to die") == [(LEE, "page"), (ANA, "ack_crisis")]


def test_stop_holds_everywhere_and_is_not_the_end_of_care(clinic):
    assert clinic.says("STOP") == [(ANA, "stop_confirm")]
    assert clinic.waits("P21D") == []
    assert clinic.task("channel_fallback")["tier"] == "review_soon"
    assert clinic.says("hello?") == []
    again = clinic.enrol("MRN-2", ANA)
    contact = clinic.ask("GET", f"/patients/{again}")["contacts"][0]
    assert contact["status"] == "stopped", "a later enrolment does not lift it"


def test_start_from_the_number_itself_lifts_it(clinic):
    clinic.says("stop")
    assert clinic.says("START") == [(ANA, "start_confirm")]
    assert (ANA, "checkin") in clinic.waits("P14D")


def test_stop_my_chest_hurts_is_both(clinic):
    assert clinic.says("Stop, my chest hurts") == [(KIM, "page"), (ANA, "stop_confirm")]
    task = clinic.task("urgent_reply")
    assert task["tier"] == "emergency"
    assert task["title"].startswith("PHONE")


def test_the_patients_stop_never_silences_a_page(clinic):
    clinic.says("I can't feel my legs")
    clinic.says("STOP")
    assert (LEE, "page") in clinic.waits("PT16M")


def test_harmless_words_are_asked_the_closed_question_and_read_by_a_person(clinic):
    assert clinic.says("I did 20 push ups this week") == [(ANA, "checkin_safety")]
    assert clinic.task("reply")["tier"] == "review_soon"
    assert clinic.says("Y") == [(KIM, "page"), (ANA, "ack_urgent")]


def test_thanks_are_not_answered(clinic):
    assert clinic.says("thank you!") == []


def test_cancelling_a_visit_is_no_opt_out(clinic):
    clinic.ask("POST", f"/patients/{clinic.ana}/appointments", {"kind": "physician", "starts_at": "2026-03-06T10:30"})
    clinic.world.advance("P1D")
    assert clinic.says("please cancel my appointment") == [(ANA, "appt_resched_ack")]
    assert clinic.task("reschedule")
    assert clinic.ask("GET", f"/patients/{clinic.ana}")["contacts"][0]["status"] == "ok"


def test_a_bare_cancel_stops_texts_and_staff_ask_whether_the_visit_was_meant(clinic):
    path = f"/patients/{clinic.ana}/appointments"
    clinic.ask("POST", path, {"kind": "physician", "starts_at": "2026-03-06T10:30"})
    clinic.world.advance("P1D")
    assert clinic.says("Cancel") == [(ANA, "stop_confirm")]
    assert "whether the visit was meant" in clinic.task("channel_fallback")["title"]
    assert clinic.ask("GET", path)["items"][0]["status"] == "booked"


def test_c_confirms_the_next_visit(clinic):
    path = f"/patients/{clinic.ana}/appointments"
    clinic.ask("POST", path, {"kind": "physician", "starts_at": "2026-03-06T10:30"})
    clinic.world.advance("P2D")
    assert clinic.says("C") == [(ANA, "appt_confirm_ack")]
    assert clinic.ask("GET", path)["items"][0]["status"] == "confirmed"


def test_the_same_text_twice_does_nothing_twice(clinic):
    clinic.until_the_checkin()
    clinic.world.inbound(ANA, CLINIC_NUMBER, "N", message_id="in-1")
    before = len(clinic.world.outbox())
    clinic.world.inbound(ANA, CLINIC_NUMBER, "N", message_id="in-1")
    assert len(clinic.world.outbox()) == before
    assert len(clinic.ask("GET", f"/patients/{clinic.ana}/checkins")["items"]) == 1


def test_an_unknown_number_learns_nothing_and_is_not_lost(clinic):
    assert clinic.says("is this the clinic?", sender="+12025550177") == []
    assert clinic.task("unknown_sender")


def test_several_patients_on_one_phone_are_asked_never_guessed(clinic):
    other = clinic.enrol("MRN-2", ANA, given_name="Ben", family_name="Ode")
    assert clinic.says("my hip is a bit sore") == [(ANA, "who_ab")]
    ids = sorted([clinic.ana, other])
    letter = "AB"[ids.index(other)]
    clinic.says(letter)
    assert [t["patient_id"] for t in clinic.tasks() if t["kind"] == "reply"] == [other]


def test_danger_on_a_shared_phone_is_paged_before_it_is_asked_whose_it_is(clinic):
    clinic.enrol("MRN-2", ANA, given_name="Ben", family_name="Ode")
    assert clinic.says("cant breathe") == [(KIM, "page"), (ANA, "who_ab")]


def test_the_conversation_reads_both_ways_in_order(clinic):
    clinic.until_the_checkin()
    clinic.says("N")
    said = clinic.ask("GET", f"/patients/{clinic.ana}/messages")["items"]
    assert [(m["direction"], m["kind"]) for m in said][-3:] == [
        ("out", "checkin"),
        ("in", "inbound"),
        ("out", "checkin_psfs"),
    ]


def test_staff_write_to_a_patient_but_not_against_a_stop_nor_at_night(clinic):
    path = f"/patients/{clinic.ana}/messages"
    sent = clinic.ask("POST", path, {"channel": "sms", "text": "Please bring your card."})
    assert sent["text"] == "Northside Rehab: Please bring your card."
    clinic.world.advance("PT12H")
    refused = clinic.ask("POST", path, {"channel": "sms", "text": "Good night"}, status=409)
    assert "08:00" in refused["errors"][0]["message"]
    clinic.says("STOP")
    clinic.world.advance("PT12H")
    assert "START" in clinic.ask("POST", path, {"channel": "sms", "text": "Hi"}, status=409)["errors"][0]["message"]


def test_a_number_that_does_not_exist_is_marked_and_the_words_go_once_by_email(clinic):
    dora = clinic.enrol("MRN-3", "+12025550133", email="dora@example.org")
    clinic.world.advance("PT1M")
    welcome = next(m for m in clinic.world.outbox() if m["to"] == "+12025550133")
    clinic.world.receipt(welcome["provider_message_id"], "TEXT_INVALID")
    mails = [m for m in clinic.world.outbox() if m["to"] == "dora@example.org"]
    assert [m["kind"] for m in mails] == ["welcome_fallback"]
    contacts = clinic.ask("GET", f"/patients/{dora}")["contacts"]
    assert {c["channel"]: c["status"] for c in contacts} == {"sms": "bad", "email": "ok"}
    clinic.world.receipt(welcome["provider_message_id"], "TEXT_INVALID")
    clinic.world.receipt(welcome["provider_message_id"], "TEXT_DELIVERED")
    assert len([m for m in clinic.world.outbox() if m["to"] == "dora@example.org"]) == 1
    assert [t["kind"] for t in clinic.tasks() if t["patient_id"] == dora].count("unreachable") == 1
