"""What the providers report afterwards, in their own shapes, and what comes of it for patient and staff."""

import pytest

from local.clock import parse
from local.provider_events import event as provider_event
from local.runner import EVENTS_FUNCTION
from local.world import World

from .clinics import CLINIC, Clinic

PHONE, MAIL = "+12025550121", "ana@example.org"


@pytest.fixture
def world():
    """Providers say nothing of themselves here: every event is the test's."""
    with World(start="2026-03-02T15:00:00Z") as world:
        for provider in ("sms", "email"):
            world.faults(provider, events=False)
        yield world


@pytest.fixture
def clinic(world):
    return Clinic(world)


def welcome(world, to=PHONE):
    world.advance("PT2M")
    return next(m for m in reversed(world.outbox(to=to)) if m["kind"] == "welcome")


def tell(world, message, kind, **changed):
    """A provider's event with some of it changed; None takes a field away."""
    event = provider_event(message, kind, world.now)
    for path, value in changed.items():
        *parents, name = path.split("__")
        place = event
        for parent in parents:
            place = place[parent]
        if value is None:
            place.pop(name, None)
        else:
            place[name] = value
    world.runner.publish(EVENTS_FUNCTION, event)
    world.settle()


def sent(world, since):
    return [(m["to"], m["kind"]) for m in world.outbox()[since:]]


def kinds(clinic):
    return sorted(t["kind"] for t in clinic.tasks())


def after(world, time="P1D"):
    before = len(world.outbox())
    world.advance(time)
    return sent(world, before)


# What each text event comes to

GOES_BY_MAIL = [(MAIL, "welcome_fallback")]
TEXTS = {
    "TEXT_QUEUED": ("sent", "ok", [], []),
    "TEXT_PENDING": ("sent", "ok", [], []),
    "TEXT_SUCCESSFUL": ("delivered", "ok", [], []),
    "TEXT_DELIVERED": ("delivered", "ok", [], []),
    "TEXT_UNREACHABLE": ("failed", "ok", GOES_BY_MAIL, []),
    "TEXT_CARRIER_UNREACHABLE": ("failed", "ok", GOES_BY_MAIL, []),
    "TEXT_TTL_EXPIRED": ("failed", "ok", GOES_BY_MAIL, []),
    "TEXT_BLOCKED": ("failed", "bad", GOES_BY_MAIL, ["unreachable"]),
    "TEXT_INVALID": ("failed", "bad", GOES_BY_MAIL, ["unreachable"]),
    "TEXT_CARRIER_BLOCKED": ("failed", "ok", GOES_BY_MAIL, []),
    "TEXT_SPAM": ("failed", "ok", GOES_BY_MAIL, []),
    "TEXT_INVALID_MESSAGE": ("failed", "ok", GOES_BY_MAIL, []),
    "TEXT_PROTECT_BLOCKED": ("failed", "ok", GOES_BY_MAIL, []),
    "TEXT_UNKNOWN": ("sent", "ok", [], []),
}


def test_every_text_event_comes_to_what_the_reference_says(world, clinic):
    for number, (kind, (state, status, goes, tasks)) in enumerate(TEXTS.items()):
        phone = f"+120255501{number:02}"
        patient = clinic.enrol(f"MRN-{number}", phone=phone, email=MAIL.replace("ana", f"ana{number}"))
        message = welcome(world, phone)
        before = len(world.outbox())
        for _ in range(2):
            world.receipt(message["provider_message_id"], kind)
        assert sent(world, before) == [(m.replace("ana", f"ana{number}"), k) for m, k in goes], kind
        assert clinic.line(patient, "welcome")["state"] == state, kind
        contacts = clinic.ask("GET", f"/patients/{patient}")["contacts"]
        assert [c["status"] for c in contacts if c["channel"] == "sms"] == [status], kind
        assert [t["kind"] for t in clinic.tasks(patient_id=patient)] == tasks, kind


