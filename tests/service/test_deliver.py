from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from chalicelib.adapters.copybook import copybook
from chalicelib.adapters.library import protocols
from chalicelib.adapters.memory import Fault
from chalicelib.domain.decision import decide
from chalicelib.domain.delivery import GRACE, Event, Status
from chalicelib.domain.message import Site
from chalicelib.domain.patient import Channel
from chalicelib.domain.plan import Pin
from chalicelib.domain.protocol import Anchor
from chalicelib.service.chart import Reference
from chalicelib.service.perform import Done
from chalicelib.service.references import encode, queue_in
from chalicelib.service.timeline import timeline

from .test_crashes import DUE, eve
from .ward import ANA, CLINIC, MONDAY, Ward, copied

DAY_BEFORE = DUE["the day before"]
WITH_EMAIL = DUE["three days before, with an e-mail"]
MINUTE = timedelta(minutes=1)


@pytest.fixture
def ward():
    """A minute before the day-before reminder of Ana's visit is due."""
    return at_the_eve_of("the day before")


def at_the_eve_of(story: str) -> Ward:
    table, _ = eve(story)
    return Ward(now=DUE[story] - MINUTE, memory=copied(table))


def due_reference(ward: Ward) -> Reference:
    cursor = ward.chart().cursor
    return Reference(clinic_id=CLINIC, patient_id=ANA, seq=cursor.seq, due=cursor.due)


def texts(ward: Ward) -> int:
    return len(ward.sms.sent)


# The same thing more than once


def test_two_ticks_at_once_send_one_message(ward):
    ward.tick()
    ward.store.advance_watermark(ward.store.watermark(), replace(ward.store.watermark(), turn=0, places={}))
    ward.tick()
    assert len(ward.sqs) == 2
    ward.drain(DAY_BEFORE + timedelta(hours=1))
    assert texts(ward) == 1


def test_a_reference_delivered_many_times_in_any_order_sends_one_message(ward):
    reference = due_reference(ward)
    stale = replace(reference, seq=reference.seq - 1, due=reference.due - timedelta(days=2))
    ward.now = DAY_BEFORE
    for each in (stale, reference, stale, reference, reference):
        queue_in(ward.queue, each, timedelta(0))
    ward.drain(DAY_BEFORE + timedelta(hours=1))
    assert texts(ward) == 1


def test_a_message_redelivered_after_it_was_done_does_nothing(ward):
    body = encode(due_reference(ward))
    ward.now = DAY_BEFORE
    assert ward.deliver(body) is Done.SENT
    assert [ward.deliver(body) for _ in range(3)] == [Done.SETTLED] * 3
    ward.now += timedelta(days=3)
    assert ward.deliver(body) is Done.SETTLED
    assert texts(ward) == 1


def test_dead_letters_brought_back_after_weeks_send_nothing_twice(ward):
    body = encode(due_reference(ward))
    ward.now = DAY_BEFORE
    ward.deliver(body)
    ward.now += timedelta(days=13)
    assert ward.deliver(body) is Done.SETTLED
    assert texts(ward) == 1


def test_a_dead_letter_brought_back_in_time_is_still_sent(ward):
    ward.now = DAY_BEFORE + timedelta(hours=2)
    assert ward.deliver(encode(due_reference(ward))) is Done.SENT


def test_a_reference_to_a_wake_that_has_moved_is_left_alone(ward):
    reference = due_reference(ward)
    moved = replace(reference, due=reference.due + MINUTE)
    assert ward.deliver(encode(moved)) is Done.MOVED
    assert ward.deliver(encode(replace(reference, seq=reference.seq + 1))) is Done.MOVED
    assert texts(ward) == 0


def test_a_reference_to_nobody_is_let_go(ward):
    gone = replace(due_reference(ward), patient_id="patientErased001")
    assert ward.deliver(encode(gone)) is Done.GONE


def test_a_reference_that_shows_early_waits_for_its_second(ward):
    ward.now = DAY_BEFORE - timedelta(seconds=90)
    assert ward.deliver(encode(due_reference(ward))) is Done.EARLY
    assert ward.sqs.next_at() == DAY_BEFORE
    ward.drain(DAY_BEFORE)
    assert texts(ward) == 1


@pytest.mark.parametrize("skew", [-300, -30, 30, 300])
def test_a_worker_whose_clock_is_off_sends_once(ward, skew):
    ward.tick()
    for _ in range(40):
        at = ward.sqs.next_at()
        if at is None:
            break
        ward.now = max(ward.now, at)
        ward.deliver_shown(skew=timedelta(seconds=skew))
    ward.live(ward.now + timedelta(minutes=45))
    assert texts(ward) == 1
    assert ward.history()[-1].status is Status.SENT


def test_a_real_clock_shows_more_than_whole_seconds(ward):
    ward.change(lambda facts: replace(facts, patient=replace(facts.patient, hours_before=True)))
    ward.now = DAY_BEFORE + timedelta(microseconds=123_456)
    ward.change(lambda facts: replace(facts, patient=replace(facts.patient, hours_before=False)))
    assert ward.chart().cursor.due.microsecond == 0
    ward.drain(ward.now + timedelta(seconds=2))
    assert texts(ward) == 1


