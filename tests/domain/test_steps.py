"""What the steps of a plan want, to the day. The patient was enrolled on Monday 2 March 2026 in New York."""

from dataclasses import replace
from datetime import date, time
from typing import Any

import pytest

from chalicelib.domain.facts import Facts
from chalicelib.domain.local_time import local_date
from chalicelib.domain.patient import Clinical
from chalicelib.domain.plan import AppointmentStatus, Override, Session
from chalicelib.domain.protocol import Anchor
from chalicelib.domain.slots import all_slotted, beginning, moment
from tests.domain.builders import (
    ENROLLED,
    checkin,
    facts,
    message,
    protocol,
    question,
    staff_task,
    supply,
    supply_cycle,
    therapy,
    visit,
    wall,
    window,
)

ATTENDED, CONFIRMED = AppointmentStatus.ATTENDED, AppointmentStatus.CONFIRMED


def days(known: Facts, kind: str, until: str = "2026-12-31") -> list[str]:
    """The local dates of what is wanted of a kind and not ruled out."""
    found = all_slotted(known, beginning(known), date.fromisoformat(until))
    return sorted(str(local_date(moment(o), known.tz)) for o, _ in found if o.kind == kind and not o.verdict)


def verdicts(known: Facts, until: str = "2026-12-31") -> dict[str, str]:
    found = all_slotted(known, beginning(known), date.fromisoformat(until))
    return {f"{o.kind} {o.about.date}": o.verdict.rule for o, _ in found if o.verdict}


# --- check-ins -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "first"),
    [
        (checkin("P1W", "P7D", weekday="TU"), ["2026-03-10", "2026-03-17", "2026-03-24", "2026-03-31"]),
        (checkin("P1W", "P7D", weekday="MO"), ["2026-03-09", "2026-03-16", "2026-03-23", "2026-03-30"]),
        (checkin("P2W", "P1D", weekday="SU"), ["2026-03-08", "2026-03-22"]),
        (checkin("P3D", "P1D"), [f"2026-03-{d:02}" for d in range(3, 32, 3)]),
        (checkin("P1M", "P0D"), ["2026-03-02"]),
    ],
)
def test_sessions_fall_on_their_weekday_or_count_days(step: dict[str, Any], first: list[str]):
    step = step | ({"local_time": "15:00"} if step["every"] == "P1M" else {})
    assert days(facts(protocol(step)), "checkin", "2026-04-01") == first


def test_a_session_on_the_day_of_enrolment_whose_hour_has_passed_is_not_caught_up():
    step = checkin("P1W", "P0D", weekday="MO", local_time="10:00")
    assert days(facts(protocol(step)), "checkin", "2026-03-12") == ["2026-03-09"]


def test_weekly_becomes_monthly_after_until_and_keeps_its_weekday():
    step = checkin("P1W", "P7D", until="P4W", then_every="P1M", weekday="TU")
    assert days(facts(protocol(step)), "checkin", "2026-07-15") == [
        *("2026-03-10", "2026-03-17", "2026-03-24"),
        *("2026-03-31", "2026-05-05", "2026-06-02", "2026-06-30"),  # the Tuesdays on or after the 30th
    ]


def test_a_month_end_anchor_keeps_to_the_anchor():
    known = facts(
        protocol(message("pain_0_10", "P0D", every="P1M", channel="email"), anchor="injury_date"),
        anchors={Anchor.INJURY: "2026-01-31"},
        overrides={"p.v1/s0": Override(weekday=0)},
    )
    # 31 January, 28 February, 31 March, 30 April …, each moved to the Monday on or after it
    assert days(known, "questionnaire", "2026-07-10") == [
        *("2026-04-06", "2026-05-04", "2026-06-01", "2026-07-06"),
    ]


