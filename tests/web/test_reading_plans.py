"""Bodies about plans are read field by field: all that is wrong is named, nothing that is good is lost."""

import pytest

from chalicelib.web.bodies_plans import ConsentSaid, NewEvent, NewPause, PatientChange, PlanChange
from chalicelib.web.reading import given, read


def found(raw, kind):
    return {problem.field: problem.message for problem in read(raw, kind)[1]}


def test_overrides_are_read_step_by_step():
    body, problems = read({"overrides": {"a.v1/x": {"off": True}, "a.v1/y": {"at": "11:30"}}}, PlanChange)
    assert problems == []
    assert {name: (o.off, o.at) for name, o in body.overrides.items()} == {
        "a.v1/x": (True, None),
        "a.v1/y": (False, "11:30"),
    }


def test_a_date_left_out_stays_and_null_takes_it_away():
    body, problems = read({"anchors": {"injury_date": None}}, PlanChange)
    assert problems == []
    assert body.anchors.injury_date is None
    assert not given(body.anchors.discharge_date)
    assert not given(body.protocols)


@pytest.mark.parametrize(
    ("raw", "kind", "fields"),
    [
        (
            {"overrides": {"a.v1/x": {"off": "yes", "at": "25:00"}}},
            PlanChange,
            ["overrides.a.v1/x.at", "overrides.a.v1/x.off"],
        ),
        ({"overrides": {"a.v1/x": 3}}, PlanChange, ["overrides.a.v1/x"]),
        ({"overrides": ["a.v1/x"], "protocols": "a.v1"}, PlanChange, ["overrides", "protocols"]),
        ({"protocols": ["x"] * 41}, PlanChange, ["protocols"]),
        ([], PlanChange, ["(body)"]),
        ({"type": "fill", "date": "2026-03-01", "days_supply": 0}, NewEvent, ["days_supply"]),
        ({"until": "Tuesday"}, NewPause, ["reason", "until"]),
        ({"clinical": {"etiology": "fall", "ad_risk": 1}}, PatientChange, ["clinical.ad_risk", "clinical.etiology"]),
        ({"channel": "fax", "granted": "no"}, ConsentSaid, ["channel", "granted", "method", "recorded_by"]),
    ],
)
def test_every_bad_field_is_named(raw, kind, fields):
    assert sorted(found(raw, kind)) == fields


def test_a_word_that_is_none_of_the_choices_is_told_the_choices():
    assert found({"channel": "fax", "granted": True, "method": "verbal", "recorded_by": "x"}, ConsentSaid) == {
        "channel": "must be one of sms, email"
    }
