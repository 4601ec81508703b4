"""The agenda, case by case: what goes out when, and the reason that is shown.

The patient was enrolled on Monday 2 March 2026 at noon in New York, and may be written to from 09:00 to 20:00.
"""

from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest

from chalicelib.domain.facts import Facts
from chalicelib.domain.occurrence import Entry, Rank, State
from chalicelib.domain.patient import Category, Channel, ContactStatus, Status
from chalicelib.domain.plan import AppointmentStatus, Override, Profile
from chalicelib.domain.protocol import Anchor
from chalicelib.domain.replan import replanned
from tests.domain.builders import (
    ENROLLED,
    MAIL,
    STOPPED,
    TEXTS,
    at,
    checkin,
    entries,
    facts,
    hours,
    lines,
    lived,
    message,
    pause,
    protocol,
    staff_task,
    supply,
    supply_cycle,
    therapy,
    visit,
    wall,
    window,
)


def told(known: Facts, until: str, kind: str = "") -> list[tuple[str, str, str, str]]:
    """(local time, channel, state, rule) of every entry, or of those of a kind."""
    return [
        (wall(e.at, known.patient.timezone), e.channel.value, e.state.value, e.reason.rule)
        for e in entries(known, until)
        if not kind or e.occurrence.kind == kind
    ]


def only(known: Facts, until: str, kind: str) -> Entry:
    (entry,) = (e for e in entries(known, until) if e.occurrence.kind == kind)
    return entry


def weekly(day: str = "TU", clock: str = "10:00", name: str = "weekly.v1", **more: Any) -> Any:
    return protocol(checkin("P1W", "P0D", weekday=day, local_time=clock, **more), name=name)


# --- reminders of visits -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "hours_before", "expected"),
    [
        (
            Profile.APPOINTMENT,
            False,
            ["Thu 2026-03-12 10:00 email", "Mon 2026-03-16 10:00 sms", "Wed 2026-03-18 10:00 sms"],
        ),
        (
            Profile.APPOINTMENT,
            True,
            [
                *("Thu 2026-03-12 10:00 email", "Mon 2026-03-16 10:00 sms", "Wed 2026-03-18 10:00 sms"),
                "Thu 2026-03-19 12:00 sms",
            ],
        ),
        (
            Profile.HIGH_RISK_NO_SHOW,
            False,
            [
                *("Thu 2026-03-12 10:00 sms", "Mon 2026-03-16 10:00 sms"),
                *("Wed 2026-03-18 10:00 sms", "Wed 2026-03-18 14:00 task"),
            ],
        ),
        (Profile.THERAPY, False, ["Wed 2026-03-18 10:00 sms"]),
    ],
)
def test_a_visit_gets_the_reminders_of_its_profile(profile: Profile, hours_before: bool, expected: list[str]):
    known = facts(visits=[visit("2026-03-19T14:00", profile=profile)], hours_before=hours_before)
    assert [line.rpartition(" ")[0] for line in lines(known, "2026-03-25T00:00")] == expected


def test_reminders_count_in_days_across_a_clock_change():
    known = facts(visits=[visit("2026-03-09T08:30")])  # the clocks change on Sunday the 8th
    assert lines(known, "2026-03-10T00:00") == [
        "Fri 2026-03-06 10:00 sms appointment",
        "Sun 2026-03-08 10:00 sms appointment",
    ]
    assert entries(known, "2026-03-10T00:00")[-1].at == at("2026-03-08T10:00")


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (("09:00", "20:00"), ["Mon 2026-03-16 10:00", "Wed 2026-03-18 10:00"]),
        (("17:00", "19:00"), ["Sun 2026-03-15 18:45", "Tue 2026-03-17 18:45"]),  # earlier, never nearer to the visit
        (("08:00", "09:30"), ["Mon 2026-03-16 09:15", "Wed 2026-03-18 09:15"]),
        (("17:00", "17:10"), ["Sun 2026-03-15 17:00", "Tue 2026-03-17 17:00"]),
    ],
)
def test_a_visits_reminder_outside_contact_hours_moves_earlier(window: tuple[str, str], expected: list[str]):
    known = facts(visits=[visit("2026-03-19T14:00")], window=hours(*window), contacts=[TEXTS])
    sent = [e for e in entries(known, "2026-03-25T00:00") if e.acts]
    assert [wall(e.at) for e in sent] == expected
    if window != ("09:00", "20:00"):
        assert {e.reason.rule for e in sent} == {"contact_window"}
        assert sent[0].reason.detail == f"10:00 is outside {window[0]}-{window[1]}; moved earlier"


