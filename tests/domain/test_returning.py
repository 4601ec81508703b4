"""What a change of plan brings back, and what of it has been dealt with."""

from dataclasses import replace
from datetime import timedelta

from chalicelib.domain.patient import Clinical
from chalicelib.domain.plan import Override, Pin
from chalicelib.domain.protocol import Anchor
from chalicelib.domain.returning import active_steps, dealt_with, returning
from tests.domain.builders import ENROLLED, checkin, facts, protocol, window

WEEKLY = protocol(checkin(weekday="TU", local_time="11:00"), name="weekly.v1")
EXAM = protocol(window("P7D", "P14D", "P21D"), name="exam.v1", anchor="injury_date")
FOR_AD = protocol(checkin(), name="ad.v1", applies_if="ad_risk")
INJURED = {Anchor.INJURY: "2026-03-02"}


def off(known, step):
    return replace(known, plan=replace(known.plan, overrides={step: Override(off=True)}))


def test_a_step_is_active_when_it_is_on_and_its_date_known_and_it_is_for_the_patient():
    known = facts(WEEKLY, EXAM, FOR_AD)
    assert active_steps(known) == {"weekly.v1/s0", "ad.v1/s0"}
    assert active_steps(facts(EXAM, anchors=INJURED)) == {"exam.v1/s0"}
    assert active_steps(off(known, "weekly.v1/s0")) == {"ad.v1/s0"}
    assert active_steps(facts(FOR_AD, clinical=Clinical(ad_risk=False))) == set()


def test_only_what_was_not_there_before_returns():
    known = facts(WEEKLY, anchors=INJURED)
    pinned = (*known.plan.pins, Pin(protocol="exam.v1", since=ENROLLED))
    both = replace(known, plan=replace(known.plan, pins=pinned), protocols={"weekly.v1": WEEKLY, "exam.v1": EXAM})
    assert returning(known, both) == {"exam.v1/s0"}
    assert returning(both, known) == frozenset()
    assert returning(off(known, "weekly.v1/s0"), known) == {"weekly.v1/s0"}


def test_of_a_step_switched_on_again_only_what_is_still_of_use_is_open():
    known = facts(WEEKLY)
    now = ENROLLED + timedelta(days=15)
    steps = frozenset({"weekly.v1/s0"})
    settled = dealt_with(off(known, "weekly.v1/s0"), known, steps, frozenset({"told"}), now)
    assert "told" in settled
    assert len(settled) == 1 + 2  # the check-ins of 3 and 10 March; that of 17 March is of use for a day yet


def test_a_protocol_taken_up_anew_settles_nothing_but_what_the_history_tells():
    known = facts(EXAM, anchors=INJURED)
    without = replace(known, plan=replace(known.plan, pins=()), protocols={})
    now = ENROLLED + timedelta(days=40)
    assert dealt_with(without, known, frozenset({"exam.v1/s0"}), frozenset({"told"}), now) == {"told"}
