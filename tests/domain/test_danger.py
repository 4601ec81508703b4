"""While nobody has seen what cannot wait, questions and tips are not sent; everything else is."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.cursor import Hold
from chalicelib.domain.danger import AFTER_SEEN, LOOK_AGAIN, Danger
from chalicelib.domain.decision import decide
from chalicelib.domain.delivery import why_not
from chalicelib.domain.patient import Category

from .builders import ENROLLED, at, cursor_of, facts
from .test_decision import WEEKLY

DUE = at("2026-03-03T10:00")
UNSEEN = Danger(code="101", tier="urgent", since=DUE - timedelta(hours=1))
SEEN = replace(UNSEEN, seen_at=DUE - timedelta(hours=1))


def decided(danger: Danger | None, now=DUE):
    known = replace(facts(WEEKLY), danger=danger)
    return decide(known, cursor_of(known, ENROLLED), now, "token")


@pytest.mark.parametrize("category", Category)
def test_questions_and_tips_are_silenced_and_nothing_else(category):
    silenced = category in (Category.CHECKIN, Category.EDUCATION)
    assert UNSEEN.silences(category, DUE) is silenced


@pytest.mark.parametrize(
    ("danger", "after", "silent"),
    [
        (UNSEEN, timedelta(days=-1), False),
        (UNSEEN, timedelta(0), True),
        (UNSEEN, timedelta(days=30), True),
        (SEEN, timedelta(0), True),
        (SEEN, AFTER_SEEN - timedelta(seconds=1), True),
        (SEEN, AFTER_SEEN, False),
    ],
)
def test_it_lasts_from_the_message_until_four_hours_after_somebody_has_seen_it(danger, after, silent):
    start = danger.seen_at or danger.since
    assert danger.silences(Category.CHECKIN, start + after) is silent


def test_what_nobody_has_seen_is_looked_at_again_soon():
    hold = decided(UNSEEN)
    assert isinstance(hold, Hold)
    assert (hold.until, hold.kind, hold.told) == (DUE + LOOK_AGAIN, "checkin", True)
    assert hold.reason.rule == "danger"
    assert "nobody has acknowledged the urgent message of 2026-03-03 09:00, task 101" in hold.reason.detail


def test_what_somebody_has_seen_has_its_time():
    hold = decided(SEEN)
    assert isinstance(hold, Hold)
    assert hold.until == SEEN.ends(DUE) == DUE + timedelta(hours=3)


def test_without_danger_and_long_after_it_the_question_is_asked():
    for danger in (None, replace(SEEN, seen_at=DUE - AFTER_SEEN)):
        wake, _ = decided(danger)
        assert wake.kind == "checkin"


def test_a_question_that_was_claimed_and_not_sent_is_let_go():
    wake, _ = decided(None)
    known = facts(WEEKLY)
    assert why_not(known, wake, DUE) is None
    why = why_not(replace(known, danger=UNSEEN), wake, DUE)
    assert why is not None
    assert why.rule == "danger"