def test_a_reminder_hours_before_is_dropped_outside_contact_hours():
    known = facts(visits=[visit("2026-03-19T09:30")], hours_before=True)
    assert ("Thu 2026-03-19 07:30", "sms", "skipped", "contact_window") in told(known, "2026-03-25T00:00")


@pytest.mark.parametrize(
    ("status", "rule", "state"),
    [
        (AppointmentStatus.CANCELLED, "appointment_cancelled", State.CANCELLED),
        (AppointmentStatus.ATTENDED, "attended", State.SKIPPED),
        (AppointmentStatus.MISSED, "appointment_missed", State.SKIPPED),
    ],
)
def test_what_became_of_a_visit_settles_its_reminders(status: AppointmentStatus, rule: str, state: State):
    known = facts(visits=[visit("2026-03-19T14:00", status=status)])
    found = [e for e in entries(known, "2026-03-19T13:00") if e.occurrence.kind == "appointment"]
    assert {(e.reason.rule, e.state) for e in found} == {(rule, state)}


def test_a_confirmed_visit_keeps_its_day_before_and_drops_its_hours_before_and_its_call():
    known = facts(visits=[visit("2026-03-19T14:00", status=AppointmentStatus.CONFIRMED)], hours_before=True)
    assert lines(known, "2026-03-25T00:00")[-1] == "Wed 2026-03-18 10:00 sms appointment"
    assert told(known, "2026-03-25T00:00")[-1][2:] == ("skipped", "confirmed")
    risky = visit("2026-03-19T14:00", status=AppointmentStatus.CONFIRMED, profile=Profile.HIGH_RISK_NO_SHOW)
    assert only(facts(visits=[risky]), "2026-03-25T00:00", "unconfirmed_visit").reason.rule == "confirmed"


def test_a_missed_visit_is_a_task_at_once_and_an_offer_the_next_day():
    known = facts(visits=[visit("2026-03-19T14:00", status=AppointmentStatus.MISSED)])
    assert lines(known, "2026-03-25T00:00") == [
        "Thu 2026-03-19 14:01 task missed_visit",
        "Fri 2026-03-20 10:00 sms missed_visit",
    ]


def test_a_visit_booked_late_gets_only_what_is_still_to_come():
    known = facts(visits=[visit("2026-03-04T14:00")])  # in two days
    assert told(known, "2026-03-05T00:00") == [
        ("Mon 2026-03-02 12:00", "sms", "skipped", "booked_later"),
        ("Mon 2026-03-02 12:00", "email", "skipped", "booked_later"),
        ("Tue 2026-03-03 10:00", "sms", "scheduled", "as_planned"),
    ]


def test_a_visit_booked_for_tomorrow_is_reminded_of_at_once():
    entry = next(e for e in entries(facts(visits=[visit("2026-03-03T09:30")]), "2026-03-05T00:00") if e.acts)
    assert wall(entry.at) == "Mon 2026-03-02 12:00"
    assert entry.reason.rule == "at_once"


def test_a_visit_entered_after_it_took_place_gets_no_reminders():
    assert (
        entries(facts(visits=[visit("2026-03-01T09:30", status=AppointmentStatus.ATTENDED)]), "2026-03-09T00:00") == []
    )


# --- what shares a message -----------------------------------------------------------------------------------------


def test_the_visits_of_a_day_share_their_reminders():
    known = facts(visits=[visit("2026-03-19T14:00", "a"), visit("2026-03-19T09:00", "b")])
    sent = [e for e in entries(known, "2026-03-25T00:00") if e.acts and e.channel is Channel.SMS]
    assert [(wall(e.at), sorted(e.occurrence.about.appointments)) for e in sent] == [
        ("Mon 2026-03-16 10:00", ["a", "b"]),
        ("Wed 2026-03-18 10:00", ["a", "b"]),
    ]
    riders = [e for e in entries(known, "2026-03-25T00:00") if e.carried_by]
    assert {e.reason.rule for e in riders} == {"merged"}
    assert len(riders) == 3


