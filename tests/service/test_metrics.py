"""What operators are told of a reminder, by kind and channel."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.adapters.memory import Fault
from chalicelib.domain.patient import Status
from chalicelib.service.metrics import Metric

from .test_crashes import DUE, eve
from .ward import Ward, copied

STORY = "the day before"
REMINDER = ("appointment", "sms")


@pytest.fixture
def ward():
    table, _ = eve(STORY)
    return Ward(now=DUE[STORY] - timedelta(minutes=1), memory=copied(table))


def told(ward):
    return {metric: value for (metric, kind, channel), value in ward.told.sums.items() if (kind, channel) == REMINDER}


def test_a_reminder_that_went_out_is_counted_with_its_lateness(ward):
    ward.tick()
    ward.drain(DUE[STORY])
    assert told(ward) == {Metric.SENT: 1, Metric.LATENESS: 0}


def test_lateness_runs_from_the_slot_to_the_providers_yes(ward):
    ward.sms.script(Fault.THROTTLE)
    ward.tick()
    ward.drain(DUE[STORY] + timedelta(hours=1))
    late = told(ward).pop(Metric.LATENESS)
    assert 30 <= late <= 60


@pytest.mark.parametrize(
    ("faults", "metric"),
    [([Fault.REJECT], Metric.FAILED), ([Fault.TIMEOUT_BEFORE] * 2, Metric.UNKNOWN)],
)
def test_what_became_of_it_otherwise_is_counted_once(ward, faults, metric):
    ward.events = False
    ward.sms.script(*faults)
    ward.tick()
    ward.drain(DUE[STORY] + timedelta(hours=1))
    assert told(ward) == {metric: 1}


def test_what_an_event_proves_to_have_gone_out_is_counted_as_sent(ward):
    ward.sms.script(Fault.TIMEOUT_AFTER)
    ward.tick()
    ward.drain(DUE[STORY] + timedelta(hours=1))
    assert told(ward) == {Metric.SENT: 1}


def test_what_the_facts_no_longer_allow_once_the_provider_would_take_it_is_let_go(ward):
    ward.sms.script(Fault.UNREACHABLE)
    ward.tick()
    ward.drain(DUE[STORY])
    ward.change(lambda facts: replace(facts, patient=replace(facts.patient, status=Status.DISCHARGED)))
    ward.drain(DUE[STORY] + timedelta(hours=1))
    assert told(ward) == {Metric.LET_GO: 1}


def test_a_wake_that_waits_is_counted_as_held(ward):
    clinic = ward.chart().facts.clinic
    ward.store.replace_clinic(clinic, replace(clinic, stopped_at=DUE[STORY], version=clinic.version + 1))
    ward.restart()
    ward.tick()
    ward.drain(DUE[STORY])
    assert ward.told.sums == {(Metric.HELD, "", "sms"): 1}
