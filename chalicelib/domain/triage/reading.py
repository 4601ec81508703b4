"""`read`: one inbound text to its intents, its tier and why, the reply it gets, and the safety net under it."""

from collections.abc import Mapping, Sequence
from math import inf

from .intents import understand
from .knowledge import Group, Knowledge
from .model import LEAN, Outcome, Stretch
from .patterns import Match
from .phrases import Found
from .plain import Plain, plain
from .values import (
    YES_OR_NO,
    Evidence,
    Intent,
    IntentKind,
    Listener,
    Prompt,
    PromptKind,
    Reading,
    Tier,
    worst,
)

_SIGN = "sign_"
"""Concepts so named are signs of dysreflexia; two different ones are an emergency for a patient at risk (§3.3)."""

_LONGEST_ADMIN = 30
"""Tokens. A longer message has room for something the administrative words do not tell of."""

_ADMIN_MARGIN = -1.0
"""How far below raising the model must score an administrative message for the safety net to be spared."""

_REPLY_ORDER = ("ack_crisis", "ack_emergency", "ack_ad", "ack_urgent", "ack_review", "ack_unknown")
"""Among groups of the worst tier: a crisis line first, then the emergency text, since it carries both numbers."""


def read(text: str, listener: Listener, prompts: Sequence[Prompt], knowledge: Knowledge) -> Reading:
    """Understand and triage one inbound text.

    `prompts` are the questions still open, in any order. The tier only ever rises: from what the kind of message
    makes it (an answer or a courtesy is routine, anything else is for a human to read) by terms, patterns and the
    model; nothing found takes anything back. Structured answers other than "yes, something is new or worse" are
    graded elsewhere, against the patient's baseline. Never raises for any text.
    """
    message = plain(text, knowledge.variants, knowledge.compounds)
    forms = knowledge.spelling.forms(message)
    understood = understand(message, forms, listener, prompts, knowledge.answers)
    evidence = list(_answered(understood.intents, prompts))
    clinical = False
    margin = -inf
    if not understood.closed:
        concepts = knowledge.patterns.concepts(forms)
        terms = knowledge.terms.find(forms)
        matches = knowledge.patterns.matches(message, concepts)
        judged = _judged(message, concepts, listener, knowledge)
        margin = max((stretch.margin for outcome, stretch in judged if outcome.tier is Tier.URGENT), default=-inf)
        evidence += _from_terms(terms, message, listener, knowledge)
        evidence += _from_patterns([each for each in matches if not each.pattern.leans], message, listener, knowledge)
        evidence += _two_signs(terms, concepts, message, listener)
        leaning = [each for each in matches if each.pattern.leans]
        urgent = margin > (-LEAN if leaning else 0) or any(
            each.tier.severity >= Tier.URGENT.severity for each in evidence
        )
        if urgent:
            evidence += _from_patterns(leaning, message, listener, knowledge)
            evidence += _from_model(judged, message, listener, knowledge)
        clinical = any(name in knowledge.clinical for name in concepts)
    tier = worst(_least(understood.intents, understood.closed), *(each.tier for each in evidence))
    groups = tuple(name for name in knowledge.groups if any(each.group == name for each in evidence))
    admin = any(intent.kind is IntentKind.ADMIN for intent in understood.intents)
    spared = (
        admin and not evidence and not clinical and margin < _ADMIN_MARGIN and len(message.tokens) <= _LONGEST_ADMIN
    )
    return Reading(
        intents=understood.intents,
        tier=tier,
        groups=groups,
        evidence=tuple(evidence),
        reply=_reply(understood.intents, understood.closed, tier, evidence, listener, knowledge.groups),
        ask_safety_net=not spared and _unclear(understood.intents, tier, prompts),
        phone_patient=tier.severity >= Tier.URGENT.severity and _has(understood.intents, IntentKind.OPT_OUT),
    )


def _has(intents: Sequence[Intent], *kinds: IntentKind) -> bool:
    return any(intent.kind in kinds for intent in intents)


def _least(intents: Sequence[Intent], closed: bool) -> Tier:
    """What the kind of message makes it before its words are weighed (§3.2: what cannot be read is never routine)."""
    unreadable = any(
        (intent.kind is IntentKind.DIGIT and not intent.in_range)
        or (intent.kind in {IntentKind.YES, IntentKind.NO} and intent.prompt_id is None)
        for intent in intents
    )
    return Tier.ROUTINE if closed and not unreadable else Tier.REVIEW_SOON


def _answered(intents: Sequence[Intent], prompts: Sequence[Prompt]) -> list[Evidence]:
    kinds = {prompt.id: prompt.kind for prompt in prompts}
    return [
        Evidence(rule=f"answer:{kinds[intent.prompt_id]}:yes", tier=Tier.URGENT, matched="yes")
        for intent in intents
        if intent.kind is IntentKind.YES and intent.prompt_id in kinds and kinds[intent.prompt_id] in YES_OR_NO
    ]


def _tier(group: Group, listener: Listener) -> Tier:
    if group.tier_without_ad_risk is not None and not listener.ad_risk:
        return group.tier_without_ad_risk
    return group.tier


