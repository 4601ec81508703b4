"""Tally: what a message counts as, and how many there were."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from chalicelib.domain.delivery import Reminder, Status
from chalicelib.domain.local_time import local_date, zone
from chalicelib.service.conversation import Message


@dataclass(frozen=True, slots=True, order=True)
class Sent:
    """What one message counts as: its local day at the clinic, kind, channel and state."""

    day: str
    kind: str
    channel: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many messages, and how many parts the carrier billed."""

    messages: Counter[Sent]
    segments: Counter[Sent]

    def within(self, start: date, end: date) -> "Tally":
        """What of it falls on the days from `start` to `end`, both included."""
        found = empty()
        for what, number in self.messages.items():
            if start.isoformat() <= what.day <= end.isoformat():
                found.messages[what] = number
                found.segments[what] = self.segments[what]
        return found


def empty() -> Tally:
    return Tally(messages=Counter(), segments=Counter())


def total(tallies: Iterable[Tally]) -> Tally:
    found = empty()
    for each in tallies:
        found.messages.update(each.messages)
        found.segments.update(each.segments)
    return found


def count_reminder(tally: Tally, reminder: Reminder, timezone: str) -> None:
    if reminder.status is Status.SETTLED or not reminder.is_complete:
        return
    day = local_date(reminder.sent_at or reminder.claimed_at, zone(timezone)).isoformat()
    _count(tally, Sent(day, reminder.kind, reminder.channel.value, _state(reminder.status)), reminder.segments)


def count_message(tally: Tally, message: Message, timezone: str, segments: Callable[[str], int]) -> None:
    if message.inbound:
        return
    day = local_date(message.at, zone(timezone)).isoformat()
    parts = segments(message.text) if message.channel.value == "sms" else 1
    _count(tally, Sent(day, message.kind, message.channel.value, _state(message.status)), parts)


def _state(status: str) -> str:
    return Status.FAILED.value if status == Status.UNREACHED else str(status)


def _count(tally: Tally, what: Sent, segments: int) -> None:
    tally.messages[what] += 1
    # A text that was refused was not billed; one whose fate is unknown may have been.
    if what.state not in ("failed", "sending"):
        tally.segments[what] += max(1, segments)
