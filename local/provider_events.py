"""What the providers report about a message, in their own shapes (AWS End User Messaging user guide, "Message events";
Amazon SES developer guide, "Examples of event data that Amazon SES publishes to Amazon SNS").
"""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from local.aws import ACCOUNT, REGION
from local.clock import millis, parse, wire

Event = dict[str, Any]

_SMS_STATUS = {
    "TEXT_QUEUED": "Message has been accepted for delivery",
    "TEXT_PENDING": "Message is in progress",
    "TEXT_SUCCESSFUL": "Message has been accepted by phone carrier",
    "TEXT_DELIVERED": "Message has been delivered to the handset",
    "TEXT_UNREACHABLE": "The handset is off or out of coverage",
    "TEXT_CARRIER_UNREACHABLE": "The phone carrier is currently unreachable",
    "TEXT_TTL_EXPIRED": "The message could not be delivered within its time to live",
    "TEXT_BLOCKED": "The handset blocks this sender",
    "TEXT_CARRIER_BLOCKED": "The phone carrier has blocked this message",
    "TEXT_SPAM": "The phone carrier considers this message spam",
    "TEXT_INVALID": "The destination phone number is invalid",
    "TEXT_INVALID_MESSAGE": "The message body is invalid",
    "TEXT_PROTECT_BLOCKED": "A protect configuration blocks this destination",
    "TEXT_UNKNOWN": "The phone carrier gave no final status",
}
_NOT_FINAL = ("TEXT_QUEUED", "TEXT_PENDING")
SMS_EVENTS = tuple(_SMS_STATUS)

_BOUNCE = {"action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}
_DELAY = {"status": "4.4.1", "diagnosticCode": "smtp; 421 4.4.1 Unable to connect to remote host"}
EMAIL_EVENTS = ("Send", "Delivery", "Bounce", "Complaint", "Reject", "DeliveryDelay", "Open", "Click",
                "Rendering Failure", "Subscription")  # fmt: skip


def events_of(channel: str) -> tuple[str, ...]:
    return SMS_EVENTS if channel == "sms" else EMAIL_EVENTS


def event(sent: Mapping[str, Any], kind: str, at: datetime) -> Event:
    """The provider's report `kind` about a message of the outbox. Raises `ValueError` for one it does not make."""
    if kind not in events_of(sent["channel"]):
        raise ValueError(f"an {sent['channel']} provider reports {', '.join(events_of(sent['channel']))}")
    return _sms(sent, kind, at) if sent["channel"] == "sms" else _email(sent, kind, at)


def _sms(sent: Mapping[str, Any], kind: str, at: datetime) -> Event:
    return {
        "eventType": kind,
        "eventVersion": "1.0",
        "eventTimestamp": millis(at),
        "isFinal": kind not in _NOT_FINAL,
        "originationPhoneNumber": sent["from"],
        "destinationPhoneNumber": sent["to"],
        "isInternationalSend": False,
        "mcc": "310",
        "mnc": "800",
        "messageId": sent["provider_message_id"],
        "messageRequestTimestamp": millis(parse(sent["sent_at"])),
        "messageEncoding": "GSM" if sent["encoding"] == "GSM-7" else "Unicode",
        "messageType": "TRANSACTIONAL",
        "messageStatus": kind.removeprefix("TEXT_"),
        "messageStatusDescription": _SMS_STATUS[kind],
        "context": sent["context"],
        "totalMessageParts": sent["segments"],
        "totalMessagePrice": round(0.0083 * sent["segments"], 5),
        "totalCarrierFee": 0.0,
    }


def _email(sent: Mapping[str, Any], kind: str, at: datetime) -> Event:
    field = kind[0].lower() + kind[1:]
    if kind == "Rendering Failure":
        field = "failure"
    return {"eventType": kind, "mail": _mail(sent), field: _detail(sent, kind, at)}


def _mail(sent: Mapping[str, Any]) -> dict[str, Any]:
    address = sent["from"].rpartition("<")[2].rstrip(">")
    domain = address.rpartition("@")[2]
    headers = {"From": sent["from"], "To": sent["to"], "Subject": sent["subject"], **sent["headers"]}
    return {
        "timestamp": wire(parse(sent["sent_at"]), millis=True),
        "source": sent["from"],
        "sourceArn": f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/{domain}",
        "sendingAccountId": ACCOUNT,
        "messageId": sent["provider_message_id"],
        "destination": [sent["to"]],
        "headersTruncated": False,
        "headers": [{"name": name, "value": value} for name, value in headers.items()],
        "commonHeaders": {
            "from": [sent["from"]],
            "to": [sent["to"]],
            "messageId": sent["provider_message_id"],
            "subject": sent["subject"],
        },
        "tags": {
            "ses:configuration-set": [sent["configuration_set"]],
            "ses:source-ip": ["192.0.2.0"],
            "ses:from-domain": [domain],
            "ses:caller-identity": ["ranvier-local"],
            **{name: [value] for name, value in sent["context"].items()},
        },
    }


def _detail(sent: Mapping[str, Any], kind: str, at: datetime) -> dict[str, Any]:
    stamp, to = wire(at, millis=True), sent["to"]
    feedback = f"0100{uuid.uuid4()}-000000"
    match kind:
        case "Bounce":
            return {
                "bounceType": "Permanent",
                "bounceSubType": "General",
                "bouncedRecipients": [{"emailAddress": to, **_BOUNCE}],
                "timestamp": stamp,
                "feedbackId": feedback,
                "reportingMTA": "dsn; mta.example.com",
            }
        case "Complaint":
            return {
                "complainedRecipients": [{"emailAddress": to}],
                "timestamp": stamp,
                "feedbackId": feedback,
                "userAgent": "local",
                "complaintFeedbackType": "abuse",
                "arrivalDate": stamp,
            }
        case "Delivery":
            return {
                "timestamp": stamp,
                "processingTimeMillis": millis(at) - millis(parse(sent["sent_at"])),
                "recipients": [to],
                "smtpResponse": "250 2.6.0 Message received",
                "reportingMTA": "mta.example.com",
            }
        case "DeliveryDelay":
            return {
                "timestamp": stamp,
                "delayType": "TransientCommunicationFailure",
                "expirationTime": wire(at + timedelta(hours=14), millis=True),
                "delayedRecipients": [{"emailAddress": to, **_DELAY}],
            }
        case "Reject":
            return {"reason": "Bad content"}
        case "Rendering Failure":
            return {
                "errorMessage": "Attribute 'name' is not present in the rendering data.",
                "templateName": "t",
            }
        case "Open" | "Click":
            return {"timestamp": stamp, "ipAddress": "192.0.2.1", "userAgent": "local"}
        case _:
            return {}
