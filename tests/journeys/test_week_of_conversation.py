"""A week of conversation in each language, as the patient reads it and as the nurse does. Every text a patient gets is
in their language, in one segment, promises nothing, and the staff side tells the same story."""

from dataclasses import dataclass
from itertools import pairwise

import pytest

from chalicelib.domain.wording.lint import lint
from local.clock import parse
from local.world import World

from .test_two_way import ANA, KIM, LEE, Clinic


@dataclass(frozen=True)
class Speaker:
    """What somebody says in their own language, and words only its copy has."""

    two: str
    """Their frequency of spasms, dictated or typed as they do."""
    worse: str
    """A digit with words behind it."""
    cancel: str
    harmless: str
    thanks: str
    danger: str
    help: str
    stop: str
    both: str
    """STOP and danger in one."""
    marks: tuple[str, ...]


LANGUAGES = {
    "en": Speaker(
        two="two",
        worse="1 but my legs went numb",
        cancel="please cancel my appointment",
        harmless="I did 20 push ups this week",
        thanks="thank you!",
        danger="I can't feel my feet since this morning",
        help="HELP",
        stop="please no more texts",
        both="Stop, my chest hurts",
        marks=("your", "you", "reply", "call", "Help", "visit"),
    ),
    "es": Speaker(
        two="dos",
        worse="1 pero no siento las piernas",
        cancel="quiero cancelar mi cita",
        harmless="ayer fui al cine con mi hija",
        thanks="muchas gracias",
        danger="No siento los pies desde esta mañana",
        help="AYUDA",
        stop="no más",
        both="Stop, me duele el pecho",
        marks=("llame", "Responda", "cita", "baja", "Ayuda", "responda", "Tel"),
    ),
    "fr": Speaker(
        two="deux",
        worse="1 mais je ne sens plus mes jambes",
        cancel="merci d'annuler mon rendez-vous",
        harmless="hier je suis allé au cinéma avec ma fille",
        thanks="merci beaucoup",
        danger="je ne sens plus mes pieds depuis ce matin",
        help="AIDE",
        stop="ARRET",
        both="Stop, j'ai mal à la poitrine",
        marks=("appelez", "Urgence", "urgence", "rendez-vous", "désabonnement", "Aide"),
    ),
    "zh": Speaker(
        two="２",
        worse="1但是我的腿没有感觉了",
        cancel="请取消我的预约",
        harmless="昨天我和女儿去看电影了",
        thanks="谢谢",
        danger="从今天早上起我的脚没有感觉了",
        help="帮助",
        stop="退订",
        both="退订,我胸口痛",
        marks=("致电", "请拨", "电话", "退订", "预约"),
    ),
}


@pytest.fixture(params=LANGUAGES)
def week(request):
    with World(start="2026-03-02T15:00:00Z") as world:
        clinic = Clinic(world)
        clinic.language = request.param
        clinic.ben = clinic.enrol("MRN-9", BEN, language=request.param, given_name="Ben")
        # Patients are spread over the week; this one has his check-ins on Wednesdays at noon.
        plan = clinic.ask("GET", f"/patients/{clinic.ben}/plan")
        changed = {"overrides": {"spasticity.v1/weekly": {"weekday": "wed", "at": "12:00"}}}
        headers = {"If-Match": f'"{plan["version"]}"'}
        done = world.api("PUT", f"/patients/{clinic.ben}/plan", json=changed, token=clinic.key, headers=headers)
        assert done.status == 200, done.body
        yield clinic


BEN = "+12025550155"
WAITS = "PT11M"
"""Long enough that another automatic answer is due."""


