"""Planted mistakes, and the sentence each earns."""

import copy
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.agenda import calls
from chalicelib.domain.protocol import Protocol
from chalicelib.domain.protocol_check import SESSION_QUESTIONS, accepted, problems
from chalicelib.domain.protocol_reading import Problem, read_protocol, schema, write_protocol
from chalicelib.domain.protocol_shape import STEP, TIERS
from chalicelib.domain.triage.values import Tier

SCHEMA = jsonschema.Draft202012Validator(schema())
TEXTS = frozenset({"window_open", "refill", "pump_refill", "edu_link"})

WINDOW = {"key": "w", "kind": "visit_window", "title": "Review", "open": "P7D", "target": "P14D", "close": "P21D"}
CHECKIN = {"key": "c", "kind": "checkin_session", "every": "P1W", "from": "P7D"}
QUESTION = {"key": "q", "kind": "session_question", "message": "checkin_skin", "every": "P2W"}
MESSAGE = {"key": "m", "kind": "recurring_message", "message": "edu_link", "from": "P14D", "every": "P6M"}
REMINDER = {"at": "-P7D", "message": "refill"}
SUPPLY = {"key": "s", "kind": "supply", "title": "Medicine", "due": "days_supply", "reminders": [REMINDER]}
TASK = {"key": "t", "kind": "staff_task", "title": "Ring", "at": "P2D", "due": "P3D"}
SERIES = {"key": "p", "kind": "appointment_series", "title": "Therapy", "at": "P0D", "profile": "pt"}
BADGE = {"key": "b", "kind": "staff_badge", "amber_at": "P15M", "red_at": "P17M", "ends": "P18M"}
ALL = [WINDOW, CHECKIN, QUESTION, MESSAGE, SUPPLY, TASK, SERIES, BADGE]


def protocol(*items: object, **more: object) -> dict[str, Any]:
    return {"id": "own.v1", "name": "Own", "anchor": "injury_date", "items": list(items), **more}


def answer(raw: object) -> list[tuple[str, str]]:
    """What an administrator is told, as (field, message); empty when the protocol is accepted."""
    found = accepted(raw, TEXTS)
    return [] if isinstance(found, Protocol) else [(p.field, p.message) for p in found]


def reminders(*notices: object, **more: object) -> dict[str, Any]:
    return {**SUPPLY, "reminders": list(notices), **more}


def test_one_step_of_every_kind_is_accepted():
    assert answer(protocol(*ALL)) == []
    assert {step["kind"] for step in ALL} == {record.kind for record in STEP.of}