def test_what_goes_by_mail_instead_is_an_email_of_its_own_with_links_that_work(world, clinic):
    clinic.enrol(email=MAIL)
    clinic.book(clinic.ask("GET", "/patients?q=MRN-1")["items"][0]["id"], "2026-03-04T10:30")
    world.advance("P1DT3H")
    text = next(m for m in world.outbox(to=PHONE) if m["kind"] == "appointment")
    world.receipt(text["provider_message_id"], "TEXT_BLOCKED")
    (mail,) = [m for m in world.outbox(to=MAIL) if m["kind"] == "appointment_fallback"]
    assert mail["subject"] == "Your upcoming visit at Northside Rehab"
    assert "Reply C" not in mail["text"], "a mailbox that nobody reads takes no answers"
    assert "Confirm: http" in mail["text"]
    assert "List-Unsubscribe" in dict(mail["headers"])
    said = clinic.ask("GET", f"/patients/{mail['patient_id']}/messages?limit=100")["items"]
    shown = next(m for m in said if m["kind"] == "appointment_fallback")
    assert "/r/…" in shown["text"], "staff see the words and not the patient's keys"


# E-mail


def test_a_bounce_of_this_time_goes_by_text_and_the_mailbox_stays(world, clinic):
    patient = clinic.enrol(email=MAIL, channels=["email", "sms"])
    clinic.book(patient, "2026-03-12T10:30")
    for _ in range(6):
        world.advance("P1D")
        if mails := [m for m in world.outbox(to=MAIL) if m["kind"] == "appointment"]:
            break
    before = len(world.outbox())
    tell(world, mails[-1], "Bounce", bounce__bounceType="Transient", bounce__bounceSubType="MailboxFull")
    assert [to for to, _ in sent(world, before)] in ([PHONE], [])
    contacts = clinic.ask("GET", f"/patients/{patient}")["contacts"]
    assert [c["status"] for c in contacts if c["channel"] == "email"] == ["ok"]
    if sent(world, before) == []:
        assert kinds(clinic) == ["undelivered"], "another text had gone out that day: staff phone"


def test_a_hard_bounce_marks_the_mailbox_and_goes_by_text_once(world, clinic):
    patient = clinic.enrol(phone=PHONE, email=MAIL, consent={"sms": False, "email": True})
    mail = welcome(world, MAIL)
    world.receipt(mail["provider_message_id"], "Bounce")
    assert [t["kind"] for t in clinic.tasks(patient_id=patient)].count("unreachable") == 1
    assert "undelivered" in kinds(clinic), "no consent for texts: somebody phones"
    world.receipt(mail["provider_message_id"], "Delivery")
    assert clinic.line(patient, "welcome")["state"] == "failed", "taken, and sent back later"


@pytest.mark.parametrize("kind", ["Send", "Delivery", "DeliveryDelay", "Open", "Click", "Subscription"])
def test_events_that_change_nothing_change_nothing(world, clinic, kind):
    clinic.enrol(phone=None, email=MAIL, channels=["email"])
    mail = welcome(world, MAIL)
    before = len(world.outbox())
    world.receipt(mail["provider_message_id"], kind)
    assert (sent(world, before), kinds(clinic)) == ([], [])


def test_an_email_that_ses_would_not_send_is_somebodys_work(world, clinic):
    clinic.enrol(phone=None, email=MAIL, channels=["email"])
    mail = welcome(world, MAIL)
    world.receipt(mail["provider_message_id"], "Rendering Failure")
    assert kinds(clinic) == ["undelivered"]


# Trying again


def unreachable(world, clinic, **enrolment):
    patient = clinic.enrol(**enrolment)
    message = welcome(world)
    world.receipt(message["provider_message_id"], "TEXT_UNREACHABLE")
    return patient, message


def test_a_phone_out_of_reach_is_tried_once_more_after_two_hours(world, clinic):
    patient, first = unreachable(world, clinic)
    assert kinds(clinic) == [], "nobody is asked to phone while another try is to come"
    assert after(world, "PT1H59M") == []
    assert after(world, "PT3M") == [(PHONE, "welcome")]
    second = world.outbox(to=PHONE)[-1]
    assert second["text"] == first["text"]
    world.receipt(second["provider_message_id"], "TEXT_DELIVERED")
    line = clinic.line(patient, "welcome")
    assert (line["state"], line["reason"]["rule"]) == ("delivered", "provider"), "and tells of both tries"


