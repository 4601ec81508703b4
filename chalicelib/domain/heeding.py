"""What a text means for one patient: which questions were open, what it answers, and how grave that is. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from .facts import Facts
from .grading import Background, Grade, grade, next_question, remembered
from .local_time import local, local_date
from .patient import Status
from .plan import Appointment, Session
from .protocol import Anchor, Checkin
from .triage import Intent, IntentKind, Listener, Prompt, PromptKind, Reading, Tier
from .triage.values import DIGITS, YES_OR_NO, worst
from .wording import day_phrase, local_time

OPEN_FOR = timedelta(hours=24)
"""How long a closed question outside a check-in can be answered."""

VISIT_AHEAD = timedelta(days=8)
"""A "C" or "R" speaks of the next visit within this time: the earliest reminder goes out a week before."""

RANGES = {
    "checkin_psfs": ("0", "4"),
    "checkin_severity": ("1", "3"),
    "checkin_skin": ("1", "4"),
    "checkin_meds": ("1", "3"),
    "home_program": ("0", "7"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heeded:
    """One answer in a text: to which question, what was said, and what it means."""

    prompt: str
    """`session:<question>`, `visit:<appointment>`, `refill` or `safety`."""
    value: str
    grade: Grade | None = None


def listener_of(facts: Facts) -> Listener:
    who = facts.patient
    return Listener(
        ad_risk=who.clinical.at_ad_risk,
        itb_pump=who.clinical.itb_pump,
        oral_baclofen=who.clinical.oral_baclofen,
        language=who.language,
        country=facts.clinic.country,
    )


def open_prompts(facts: Facts, safety_asked_at: datetime | None, now: datetime) -> list[Prompt]:
    """The questions the patient may be answering; none once they are no longer followed."""
    found: list[Prompt] = []
    if facts.patient.status is not Status.ACTIVE:
        return found
    visit = next_visit(facts, now)
    if visit is not None:
        found.append(Prompt(id=f"visit:{visit.id}", kind=PromptKind.APPOINTMENT, asked_at=visit.set_at))
    if _refill_due(facts, now):
        found.append(Prompt(id="refill", kind=PromptKind.REFILL, asked_at=now - OPEN_FOR))
    asked = next_question(facts.session) if facts.session else None
    if facts.session is not None and asked is not None:
        found.append(Prompt(id=f"session:{asked}", kind=PromptKind(asked), asked_at=facts.session.sent_at))
    if safety_asked_at is not None:
        found.append(Prompt(id="safety", kind=PromptKind.SAFETY_NET, asked_at=safety_asked_at))
    return found


def prompt_again(prompt_id: str, now: datetime) -> Prompt:
    """The question a message was heard to answer before, open once more for the same message."""
    name, _, question = prompt_id.partition(":")
    kinds = {"visit": PromptKind.APPOINTMENT, "refill": PromptKind.REFILL, "safety": PromptKind.SAFETY_NET}
    return Prompt(id=prompt_id, kind=kinds.get(name) or PromptKind(question), asked_at=now)


def choices(question: str) -> tuple[str, ...]:
    """Every answer a check-in's question takes, in the order they are offered."""
    kind = PromptKind(question)
    return ("N", "Y") if kind in YES_OR_NO else tuple(map(str, DIGITS[kind]))


_PRESSED = {
    "C": IntentKind.CONFIRM,
    "R": IntentKind.RESCHEDULE,
    "Y": IntentKind.YES,
    "N": IntentKind.NO,
}


def pressed(prompt_id: str, value: str) -> Reading:
    """What pressing a button says: the same as the shortest text that answers it, with nothing to make out."""
    kind = _PRESSED.get(value, IntentKind.DIGIT)
    intent = Intent(kind=kind, value=int(value) if kind is IntentKind.DIGIT else None, prompt_id=prompt_id)
    return Reading(
        intents=(intent,),
        tier=Tier.ROUTINE,
        groups=(),
        evidence=(),
        reply=None,
        ask_safety_net=False,
        phone_patient=False,
    )