MISTAKES: list[tuple[str, dict[str, Any], str, str]] = [
    # name, step, field within the step, what the message must say
    ("closes before it opens", {**WINDOW, "close": "P5D"}, "close", "the window closes (P5D) before it opens (P7D)"),
    ("target before open", {**WINDOW, "target": "P6D"}, "target", "before the window opens"),
    ("target after close", {**WINDOW, "target": "P22D"}, "target", "after the window closes"),
    ("inverted only in February", {**WINDOW, "open": "P29D", "target": "P1M", "close": "P40D"}, "target", "before"),
    ("overlaps itself", {**WINDOW, "repeat": "P14D"}, "repeat", "before this one has closed"),
    ("overlaps itself in February", {**WINDOW, "open": "P0D", "close": "P28D", "repeat": "P1M"}, "repeat", "closed"),
    ("repeats at once", {**WINDOW, "repeat": "P0D"}, "repeat", "an interval under 30 minutes"),
    ("begins long before its anchor", {**WINDOW, "open": "-P17D"}, "open", "more than 30 days before"),
    ("hours in a window", {**WINDOW, "open": "PT12H"}, "open", "whole days"),
    ("a window in fifty years", {**WINDOW, "close": "P50Y"}, "close", "ten years"),
    ("unknown text, near miss", {**WINDOW, "message": "windows_open"}, "message", "did you mean window_open?"),
    ("unknown text", {**WINDOW, "message": "zzz"}, "message", "the texts are edu_link, pump_refill, refill, window"),
    ("every 29 minutes", {**CHECKIN, "every": "PT29M"}, "every", "under 30 minutes"),
    ("every 12 hours", {**CHECKIN, "every": "PT12H"}, "every", "whole days"),
    ("every nothing", {**CHECKIN, "every": "P0D"}, "every", "under 30 minutes"),
    ("every minus a week", {**CHECKIN, "every": "-P1W"}, "every", "backwards"),
    ("every month and a half", {**CHECKIN, "every": "P1M15D"}, "every", "mixes months and days"),
    ("ends before it begins", {**CHECKIN, "until": "P6D"}, "until", "could never fire"),
    ("ends as it begins", {**CHECKIN, "until": "P7D"}, "until", "could never fire"),
    ("no weekday left", {**CHECKIN, "until": "P13D"}, "until", "less than a week"),
    ("then what?", {**CHECKIN, "then_every": "P1M"}, "then_every", "without `until`"),
    ("nudge after the next", {**CHECKIN, "nudge_after": "P7D"}, "nudge_after", "next session"),
    ("at night", {**CHECKIN, "local_time": "21:00"}, "local_time", "between 08:00 and 21:00"),
    ("a weekday every three days", {**CHECKIN, "every": "P3D", "weekday": "MO"}, "weekday", "does not keep"),
    (
        "steps down to a month",
        {**CHECKIN, "step_down": {"after_stable": 8, "to": "P1M"}},
        "step_down.to",
        "must be twice `every`, so P14D",
    ),
    ("question every ten days", {**QUESTION, "every": "P10D"}, "every", "whole weeks"),
    ("question every month", {**QUESTION, "every": "P1M"}, "every", "whole weeks"),
    ("question never asked", {**QUESTION, "until": "P0D"}, "until", "never be asked"),
    ("question without an answer", {**QUESTION, "message": "window_open"}, "message", "no question"),
    ("until without every", {k: v for k, v in MESSAGE.items() if k != "every"} | {"until": "P1Y"}, "until", "once"),
    ("message ends first", {**MESSAGE, "until": "P1D"}, "until", "could never fire"),
    ("nothing happens", reminders(), "reminders", "nothing could ever happen"),
    ("all after due", reminders({**REMINDER, "at": "P0D"}), "reminders", "must come before it"),
    ("says nothing", reminders({"at": "-P7D"}), "reminders[0]", "either a `message`"),
    ("says both", reminders({**REMINDER, "task": "Ring"}), "reminders[0]", "either a `message`"),
    ("tier of a message", reminders({**REMINDER, "tier": "urgent"}), "reminders[0].tier", "belongs to a `task`"),
    (
        "channels of a task",
        reminders(REMINDER, {"at": "P0D", "task": "Ring", "channels": ["sms", "email"]}),
        "reminders[1].channels",
        "belong to a `message`",
    ),
    ("twice the same", reminders(REMINDER, REMINDER), "reminders[1]", "the same as reminders[0]"),
    ("unknown text in a supply", reminders({**REMINDER, "message": "refil"}), "reminders[0].message", "mean refill?"),
    ("before the fill", reminders({**REMINDER, "at": "-P31D"}), "reminders[0].at", "before the fill"),
    ("before the anchor", reminders({**REMINDER, "at": "-P25D"}, due="-P7D"), "reminders[0].at", "30 days"),
    ("hours in a reminder", reminders(REMINDER, {**REMINDER, "at": "-PT2H"}), "reminders[1].at", "whole days"),
    (
        "uncapped for comfort",
        {**SUPPLY, "ignore_weekly_cap": True, "priority": "clinical"},
        "ignore_weekly_cap",
        "safe",
    ),
    ("due before made", {**TASK, "due": "P1D"}, "due", "before the task is made"),
    ("no date", {k: v for k, v in TASK.items() if k not in ("at", "due")}, "at", "needs a date"),
    ("two dates", {**TASK, "no_visit_for": "P90D"}, "at", "either `at`, or `no_visit_for`"),
    ("a dated task until", {**TASK, "until": "P18M"}, "until", "happens once"),
    ("red before amber", {**BADGE, "red_at": "P14M"}, "red_at", "after `amber_at` (P15M)"),
    ("ends before red", {**BADGE, "ends": "P17M"}, "ends", "after `red_at` (P17M)"),
    ("series long before", {**SERIES, "at": "-P2M"}, "at", "30 days"),
    # shape
    ("unknown kind", {**WINDOW, "kind": "visit"}, "kind", "one of visit_window, checkin_session"),
    ("unknown field", {**WINDOW, "opens": "P1D"}, "opens", "is no field of a visit_window"),
    ("missing field", {k: v for k, v in WINDOW.items() if k != "target"}, "target", "is missing"),
    ("a number for a duration", {**WINDOW, "open": 7}, "open", "a duration such as P14D"),
    ("prose for a duration", {**WINDOW, "open": "one week"}, "open", "a duration such as P14D"),
    ("unknown priority", {**WINDOW, "priority": "high"}, "priority", "safety, clinical, supportive, education"),
    ("unknown tier", reminders({"at": "-P1D", "task": "Ring", "tier": "red"}), "reminders[0].tier", "routine, review"),
    ("unknown condition", reminders({**REMINDER, "unless": "sunny"}), "reminders[0].unless", "confirmed, booked"),
    ("unknown weekday", {**CHECKIN, "weekday": "Tuesday"}, "weekday", "MO, TU"),
    ("half past quarter", {**CHECKIN, "local_time": "10:60"}, "local_time", "such as 10:00"),
    ("true questions", {**CHECKIN, "max_questions": True}, "max_questions", "whole number from 1 to 6"),
    ("unknown channel", {**MESSAGE, "channel": "fax"}, "channel", "one of sms, email"),
    ("unknown profile", {**SERIES, "profile": "yoga"}, "profile", "one of appointment, pt"),
    ("shouting key", {**WINDOW, "key": "W"}, "key", "must look like acute_1"),
    ("blank title", {**WINDOW, "title": " "}, "title", "must be a text"),
    ("unprintable title", {**WINDOW, "title": "a\ud800"}, "title", "cannot be shown"),
]