def test_a_stable_patient_is_asked_every_second_week():
    step = checkin("P1W", "P7D", weekday="TU", step_down={"after_stable": 8, "to": "P14D"})
    slower = Session(
        occurrence="x",
        step="p.v1/s0",
        sent_at=ENROLLED,
        questions=(),
        answers={"checkin_change": "1"},
        slower_since=date(2026, 4, 1),
    )
    known = facts(protocol(step))
    assert days(replace(known, session=slower), "checkin", "2026-05-10") == [
        *("2026-03-10", "2026-03-17", "2026-03-24", "2026-03-31"),
        *("2026-04-07", "2026-04-21", "2026-05-05"),
    ]


def asked(known: Facts, until: str) -> list[tuple[str, ...]]:
    found = all_slotted(known, beginning(known), date.fromisoformat(until))
    return [o.about.questions for o, _ in sorted(found, key=lambda f: f[1]) if o.kind == "checkin"]


def test_the_first_question_is_always_whether_anything_is_new_and_the_others_take_turns():
    known = facts(
        protocol(
            checkin("P1W", "P7D", weekday="TU"),
            question("checkin_psfs"),
            question("checkin_skin", "P2W"),
            question("checkin_meds", "P2W"),
            question("home_program", until="P3W", priority="supportive"),
        )
    )
    first, second, third, fourth = asked(known, "2026-04-03")
    assert first == ("checkin_change", "checkin_psfs", "checkin_skin", "home_program")
    assert second == ("checkin_change", "checkin_psfs", "checkin_meds", "home_program")
    assert third == ("checkin_change", "checkin_psfs", "checkin_skin")
    assert fourth == ("checkin_change", "checkin_psfs", "checkin_meds")


def test_a_session_asks_no_more_than_it_may_and_leaves_out_the_least():
    known = facts(
        protocol(
            checkin("P1W", "P7D", max_questions=2),
            question("home_program", priority="supportive"),
            question("checkin_skin"),
        )
    )
    assert asked(known, "2026-03-16") == [("checkin_change", "checkin_skin")]


MAIN = protocol(checkin("P1W", "P1D", weekday="TU", local_time="10:00"), name="main.v1")
EXTRA = protocol(checkin("P3D", "P1D", until="P2W", joins=True, max_questions=2), name="extra.v1")


def test_an_extra_session_within_a_day_of_a_main_one_joins_it():
    known = facts(MAIN, EXTRA)
    found = all_slotted(known, beginning(known), date(2026, 3, 18))
    held = [
        (o.step, wall(o.ideal)[4:14], o.merge)
        for o, _ in sorted(found, key=lambda f: (f[1], f[0].step))
        if o.kind == "checkin"
    ]
    # extra sessions count every third day from the 3rd: 3, 6, 9, 12, 15; those of the 3rd and 9th join Tuesdays
    assert [(step, day) for step, day, _ in held] == [
        ("extra.v1/s0", "2026-03-03"),
        ("main.v1/s0", "2026-03-03"),
        ("extra.v1/s0", "2026-03-06"),
        ("extra.v1/s0", "2026-03-10"),
        ("main.v1/s0", "2026-03-10"),
        ("extra.v1/s0", "2026-03-12"),
        ("extra.v1/s0", "2026-03-15"),
        ("main.v1/s0", "2026-03-17"),
    ]
    assert len({key for _, day, key in held if day == "2026-03-10"}) == 1


def test_patients_are_spread_over_weekdays_and_half_hours_always_the_same_way():
    slots = set()
    for n in range(60):
        known = facts(protocol(checkin()), patient=f"patient{n}")
        (first, *_) = (o for o, _ in all_slotted(known, beginning(known), date(2026, 3, 12)) if o.kind == "checkin")
        shown = first.ideal.astimezone(known.tz)
        assert shown.weekday() < 5
        assert time(10) <= shown.time() <= time(15, 30)
        slots.add((shown.weekday(), shown.time()))
    assert len(slots) > 30


# --- windows -------------------------------------------------------------------------------------------------------

INJURED = {Anchor.INJURY: "2026-03-02"}
ONE = protocol(window("P30D", "P40D", "P50D"), anchor="injury_date")


