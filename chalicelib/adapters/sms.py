"""Texts through AWS End User Messaging."""

from typing import Any

from chalicelib.adapters.asked_once import Line
from chalicelib.service.ports import NotSent, Outcome, Sms, SmsProvider

_TTL_S = (5, 259_200)

_OPTED_OUT = "DESTINATION_PHONE_NUMBER_OPTED_OUT"
# Reasons that speak of the number, in ConflictException and ValidationException alike. All others speak of
# us: an error of ours that came back as "permanent" would strike every patient's number off.
_DESTINATION = frozenset(
    {
        _OPTED_OUT,
        "DESTINATION_COUNTRY_BLOCKED",
        "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION",
        "DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE",
        "INTERNATIONAL_SENDING_NOT_SUPPORTED",
        "INVALID_IDENTITY_FOR_DESTINATION_COUNTRY",
        "PRICE_OVER_THRESHOLD",
    }
)

# The account itself is shut, whoever is written to.
_ACCOUNT = frozenset({"ACCOUNT_DISABLED", "INSUFFICIENT_ACCOUNT_REPUTATION"})


class EndUserMessaging(SmsProvider):
    """The carrier's door. `client` is for `pinpoint-sms-voice-v2`, must ask at most once, and is used by one
    thread at a time."""

    def __init__(self, client: Any, configuration_set: str) -> None:
        self._line = Line(client)
        self._configuration_set = configuration_set

    def send(self, sms: Sms) -> Outcome:
        if len(sms.context) > 5:
            raise ValueError("a text carries at most five context pairs")
        request: dict[str, Any] = {
            "DestinationPhoneNumber": sms.to,
            "OriginationIdentity": sms.origination,
            "MessageBody": sms.text,
            "MessageType": "TRANSACTIONAL",
            "ConfigurationSetName": self._configuration_set,
            "TimeToLive": min(max(sms.time_to_live_s, _TTL_S[0]), _TTL_S[1]),
        }
        if sms.context:
            request["Context"] = dict(sms.context)
        if sms.max_price is not None:
            request["MaxPrice"] = sms.max_price
        return self._line.ask("send_text_message", request, _refusal)


def _refusal(code: str, body: dict[str, Any]) -> NotSent:
    reason = body.get("Reason")
    full = f"{code}:{reason}" if reason else code
    if code == "ThrottlingException":
        return NotSent(code=full, retry=True)
    if code == "ServiceQuotaExceededException" or reason in _ACCOUNT:
        return NotSent(code=full, account=True)
    return NotSent(
        code=full,
        permanent=reason in _DESTINATION or _names_destination(body),
        opted_out=reason == _OPTED_OUT,
    )


def _names_destination(body: dict[str, Any]) -> bool:
    """Whether a ValidationException complains of the number alone: not a telephone number at all."""
    fields = [field.get("Name") for field in body.get("Fields", [])]
    return fields == ["DestinationPhoneNumber"]
