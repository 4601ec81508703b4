"""What a reminder costs, held to the promise: design §2, README."""

from datetime import timedelta

import pytest

from bench.calls import marginal
from bench.lateness import PROMISE as LATENESS
from bench.lateness import lateness
from bench.units import PROMISE, bill
from chalicelib.adapters.meter import item_bytes
from chalicelib.domain.patient import Channel
from chalicelib.domain.protocol import Anchor

from .ward import MONDAY, Ward, a_visit


def test_a_text_costs_no_more_than_promised():
    found = bill(1_000, due=500)
    assert found.wru <= PROMISE["wru"]
    assert found.rru <= PROMISE["rru"]
    assert found.calls <= PROMISE["calls"]
    assert found.tick <= PROMISE["tick"]


def test_it_costs_the_same_however_many_are_enrolled():
    first, *others = (bill(enrolled, due=60) for enrolled in (1_000, 10_000, 100_000))
    for each in others:
        assert (each.wru, each.rru, each.calls, each.tick) == (first.wru, first.rru, first.calls, first.tick)


def test_the_aws_clients_make_the_calls_that_were_counted_in_memory():
    found = marginal(due=40, enrolled=60)
    assert found["PutItem"] == 1, "the claim"
    assert found["UpdateItem"] == 1, "the record"
    assert found["SendTextMessage"] == 1
    assert found["Query"] == 1, "the chart"
    assert found["SendMessageBatch"] == 0.1
    # The clinic and what it has used are read once for as long as a copy is kept; forty in four seconds need one each.
    assert found["GetItem"] == 2 / 40
    assert sum(found.values()) <= PROMISE["calls"]
    assert sum(found.values()) == pytest.approx(bill(1_000, due=40).calls)


def test_on_a_day_that_loses_ticks_reminders_leave_on_time():
    for bursts in (False, True):
        found = lateness(2_000, bursts=bursts)
        assert found.early == 0
        assert found.p99 <= LATENESS["p99"]
        assert found.p999 <= LATENESS["p99.9"]


def test_in_ordinary_life_cursor_and_record_stay_within_a_kilobyte():
    ward = Ward().open_clinic()
    visits = [a_visit(MONDAY + timedelta(days=d, hours=3), f"visit{d:011}") for d in (10, 17, 40)]
    protocols = ["spasticity.v1", "neuro.emsci.v1", "program.18mo.v1"]
    ward.enrol(visits=visits, pinned=protocols, anchors={Anchor.INJURY: (MONDAY - timedelta(days=20)).date()})
    ward.live(MONDAY + timedelta(hours=2))
    cursors = []
    while ward.now < MONDAY + timedelta(days=28):
        due = ward.chart().cursor.due
        if due is None:
            break
        ward.now = max(ward.now, due - timedelta(minutes=1))
        ward.live(ward.now + timedelta(minutes=3))
        if Channel.SMS in ward.chart().cursor.in_flight:
            cursors += [item_bytes(item) for item in ward.memory.items() if item["sk"] == "F#cursor"]
    everything = list(ward.memory.items())
    # What is promised is a text's cost: an e-mail keeps more words, a wake for tasks alone sends nothing.
    texts = (record for record in ward.history() if record.sent_at and record.channel is Channel.SMS)
    sent = {record.seq for record in texts if record.claimed_at > MONDAY + timedelta(days=1)}
    records = [
        item_bytes(item) for item in everything if str(item["sk"]).startswith("H#") and int(str(item["sk"])[2:]) in sent
    ]
    assert len(records) >= 8
    assert max(records) <= 1024
    within = sum(size <= 1024 for size in cursors)
    assert within >= 0.9 * len(cursors), "but for one whose next message a cap has moved"
