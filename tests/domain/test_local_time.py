"""Wall clocks and calendars, against dates worked out by hand."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.local_time import (
    DEFAULT_WINDOW,
    ContactWindow,
    Period,
    instant,
    local_date,
    local_text,
    months_between,
    shift,
    utc_text,
    week_of,
    whole_second,
    zone,
)
from tests.domain.builders import at, hours
from tests.domain.strategies import ZONES

instants = st.integers(0, 2**31).map(lambda second: datetime.fromtimestamp(second, UTC))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone_name", "wall", "expected"),
    [
        # New York: +1 h on 8 March 2026 at 02:00, −1 h on 1 November at 02:00
        ("America/New_York", "2026-03-07T10:00", "2026-03-07T15:00"),
        ("America/New_York", "2026-03-08T10:00", "2026-03-08T14:00"),
        ("America/New_York", "2026-03-08T02:00", "2026-03-08T07:00"),  # the gap: 03:00 is its end
        ("America/New_York", "2026-03-08T02:30", "2026-03-08T07:00"),
        ("America/New_York", "2026-03-08T02:59:59", "2026-03-08T07:00"),
        ("America/New_York", "2026-03-08T03:00", "2026-03-08T07:00"),
        ("America/New_York", "2026-11-01T01:30", "2026-11-01T05:30"),  # the fold: the first 01:30
        ("America/New_York", "2026-11-01T02:00", "2026-11-01T07:00"),
        # London: 29 March at 01:00, 25 October at 02:00
        ("Europe/London", "2026-03-29T01:30", "2026-03-29T01:00"),
        ("Europe/London", "2026-03-29T10:00", "2026-03-29T09:00"),
        ("Europe/London", "2026-10-25T01:30", "2026-10-25T00:30"),
        ("Europe/London", "2026-10-25T10:00", "2026-10-25T10:00"),
        # Lord Howe moves by thirty minutes: 5 April at 02:00 back to 01:30, 4 October at 02:00 to 02:30
        ("Australia/Lord_Howe", "2026-04-04T10:00", "2026-04-03T23:00"),
        ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45"),
        ("Australia/Lord_Howe", "2026-04-05T10:00", "2026-04-04T23:30"),
        ("Australia/Lord_Howe", "2026-10-04T02:10", "2026-10-03T15:30"),
        ("Australia/Lord_Howe", "2026-10-04T10:00", "2026-10-03T23:00"),
        ("Asia/Kathmandu", "2026-06-01T10:00", "2026-06-01T04:15"),
        # Chatham: +12:45, +13:45 in summer; its gap is 02:45 to 03:45 on 27 September
        ("Pacific/Chatham", "2026-06-01T10:00", "2026-05-31T21:15"),
        ("Pacific/Chatham", "2026-09-27T03:00", "2026-09-26T14:00"),
        ("Pacific/Chatham", "2026-12-01T10:00", "2026-11-30T20:15"),
        # Santiago changes at midnight: 6 September 2026 begins at 01:00
        ("America/Santiago", "2026-09-06T00:00", "2026-09-06T04:00"),
        ("America/Santiago", "2026-09-06T00:30", "2026-09-06T04:00"),
        # zones that changed their rules: Turkey kept summer time from 2016, Samoa skipped 30 December 2011
        ("Europe/Istanbul", "2015-12-01T10:00", "2015-12-01T08:00"),
        ("Europe/Istanbul", "2026-12-01T10:00", "2026-12-01T07:00"),
        ("Pacific/Apia", "2011-12-29T10:00", "2011-12-29T20:00"),
        ("Pacific/Apia", "2011-12-30T10:00", "2011-12-30T10:00"),  # a day that was not: the next begins
        ("Pacific/Apia", "2011-12-31T10:00", "2011-12-30T20:00"),
    ],
)
def test_a_wall_clock_time_is_this_instant(zone_name: str, wall: str, expected: str):
    clock = datetime.fromisoformat(wall)
    assert instant(clock.date(), clock.time(), zone(zone_name)) == utc(expected)


@given(st.sampled_from(ZONES), st.dates(date(2000, 1, 1), date(2037, 12, 31)), st.times())
def test_an_instant_shows_the_time_it_was_made_of_or_the_end_of_the_gap(zone_name: str, day: date, clock: time):
    tz = zone(zone_name)
    made = instant(day, clock, tz)
    shown = made.astimezone(tz)
    if (shown.date(), shown.time()) != (day, clock):
        just_before = (made - timedelta(seconds=1)).astimezone(tz)
        assert just_before.replace(tzinfo=None) < datetime.combine(day, clock) < shown.replace(tzinfo=None)
        assert just_before.utcoffset() != shown.utcoffset()


@given(st.sampled_from(ZONES), instants)
def test_an_instant_survives_the_way_through_the_wall_clock_except_in_the_second_pass_of_a_fold(
    zone_name: str, moment: datetime
):
    tz = zone(zone_name)
    shown = moment.astimezone(tz)
    if not shown.fold:
        assert instant(shown.date(), shown.time().replace(tzinfo=None), tz) == moment


def test_an_unknown_zone_is_an_error():
    with pytest.raises(ZoneInfoNotFoundError):
        zone("Mars/Olympus")


@pytest.mark.parametrize(
    ("day", "by", "expected"),
    [
        ("2025-08-31", "P6M", "2026-02-28"),
        ("2027-08-31", "P6M", "2028-02-29"),
        ("2024-02-29", "P1Y", "2025-02-28"),
        ("2024-02-29", "P4Y", "2028-02-29"),
        ("2026-01-31", "P1M", "2026-02-28"),
        ("2026-03-31", "-P1M", "2026-02-28"),
        ("2026-01-15", "-P1M", "2025-12-15"),
        ("2026-12-31", "P2M", "2027-02-28"),
        ("2026-01-31", "P1M1D", "2026-03-01"),
        ("2026-12-25", "P7D", "2027-01-01"),
        ("2026-03-01", "-P1D", "2026-02-28"),
        ("2024-03-01", "-P1D", "2024-02-29"),
        ("2025-08-31", "P18M", "2027-02-28"),
    ],
)
def test_a_day_is_moved_on_the_calendar(day: str, by: str, expected: str):
    assert shift(date.fromisoformat(day), Period.parse(by)) == date.fromisoformat(expected)


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("P1Y2M", Period(months=14)),
        ("P2W3D", Period(days=17)),
        ("-P1W", Period(days=-7)),
        ("PT36H", Period(minutes=2160)),
        ("-PT2H30M", Period(minutes=-150)),
        ("P0D", Period()),
    ],
)
def test_a_duration_is_read_and_written(text: str, period: Period):
    assert Period.parse(text) == period
    assert Period.parse(str(period)) == period


@pytest.mark.parametrize("text", ["", "P", "PT", "-P", "P1H", "1D", "P-1D", "P1.5D", "p1d", "P1D2W", "P1D "])
def test_what_is_no_duration_is_an_error(text: str):
    with pytest.raises(ValueError, match="ISO 8601"):
        Period.parse(text)


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        ("2026-01-31", "2026-02-28", 1),
        ("2026-01-31", "2026-02-27", 0),
        ("2026-01-15", "2027-01-14", 11),
        ("2026-03-01", "2026-02-28", -1),
        ("2024-02-29", "2025-02-28", 12),
    ],
)
def test_whole_months_between_two_days(start: str, end: str, months: int):
    assert months_between(date.fromisoformat(start), date.fromisoformat(end)) == months


def test_weeks_run_from_monday_to_sunday():
    assert week_of(date(2026, 3, 2)) == date(2026, 3, 2)
    assert week_of(date(2026, 3, 8)) == date(2026, 3, 2)
    assert week_of(date(2026, 1, 1)) == date(2025, 12, 29)


def test_an_instant_belongs_to_the_local_date():
    assert local_date(utc("2026-03-02T04:59"), zone("America/New_York")) == date(2026, 3, 1)
    assert local_date(utc("2026-03-02T18:00"), zone("Asia/Kathmandu")) == date(2026, 3, 2)
    assert local_date(utc("2026-03-02T18:15"), zone("Asia/Kathmandu")) == date(2026, 3, 3)


def test_instants_are_written_in_utc_and_as_the_wall_shows_them():
    moment = at("2026-07-01T09:05")
    assert utc_text(moment) == "2026-07-01T13:05:00Z"
    assert local_text(moment, ZoneInfo("America/New_York")) == "2026-07-01T09:05"


def test_a_due_time_is_a_whole_second_and_never_early():
    exact = utc("2026-03-02T10:00")
    assert whole_second(exact) == exact
    assert whole_second(exact + timedelta(microseconds=1)) == exact + timedelta(seconds=1)


# --- contact hours -------------------------------------------------------------------------------------------------

MOVES = [
    # hours, moment, next opening, last slot before
    (("09:00", "20:00"), "2026-03-04T10:00", "2026-03-04T10:00", "2026-03-04T10:00"),
    (("09:00", "20:00"), "2026-03-04T09:00", "2026-03-04T09:00", "2026-03-04T09:00"),
    (("09:00", "20:00"), "2026-03-04T08:59", "2026-03-04T09:00", "2026-03-03T19:45"),
    (("09:00", "20:00"), "2026-03-04T20:00", "2026-03-05T09:00", "2026-03-04T19:45"),
    (("09:00", "20:00"), "2026-03-04T23:30", "2026-03-05T09:00", "2026-03-04T19:45"),
    (("17:00", "18:00"), "2026-03-04T10:00", "2026-03-04T17:00", "2026-03-03T17:45"),
    (("17:00", "17:10"), "2026-03-04T18:00", "2026-03-05T17:00", "2026-03-04T17:00"),
    # the last days before and the first after a clock change: the wall clock counts
    (("09:00", "20:00"), "2026-03-07T21:00", "2026-03-08T09:00", "2026-03-07T19:45"),
    (("09:00", "20:00"), "2026-03-08T02:30", "2026-03-08T09:00", "2026-03-07T19:45"),
    (("09:00", "20:00"), "2026-10-31T21:00", "2026-11-01T09:00", "2026-10-31T19:45"),
    (("09:00", "20:00"), "2026-12-31T22:00", "2027-01-01T09:00", "2026-12-31T19:45"),
]


@pytest.mark.parametrize(("window", "moment", "later", "earlier"), MOVES)
def test_a_moment_outside_contact_hours_moves_to_them(window: tuple[str, str], moment: str, later: str, earlier: str):
    tz = zone("America/New_York")
    assert hours(*window).next_open(at(moment), tz) == at(later)
    assert hours(*window).previous_last(at(moment), tz) == at(earlier)


@pytest.mark.parametrize(
    ("chosen", "kept"),
    [
        (("09:00", "20:00"), ("09:00", "20:00")),
        (("06:00", "20:00"), ("08:00", "20:00")),
        (("09:00", "23:00"), ("09:00", "21:00")),
        (("00:00", "23:59"), ("08:00", "21:00")),
        (("05:00", "07:30"), None),
        (("21:00", "23:00"), None),
    ],
)
def test_nobody_can_choose_hours_outside_the_wall(chosen: tuple[str, str], kept: tuple[str, str] | None):
    assert hours(*chosen).within_wall() == (hours(*kept) if kept else None)


@given(
    st.sampled_from(ZONES),
    instants,
    st.sampled_from([DEFAULT_WINDOW, hours("08:00", "21:00"), hours("12:00", "12:20"), hours("19:30", "21:00")]),
)
def test_moves_end_within_contact_hours_and_as_near_as_can_be(zone_name: str, moment: datetime, window: ContactWindow):
    tz = zone(zone_name)
    later, earlier = window.next_open(moment, tz), window.previous_last(moment, tz)
    assert window.holds(later, tz)
    assert window.holds(earlier, tz)
    assert timedelta(0) <= later - moment <= timedelta(hours=25)
    assert timedelta(0) <= moment - earlier <= timedelta(hours=25)
