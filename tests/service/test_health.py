"""What operators are told of how the service keeps up."""

from datetime import timedelta

import pytest

from chalicelib.adapters.memory import MemoryTable
from chalicelib.adapters.meter import Meter
from chalicelib.service.health import GLANCE, health
from chalicelib.service.switch import stop

from .ward import CLINIC, SHARDS, Ward, a_clinic, a_patient, facts_of

MINUTE = timedelta(minutes=1)


@pytest.fixture
def ward():
    """Ana's welcome is due within the hour, as the contact window opens."""
    found = Ward().open_clinic()
    found.enrol()
    return found


def look(ward):
    return health(ward.store, now=ward.now, shards=SHARDS)


def test_nothing_is_due_where_all_was_sent(ward):
    ward.live(ward.now + timedelta(hours=2))
    assert look(ward).oldest_due == timedelta(0)
    assert look(ward).watermark <= MINUTE


def test_the_oldest_due_reminder_says_how_long_it_has_waited(ward):
    due = ward.chart().cursor.due
    ward.now = due + 7 * MINUTE
    assert look(ward).oldest_due == 7 * MINUTE


def test_before_the_first_tick_there_is_no_watermark_and_without_ticks_it_ages(ward):
    assert look(ward).watermark is None
    ward.tick()
    assert look(ward).watermark == timedelta(0)
    ward.now += 9 * MINUTE
    assert look(ward).watermark == 9 * MINUTE


def test_a_stopped_clinic_is_counted_and_what_waits_for_it_is_not(ward):
    ward.now = ward.chart().cursor.due + 7 * MINUTE
    assert stop(ward.store, ward.store.clinic(CLINIC), reason=None, now=ward.now, shards=SHARDS)
    found = look(ward)
    assert (found.clinics, found.stopped, found.oldest_due) == (1, 1, timedelta(0))


def test_behind_everything_that_a_stopped_clinic_keeps_waiting_another_ones_is_found(ward):
    other = a_clinic(id="clinicRiverside1", name="Riverside", sms_number="+12025550111")
    assert ward.store.create_clinic(other)
    for number in range(SHARDS * GLANCE * 2):
        ward.enrol(facts_of(ward.clinic, a_patient(f"patient{number:09}", enrolled_at=ward.now)))
    theirs = a_patient("patientBoLind001", clinic_id=other.id, enrolled_at=ward.now + MINUTE)
    ward.enrol(facts_of(other, theirs))
    ward.now = ward.chart().cursor.due + 7 * MINUTE
    assert stop(ward.store, ward.store.clinic(CLINIC), reason=None, now=ward.now, shards=SHARDS)
    assert look(ward).oldest_due > timedelta(0)


def test_it_costs_the_same_few_reads_however_many_are_enrolled():
    costs = []
    for enrolled in (2, 200):
        meter = Meter()
        ward = Ward(memory=MemoryTable(meter=meter)).open_clinic()
        for number in range(enrolled):
            ward.enrol(facts_of(ward.clinic, a_patient(f"patient{number:09}", enrolled_at=ward.now)))
        ward.tick()
        ward.restart()
        meter.reset()
        health(ward.worker, now=ward.now + timedelta(hours=-1), shards=SHARDS)
        costs.append(meter.calls.total())
    assert costs == [SHARDS + 2] * 2