def test_a_week_of_therapy_is_one_list_the_day_before_its_first_session():
    week = [therapy(f"2026-03-{d:02}T09:00", f"t{d}") for d in (9, 11, 13)]
    known = facts(visits=[*week, therapy("2026-03-17T09:00", "t17")])
    sent = [e for e in entries(known, "2026-03-20T00:00") if e.acts]
    assert [(wall(e.at), set(e.occurrence.about.appointments)) for e in sent] == [
        ("Sun 2026-03-08 10:00", {"t9", "t11", "t13"}),
        ("Mon 2026-03-16 10:00", {"t17"}),
    ]


def test_the_therapy_list_goes_before_the_first_session_that_stands():
    week = [
        therapy("2026-03-09T09:00", "t9", status=AppointmentStatus.CANCELLED),
        therapy("2026-03-11T09:00", "t11"),
    ]
    known = facts(visits=week)
    assert lines(known, "2026-03-20T00:00") == ["Tue 2026-03-10 10:00 sms therapy"]


def test_a_session_added_after_the_weeks_list_has_a_reminder_of_its_own():
    listed = facts(visits=[therapy("2026-03-04T09:00", "t4")])
    now = at("2026-03-03T12:00")
    *_, (_, _, told_of) = lived(listed, ENROLLED, now)
    late = therapy("2026-03-06T09:00", "t6", set_at=now)
    known, _ = replanned(told_of, replace(told_of, appointments=(*told_of.appointments, late)), None, now)
    assert lines(known, "2026-03-10T00:00", now) == ["Thu 2026-03-05 10:00 sms therapy"]


SEVEN = protocol(
    *(window("P30D", "P40D", "P50D", title=f"Part {n}") for n in range(5)),
    window("P35D", "P40D", "P60D", title="Part 5", overlaps=True),
    window("P20D", "P40D", "P50D", title="Part 6", overlaps=True),
    name="seven.v1",
    anchor="injury_date",
)


def test_windows_with_one_target_are_one_task_and_one_message():
    known = facts(SEVEN, anchors={Anchor.INJURY: "2026-03-02"})
    acting = [e for e in entries(known, "2026-06-01T00:00") if e.acts]
    assert [(wall(e.at), e.channel.value, e.occurrence.kind, len(e.carries) + 1) for e in acting] == [
        ("Sun 2026-03-08 07:00", "task", "book_window", 7),  # fourteen days before the first of them opens
        ("Sat 2026-04-11 10:00", "sms", "window", 7),
        ("Wed 2026-04-22 07:00", "task", "window_closed", 6),
        ("Sat 2026-05-02 07:00", "task", "window_closed", 1),
    ]
    book = acting[0].occurrence.about
    assert book.title.startswith("Book: Part ")
    assert sorted(book.title.removeprefix("Book: ").split("; ")) == [f"Part {n}" for n in range(7)]
    assert book.due == "2026-04-11"
    assert sum(e.carried_by == acting[0].occurrence.id for e in entries(known, "2026-06-01T00:00")) == 6


def test_what_is_booked_already_is_left_out_of_the_shared_task():
    known = facts(
        SEVEN,
        anchors={Anchor.INJURY: "2026-03-02"},
        visits=[visit("2026-04-05T09:00", window_step="seven.v1/s6", profile=Profile.THERAPY)],
    )
    book = next(e for e in entries(known, "2026-06-01T00:00") if e.acts and e.occurrence.kind == "book_window")
    assert wall(book.at) == "Sun 2026-03-08 07:00"
    assert "Part 6" not in book.occurrence.about.title
    assert len(book.carries) == 5


def test_an_extra_session_rides_with_the_main_one_and_its_questions_are_the_longer_list():
    main = weekly("TU")
    extra = protocol(checkin("P3D", "P1D", until="P2W", joins=True, max_questions=1), name="extra.v1")
    known = facts(extra, main)
    first = next(e for e in entries(known, "2026-03-04T00:00") if e.acts)
    assert (first.occurrence.step, [o.step for o in first.carries]) == ("weekly.v1/s0", ["extra.v1/s0"])


