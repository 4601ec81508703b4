"""A text that did not arrive and went by e-mail instead: the timeline tells both, as a nurse would tell it."""

import pytest

from local.world import World

from .clinics import Clinic

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
    return next(m for m in world.outbox(to=to) if m["kind"] == "welcome")


def tells(clinic, patient):
    line = clinic.line(patient, "welcome")
    assert line["reason"]["rule"] == "provider"
    return f"{line['state']}: {line['reason']['detail']}"


def happens(world, message, event):
    world.receipt(message["provider_message_id"], event)


UNREACHED = "the text did not arrive: the phone was off or out of reach (TEXT_UNREACHABLE)"
BY_MAIL = "the same went by e-mail on 2026-03-02 10:02"


def test_the_email_and_what_became_of_it_stand_with_the_text(world, clinic):
    patient = clinic.enrol(email=MAIL)
    happens(world, welcome(world), "TEXT_INVALID")
    no_number = "failed: the text did not arrive: there is no such number (TEXT_INVALID)"
    took = "the provider took it, and has not said yet whether it arrived"
    assert tells(clinic, patient) == f"{no_number}; {BY_MAIL}; {took}"
    happens(world, world.outbox(to=MAIL)[-1], "Delivery")
    assert tells(clinic, patient) == f"{no_number}; {BY_MAIL}, and arrived"


def test_neither_arrived(world, clinic):
    patient = clinic.enrol(email=MAIL)
    happens(world, welcome(world), "TEXT_INVALID")
    happens(world, world.outbox(to=MAIL)[-1], "Bounce")
    assert tells(clinic, patient).endswith(f"{BY_MAIL}, and did not arrive either (Bounce:Permanent)")


def test_a_second_try_by_text_is_told_as_it_goes(world, clinic):
    patient = clinic.enrol(email=MAIL)
    text = welcome(world)
    happens(world, text, "TEXT_UNREACHABLE")
    happens(world, world.outbox(to=MAIL)[-1], "Delivery")
    assert tells(clinic, patient) == (
        f"failed: {UNREACHED}; it is sent once more two hours later while it is of use; {BY_MAIL}, and arrived"
    )
    world.advance("PT2H10M")
    again = next(m for m in reversed(world.outbox(to=PHONE)) if m["kind"] == "welcome")
    once_more = "sent once more on 2026-03-02 12:02"
    assert tells(clinic, patient).startswith(f"sent: {UNREACHED}; {once_more}; whether that arrived is not known yet")
    happens(world, again, "TEXT_DELIVERED")
    assert tells(clinic, patient) == f"delivered: {UNREACHED}; {once_more}, and arrived; {BY_MAIL}, and arrived"


def test_without_another_channel_it_says_that_somebody_was_asked_to_phone(world, clinic):
    patient = clinic.enrol()
    happens(world, welcome(world), "TEXT_CARRIER_BLOCKED")
    assert tells(clinic, patient) == (
        "failed: the text did not arrive: the carrier filtered it (TEXT_CARRIER_BLOCKED); staff were asked to phone"
    )


def test_what_arrived_at_once_is_told_by_the_rule_that_sent_it(world, clinic):
    patient = clinic.enrol(email=MAIL)
    happens(world, welcome(world), "TEXT_DELIVERED")
    assert clinic.line(patient, "welcome")["reason"]["rule"] == "as_planned"


def test_an_email_that_bounced_is_told_with_the_text(world, clinic):
    patient = clinic.enrol(phone=PHONE, email=MAIL, consent={"sms": False, "email": True})
    happens(world, welcome(world, MAIL), "Bounce")
    assert tells(clinic, patient) == (
        "failed: the e-mail did not arrive: there is no such mailbox, or it takes nothing (Bounce:Permanent); "
        "staff were asked to phone"
    )
