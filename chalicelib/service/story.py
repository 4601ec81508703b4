"""Story: what became of a reminder, attempt by attempt and channel by channel, in words a nurse understands."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from chalicelib.domain.cursor import Outcome
from chalicelib.domain.delivery import LOST, Reminder, Status
from chalicelib.domain.occurrence import Reason
from chalicelib.domain.patient import Channel
from chalicelib.service.chart import Task
from chalicelib.service.conversation import Message
from chalicelib.service.elsewhere import FALLBACK, undelivered_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What was done beside the reminders themselves, by reminder."""

    instead: Mapping[str, Message]
    """What one channel could not deliver and the other said, by the reminder's id."""
    tasks: frozenset[str]
    tz: ZoneInfo

    @classmethod
    def of(cls, said: Iterable[Message], tasks: Iterable[Task], tz: ZoneInfo) -> "Beside":
        instead = {m.cause: m for m in said if not m.inbound and m.kind.endswith(FALLBACK)}
        return cls(instead=instead, tasks=frozenset(t.id for t in tasks), tz=tz)


def why(reminder: Reminder, outcome: Outcome, beside: Beside) -> Reason:
    """Why an occurrence that a reminder carried stands as it does: the rule that sent it, or what went wrong on the
    way and what was done about it."""
    if reminder.detail == LOST:
        lost = Reason(LOST, "the table was restored, and its record lost; whether it went out is not known")
        return lost if reminder.status is Status.UNKNOWN else Reason(outcome.rule, outcome.detail)
    instead = beside.instead.get(reminder.id)
    if not (_went_wrong(reminder) or instead):
        return Reason(outcome.rule, outcome.detail)
    parts = [_first(reminder), _again(reminder, beside.tz), _instead(instead, beside.tz)]
    if undelivered_id(reminder) in beside.tasks:
        parts.append("staff were asked to phone")
    return Reason("provider", "; ".join(part for part in parts if part))


def _went_wrong(reminder: Reminder) -> bool:
    return bool(reminder.detail) and reminder.status is not Status.SENT


def _first(reminder: Reminder) -> str:
    by = _CHANNEL[reminder.channel]
    if not reminder.detail:
        return f"the provider cannot say whether the {by} arrived"
    said = next((words for code, words in _PROVIDER_SAYS.items() if reminder.detail.startswith(code)), "")
    return f"the {by} did not arrive: {said or 'the provider did not deliver it'} ({reminder.detail})"


def _again(reminder: Reminder, tz: ZoneInfo) -> str:
    if reminder.again_at is None:
        match reminder.status:
            case Status.UNREACHED:
                return "it is sent once more two hours later while it is of use"
            case Status.DELIVERED if reminder.delivered_at:
                return f"it arrived after all, on {_clock(reminder.delivered_at, tz)}"
        return ""
    once_more = f"sent once more on {_clock(reminder.again_at, tz)}"
    match reminder.status:
        case Status.DELIVERED:
            return f"{once_more}, and arrived"
        case Status.FAILED | Status.UNREACHED:
            return f"{once_more}, and did not arrive either"
        case Status.UNKNOWN:
            return f"{once_more}; whether that arrived is not known"
    return f"{once_more}; whether that arrived is not known yet"


def _instead(message: Message | None, tz: ZoneInfo) -> str:
    if message is None:
        return ""
    by = f"the same went by {_CHANNEL[message.channel]} on {_clock(message.at, tz)}"
    match message.status:
        case Status.DELIVERED:
            return f"{by}, and arrived"
        case Status.SENT:
            return f"{by}; the provider took it, and has not said yet whether it arrived"
        case Status.FAILED | Status.UNREACHED:
            return f"{by}, and did not arrive either ({message.detail})"
    return f"{by}; whether that arrived is not known"


def _clock(at: datetime, tz: ZoneInfo) -> str:
    return f"{at.astimezone(tz):%Y-%m-%d %H:%M}"


_CHANNEL = {Channel.SMS: "text", Channel.EMAIL: "e-mail"}

_PROVIDER_SAYS = {
    "TEXT_UNREACHABLE": "the phone was off or out of reach",
    "TEXT_CARRIER_UNREACHABLE": "the phone's carrier could not be reached",
    "TEXT_TTL_EXPIRED": "it could not be delivered while it was of use",
    "TEXT_BLOCKED": "the phone blocks the clinic's number",
    "TEXT_INVALID_MESSAGE": "the provider refused the words",
    "TEXT_INVALID": "there is no such number",
    "TEXT_CARRIER_BLOCKED": "the carrier filtered it",
    "TEXT_SPAM": "the carrier filtered it",
    "TEXT_PROTECT_BLOCKED": "a protection rule of the account holds it back",
    "Bounce:Permanent": "there is no such mailbox, or it takes nothing",
    "Bounce": "the mailbox did not take it this time",
    "Reject": "the provider refused the words",
    "Rendering Failure": "the provider could not make the e-mail",
}
