"""The JSON shape of a protocol: one table, from which it is read, written and described. `PROTOCOL` is the whole."""

import re
from dataclasses import dataclass, replace
from datetime import time
from typing import Any

from .local_time import Period
from .plan import Profile
from .protocol import (
    Anchor,
    Badge,
    Checkin,
    Message,
    Notice,
    Priority,
    Protocol,
    Question,
    Series,
    StaffTask,
    Supply,
    VisitWindow,
)
from .protocol_values import (
    DURATION,
    DURATION_SCHEMA,
    FLAG,
    Field,
    Listing,
    Problem,
    Record,
    Scalar,
    Union,
    choice,
    duration_of,
    inside,
    name,
    text,
    whole,
)

MAX_STEPS = 200
"""Far above any follow-up a clinic can staff (the longest built-in has nine), far below what slows an agenda down."""

DAYS_SUPPLY = "days_supply"
"""A supply's `due` where each fill says for how many days it lasts."""


def _due_of(raw: Any) -> Period | None:
    if raw == DAYS_SUPPLY:
        return None
    try:
        return duration_of(raw)
    except ValueError:
        raise ValueError(f"must be a duration such as P30D, or {DAYS_SUPPLY}") from None


def _clock_of(raw: Any) -> time:
    if not isinstance(raw, str) or not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", raw):
        raise ValueError("must be a local time such as 10:00")
    return time.fromisoformat(raw)


_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_BOTH_CHANNELS = ["sms", "email"]


def _both_channels_of(raw: Any) -> bool:
    if raw not in (["sms"], _BOTH_CHANNELS):
        raise ValueError('must be ["sms"], or ["sms", "email"] for both at once')
    return bool(raw == _BOTH_CHANNELS)


