"""Texts and e-mails over botocore's real wire protocol: what each answer, or none, is taken to mean."""

import base64
import socket

import pytest

from chalicelib.adapters import clients
from chalicelib.adapters.asked_once import Line
from chalicelib.adapters.ses import SimpleEmail
from chalicelib.adapters.sms import EndUserMessaging
from chalicelib.service.ports import Accepted, Ambiguous, Attachment, Email, NotSent, Sms

from . import wire
from .conftest import AWS

SMS = Sms(
    to="+12025550123",
    text="Clinic: reply 1",
    origination="pool-1",
    time_to_live_s=3600,
    context={"o": "p1.7", "a": "1"},
)
EMAIL = Email(
    to="ana@example.org",
    sender="Clinic <care@clinic.example>",
    subject="Rendez-vous à 9 h",
    text="Texte",
    html="<p>Texte</p>",
    headers={
        "List-Unsubscribe": "<https://r.example/u/t>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    },
    attachments=(Attachment(name="visit.ics", content_type="text/calendar", body=b"BEGIN:VCALENDAR"),),
    tags={"o": "p1_7"},
)


@pytest.fixture(scope="module")
def server():
    with wire.provider() as provider:
        yield provider


@pytest.fixture
def provider(server):
    server.requests.clear()
    server.answer = wire.ok({"MessageId": "m-1"})
    return server


# The deployed clients but for their patience: nobody waits 8 s in a test.
HASTE = clients.Patience(0.3, 0.3)


def sms_adapter(url: str) -> EndUserMessaging:
    return EndUserMessaging(clients.sms_client(HASTE, endpoint_url=url, **AWS), "events")


def email_adapter(url: str) -> SimpleEmail:
    return SimpleEmail(clients.email_client(HASTE, endpoint_url=url, **AWS), "events")


CHANNELS = {
    "sms": lambda url: _sender(sms_adapter(url), SMS),
    "email": lambda url: _sender(email_adapter(url), EMAIL),
}


def _sender(adapter, message):
    return lambda: adapter.send(message)


@pytest.fixture(scope="module")
def senders(server):
    return {name: make(server.url) for name, make in CHANNELS.items()}


@pytest.fixture(params=["sms", "email"])
def send(request, senders):
    return senders[request.param]


# What is asked


def test_a_text_is_asked_for_in_the_providers_words(provider, senders):
    assert senders["sms"]() == Accepted(provider_id="m-1")
    assert provider.requests == [
        {
            "path": "/",
            "body": {
                "DestinationPhoneNumber": "+12025550123",
                "OriginationIdentity": "pool-1",
                "MessageBody": "Clinic: reply 1",
                "MessageType": "TRANSACTIONAL",
                "ConfigurationSetName": "events",
                "TimeToLive": 3600,
                "Context": {"o": "p1.7", "a": "1"},
            },
        }
    ]


@pytest.mark.parametrize(("asked", "sent"), [(-5, 5), (0, 5), (5, 5), (259_200, 259_200), (999_999, 259_200)])
def test_the_time_to_live_is_kept_within_what_the_provider_takes(provider, asked: int, sent: int):
    adapter = sms_adapter(provider.url)
    adapter.send(Sms(to="+1", text="t", origination="o", time_to_live_s=asked, max_price="0.05"))
    body = provider.requests[0]["body"]
    assert (body["TimeToLive"], body["MaxPrice"], "Context" in body) == (sent, "0.05", False)


def test_a_text_carries_at_most_five_context_pairs(provider):
    adapter = sms_adapter(provider.url)
    pairs = {str(n): "v" for n in range(6)}
    with pytest.raises(ValueError, match="five"):
        adapter.send(Sms(to="+1", text="t", origination="o", time_to_live_s=60, context=pairs))
    assert provider.requests == []


def test_an_email_is_asked_for_in_the_providers_words(provider, senders):
    assert senders["email"]() == Accepted(provider_id="m-1")
    (request,) = provider.requests
    assert request["path"] == "/v2/email/outbound-emails"
    assert request["body"] == {
        "FromEmailAddress": "Clinic <care@clinic.example>",
        "Destination": {"ToAddresses": ["ana@example.org"]},
        "ConfigurationSetName": "events",
        "EmailTags": [{"Name": "o", "Value": "p1_7"}],
        "Content": {
            "Simple": {
                "Subject": {"Data": "Rendez-vous à 9 h", "Charset": "UTF-8"},
                "Body": {
                    "Text": {"Data": "Texte", "Charset": "UTF-8"},
                    "Html": {"Data": "<p>Texte</p>", "Charset": "UTF-8"},
                },
                "Headers": [
                    {"Name": "List-Unsubscribe", "Value": "<https://r.example/u/t>"},
                    {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
                ],
                "Attachments": [
                    {
                        "FileName": "visit.ics",
                        "ContentType": "text/calendar",
                        "ContentDisposition": "ATTACHMENT",
                        "ContentTransferEncoding": "BASE64",
                        "RawContent": base64.b64encode(b"BEGIN:VCALENDAR").decode(),
                    }
                ],
            }
        },
    }


def test_a_plain_email_leaves_out_what_it_has_not(provider):
    adapter = email_adapter(provider.url)
    adapter.send(Email(to="a@b.example", sender="c@d.example", subject="s", text="t"))
    body = provider.requests[0]["body"]
    assert set(body) == {"FromEmailAddress", "Destination", "ConfigurationSetName", "Content"}
    assert set(body["Content"]["Simple"]) == {"Subject", "Body"}
    assert set(body["Content"]["Simple"]["Body"]) == {"Text"}


@pytest.mark.parametrize("headers", [{"X": "a\r\nBcc: b@c.example"}, {"X": "é"}, {"X": "x" * 996}])
def test_a_header_that_could_forge_another_is_refused_before_it_is_sent(provider, headers):
    adapter = email_adapter(provider.url)
    with pytest.raises(ValueError, match="header"):
        adapter.send(Email(to="a@b.example", sender="c@d.example", subject="s", text="t", headers=headers))
    assert provider.requests == []


# What is answered

REFUSED = [
    # channel, status, code, reason, expected
    ("sms", 400, "ThrottlingException", None, {"retry": True}),
    (
        "sms",
        400,
        "ConflictException",
        "DESTINATION_PHONE_NUMBER_OPTED_OUT",
        {"permanent": True, "opted_out": True},
    ),
    (
        "sms",
        400,
        "ConflictException",
        "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION",
        {"permanent": True},
    ),
    ("sms", 400, "ConflictException", "NO_ORIGINATION_IDENTITIES_FOUND", {}),
    ("sms", 400, "ConflictException", "DESTINATION_PHONE_NUMBER_NOT_VERIFIED", {}),
    ("sms", 400, "ValidationException", "PRICE_OVER_THRESHOLD", {"permanent": True}),
    ("sms", 400, "ValidationException", "INVALID_IDENTITY_FOR_DESTINATION_COUNTRY", {"permanent": True}),
    ("sms", 400, "ValidationException", "INVALID_ARN", {}),
    ("sms", 400, "ServiceQuotaExceededException", "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT", {"account": True}),
    ("sms", 400, "AccessDeniedException", "ACCOUNT_DISABLED", {"account": True}),
    ("sms", 400, "AccessDeniedException", "INSUFFICIENT_ACCOUNT_REPUTATION", {"account": True}),
    ("sms", 400, "AccessDeniedException", None, {}),
    ("sms", 400, "ResourceNotFoundException", None, {}),
    ("sms", 403, "ExpiredTokenException", None, {}),
    ("email", 429, "TooManyRequestsException", None, {"retry": True}),
    ("email", 400, "LimitExceededException", None, {"account": True}),
    ("email", 400, "MessageRejected", None, {}),
    ("email", 400, "BadRequestException", None, {}),
    ("email", 400, "AccountSuspendedException", None, {"account": True}),
    ("email", 400, "SendingPausedException", None, {"account": True}),
    ("email", 400, "MailFromDomainNotVerifiedException", None, {}),
    ("email", 404, "NotFoundException", None, {}),
]


@pytest.mark.parametrize(("channel", "status", "code", "reason", "expected"), REFUSED)
def test_a_refusal_means_not_sent_and_is_asked_for_once(
    provider, senders, channel: str, status: int, code: str, reason: str | None, expected: dict
):
    provider.answer = wire.error(status, code, **({"Reason": reason} if reason else {}))
    named = f"{code}:{reason}" if reason else code
    assert senders[channel]() == NotSent(code=named, **expected)
    assert len(provider.requests) == 1


@pytest.mark.parametrize("code", ["TooManyRequestsException", "ThrottlingException", "LimitExceededException"])
def test_the_daily_quota_of_mail_is_known_by_its_words_whatever_the_code(provider, senders, code):
    provider.answer = wire.error(429, code, message="Daily message quota exceeded.")
    assert senders["email"]() == NotSent(code=f"{code}:DAILY_QUOTA", account=True)
    provider.answer = wire.error(429, code, message="Maximum sending rate exceeded.")
    assert senders["email"]().code == code


@pytest.mark.parametrize(
    ("fields", "permanent"),
    [
        (["DestinationPhoneNumber"], True),
        (["OriginationIdentity"], False),
        (["DestinationPhoneNumber", "MessageBody"], False),
        ([], False),
    ],
)
def test_only_a_complaint_of_the_number_alone_counts_against_the_number(provider, senders, fields, permanent):
    provider.answer = wire.error(
        400,
        "ValidationException",
        Reason="FIELD_VALIDATION_FAILED",
        Fields=[{"Name": name, "Message": "bad"} for name in fields],
    )
    outcome = senders["sms"]()
    assert outcome == NotSent(code="ValidationException:FIELD_VALIDATION_FAILED", permanent=permanent)


AMBIGUOUS = [
    (wire.late, "ReadTimeoutError"),
    (wire.reset, "ConnectionClosedError"),
    (wire.hang_up, "ConnectionClosedError"),
    (wire.cut_short, None),
    (wire.gibberish, "NoMessageId"),
    (wire.ok({}), "NoMessageId"),
    (wire.error(500, "InternalServerException"), "InternalServerException"),
    (wire.error(503, "ServiceUnavailable"), "ServiceUnavailable"),
    (wire.error(504, "GatewayTimeout"), "GatewayTimeout"),
    (wire.error(408, "RequestTimeout"), "RequestTimeout"),
    # A front end that says 503 and throttling at once has not said whether it passed the request on.
    (wire.error(503, "ThrottlingException"), "ThrottlingException"),
]


@pytest.mark.parametrize(
    ("answer", "code"),
    AMBIGUOUS,
    ids=[
        "late",
        "reset",
        "hang_up",
        "cut_short",
        "gibberish",
        "no_id",
        "500",
        "503",
        "504",
        "408",
        "503_throttle",
    ],
)
def test_a_lost_answer_is_ambiguous_and_is_asked_for_once(provider, send, answer, code: str | None):
    provider.answer = answer
    outcome = send()
    assert isinstance(outcome, Ambiguous)
    assert code is None or outcome.code == code
    assert len(provider.requests) == 1


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_refused_connection_means_not_sent(channel: str):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        assert CHANNELS[channel](url)() == NotSent(code="EndpointConnectionError", retry=True)


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_name_nobody_knows_means_not_sent(channel: str):
    assert CHANNELS[channel]("http://nowhere.invalid")() == NotSent(code="EndpointConnectionError", retry=True)


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_connection_never_made_means_not_sent(channel: str):
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:  # fills the backlog, so that the next handshake goes unanswered
            one.setblocking(False)
            one.connect_ex(address)
        outcome = CHANNELS[channel](f"http://127.0.0.1:{address[1]}")()
        for one in waiting:
            one.close()
    assert outcome == NotSent(code="ConnectTimeoutError", retry=True)


def test_no_outcome_nor_message_shows_whom_it_concerns(provider, senders):
    provider.answer = wire.error(400, "ValidationException", Reason="OTHER")
    shown = f"{senders['sms']()!r} {SMS!r} {EMAIL!r}"
    for private in ("+12025550123", "reply 1", "ana@example.org", "Texte", "Rendez", "/u/t"):
        assert private not in shown


# Connections


class Counting:
    """A provider's client that counts how often its connections were dropped."""

    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        self.closed += 1

    def ask(self) -> dict:
        return {"MessageId": "m"}


@pytest.mark.parametrize(("idle_s", "closed"), [(0, 0), (3.9, 0), (4.0, 1), (3600, 1), (-1, 1)], ids=str)
def test_an_old_connection_is_not_trusted_with_a_message(idle_s: float, closed: int):
    at = 1_000.0
    counting = Counting()
    line = Line(counting, clock=lambda: at)
    line.ask("ask", {}, lambda code, body: NotSent(code=code))
    at += idle_s
    line.ask("ask", {}, lambda code, body: NotSent(code=code))
    assert counting.closed == closed


def test_a_client_whose_connections_were_dropped_still_sends(provider):
    kept = clients.sms_client(HASTE, endpoint_url=provider.url, **AWS)
    adapter = EndUserMessaging(kept, "events")
    assert adapter.send(SMS) == Accepted(provider_id="m-1")
    kept.close()
    assert adapter.send(SMS) == Accepted(provider_id="m-1")


# The clients as deployed


@pytest.mark.parametrize(
    ("make", "attempts", "patience"),
    [
        (clients.sms_client, 1, (2, 8)),
        (clients.email_client, 1, (2, 8)),
        (clients.dynamo_client, 4, (1, 3)),
        (clients.sqs_client, 4, (1, 3)),
    ],
    ids=["sms", "email", "dynamo", "sqs"],
)
def test_clients_ask_as_often_as_is_safe_and_no_oftener(make, attempts: int, patience: tuple):
    config = make(**AWS).meta.config
    assert config.retries["total_max_attempts"] == attempts
    assert (config.connect_timeout, config.read_timeout) == patience