# --- caps and what gives way ---------------------------------------------------------------------------------------


def test_one_text_a_day_the_higher_goes_and_the_lower_takes_the_next_free_day_at_its_hour():
    known = facts(weekly("WE", "11:00"), visits=[visit("2026-03-12T14:00")])
    on_wednesday = [e for e in entries(known, "2026-03-13T00:00") if e.at > at("2026-03-10T00:00")]
    assert [(wall(e.at), e.occurrence.kind, e.reason.rule) for e in on_wednesday] == [
        ("Wed 2026-03-11 10:00", "appointment", "as_planned"),
        ("Thu 2026-03-12 10:00", "checkin", "daily_cap"),  # an hour before its day of use is over
    ]
    assert on_wednesday[1].reason.detail == "another text goes out on 2026-03-11, so this one moved to 2026-03-12"


def test_three_texts_a_week_and_the_fourth_goes_by_email():
    known = facts(weekly("TH"), visits=[visit("2026-03-11T14:00", "a"), visit("2026-03-15T14:00", "b")])
    found = [e for e in entries(known, "2026-03-16T00:00") if e.slot >= at("2026-03-09T00:00") and e.acts]
    assert [(wall(e.at), e.channel.value, e.occurrence.step, e.reason.rule) for e in found] == [
        ("Tue 2026-03-10 10:00", "sms", "appointment/1d", "as_planned"),
        ("Thu 2026-03-12 10:00", "sms", "weekly.v1/s0", "as_planned"),
        ("Thu 2026-03-12 10:00", "email", "appointment/3d", "email_instead"),
        ("Sat 2026-03-14 10:00", "sms", "appointment/1d", "as_planned"),
    ]
    assert found[2].reason.detail == (
        "3 texts go out in the week of 2026-03-09, the most there may be; sent by e-mail instead"
    )


ORDER = [
    Rank.SAFETY,
    Rank.DAY_BEFORE,
    Rank.CHECKIN,
    Rank.DAYS_BEFORE,
    Rank.THERAPY,
    Rank.SUPPORTIVE,
    Rank.HOURS_BEFORE,
    Rank.EDUCATION,
]


def test_the_order_of_giving_way_is_that_of_the_clinical_reference():
    assert sorted(ORDER) == ORDER


def crowded(**more: Any) -> Facts:
    """A week (9 to 15 March) that wants seven texts, of seven ranks, one a day."""
    return facts(
        weekly("WE"),
        protocol(
            message("edu_link", "P0D", every="P1W", priority="education"),
            message("home_program", "P0D", every="P1W", priority="supportive"),
            name="teach.v1",
        ),
        protocol(
            supply({"at": "-P1D", "message": "refill"}, priority="safety"), name="pills.v1", anchor="last_fill_date"
        ),
        anchors={Anchor.LAST_FILL: "2026-02-10"},
        supplies=[supply_cycle(Anchor.LAST_FILL, days_supply=29)],  # runs out on the 11th: told on the 10th
        visits=[visit("2026-03-17T14:00", "v"), visit("2026-03-14T14:00", "w"), therapy("2026-03-16T09:00", "t")],
        overrides={
            "teach.v1/s0": Override(weekday=0, at=time(10)),
            "teach.v1/s1": Override(weekday=5, at=time(10)),
        },
        **more,
    )


def test_a_full_week_sheds_from_the_bottom():
    known = crowded(contacts=[TEXTS])
    week = [e for e in entries(known, "2026-03-16T00:00") if e.slot >= at("2026-03-09T00:00")]
    sent = [e.occurrence.rank for e in week if e.acts and e.at < at("2026-03-16T00:00")]
    assert sorted(sent) == [Rank.SAFETY, Rank.DAY_BEFORE, Rank.CHECKIN]
    shed = {e.occurrence.kind: e.reason.rule for e in week if e.state is State.SHED}
    assert shed["appointment"] == "weekly_cap"


