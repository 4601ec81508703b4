"""Grading: what an answer means for this patient, against their own baseline, with the numbers that decided.

The thresholds are the clinical reference's (§3.3). The Penn Spasm Frequency Scale has no established minimal important
difference, so they are operational: they say when a person should look, not what is the matter.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

from .facts import Facts
from .plan import Session
from .protocol import Anchor
from .triage import Tier

KEPT = 5
"""Answers of one question that are carried along: the baseline's four and the one before them."""

BASELINE_OF = 4
"""The baseline is the median of this many answers (weekly retest ICC .91 for three repeats)."""

FRESH = timedelta(weeks=4)
"""For this long after onset or discharge a change counts one step more."""

STABLE = "stable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    tier: Tier
    rule: str
    detail: str
    baseline: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """What makes the same change weigh more: facts of the patient's course, on the day of the answer."""

    itb_pump: bool = False
    oral_baclofen: bool = False
    ischemic: bool = False
    pump_overdue: bool = False
    recent_onset: bool = False
    baseline_psfs: int | None = None

    @classmethod
    def of(cls, facts: Facts, today: date) -> "Background":
        clinical, plan = facts.patient.clinical, facts.plan
        starts = [plan.anchor(a) for a in (Anchor.DEFICIT_ONSET, Anchor.DISCHARGE)]
        alarm = plan.anchor(Anchor.PUMP_ALARM)
        return cls(
            itb_pump=clinical.itb_pump,
            oral_baclofen=clinical.oral_baclofen,
            ischemic="ischemic" in clinical.etiology or any(p.protocol.startswith("ischemic.") for p in plan.pins),
            pump_overdue=alarm is not None and today > alarm - timedelta(days=7),
            recent_onset=any(s is not None and timedelta(0) <= today - s < FRESH for s in starts),
            baseline_psfs=clinical.baseline_psfs,
        )


def grade(question: str, value: str, recent: Mapping[str, tuple[int, ...]], who: Background) -> Grade:
    """The tier of one structured answer: `value` is a digit, or `Y` or `N`. Free text is triage's business."""
    match question:
        case "checkin_change" | "checkin_safety":
            if value == "Y":
                return Grade(tier=Tier.URGENT, rule="new_or_worse", detail="the patient says something is new or worse")
            return Grade(tier=Tier.ROUTINE, rule=STABLE, detail="nothing new or worse")
        case "checkin_psfs":
            return _psfs(int(value), recent.get(question, ()), recent.get("checkin_meds", ()), who)
        case "checkin_severity":
            if int(value) == 3 and 3 not in recent.get(question, ()):
                return Grade(tier=Tier.REVIEW_SOON, rule="severity_new", detail="severe (3) for the first time")
            return Grade(tier=Tier.ROUTINE, rule=STABLE, detail=f"severity {value}")
        case "checkin_skin":
            return _skin(int(value), recent.get(question, ()))
        case "checkin_meds":
            return _meds(int(value), who)
        case "home_program":
            if value == "0" and recent.get(question, ())[-1:] == (0,):
                return Grade(
                    tier=Tier.ROUTINE, rule="home_program_stopped", detail="no day of home programme twice running"
                )
            return Grade(tier=Tier.ROUTINE, rule=STABLE, detail=f"{value} days of home programme")
        case _:
            return Grade(tier=Tier.REVIEW_SOON, rule="unknown_question", detail="an answer to a question nobody grades")


def _psfs(value: int, before: tuple[int, ...], meds: tuple[int, ...], who: Background) -> Grade:
    known = before[-BASELINE_OF:]
    base = median(known) if known else who.baseline_psfs
    if base is None:
        tier, rule = (Tier.REVIEW_SOON, "psfs_high") if value >= 3 else (Tier.ROUTINE, "first_answer")
        return Grade(tier=tier, rule=rule, detail=f"answered {value}; no baseline yet")
    said = f"answered {value}; baseline {base:g}" + (f" (median of {', '.join(map(str, known))})" if known else "")
    step = value - base
    if step >= 2:
        missed = who.oral_baclofen and meds[-1:] in ((2,), (3,))
        weighs = {
            "a pump": who.itb_pump,
            "an overdue pump refill": who.pump_overdue,
            "missed doses": missed,
            "an ischaemic injury": who.ischemic,
            "onset or discharge within four weeks": who.recent_onset,
        }
        because = [what for what, holds in weighs.items() if holds]
        if because:
            detail = f"{said}: up by {step:g}, with {' and '.join(because)}"
            return Grade(tier=Tier.URGENT, rule="psfs_jump", detail=detail, baseline=base)
        return Grade(tier=Tier.REVIEW_SOON, rule="psfs_jump", detail=f"{said}: up by {step:g}", baseline=base)
    if value >= 3 and base <= 2:
        return Grade(tier=Tier.REVIEW_SOON, rule="psfs_high", detail=said, baseline=base)
    if step >= 1 and before and before[-1] - base >= 1:
        return Grade(tier=Tier.REVIEW_SOON, rule="psfs_rising", detail=f"{said}: up twice running", baseline=base)
    if step <= -2:
        # A sudden fall can be over-medication or a change of the cord itself; it is never good news by itself.
        return Grade(tier=Tier.REVIEW_SOON, rule="psfs_drop", detail=f"{said}: down by {-step:g}", baseline=base)
    return Grade(tier=Tier.ROUTINE, rule=STABLE, detail=said, baseline=base)


def _skin(value: int, before: tuple[int, ...]) -> Grade:
    if value == 3:
        if before[-1:] == (3,):
            return Grade(
                tier=Tier.URGENT, rule="skin_open_twice", detail="a mark that stays or open skin, twice running"
            )
        return Grade(tier=Tier.REVIEW_SOON, rule="skin_open", detail="a mark that stays or open skin")
    if value == 4 and before[-1:] == (4,):
        return Grade(tier=Tier.REVIEW_SOON, rule="skin_unchecked", detail="skin not checked, twice running")
    return Grade(tier=Tier.ROUTINE, rule=STABLE, detail=f"skin answer {value}")


def _meds(value: int, who: Background) -> Grade:
    if value == 3:
        tier = Tier.URGENT if who.itb_pump or who.oral_baclofen else Tier.REVIEW_SOON
        return Grade(tier=tier, rule="meds_stopped", detail="ran out of a medicine or stopped one")
    if value == 2:
        return Grade(tier=Tier.REVIEW_SOON, rule="meds_missed", detail="missed some medicines")
    return Grade(tier=Tier.ROUTINE, rule=STABLE, detail="all medicines taken")


def next_question(session: Session) -> str | None:
    """The session's question that is open; the strength of spasms is asked of those who have some."""
    for question in session.questions:
        if question not in session.answers:
            return question
        if (
            question == "checkin_psfs"
            and session.answers[question] != "0"
            and "checkin_severity" not in session.answers
        ):
            return "checkin_severity"
    return None


def remembered(recent: Mapping[str, tuple[int, ...]], question: str, value: str) -> dict[str, tuple[int, ...]]:
    """The recent answers with this one added; yes and no are not numbers and are not kept."""
    if not value.isdigit():
        return dict(recent)
    return {**recent, question: (*recent.get(question, ()), int(value))[-KEPT:]}
