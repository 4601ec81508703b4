"""The store's contract, on memory and on DynamoDB: what is due, claims, and the history."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.adapters import keys
from chalicelib.adapters.table import Remove
from chalicelib.domain.cursor import Attempt, Lane
from chalicelib.domain.decision import decide
from chalicelib.domain.delivery import Event, Reminder, Status
from chalicelib.domain.occurrence import Reason
from chalicelib.domain.patient import Category, Channel
from chalicelib.domain.replan import replanned
from chalicelib.service.chart import Chart
from chalicelib.service.ports import Place, Watermark
from tests.service.ward import ANA, CLINIC, MONDAY, SHARDS, a_clinic, a_patient, a_visit, contacts, facts_of

from .charts import AUDIT, SOON, another, claim, enrolled, everything_due, read, reference

# What is due


def test_due_references_come_in_order_and_say_all_a_message_needs(store, clinic):
    for number in range(9):
        enrolled(store, facts_of(clinic, a_patient(f"patient{number:09}"), reach=contacts(number=number)))
    found = everything_due(store)
    assert {r.patient_id for r in found} == {f"patient{n:09}" for n in range(9)}
    assert {(r.clinic_id, r.seq, r.due, r.lane) for r in found} == {(CLINIC, 1, SOON, f"sms#{CLINIC}#60")}
    for shard in range(SHARDS):
        mine = store.due(shard, None, SOON, limit=100)
        assert mine == sorted(mine, key=lambda r: (r.due, r.clinic_id, r.patient_id))
        walked, place = [], None
        while page := store.due(shard, place, SOON, limit=2):
            walked += page
            place = Place(due=page[-1].due, clinic_id=page[-1].clinic_id, patient_id=page[-1].patient_id)
        assert walked == mine, "in pages as well, though all are due in the same second"


def test_the_range_is_open_below_and_closed_above(store, chart):
    second = timedelta(seconds=1)
    assert everything_due(store, upto=SOON - second) == []
    assert len(everything_due(store, upto=SOON)) == 1
    everybody = Place(due=SOON, clinic_id="~", patient_id="")
    assert everything_due(store, after=everybody) == []
    assert everything_due(store, upto=SOON - second, after=everybody) == [], "a range that is none is empty"


def test_a_watermark_is_moved_only_from_where_it_was(store):
    place = Place(due=SOON, clinic_id=CLINIC, patient_id=ANA)
    first = Watermark(turn=1, places={0: place, 3: place}, lanes={"sms#x#60": SOON + timedelta(milliseconds=1500)})
    assert store.watermark() is None
    assert store.advance_watermark(None, first)
    assert store.watermark() == first
    assert not store.advance_watermark(None, first)
    assert store.advance_watermark(first, Watermark(turn=2))
    assert not store.advance_watermark(first, Watermark(turn=2))


# Claims


def test_a_claim_takes_the_wake_and_moves_the_cursor_on(store, chart):
    claimed = claim(chart)
    assert store.claim(chart, claimed)
    assert read(store).cursor == claimed
    assert [r.due for r in everything_due(store)] == [claimed.due]


def test_of_two_claims_one_is_refused(store, chart):
    assert store.claim(chart, claim(chart, "mine"))
    assert not store.claim(chart, claim(chart, "theirs"))
    (flight,) = read(store).cursor.in_flight.values()
    assert flight.token == "mine"


def test_a_claim_whose_answer_was_lost_knows_its_own_token(store, chart):
    claimed = claim(chart)
    assert store.claim(chart, claimed)
    assert store.claim(chart, claimed)


def test_a_claim_is_refused_once_the_facts_have_changed(store, chart):
    other = Chart(facts=chart.facts, cursor=replace(chart.cursor, rev=chart.cursor.rev + 1))
    assert store.commit(chart, other, audit=AUDIT)
    assert not store.claim(chart, claim(chart))


def test_nobody_is_claimed_who_is_gone(store, table, chart):
    table.write(Remove(keys.cursor(CLINIC, ANA)))
    assert not store.claim(chart, claim(chart))


def test_a_finished_plan_leaves_the_index(store, chart):
    assert store.claim(chart, replace(claim(chart), due=None, lane=Lane.NONE))
    assert everything_due(store) == []
    assert read(store).cursor.due is None


# Holding, outdating, trying again


def test_a_held_wake_waits_at_its_slot_with_the_reason(store, chart):
    why = Reason("pacing", "others go first")
    later = SOON + timedelta(minutes=20)
    assert store.hold(reference(chart), later, reason=why, lane=f"=sms#{CLINIC}#60")
    found = read(store).cursor
    assert (found.due, found.held, found.lane) == (later, why, Lane.SMS)
    assert (found.rev, found.seq) == (chart.cursor.rev, chart.cursor.seq)
    assert [(r.due, r.lane) for r in everything_due(store)] == [(later, f"=sms#{CLINIC}#60")]
    assert not store.hold(reference(chart), SOON, reason=None), "it waits for another time now"
    assert store.hold(reference(read(store)), SOON, reason=None)
    assert read(store).cursor.held is None


def test_a_wake_held_until_somebody_changes_something_leaves_the_index(store, chart):
    assert store.hold(reference(chart), None, reason=None)
    assert (read(store).cursor.due, everything_due(store)) == (None, [])


def test_nothing_is_held_that_was_claimed(store, chart):
    assert store.claim(chart, claim(chart))
    before = read(store)
    assert not store.hold(reference(chart), SOON + timedelta(hours=1), reason=None)
    assert not store.outdate(reference(chart), 2)
    assert read(store) == before


def test_an_outdated_wake_refuses_earlier_readings_and_asks_for_the_newer_clinic(store, table, chart, clinic):
    assert store.chart(CLINIC, ANA, now=MONDAY).facts.clinic == clinic
    stopped = replace(clinic, stopped_at=MONDAY, version=2)
    far = another(table)
    assert far.replace_clinic(clinic, stopped)
    assert store.chart(CLINIC, ANA, now=MONDAY).facts.clinic == clinic, "a copy, still"
    assert far.outdate(reference(chart), stopped.version)
    assert not store.claim(chart, claim(chart))
    assert store.chart(CLINIC, ANA, now=MONDAY).facts.clinic == stopped
    assert everything_due(store) == [replace(reference(chart), lane=f"sms#{CLINIC}#60")], "it is due as before"


def test_an_attempt_is_replaced_once_and_only_as_it_stands(store, chart):
    assert store.claim(chart, claim(chart))
    found = read(store)
    (flight,) = found.cursor.in_flight.values()
    tried = (Attempt(number=1, at=SOON, outcome="not_sent", code="ThrottlingException"),)
    freed = replace(flight, not_sent=True, earlier=tried)
    assert store.retry(found, flight, freed)
    assert store.retry(found, flight, freed), "asked again after a lost answer"
    assert not store.retry(found, flight, replace(freed, attempt=2))
    again = read(store)
    assert list(again.cursor.in_flight.values()) == [freed]
    assert again.cursor.due == found.cursor.due
    following = replace(found.cursor, seq=found.cursor.seq + 1)
    assert not store.claim(found, following), "whoever read the attempt before must read again"


# The history


def a_record(**changes) -> Reminder:
    usual = Reminder(
        clinic_id=CLINIC,
        patient_id=ANA,
        seq=1,
        due=SOON,
        claimed_at=SOON,
        channel=Channel.SMS,
        kind="welcome",
        category=Category.ACCOUNT,
        status=Status.SENT,
        outcomes=OUTCOMES[:1],
        next_due=SOON + timedelta(days=1),
        contact_id="c1",
        template="optin_confirm",
        version=2,
        language="es",
        segments=1,
        text="Hola",
        attempts=(Attempt(number=1, at=SOON, outcome="accepted"),),
        provider_id="sms-1",
        sent_at=SOON,
    )
    return replace(usual, **changes)


def _outcomes():
    facts = facts_of(a_clinic(), a_patient(), visits=[a_visit(MONDAY + timedelta(days=1, hours=2))])
    planned, cursor = replanned(None, facts, None, MONDAY)
    decided = decide(planned, cursor, SOON, "t")
    return decided[0].outcomes


OUTCOMES = _outcomes()
SENT = a_record()
FAILED = a_record(status=Status.FAILED, detail="Rejected", provider_id="", sent_at=None)
UNKNOWN = a_record(status=Status.UNKNOWN, provider_id="", sent_at=None)


def test_a_record_is_read_as_it_was_written(store, clinic):
    for seq, record in enumerate((SENT, FAILED, UNKNOWN), start=1):
        numbered = replace(record, seq=seq)
        event = {Status.SENT: Event.ACCEPTED, Status.FAILED: Event.REFUSED, Status.UNKNOWN: Event.GAVE_UP}
        store.record(numbered, event[record.status])
        assert store.reminder(CLINIC, ANA, seq) == numbered
    assert [r.seq for r in store.reminders(CLINIC, ANA)] == [1, 2, 3]
    assert [r.seq for r in store.reminders(CLINIC, ANA, after=1)] == [2, 3]
    assert store.reminder(CLINIC, ANA, 9) is None


def tell(store, event: Event, provider_id: str = "sms-1", detail: str = "", attempt: int = 1) -> None:
    store.evidence(CLINIC, ANA, 1, event, provider_id, SOON + timedelta(seconds=4), detail, attempt=attempt)


STEPS = {
    "record": lambda store: store.record(SENT, Event.ACCEPTED),
    "accepted": lambda store: tell(store, Event.ACCEPTED),
    "delivered": lambda store: tell(store, Event.DELIVERED),
    "undelivered": lambda store: tell(store, Event.UNDELIVERED, detail="TEXT_BLOCKED"),
    "unreached": lambda store: tell(store, Event.UNREACHED, detail="TEXT_UNREACHABLE"),
    "retried": lambda store: store.try_again(store.reminder(CLINIC, ANA, 1), 2, "Hola", SOON + timedelta(hours=2)),
    "accepted-2": lambda store: tell(store, Event.ACCEPTED, "sms-2", attempt=2),
    "unreached-2": lambda store: tell(store, Event.UNREACHED, "sms-2", attempt=2),
}


@pytest.mark.parametrize(
    ("order", "status"),
    [
        ("record accepted delivered", Status.DELIVERED),
        ("accepted record delivered", Status.DELIVERED),
        ("accepted delivered record", Status.DELIVERED),
        ("delivered accepted record", Status.DELIVERED),
        ("delivered record accepted", Status.DELIVERED),
        ("record delivered accepted", Status.DELIVERED),
        ("record record accepted accepted", Status.SENT),
        ("accepted record accepted", Status.SENT),
        ("record undelivered", Status.FAILED),
        ("undelivered record", Status.FAILED),
        ("record delivered undelivered", Status.FAILED),
        ("undelivered delivered record", Status.FAILED),
    ],
)
def test_record_and_events_come_to_the_same_in_every_order(store, clinic, order, status):
    for step in order.split():
        STEPS[step](store)
    found = store.reminder(CLINIC, ANA, 1)
    assert found.status is status
    assert found.is_complete
    assert (found.text, found.provider_id, found.sent_at) == ("Hola", "sms-1", SOON)
    assert (found.delivered_at is not None) == (status is Status.DELIVERED or order == "record delivered undelivered")
    assert found.detail == ("TEXT_BLOCKED" if status is Status.FAILED else "")


@pytest.mark.parametrize(
    ("order", "status"),
    [
        ("record unreached", Status.UNREACHED),
        ("unreached record", Status.UNREACHED),
        ("record unreached delivered", Status.DELIVERED),
        ("record delivered unreached", Status.DELIVERED),
        ("record unreached undelivered", Status.FAILED),
        ("record unreached retried", Status.SENDING),
        ("record unreached retried unreached", Status.SENDING),
        ("record unreached retried accepted", Status.SENDING),
        ("record unreached retried undelivered", Status.SENDING),
        ("record unreached retried accepted-2", Status.SENT),
        ("record unreached retried delivered accepted-2", Status.DELIVERED),
        ("record unreached retried accepted-2 unreached-2 retried", Status.UNREACHED),
        ("record retried", Status.SENT),
        ("record delivered retried", Status.DELIVERED),
    ],
)
def test_a_phone_out_of_reach_is_tried_once_more_and_then_only_the_last_attempt_counts(store, clinic, order, status):
    for step in order.split():
        STEPS[step](store)
    found = store.reminder(CLINIC, ANA, 1)
    assert found.status is status
    tried = "unreached retried" in order
    assert found.again_at == (SOON + timedelta(hours=2) if tried else None)


def test_of_reached_and_out_of_reach_whatever_happened_later_holds(store, clinic):
    for first, second in ((Event.DELIVERED, Event.UNREACHED), (Event.UNREACHED, Event.DELIVERED)):
        for late in (False, True):
            patient = f"{first[:4]}{late}".ljust(16, "0")
            told = [(first, SOON), (second, SOON + timedelta(minutes=1))]
            for event, at in reversed(told) if late else told:
                store.evidence(CLINIC, patient, 1, event, "sms-1", at, "", attempt=1)
            assert store.reminder(CLINIC, patient, 1).status.value == second.value


def test_an_event_alone_is_proof_but_no_record(store, clinic):
    tell(store, Event.ACCEPTED)
    found = store.reminder(CLINIC, ANA, 1)
    assert (found.status, found.is_complete, found.provider_id) == (Status.SENT, False, "sms-1")


def test_what_is_known_is_not_made_unknown(store, clinic):
    store.record(SENT, Event.ACCEPTED)
    store.record(replace(UNKNOWN, text="", attempts=(), contact_id=""), Event.GAVE_UP)
    store.record(replace(FAILED, text="", attempts=(), contact_id=""), Event.REFUSED)
    assert store.reminder(CLINIC, ANA, 1) == SENT


def test_what_was_given_up_can_still_turn_out_to_have_been_sent(store, clinic):
    store.record(UNKNOWN, Event.GAVE_UP)
    store.record(SENT, Event.ACCEPTED)
    assert store.reminder(CLINIC, ANA, 1) == SENT