@pytest.mark.parametrize(("step", "field", "says"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES])
def test_a_planted_mistake_is_named_once_with_its_field(step: dict[str, Any], field: str, says: str):
    ((where, message),) = answer(protocol({**CHECKIN, "key": "fine"}, step))
    assert where == f"items[1].{field}"
    assert says in message


@pytest.mark.parametrize(
    ("more", "field", "says"),
    [
        ({"anchor": "birthday"}, "anchor", "injury_date, deficit_onset_date"),
        ({"id": "own"}, "id", "must look like neuro.emsci.v1"),
        ({"id": "Own clinic.v1"}, "id", "must look like neuro.emsci.v1"),
        ({"id": "own.v0"}, "id", "must look like neuro.emsci.v1"),
        ({"applies_if": "ad_risk (T6 or above)"}, "applies_if", "one of ad_risk, itb_pump"),
        ({"default_on": "yes"}, "default_on", "true or false"),
        ({"excludes": ["own"]}, "excludes", "names own itself"),
        ({"excludes": "own"}, "excludes", "a list of protocols"),
        ({"version": 1}, "version", "is no field of a protocol"),
        ({"items": []}, "items", "is empty"),
        ({"items": {}}, "items", "a list of steps"),
        ({"items": None}, "items", "is missing"),
    ],
)
def test_a_mistake_in_the_protocol_itself_is_named(more: dict[str, Any], field: str, says: str):
    ((where, message),) = answer({**protocol(WINDOW), **more})
    assert where == field
    assert says in message


@pytest.mark.parametrize("raw", [None, 1, "x", [], [1]])
def test_what_is_no_object_is_no_protocol(raw: object):
    assert answer(raw) == [("", "must be an object")]


def test_everything_wrong_is_said_at_once_shape_and_sense_together():
    raw = protocol({**WINDOW, "close": "P1D"}, {**CHECKIN, "every": 7}, {**QUESTION, "colour": "red"}, anchor="x")
    assert [field for field, _ in answer(raw)] == [
        "anchor",
        "items[1].every",
        "items[2].colour",
        "items[0].close",
    ]


def test_a_key_used_twice_names_both_places():
    assert answer(protocol(WINDOW, CHECKIN, {**MESSAGE, "key": "w"})) == [
        ("items[2].key", "w is also the key of items[0]; give each its own")
    ]