def test_a_window_asks_staff_to_book_then_the_patient_then_says_that_it_closed():
    known = facts(ONE, anchors=INJURED)
    assert days(known, "book_window") == ["2026-03-18"]  # fourteen days before it opens on 1 April
    assert days(known, "window") == ["2026-04-11"]
    assert days(known, "window_closed") == ["2026-04-22"]  # the day after


@pytest.mark.parametrize(
    ("status", "starts", "left", "reasons"),
    [
        (AppointmentStatus.BOOKED, "2026-04-05T10:00", ["window_closed"], {"booked"}),
        (CONFIRMED, "2026-04-05T10:00", ["window_closed"], {"booked"}),
        (ATTENDED, "2026-04-05T10:00", [], {"attended"}),
        (AppointmentStatus.CANCELLED, "2026-04-05T10:00", ["book_window", "window", "window_closed"], set()),
        (AppointmentStatus.MISSED, "2026-04-05T10:00", ["book_window", "window", "window_closed"], set()),
        (AppointmentStatus.BOOKED, "2026-05-05T10:00", ["book_window", "window", "window_closed"], set()),
    ],
)
def test_a_visit_within_a_window_settles_it(status: AppointmentStatus, starts: str, left: list[str], reasons: set[str]):
    known = facts(ONE, anchors=INJURED, visits=[visit(starts, status=status, window_step="p.v1/s0")])
    assert [kind for kind in ("book_window", "window", "window_closed") if days(known, kind)] == left
    found = all_slotted(known, beginning(known), date(2026, 12, 31))
    assert {o.verdict.rule for o, _ in found if o.verdict and o.step == "p.v1/s0"} == reasons


def test_a_window_that_repeats_counts_each_year_from_the_anchor():
    yearly = protocol(window("P330D", "P365D", "P425D", repeat="P1Y"), anchor="injury_date")
    known = facts(yearly, anchors={Anchor.INJURY: "2024-02-29"})
    assert days(known, "window", "2029-12-31") == ["2026-03-02", "2027-02-28", "2028-02-28", "2029-02-28"]


@pytest.mark.parametrize(
    ("injured", "book", "ask", "closed", "late"),
    [
        # opens on day 30, is best on day 40, closes on day 50; the patient is enrolled on 2 March
        ("2026-03-01", ["2026-03-17"], ["2026-04-10"], ["2026-04-21"], 0),
        ("2026-02-10", ["2026-03-02"], ["2026-03-22"], ["2026-04-02"], 0),  # day 16 was 26 February: asked at once
        ("2026-01-25", ["2026-03-02"], ["2026-03-06"], ["2026-03-17"], 0),  # open: booked at once
        ("2026-01-15", ["2026-03-02"], ["2026-03-02"], ["2026-03-07"], 0),  # past its best day: both at once
        ("2026-01-11", ["2026-03-02"], ["2026-03-02"], ["2026-03-03"], 0),  # the last day
        ("2026-01-10", [], [], [], 1),  # closed the day before
        ("2016-01-10", [], [], [], 1),
    ],
)
def test_late_enrolment_does_at_once_what_is_open_and_records_what_is_closed(
    injured: str, book: list[str], ask: list[str], closed: list[str], late: int
):
    known = facts(ONE, anchors={Anchor.INJURY: injured})
    assert (days(known, "book_window"), days(known, "window"), days(known, "window_closed")) == (book, ask, closed)
    assert list(verdicts(known).values()) == ["closed_before_enrolment"] * late


def test_of_the_years_before_enrolment_only_the_last_round_is_recorded():
    yearly = protocol(window("P330D", "P365D", "P425D", repeat="P1Y"), anchor="injury_date")
    known = facts(yearly, anchors={Anchor.INJURY: "2016-06-01"})
    assert verdicts(known) == {"window 2025-06-01": "closed_before_enrolment"}
    assert days(known, "book_window", "2027-01-01") == ["2026-04-13"]