def test_there_is_no_third_attempt_whatever_is_reported(world, clinic):
    patient, first = unreachable(world, clinic)
    after(world, "PT2H5M")
    second = world.outbox(to=PHONE)[-1]
    for message in (second, first, second):
        world.receipt(message["provider_message_id"], "TEXT_UNREACHABLE")
    assert kinds(clinic) == ["undelivered"]
    world.receipt(first["provider_message_id"], "TEXT_DELIVERED")
    assert (PHONE, "welcome") not in after(world)
    assert clinic.line(patient, "welcome")["state"] == "delivered", "and the truth is shown"


def test_a_late_word_that_the_first_arrived_spares_the_second(world, clinic):
    patient, first = unreachable(world, clinic)
    world.receipt(first["provider_message_id"], "TEXT_DELIVERED")
    world.receipt(first["provider_message_id"], "TEXT_UNREACHABLE")
    assert after(world, "PT3H") == [], "told in one moment, and in any order, it arrived"
    assert clinic.line(patient, "welcome")["state"] == "delivered"


def test_of_what_is_told_of_a_phone_the_later_holds(world, clinic):
    clinic.enrol()
    first = welcome(world)
    world.receipt(first["provider_message_id"], "TEXT_DELIVERED")
    world.advance("PT1M")
    world.receipt(first["provider_message_id"], "TEXT_UNREACHABLE")
    tell(world, first, "TEXT_DELIVERED", eventTimestamp=int(world.now.timestamp() - 30) * 1000)
    assert after(world, "PT3H") == [(PHONE, "welcome")]


def test_what_is_told_of_the_first_attempt_says_nothing_of_the_second(world, clinic):
    patient, first = unreachable(world, clinic)
    after(world, "PT2H5M")
    world.receipt(first["provider_message_id"], "TEXT_UNREACHABLE")
    world.receipt(first["provider_message_id"], "TEXT_INVALID_MESSAGE")
    assert clinic.line(patient, "welcome")["state"] == "sent"
    assert kinds(clinic) == []


def test_with_a_mailbox_it_goes_there_at_once_and_to_the_phone_later(world, clinic):
    unreachable(world, clinic, email=MAIL)
    assert [m["kind"] for m in world.outbox(to=MAIL)] == ["welcome_fallback"]
    assert after(world, "PT3H") == [(PHONE, "welcome")]


def test_never_outside_the_patients_hours(world, clinic):
    unreachable(world, clinic, contact_window={"from": "09:00", "to": "11:30"})
    assert after(world, "PT3H") == []
    assert kinds(clinic) == ["undelivered"]
    assert (PHONE, "welcome") not in after(world, "P2D")


def test_never_once_it_is_of_no_use(world, clinic):
    patient = clinic.enrol(protocols=["annual.v1"], two_hours_before=True)
    clinic.book(patient, "2026-03-11T12:00")
    world.advance(parse("2026-03-11T14:00:00Z"))
    text = world.outbox(to=PHONE)[-1]
    assert (text["kind"], text["sent_at"][:16]) == ("appointment", "2026-03-11T14:00")
    world.receipt(text["provider_message_id"], "TEXT_UNREACHABLE")
    assert after(world, "PT4H") == []
    assert "undelivered" in kinds(clinic)


@pytest.mark.parametrize("event", ["/pause", "/discharge", "STOP"], ids=["paused", "discharged", "after a STOP"])
def test_never_against_what_happened_meanwhile(world, clinic, event):
    patient, _ = unreachable(world, clinic)
    bodies = {"/pause": {"reason": "in hospital"}, "/discharge": {"date": "2026-03-02"}}
    if event == "STOP":
        world.inbound(PHONE, CLINIC["sms_number"], "STOP")
    else:
        clinic.ask("POST", f"/patients/{patient}{event}", bodies[event])
    assert (PHONE, "welcome") not in after(world, "PT4H")


def test_an_answered_checkin_is_not_asked_again(world, clinic):
    clinic.enrol()
    for _ in range(14):
        world.advance("P1D")
        if asked := [m for m in world.outbox(to=PHONE) if m["kind"] == "checkin"]:
            break
    world.receipt(asked[-1]["provider_message_id"], "TEXT_UNREACHABLE")
    world.inbound(PHONE, CLINIC["sms_number"], "N")
    assert after(world, "PT3H") == []


