"""Erase: everything personal of one patient goes, at once and for good; what the law and the books need stays.

What stays: consents (which permitted every message), the audit, a hashed entry that keeps the number from being
texted, and how many messages went out. None of it holds a name, a number, an address or a text. Copies of the table
for disaster recovery keep what they hold for 35 days.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.delivery import Reminder, Status
from chalicelib.domain.local_time import local_date, zone
from chalicelib.service.change import TRIES, Contended
from chalicelib.service.chart import Audit, Chart
from chalicelib.service.conversation import Message
from chalicelib.service.ports import Queue, QueueMessage

SWEPT_AGAIN_S = 900
"""A message that had been claimed just before is recorded with its text just after; this is long past that."""


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


def empty() -> Tally:
    return Tally(messages=Counter(), segments=Counter())


def count_reminder(tally: Tally, reminder: Reminder, timezone: str) -> None:
    if reminder.status is Status.SETTLED or not reminder.is_complete:
        return
    day = local_date(reminder.sent_at or reminder.claimed_at, zone(timezone)).isoformat()
    _count(tally, Sent(day, reminder.kind, reminder.channel.value, reminder.status.value), reminder.segments)


def count_message(tally: Tally, message: Message, timezone: str, segments: Callable[[str], int]) -> None:
    if message.inbound:
        return
    day = local_date(message.at, zone(timezone)).isoformat()
    parts = segments(message.text) if message.channel.value == "sms" else 1
    _count(tally, Sent(day, message.kind, message.channel.value, message.status), parts)


def _count(tally: Tally, what: Sent, segments: int) -> None:
    tally.messages[what] += 1
    # A text that was refused was not billed; one whose fate is unknown may have been.
    if what.state not in ("failed", "sending"):
        tally.segments[what] += max(1, segments)


class Records(Protocol):
    """Everything that is held on one patient, as it lies in the table."""

    def remove_facts(self, chart: Chart, audit: Audit) -> bool:
        """In one transaction: facts and cursor go, the numbers are held from being texted, the audit says so. False
        when the chart has changed since it was read."""

    def is_being_erased(self, clinic_id: str, patient_id: str) -> bool:
        """Whether an erasure began that has not come to its end."""

    def sweep(self, clinic_id: str, patient_id: str, timezone: str) -> int:
        """Removes what is left but consents, counting the messages among it; how many items went. Nothing happens
        where the patient has been enrolled anew meanwhile."""


def erase(
    records: Records,
    queue: Queue,
    load: Callable[[], Chart | None],
    timezone: str,
    audit: Audit,
    later: Callable[[str, str], str],
) -> bool:
    """Erases the patient; False where there is none. Asked again after a crash, it goes on from there."""
    for _ in range(TRIES):
        chart = load()
        if chart is None:
            if not records.is_being_erased(audit.clinic_id, audit.patient_id):
                return False
            break
        _queue_sweep(queue, audit, later)
        if records.remove_facts(chart, audit):
            break
    else:
        raise Contended
    records.sweep(audit.clinic_id, audit.patient_id, timezone)
    return True


def _queue_sweep(queue: Queue, audit: Audit, later: Callable[[str, str], str]) -> None:
    """First of all, so that a crash after the facts have gone leaves nothing behind for good."""
    message = QueueMessage(body=later(audit.clinic_id, audit.patient_id), delay_s=SWEPT_AGAIN_S, group=audit.clinic_id)
    queue.send([message])


def total(tallies: Sequence[Tally]) -> Tally:
    found = empty()
    for each in tallies:
        found.messages.update(each.messages)
        found.segments.update(each.segments)
    return found
