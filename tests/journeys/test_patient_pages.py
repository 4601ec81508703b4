"""Patients and staff follow the links in real e-mails: what they see, what it changes, and what follows from it."""

import re
from datetime import timedelta

import pytest

from local.world import World
from tests.journeys.clinics import Clinic
from tests.web.page_reader import Visitor

ANA, KIM, LEE = "ana@example.org", "kim@northside.example", "+12025550112"
ON_CALL = [{"name": "Kim", "email": KIM}, {"name": "Lee", "phone": LEE}]
BY_EMAIL = {"phone": None, "email": ANA, "channels": ["email"]}


@pytest.fixture
def world():
    with World(start="2026-03-02T15:00:00Z") as world:
        yield world


@pytest.fixture
def clinic(world):
    return Clinic(world, on_call=ON_CALL)


@pytest.fixture
def visitor(world):
    return Visitor(world)


def emails(world, kind, to=ANA):
    return [m for m in world.outbox(to=to) if m["channel"] == "email" and m["kind"] == kind]


def link(email, label):
    """The address behind a button or link of the e-mail, as it stands in its text."""
    return re.search(rf"^.*{re.escape(label)}: (\S+)$", email["text"], re.MULTILINE)[1]


def one_click(email):
    headers = {name.lower(): value for name, value in dict(email["headers"]).items()}
    assert headers["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    return headers["list-unsubscribe"].strip("<>")


def until(world, kind, days=21):
    for _ in range(days):
        if found := emails(world, kind):
            return found[-1]
        world.advance("P1D")
    raise AssertionError(f"no {kind} went out by e-mail")


@pytest.fixture
def visit(world, clinic):
    """Ana, reached by text and e-mail, whose visit was announced by e-mail; (her id, the visit's, the page)."""
    ana = clinic.enrol(email=ANA)
    booked = clinic.book(ana, "2026-03-12T10:30")["id"]
    return ana, booked, link(until(world, "appointment"), "Confirm")


def status_of(clinic, ana):
    return [a["status"] for a in clinic.ask("GET", f"/patients/{ana}/appointments")["items"]]


def test_a_visit_is_confirmed_from_its_email(clinic, visitor, visit):
    ana, _, url = visit
    page = visitor.open(url)
    assert "Your visit is on Thu 2026-03-12 at 10:30 AM." in page.text
    assert "America/New_York" in page.text
    assert page.labels == ["Confirm", "Ask for another time"]
    after = visitor.press(url, "Confirm")
    assert "Your visit is confirmed." in after.text
    assert after.labels == ["Ask for another time"]
    assert status_of(clinic, ana) == ["confirmed"]
    again = visitor.press(url, "Confirm", page)
    assert (again.text, status_of(clinic, ana)) == (after.text, ["confirmed"])


def test_another_time_is_asked_for_once_and_again_when_staff_have_closed_it(clinic, visitor, visit):
    _, _, url = visit
    page = visitor.open(url)
    for _ in range(2):
        after = visitor.press(url, "Ask for another time", page)
        assert "This visit still stands until staff contact you." in after.text
    (task,) = clinic.tasks(kind="reschedule")
    clinic.ask("POST", f"/tasks/{task['id']}/ack")
    clinic.ask("POST", f"/tasks/{task['id']}/close", {"outcome": "not_needed", "note": "no other time that week"})
    assert "Ask for another time" in visitor.open(url).labels
    visitor.press(url, "Ask for another time")
    (second,) = clinic.tasks(kind="reschedule")
    assert second["id"] != task["id"]


def test_what_was_pressed_stands_in_the_conversation_that_staff_read(clinic, visitor, visit):
    ana, _, url = visit
    visitor.press(url, "Ask for another time")
    said = [m for m in clinic.ask("GET", f"/patients/{ana}/messages")["items"] if "Ask for another time" in m["text"]]
    assert len(said) == 1


def test_a_moved_or_cancelled_visit_says_how_it_stands(clinic, visitor, visit):
    ana, booked, url = visit
    path = f"/patients/{ana}/appointments/{booked}"
    opened = visitor.open(url)
    clinic.ask("PATCH", path, {"starts_at": "2026-03-13T15:00"})
    page = visitor.press(url, "Confirm", opened)
    assert "Your visit is on Fri 2026-03-13 at 3:00 PM." in page.text
    assert status_of(clinic, ana) == ["booked"], "nobody confirms a time they have not seen"
    opened = visitor.open(url)
    clinic.ask("PATCH", path, {"status": "cancelled"})
    page = visitor.open(url)
    assert "This visit is cancelled." in page.text
    assert page.labels == []
    assert "This visit is cancelled." in visitor.press(url, "Confirm", opened).text
    assert status_of(clinic, ana) == ["cancelled"]


def test_a_visits_link_ends_with_the_visit(world, visitor, visit):
    _, _, url = visit
    world.advance("P9D")
    page = visitor.open(url)
    assert (page.status, page.headings) == (410, [(1, "This link has expired")])
    assert "Call your clinic." in page.text
    assert "Northside" not in page.text + page.title


@pytest.fixture
def checkin(world, clinic):
    """Ana, reached by e-mail alone, whose check-in is open; (her id, the page)."""
    ana = clinic.enrol(**BY_EMAIL)
    return ana, link(until(world, "checkin"), "Open your page")


def answers(clinic, ana):
    items = clinic.ask("GET", f"/patients/{ana}/checkins")["items"]
    return [(a["question"], a["answer"], a["tier"]) for a in items]


def test_a_whole_checkin_is_answered_a_button_at_a_time(clinic, visitor, checkin):
    ana, url = checkin
    page = visitor.open(url)
    assert page.labels == ["No", "Yes, something is new or worse"]
    page = visitor.press(url, "No")
    assert [words for level, words in page.headings if level == 2] == ["How often did you have spasms this week?"]
    page = visitor.press(url, page.labels[1])
    assert page.labels == ["Mild", "Moderate", "Severe"]
    page = visitor.press(url, "Mild")
    assert page.headings == [(1, "Your answers are saved")]
    assert page.labels == []
    assert answers(clinic, ana) == [
        ("checkin_change", "N", "routine"),
        ("checkin_psfs", "1", "routine"),
        ("checkin_severity", "1", "routine"),
    ]
    assert clinic.tasks(kind="urgent_reply") == []


def test_no_nudge_follows_answers_given_on_the_page(world, visitor, checkin):
    _, url = checkin
    visitor.press(url, "No")
    world.advance("P4D")
    assert emails(world, "nudge") == []


def test_something_new_is_a_task_and_a_page_before_the_answer_returns(world, clinic, visitor, checkin):
    ana, url = checkin
    opened = visitor.open(url)
    said = world.gateway.request(
        "POST",
        url.removeprefix("http://127.0.0.1:8000"),
        {"Content-Type": "application/x-www-form-urlencoded"},
        "&".join(f"{n}={v}" for n, v in opened.button("Yes, something is new or worse").fields.items()).encode(),
    )
    # Nothing has been settled since: what there is was there before the answer came back.
    assert said.status == 303
    assert [m["kind"] for m in world.outbox(to=KIM)] == ["page"]
    (task,) = clinic.tasks(kind="urgent_reply")
    assert (task["tier"], task["state"], task["reason"]["rule"]) == ("urgent", "open", "new_or_worse")
    page = visitor.open(url)
    assert page.headings[0] == (1, "Call us now")
    assert "Call us NOW at +12025550100" in page.text
    assert page.headings[-1] == (2, "How often did you have spasms this week?")
    assert answers(clinic, ana) == [("checkin_change", "Y", "urgent")]


def test_the_same_urgent_answer_again_pages_nobody_again(world, clinic, visitor, checkin):
    _, url = checkin
    opened = visitor.open(url)
    for _ in range(3):
        visitor.press(url, "Yes, something is new or worse", opened)
    assert len(world.outbox(to=KIM)) == 1
    assert len(clinic.tasks(kind="urgent_reply")) == 1


def test_going_back_to_say_that_something_is_new_after_all_is_heard(world, clinic, visitor, checkin):
    ana, url = checkin
    opened = visitor.open(url)
    visitor.press(url, "No", opened)
    page = visitor.press(url, "Yes, something is new or worse", opened)
    assert "Call us NOW" in page.text
    assert len(clinic.tasks(kind="urgent_reply")) == 1
    assert {a for _, a, _ in answers(clinic, ana)} == {"N", "Y"}


def test_a_checkin_page_left_open_for_a_week_answers_no_later_question(world, clinic, visitor, checkin):
    ana, url = checkin
    opened = visitor.open(url)
    visitor.press(url, "No", opened)
    stale = visitor.open(url)
    world.advance("P7D")
    newer = link(emails(world, "checkin")[-1], "Open your page")
    before = answers(clinic, ana)
    page = visitor.press(newer, "Infrequent full spasms, less than once an hour", stale)
    assert page.labels == ["No", "Yes, something is new or worse"]
    assert answers(clinic, ana) == before
    visitor.press(newer, "Yes, something is new or worse", opened)
    assert len(clinic.tasks(kind="urgent_reply")) == 1


def test_a_discharged_patients_page_asks_nothing_and_takes_nothing(world, clinic, visitor, checkin):
    ana, url = checkin
    opened = visitor.open(url)
    clinic.ask("POST", f"/patients/{ana}/discharge", {"date": f"{world.now - timedelta(days=1):%F}"})
    page = visitor.press(url, "No", opened)
    assert page.headings == [(1, "Your follow-up has ended")]
    assert "+12025550100" in page.text
    assert answers(clinic, ana) == []


def test_whoever_was_paged_says_so_on_a_page_that_names_no_patient(world, clinic, visitor, checkin):
    _, url = checkin
    visitor.press(url, "Yes, something is new or worse")
    (page_mail,) = world.outbox(to=KIM)
    ladder = re.search(r"open (\S+)", page_mail["text"])[1]
    page = visitor.open(ladder)
    (task,) = clinic.tasks(kind="urgent_reply")
    assert page.headings == [(1, f"Task {task['code']}")]
    assert "URGENT" in page.text
    assert page.labels == ["I have seen it"]
    assert not {"Ana", "Ruiz", "worse in"} & set(page.text.replace(",", "").split())
    assert clinic.tasks(kind="urgent_reply")[0]["state"] == "open", "looking acknowledges nothing"
    after = visitor.press(ladder, "I have seen it")
    assert after.labels == []
    assert "nobody else is being paged" in after.text
    (task,) = clinic.ask("GET", "/tasks?limit=100&state=acked")["items"]
    assert (task["state"], task["ack_by"]) == ("acked", "on-call contact 1")
    world.advance("PT2H")
    assert world.outbox(to=LEE) == []
    assert "A member of staff has seen your answer." in visitor.open(url).text


def test_without_an_acknowledgement_the_ladder_climbs(world, visitor, checkin):
    _, url = checkin
    visitor.press(url, "Yes, something is new or worse")
    world.advance("PT16M")
    assert [m["kind"] for m in world.outbox(to=LEE)] == ["page"]
    assert "Call us NOW" in visitor.open(url).text


def test_one_click_stops_its_own_category_and_no_other(world, clinic, visitor, checkin):
    ana, _ = checkin
    url = one_click(emails(world, "checkin")[-1])
    assert visitor.open(url).labels == ["Stop these e-mails"]
    world.advance("P7D")
    assert len(emails(world, "checkin")) == 2, "looking stops nothing"
    for body, kind in (
        (b"List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"),
        (
            b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--',
            "multipart/form-data; boundary=x",
        ),
        (b"", None),
    ):
        path = url.removeprefix("http://127.0.0.1:8000")
        reply = world.api("POST", path, body=body, headers={"Content-Type": kind} if kind else {})
        assert reply.status == 200, reply.body
    clinic.book(ana, "2026-04-02T10:30")
    world.advance("P21D")
    assert len(emails(world, "checkin")) == 2
    assert len(emails(world, "appointment")) >= 1
    told = clinic.tasks(kind="channel_fallback")
    assert len(told) == 1, "care goes on another way"


def test_preferences_are_what_the_next_reminders_keep_to(world, clinic, visitor, visit):
    url = link(emails(world, "appointment")[-1], "Manage or stop messages")
    page = visitor.open(url)
    assert not any("Safety messages" in label for label in page.labels)
    page = visitor.press(url, "Turn off: Visits (Text messages)")
    assert "Turn on: Visits (Text messages)" in page.labels
    page = visitor.press(url, "Español")
    assert (page.lang, page.headings[0]) == ("es", (1, "Sus mensajes"))
    sent = len(world.outbox())
    world.advance("P6D")
    later = [m for m in world.outbox()[sent:] if m["kind"] == "appointment"]
    assert later
    assert {m["channel"] for m in later} == {"email"}
    assert all("Su próxima cita" in m["subject"] for m in later)


def test_all_email_is_stopped_and_started_again(world, clinic, visitor, checkin):
    url = link(emails(world, "checkin")[-1], "Manage or stop messages")
    page = visitor.press(url, "Stop all e-mail")
    assert "E-mail is stopped." in page.text
    sent = len(world.outbox(to=ANA))
    world.advance("P8D")
    assert len(world.outbox(to=ANA)) == sent
    assert [t["tier"] for t in clinic.tasks(kind="channel_fallback")] == ["review_soon"]
    visitor.press(url, "Start e-mail again")
    world.advance("P8D")
    assert len(world.outbox(to=ANA)) > sent


def test_following_every_link_changes_nothing(world, clinic, visitor, checkin):
    ana, url = checkin
    clinic.book(ana, "2026-03-19T10:30")
    visitor.press(url, "Yes, something is new or worse")
    found = {one_click(m) for m in world.outbox(to=ANA) if "List-Unsubscribe" in m["headers"]}
    for email in world.outbox():
        found |= set(re.findall(r"http://\S+/(?:r|unsubscribe|tips)/\S+", email["text"]))
    assert {path.split("/")[3] for path in found} >= {"r", "unsubscribe"}
    before = kept(world)
    pages = [visitor.open(each) for each in sorted(found)]
    assert {page.status for page in pages} == {200}
    assert len({page.headings[0] for page in pages}) >= 4, "a check-in, a task, preferences, a kind of e-mail"
    assert kept(world) == before


def kept(world):
    """Everything the table holds."""
    client, table = world.aws.client("dynamodb"), world.aws.table_name
    pages = client.get_paginator("scan").paginate(TableName=table)
    return sorted(repr(sorted(item.items())) for page in pages for item in page["Items"])


def test_the_tip_in_a_message_opens_without_a_token(visitor):
    for language, lang in (("en", "en"), ("es-MX", "es"), ("fr", "fr"), ("zh", "zh-Hans")):
        page = visitor.open(f"/tips/{language}")
        assert (page.status, page.lang) == (200, lang)
    assert visitor.open("/tips/de").status == 404
