"""What a change does to a plan under way: what was sent stays sent, what was not is computed anew."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.agenda import agenda
from chalicelib.domain.cursor import Cursor, Lane
from chalicelib.domain.facts import Facts
from chalicelib.domain.patient import Status
from chalicelib.domain.plan import AppointmentStatus, Override, Pin
from chalicelib.domain.protocol import Anchor, Protocol
from chalicelib.domain.replan import Diff, diff, has_been_handled, replanned
from chalicelib.domain.slots import slot_of
from chalicelib.domain.visits import occurrences_of
from tests.domain.builders import (
    ENROLLED,
    STOPPED,
    TEXTS,
    at,
    checkin,
    cursor_of,
    facts,
    lived,
    pause,
    protocol,
    staff_task,
    supply,
    supply_cycle,
    visit,
    wall,
    window,
)

WEEKLY = protocol(checkin("P1W", "P0D", weekday="TU", local_time="10:00"), name="weekly.v1")
WINDOW = protocol(window("P30D", "P40D", "P50D"), name="window.v1", anchor="injury_date")
INJURED = {Anchor.INJURY: "2026-03-02"}


def after_life(known: Facts, until: str) -> Facts:
    """The facts as the wakes until then leave them."""
    for _, _, left in lived(known, ENROLLED, at(until)):
        known = left
    return known


def rest(known: Facts, now: str, until: str) -> list[str]:
    zone = known.patient.timezone
    return [f"{wall(e.at, zone)} {e.channel} {e.occurrence.kind}" for e in agenda(known, at(now), at(until)) if e.acts]


def altered(known: Facts, now: str, **more: Any) -> Facts:
    """The facts after a change at `now`: of patient, plan or what else the names say."""
    patient = {k: v for k, v in more.items() if k in ("timezone", "status", "pauses", "contact_window", "hours_before")}
    plan = {k: v for k, v in more.items() if k in ("anchors", "pins", "overrides")}
    other = {k: v for k, v in more.items() if k not in (*patient, *plan)}
    new = replace(known, patient=replace(known.patient, **patient), plan=replace(known.plan, **plan), **other)
    return replanned(known, new, None, at(now))[0]


def with_visit(known: Facts, now: str, **more: Any) -> Facts:
    (one,) = known.appointments
    return altered(known, now, appointments=(replace(one, **more),))


# --- the cursor ----------------------------------------------------------------------------------------------------


def test_enrolment_writes_the_first_cursor_and_a_change_the_next():
    _, first = replanned(None, facts(WEEKLY), None, ENROLLED)
    assert (first.rev, first.seq, first.due, first.lane) == (1, 1, at("2026-03-02T12:00"), Lane.SMS)  # the welcome
    known = facts(WEEKLY)
    cursor = replace(cursor_of(known, ENROLLED), rev=7, seq=4)
    _, changed = replanned(known, known, cursor, at("2026-03-03T09:00"))
    assert (changed.rev, changed.seq, changed.due) == (8, 4, at("2026-03-03T10:00"))


def test_a_change_keeps_what_is_in_flight_and_the_open_session():
    known = facts(WEEKLY)
    *_, (_, _, left) = lived(known, ENROLLED, at("2026-03-03T11:00"))
    flying: Any = object()
    cursor = Cursor(rev=1, seq=2, due=None, lane=Lane.NONE, progress=left.progress, in_flight={flying: flying})
    _, changed = replanned(left, left, cursor, at("2026-03-03T11:00"))
    assert changed.in_flight == {flying: flying}
    assert changed.session == left.session
    assert left.session is not None


def test_a_change_that_changes_nothing_leaves_progress_as_it_was():
    known = after_life(facts(WEEKLY, WINDOW, anchors=INJURED, visits=[visit("2026-03-20T09:00")]), "2026-03-18T12:00")
    assert altered(known, "2026-03-18T12:00").progress == known.progress


def test_a_cancelled_visit_leaves_its_window_to_be_booked_again():
    booked = visit("2026-04-05T09:00", window_step="window.v1/s0")
    known = after_life(facts(WINDOW, anchors=INJURED, visits=[booked]), "2026-03-20T12:00")
    cancelled = with_visit(known, "2026-03-20T12:00", status=AppointmentStatus.CANCELLED)
    assert rest(cancelled, "2026-03-20T12:00", "2026-04-12T00:00") == [
        "Fri 2026-03-20 12:00 task book_window",
        "Sat 2026-04-11 10:00 sms window",
    ]
    other = visit("2026-04-06T09:00", id="v2", set_at=at("2026-03-20T12:00"), window_step="window.v1/s0")
    rebooked = altered(cancelled, "2026-03-20T12:00", appointments=(*cancelled.appointments, other))
    assert [each for each in rest(rebooked, "2026-03-20T12:00", "2026-05-01T00:00") if "window" in each] == [
        "Wed 2026-04-22 07:00 task window_closed",
    ]


# --- dates that were wrong -----------------------------------------------------------------------------------------


def test_a_window_recorded_as_closed_comes_up_when_the_injury_date_was_a_slip():
    known = after_life(facts(WINDOW, anchors={Anchor.INJURY: "2020-03-02"}), "2026-03-03T12:00")
    assert rest(known, "2026-03-03T12:00", "2026-05-01T00:00") == []
    right = altered(known, "2026-03-03T12:00", anchors={Anchor.INJURY: date(2026, 3, 2)})
    assert rest(right, "2026-03-03T12:00", "2026-05-01T00:00") == [
        "Wed 2026-03-18 07:00 task book_window",
        "Sat 2026-04-11 10:00 sms window",
        "Wed 2026-04-22 07:00 task window_closed",
    ]


def test_what_a_wrong_date_takes_away_does_not_come_twice_when_the_date_is_put_right():
    known = after_life(facts(WINDOW, anchors=INJURED), "2026-03-20T12:00")
    wrong = altered(known, "2026-03-20T12:00", anchors={Anchor.INJURY: date(2020, 3, 2)})
    assert rest(wrong, "2026-03-20T12:00", "2026-05-01T00:00") == []
    right = altered(wrong, "2026-03-20T13:00", anchors={Anchor.INJURY: date(2026, 3, 2)})
    assert rest(right, "2026-03-20T13:00", "2026-05-01T00:00") == [
        "Sat 2026-04-11 10:00 sms window",
        "Wed 2026-04-22 07:00 task window_closed",
    ]


# --- visits --------------------------------------------------------------------------------------------------------


def test_a_moved_visit_keeps_its_ids_while_no_reminder_has_gone_out():
    known = facts(visits=[visit("2026-03-19T14:00")])
    moved = with_visit(known, "2026-03-03T12:00", starts_at=at("2026-03-26T14:00"), set_at=at("2026-03-03T12:00"))
    ids = [{o.id for o in occurrences_of(f, f.appointments[0])} for f in (known, moved)]
    assert ids[0] == ids[1]
    assert rest(moved, "2026-03-03T12:00", "2026-04-01T00:00") == [
        "Thu 2026-03-19 10:00 email appointment",
        "Mon 2026-03-23 10:00 sms appointment",
        "Wed 2026-03-25 10:00 sms appointment",
    ]


def test_whether_a_reminder_of_a_visit_has_been_dealt_with_is_known():
    known = after_life(facts(visits=[visit("2026-03-19T14:00")]), "2026-03-16T12:00")
    dealt = [has_been_handled(known, o, slot_of(known, o)) for o in occurrences_of(known, known.appointments[0])]
    assert dealt == [True, True, False]


def test_a_visit_moved_after_a_reminder_earns_reminders_anew():
    known = after_life(facts(visits=[visit("2026-03-19T14:00")]), "2026-03-16T12:00")
    now = "2026-03-16T12:00"
    moved = with_visit(known, now, starts_at=at("2026-03-26T14:00"), set_at=at(now), generation=1)
    assert rest(moved, now, "2026-04-01T00:00") == [
        "Thu 2026-03-19 10:00 email appointment",
        "Mon 2026-03-23 10:00 sms appointment",
        "Wed 2026-03-25 10:00 sms appointment",
    ]


def test_a_visit_moved_nearer_says_of_what_it_passed_that_it_was_set_later():
    known = facts(visits=[visit("2026-03-19T14:00")])
    now = "2026-03-10T12:00"
    moved = with_visit(known, now, starts_at=at("2026-03-12T14:00"), set_at=at(now))
    found = {e.occurrence.step: e.reason.rule for e in agenda(moved, at(now), at("2026-03-13T00:00"))}
    assert found == {
        "appointment/7d": "booked_later",
        "appointment/3d": "booked_later",
        "appointment/1d": "as_planned",
    }


def test_a_cancelled_visit_cancels_what_was_to_come_and_an_attended_one_settles_its_window():
    known = facts(
        WINDOW, anchors=INJURED, visits=[visit("2026-04-08T14:00", window_step="window.v1/s0", set_at=ENROLLED)]
    )
    cancelled = with_visit(known, "2026-04-01T12:00", status=AppointmentStatus.CANCELLED)
    # the booking task of 18 March comes back, and the patient is asked at the target
    assert rest(cancelled, "2026-04-01T12:00", "2026-05-01T00:00") == [
        "Wed 2026-04-01 12:00 task book_window",
        "Sat 2026-04-11 10:00 sms window",
        "Wed 2026-04-22 07:00 task window_closed",
    ]
    seen = with_visit(after_life(known, "2026-04-08T16:00"), "2026-04-08T16:00", status=AppointmentStatus.ATTENDED)
    assert rest(seen, "2026-04-08T16:00", "2026-06-01T00:00") == []


def test_a_visit_marked_missed_days_later_is_a_task_and_no_stale_message():
    now = "2026-03-20T12:00"
    known = with_visit(after_life(facts(visits=[visit("2026-03-10T14:00")]), now), now, status=AppointmentStatus.MISSED)
    assert rest(known, now, "2026-04-01T00:00") == ["Fri 2026-03-20 12:00 task missed_visit"]


# --- dates, protocols, zones ---------------------------------------------------------------------------------------


def test_a_corrected_date_moves_what_is_to_come_and_repeats_nothing():
    known = after_life(facts(WINDOW, anchors=INJURED), "2026-03-20T12:00")  # staff were asked to book on the 18th
    later = altered(known, "2026-03-20T12:00", anchors={**known.plan.anchors, Anchor.INJURY: date(2026, 3, 12)})
    assert rest(later, "2026-03-20T12:00", "2026-06-01T00:00") == [
        "Tue 2026-04-21 10:00 sms window",
        "Sat 2026-05-02 07:00 task window_closed",
    ]
    assert len(later.progress.done) == 1
    back = altered(later, "2026-03-21T12:00", anchors=known.plan.anchors)
    assert rest(back, "2026-03-21T12:00", "2026-06-01T00:00") == [
        "Sat 2026-04-11 10:00 sms window",
        "Wed 2026-04-22 07:00 task window_closed",
    ]


def test_a_date_corrected_into_the_past_does_at_once_what_is_open_and_records_what_is_over():
    known = facts(WINDOW, anchors=INJURED)
    now = "2026-03-20T12:00"
    open_now = altered(after_life(known, now), now, anchors={Anchor.INJURY: date(2026, 2, 5)})  # open 7 to 27 March
    assert rest(open_now, now, "2026-04-01T00:00") == [
        "Fri 2026-03-20 12:00 sms window",
        "Sat 2026-03-28 07:00 task window_closed",
    ]
    over = altered(after_life(known, now), now, anchors={Anchor.INJURY: date(2026, 1, 22)})  # closed on 13 March
    found = {(e.occurrence.kind, e.state.value, e.reason.rule) for e in agenda(over, at(now), at("2026-04-01T00:00"))}
    assert found == {("window", "missed", "too_late"), ("window_closed", "scheduled", "late")}


def test_a_date_entered_late_lets_its_protocol_begin():
    known = after_life(facts(WINDOW), "2026-03-20T12:00")
    entered = altered(known, "2026-03-20T12:00", anchors={**known.plan.anchors, Anchor.INJURY: date(2026, 2, 5)})
    assert rest(entered, "2026-03-20T12:00", "2026-04-01T00:00") == [
        "Fri 2026-03-20 12:00 sms window",
        "Fri 2026-03-20 12:00 task book_window",
        "Sat 2026-03-28 07:00 task window_closed",
    ]


def test_a_protocol_taken_up_on_the_way_begins_that_day():
    now = "2026-03-20T12:00"
    known = after_life(facts(WINDOW, anchors=INJURED), now)
    tasks = protocol(staff_task(at="P2D"), name="tasks.v1", anchor="injury_date")
    pins = (*known.plan.pins, Pin(protocol="weekly.v1", since=at(now)), Pin(protocol="tasks.v1", since=at(now)))
    protocols: dict[str, Protocol] = {**known.protocols, "weekly.v1": WEEKLY, "tasks.v1": tasks}
    added = altered(known, now, pins=pins, protocols=protocols)
    assert rest(added, now, "2026-04-01T00:00") == [
        "Fri 2026-03-20 12:00 task staff",
        "Tue 2026-03-24 10:00 sms checkin",
        "Tue 2026-03-31 10:00 sms checkin",
    ]


def test_a_new_fill_starts_a_new_count():
    pills = protocol(
        supply({"at": "-P7D", "message": "refill"}, {"at": "P0D", "task": "Ring", "unless": "confirmed"}),
        name="pills.v1",
        anchor="last_fill_date",
    )
    cycle = supply_cycle(Anchor.LAST_FILL, days_supply=30)
    known = facts(pills, anchors={Anchor.LAST_FILL: "2026-02-20"}, supplies=[cycle])
    now = "2026-03-16T12:00"
    refilled = altered(
        after_life(known, now),
        now,
        anchors={**known.plan.anchors, Anchor.LAST_FILL: date(2026, 3, 16)},
        supplies={Anchor.LAST_FILL: replace(cycle, number=2)},
    )
    assert rest(refilled, now, "2026-05-01T00:00") == [
        "Wed 2026-04-08 10:00 sms refill",
        "Wed 2026-04-15 07:00 task supply",
    ]


@pytest.mark.parametrize(
    ("zone", "today"),
    [
        ("America/Los_Angeles", []),  # where it is 07:30 and ten o'clock still to come
        ("Europe/London", []),
        ("Asia/Kathmandu", []),
    ],
)
def test_a_patient_who_moves_to_another_zone_is_not_asked_twice(zone: str, today: list[str]):
    known = after_life(facts(WEEKLY), "2026-03-03T10:30")
    moved = altered(known, "2026-03-03T10:30", timezone=zone)
    after = rest(moved, "2026-03-03T10:30", "2026-03-12T00:00")
    assert after == [*today, "Tue 2026-03-10 10:00 sms checkin"]


def test_a_patient_who_moves_east_gets_at_once_what_is_past_there():
    known = facts(WEEKLY)
    moved = altered(known, "2026-03-03T08:00", timezone="Europe/London")  # 13:00 there
    assert rest(moved, "2026-03-03T08:00", "2026-03-04T00:00") == ["Tue 2026-03-03 13:00 sms checkin"]


def test_the_day_of_enrolment_stays_what_it_was_where_it_took_place():
    late = at("2026-03-02T23:00")
    known = facts(protocol(staff_task(at="P10D"), name="t.v1"), enrolled=late)
    moved = altered(known, "2026-03-03T08:00", timezone="Asia/Kathmandu")
    assert moved.enrolled_on == date(2026, 3, 3)
    assert rest(moved, "2026-03-03T08:00", "2026-04-01T00:00") == ["Thu 2026-03-12 07:00 task staff"]


def test_a_step_that_changes_its_weekday_is_not_asked_twice_in_a_week():
    known = after_life(facts(WEEKLY), "2026-03-03T12:00")
    moved = altered(known, "2026-03-03T12:00", overrides={"weekly.v1/s0": Override(weekday=4)})
    assert rest(moved, "2026-03-03T12:00", "2026-03-16T00:00") == ["Fri 2026-03-13 10:00 sms checkin"]


# --- pauses, leaving, contacts -------------------------------------------------------------------------------------


def test_a_pause_skips_what_falls_into_it_and_resuming_sends_nothing_twice():
    known = after_life(facts(WEEKLY, WINDOW, anchors={Anchor.INJURY: "2026-02-01"}), "2026-03-09T12:00")
    paused = altered(known, "2026-03-09T12:00", pauses=(pause("2026-03-09T12:00", None),))
    assert rest(paused, "2026-03-09T12:00", "2026-03-22T00:00") == []
    lying = after_life_from(paused, "2026-03-09T12:00", "2026-03-19T12:00")
    ended = pause("2026-03-09T12:00", "2026-03-19T12:00")
    resumed = altered(lying, "2026-03-19T12:00", pauses=(ended,))
    assert rest(resumed, "2026-03-19T12:00", "2026-03-25T00:00") == [
        "Thu 2026-03-19 12:00 sms window",  # its target was the 13th, it is open until the 23rd
        "Tue 2026-03-24 07:00 task window_closed",
        "Tue 2026-03-24 10:00 sms checkin",
    ]


def after_life_from(known: Facts, now: str, until: str) -> Facts:
    for _, _, left in lived(known, at(now), at(until)):
        known = left
    return known


@pytest.mark.parametrize("status", [Status.DISCHARGED, Status.DECEASED])
def test_leaving_cancels_everything_to_come(status: Status):
    known = after_life(facts(WEEKLY, WINDOW, anchors=INJURED), "2026-03-09T12:00")
    left, cursor = replanned(known, replace(known, patient=replace(known.patient, status=status)), None, ENROLLED)
    assert (cursor.due, cursor.lane) == (None, Lane.NONE)
    found = diff(known, left, at("2026-03-09T12:00"), at("2026-05-01T00:00"))
    assert (found.moved, found.added, found.kept) == ((), (), ())
    assert len(found.cancelled) == 11


def test_who_stops_and_starts_again_is_not_sent_what_fell_in_between():
    known = after_life(facts(WEEKLY, contacts=[TEXTS]), "2026-03-04T12:00")
    stopped = altered(known, "2026-03-04T12:00", contacts=(STOPPED,))
    quiet = after_life_from(stopped, "2026-03-04T12:00", "2026-03-18T12:00")
    started = altered(quiet, "2026-03-18T12:00", contacts=(TEXTS,))
    assert rest(started, "2026-03-18T12:00", "2026-03-30T00:00") == ["Tue 2026-03-24 10:00 sms checkin"]


# --- the diff ------------------------------------------------------------------------------------------------------


def names(found: Diff) -> dict[str, list[str]]:
    def told(entry: Any) -> str:
        return f"{entry.occurrence.kind} {wall(entry.at)[4:]}"

    return {
        "moved": [f"{told(a)} -> {wall(b.at)[4:]}" for a, b in found.moved],
        "added": [told(e) for e in found.added],
        "cancelled": [told(e) for e in found.cancelled],
        "kept": [told(e) for e in found.kept],
    }


CHANGES: list[tuple[Callable[[Facts, datetime], Facts], dict[str, list[str]]]] = [
    (
        lambda f, _: replace(f, plan=replace(f.plan, anchors={**f.plan.anchors, Anchor.INJURY: date(2026, 3, 4)})),
        {
            "moved": ["book_window 2026-03-18 07:00 -> 2026-03-20 07:00"],
            "added": [],
            "cancelled": [],
            "kept": ["checkin 2026-03-17 10:00", "checkin 2026-03-24 10:00"],
        },
    ),
    (
        lambda f, _: replace(f, plan=replace(f.plan, pins=f.plan.pins[1:])),
        {
            "moved": [],
            "added": [],
            "cancelled": ["checkin 2026-03-17 10:00", "checkin 2026-03-24 10:00"],
            "kept": ["book_window 2026-03-18 07:00"],
        },
    ),
    (
        lambda f, now: replace(f, appointments=(visit("2026-03-23T14:00", set_at=now),)),
        {
            "moved": [],
            "added": [
                "appointment 2026-03-16 10:00",
                "appointment 2026-03-20 10:00",
                "appointment 2026-03-22 10:00",
            ],
            "cancelled": [],
            "kept": ["checkin 2026-03-17 10:00", "book_window 2026-03-18 07:00", "checkin 2026-03-24 10:00"],
        },
    ),
]


@pytest.mark.parametrize(("change", "expected"), CHANGES)
def test_a_change_says_what_it_moves_adds_cancels_and_keeps(
    change: Callable[[Facts, datetime], Facts], expected: dict[str, list[str]]
):
    now = at("2026-03-12T12:00")
    known = after_life(facts(WEEKLY, WINDOW, anchors=INJURED), "2026-03-12T12:00")
    new, _ = replanned(known, change(known, now), None, now)
    assert names(diff(known, new, now, now + timedelta(days=14))) == expected
