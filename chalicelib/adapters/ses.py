"""E-mail through Amazon SES."""

from typing import Any

from chalicelib.adapters.asked_once import Line
from chalicelib.service.ports import Attachment, Email, EmailProvider, NotSent, Outcome

_LATER = frozenset({"TooManyRequestsException", "ThrottlingException", "Throttling"})
_ACCOUNT = frozenset({"LimitExceededException", "AccountSuspendedException", "SendingPausedException"})

# SES tells of its daily quota (of any 24 hours) by the code of throttling; only the words are others.
_DAILY_QUOTA = "daily message quota exceeded"


class SimpleEmail(EmailProvider):
    """`client` is for `sesv2`, must ask at most once, and is used by one thread at a time.

    A refusal never counts against the address: SES refuses what is wrong on our side (an unverified sender, a
    paused account, a malformed request), and tells of bad addresses later, by bounce events.
    """

    def __init__(self, client: Any, configuration_set: str) -> None:
        self._line = Line(client)
        self._configuration_set = configuration_set

    def send(self, email: Email) -> Outcome:
        if len(email.headers) > 15:
            raise ValueError("SES takes at most fifteen headers")
        body = {"Text": _utf8(email.text)}
        if email.html is not None:
            body["Html"] = _utf8(email.html)
        message: dict[str, Any] = {"Subject": _utf8(email.subject), "Body": body}
        if email.headers:
            message["Headers"] = [_pair(name, _header(value)) for name, value in email.headers.items()]
        if email.attachments:
            message["Attachments"] = [_attachment(attachment) for attachment in email.attachments]
        request: dict[str, Any] = {
            "FromEmailAddress": email.sender,
            "Destination": {"ToAddresses": [email.to]},
            "Content": {"Simple": message},
            "ConfigurationSetName": self._configuration_set,
        }
        if email.tags:
            request["EmailTags"] = [_pair(name, value) for name, value in email.tags.items()]
        return self._line.ask("send_email", request, _refusal)


def _refusal(code: str, body: dict[str, Any]) -> NotSent:
    said = str(body.get("Error", {}).get("Message", "")).casefold()
    if code in _ACCOUNT or (code in _LATER and _DAILY_QUOTA in said):
        return NotSent(code=f"{code}:DAILY_QUOTA" if _DAILY_QUOTA in said else code, account=True)
    return NotSent(code=code, retry=code in _LATER)


def _utf8(data: str) -> dict[str, str]:
    return {"Data": data, "Charset": "UTF-8"}


def _pair(name: str, value: str) -> dict[str, str]:
    return {"Name": name, "Value": value}


def _header(value: str) -> str:
    """The value, if SES takes it. Also what keeps a line break, and so a forged header, out."""
    if not (value.isascii() and value.isprintable() and len(value) <= 995):
        raise ValueError("a header value is at most 995 printable ASCII characters")
    return value


def _attachment(attachment: Attachment) -> dict[str, Any]:
    return {
        "FileName": attachment.name,
        "ContentType": attachment.content_type,
        "ContentDisposition": "ATTACHMENT",
        "ContentTransferEncoding": "BASE64",
        "RawContent": attachment.body,
    }