DUE = Scalar(
    _due_of, {"anyOf": [{"const": DAYS_SUPPLY}, DURATION_SCHEMA]}, lambda due: str(due) if due else DAYS_SUPPLY
)
CLOCK = Scalar(_clock_of, {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}, lambda at: f"{at:%H:%M}")
WEEKDAY = Scalar(choice(*_WEEKDAYS, into=_WEEKDAYS.index).parse, {"enum": list(_WEEKDAYS)}, lambda day: _WEEKDAYS[day])
BOTH_CHANNELS = Scalar(
    _both_channels_of,
    {"enum": [["sms"], _BOTH_CHANNELS]},
    lambda both: _BOTH_CHANNELS if both else ["sms"],
)
KEY = name("[a-z][a-z0-9_]*", "acute_1", 40)
TEMPLATE = name("[a-z][a-z0-9_]*", "window_open", 40)
PROTOCOL_ID = name(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*\.v[1-9][0-9]{0,3}", "neuro.emsci.v1", 60)
FAMILY = name(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*", "neuro.isncsci (no version)", 60)
TITLE = text(160)
ANCHOR = choice(*Anchor, into=Anchor)
TIERS = ("routine", "review_soon", "urgent", "emergency")

_KEY = Field(name="key", value=KEY, means="Its name within the protocol; never changes its meaning between versions")
_TITLE = Field(name="title", value=TITLE, means="For staff; never in a message to the patient")
_PRIORITY = Field(name="priority", value=choice(*Priority, into=Priority), means="What gives way when a week is full")
_EVIDENCE = Field(name="evidence", value=text(200), means="Where the rule comes from")
_EVERY = Field(name="every", value=DURATION)
_FROM = Field(name="from", attr="starts", value=DURATION, means="The first one, counted from the anchor")
_UNTIL = Field(name="until", value=DURATION, means="None from here on, counted from the anchor")
_MESSAGE = Field(name="message", value=TEMPLATE, means="The name of a text in the copy")


# --- the steps -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _StepDown:
    after_stable: int
    to: Period


_STEP_DOWN = Record(
    makes=_StepDown,
    fields=(Field(name="after_stable", value=whole(2, 52)), Field(name="to", value=DURATION)),
)


def _settle_step_down(values: dict[str, Any], at: str, found: list[Problem]) -> dict[str, Any]:
    slower: _StepDown | None = values.get("step_down_after")
    if slower is None:
        return values
    every = values.get("every")
    if every and slower.to != every.times(2):
        twice = f"must be twice `every`, so {every.times(2)}: stepping down leaves out every second session"
        found.append(Problem(inside(at, "step_down.to"), twice))
    return {**values, "step_down_after": slower.after_stable}


def _unsettle_step_down(step: Checkin) -> Checkin:
    if step.step_down_after is None:
        return step
    slower: Any = _StepDown(step.step_down_after, step.every.times(2))
    return replace(step, step_down_after=slower)


_WINDOW = Record(
    kind="visit_window",
    makes=VisitWindow,
    fields=(
        _KEY,
        _TITLE,
        Field(name="open", attr="opens", value=DURATION, means="First day; staff are asked to book 14 days before"),
        Field(name="target", value=DURATION, means="Best day; an unbooked patient is written to on it"),
        Field(name="close", attr="closes", value=DURATION, means="Last day; staff are told the day after"),
        Field(name="repeat", value=DURATION, means="The same window again, this long after the one before"),
        Field(name="message", value=TEMPLATE, means="The text that asks to book; `none` leaves it to staff"),
        Field(name="overlaps", value=FLAG, means="A separate assessment, whose window may cross others"),
        _PRIORITY,
        _EVIDENCE,
    ),
)
_CHECKIN = Record(
    kind="checkin_session",
    makes=Checkin,
    fields=(
        _KEY,
        _EVERY,
        _FROM,
        _UNTIL,
        Field(name="then_every", value=DURATION, means="How often after `until`"),
        Field(name="weekday", value=WEEKDAY, means="Left out: spread over the week, patient by patient"),
        Field(name="local_time", attr="at", value=CLOCK, means="Left out: spread from 10:00 to 15:30"),
        Field(name="max_questions", value=whole(1, 6), means="The first is always: anything new or worse?"),
        Field(name="nudge_after", value=DURATION, means="One reminder this long after an unanswered session"),
        Field(name="joins", value=FLAG, means="Extra sessions: within a day of a main one they join it"),
        Field(name="step_down", attr="step_down_after", value=_STEP_DOWN, means="Every second session, once stable"),
        _PRIORITY,
        _EVIDENCE,
    ),
    settle=_settle_step_down,
    unsettle=_unsettle_step_down,
)
_QUESTION = Record(
    kind="session_question",
    makes=Question,
    fields=(_KEY, _MESSAGE, _EVERY, _UNTIL, _PRIORITY, _EVIDENCE),
)
_RECURRING = Record(
    kind="recurring_message",
    makes=Message,
    fields=(
        _KEY,
        _MESSAGE,
        _FROM,
        Field(name="every", value=DURATION, means="Left out: sent once"),
        _UNTIL,
        Field(name="channel", value=choice("sms", "email")),
        _PRIORITY,
        _EVIDENCE,
    ),
)
_NOTICE = Record(
    makes=Notice,
    fields=(
        Field(name="at", value=DURATION, means="Counted from the due date: -P7D is a week before"),
        _MESSAGE,
        Field(name="task", value=TITLE, means="Work for staff, instead of a message"),
        Field(name="tier", value=choice(*TIERS), means="How soon staff must act"),
        Field(name="unless", value=choice("confirmed", "booked"), means="What makes it unnecessary"),
        Field(name="channels", attr="both_channels", value=BOTH_CHANNELS),
    ),
)
_SUPPLY = Record(
    kind="supply",
    makes=Supply,
    fields=(
        _KEY,
        _TITLE,
        Field(name="due", value=DUE, means="Counted from the anchor, or `days_supply`: as each fill says"),
        Field(name="reminders", attr="notices", value=Listing(_NOTICE, 20, "reminders")),
        Field(name="anchor", value=ANCHOR, means="Where it is not the protocol's own"),
        Field(name="ignore_weekly_cap", attr="uncapped", value=FLAG, means="Only where running out is dangerous"),
        _PRIORITY,
        _EVIDENCE,
    ),
)
_STAFF_TASK = Record(
    kind="staff_task",
    makes=StaffTask,
    fields=(
        _KEY,
        _TITLE,
        Field(name="at", value=DURATION, means="Counted from the anchor"),
        Field(name="due", value=DURATION, means="By when it must be done, counted from the anchor"),
        Field(name="no_visit_for", value=DURATION, means="Instead of `at`: when nobody was seen for so long"),
        _UNTIL,
        _PRIORITY,
        _EVIDENCE,
    ),
)
_SERIES = Record(
    kind="appointment_series",
    makes=Series,
    fields=(
        _KEY,
        _TITLE,
        Field(name="at", value=DURATION, means="When staff are asked to set it up, counted from the anchor"),
        Field(name="profile", value=choice(*Profile), means="Which reminders its appointments get"),
        _EVIDENCE,
    ),
)
_BADGE = Record(
    kind="staff_badge",
    makes=Badge,
    fields=(
        _KEY,
        Field(name="amber_at", attr="amber", value=DURATION),
        Field(name="red_at", attr="red", value=DURATION),
        Field(name="ends", value=DURATION),
        _EVIDENCE,
    ),
)

STEP = Union((_WINDOW, _CHECKIN, _QUESTION, _RECURRING, _SUPPLY, _STAFF_TASK, _SERIES, _BADGE))
PROTOCOL = Record(
    makes=Protocol,
    fields=(
        Field(name="id", value=PROTOCOL_ID, means="Ends in its version; a published version never changes"),
        Field(name="name", value=text(120)),
        Field(name="anchor", value=ANCHOR, means="The date its durations count from"),
        Field(name="default_on", value=FLAG, means="Every new patient gets it"),
        Field(name="applies_if", value=choice("ad_risk", "itb_pump"), means="Only for patients with this fact"),
        Field(name="needs_anchor", value=FLAG, means="A missing anchor date is urgent work for staff"),
        Field(name="only_with_anchor", value=FLAG, means="A default only where the anchor date is known"),
        Field(name="excludes", value=Listing(FAMILY, 20, "protocols"), means="Never together with these"),
        Field(name="note", value=text(2000)),
        Field(name="items", attr="steps", value=Listing(STEP, MAX_STEPS, "steps")),
    ),
)
