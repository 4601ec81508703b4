"""What a wake does, and what it leaves behind."""

from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import pytest

from chalicelib.adapters import library
from chalicelib.adapters.documents import pack
from chalicelib.domain.agenda import HORIZON
from chalicelib.domain.cursor import Cursor, Hold, Lane, Wake
from chalicelib.domain.decision import decide, next_wake
from chalicelib.domain.facts import Facts
from chalicelib.domain.limits import Wait
from chalicelib.domain.occurrence import Rank, Reason, State
from chalicelib.domain.patient import Channel, Clinical, Status
from chalicelib.domain.plan import Override, Session
from chalicelib.domain.protocol import Anchor
from chalicelib.domain.protocol_set import default_protocols
from tests.domain.builders import (
    ENROLLED,
    TEXTS,
    at,
    checkin,
    cursor_of,
    facts,
    lived,
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

WEEKLY = protocol(
    checkin("P1W", "P0D", weekday="TU", local_time="10:00", nudge_after="P2D"),
    question("checkin_psfs"),
    name="weekly.v1",
)


def woken(known: Facts, when: str) -> tuple[Wake, Cursor]:
    decision = decide(known, cursor_of(known, ENROLLED), at(when), "token")
    assert not isinstance(decision, Hold), decision
    return decision


def held(known: Facts, when: str) -> Hold:
    decision = decide(known, cursor_of(known, ENROLLED), at(when), "token")
    assert isinstance(decision, Hold)
    return decision


def test_a_wake_sends_what_is_due_and_points_to_what_comes_next():
    known = facts(WEEKLY, visits=[therapy("2026-03-05T09:00", "t")])
    wake, cursor = woken(known, "2026-03-03T10:00")
    assert (wake.channel, wake.kind, wake.about.questions) == (
        Channel.SMS,
        "checkin",
        ("checkin_change", "checkin_psfs"),
    )
    assert (cursor.seq, cursor.due, cursor.lane) == (2, at("2026-03-04T10:00"), Lane.SMS)
    flight = cursor.in_flight[Channel.SMS]
    assert (flight.seq, flight.attempt, flight.token, flight.wake) == (1, 1, "token", wake)
    assert cursor.progress.sent == (at("2026-03-03T10:00"),)


def test_a_wake_that_comes_before_anything_is_due_waits_for_it():
    hold = held(facts(WEEKLY), "2026-03-03T09:00")
    assert (hold.until, hold.lane) == (at("2026-03-03T10:00"), Lane.SMS)


def test_work_for_staff_and_a_message_share_a_wake_and_two_messages_do_not():
    plan = protocol(staff_task(at="P1D"), name="tasks.v1")
    mail = protocol(message("pain_0_10", "P0D", channel="email"), name="mail.v1")
    known = facts(WEEKLY, plan, mail, overrides=_same_hour())
    wake, cursor = woken(known, "2026-03-03T10:00")
    assert wake.channel is Channel.SMS
    assert [o.kind for o in wake.outcomes] == ["checkin", "staff"]
    assert [o.kind for o in wake.tasks] == ["staff"]
    assert cursor.due == at("2026-03-03T10:00")
    after = replace(known, progress=cursor.progress, session=cursor.session)
    second = decide(after, cursor, at("2026-03-03T10:00:05"), "token")
    assert not isinstance(second, Hold)
    assert (second[0].channel, second[1].in_flight.keys()) == (Channel.EMAIL, {Channel.SMS, Channel.EMAIL})


def _same_hour() -> dict[str, Any]:
    return {"mail.v1/s0": Override(weekday=1, at=time(10))}


def test_a_shared_message_lays_all_it_carries_to_rest_and_a_shared_task_too():
    known = facts(
        protocol(
            *(window("P20D", "P25D", "P30D", title=f"Part {n}") for n in range(3)), name="w.v1", anchor="injury_date"
        ),
        anchors={Anchor.INJURY: "2026-03-02"},
    )
    wake, _ = woken(known, "2026-03-08T07:00")
    assert [o.kind for o in wake.outcomes] == ["book_window"] * 3
    assert [o.carried_by is None for o in wake.outcomes].count(True) == 1
    assert len(wake.tasks) == 1, "one piece of work"


def test_what_is_not_sent_is_laid_to_rest_with_its_reason():
    known = facts(WEEKLY, visits=[visit("2026-03-04T14:00")])  # two reminders came too late, the third goes first
    wake, cursor = woken(known, "2026-03-03T10:00")
    assert sorted((o.kind, o.state, o.rule) for o in wake.outcomes) == [
        ("appointment", State.SENT, "as_planned"),
        ("appointment", State.SKIPPED, "booked_later"),
        ("appointment", State.SKIPPED, "booked_later"),
    ]
    (reason,) = cursor.progress.pending.values()  # the check-in gives way to the reminder, and says so
    assert reason is not None
    assert reason.rule == "daily_cap"
    assert cursor.progress.oldest == at("2026-03-03T10:00")
    assert cursor.due == at("2026-03-04T09:00")


def test_nothing_is_done_while_the_clinics_stop_switch_is_on():
    known = facts(WEEKLY)
    stopped = replace(known, clinic=replace(known.clinic, stopped_at=ENROLLED, stop_reason="number under review"))
    hold = held(stopped, "2026-03-03T10:00")
    assert (hold.until, hold.reason.rule, hold.reason.detail) == (None, "clinic_stopped", "number under review")


@pytest.mark.parametrize("status", [Status.DISCHARGED, Status.DECEASED, Status.ERASED])
def test_nothing_is_done_for_who_has_left(status: Status):
    known = facts(WEEKLY, status=status)
    assert cursor_of(known, ENROLLED).due is None
    assert held(known, "2026-03-03T10:00").reason.rule == status.value


def test_a_plan_with_nothing_near_is_looked_at_again_in_half_a_year():
    known = facts(
        protocol(window("P500D", "P510D", "P520D"), anchor="injury_date"), anchors={Anchor.INJURY: "2026-03-02"}
    )
    assert next_wake(known, ENROLLED) == (ENROLLED + HORIZON, Lane.NONE)
    came = [(wall(now)[:14], wake.kind) for now, wake, _ in lived(known, ENROLLED, ENROLLED + timedelta(days=530))]
    assert (
        came == [("Thu 2027-07-01", "staff"), ("Sun 2027-07-25", "window"), ("Thu 2027-08-05", "staff")]
        or len(came) == 3
    )


def test_what_can_reach_nobody_is_recorded_all_the_same():
    known = facts(WEEKLY, contacts=[])
    wakes = list(lived(known, ENROLLED, ENROLLED + HORIZON + timedelta(days=1)))
    outcomes = [o for _, wake, _ in wakes for o in wake.outcomes]
    assert len(wakes) == 1
    assert {(o.state, o.rule) for o in outcomes} == {(State.SKIPPED, "no_contact")}
    assert len(outcomes) == 26


# --- check-ins open sessions ---------------------------------------------------------------------------------------


def test_a_check_in_that_is_sent_opens_a_session():
    _, cursor = woken(facts(WEEKLY), "2026-03-03T10:00")
    session = cursor.session
    assert session is not None
    assert (session.step, session.sent_at, session.questions) == (
        "weekly.v1/s0",
        at("2026-03-03T10:00"),
        ("checkin_change", "checkin_psfs"),
    )


@pytest.mark.parametrize(("answers", "missed"), [({}, 2), ({"checkin_change": "1"}, 0)])
def test_the_next_session_knows_how_many_went_unanswered(answers: dict[str, str], missed: int):
    before = Session(
        occurrence="x", step="weekly.v1/s0", sent_at=ENROLLED, questions=(), answers=answers, missed_before=1, stable=5
    )
    known = facts(WEEKLY)
    cursor = replace(cursor_of(known, ENROLLED), session=before)
    decision = decide(replace(known, session=before), cursor, at("2026-03-03T10:00"), "t")
    assert not isinstance(decision, Hold)
    session = decision[1].session
    assert session is not None
    assert (session.missed_before, session.stable) == (missed, 5)


def test_silence_is_asked_after_by_text_and_a_day_later_by_mail_and_an_answer_spares_both():
    wakes = lived(facts(WEEKLY), ENROLLED, at("2026-03-12T23:00"))
    assert [(wall(now), wake.kind, wake.channel.value) for now, wake, _ in wakes] == [
        ("Tue 2026-03-03 10:00", "checkin", "sms"),
        ("Thu 2026-03-05 10:00", "nudge", "sms"),
        ("Fri 2026-03-06 10:00", "nudge", "email"),
        ("Tue 2026-03-10 10:00", "checkin", "sms"),
        ("Thu 2026-03-12 10:00", "nudge", "sms"),
    ]
    _, cursor = woken(facts(WEEKLY), "2026-03-03T10:00")
    assert cursor.session is not None
    answered = replace(cursor.session, answers={"checkin_change": "1"})
    known = replace(facts(WEEKLY), progress=cursor.progress, session=answered)
    assert next_wake(known, at("2026-03-03T12:00"))[0] == at("2026-03-10T10:00")


def test_every_second_silent_check_in_asks_staff_to_call_until_the_patient_says_something():
    wakes = lived(facts(WEEKLY), ENROLLED, at("2026-04-12T23:00"))
    asked = [(wall(now), o.about.title) for now, wake, _ in wakes for o in wake.tasks if o.kind == "no_response"]
    assert asked == [
        ("Fri 2026-03-13 07:00", "Call the patient: 2 check-ins without an answer"),
        ("Fri 2026-03-27 07:00", "Call the patient: 4 check-ins without an answer"),
        ("Fri 2026-04-10 07:00", "Call the patient: 6 check-ins without an answer"),
    ]


# --- size ----------------------------------------------------------------------------------------------------------


def ordinary(injured: date, **more: Any) -> Facts:
    built_in = library.protocols()
    anchors = {Anchor.INJURY: injured, Anchor.DISCHARGE: injured + timedelta(days=40)}
    ids = default_protocols(built_in.values(), anchors, Clinical())
    return facts(*(built_in[i] for i in ids), anchors=anchors, welcomed=False, **more)


@pytest.mark.parametrize("injured", [date(2026, 1, 10), date(2016, 1, 10)])
def test_progress_stays_within_what_a_write_is_billed_by(injured: date):
    """The rest of the cursor is the wake in flight; together they must not creep past a few kilobytes."""
    known = ordinary(injured, visits=[visit(f"2026-{m:02}-12T09:00", f"v{m}") for m in range(4, 13)], contacts=[TEXTS])
    _, cursor = decide_first(known)
    assert len(pack(cursor)) < 16_000
    sizes = [len(pack(k.progress)) for _, _, k in lived(known, ENROLLED, ENROLLED + timedelta(days=400))]
    assert max(sizes) < 1_000
    assert sorted(sizes)[len(sizes) // 2] < 400


def decide_first(known: Facts) -> tuple[Wake, Cursor]:
    cursor = cursor_of(known, ENROLLED)
    decision = decide(replace(known, progress=cursor.progress), cursor, ENROLLED, "t")
    assert not isinstance(decision, Hold)
    return decision


LIMIT = Wait(
    reason=Reason("messages_a_day", "the clinic's limit is reached"), until=at("2026-03-04T00:00"), spares_safety=True
)
PILLS = protocol(
    supply({"at": "-P1D", "message": "refill"}, priority="safety"), name="pills.v1", anchor="last_fill_date"
)


def decided(known: Facts, when: str) -> tuple[Wake, Cursor] | Hold:
    return decide(known, cursor_of(known, ENROLLED), at(when), "token", [LIMIT])


def test_what_a_limit_covers_is_held_until_the_window_opens_on_the_next_day():
    hold = decided(facts(WEEKLY), "2026-03-03T10:00")
    assert hold == Hold(at("2026-03-04T09:00"), Lane.SMS, LIMIT.reason, "checkin", told=True)


def test_what_is_to_come_on_a_day_of_the_limit_is_not_told_as_held_before_it_is_due():
    hold = decided(facts(WEEKLY), "2026-03-03T08:00")
    assert isinstance(hold, Hold)
    assert (hold.until, hold.told) == (at("2026-03-04T09:00"), False)


def test_a_task_does_not_wait_for_a_message_that_does():
    known = facts(WEEKLY, protocol(staff_task(at="P1D"), name="ring.v1"))
    decision = decided(known, "2026-03-03T10:00")
    assert not isinstance(decision, Hold)
    wake, cursor = decision
    assert (wake.channel, len(wake.tasks)) == (Channel.TASK, 1)
    assert (cursor.due, cursor.held) == (at("2026-03-04T09:00"), LIMIT.reason)
    assert list(cursor.progress.pending) != []


def test_a_safety_message_goes_and_what_waits_is_still_open_behind_it():
    known = facts(
        WEEKLY,
        PILLS,
        anchors={Anchor.LAST_FILL: "2026-02-03"},
        supplies=[supply_cycle(Anchor.LAST_FILL, days_supply=29)],  # runs out on the 4th: told on the 3rd
    )
    decision = decided(known, "2026-03-03T10:00")
    assert not isinstance(decision, Hold)
    wake, cursor = decision
    assert wake.rank is Rank.SAFETY
    assert (cursor.due, len(cursor.progress.pending)) == (at("2026-03-04T09:00"), 1)
