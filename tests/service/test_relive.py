"""A table restored to an earlier moment: what had gone out since is not sent again, and nothing is lost in silence."""

from datetime import timedelta

import pytest

from chalicelib.domain.delivery import Event, Status
from chalicelib.domain.ids import reminder_id
from chalicelib.domain.occurrence import State
from chalicelib.service.relive import relive
from chalicelib.service.tick import requeue

from .ward import ANA, CLINIC, MONDAY, SHARDS, Ward, a_visit, copied

DAYS = timedelta(days=1)
SNAPSHOT = MONDAY + timedelta(hours=3)
FAILED = MONDAY + 5 * DAYS + timedelta(hours=3)
"""When the table was found broken. In between went what Ana is told of her two visits."""


def lived(until, **how) -> Ward:
    ward = Ward(now=MONDAY, **how).open_clinic()
    ward.enrol(visits=[a_visit(MONDAY + 4 * DAYS + timedelta(hours=2)), a_visit(MONDAY + 8 * DAYS, "visit00000000002")])
    return live(ward, until)


def live(ward: Ward, until) -> Ward:
    """From one thing due to the next, passing over the minutes between."""
    while ward.now < until:
        due = ward.chart().cursor.due or until
        ward.now = max(ward.now, min(due - timedelta(minutes=2), until))
        ward.live(min(until, ward.now + timedelta(minutes=4)))
    return ward


@pytest.fixture(scope="module")
def lost():
    """The life that is lost, and the table as it was in the midst of it."""
    early = lived(SNAPSHOT)
    table = copied(early.memory)
    live(early, FAILED)
    return early, table


def restored(lost, evidence, *, again: bool = False) -> Ward:
    """On the restored table, after reliving; carriers remember what they took before."""
    early, table = lost
    ward = Ward(now=FAILED, memory=copied(table), sms=type(early.sms)(), email=type(early.email)())
    for _ in range(2 if again else 1):
        ward.relived = relive(ward.delivery.performing, evidence, until=FAILED, token="restored")
    return ward


def known(early: Ward):
    """What the log of deliver tells of the lost time."""
    return {reminder_id(ANA, r.seq): r.sent_at for r in early.history() if r.sent_at and r.sent_at > SNAPSHOT}


def went(ward: Ward, since) -> set[str]:
    """The occurrences that a provider took after that."""
    sent = [r for r in ward.history() if r.sent_at and r.sent_at >= since]
    return {o.id for r in sent for o in r.outcomes if o.state is State.SENT}


def texts(ward: Ward) -> list[str]:
    return [message.text for message in (*ward.sms.sent, *ward.email.sent)]


def test_without_reliving_a_restored_table_sends_again(lost):
    """What this is for: the rehearsal must be able to fail."""
    early, table = lost
    ward = Ward(now=FAILED, memory=copied(table))
    live(ward, FAILED + 2 * DAYS)
    assert went(early, since=SNAPSHOT) & went(ward, since=FAILED)


def test_what_had_gone_out_is_recorded_as_sent_and_goes_to_nobody_again(lost):
    early, _ = lost
    evidence = known(early)
    assert len(evidence) >= 3
    ward = restored(lost, evidence)
    assert (ward.relived.sent, ward.relived.unknown) == (len(evidence), ())
    ward.live(FAILED + timedelta(hours=1))
    assert texts(ward) == []
    before = {(r.seq, r.status, r.sent_at, r.text, r.kind) for r in early.history()}
    after = {(r.seq, r.status, r.sent_at, r.text, r.kind) for r in ward.history()}
    assert after == before


def test_what_nobody_can_tell_of_is_held_for_a_person(lost):
    early, _ = lost
    ward = restored(lost, {})
    assert len(ward.relived.unknown) == len(known(early))
    ward.live(FAILED + timedelta(hours=1))
    assert texts(ward) == []
    held = [r for r in ward.history() if reminder_id(ANA, r.seq) in ward.relived.unknown]
    assert {r.status for r in held} == {Status.UNKNOWN}
    assert {r.detail for r in held} == {"record_lost"}


def test_a_late_receipt_settles_what_was_held(lost):
    ward = restored(lost, {})
    seq = int(ward.relived.unknown[0].rpartition(".")[2])
    ward.store.evidence(CLINIC, ANA, seq, Event.DELIVERED, "sms-1", FAILED, "", attempt=1)
    assert ward.store.reminder(CLINIC, ANA, seq).status is Status.DELIVERED


def test_it_goes_on_as_if_nothing_had_been_lost(lost):
    early, _ = lost
    ward = restored(lost, known(early))
    end = FAILED + 6 * DAYS
    twin = lived(SNAPSHOT)
    live(twin, end)
    live(ward, end)
    expected = [text for text in texts(twin) if text not in texts(early)]
    assert expected
    assert sorted(texts(ward)) == sorted(expected)
    assert ward.reconcile().gaps == ()


def test_reliving_twice_is_reliving_once(lost):
    early, _ = lost
    once, twice = restored(lost, known(early)), restored(lost, known(early), again=True)
    assert once.chart() == twice.chart()
    assert once.history() == twice.history()
    assert twice.relived.sent == 0


def test_numbers_that_went_out_of_facts_that_are_lost_are_not_given_to_others(lost):
    early, _ = lost
    beyond = max(r.seq for r in early.history()) + 3
    ward = restored(lost, {**known(early), reminder_id(ANA, beyond): FAILED - DAYS})
    assert ward.chart().cursor.seq == beyond + 1
    assert ward.store.reminder(CLINIC, ANA, beyond).status is Status.SENT
    live(ward, FAILED + 6 * DAYS)
    assert ward.reconcile().gaps == ()


def test_what_had_been_claimed_and_not_recorded_at_the_moment_of_the_restore_is_not_sent_again():
    """A day-before reminder, which would otherwise get its one resend after the grace."""
    from .test_deliver import DAY_BEFORE, at_the_eve_of, killed_after_the_claim

    early = at_the_eve_of("the day before")
    early.now = DAY_BEFORE
    flight = killed_after_the_claim(early)
    table = copied(early.memory)
    ward = Ward(now=DAY_BEFORE + timedelta(hours=2), memory=table)
    done = relive(ward.delivery.performing, {}, until=ward.now, token="restored")
    assert reminder_id(ANA, flight.seq) in done.unknown
    ward.live(ward.now + timedelta(hours=3))
    assert ward.sms.sent == []


def test_references_of_the_lost_life_that_come_again_do_nothing(lost):
    early, table = lost
    ward = Ward(now=SNAPSHOT, memory=copied(table))
    requeue(ward.store, ward.queue, upto=FAILED, now=SNAPSHOT, shards=SHARDS)
    stale = [received.body for received in ward.sqs.receive()] or []
    after = restored(lost, known(early))
    for body in stale:
        after.deliver(body)
    assert texts(after) == []
