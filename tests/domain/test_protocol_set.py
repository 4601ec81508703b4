from datetime import date

import pytest

from chalicelib.domain.local_time import Period
from chalicelib.domain.patient import Clinical
from chalicelib.domain.protocol import Anchor, Checkin, Protocol, Question
from chalicelib.domain.protocol_set import default_protocols, exclusions, warnings

WEEKLY = Period(days=7)
SESSION = Checkin(key="weekly", every=WEEKLY, starts=WEEKLY)
EXTRA = Checkin(key="extra", every=Period(days=3), starts=WEEKLY, joins=True)
ASKED = Question(key="skin", message="checkin_skin", every=WEEKLY)


def own(name: str, *steps: Checkin | Question, **more: object) -> Protocol:
    return Protocol(**{"id": f"{name}.v1", "name": name, "anchor": Anchor.ENROLMENT, "steps": steps, **more})


def said(found: list) -> list[tuple[str, str]]:
    return [(problem.field, problem.message) for problem in found]


def test_the_defaults_are_those_marked_that_fit_in_their_order():
    on = own("on", default_on=True)
    home = own("home", default_on=True, anchor=Anchor.DISCHARGE, only_with_anchor=True)
    skin = own("skin", default_on=True, anchor=Anchor.DISCHARGE)
    pump = own("pump", default_on=True, applies_if="itb_pump")
    all_of_them = [pump, own("off"), on, home, skin]
    assert default_protocols(all_of_them, {}, Clinical()) == ("on.v1", "skin.v1")
    discharged = {Anchor.DISCHARGE: date(2026, 2, 20)}
    assert default_protocols(all_of_them, discharged, Clinical(itb_pump=True)) == (
        "pump.v1",
        "on.v1",
        "home.v1",
        "skin.v1",
    )


@pytest.mark.parametrize(("ad_risk", "chosen"), [(True, ("ad.v1",)), (None, ("ad.v1",)), (False, ())])
def test_an_unknown_level_counts_as_at_risk(ad_risk: bool | None, chosen: tuple[str, ...]):
    assert (
        default_protocols([own("ad", default_on=True, applies_if="ad_risk")], {}, Clinical(ad_risk=ad_risk)) == chosen
    )


def test_a_fact_that_nobody_knows_is_an_error():
    with pytest.raises(ValueError, match="unknown clinical fact 'tall'"):
        default_protocols([own("x", default_on=True, applies_if="tall")], {}, Clinical())


def test_alternatives_exclude_each_other_whichever_says_so_and_in_any_version():
    one = own("one", excludes=("two",))
    two = own("two")
    assert said(exclusions([one, two])) == [("protocols[1]", "two.v1 is an alternative to one.v1; choose one")]
    assert said(exclusions([two, one])) == [("protocols[1]", "one.v1 is an alternative to two.v1; choose one")]
    assert said(exclusions([one, own("x"), own("two", id="two.v7")]))[0][0] == "protocols[2]"
    assert exclusions([one, own("x")]) == []


def test_two_versions_of_one_protocol_are_not_followed_together():
    newer = own("one", id="one.v2")
    assert said(exclusions([own("one"), newer])) == [
        ("protocols[1]", "one.v1 and one.v2 are two versions of one protocol; choose one")
    ]


def test_a_question_without_any_check_in_is_worth_a_warning():
    alone = warnings([own("skin", ASKED)], Clinical())
    assert said(alone) == [
        ("protocols[0]", "skin.v1 asks skin within a check-in, and no protocol chosen has check-ins")
    ]
    assert warnings([own("skin", ASKED), own("weekly", SESSION)], Clinical()) == []
    unfit = own("weekly", SESSION, applies_if="itb_pump")
    assert [problem.field for problem in warnings([own("skin", ASKED), unfit], Clinical())] == [
        "protocols[1]",
        "protocols[0]",
    ]


def test_extra_sessions_without_main_ones_and_two_main_ones_are_worth_a_warning():
    ((_, message),) = said(warnings([own("add", EXTRA)], Clinical()))
    assert message == "add.v1 adds extra to check-ins, and no other protocol chosen has any"
    ((field, message),) = said(warnings([own("a", SESSION), own("b", SESSION)], Clinical()))
    assert (field, message) == ("protocols[1]", "b.v1/weekly checks in besides a.v1/weekly: both will be sent")