def test_a_week_of_conversation(week):
    world, say = week.world, LANGUAGES[week.language]

    def hears(text):
        kinds = [kind for to, kind in week.says(text, sender=BEN) if to == BEN]
        world.advance(WAITS)
        return kinds

    # Monday: welcome, help, a visit on Friday that does not suit
    assert hears(say.help) == ["help"]
    visit = {"kind": "physician", "starts_at": "2026-03-13T10:30"}
    week.ask("POST", f"/patients/{week.ben}/appointments", visit)
    until(world, "2026-03-10T16:00:00Z")
    assert hears("C") == ["appt_confirm_ack"]
    assert hears(say.cancel) == ["appt_resched_ack"]
    assert hears(say.thanks) == []
    asked = tasks(week, "reschedule")
    assert [t["reason"]["rule"] for t in asked] == ["asks_for_another_time"]
    assert week.ask("GET", f"/patients/{week.ben}/appointments")["items"][0]["status"] == "confirmed", "it still stands"

    # Wednesday: the check-in, a question at a time; a digit with words behind it is both
    until(world, "2026-03-11T16:30:00Z")
    assert world.outbox(to=BEN)[-1]["kind"] == "checkin"
    assert hears("N") == ["checkin_psfs"]
    assert hears(say.two) == ["checkin_severity"]
    assert hears(say.worse) == ["ack_urgent"]
    given = week.ask("GET", f"/patients/{week.ben}/checkins")["items"]
    assert [(a["question"], a["answer"]) for a in given] == [
        ("checkin_change", "N"),
        ("checkin_psfs", "2"),
        ("checkin_severity", "1"),
    ]
    assert given[-1]["text"] == say.worse
    (urgent,) = tasks(week, "urgent_reply")
    assert week.says(f"ACK {urgent['code']}", sender=KIM)[0] == (BEN, "seen_by_staff")

    # Thursday: small talk is asked the one closed question; then danger, which nobody sees at first
    until(world, "2026-03-12T14:00:00Z")
    assert hears(say.harmless) == ["checkin_safety"]
    assert hears("N") == ["ack_routine"]
    before = len(world.outbox(to=BEN))
    week.says(say.danger, sender=BEN)
    world.advance("PT16M")
    assert [m["kind"] for m in world.outbox(to=BEN)[before:]] == ["ack_urgent", "not_yet_seen"]
    last = next(t for t in tasks(week, "urgent_reply") if t["state"] == "open")
    assert week.says(f"ack {last['code']}", sender=LEE)[0] == (BEN, "seen_by_staff")

    # Friday: enough of texts; one confirmation, and silence but for whoever asks for help
    until(world, "2026-03-13T18:00:00Z")
    assert hears(say.stop) == ["stop_confirm"]
    assert hears(say.stop) == []
    assert hears(say.thanks) == []
    assert hears(say.help) == ["stop_already"]
    assert hears("START") == ["start_confirm"]
    assert week.says(say.both, sender=BEN)[-1] == (BEN, "stop_confirm")
    emergency = next(t for t in tasks(week, "urgent_reply") if t["state"] == "open")
    assert (emergency["tier"], emergency["title"][:5]) == ("emergency", "PHONE")

    reads_well(week, say)
    tells_the_same_story(week)


def reads_well(week, say):
    got = week.world.outbox(to=BEN)
    assert len(got) >= 15
    for message in got:
        text = message["text"]
        assert message["segments"] == 1, text
        assert text.startswith("Northside Rehab"), text
        assert any(mark in text for mark in say.marks), text
        assert lint(text, week.language) == [], text
    for before, after in pairwise(got):
        assert before["text"] != after["text"], "nothing is said twice in a row"


def tells_the_same_story(week):
    """Every text that came and went stands in the conversation, and whatever needs a person stands in the worklist."""
    said = week.ask("GET", f"/patients/{week.ben}/messages?limit=100")["items"]
    went = [m["text"] for m in said if m["direction"] == "out" and m["channel"] == "sms"]
    assert sorted(went) == sorted(m["text"] for m in week.world.outbox(to=BEN))
    assert all(m["status"] == "handled" for m in said if m["direction"] == "in")
    open_tasks = {t["id"] for t in week.tasks() if t["patient_id"] == week.ben}
    listed = {c["task_id"] for c in week.ask("GET", "/worklist")["items"] if c["patient_id"] == week.ben}
    assert open_tasks <= listed
    tiers = {m["id"]: m["tier"] for m in said if m["direction"] == "in"}
    for task in week.tasks():
        if task["kind"] in ("reply", "urgent_reply") and task["patient_id"] == week.ben:
            assert tiers[task["message_id"]] == task["tier"]


