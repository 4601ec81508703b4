"""Between queueing, claiming and sending, people change their minds and whole regions stand still."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.adapters.memory import Fault
from chalicelib.domain.delivery import Status
from chalicelib.domain.occurrence import State
from chalicelib.domain.patient import Channel, ContactStatus, Pause
from chalicelib.domain.patient import Status as PatientStatus
from chalicelib.domain.plan import AppointmentStatus
from chalicelib.service.references import encode

from .test_deliver import DAY_BEFORE, MINUTE, at_the_eve_of, due_reference, texts
from .ward import MONDAY, Ward, a_visit


@pytest.fixture
def ward():
    """A minute before the day-before reminder of Ana's visit is due."""
    return at_the_eve_of("the day before")


# Changes of mind between queueing and sending


def stop(facts):
    return replace(facts, contacts=tuple(replace(c, status=ContactStatus.STOPPED) for c in facts.contacts))


def paused(facts):
    pause = Pause(start=DAY_BEFORE - timedelta(hours=1), until=None, reason="in hospital")
    return replace(facts, patient=replace(facts.patient, pauses=(pause,)))


def discharged(facts):
    return replace(facts, patient=replace(facts.patient, status=PatientStatus.DISCHARGED))


def cancelled(facts):
    visits = tuple(replace(v, status=AppointmentStatus.CANCELLED) for v in facts.appointments)
    return replace(facts, appointments=visits)


MINDS = pytest.mark.parametrize("changed", [stop, paused, discharged, cancelled])


@MINDS
def test_a_change_between_queueing_and_the_claim_holds(ward, changed):
    ward.tick()
    ward.now = DAY_BEFORE
    ward.change(changed)
    ward.live(DAY_BEFORE + timedelta(hours=1))
    assert ward.sms.attempts == []


@MINDS
def test_a_change_between_reading_and_the_claim_holds(ward, changed):
    body = encode(due_reference(ward))
    ward.now = DAY_BEFORE
    read, chart_of = [], ward.worker.chart

    def chart(clinic_id, patient_id, *, now):
        found = chart_of(clinic_id, patient_id, now=now)
        if not read:
            read.append(found)
            ward.change(changed)
        return found

    ward.worker.chart = chart
    ward.deliver(body)
    ward.worker.chart = chart_of
    ward.live(DAY_BEFORE + timedelta(hours=1))
    assert ward.sms.attempts == []


@pytest.mark.parametrize(
    ("changed", "state", "rule"),
    [
        (stop, State.SKIPPED, "opted_out"),
        (paused, State.SKIPPED, "paused"),
        (discharged, State.SKIPPED, "discharged"),
        (cancelled, State.SKIPPED, "appointment_cancelled"),
    ],
)
def test_a_change_while_the_provider_was_busy_holds_too(ward, changed, state, rule):
    ward.sms.script(Fault.THROTTLE)
    ward.tick()
    ward.drain(DAY_BEFORE)
    ward.change(changed)
    ward.drain(DAY_BEFORE + timedelta(hours=1))
    assert texts(ward) == 0
    record = next(r for r in ward.history() if r.claimed_at == DAY_BEFORE and r.channel is Channel.SMS)
    assert [(o.state, o.rule) for o in record.outcomes] == [(state, rule)]


@MINDS
def test_a_safety_message_of_unknown_fate_is_not_sent_again_against_the_patients_will(ward, changed):
    ward.events = False
    ward.sms.script(Fault.TIMEOUT_BEFORE)
    ward.tick()
    ward.drain(DAY_BEFORE)
    ward.change(changed)
    ward.drain(DAY_BEFORE + timedelta(hours=1))
    assert len(ward.sms.attempts) == 1
    assert Status.UNKNOWN in {r.status for r in ward.history()}


# Outages


def test_after_six_hours_what_is_of_use_goes_and_the_rest_is_listed_as_missed():
    ward = Ward().open_clinic()
    ward.enrol(visits=[a_visit(MONDAY + timedelta(days=4, hours=2))])
    ward.live(DAY_BEFORE - timedelta(hours=1))
    three_days = len(ward.history())
    ward.now = DAY_BEFORE + timedelta(hours=6)
    ward.live(ward.now + timedelta(minutes=5))
    assert [r.kind for r in ward.history()[three_days:]] == ["appointment"]
    assert ward.history()[-1].sent_at - (DAY_BEFORE + timedelta(hours=6)) <= MINUTE
    assert ward.reconcile().gaps == ()


def test_after_a_week_nothing_stale_goes_and_everything_is_accounted_for():
    ward = Ward().open_clinic()
    ward.enrol(visits=[a_visit(MONDAY + timedelta(days=4, hours=2))])
    before = len(ward.history())
    ward.now = MONDAY + timedelta(days=7, hours=2)
    ward.live(ward.now + timedelta(minutes=5))
    assert ward.sent() == [] or {r.kind for r in ward.history() if r.status is Status.SENT} <= {"welcome"}
    missed = {o.step for r in ward.history()[before:] for o in r.outcomes if o.state is State.MISSED}
    assert {"appointment/3d", "appointment/1d"} <= missed
    assert ward.reconcile().gaps == ()