def heed(facts: Facts, reading: Reading, now: datetime) -> list[Heeded]:
    """What the text answers, each answer graded against the patient's own baseline."""
    found = []
    for intent in reading.intents:
        value = _value(intent.kind, intent.value)
        if intent.prompt_id is None or value is None or not intent.in_range:
            continue
        name, _, question = intent.prompt_id.partition(":")
        meant: Grade | None = None
        if name in ("session", "safety"):
            recent = facts.session.recent if facts.session else {}
            background = Background.of(facts, local_date(now, facts.tz))
            meant = grade(question or "checkin_safety", value, recent, background)
        elif name == "refill" and value == "2":
            meant = Grade(tier=Tier.REVIEW_SOON, rule="refill_help", detail="the patient asks for help with a refill")
        found.append(Heeded(prompt=intent.prompt_id, value=value, grade=meant))
    return found


def with_texts_near(reading: Reading, whole: Reading) -> Reading:
    """The reading of a text, raised to what it says together with those around it (`whole`); it is never lowered, and
    what it answers or asks for is what it says by itself.

    The model's word is enough for danger, not for which: on a seam between two thoughts it finds emergencies that
    neither is. What the rules find, such as two signs of dysreflexia in two texts, is an emergency.
    """
    ruled = (e for e in whole.evidence if e.tier.severity <= Tier.URGENT.severity or not e.rule.startswith("model:"))
    found = tuple(replace(each, rule=f"{TOGETHER}{each.rule}") for each in ruled)
    tier = worst(Tier.ROUTINE, *(each.tier for each in found))
    if tier.severity <= reading.tier.severity or tier.severity < Tier.URGENT.severity:
        return reading
    return replace(
        reading,
        tier=tier,
        groups=tuple(dict.fromkeys((*reading.groups, *whole.groups))),
        evidence=(*reading.evidence, *found),
        reply=whole.reply if tier is whole.tier else "ack_urgent",
        ask_safety_net=False,
    )


TOGETHER = "together:"
"""How a rule's name begins that was matched by several texts read as one."""


def tier_of(reading: Reading, heeded: Sequence[Heeded]) -> Tier:
    """The worst of words and answers."""
    tiers = [reading.tier, *(h.grade.tier for h in heeded if h.grade)]
    return max(tiers, key=lambda tier: tier.severity)


def why(reading: Reading, heeded: Sequence[Heeded]) -> tuple[str, str]:
    """The rule and the numbers behind a tier; never the patient's words, which stand with the message."""
    worst = max((h.grade for h in heeded if h.grade), key=lambda g: g.tier.severity, default=None)
    if worst is not None and worst.tier.severity >= reading.tier.severity and worst.rule != "stable":
        return worst.rule, worst.detail
    if reading.evidence:
        deciding = max(reading.evidence, key=lambda e: e.tier.severity)
        together = deciding.rule.startswith(TOGETHER)
        names = dict.fromkeys(e.rule for e in reading.evidence if e.rule.startswith(TOGETHER) == together)
        what = "the texts of a few minutes, read as one," if together else "the message"
        return deciding.rule, f"{what} matched {', '.join(name.removeprefix(TOGETHER) for name in names)}"
    if reading.has(IntentKind.RESCHEDULE):
        return "asks_for_another_time", "the visit stands until somebody agrees another time with the patient"
    if any(not intent.in_range for intent in reading.intents):
        return "out_of_range", "a number that is no answer to the question it was sent to"
    if reading.intents and all(intent.kind in _BARE for intent in reading.intents):
        return "no_open_question", "it reads as an answer, and no question was open"
    return "free_text", "a person reads everything patients write"


_BARE = (IntentKind.DIGIT, IntentKind.YES, IntentKind.NO, IntentKind.CONFIRM, IntentKind.DONE)


def needs_staff(reading: Reading, tier: Tier) -> bool:
    """Whether a person must look at a message that is not urgent: always, but for plain answers and courtesies."""
    asks = (IntentKind.TEXT, IntentKind.RESCHEDULE, IntentKind.POSSIBLE_OPT_OUT, IntentKind.ADMIN)
    unanswered = any(not intent.in_range for intent in reading.intents)
    return tier is Tier.REVIEW_SOON or unanswered or any(reading.has(kind) for kind in asks)


