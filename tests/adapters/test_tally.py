"""What clinics have used of their limits, on memory and on DynamoDB."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.adapters.memory import MemoryTable
from chalicelib.adapters.meter import Meter
from chalicelib.adapters.tally import SHARE, TOLD_WITHIN, TableTally
from chalicelib.domain.limits import Used
from tests.service.ward import CLINIC, MONDAY, a_clinic

HILLSIDE = a_clinic(messages_a_day=400, spend_a_month=1000.0)
ONE = Used(messages=1, cost=9100)
SECOND = timedelta(seconds=1)


def times(count):
    return Used(messages=count, cost=count * 9100)


@pytest.fixture
def tally(table):
    return TableTally(table)


def test_nothing_is_used_before_anything_is_sent(tally):
    assert tally.used(HILLSIDE, MONDAY) == Used()


def test_a_process_knows_at_once_what_it_has_sent_itself(tally):
    for _ in range(3):
        tally.add(HILLSIDE, ONE, MONDAY, at_once=False)
    assert tally.used(HILLSIDE, MONDAY) == times(3)


def test_others_know_within_a_minute(tally, table):
    other = TableTally(table)
    assert other.used(HILLSIDE, MONDAY) == Used()
    tally.add(HILLSIDE, ONE, MONDAY, at_once=False)
    later = MONDAY + TOLD_WITHIN
    tally.used(HILLSIDE, later)
    assert other.used(HILLSIDE, later - SECOND) == Used(), "it trusts what it knew"
    assert other.used(HILLSIDE, later) == ONE


def test_what_is_told_at_once_is_known_to_whoever_looks(tally, table):
    tally.add(HILLSIDE, ONE, MONDAY, at_once=True)
    assert TableTally(table).used(HILLSIDE, MONDAY) == ONE


def test_sums_of_several_processes_meet(tally, table):
    other = TableTally(table)
    for each in (tally, other, tally):
        each.add(HILLSIDE, ONE, MONDAY, at_once=True)
    assert TableTally(table).used(HILLSIDE, MONDAY) == times(3)


def test_a_day_counts_its_own_messages_and_a_month_all_its_money(tally):
    tally.add(HILLSIDE, ONE, MONDAY, at_once=True)
    tomorrow = MONDAY + timedelta(days=1)
    assert tally.used(HILLSIDE, tomorrow) == Used(messages=0, cost=9100)
    tally.add(HILLSIDE, ONE, tomorrow, at_once=False)
    assert tally.used(HILLSIDE, tomorrow) == Used(messages=1, cost=18_200)
    assert tally.used(HILLSIDE, datetime(2026, 4, 1, 12, tzinfo=UTC)) == Used()


def test_what_was_not_told_by_midnight_still_counts_for_its_own_day(tally, table):
    night = datetime(2026, 3, 3, 4, 59, 50, tzinfo=UTC)
    tally.add(HILLSIDE, ONE, night, at_once=False)
    assert tally.used(HILLSIDE, night + 20 * SECOND) == Used(messages=0, cost=9100)
    assert TableTally(table).used(HILLSIDE, night) == ONE


def test_clinics_are_counted_apart(tally):
    riverside = replace(HILLSIDE, id="clinicRiverside1")
    tally.add(HILLSIDE, ONE, MONDAY, at_once=True)
    assert tally.used(riverside, MONDAY) == Used()


def test_a_clock_set_back_trusts_nothing_it_knew(tally, table):
    tally.used(HILLSIDE, MONDAY)
    TableTally(table).add(HILLSIDE, ONE, MONDAY, at_once=True)
    assert tally.used(HILLSIDE, MONDAY - SECOND) == ONE


@pytest.mark.parametrize(("sent", "writes"), [(10, 0), (11, 1), (110, 10)])
def test_far_from_the_limit_many_messages_share_a_write(sent, writes):
    meter = Meter()
    tally = TableTally(MemoryTable(meter=meter))
    for _ in range(sent):
        tally.add(HILLSIDE, ONE, MONDAY, at_once=False)
    assert 400 // SHARE == 10
    assert meter.calls["UpdateItem"] == pytest.approx(writes, abs=writes / 5)


def test_near_the_limit_each_message_is_told_at_once():
    meter = Meter()
    tally = TableTally(MemoryTable(meter=meter))
    small = replace(HILLSIDE, messages_a_day=5)
    for _ in range(5):
        tally.add(small, ONE, MONDAY, at_once=False)
    assert meter.calls["UpdateItem"] == 5


def test_the_months_item_is_given_up_in_the_month_after_next(table):
    TableTally(table).add(HILLSIDE, ONE, MONDAY, at_once=True)
    page = table.query(f"C#{CLINIC}#used#2026-03")
    [item] = page.items
    assert datetime.fromtimestamp(item["ttl"], UTC).month == 5