def test_two_workers_that_share_one_moment_send_one_message(ward):
    """The second decides from the same chart as the first, and learns of it from the refused claim."""
    body = encode(due_reference(ward))
    ward.now = DAY_BEFORE
    read, chart_of = [], ward.worker.chart

    def chart(clinic_id, patient_id, *, now):
        found = chart_of(clinic_id, patient_id, now=now)
        if not read:
            read.append(found)
            assert ward.deliver(body) is Done.SENT
        return found

    ward.worker.chart = chart
    assert ward.deliver(body) is Done.SETTLED
    assert texts(ward) == 1


def test_a_duplicate_that_shows_while_the_first_is_sending_waits_out_the_grace(ward):
    body, send, seen = encode(due_reference(ward)), ward.sms.send, []

    def slow(sms):
        if not seen:
            seen.append(Done.WAITING)
            assert ward.deliver(body) is Done.WAITING
        return send(sms)

    ward.sms.send = slow
    ward.now = DAY_BEFORE
    assert ward.deliver(body) is Done.SENT
    assert ward.sqs.next_at() == DAY_BEFORE + GRACE[Channel.SMS]
    ward.drain(DAY_BEFORE + timedelta(hours=1))
    assert texts(ward) == 1


# The provider's answers


def test_a_throttled_text_comes_back_after_a_while_and_goes_once(ward):
    ward.sms.script(Fault.THROTTLE, Fault.THROTTLE)
    ward.tick()
    ward.drain(DAY_BEFORE)
    assert timedelta(seconds=30) <= ward.sqs.next_at() - DAY_BEFORE < timedelta(seconds=60)
    ward.drain(DAY_BEFORE + timedelta(minutes=10))
    record = ward.history()[-1]
    assert texts(ward) == 1
    assert record.status is Status.SENT
    assert timedelta(seconds=90) <= record.sent_at - DAY_BEFORE < timedelta(seconds=150)
    assert [(a.number, a.outcome) for a in record.attempts] == [(1, "not_sent"), (2, "not_sent"), (3, "accepted")]
    assert record.attempts[0].code == "ThrottlingException"


def test_a_provider_that_stays_busy_beyond_the_day_leaves_a_failure_with_its_code(ward):
    ward.sms.script(*[Fault.THROTTLE] * 500)
    ward.tick()
    ward.drain(DAY_BEFORE + timedelta(days=1))
    record = ward.history()[-1]
    assert (record.status, record.detail) == (Status.FAILED, "ThrottlingException")
    assert len(record.attempts) <= 5
    assert texts(ward) == 0


def test_a_refused_text_fails_at_once_with_the_providers_code(ward):
    ward.sms.script(Fault.REJECT)
    ward.tick()
    ward.drain(DAY_BEFORE + timedelta(hours=1))
    record = ward.history()[-1]
    assert (record.status, record.detail, record.sent_at) == (Status.FAILED, "Rejected", None)


def test_a_lost_answer_is_settled_by_the_providers_event(ward):
    ward.sms.script(Fault.TIMEOUT_AFTER)
    ward.tick()
    ward.drain(DAY_BEFORE + timedelta(minutes=10))
    record = ward.history()[-1]
    assert (texts(ward), record.status, record.provider_id) == (1, Status.SENT, ward.sms.attempts[0].provider_id)
    assert record.text == ward.sms.sent[0].text


def test_an_event_that_comes_after_the_message_was_given_up_sets_it_right():
    ward = at_the_eve_of("three days before, with an e-mail")
    ward.events = False
    ward.sms.script(Fault.TIMEOUT_AFTER)
    ward.tick()
    ward.drain(WITH_EMAIL + timedelta(minutes=10))
    seq = ward.sent()[0]
    assert ward.store.reminder(CLINIC, ANA, seq).status is Status.UNKNOWN
    for event in (Event.DELIVERED, Event.ACCEPTED, Event.DELIVERED):
        ward.store.evidence(CLINIC, ANA, seq, event, "sms-000001", ward.now, "", attempt=1)
    record = ward.store.reminder(CLINIC, ANA, seq)
    assert (record.status, record.is_complete, record.provider_id) == (Status.DELIVERED, True, "sms-000001")


def test_throttled_first_and_unanswered_then_is_not_taken_for_two_unknown_fates(ward):
    ward.events = False
    ward.sms.script(Fault.THROTTLE, Fault.TIMEOUT_BEFORE)
    ward.tick()
    ward.drain(DAY_BEFORE + timedelta(minutes=20))
    record = ward.history()[-1]
    assert [a.outcome for a in record.attempts] == ["not_sent", "ambiguous", "accepted"]
    assert (texts(ward), record.status) == (1, Status.SENT)


def test_unanswered_first_and_refused_then_may_have_been_sent(ward):
    ward.events = False
    ward.sms.script(Fault.TIMEOUT_AFTER, Fault.REJECT)
    ward.tick()
    ward.drain(DAY_BEFORE + timedelta(minutes=20))
    assert ward.history()[-1].status is Status.UNKNOWN