def test_a_window_left_to_staff_sends_the_patient_nothing():
    known = facts(protocol(window("P30D", "P40D", "P50D", message="none"), anchor="injury_date"), anchors=INJURED)
    assert days(known, "window") == []
    assert days(known, "book_window") == ["2026-03-18"]


# --- supplies ------------------------------------------------------------------------------------------------------

PILLS = protocol(
    supply(
        {"at": "-P7D", "message": "refill"},
        {"at": "-P1D", "message": "refill", "unless": "confirmed"},
        {"at": "-P3D", "task": "Book", "unless": "booked"},
        {"at": "P0D", "task": "Ring", "unless": "confirmed"},
        priority="safety",
    ),
    anchor="last_fill_date",
)


def filled(day: str, supply_days: int | None = 30, **more: Any) -> Facts:
    cycle = supply_cycle(Anchor.LAST_FILL, days_supply=supply_days, confirmed=more.pop("confirmed", False))
    return facts(PILLS, anchors={Anchor.LAST_FILL: day}, supplies=[cycle], **more)


def test_a_supply_counts_back_from_the_day_it_runs_out():
    known = filled("2026-02-20")  # runs out on 22 March
    assert days(known, "refill") == ["2026-03-15", "2026-03-21"]
    assert days(known, "supply") == ["2026-03-19", "2026-03-22"]


@pytest.mark.parametrize(
    ("more", "refills", "tasks"),
    [
        ({"confirmed": True}, ["2026-03-15"], ["2026-03-19"]),
        ({"visits": [visit("2026-03-18T10:00", window_step="p.v1/s0")]}, ["2026-03-15", "2026-03-21"], ["2026-03-22"]),
        ({"visits": [visit("2026-03-18T10:00", window_step="p.v1/s0", status=CONFIRMED)]}, ["2026-03-15"], []),
        (
            {"visits": [visit("2026-03-18T10:00", window_step="p.v1/s0", status=ATTENDED)]},
            ["2026-03-15", "2026-03-21"],
            ["2026-03-19", "2026-03-22"],
        ),
    ],
)
def test_a_notice_is_dropped_by_what_makes_it_needless(more: dict[str, Any], refills: list[str], tasks: list[str]):
    known = filled("2026-02-20", **more)
    assert (days(known, "refill"), days(known, "supply")) == (refills, tasks)


def test_a_supply_that_ran_out_before_enrolment_is_a_task_at_once_and_no_message():
    known = filled("2026-01-20")  # ran out on 19 February
    assert days(known, "refill") == []
    assert days(known, "supply") == ["2026-03-02"]
    assert set(verdicts(known).values()) == {"closed_before_enrolment"}


def test_without_the_days_of_supply_staff_are_asked_for_them():
    known = filled("2026-02-20", supply_days=None)
    assert days(known, "missing_anchor") == ["2026-03-02"]
    assert days(known, "refill") == []


def test_each_fill_has_notices_of_its_own():
    known = filled("2026-02-20")
    again = facts(
        PILLS, anchors={Anchor.LAST_FILL: "2026-02-20"}, supplies=[supply_cycle(Anchor.LAST_FILL, 2, days_supply=30)]
    )
    ids = [
        {o.id for o, _ in all_slotted(f, beginning(f), date(2026, 6, 1)) if o.step == "p.v1/s0"} for f in (known, again)
    ]
    assert len(ids[0]) == 4
    assert not ids[0] & ids[1]


# --- anchors, conditions, overrides --------------------------------------------------------------------------------


def test_a_protocol_without_its_date_waits_and_asks_for_it():
    known = facts(ONE)
    (task,) = (o for o, _ in all_slotted(known, beginning(known), date(2026, 12, 1)) if o.kind == "missing_anchor")
    assert task.about.title == "Enter the injury date: Protocol waits for it"
    assert task.about.tier == "routine"
    assert days(known, "window") == []


