"""What the providers refuse, from their service models (`pinpoint-sms-voice-v2` 2022-03-31, `sesv2` 2019-09-27).

botocore checks only types and minima, so that a body of 2,000 letters or a tag with a dot in it fails in production
and nowhere before, if nothing here refuses it.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
_IDENTITY = re.compile(r"[A-Za-z0-9_:/+-]{1,256}")
_PRICE = re.compile(r"[0-9]{0,2}\.[0-9]{1,5}")
_CONTEXT_KEY = re.compile(r"\S{1,100}")
_CONTEXT_VALUE = re.compile(r"(?!\s)[\s\S]{1,800}(?<!\s)")
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
_ADDRESS = re.compile(r"[\x21-\x7e]{1,64}@[A-Za-z0-9.-]{1,255}")
_HEADER_NAME = re.compile(r"[!-9;-@A-~]{1,126}")
_HEADER_VALUE = re.compile(r"[ -~]{1,995}")


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error as the provider words it."""

    code: str
    message: str
    status: int = 400
    detail: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_field(cls, name: str, reason: str) -> Self:
        fields = [{"Name": name, "Message": f"{name} is invalid"}]
        return cls("ValidationException", f"{name} is invalid", 400, {"Reason": reason, "Fields": fields})

    @classmethod
    def of_conflict(cls, reason: str, resource: str) -> Self:
        detail = {"Reason": reason, "ResourceType": resource}
        return cls("ConflictException", "The request conflicts with the resource's state", 400, detail)


def check_text(request: Mapping[str, Any], opted_out: set[str]) -> Refusal | None:
    """Why SendTextMessage refuses this, or None."""
    to, body = request.get("DestinationPhoneNumber"), request.get("MessageBody")
    identity = request.get("OriginationIdentity")
    context = request.get("Context") or {}
    ttl, price = request.get("TimeToLive"), request.get("MaxPrice")
    bad = {
        "DestinationPhoneNumber": not _is(_E164, to),
        "MessageBody": not isinstance(body, str) or not body.strip() or len(body) > 1600,
        "OriginationIdentity": identity is not None and not _is(_IDENTITY, identity),
        "MessageType": request.get("MessageType", "TRANSACTIONAL") not in ("TRANSACTIONAL", "PROMOTIONAL"),
        "TimeToLive": ttl is not None and not 5 <= ttl <= 259_200,
        "MaxPrice": price is not None and not _is(_PRICE, price),
        "Context": len(context) > 5
        or not all(_is(_CONTEXT_KEY, key) and _is(_CONTEXT_VALUE, value) for key, value in context.items()),
    }
    for name, is_bad in bad.items():
        if is_bad:
            return Refusal.of_field(name, "FIELD_VALIDATION_FAILED")
    if identity is None:
        return Refusal.of_conflict("NO_ORIGINATION_IDENTITIES_FOUND", "phone-number")
    if to in opted_out:
        return Refusal.of_conflict("DESTINATION_PHONE_NUMBER_OPTED_OUT", "opted-out-number")
    return None


def check_email(request: Mapping[str, Any]) -> Refusal | None:
    """Why SendEmail refuses this, or None."""
    problem = _email_problem(request)
    return None if problem is None else Refusal("BadRequestException", problem)


def _email_problem(request: Mapping[str, Any]) -> str | None:
    simple = (request.get("Content") or {}).get("Simple")
    if simple is None:
        return "Only simple content is simulated here."
    to = (request.get("Destination") or {}).get("ToAddresses") or []
    if len(to) != 1:
        return "One recipient a message is what is simulated here."
    for address in (request.get("FromEmailAddress"), *to):
        if not isinstance(address, str) or not _is(_ADDRESS, address.rpartition("<")[2].rstrip(">")):
            return "Illegal address"
    subject = (simple.get("Subject") or {}).get("Data")
    if not subject or "\n" in subject or "\r" in subject:
        return "Subject is missing or not one line"
    if not (simple.get("Body") or {}):
        return "Body needs a text or an HTML part"
    for tag in request.get("EmailTags") or []:
        for part in ("Name", "Value"):
            if not _is(_TAG, tag.get(part)):
                allowed = "only alphanumeric ASCII characters, '_', and '-' are allowed."
                return f"Invalid tag {part.lower()} <{tag.get(part)}>: {allowed}"
    headers = simple.get("Headers") or []
    if len(headers) > 15:
        return "More than 15 headers"
    for header in headers:
        if not (_is(_HEADER_NAME, header.get("Name")) and _is(_HEADER_VALUE, header.get("Value"))):
            return "Invalid header"
    return _attachment_problem(simple.get("Attachments") or [])


def _attachment_problem(attachments: list[Mapping[str, Any]]) -> str | None:
    for attachment in attachments:
        try:
            base64.b64decode(attachment.get("RawContent") or "", validate=True)
        except binascii.Error:
            return "Attachment is not base64"
        if not attachment.get("FileName") or len(attachment["FileName"]) > 255:
            return "Attachment without a name, or with one too long"
    return None


def _is(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None