def until(world, at):
    world.advance(parse(at))


def tasks(week, kind):
    return [t for t in week.tasks() if t["kind"] == kind and t["patient_id"] == week.ben]


# What the answers add up to


@pytest.fixture
def clinic():
    with World(start="2026-03-02T15:00:00Z") as world:
        yield Clinic(world)


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        (["N", "1", "1"], "ack_routine"),
        (["N", "3", "1"], "ack_review"),
        (["N", "4", "2"], "ack_review"),
        (["N", "0"], "ack_routine"),
    ],
)
def test_the_last_word_of_a_checkin_says_whether_a_person_will_look(clinic, answers, told):
    clinic.until_the_checkin()
    *_, last = [clinic.says(answer) for answer in answers]
    assert last == [(ANA, told)]
    reviewed = [t for t in clinic.tasks() if t["kind"] == "checkin_answer"]
    assert bool(reviewed) == (told == "ack_review")


def test_after_something_new_the_last_word_is_no_reassurance(clinic):
    clinic.until_the_checkin()
    clinic.says("Y")
    clinic.says("0")
    assert clinic.world.outbox(to=ANA)[-1]["kind"] == "ack_urgent"


@pytest.mark.parametrize("number", ["two", "dos", "deux", "２", "to", " 2. "])
def test_a_dictated_number_is_that_number(clinic, number):
    clinic.until_the_checkin()
    clinic.says("N")
    assert clinic.says(number) == [(ANA, "checkin_severity")]
    assert clinic.ask("GET", f"/patients/{clinic.ana}/checkins")["items"][-1]["answer"] == "2"


def test_an_answer_to_the_wrong_question_is_asked_again_in_its_range(clinic):
    clinic.until_the_checkin()
    clinic.says("N")
    clinic.says("1")
    assert clinic.says("4") == [(ANA, "digit_range")]
    assert "1 to 3" in clinic.world.outbox(to=ANA)[-1]["text"]
    assert clinic.says("2") == [(ANA, "ack_routine")]


def test_a_late_answer_still_counts_while_its_checkin_is_the_open_one(clinic):
    clinic.until_the_checkin()
    clinic.waits("P4D")
    assert clinic.says("N") == [(ANA, "checkin_psfs")]


# After silence


def silent(clinic, **enrolment):
    clinic.quiet = clinic.enrol("MRN-5", "+12025550166", **enrolment)
    for _ in range(14):
        clinic.world.advance("P1D")
        if "checkin" in [m["kind"] for m in clinic.world.outbox(to="+12025550166")]:
            return
    raise AssertionError("no check-in went out")


def nudges(clinic):
    return [(m["channel"], m["kind"]) for m in clinic.world.outbox() if m["kind"] == "nudge" and m["to"] in MINE]


MINE = ("+12025550166", "quiet@example.org")


def test_silence_is_asked_again_then_by_the_other_channel_then_a_person_calls(clinic):
    silent(clinic, email="quiet@example.org")
    clinic.waits("P4D")
    assert nudges(clinic) == [("sms", "nudge"), ("email", "nudge")]
    clinic.waits("P10D")
    called = [t for t in clinic.tasks() if t["kind"] == "no_response" and t["patient_id"] == clinic.quiet]
    assert [t["tier"] for t in called] == ["review_soon"]


@pytest.mark.parametrize("word", ["N", "am in hospital, will answer later"])
def test_any_word_back_ends_the_asking(clinic, word):
    silent(clinic, email="quiet@example.org")
    clinic.says(word, sender="+12025550166")
    clinic.waits("P4D")
    assert nudges(clinic) == []


def test_a_checkin_that_was_switched_off_is_not_asked_after(clinic):
    silent(clinic, email="quiet@example.org")
    path = f"/patients/{clinic.quiet}/plan"
    version = clinic.ask("GET", path)["version"]
    off = {"overrides": {"spasticity.v1/weekly": {"off": True}}}
    done = clinic.world.api("PUT", path, json=off, token=clinic.key, headers={"If-Match": f'"{version}"'})
    assert done.status == 200, done.body
    clinic.waits("P6D")
    assert nudges(clinic) == []