def test_a_protocol_that_needs_its_date_asks_urgently():
    known = facts(protocol(window("P1D", "P2D", "P3D"), anchor="injury_date", needs_anchor=True))
    (task,) = (o for o, _ in all_slotted(known, beginning(known), date(2026, 12, 1)) if o.kind == "missing_anchor")
    assert task.about.tier == "urgent"


def test_a_deficit_without_an_onset_counts_from_the_injury():
    known = facts(protocol(window("P30D", "P40D", "P50D"), anchor="deficit_onset_date"), anchors=INJURED)
    assert days(known, "window") == ["2026-04-11"]


def test_a_protocol_for_another_kind_of_patient_wants_nothing():
    pump = protocol(checkin(), applies_if="itb_pump")
    assert days(facts(pump), "checkin", "2026-03-20") == []
    assert days(facts(pump, clinical=Clinical(itb_pump=True)), "checkin", "2026-03-20") != []


def test_an_override_moves_a_step_or_switches_it_off():
    step = protocol(checkin("P1W", "P7D", weekday="TU"))
    moved = facts(step, overrides={"p.v1/s0": Override(weekday=4, at=time(16))})
    assert days(moved, "checkin", "2026-03-20") == ["2026-03-13"]
    assert days(facts(step, overrides={"p.v1/s0": Override(off=True)}), "checkin", "2026-06-01") == []


# --- staff ---------------------------------------------------------------------------------------------------------

GAP = protocol(staff_task(title="No attended visit in 90 days: ring", no_visit_for="P90D", until="P18M"))


def test_a_gap_in_visits_is_a_task_again_and_again_until_somebody_is_seen():
    assert days(facts(GAP), "gap_guard", "2027-10-01") == [
        "2026-05-31", "2026-08-29", "2026-11-27", "2027-02-25", "2027-05-26", "2027-08-24"
    ]  # fmt: skip
    seen = visit("2026-06-10T10:00", status=ATTENDED)
    assert days(facts(GAP, visits=[seen]), "gap_guard", "2026-12-31") == ["2026-09-08", "2026-12-07"]


def test_a_gap_is_no_task_while_a_visit_is_booked():
    known = facts(GAP, visits=[visit("2026-06-10T10:00")])
    assert days(known, "gap_guard", "2026-12-31") == ["2026-08-29", "2026-11-27"]
    assert verdicts(known)["gap_guard 2026-05-31"] == "booked"


@pytest.mark.parametrize(
    ("discharged", "task", "late"),
    [("2026-03-10", ["2026-03-12"], 0), ("2026-02-28", ["2026-03-02"], 0), ("2026-02-20", [], 1)],
)
def test_a_task_with_a_due_date_is_done_late_while_it_is_not_over(discharged: str, task: list[str], late: int):
    call = protocol(staff_task(at="P2D", due="P3D"), anchor="discharge_date")
    known = facts(call, anchors={Anchor.DISCHARGE: discharged})
    assert days(known, "staff") == task
    assert list(verdicts(known).values()) == ["closed_before_enrolment"] * late


def test_a_series_is_asked_for_until_sessions_are_set():
    series = {"kind": "appointment_series", "title": "Therapy", "profile": "pt", "at": "P0D"}
    block = protocol(series, anchor="discharge_date")
    known = facts(block, anchors={Anchor.DISCHARGE: "2026-03-10"})
    assert days(known, "set_series") == ["2026-03-10"]
    set_up = facts(block, anchors={Anchor.DISCHARGE: "2026-03-10"}, visits=[therapy("2026-03-12T09:00", "t")])
    assert days(set_up, "set_series") == []


def test_nothing_is_wanted_before_the_plan_was_made():
    known = facts(
        protocol(
            checkin(), message("edu_link", "P1D", every="P1W"), window("P0D", "P1D", "P900D"), anchor="injury_date"
        ),
        anchors={Anchor.INJURY: "2025-06-01"},
    )
    assert all(moment(o) >= ENROLLED for o, _ in all_slotted(known, date(2025, 1, 1), date(2026, 4, 1)))
