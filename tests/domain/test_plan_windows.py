"""Which windows a plan holds, and which a visit falls into."""

from datetime import date

from chalicelib.domain.plan import AppointmentKind, AppointmentStatus, Override, Supply
from chalicelib.domain.plan_windows import plan_windows, served_by
from chalicelib.domain.protocol import Anchor
from chalicelib.domain.protocol_set import undisplaced
from tests.domain.builders import at, facts, protocol, supply, visit, window

INJURED = {Anchor.INJURY: "2026-02-02"}
EXAM = protocol(
    window("P28D", "P35D", "P42D", title="First"),
    window("P84D", "P90D", "P98D", title="Second"),
    name="exam.v1",
    anchor="injury_date",
)
YEARLY = protocol(window("P11M", "P12M", "P13M", repeat="P1Y"), name="yearly.v1", anchor="injury_date")
PUMP = protocol(
    supply({"at": "-P21D", "task": "Book", "unless": "booked"}, due="-P7D"),
    name="pump.v1",
    anchor="pump_low_reservoir_alarm_date",
)


def shown(known, lo, hi):
    found = plan_windows(known, date.fromisoformat(lo), date.fromisoformat(hi))
    return [f"{w.id} {w.opens} {w.target} {w.closes}" for w in found]


def serves(known, wall, kind=AppointmentKind.ASSESSMENT):
    return [w.id for w in served_by(known, at(wall), kind)]


def test_windows_are_laid_out_in_order_of_opening():
    known = facts(EXAM, YEARLY, anchors=INJURED)
    assert shown(known, "2026-03-01", "2028-01-01") == [
        "exam.v1/s0 2026-03-02 2026-03-09 2026-03-16",
        "exam.v1/s1 2026-04-27 2026-05-03 2026-05-11",
        "yearly.v1/s0 2027-01-02 2027-02-02 2027-03-02",
    ]


def test_a_step_switched_off_or_without_its_date_has_no_window():
    off = {"exam.v1/s0": Override(off=True)}
    assert shown(facts(EXAM, anchors=INJURED, overrides=off), "2026-03-01", "2026-04-01") == []
    assert shown(facts(EXAM), "2026-03-01", "2026-04-01") == []


def test_a_visit_serves_the_windows_of_its_day_from_the_first_to_the_last():
    known = facts(EXAM, anchors=INJURED)
    assert serves(known, "2026-03-01T23:00") == []
    assert serves(known, "2026-03-02T00:30") == ["exam.v1/s0"]
    assert serves(known, "2026-03-16T23:30") == ["exam.v1/s0"]
    assert serves(known, "2026-03-17T00:30") == []


def test_therapy_serves_no_window():
    assert serves(facts(EXAM, anchors=INJURED), "2026-03-09T10:00", AppointmentKind.THERAPY) == []


def test_a_window_that_another_visit_serves_is_taken():
    other = visit("2026-03-05T09:00", window_step="exam.v1/s0")
    assert serves(facts(EXAM, anchors=INJURED, visits=[other]), "2026-03-09T10:00") == []
    gone = visit("2026-03-05T09:00", window_step="exam.v1/s0", status=AppointmentStatus.CANCELLED)
    assert serves(facts(EXAM, anchors=INJURED, visits=[gone]), "2026-03-09T10:00") == ["exam.v1/s0"]


def test_a_refill_visit_serves_the_supply_in_the_three_weeks_before_it_is_due():
    alarm = {Anchor.PUMP_ALARM: "2026-04-30"}
    known = facts(PUMP, anchors=alarm, supplies=[Supply(anchor=Anchor.PUMP_ALARM, number=1)])
    assert shown(known, "2026-03-01", "2026-06-01") == ["pump.v1/s0 2026-04-02 2026-04-23 2026-04-23"]
    assert serves(known, "2026-04-20T10:00") == ["pump.v1/s0"]
    assert serves(known, "2026-04-24T10:00") == []


def test_of_a_clinics_defaults_the_newest_stands_and_displaces_what_it_excludes():
    def default(name, **more):
        return protocol(window("P1D", "P2D", "P3D"), name=name, default_on=True, **more)

    old, new, tenth = default("a.v1"), default("a.v2"), default("a.v10")
    other, alternative = default("b.v1"), default("c.v1", excludes=["b"])
    assert [p.id for p in undisplaced([old, new])] == ["a.v2"]
    assert [p.id for p in undisplaced([old, tenth, new])] == ["a.v10"]
    assert [p.id for p in undisplaced([old, other, alternative])] == ["a.v1", "c.v1"]