def test_what_is_left_over_waits_for_the_next_week_and_says_why():
    known = facts(
        protocol(window("P1D", "P10D", "P40D"), anchor="injury_date", name="w.v1"),
        anchors={Anchor.INJURY: "2026-03-04"},  # the target is Saturday the 14th
        visits=[visit(f"2026-03-{d}T14:00", f"v{d}", profile=Profile.HIGH_RISK_NO_SHOW) for d in (11, 13, 15)],
        contacts=[TEXTS],
    )
    entry = next(e for e in entries(known, "2026-03-20T00:00") if e.occurrence.kind == "window")
    assert (wall(entry.slot), wall(entry.at)) == ("Sat 2026-03-14 10:00", "Mon 2026-03-16 09:00")
    assert entry.reason.rule == "weekly_cap"
    assert entry.reason.detail.endswith("waits for the next week")


def test_safety_that_finds_no_room_is_phoned():
    known = facts(
        protocol(
            supply({"at": "-P1D", "message": "refill"}, priority="safety", title="Medicine"),
            name="pills.v1",
            anchor="last_fill_date",
        ),
        anchors={Anchor.LAST_FILL: "2026-03-01"},
        supplies=[supply_cycle(Anchor.LAST_FILL, days_supply=7)],
        contacts=[TEXTS],
    )
    sent = tuple(at(f"2026-03-0{d}T10:00") for d in (3, 4, 5))
    full = replace(known, progress=replace(known.progress, through=at("2026-03-05T11:00"), sent=sent))
    entry = next(e for e in entries(full, "2026-03-09T00:00", at("2026-03-05T11:00")) if e.occurrence.kind == "refill")
    assert (entry.channel, entry.reason.rule) == (Channel.TASK, "weekly_cap")
    assert entry.occurrence.about.title == "Phone the patient: Medicine"


PUMP = protocol(
    supply(
        *({"at": a, "message": "pump_refill", "channels": ["sms", "email"]} for a in ("-P3D", "-P2D", "-P1D", "P0D")),
        due="P0D",
        ignore_weekly_cap=True,
        priority="safety",
        title="Pump refill",
    ),
    name="pump.v1",
    anchor="pump_low_reservoir_alarm_date",
)


def test_safety_with_leave_to_exceeds_the_caps_and_uses_them_up_for_others():
    known = facts(PUMP, weekly("FR"), anchors={Anchor.PUMP_ALARM: "2026-03-14"}, contacts=[TEXTS])
    found = [e for e in entries(known, "2026-03-16T00:00") if e.slot >= at("2026-03-09T00:00")]
    texts = [(wall(e.at)[:14], e.occurrence.kind) for e in found if e.acts and e.channel is Channel.SMS]
    assert texts == [
        (f"{d} 2026-03-{n}", "supply") for d, n in zip(("Wed", "Thu", "Fri", "Sat"), (11, 12, 13, 14), strict=True)
    ]
    assert next(e for e in found if e.occurrence.kind == "checkin").state is State.SHED


# --- contact hours, pauses, status ---------------------------------------------------------------------------------


def test_a_check_in_outside_contact_hours_waits_for_the_next_opening():
    entry = next(e for e in entries(facts(weekly(), window=hours("17:00", "20:00")), "2026-03-04T00:00") if e.acts)
    assert wall(entry.at) == "Tue 2026-03-03 17:00"
    assert entry.reason.detail == "10:00 is outside 17:00-20:00; moved later"


def test_hours_outside_the_wall_are_cut_to_it():
    entry = next(e for e in entries(facts(weekly(clock="20:30"), window=hours("06:00", "23:00")), "2026-03-04T00:00"))
    assert wall(entry.at) == "Tue 2026-03-03 20:30"
    early = facts(weekly(), window=hours("05:00", "07:00"))  # nothing of it lies within the wall: the usual hours
    assert lines(early, "2026-03-04T00:00") == ["Tue 2026-03-03 10:00 sms checkin"]


