"""Twenty patients in eight zones on the default protocols, three weeks over a clock change: what may never happen."""

import re
from collections import Counter, defaultdict
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from local.world import World

ZONES = (
    "America/New_York",
    "America/Los_Angeles",
    "America/St_Johns",
    "Europe/London",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Chatham",
    "Pacific/Honolulu",
)
LANGUAGES = ("en", "es", "fr", "zh")
START, WEEKS = "2026-03-20T13:00:00Z", 3  # London changes on 29 March, Lord Howe and Chatham on 5 April
WINDOW = (time(9), time(20))


@pytest.fixture(scope="module")
def lived():
    """The world after three weeks: (world, key, {address: patient})."""
    with World(start=START) as world:
        token = world.operator_token
        clinic = world.api(
            "POST",
            "/clinics",
            token=token,
            json={
                "name": "Northside Rehabilitation and Recovery",
                "timezone": "America/New_York",
                "country": "US",
                "phone": "+12025550100",
                "sms_number": "+12025550199",
                "from_email": "care@northside.example",
                "sms_per_second": 5,
            },
        ).json()
        path = f"/clinics/{clinic['id']}/keys"
        key = world.api("POST", path, token=token, json={"role": "admin", "label": "t"}).json()["token"]
        patients = {}
        for n in range(20):
            body = {
                "external_id": f"MRN-{n}",
                "given_name": "Pat",
                "family_name": f"Number{n}",
                "language": LANGUAGES[n % 4],
                "timezone": ZONES[n % 8],
                "phone": f"+1202555{1000 + n}",
                "email": f"p{n}@example.org",
                "anchors": {
                    "injury_date": (date(2026, 3, 1) - timedelta(days=19 * n)).isoformat(),
                    "discharge_date": (date(2026, 3, 10) - timedelta(days=7 * (n % 5))).isoformat(),
                },
                "clinical": {"ad_risk": n % 2 == 0, "baseline_psfs": n % 4},
                "consent": {"sms": True, "email": True, "method": "verbal", "recorded_by": "desk"},
            }
            reply = world.api("POST", "/patients", token=key, json=body)
            assert reply.status == 201, reply.body
            patient = {**reply.json(), "phone": body["phone"], "email": body["email"]}
            patients[body["phone"]] = patients[body["email"]] = patient
            if n % 3 == 0:
                day = date(2026, 3, 26) + timedelta(days=n % 7)
                visit = {"kind": "physician", "starts_at": f"{day}T10:30"}
                assert world.api("POST", f"/patients/{patient['id']}/appointments", token=key, json=visit).status == 201
        world.advance(timedelta(weeks=WEEKS))
        yield world, key, patients


def initiated(lived):
    world, _, patients = lived
    return [(m, patients[m["to"]]) for m in world.outbox() if m["audience"] == "patient"]


def local(message, patient):
    return datetime.fromisoformat(message["sent_at"].replace("Z", "+00:00")).astimezone(ZoneInfo(patient["timezone"]))


def test_everybody_is_written_to(lived):
    assert len({patient["id"] for _, patient in initiated(lived)}) == 20


def test_nothing_leaves_outside_the_contact_window(lived):
    outside = [
        (patient["timezone"], local(message, patient))
        for message, patient in initiated(lived)
        if not WINDOW[0] <= local(message, patient).time() < WINDOW[1]
    ]
    assert outside == []


def test_nobody_gets_more_than_one_text_a_day_and_three_a_week(lived):
    days, weeks = Counter(), Counter()
    for message, patient in initiated(lived):
        if message["channel"] == "sms":
            at = local(message, patient)
            days[patient["id"], at.date()] += 1
            weeks[patient["id"], at.isocalendar()[:2]] += 1
    assert max(days.values()) == 1
    assert max(weeks.values()) <= 3


def test_no_occurrence_goes_out_twice(lived):
    seen = Counter(o for message, _ in initiated(lived) for o in message["occurrence_ids"])
    assert seen, "what each message carried is known"
    assert [o for o, times in seen.items() if times > 1] == []


def test_every_text_is_one_segment_with_nothing_left_to_fill_in(lived):
    for message, _ in initiated(lived):
        assert not re.search(r"[{}]", message["text"] + (message.get("subject") or "")), message["text"]
        if message["channel"] == "sms":
            assert message["segments"] == 1, message["text"]


def test_each_patient_reads_their_own_language(lived):
    signs = {
        "en": "call|visit|check|reply",
        "es": "llame|cita|control|avisos|emergencia",
        "fr": "rappel|visite|bilan|rendez|urgence",
        "zh": "[一-鿿]",
    }
    for message, patient in initiated(lived):
        assert re.search(signs[patient["language"]], message["text"], re.IGNORECASE), message["text"]


def test_every_line_of_every_timeline_is_explained(lived):
    world, key, patients = lived
    states = defaultdict(int)
    for patient in {p["id"]: p for p in patients.values()}.values():
        lines = world.api("GET", f"/patients/{patient['id']}/timeline", token=key).json()["items"]
        assert len({line["occurrence_id"] for line in lines}) == len(lines), "each occurrence stands once"
        for line in lines:
            states[line["state"]] += 1
            assert line["reason"]["rule"]
            assert line["reason"]["detail"]
            if line["state"] in ("sent", "delivered") and line["channel"] != "task":
                assert line["text"]
                assert line["reminder_id"]
    assert states["delivered"] > 60
    assert states["scheduled"] > 60


def test_the_reconciliation_finds_nothing_missing(lived):
    from chalicelib import wiring
    from chalicelib.service.reconcile import everybody, reconcile

    world, _, _ = lived
    found = reconcile(wiring.store(), wiring.queue("deliver"), everybody(wiring.store(), world.now), now=world.now)
    assert found.patients == 20
    assert found.gaps == ()