def test_what_stays_ambiguous_is_tried_twice_and_no_more(ward):
    ward.events = False
    ward.sms.script(*[Fault.TIMEOUT_AFTER] * 10)
    ward.tick()
    ward.drain(DAY_BEFORE + timedelta(hours=3))
    assert len(ward.sms.attempts) == 2
    assert ward.history()[-1].status is Status.UNKNOWN


def test_the_timeline_tells_of_a_message_whose_event_came_before_its_record(ward):
    ward.sms.script(Fault.CRASH_AFTER_ACCEPT)
    ward.tick()
    ward.drain(DAY_BEFORE)
    (flight,) = [f for f in ward.chart().cursor.in_flight.values() if f.wake.channel is Channel.SMS]
    assert not ward.store.reminder(CLINIC, ANA, flight.seq).is_complete
    site = Site(url="https://care.example", secret=b"secret")
    lines = timeline(ward.store, ward.chart(), copybook, site, now=ward.now, start=None, end=None)
    told = [line for line in lines if line.occurrence_id == flight.wake.outcomes[0].id]
    assert [line.reason.rule for line in told] == ["sending"]


# What the cursor must not forget


def killed_after_the_claim(ward: Ward) -> Reference:
    """Claims what is due as a worker would that is killed right after, and whose message is lost as well."""
    chart, reference = ward.chart(), due_reference(ward)
    _, claimed = decide(chart.facts, chart.cursor, ward.now, "killed")
    assert ward.store.claim(chart, claimed)
    return reference


def also_pinned(protocol: str, now: datetime):
    def alter(facts):
        pins = (*facts.plan.pins, Pin(protocol=protocol, since=now))
        known = {**facts.protocols, protocol: protocols()[protocol]}
        return replace(facts, plan=replace(facts.plan, version=2, pins=pins), protocols=known)

    return alter


def test_a_claim_left_unsettled_is_settled_before_the_next_of_its_channel_takes_its_place():
    ward = Ward(now=MONDAY).open_clinic()
    ward.enrol(pinned=["meds.oral_baclofen.v1"], anchors={Anchor.INJURY: MONDAY.date()})
    lost = killed_after_the_claim(ward)
    ward.now += timedelta(minutes=20)
    ward.change(also_pinned("meds.itb_pump.v1", ward.now))
    ward.drain(ward.now + timedelta(minutes=30))
    assert ward.store.reminder(CLINIC, ANA, lost.seq).status is Status.SETTLED
    tasks, _ = ward.store.tasks(CLINIC, limit=100)
    assert [task.kind for task in tasks] == ["missing_anchor", "missing_anchor"]
    assert ward.reconcile().gaps == ()


def test_a_claim_that_a_wake_of_another_channel_would_push_out_is_settled_first(ward):
    ward.now = DAY_BEFORE
    lost = killed_after_the_claim(ward)
    ward.now += timedelta(hours=2)
    ward.change(also_pinned("meds.itb_pump.v1", ward.now))
    ward.drain(ward.now + timedelta(minutes=30))
    assert ward.store.reminder(CLINIC, ANA, lost.seq).status is Status.SENT
    assert ward.sent().count(lost.seq) == 1
    assert ward.reconcile().gaps == ()


def test_what_follows_a_killed_wake_goes_when_the_message_comes_again_not_when_the_sweep_does():
    ward = at_the_eve_of("three days before, with an e-mail")
    ward.sms.script(Fault.CRASH_AFTER_ACCEPT)
    ward.tick()
    ward.drain(WITH_EMAIL + timedelta(seconds=179))
    assert ward.email.sent == []
    ward.drain(WITH_EMAIL + timedelta(seconds=181))
    assert (texts(ward), len(ward.email.sent)) == (1, 1)


def test_a_task_that_a_crash_swallowed_is_opened_when_the_claim_is_settled():
    ward = Ward(now=MONDAY).open_clinic()
    ward.enrol(pinned=["meds.oral_baclofen.v1"], anchors={Anchor.INJURY: MONDAY.date()})
    cursor = ward.chart().cursor
    assert cursor.due == MONDAY
    tasks, _ = ward.store.tasks(CLINIC, limit=100)
    assert tasks == []
    opened = ward.worker.open_task

    class Killed(BaseException):
        pass

    def killed(task):
        raise Killed

    ward.worker.open_task = killed
    with pytest.raises(Killed):
        ward.deliver(encode(due_reference(ward)))
    ward.worker.open_task = opened
    reference = Reference(clinic_id=CLINIC, patient_id=ANA, seq=cursor.seq, due=cursor.due)
    assert ward.deliver(encode(reference)) is Done.SETTLED
    tasks, _ = ward.store.tasks(CLINIC, limit=100)
    assert [task.kind for task in tasks] == ["missing_anchor"]
    assert ward.deliver(encode(reference)) is Done.SETTLED
    assert ward.store.tasks(CLINIC, limit=100)[0] == tasks