def test_windows_that_overlap_are_refused_unless_they_are_meant_to():
    later = {**WINDOW, "key": "x", "open": "P21D", "target": "P28D", "close": "P35D"}
    ((field, message),) = answer(protocol(WINDOW, later))
    assert field == "items[1].open"
    assert "overlaps that of items[0] (w)" in message
    assert answer(protocol(WINDOW, {**later, "open": "P22D"})) == []
    assert answer(protocol(WINDOW, {**later, "overlaps": True})) == []
    assert answer(protocol(WINDOW, {**WINDOW, "key": "x", "close": "P40D"})) == [], "one target, one visit"


def test_windows_that_overlap_for_some_months_only_are_refused():
    monthly = {**WINDOW, "key": "x", "open": "P1M", "target": "P40D", "close": "P50D"}
    assert answer(protocol({**WINDOW, "close": "P27D"}, monthly)) == []
    assert [field for field, _ in answer(protocol({**WINDOW, "close": "P28D"}, monthly))] == ["items[1].open"]


def test_two_hundred_steps_are_many_enough():
    def many(n: int) -> dict[str, Any]:
        return protocol(*({**QUESTION, "key": f"q{k}"} for k in range(n)))

    assert answer(many(200)) == []
    assert answer(many(201)) == [("items", "holds 201 steps; at most 200 are allowed")]


def test_ten_thousand_bad_steps_get_one_clear_answer():
    many = protocol(*[{"kind": "x"}] * 10_000)
    assert answer(many) == [("items", "holds 10000 steps; at most 200 are allowed")]
    assert calls(lambda: answer(many)) < 1_000, "none of them is looked at"


def test_the_dearest_protocol_is_still_checked_quickly():
    mixed = [
        {**WINDOW, "key": f"w{n}", "open": f"P{n}D", "target": f"P4M{n}D", "close": f"P6M{n}D", "repeat": "P3Y"}
        for n in range(200)
    ]
    assert len(answer(protocol(*mixed))) == 199
    whole, half = (calls(lambda steps=steps: answer(protocol(*steps))) for steps in (mixed, mixed[:100]))
    assert whole < 1_500_000, "a second's work or so"
    assert whole < 2.2 * half


def test_a_protocol_made_in_code_is_held_to_the_same_rules():
    made = read_protocol(protocol(WINDOW))
    assert isinstance(made, Protocol)
    assert problems(made, frozenset()) == [
        Problem("items[0].message", "there is no text called window_open; the texts are ")
    ]


def test_absent_and_null_say_the_same():
    assert read_protocol(protocol({**CHECKIN, "until": None, "weekday": None})) == read_protocol(protocol(CHECKIN))


def test_tiers_and_questions_are_those_of_triage():
    assert tuple(Tier) == TIERS
    assert "checkin_severity" not in SESSION_QUESTIONS


# --- properties ----------------------------------------------------------------------------------------------------

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from(
        ["P1D", "P0D", "-P3D", "P1M", "P1Y2M", "PT24H", "PT", "P", "P1DT", "P99999999999Y", "days_supply"]
    )
    | st.sampled_from(
        ["MO", "10:00", "ad_risk", "injury_date", "urgent", "window_open", "checkin_psfs", "own.v2", "sms"]
    )
)
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner))


@st.composite
def nearly_right(draw: st.DrawFn) -> Any:
    """A right protocol with a few values exchanged: what people write by mistake, and what gets deepest."""
    raw: Any = copy.deepcopy(protocol(*ALL))
    for _ in range(draw(st.integers(0, 4))):
        place = raw
        while isinstance(place, dict | list) and place:
            step = draw(
                st.sampled_from(sorted(place)) if isinstance(place, dict) else st.sampled_from(range(len(place)))
            )
            inner = place[step]
            if not isinstance(inner, dict | list) or not inner or draw(st.integers(0, 3)) == 0:
                place[step] = draw(JSON)
                break
            place = inner
    return raw


@given(JSON | nearly_right())
def test_any_json_is_a_protocol_or_problems_and_never_an_error(raw: Any):
    found = accepted(raw, TEXTS)
    if isinstance(found, Protocol):
        assert read_protocol(write_protocol(found)) == found
    else:
        assert found
        assert all(isinstance(p, Problem) and p.message for p in found)


@given(nearly_right())
def test_whatever_can_be_read_fits_the_published_schema(raw: Any):
    if isinstance(read_protocol(raw), Protocol):
        SCHEMA.validate(raw)
