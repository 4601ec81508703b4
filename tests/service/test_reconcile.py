from datetime import timedelta

from chalicelib.domain.delivery import Event, Status
from chalicelib.service.reconcile import Gap

from .test_changes_of_mind import discharged
from .test_deliver import DAY_BEFORE, at_the_eve_of, killed_after_the_claim
from .ward import ANA, CLINIC


def test_a_whole_history_has_no_gaps_and_is_counted():
    ward = at_the_eve_of("the day before")
    ward.live(DAY_BEFORE + timedelta(hours=2))
    done = ward.reconcile()
    assert done.counts() == {"patients": 1, "reminders": len(ward.history())}


def test_a_claim_that_nobody_settled_is_listed_after_an_hour_and_taken_up_again():
    ward = at_the_eve_of("the day before")
    ward.now = DAY_BEFORE
    lost = killed_after_the_claim(ward)
    ward.now += timedelta(minutes=59)
    assert ward.reconcile().gaps == ()
    ward.now += timedelta(minutes=2)
    assert ward.reconcile().gaps == (Gap(ANA, "no_record", lost.seq),)
    ward.drain(ward.now + timedelta(minutes=1))
    assert ward.sent().count(lost.seq) == 1, "a day-before reminder is sent again while it is of use"
    assert ward.reconcile().gaps == ()


def test_a_claim_that_even_the_cursor_has_forgotten_is_listed_once_and_then_known_as_unknown():
    ward = at_the_eve_of("the day before")
    ward.now = DAY_BEFORE
    lost = killed_after_the_claim(ward)
    chart = ward.chart()
    ward.store.claim(chart, type(chart.cursor)(**{**fields_of(chart.cursor), "in_flight": {}}))
    ward.now += timedelta(hours=15)
    assert ward.reconcile().gaps == (Gap(ANA, "no_record", lost.seq),)
    assert ward.reconcile().gaps == ()
    record = ward.store.reminder(CLINIC, ANA, lost.seq)
    assert (record.status, record.detail) == (Status.UNKNOWN, "found by reconciliation")


def test_an_event_without_a_record_is_unfinished():
    ward = at_the_eve_of("the day before")
    ward.now = DAY_BEFORE
    lost = killed_after_the_claim(ward)
    ward.store.evidence(CLINIC, ANA, lost.seq, Event.DELIVERED, "sms-1", ward.now, "", attempt=1)
    ward.now += timedelta(hours=2)
    assert ward.reconcile().gaps == (Gap(ANA, "unfinished", lost.seq),)
    ward.drain(ward.now + timedelta(minutes=1))
    record = ward.store.reminder(CLINIC, ANA, lost.seq)
    assert (record.status, record.is_complete) == (Status.DELIVERED, True)
    assert ward.reconcile().gaps == ()


def test_a_cursor_that_lies_behind_is_listed_and_woken():
    ward = at_the_eve_of("the day before")
    ward.now = DAY_BEFORE + timedelta(minutes=21)
    seq = ward.chart().cursor.seq
    assert ward.reconcile().gaps == (Gap(ANA, "overdue", seq),)
    ward.drain(ward.now + timedelta(minutes=1))
    assert ward.reconcile().gaps == ()


def test_nothing_is_overdue_for_who_gets_nothing():
    ward = at_the_eve_of("the day before")
    ward.change(discharged)
    ward.now = DAY_BEFORE + timedelta(days=3)
    assert [gap.kind for gap in ward.reconcile().gaps] == []


def fields_of(cursor) -> dict:
    return {name: getattr(cursor, name) for name in cursor.__slots__}
