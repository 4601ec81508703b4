"""Dates, times and lists, in each language."""

from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.wording import (
    CHOICE_LETTERS,
    UnknownLanguage,
    choices_phrase,
    day_phrase,
    local_date,
    local_time,
    measure,
    sessions_phrase,
    therapy_week,
    times_phrase,
)

SATURDAY = date(2026, 3, 14)
LANGUAGES = ("en", "es", "fr", "zh")


@pytest.mark.parametrize(
    ("language", "today", "tomorrow", "later"),
    [
        ("en", "today", "tomorrow", "on Sat 2026-03-14"),
        ("es", "hoy", "mañana", "el sab 2026-03-14"),
        ("fr", "aujourd'hui", "demain", "le sam 2026-03-14"),
        ("zh", "今天", "明天", "3月14日周六"),
    ],
)
def test_the_word_for_a_day_follows_from_the_day_it_is_read(language, today, tomorrow, later):
    assert day_phrase(SATURDAY, SATURDAY, language) == today
    assert day_phrase(SATURDAY, SATURDAY - timedelta(days=1), language) == tomorrow
    assert day_phrase(SATURDAY, SATURDAY - timedelta(days=2), language) == later
    assert day_phrase(SATURDAY, SATURDAY + timedelta(days=1), language) == later


@pytest.mark.parametrize(
    ("at", "en", "es", "fr"),
    [
        (time(0, 5), "12:05 AM", "00:05", "00h05"),
        (time(9, 0), "9:00 AM", "09:00", "09h00"),
        (time(12, 0), "12:00 PM", "12:00", "12h00"),
        (time(14, 30), "2:30 PM", "14:30", "14h30"),
        (time(23, 59), "11:59 PM", "23:59", "23h59"),
    ],
)
def test_times_are_written_by_fixed_patterns(at, en, es, fr):
    assert local_time(at, "en") == en
    assert local_time(at, "es") == es
    assert local_time(at, "fr") == fr
    assert local_time(at, "zh") == es


@given(st.dates(date(2020, 1, 1), date(2099, 12, 31)), st.times(), st.sampled_from(("en", "es", "fr")))
def test_no_date_or_time_ever_leaves_the_cheap_alphabet(day, at, language):
    texts = [
        local_date(day, language),
        local_time(at, language),
        day_phrase(day, SATURDAY, language),
        sessions_phrase([(day, at)], language),
        times_phrase([at, at], language),
    ]
    assert {measure(text).encoding for text in texts} == {"GSM-7"}


def test_a_day_of_many_visits_names_three_in_order_and_counts_the_rest():
    visits = [time(14, 0), time(9, 0), time(10, 30), time(16, 15), time(17, 0)]
    assert times_phrase(visits, "en") == "9:00am, 10:30am, 2:00pm +2"
    assert times_phrase(visits[:2], "zh") == "09:00、14:00"


def test_a_week_of_therapy_is_listed_in_order():
    week = [(date(2026, 3, 11), time(14, 0)), (date(2026, 3, 9), time(10, 30))]
    assert sessions_phrase(week, "en") == "Mon 9 10:30am, Wed 11 2:00pm"
    assert sessions_phrase(week, "es") == "lun 9 10:30, mié 11 14:00"
    assert sessions_phrase(week, "fr") == "lun 9 10h30, mer 11 14h00"
    assert sessions_phrase(week, "zh") == "9日10:30、11日14:00"


@pytest.mark.parametrize(
    ("sessions", "template"),
    [(1, "pt_session"), (2, "pt_week"), (5, "pt_week"), (6, "pt_week_many")],
)
def test_the_number_of_sessions_chooses_the_template(sessions, template):
    monday = date(2026, 3, 9)
    week = [(monday + timedelta(days=n), time(10, 0)) for n in range(sessions)]
    chosen, slots = therapy_week(week[::-1], monday - timedelta(days=1), "en")
    assert chosen == template
    if template == "pt_week":
        assert slots["sessions"].startswith("Mon 9 10:00am, Tue 10 10:00am")
    else:
        assert slots["day"] == "tomorrow"
        assert slots["time"] == "10:00 AM"
    assert slots.get("count", "6") == "6"


def test_patients_on_one_phone_are_told_apart_by_letters_that_mean_nothing_else():
    assert choices_phrase(["J.S.", "M.K."]) == "A=J.S., B=M.K."
    assert not set(CHOICE_LETTERS) & set("CRYNSO")


def test_more_patients_than_letters_is_refused_rather_than_one_left_out():
    with pytest.raises(ValueError, match="more patients"):
        choices_phrase(["X."] * (len(CHOICE_LETTERS) + 1))


@pytest.mark.parametrize("phrase", [local_date, local_time])
def test_a_language_without_patterns_is_refused(phrase):
    with pytest.raises(UnknownLanguage):
        phrase(SATURDAY if phrase is local_date else time(9, 0), "de")
