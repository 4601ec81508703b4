"""Receipts: what a provider says became of a message, read from the provider's own shapes.

What is not needed is not asked for, and what is not known is passed over: providers add fields and kinds of events as
they like. What is no event at all raises `ValueError` or `KeyError`, and ends on the dead-letter queue.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from chalicelib.domain.delivery import Event
from chalicelib.domain.patient import Channel
from chalicelib.domain.provider_context import About, read_context

SMS_EVENTS = {
    "TEXT_QUEUED": Event.ACCEPTED,
    "TEXT_PENDING": Event.ACCEPTED,
    "TEXT_SUCCESSFUL": Event.DELIVERED,
    "TEXT_DELIVERED": Event.DELIVERED,
    "TEXT_UNREACHABLE": Event.UNREACHED,
    "TEXT_CARRIER_UNREACHABLE": Event.UNREACHED,
    "TEXT_TTL_EXPIRED": Event.UNDELIVERED,
    "TEXT_BLOCKED": Event.UNDELIVERED,
    "TEXT_CARRIER_BLOCKED": Event.UNDELIVERED,
    "TEXT_SPAM": Event.UNDELIVERED,
    "TEXT_INVALID": Event.UNDELIVERED,
    "TEXT_INVALID_MESSAGE": Event.UNDELIVERED,
    "TEXT_PROTECT_BLOCKED": Event.UNDELIVERED,
    "TEXT_UNKNOWN": Event.ACCEPTED,
}
"""End User Messaging's event types (clinical reference §7.2). TEXT_SENT stands in the enumeration but never comes."""

EMAIL_EVENTS = {
    "Send": Event.ACCEPTED,
    "Delivery": Event.DELIVERED,
    "Bounce": Event.UNDELIVERED,
    "Reject": Event.UNDELIVERED,
    "Rendering Failure": Event.UNDELIVERED,
    "Complaint": Event.DELIVERED,
    "DeliveryDelay": Event.ACCEPTED,
}
"""SES event types (clinical reference §7.4). A complaint is about something that arrived."""

ADDRESS_IS_BAD = {"TEXT_INVALID", "TEXT_BLOCKED", "Bounce:Permanent"}
"""These say that nothing will ever arrive at the address; the others speak of this time, or of the copy."""

NEVER_KNOWN = "TEXT_UNKNOWN"
"""No carrier will say what became of it."""

_GREETING = "Successfully validated SNS topic"
"""What SES says to a topic once, when it is set up; it is no event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One provider event."""

    about: About
    event: Event
    code: str
    """The provider's word for a failure; empty where there is none to explain."""
    provider_id: str
    at: datetime
    channel: Channel
    address: str = field(default="", repr=False)
    """Whom it was sent to, where the event says so."""
    address_is_bad: bool = False
    complained: bool = False
    never_known: bool = False

    @property
    def failed(self) -> bool:
        return self.event in (Event.UNDELIVERED, Event.UNREACHED)


def read_receipt(body: str, now: datetime) -> Receipt | None:
    """The receipt in a queue message: an SNS envelope around a provider's event. None for events that change nothing
    or are about nothing of ours. `now` stands in where the event does not say when it happened."""
    raw = json.loads(body)
    if "Message" in raw:
        if str(raw["Message"]).startswith(_GREETING):
            return None
        raw = json.loads(raw["Message"])
    if "notificationType" in raw:
        # Feedback of the sending identity itself: it carries no tags, and the same is told by an event that does.
        return None
    return _email(raw, now) if "mail" in raw else _sms(raw, now)


def _sms(raw: Mapping[str, Any], now: datetime) -> Receipt | None:
    kind = raw["eventType"]
    about, event = read_context(raw.get("context") or {}), SMS_EVENTS.get(kind)
    if about is None or event is None:
        return None
    stamp = raw.get("eventTimestamp")
    failed = event in (Event.UNDELIVERED, Event.UNREACHED)
    return Receipt(
        about=about,
        event=event,
        code=kind if failed else "",
        provider_id=str(raw.get("messageId") or ""),
        at=datetime.fromtimestamp(stamp / 1000, UTC).replace(microsecond=0) if stamp else now,
        channel=Channel.SMS,
        address=str(raw.get("destinationPhoneNumber") or ""),
        address_is_bad=kind in ADDRESS_IS_BAD,
        never_known=kind == NEVER_KNOWN,
    )


def _email(raw: Mapping[str, Any], now: datetime) -> Receipt | None:
    mail, kind = raw["mail"], raw["eventType"]
    tags = {name: values[0] for name, values in (mail.get("tags") or {}).items() if values}
    about, event = read_context(tags), EMAIL_EVENTS.get(kind)
    if about is None or event is None:
        return None
    told: Mapping[str, Any] = next((raw[key] for key in ("bounce", "complaint", "delivery") if raw.get(key)), {})
    # A bounce of a kind we do not know counts as one of this time only.
    code = f"Bounce:{told.get('bounceType', 'Undetermined')}" if kind == "Bounce" else kind
    stamp = told.get("timestamp") or mail.get("timestamp")
    return Receipt(
        about=about,
        event=event,
        code=code if event is Event.UNDELIVERED else "",
        provider_id=str(mail.get("messageId") or ""),
        at=datetime.fromisoformat(stamp).replace(microsecond=0) if stamp else now,
        channel=Channel.EMAIL,
        # Every e-mail has one addressee; the recipients in a complaint may be all of a domain's.
        address=next(iter(mail.get("destination") or ()), ""),
        address_is_bad=code in ADDRESS_IS_BAD,
        complained=kind == "Complaint",
    )
