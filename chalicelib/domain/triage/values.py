"""The nouns of triage: what it is told about the patient, what was asked, and what it understood."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Tier(StrEnum):
    """How soon a human must look (clinical reference §3.3). The order of the members is the order of severity."""

    ROUTINE = "routine"
    REVIEW_SOON = "review_soon"
    URGENT = "urgent"
    EMERGENCY = "emergency"

    @property
    def severity(self) -> int:
        return _SEVERITY[self]


_SEVERITY = {tier: at for at, tier in enumerate(Tier)}


def worst(*tiers: Tier) -> Tier:
    """The most severe of the tiers given; routine when there is none."""
    return max(tiers, key=lambda tier: tier.severity, default=Tier.ROUTINE)


class PromptKind(StrEnum):
    """Questions a patient may be answering."""

    CHECKIN_CHANGE = "checkin_change"
    CHECKIN_PSFS = "checkin_psfs"
    CHECKIN_SEVERITY = "checkin_severity"
    CHECKIN_SKIN = "checkin_skin"
    CHECKIN_MEDS = "checkin_meds"
    HOME_PROGRAM = "home_program"
    REFILL = "refill"
    APPOINTMENT = "appointment"
    SAFETY_NET = "safety_net"


DIGITS: dict[PromptKind, range] = {
    PromptKind.CHECKIN_PSFS: range(5),
    PromptKind.CHECKIN_SEVERITY: range(1, 4),
    PromptKind.CHECKIN_SKIN: range(1, 5),
    PromptKind.CHECKIN_MEDS: range(1, 4),
    PromptKind.HOME_PROGRAM: range(8),
    PromptKind.REFILL: range(1, 3),
}
"""The digits each question takes (clinical reference §3.1)."""

YES_OR_NO = frozenset({PromptKind.CHECKIN_CHANGE, PromptKind.SAFETY_NET})
"""Questions of the form "is anything new or worse?": to both, yes is urgent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A question still open for this patient. The caller leaves out those older than the answer's time to live."""

    id: str
    kind: PromptKind
    asked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """The few facts about the patient that change what a text means.

    `ad_risk` defaults to true because a patient whose level is not on file may be at risk of dysreflexia
    (injury at T6 or above). `country` is carried for the caller's choice of emergency number; it moves no tier.
    """

    ad_risk: bool = True
    itb_pump: bool = False
    oral_baclofen: bool = False
    language: str = "en"
    country: str = "US"


class IntentKind(StrEnum):
    CONFIRM = "confirm"
    RESCHEDULE = "reschedule"
    DONE = "done"
    DIGIT = "digit"
    YES = "yes"
    NO = "no"
    OPT_OUT = "opt_out"
    POSSIBLE_OPT_OUT = "possible_opt_out"
    """Begins like an opt-out but may mean something else: staff ask; nothing is suppressed."""
    OPT_IN = "opt_in"
    HELP = "help"
    COURTESY = "courtesy"
    ADMIN = "admin"
    WRONG_PERSON = "wrong_person"
    ACK = "ack"
    """A staff member acknowledging a task by its code. Whether the sender is staff is the caller's question."""
    TEXT = "text"
    """Words a human has to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One thing the patient means. `value` is the digit or the task code; `prompt_id` the question it answers."""

    kind: IntentKind
    value: int | None = None
    prompt_id: str | None = None
    in_range: bool = True
    """False when a digit fits none of the open questions: one clarifying text, then the staff queue (§3.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Why a tier was reached, in a form that can be stored and shown beside the message.

    `rule` names the entry of the data files (`lexicon:neuro_change:numb`, `pattern:limb_fails`, `model:urgent`);
    `matched` is the stretch of the normalised message it saw; `weight` is the model's score above its threshold.
    It quotes the patient, so it is stored with the message and never logged.
    """

    rule: str
    tier: Tier
    matched: str
    group: str | None = None
    weight: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Everything understood from one inbound text.

    `reply` names a template of the message copy. It is None when the flow that owns the answered question replies
    (confirm, digits, yes and no) or when nothing should be sent (courtesy).
    `phone_patient` is true when the patient opted out and is in danger at once: nothing more can be texted to them,
    so staff must telephone.
    """

    intents: tuple[Intent, ...]
    tier: Tier
    groups: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    reply: str | None
    ask_safety_net: bool
    phone_patient: bool

    def has(self, kind: IntentKind) -> bool:
        return any(intent.kind is kind for intent in self.intents)

    def first(self, kind: IntentKind) -> Intent | None:
        return next((intent for intent in self.intents if intent.kind is kind), None)
