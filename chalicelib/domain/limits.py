"""A clinic's limits: how many messages a day, and how much money a month. And what waits when one is reached, or for
other reasons.

They are there for what nobody meant: a key that was stolen, a plan that asks daily, a list enrolled twice. So they hold
back what can wait and nothing else: safety messages, answers to patients and pages to staff always go.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from .clinic import Clinic
from .danger import SILENCED
from .facts import Facts
from .local_time import DAY, instant, local_date, zone
from .occurrence import Entry, Rank, Reason
from .patient import Category, Channel

MILLION = 1_000_000
"""Money is summed in millionths of a dollar: an e-mail costs a hundred of them, and sums of whole numbers are exact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What a clinic's messages come to: of its local day, and of its local month."""

    messages: int = 0
    cost: int = 0
    """Millionths of a dollar, at the clinic's prices at the time."""

    def plus(self, other: "Used") -> "Used":
        return Used(messages=self.messages + other.messages, cost=self.cost + other.cost)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Why messages that could go now are not to, and until when."""

    reason: Reason
    until: datetime
    channel: Channel | None = None
    """The one that is shut; None: all."""
    spares_safety: bool = False
    categories: Collection[Category] | None = None
    """The ones that wait; None: all."""

    def covers(self, entry: Entry) -> bool:
        if not entry.acts or entry.channel is Channel.TASK or entry.at >= self.until:
            return False
        if self.spares_safety and entry.occurrence.rank is Rank.SAFETY:
            return False
        if self.categories is not None and entry.occurrence.category not in self.categories:
            return False
        return self.channel in (None, entry.channel)


def silence(facts: Facts, now: datetime) -> tuple[Wait, ...]:
    """What keeps questions from a patient who has said something that cannot wait."""
    danger = facts.danger
    if danger is None or not danger.since <= now < danger.ends(now):
        return ()
    return (Wait(reason=danger.reason(facts.tz), until=danger.ends(now), categories=SILENCED),)


def earliest(facts: Facts, entry: Entry, waits: Iterable[Wait]) -> tuple[datetime, Wait | None]:
    """When the entry may happen at the earliest, and what it waits for until then, if for anything."""
    covering = max((wait for wait in waits if wait.covers(entry)), key=lambda wait: wait.until, default=None)
    if covering is None:
        return entry.at, None
    return facts.window.next_open(covering.until, facts.tz), covering


def cost(clinic: Clinic, channel: Channel, segments: int) -> int:
    """What a message costs the clinic, in millionths of a dollar."""
    if channel is Channel.EMAIL:
        return round(clinic.price_per_email * MILLION)
    return round(clinic.price_per_segment * MILLION) * segments


def reached(clinic: Clinic, used: Used, now: datetime) -> Wait | None:
    """The limit that the clinic has reached. What waits for the month's end is looked at again each morning, so that a
    limit that was raised frees it within a day."""
    tz = zone(clinic.timezone)
    today = local_date(now, tz)
    tomorrow = instant(today + DAY, time(0), tz)
    if used.cost >= round(clinic.spend_a_month * MILLION):
        ends = _next_month(today)
        detail = f"the clinic's limit of ${clinic.spend_a_month:g} a month is reached; the next month begins on {ends}"
        return Wait(reason=Reason(SPEND_A_MONTH, detail), until=tomorrow, spares_safety=True)
    if used.messages >= clinic.messages_a_day:
        ends = today + DAY
        detail = f"the clinic's limit of {clinic.messages_a_day} messages a day is reached; the next begins on {ends}"
        return Wait(reason=Reason(MESSAGES_A_DAY, detail), until=tomorrow, spares_safety=True)
    return None


MESSAGES_A_DAY = "messages_a_day"
SPEND_A_MONTH = "spend_a_month"
"""The limits' rules are the names of the settings that lift them."""


def period(clinic: Clinic, wait: Wait, now: datetime) -> str:
    """The local day or month that the limit is of."""
    today = local_date(now, zone(clinic.timezone)).isoformat()
    return today if wait.reason.rule == MESSAGES_A_DAY else today[:7]


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
