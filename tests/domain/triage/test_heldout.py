"""Floors under the figures of `python -m bench.triage`: a change that makes triage worse must not pass unseen."""

import dataclasses

import pytest

from bench.triage.corpus import heldout
from bench.triage.measure import Judged, figures, judge, wilson
from chalicelib.domain.triage import Knowledge
from chalicelib.domain.triage.model import Model

# A little under the figures of docs/triage.md, so that rewording a rule is free and losing a group is not.
FLOORS = {
    "heldout_d": {"urgent": 0.96, "emergency": 0.96, "crisis": 0.92, "alarms": 0.08, "louder": 0.13},
    "heldout_e": {"urgent": 0.98, "emergency": 0.97, "crisis": 0.97, "alarms": 0.26, "louder": 0.22},
    "heldout_f": {"urgent": 0.965, "emergency": 0.93, "crisis": 0.92, "alarms": 0.29, "louder": 0.27},
    "heldout_g": {"urgent": 0.98, "emergency": 0.97, "crisis": 0.95, "alarms": 0.15, "louder": 0.29},
    "heldout_h": {"urgent": 0.98, "emergency": 0.97, "crisis": 0.94, "alarms": 0.27, "louder": 0.33},
}


@pytest.fixture(scope="module", params=sorted(FLOORS))
def judged(request: pytest.FixtureRequest, knowledge: Knowledge) -> tuple[str, list[Judged]]:
    return request.param, judge(heldout(request.param), knowledge)


def test_sensitivity_and_false_alarms_hold_on_the_held_out_messages(judged: tuple[str, list[Judged]]) -> None:
    name, messages = judged
    floors, measured = FLOORS[name], figures(messages)

    assert measured["urgent or worse, raised to urgent or worse"].share >= floors["urgent"]
    assert measured["emergencies raised to emergency"].share >= floors["emergency"]
    assert measured["suicidal messages read as crisis"].share >= floors["crisis"]
    assert measured["harmless (routine) raised to urgent"].share <= floors["alarms"]
    assert measured["urgent raised to emergency"].share <= floors["louder"]


def test_the_model_lowers_no_held_out_message(judged: tuple[str, list[Judged]], knowledge: Knowledge) -> None:
    _, messages = judged
    rules_alone = judge(
        [each.example for each in messages],
        dataclasses.replace(knowledge, model=Model([], knowledge.model.buckets)),
    )

    assert all(
        both.reading.tier.severity >= alone.reading.tier.severity
        for both, alone in zip(messages, rules_alone, strict=True)
    )


def test_the_wilson_interval_is_the_published_one() -> None:
    # Worked value: 81 of 263, 95 % (Newcombe 1998, table I, method 3).
    low, high = wilson(81, 263)

    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