def test_two_emails_of_one_hour_stand_half_an_hour_apart():
    both = protocol(
        message("pain_0_10", "P0D", channel="email"), message("sci_set_link", "P0D", channel="email"), name="m.v1"
    )
    same = Override(weekday=3, at=time(11))
    known = facts(both, overrides={"m.v1/s0": same, "m.v1/s1": same})
    assert [line[:20] for line in lines(known, "2026-03-07T00:00")] == ["Thu 2026-03-05 11:00", "Thu 2026-03-05 11:30"]
    narrow = facts(both, overrides={"m.v1/s0": same, "m.v1/s1": same}, window=hours("11:00", "11:20"))
    assert [line[:20] for line in lines(narrow, "2026-03-07T00:00")] == ["Thu 2026-03-05 11:00", "Fri 2026-03-06 11:00"]


def test_what_falls_into_a_pause_is_skipped_and_what_is_still_of_use_goes_after_it():
    known = facts(
        weekly(),
        protocol(window("P1D", "P10D", "P40D"), anchor="injury_date", name="w.v1"),
        anchors={Anchor.INJURY: "2026-03-02"},  # the target is Thursday the 12th
        visits=[visit("2026-03-12T14:00", profile=Profile.HIGH_RISK_NO_SHOW)],
        pauses=[pause("2026-03-09T08:00", "2026-03-19T12:00")],
    )
    told_of = told(known, "2026-03-25T00:00")
    assert ("Tue 2026-03-10 10:00", "sms", "skipped", "paused") in told_of
    assert ("Tue 2026-03-17 10:00", "sms", "skipped", "paused") in told_of
    assert ("Wed 2026-03-11 10:00", "sms", "skipped", "paused") in told_of  # the day before the visit
    assert ("Wed 2026-03-11 14:00", "task", "scheduled", "as_planned") in told_of  # staff go on
    assert ("Thu 2026-03-19 12:00", "sms", "scheduled", "after_pause") in told_of  # the window is still open
    skipped = only(
        facts(weekly(), pauses=[pause("2026-03-03T08:00", "2026-03-09T12:00")]), "2026-03-04T23:00", "checkin"
    )
    assert skipped.reason.detail == "messages are paused until 2026-03-09: in hospital"


def test_a_long_pause_ends_without_a_burst():
    known = crowded(pauses=[pause("2026-03-02T13:00", "2026-03-16T06:00")])
    after = [e for e in entries(known, "2026-03-23T00:00") if e.acts and e.channel is Channel.SMS]
    assert all(e.at >= at("2026-03-16T09:00") for e in after)
    assert len(after) <= 3
    assert len({wall(e.at)[:14] for e in after}) == len(after)


def test_a_pause_without_an_end_keeps_what_is_still_of_use_until_its_use_is_over():
    plan = protocol(window("P1D", "P10D", "P40D"), anchor="injury_date", name="w.v1")
    known = facts(weekly(), plan, anchors={Anchor.INJURY: "2026-03-02"}, pauses=[pause("2026-03-09T08:00", None)])
    assert ("Wed 2026-03-11 10:00", "sms", "skipped", "paused") in told(known, "2026-04-15T00:00", "checkin")
    asked = only(known, "2026-04-15T00:00", "window")
    assert (asked.state, asked.reason.rule, wall(asked.slot)) == (State.SKIPPED, "paused", "Sat 2026-04-11 20:00")
    assert asked.reason.detail == "messages are paused until somebody resumes: in hospital"


@pytest.mark.parametrize("status", [Status.DISCHARGED, Status.DECEASED])
def test_for_a_patient_who_left_nothing_acts_and_everything_says_why(status: Status):
    known = facts(
        weekly(), protocol(staff_task(at="P2D"), name="s.v1"), visits=[visit("2026-03-12T14:00")], status=status
    )
    found = entries(known, "2026-04-01T00:00")
    assert found
    assert {(e.state, e.reason.rule, e.reason.detail) for e in found} == {
        (State.SKIPPED, status.value, f"the patient is {status.value}")
    }


# --- contacts ------------------------------------------------------------------------------------------------------


def changed(contact: Any, **more: Any) -> Any:
    return replace(contact, **more)


