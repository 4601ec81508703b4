"""Reading what patients write: intents, tier, evidence. See docs/triage.md."""

from .knowledge import Knowledge
from .reading import read
from .values import (
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

__all__ = [
    "Evidence",
    "Intent",
    "IntentKind",
    "Knowledge",
    "Listener",
    "Prompt",
    "PromptKind",
    "Reading",
    "Tier",
    "read",
    "worst",
]