def replies(
    facts: Facts,
    reading: Reading,
    tier: Tier,
    heeded: Sequence[Heeded],
    language: str,
    now: datetime,
    *,
    whole: str = "ack_routine",
) -> tuple[str, dict[str, str]] | None:
    """The template that answers a text, and what it needs; None where nothing should be said. `facts` are those after
    the answer; `whole` is what is true of a check-in once all of it is answered."""
    if reading.has(IntentKind.OPT_OUT):
        return "stop_confirm", {}
    if tier.severity >= Tier.URGENT.severity:
        worded = reading.reply if reading.tier.severity >= Tier.URGENT.severity else None
        return worded or "ack_urgent", {}
    visit = _visit_slots(facts, language, now)
    if reading.has(IntentKind.CONFIRM) and visit:
        return "appt_confirm_ack", visit
    if reading.has(IntentKind.RESCHEDULE):
        return ("appt_resched_ack", visit) if visit else ("ack_review", {})
    asked = next_question(facts.session) if facts.session else None
    if any(not intent.in_range for intent in reading.intents):
        low, high = RANGES.get(asked or "", ("", ""))
        return ("digit_range", {"low": low, "high": high}) if low else ("ack_unknown", {})
    if reading.ask_safety_net:
        return "checkin_safety", {}
    if heeded and not reading.has(IntentKind.TEXT):
        checkin = any(h.prompt.startswith("session:") for h in heeded)
        if asked is not None and checkin:
            return asked, {}
        return "ack_review" if tier is Tier.REVIEW_SOON else whole if checkin else "ack_routine", {}
    return (reading.reply, {}) if reading.reply else None


def with_answer(facts: Facts, session: Session, question: str, value: str, found: Grade, now: datetime) -> Session:
    """The session with one answer more; a whole session without anything to act on counts towards stepping down."""
    calm = found.tier is Tier.ROUTINE
    changed = replace(
        session,
        answers={**session.answers, question: value},
        recent=remembered(session.recent, question, value),
        stable=session.stable if calm else 0,
        slower_since=session.slower_since if calm else None,
    )
    if next_question(changed) is not None or not calm:
        return changed
    stable, slower = changed.stable + 1, changed.slower_since
    protocol, _, key = session.step.partition("/")
    step = facts.protocols[protocol].step(key) if protocol in facts.protocols else None
    if isinstance(step, Checkin) and step.step_down_after and stable >= step.step_down_after and slower is None:
        slower = local_date(now, facts.tz)
    return replace(changed, stable=stable, slower_since=slower)


def next_visit(facts: Facts, now: datetime) -> Appointment | None:
    ahead = [a for a in facts.appointments if a.status.stands and now < a.starts_at < now + VISIT_AHEAD]
    return min(ahead, key=lambda a: a.starts_at, default=None)


def _refill_due(facts: Facts, now: datetime) -> bool:
    cycle, filled = facts.supplies.get(Anchor.LAST_FILL), facts.plan.anchor(Anchor.LAST_FILL)
    if cycle is None or filled is None or cycle.confirmed or not cycle.days_supply:
        return False
    due = filled + timedelta(days=cycle.days_supply)
    return due - timedelta(days=8) <= local_date(now, facts.tz) <= due + timedelta(days=1)


def _visit_slots(facts: Facts, language: str, now: datetime) -> dict[str, str]:
    visit = next_visit(facts, now)
    if visit is None:
        return {}
    at = local(visit.starts_at, facts.tz)
    today = local_date(now, facts.tz)
    return {
        "day": day_phrase(at.date(), today, language),
        "time": local_time(at.time().replace(tzinfo=None), language),
    }


def _value(kind: IntentKind, value: int | None) -> str | None:
    match kind:
        case IntentKind.YES:
            return "Y"
        case IntentKind.NO:
            return "N"
        case IntentKind.DIGIT:
            return None if value is None else str(value)
        case IntentKind.CONFIRM:
            return "C"
        case IntentKind.DONE:
            return "1"
        case _:
            return None
