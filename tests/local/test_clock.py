from datetime import UTC, datetime, timedelta

import pytest

from local.clock import later, parse, wire
from local.schedules import parse_schedule

START = datetime(2026, 1, 31, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        ("PT15M", "2026-01-31T08:45:00Z"),
        ("P1DT6H", "2026-02-01T14:30:00Z"),
        ("P2W", "2026-02-14T08:30:00Z"),
        ("PT0S", "2026-01-31T08:30:00Z"),
        ("PT90.5S", "2026-01-31T08:31:30Z"),
        ("P1M", "2026-02-28T08:30:00Z"),
        ("P18M", "2027-07-31T08:30:00Z"),
        ("P11M", "2026-12-31T08:30:00Z"),
        ("P2Y1M", "2028-02-29T08:30:00Z"),
    ],
)
def test_a_duration_moves_the_clock(duration, expected):
    assert wire(later(START, duration)) == expected


@pytest.mark.parametrize("duration", ["", "P", "PT", "15M", "PT1H2", "-PT1H", "P1DT", "1 hour"])
def test_what_is_no_duration_is_refused(duration):
    with pytest.raises(ValueError, match="duration"):
        later(START, duration)


def test_an_instant_without_its_zone_is_refused():
    with pytest.raises(ValueError, match="zone"):
        parse("2026-03-01T08:00:00")


@pytest.mark.parametrize(
    ("expression", "instant", "expected"),
    [
        ("rate(1 minute)", "2026-03-01T08:00:00Z", "2026-03-01T08:01:00Z"),
        ("rate(10 minutes)", "2026-03-01T08:09:59Z", "2026-03-01T08:10:00Z"),
        ("rate(1 day)", "2026-03-01T08:00:00Z", "2026-03-02T00:00:00Z"),
        ("cron(30 6 * * ? *)", "2026-03-01T06:30:00Z", "2026-03-02T06:30:00Z"),
        ("cron(0/15 * * * ? *)", "2026-03-01T06:30:01Z", "2026-03-01T06:45:00Z"),
        ("cron(0 9 ? * MON-FRI *)", "2026-02-28T10:00:00Z", "2026-03-02T09:00:00Z"),
        ("cron(0 9 1 JAN,JUL ? *)", "2026-03-01T00:00:00Z", "2026-07-01T09:00:00Z"),
        ("cron(0 12 29 2 ? *)", "2026-03-01T00:00:00Z", "2028-02-29T12:00:00Z"),
        ("cron(0 8 ? * 1 *)", "2026-03-02T00:00:00Z", "2026-03-08T08:00:00Z"),
    ],
)
def test_a_schedule_runs_when_eventbridge_would(expression, instant, expected):
    assert wire(parse_schedule(expression).after(parse(instant))) == expected


@pytest.mark.parametrize("expression", ["rate(5 seconds)", "cron(60 * * * ? *)", "cron(* * *)", "every minute"])
def test_what_eventbridge_would_refuse_is_refused(expression):
    with pytest.raises(ValueError):  # noqa: PT011 (which of several messages does not matter)
        parse_schedule(expression)


def test_a_cron_of_many_times_a_day_counts_as_one_that_polls():
    assert parse_schedule("cron(0/10 * * * ? *)").period == timedelta(minutes=10)
    assert parse_schedule("cron(0 6 * * ? *)").period == timedelta(days=1)
