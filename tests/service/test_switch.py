from datetime import timedelta

import pytest

from chalicelib.service.perform import Done
from chalicelib.service.ports import CLINIC_KEPT
from chalicelib.service.references import encode
from chalicelib.service.switch import start, stop

from .test_deliver import DAY_BEFORE, at_the_eve_of, due_reference
from .test_tick import DUE, full
from .ward import SHARDS, Ward, a_clinic


def stopped(ward: Ward):
    """Thrown through another process than the worker's, as it is on Lambda."""
    return stop(ward.store, ward.store.clinic(ward.clinic.id), reason="wrong copy", now=ward.now, shards=SHARDS)


def started(ward: Ward):
    clinic = ward.store.clinic(ward.clinic.id)
    return start(ward.store, ward.queue, clinic, now=ward.now, shards=SHARDS)


@pytest.fixture
def ward():
    """A worker that has just read its clinic, a moment before Ana's reminder."""
    ward = at_the_eve_of("the day before")
    ward.tick()
    ward.now = DAY_BEFORE - timedelta(seconds=2)
    ward.worker.chart(ward.clinic.id, "patientAnaRuiz01", now=ward.now)
    return ward


def test_after_a_stop_not_even_a_worker_with_an_old_copy_of_the_clinic_sends(ward):
    assert stopped(ward).stopped_at == ward.now
    ward.drain(DAY_BEFORE + timedelta(hours=1))
    assert ward.sms.attempts == []
    assert ward.chart().cursor.due == DAY_BEFORE, "it waits where it is"


def test_a_stop_between_reading_and_the_claim_holds(ward):
    body, read, chart_of = encode(due_reference(ward)), [], ward.worker.chart
    ward.now = DAY_BEFORE

    def chart(clinic_id, patient_id, *, now):
        found = chart_of(clinic_id, patient_id, now=now)
        if not read:
            read.append(found)
            stopped(ward)
        return found

    ward.worker.chart = chart
    assert ward.deliver(body) is Done.HELD
    assert ward.sms.attempts == []


def test_only_old_copies_are_outdated_and_later_reminders_cost_nothing():
    ward = at_the_eve_of("the day before")
    ward.now = DAY_BEFORE - CLINIC_KEPT - timedelta(seconds=30)
    before = ward.chart().cursor
    stopped(ward)
    assert ward.chart().cursor == before
    ward.live(DAY_BEFORE + timedelta(hours=1))
    assert ward.sms.attempts == []


def test_a_start_sends_at_once_what_is_still_of_use_at_the_numbers_pace():
    ward = full(30, sms_per_second=1.0)
    ward.tick()
    ward.now = DUE - timedelta(minutes=1)
    stopped(ward)
    ward.live(DUE + timedelta(hours=3))
    assert ward.sms.sent == []
    ward.now = ward.now.replace(second=30)
    assert started(ward).stopped_at is None
    began = ward.now
    ward.drain(began + timedelta(seconds=29))
    assert len(ward.sms.sent) == 30
    ward.drain(began + timedelta(hours=1))
    assert len(ward.sms.sent) == 30


def test_a_start_reaches_workers_that_know_the_clinic_as_stopped(ward):
    stopped(ward)
    ward.drain(DAY_BEFORE + timedelta(seconds=1))
    started(ward)
    ward.drain(ward.now + timedelta(seconds=1))
    assert len(ward.sms.sent) == 1


def test_stopping_a_busy_clinic_touches_no_more_than_could_have_gone():
    ward = full(400, sms_per_second=1.0)
    ward.now = DUE
    meter = ward.memory._meter
    meter.reset()
    stopped(ward)
    # At one text and ten e-mails a second, twice what could go in 25 seconds is 650; here all 400 are next.
    assert meter.calls["UpdateItem"] == 400
    assert meter.calls["Query"] == SHARDS


def test_two_throws_at_once_are_one():
    ward = full(1)
    clinic = ward.store.clinic(ward.clinic.id)
    assert stop(ward.store, clinic, reason="", now=ward.now, shards=SHARDS) is not None
    assert stop(ward.store, clinic, reason="", now=ward.now, shards=SHARDS) is None
    assert start(ward.store, ward.queue, clinic, now=ward.now, shards=SHARDS) is None


def test_other_clinics_go_on_sending():
    ward = full(5)
    other = a_clinic(id="clinicRiverside1", sms_number="+12025550177", name="Riverside")
    ward.store.create_clinic(other)
    ward.now = DUE
    stop(ward.store, other, reason="", now=ward.now, shards=SHARDS)
    ward.live(DUE + timedelta(minutes=2))
    assert len(ward.sms.sent) == 5
