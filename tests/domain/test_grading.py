"""What an answer means for one patient: clinical reference §3.3, row by row."""

from datetime import UTC, datetime

import pytest

from chalicelib.domain.grading import Background, grade, next_question, remembered
from chalicelib.domain.plan import Session
from chalicelib.domain.triage import Tier

NOBODY = Background()
NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "before", "who", "tier", "rule"),
    [
        (1, (1, 1, 1, 1), NOBODY, "routine", "stable"),
        (0, (1, 1, 1, 1), NOBODY, "routine", "stable"),
        (2, (1, 1, 1, 1), NOBODY, "routine", "stable"),  # one more, once
        (2, (1, 1, 1, 2), NOBODY, "review_soon", "psfs_rising"),  # one more, twice running
        (3, (2, 2, 2, 2), NOBODY, "review_soon", "psfs_high"),
        (3, (1, 1, 1, 1), NOBODY, "review_soon", "psfs_jump"),
        (3, (1, 1, 1, 1), Background(itb_pump=True), "urgent", "psfs_jump"),
        (3, (1, 1, 1, 1), Background(ischemic=True), "urgent", "psfs_jump"),
        (3, (1, 1, 1, 1), Background(recent_onset=True), "urgent", "psfs_jump"),
        (3, (1, 1, 1, 1), Background(pump_overdue=True), "urgent", "psfs_jump"),
        (1, (3, 3, 3, 3), NOBODY, "review_soon", "psfs_drop"),
        (0, (2, 2), NOBODY, "review_soon", "psfs_drop"),
        (4, (4, 4, 4, 4), NOBODY, "routine", "stable"),  # their own baseline, however high
        (4, (), NOBODY, "review_soon", "psfs_high"),  # nothing to compare with
        (1, (), NOBODY, "routine", "first_answer"),
        (3, (), Background(baseline_psfs=1), "review_soon", "psfs_jump"),
        (3, (), Background(baseline_psfs=3), "routine", "stable"),
    ],
)
def test_spasm_frequency_is_judged_against_the_patients_own_baseline(value, before, who, tier, rule):
    found = grade("checkin_psfs", str(value), {"checkin_psfs": before}, who)
    assert (found.tier.value, found.rule) == (tier, rule)
    assert str(value) in found.detail, "the numbers that decided are told"


def test_missed_doses_make_a_jump_urgent_for_who_takes_oral_baclofen():
    recent = {"checkin_psfs": (1, 1, 1, 1), "checkin_meds": (1, 2)}
    assert grade("checkin_psfs", "3", recent, Background(oral_baclofen=True)).tier is Tier.URGENT
    assert grade("checkin_psfs", "3", recent, NOBODY).tier is Tier.REVIEW_SOON


def test_the_baseline_is_the_median_of_the_last_four_answers():
    assert grade("checkin_psfs", "2", {"checkin_psfs": (4, 1, 1, 2, 2)}, NOBODY).baseline == 1.5


@pytest.mark.parametrize(
    ("question", "value", "recent", "who", "tier"),
    [
        ("checkin_change", "Y", {}, NOBODY, "urgent"),
        ("checkin_change", "N", {}, NOBODY, "routine"),
        ("checkin_safety", "Y", {}, NOBODY, "urgent"),
        ("checkin_severity", "3", {"checkin_severity": (1, 2)}, NOBODY, "review_soon"),
        ("checkin_severity", "3", {"checkin_severity": (3,)}, NOBODY, "routine"),
        ("checkin_skin", "3", {}, NOBODY, "review_soon"),
        ("checkin_skin", "3", {"checkin_skin": (3,)}, NOBODY, "urgent"),
        ("checkin_skin", "4", {"checkin_skin": (1,)}, NOBODY, "routine"),
        ("checkin_skin", "4", {"checkin_skin": (4,)}, NOBODY, "review_soon"),
        ("checkin_meds", "1", {}, NOBODY, "routine"),
        ("checkin_meds", "2", {}, NOBODY, "review_soon"),
        ("checkin_meds", "3", {}, NOBODY, "review_soon"),
        ("checkin_meds", "3", {}, Background(itb_pump=True), "urgent"),
        ("checkin_meds", "3", {}, Background(oral_baclofen=True), "urgent"),
        ("home_program", "0", {"home_program": (0,)}, NOBODY, "routine"),
    ],
)
def test_the_other_questions_row_by_row(question, value, recent, who, tier):
    assert grade(question, value, recent, who).tier.value == tier


def test_the_strength_of_spasms_is_asked_only_of_those_who_have_some():
    def asked(**answers):
        session = Session(
            occurrence="o", step="s/weekly", sent_at=NOW, questions=("checkin_change", "checkin_psfs"), answers=answers
        )
        return next_question(session)

    assert asked() == "checkin_change"
    assert asked(checkin_change="N") == "checkin_psfs"
    assert asked(checkin_change="N", checkin_psfs="0") is None
    assert asked(checkin_change="N", checkin_psfs="2") == "checkin_severity"
    assert asked(checkin_change="N", checkin_psfs="2", checkin_severity="1") is None


def test_only_the_last_few_numbers_are_remembered_and_yes_and_no_are_not():
    recent = {"checkin_psfs": (1, 2, 3, 4, 0)}
    assert remembered(recent, "checkin_psfs", "2")["checkin_psfs"] == (2, 3, 4, 0, 2)
    assert remembered(recent, "checkin_change", "N") == recent