@pytest.mark.parametrize("mode", ["timeout_after", "timeout_before", "crash_after_accept"])
def test_a_second_attempt_of_unknown_fate_is_the_last(world, clinic, mode):
    patient, _ = unreachable(world, clinic)
    world.faults("sms", mode, 1)
    attempts = len(world.attempts())
    world.advance("PT4H")
    assert len(world.attempts()) == attempts + 1
    assert clinic.line(patient, "welcome")["state"] == "unknown"


def test_a_second_attempt_that_is_refused_is_somebodys_work(world, clinic):
    patient, _ = unreachable(world, clinic)
    world.faults("sms", "reject", 1)
    world.advance("PT4H")
    assert clinic.line(patient, "welcome")["state"] == "failed"
    assert kinds(clinic) == ["undelivered"]


# A provider that does not take it at all


def test_a_number_that_opted_out_at_the_carrier_is_stopped_here_as_well(world, clinic):
    world.carrier.opted_out.add(PHONE)
    patient = clinic.enrol(email=MAIL)
    contacts = clinic.ask("GET", f"/patients/{patient}")["contacts"]
    assert {c["channel"]: c["status"] for c in contacts} == {"sms": "stopped", "email": "ok"}
    assert kinds(clinic) == ["channel_fallback"]
    assert [m["kind"] for m in world.outbox(to=MAIL)] == ["welcome_fallback"]
    again = clinic.enrol("MRN-2")
    assert clinic.ask("GET", f"/patients/{again}")["contacts"][0]["status"] == "stopped"


def test_a_text_that_is_refused_for_good_goes_by_mail(world, clinic):
    world.faults("sms", "reject", 1)
    patient = clinic.enrol(email=MAIL)
    assert [m["kind"] for m in world.outbox(to=MAIL)] == ["welcome_fallback"]
    assert clinic.line(patient, "welcome")["state"] == "failed"


# Staff's own words


def test_a_word_from_staff_that_did_not_arrive_is_told_to_staff(world, clinic):
    patient = clinic.enrol()
    clinic.ask("POST", f"/patients/{patient}/messages", {"channel": "sms", "text": "Please bring your card."})
    message = world.outbox(to=PHONE)[-1]
    world.receipt(message["provider_message_id"], "TEXT_UNREACHABLE")
    (task,) = clinic.tasks()
    assert (task["kind"], task["tier"], task["message_id"]) == ("undelivered", "review_soon", message["message_id"])
    said = clinic.ask("GET", f"/patients/{patient}/messages?limit=100")["items"]
    assert next(m for m in said if m["kind"] == "staff_message")["status"] == "failed"


# Events that lack something, or say more


def test_events_with_missing_and_unknown_fields_are_read_for_what_they_say(world, clinic):
    patient = clinic.enrol(email=MAIL)
    message = welcome(world)
    gone = dict.fromkeys(["eventTimestamp", "messageId", "isFinal", "mcc", "destinationPhoneNumber"])
    tell(world, message, "TEXT_INVALID", **gone, isoCountryCode="US", newField={"a": [1]})
    assert clinic.line(patient, "welcome")["state"] == "failed"
    contacts = clinic.ask("GET", f"/patients/{patient}")["contacts"]
    assert {c["channel"]: c["status"] for c in contacts} == {"sms": "bad", "email": "ok"}, "by the record of the send"
    assert world.runner.deliveries[-1].error is None


@pytest.mark.parametrize(
    "event",
    [
        {"eventType": "TEXT_SENT", "context": {}},
        {"eventType": "TEXT_FROM_THE_FUTURE", "context": {"r": "a.b.1", "u": "patient", "k": "welcome", "a": "1"}},
        {"eventType": "TEXT_DELIVERED"},
        {"eventType": "Delivery", "mail": {}},
        {"notificationType": "Bounce", "bounce": {}, "mail": {"destination": [MAIL]}},
    ],
    ids=["nothing of ours", "an unknown kind", "no context", "no tags", "feedback of the identity"],
)
def test_events_about_nothing_of_ours_are_passed_over(world, clinic, event):
    world.runner.publish(EVENTS_FUNCTION, event)
    world.settle()
    assert world.runner.deliveries[-1].error is None
    assert kinds(clinic) == []
