"""When a clinic's limits are reached, what then waits, and until when."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chalicelib.domain.limits import MILLION, Used, Wait, cost, earliest, period, reached
from chalicelib.domain.occurrence import Entry, Occurrence, Rank, Reason, State
from chalicelib.domain.patient import Category, Channel
from tests.service.ward import MONDAY, a_clinic, a_patient, facts_of

CLINIC = a_clinic(messages_a_day=100, spend_a_month=50.0, price_per_segment=0.01, price_per_email=0.0001)
NEXT_DAY = datetime(2026, 3, 3, 5, tzinfo=UTC)
"""Midnight in New York."""


@pytest.mark.parametrize(
    ("messages", "dollars", "rule"),
    [
        (99, 49.99, None),
        (100, 0, "messages_a_day"),
        (101, 49.99, "messages_a_day"),
        (0, 50, "spend_a_month"),
        (100, 50, "spend_a_month"),
    ],
)
def test_a_limit_is_reached_with_the_message_that_reaches_it(messages, dollars, rule):
    found = reached(CLINIC, Used(messages=messages, cost=round(dollars * MILLION)), MONDAY)
    assert (found.reason.rule if found else None) == rule
    if found:
        assert found.until == NEXT_DAY, "the month's limit, too, is looked at again each morning"


@pytest.mark.parametrize(
    ("used", "at", "says"),
    [
        (Used(messages=100), MONDAY, "100 messages a day is reached; the next begins on 2026-03-03"),
        (Used(cost=50 * MILLION), MONDAY, "$50 a month is reached; the next month begins on 2026-04-01"),
        (Used(cost=50 * MILLION), datetime(2026, 12, 31, 15, tzinfo=UTC), "begins on 2027-01-01"),
        (Used(messages=100), datetime(2026, 3, 3, 4, tzinfo=UTC), "begins on 2026-03-03"),
    ],
)
def test_the_reason_names_the_limit_and_the_day_it_ends_where_the_clinic_is(used, at, says):
    assert says in reached(CLINIC, used, at).reason.detail


def test_the_period_of_a_limit_is_its_local_day_or_month():
    night = datetime(2026, 4, 1, 3, tzinfo=UTC)
    day, month = (reached(CLINIC, used, night) for used in (Used(messages=100), Used(cost=50 * MILLION)))
    assert (period(CLINIC, day, night), period(CLINIC, month, night)) == ("2026-03-31", "2026-03")


@pytest.mark.parametrize(
    ("channel", "segments", "millionths"),
    [(Channel.SMS, 1, 10_000), (Channel.SMS, 3, 30_000), (Channel.EMAIL, 0, 100)],
)
def test_a_message_costs_its_segments_at_the_clinics_price(channel, segments, millionths):
    assert cost(CLINIC, channel, segments) == millionths


def test_a_free_clinic_reaches_no_limit_of_money():
    free = replace(CLINIC, price_per_segment=0.0)
    assert cost(free, Channel.SMS, 2) == 0


REASON = Reason("messages_a_day", "so it is")


def entry(channel=Channel.SMS, rank=Rank.CHECKIN, at=MONDAY):
    occurrence = Occurrence(
        id="o", step="s", kind="k", ideal=at, useful_until=at, rank=rank, category=Category.CHECKIN, channel=channel
    )
    return Entry(occurrence=occurrence, slot=at, at=at, state=State.SCHEDULED, channel=channel, reason=REASON)


@pytest.mark.parametrize(
    ("wait", "about", "covered"),
    [
        ({}, {}, True),
        ({"channel": Channel.SMS}, {}, True),
        ({"channel": Channel.EMAIL}, {}, False),
        ({}, {"channel": Channel.TASK}, False),
        ({}, {"rank": Rank.SAFETY}, True),
        ({"spares_safety": True}, {"rank": Rank.SAFETY}, False),
        ({"spares_safety": True}, {"rank": Rank.DAY_BEFORE}, True),
        ({}, {"at": NEXT_DAY}, False),
    ],
)
def test_what_waits(wait, about, covered):
    assert Wait(reason=REASON, until=NEXT_DAY, **wait).covers(entry(**about)) is covered


def test_what_waits_goes_when_the_window_opens_and_the_longest_wait_counts(ana):
    soon = Wait(reason=Reason("provider_limit", "soon"), until=MONDAY.replace(hour=16))
    later = Wait(reason=REASON, until=NEXT_DAY)
    at, found = earliest(ana, entry(), [soon, later])
    assert (at, found) == (datetime(2026, 3, 3, 14, tzinfo=UTC), later)
    assert earliest(ana, entry(), [soon]) == (soon.until, soon)
    assert earliest(ana, entry(), []) == (MONDAY, None)


@pytest.fixture
def ana():
    return facts_of(CLINIC, a_patient())