@pytest.mark.parametrize(
    ("contacts", "channel", "state", "rule", "detail"),
    [
        ([TEXTS], "sms", "scheduled", "as_planned", "at its own time"),
        ([MAIL], "email", "scheduled", "no_contact", "there is no contact for text; sent by e-mail instead"),
        ([STOPPED, MAIL], "email", "scheduled", "opted_out", "the patient opted out of text; sent by e-mail instead"),
        ([STOPPED], "sms", "skipped", "opted_out", "the patient opted out of text"),
        ([], "sms", "skipped", "no_contact", "there is no contact for text"),
        ([changed(TEXTS, consent=False)], "sms", "skipped", "no_consent", "there is no consent for text"),
        (
            [changed(TEXTS, status=ContactStatus.BAD)],
            "sms",
            "skipped",
            "unreachable",
            "nothing reaches the patient by text",
        ),
        (
            [changed(TEXTS, muted=(Category.CHECKIN,))],
            "sms",
            "skipped",
            "muted",
            "the patient switched this kind off for text",
        ),
    ],
)
def test_a_check_in_goes_where_the_patient_may_be_written_to(
    contacts: list[Any], channel: str, state: str, rule: str, detail: str
):
    entry = only(facts(weekly(), contacts=contacts), "2026-03-04T00:00", "checkin")
    assert (entry.channel.value, entry.state.value, entry.reason.rule, entry.reason.detail) == (
        channel,
        state,
        rule,
        detail,
    )


def test_an_email_whose_patient_has_none_is_not_texted_where_the_step_is_for_email():
    known = facts(visits=[visit("2026-03-19T14:00")], contacts=[TEXTS])
    assert ("Thu 2026-03-12 10:00", "email", "skipped", "no_contact") in told(known, "2026-03-20T00:00")


@pytest.mark.parametrize(
    ("contacts", "channels"),
    [([TEXTS, MAIL], ["email", "sms"]), ([MAIL], ["email"]), ([STOPPED], ["task"]), ([], ["task"])],
)
def test_safety_reaches_the_patient_somehow(contacts: list[Any], channels: list[str]):
    known = facts(PUMP, anchors={Anchor.PUMP_ALARM: "2026-03-14"}, contacts=contacts)
    first = [e for e in entries(known, "2026-03-11T23:00") if e.acts]
    assert sorted(e.channel.value for e in first) == channels
    if channels == ["task"]:
        assert first[0].occurrence.about.title == "Phone the patient: Pump refill"
        assert first[0].reason.detail.endswith("staff phone instead")


# --- what is late --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("woken", "expected"),
    [
        ("2026-03-03T10:03", ("Tue 2026-03-03 10:00", "scheduled", "as_planned")),  # a little late keeps its place
        ("2026-03-03T16:00", ("Tue 2026-03-03 16:00", "scheduled", "late")),
        ("2026-03-03T23:00", ("Wed 2026-03-04 09:00", "scheduled", "moved")),
        ("2026-03-04T11:00", ("Tue 2026-03-03 10:00", "missed", "too_late")),
    ],
)
def test_what_was_slept_through_is_sent_while_it_is_of_use(woken: str, expected: tuple[str, str, str]):
    known = facts(weekly())
    (entry, *_) = entries(known, timedelta(days=3), at(woken))
    assert (wall(entry.at), entry.state.value, entry.reason.rule) == expected


def test_the_welcome_comes_first_and_at_a_decent_hour():
    late = at("2026-03-02T22:30")
    known = facts(weekly(), enrolled=late, welcomed=False)
    assert (
        lines(known, "2026-03-06T00:00")
        == [
            "Tue 2026-03-03 09:00 sms welcome",
            "Wed 2026-03-04 10:00 sms checkin",
        ]
        or lines(known, "2026-03-06T00:00")[0] == "Tue 2026-03-03 09:00 sms welcome"
    )


def test_the_default_day_of_a_message_is_stable_across_a_move_to_another_zone():
    weekly_one = protocol(checkin("P1W", "P1D"))
    here = facts(weekly_one)
    there = replace(here, patient=replace(here.patient, timezone="Asia/Kathmandu"))
    days = [
        {e.occurrence.id: wall(e.at, f.patient.timezone)[:20] for e in entries(f, timedelta(days=60))}
        for f in (here, there)
    ]
    assert days[0] == days[1]


def test_an_empty_plan_has_an_empty_agenda():
    assert entries(facts(), timedelta(days=400)) == []
