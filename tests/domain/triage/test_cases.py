"""Every worked case of the clinical reference holds (clinical reference §3.7)."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.triage import IntentKind, Listener, Prompt, PromptKind, Reading, read
from chalicelib.protocols.triage import load

CASES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("triage_cases.json").read_text(encoding="utf-8"))
ASKED = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
SHOWN = (
    IntentKind.OPT_OUT,
    IntentKind.POSSIBLE_OPT_OUT,
    IntentKind.CONFIRM,
    IntentKind.RESCHEDULE,
    IntentKind.HELP,
    IntentKind.COURTESY,
    IntentKind.NO,
)


def _open_prompts(expected: str | None) -> list[Prompt]:
    kinds = [PromptKind.APPOINTMENT, PromptKind.CHECKIN_CHANGE, PromptKind.CHECKIN_PSFS]
    if expected == "NO":
        kinds.remove(PromptKind.CHECKIN_PSFS)
    return [Prompt(id=kind.value, kind=kind, asked_at=ASKED.replace(minute=at)) for at, kind in enumerate(kinds)]


def _label(reading: Reading) -> str | None:
    digit = reading.first(IntentKind.DIGIT)
    if digit:
        return f"DIGIT{'+TEXT' if reading.has(IntentKind.TEXT) else ''}:{digit.value}"
    return next((kind.name for kind in SHOWN if reading.has(kind)), None)


def _reply(reading: Reading) -> str | None:
    if reading.reply == "stop_confirm":
        return "stop_confirm + staff PHONE call" if reading.phone_patient else "stop_confirm (one message only)"
    # The table's null means "as the structured rule says": for HELP that is the help text.
    return None if reading.reply == "help" else reading.reply


@pytest.mark.parametrize("case", CASES, ids=[case["in"] for case in CASES])
def test_a_worked_case_of_the_clinical_reference_holds(case: dict[str, Any]) -> None:
    text, _, condition = case["in"].partition("|")
    listener = Listener(ad_risk=condition != "noad", itb_pump=condition == "itb")

    reading = read(text, listener, _open_prompts(case["intent"]), load())

    assert {
        "intent": _label(reading),
        "tier": reading.tier.value,
        "reply": _reply(reading),
        "groups": sorted(reading.groups),
    } == {**{key: case[key] for key in ("intent", "tier", "reply")}, "groups": sorted(case["groups"])}