def _from_terms(terms: Sequence[Found], message: Plain, listener: Listener, knowledge: Knowledge) -> list[Evidence]:
    first = {(each.key, each.term): each for each in reversed(terms)}
    evidence = []
    for each in sorted(first.values(), key=lambda found: found.start):
        group = knowledge.groups[each.key]
        if group.pump_only and not listener.itb_pump:
            continue
        evidence.append(
            Evidence(
                rule=f"lexicon:{group.id}:{each.term}",
                group=group.id,
                tier=_tier(group, listener),
                matched=message.quote(each.start, each.end),
            )
        )
    return evidence


def _from_patterns(
    matches: Sequence[Match], message: Plain, listener: Listener, knowledge: Knowledge
) -> list[Evidence]:
    evidence = []
    for match in matches:
        group = knowledge.groups[match.pattern.group]
        if group.pump_only and not listener.itb_pump:
            continue
        evidence.append(
            Evidence(
                rule=f"pattern:{match.pattern.id}",
                group=group.id,
                tier=match.pattern.tier or _tier(group, listener),
                matched=message.quote(match.start, match.end),
            )
        )
    return evidence


def _two_signs(
    terms: Sequence[Found],
    concepts: Mapping[str, list[Found]],
    message: Plain,
    listener: Listener,
) -> list[Evidence]:
    """Two signs of dysreflexia together are an emergency at T6 or above, whatever each would be alone."""
    if not listener.ad_risk:
        return []
    signs: dict[str, Found] = {}
    for found in (each for each in terms if each.key in {"ad_sign", "ad_strong"}):
        signs.setdefault(found.term, found)
    kinds = {name: hits[0] for name, hits in concepts.items() if name.startswith(_SIGN)}
    together = max((list(signs.values()), list(kinds.values())), key=len)
    if len(together) < 2:
        return []
    quotes = sorted((each.start, message.quote(each.start, each.end)) for each in together)
    return [
        Evidence(
            rule="two_signs_of_dysreflexia",
            group="ad_sign",
            tier=Tier.EMERGENCY,
            matched=" + ".join(quote for _, quote in quotes),
        )
    ]


def _judged(
    message: Plain, concepts: Mapping[str, list[Found]], listener: Listener, knowledge: Knowledge
) -> list[tuple[Outcome, Stretch]]:
    """The classes of the model that mean something for this patient, each with its best stretch."""
    phrases = [each for hits in concepts.values() for each in hits]
    return [
        (outcome, stretch)
        for outcome, stretch in knowledge.model.stretches(message.tokens, phrases)
        if listener.ad_risk or not outcome.ad_risk_only
    ]


def _from_model(
    judged: Sequence[tuple[Outcome, Stretch]], message: Plain, listener: Listener, knowledge: Knowledge
) -> list[Evidence]:
    """What the model says of an urgent message."""
    raised = []
    for outcome, stretch in judged:
        if stretch.margin > 0:
            group = knowledge.groups[outcome.group] if outcome.group else None
            raised.append(
                Evidence(
                    rule=f"model:{outcome.name}",
                    group=outcome.group,
                    tier=_tier(group, listener) if group else outcome.tier,
                    matched=message.quote(stretch.start, stretch.end),
                    weight=round(stretch.margin, 3),
                )
            )
    return raised


def _reply(
    intents: Sequence[Intent],
    closed: bool,
    tier: Tier,
    evidence: Sequence[Evidence],
    listener: Listener,
    groups: Mapping[str, Group],
) -> str | None:
    if _has(intents, IntentKind.OPT_OUT):
        return "stop_confirm"
    if tier.severity >= Tier.URGENT.severity or (not closed and evidence):
        deciding = [each for each in evidence if each.tier is tier]
        # What names its group picks the text; the model alone does not know which of the emergencies it sees.
        deciding = [each for each in deciding if each.group] or deciding
        named = {_template(each, listener, groups) for each in deciding}
        return next(name for name in _REPLY_ORDER if name in named)
    if closed and tier is Tier.ROUTINE:
        if _has(intents, IntentKind.HELP):
            return "help"
        return "start_confirm" if _has(intents, IntentKind.OPT_IN) else None
    if _has(intents, IntentKind.RESCHEDULE):
        return "appt_resched_ack"
    return "ack_unknown"


def _template(each: Evidence, listener: Listener, groups: Mapping[str, Group]) -> str:
    if each.rule == "two_signs_of_dysreflexia":
        return "ack_ad"
    if each.group is None:
        return {Tier.EMERGENCY: "ack_emergency", Tier.URGENT: "ack_urgent"}.get(each.tier, "ack_review")
    group = groups[each.group]
    if each.tier is not group.tier:
        return "ack_urgent"
    # First-aid words are for those it may happen to; for others the emergency text stands (§3.4).
    return "ack_emergency" if group.reply == "ack_ad" and not listener.ad_risk else group.reply


def _unclear(intents: Sequence[Intent], tier: Tier, prompts: Sequence[Prompt]) -> bool:
    """Whether the closed question is due: words, or a yes to nothing, below urgent, and not asked already."""
    if tier.severity >= Tier.URGENT.severity or _has(intents, IntentKind.OPT_OUT):
        return False
    if any(prompt.kind is PromptKind.SAFETY_NET for prompt in prompts):
        return False
    unprompted = any(intent.kind is IntentKind.YES and intent.prompt_id is None for intent in intents)
    return unprompted or _has(intents, IntentKind.TEXT)
