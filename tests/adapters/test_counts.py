"""A clinic's counts, on memory and on DynamoDB: closed whole or not at all, and the erased counted once."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest

from chalicelib.adapters.counts import TableCounts, erased_operations
from chalicelib.adapters.table import Refused
from chalicelib.service.counting import Counted, Part
from chalicelib.service.tally import Sent, Tally, empty
from tests.service.ward import ANA, CLINIC, MONDAY

DAY = date(2026, 3, 2)
FOREVER = (date(2026, 1, 1), date(2026, 12, 31))


def some(day: date = DAY, messages: int = 3, state: str = "sent") -> Tally:
    what = Sent(day.isoformat(), "window", "sms", state)
    return Tally(messages=Counter({what: messages}), segments=Counter({what: messages + 1}))


def closed(turn: int, **changes) -> Counted:
    return replace(Counted(turn=turn, through=DAY, at=MONDAY, patients=2, enrolments={"2026-03": 2}), **changes)


@pytest.fixture
def counts(table) -> TableCounts:
    return TableCounts(table)


def counted(counts: TableCounts, **window) -> Tally:
    return counts.between(CLINIC, *FOREVER, **{"settled_before": date.max, **window})


def test_before_the_first_count_there_is_nothing(counts):
    assert counts.counted(CLINIC) == Counted()
    assert counted(counts) == empty()


def test_a_count_is_closed_once_and_its_days_replaced_by_the_next(counts):
    days = {DAY: some(), DAY + timedelta(days=1): empty()}
    assert counts.close(CLINIC, Counted(), closed(1), days)
    assert counts.counted(CLINIC) == closed(1)
    assert not counts.close(CLINIC, Counted(), closed(1), {DAY: some(messages=9)})
    assert counted(counts) == some()
    assert counts.close(CLINIC, closed(1), closed(2), {DAY: some(state="delivered")})
    assert counted(counts) == some(state="delivered")
    assert counted(counts, settled_before=DAY) == empty()
    assert counts.between("clinicRiverside1", *FOREVER, settled_before=date.max) == empty()


def test_an_erasure_has_the_count_under_way_begun_again(counts, table):
    table.write(*erased_operations(CLINIC, 0, some()))
    assert counts.counted(CLINIC).erasures == 1
    assert not counts.close(CLINIC, Counted(), closed(1), {DAY: some()})
    assert counts.close(CLINIC, Counted(erasures=1), closed(1, erasures=1), {DAY: empty()})
    assert counts.counted(CLINIC) == closed(1, erasures=1)


def test_who_was_erased_is_counted_beside_a_day_until_and_after_it_is_counted_but_never_twice(counts, table):
    """Three messages each of one erased before the day was counted and of one erased afterwards, who is in it."""
    table.write(*erased_operations(CLINIC, 0, some()))
    assert counted(counts) == some()
    counts.close(CLINIC, Counted(erasures=1), closed(1, erasures=1), {DAY: some()})
    both = Counter({Sent(DAY.isoformat(), "window", "sms", "sent"): 6})
    assert counted(counts).messages == both
    table.write(*erased_operations(CLINIC, 1, some()))
    assert counted(counts).messages == both
    assert counted(counts, settled_before=DAY).messages == both, "two erased, and nothing of the day itself"
    counts.close(CLINIC, closed(1, erasures=2), closed(2, erasures=2), {DAY: empty()})
    assert counted(counts).messages == both


def test_an_erasure_that_a_count_was_closed_before_is_told_so(counts, table):
    counts.close(CLINIC, Counted(), closed(1), {DAY: some()})
    refused = table.write(*erased_operations(CLINIC, 0, some()))
    assert isinstance(refused, Refused)
    assert refused.op == 0
    assert counted(counts) == some()


def test_a_part_of_a_count_is_kept_once_and_is_that_counts_own(counts):
    part = Part(
        number=0, first=DAY, through=DAY, at=MONDAY, last=ANA, patients=2, enrolments={"2026-03": 2}, tally=some()
    )
    counts.add_part(CLINIC, Counted(), part)
    counts.add_part(CLINIC, Counted(), replace(part, patients=9))
    assert counts.part(CLINIC, Counted(), 0) == part
    assert counts.part(CLINIC, Counted(), 1) is None
    assert counts.part(CLINIC, Counted(erasures=1), 0) is None
    assert counts.part(CLINIC, closed(1), 0) is None


def test_a_count_is_asked_for_once_in_a_while(counts):
    assert counts.ask(CLINIC, now=MONDAY)
    assert not counts.ask(CLINIC, now=MONDAY + timedelta(minutes=9))
    assert counts.ask(CLINIC, now=MONDAY + timedelta(minutes=10))
    assert counts.counted(CLINIC) == Counted()
    assert counts.close(CLINIC, Counted(), closed(1), {})
