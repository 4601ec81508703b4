"""A real boto3 client meets the carrier as it would meet AWS."""

import base64
import json
import os
from typing import ClassVar

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError

from local.carrier_wire import FunctionKilled
from local.sms_text import measure
from tests.local.toy import rows

TO, FROM = "+12025550123", "+18005550100"
ONCE = Config(retries={"total_max_attempts": 1})
THRICE = Config(retries={"total_max_attempts": 3, "mode": "standard"})


def text(world, config=ONCE, **changed):
    request = {
        "DestinationPhoneNumber": TO,
        "OriginationIdentity": FROM,
        "MessageBody": "Hello",
        "MessageType": "TRANSACTIONAL",
        "ConfigurationSetName": os.environ["RANVIER_SMS_CONFIGURATION_SET"],
        "TimeToLive": 3600,
        "Context": {"r": "c1.p1.7", "k": "checkin", "u": "patient"},
    }
    kept = {name: value for name, value in (request | changed).items() if value is not None}
    return boto3.client("pinpoint-sms-voice-v2", config=config).send_text_message(**kept)["MessageId"]


def email(world, config=ONCE, simple=None, **changed):
    request = {
        "FromEmailAddress": "Spine Clinic <clinic@example.org>",
        "Destination": {"ToAddresses": ["ana@example.org"]},
        "Content": {
            "Simple": {
                "Subject": {"Data": "Your visit"},
                "Body": {"Text": {"Data": "Hello"}, "Html": {"Data": "<p>Hello</p>"}},
                "Headers": [{"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"}],
                **(simple or {}),
            }
        },
        "EmailTags": [{"Name": "k", "Value": "checkin"}, {"Name": "u", "Value": "patient"}],
        "ConfigurationSetName": os.environ["RANVIER_EMAIL_CONFIGURATION_SET"],
    }
    return boto3.client("sesv2", config=config).send_email(**(request | changed))["MessageId"]


SENDERS = {"sms": text, "email": email}


def noted(world):
    """Events in the shape the service saw them, by way of the queue."""
    bodies = [given.body for given in world.runner.deliveries if given.function == "note"]
    return [json.loads(json.loads(body)["Message"]) for body in bodies]


def test_a_text_is_in_the_outbox_as_it_was_sent(world):
    known = text(world)
    [message] = world.outbox()
    assert message["provider_message_id"] == known
    assert {name: message[name] for name in ("channel", "to", "from", "text", "segments", "encoding", "sent_at")} == {
        "channel": "sms",
        "to": TO,
        "from": FROM,
        "text": "Hello",
        "segments": 1,
        "encoding": "GSM-7",
        "sent_at": "2026-03-01T08:00:00Z",
    }
    described = ("clinic_id", "patient_id", "message_id", "kind", "audience", "occurrence_ids")
    assert [message[name] for name in described] == ["c1", "p1", "p1.7", "checkin", "patient", []]


def test_an_email_is_in_the_outbox_with_its_parts(world):
    file = {"FileName": "visit.ics", "ContentType": "text/calendar", "RawContent": b"BEGIN:VCALENDAR"}
    known = email(world, simple={"Attachments": [file]})
    [message] = world.outbox(to="ana@example.org")
    assert message["provider_message_id"] == known
    assert message["subject"] == "Your visit"
    assert (message["text"], message["html"]) == ("Hello", "<p>Hello</p>")
    assert message["headers"] == {"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    [attachment] = message["attachments"]
    assert attachment["name"] == "visit.ics"
    assert base64.b64decode(attachment["body_base64"]) == b"BEGIN:VCALENDAR"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"DestinationPhoneNumber": "12025550123"}, "FIELD_VALIDATION_FAILED"),
        ({"DestinationPhoneNumber": "+0123"}, "FIELD_VALIDATION_FAILED"),
        ({"MessageBody": "x" * 1601}, "FIELD_VALIDATION_FAILED"),
        ({"MessageBody": "   "}, "FIELD_VALIDATION_FAILED"),
        ({"TimeToLive": 259_201}, "FIELD_VALIDATION_FAILED"),
        ({"Context": {str(n): "x" for n in range(6)}}, "FIELD_VALIDATION_FAILED"),
        ({"MessageType": "OTHER"}, "FIELD_VALIDATION_FAILED"),
        ({"MaxPrice": "1"}, "FIELD_VALIDATION_FAILED"),
        ({"OriginationIdentity": None}, "NO_ORIGINATION_IDENTITIES_FOUND"),
    ],
)
def test_a_text_that_aws_would_refuse_is_refused(world, changed, reason):
    client_checks_off = ONCE.merge(Config(parameter_validation=False))
    with pytest.raises(ClientError) as refused:
        text(world, client_checks_off, **changed)
    assert refused.value.response["Reason"] == reason
    assert world.outbox() == []
    assert [attempt["accepted"] for attempt in world.attempts()] == [False]


def test_an_opted_out_number_is_refused_as_aws_refuses_it(world):
    world.carrier.opted_out.add(TO)
    with pytest.raises(ClientError) as refused:
        text(world)
    assert refused.value.response["Error"]["Code"] == "ConflictException"
    assert refused.value.response["Reason"] == "DESTINATION_PHONE_NUMBER_OPTED_OUT"


@pytest.mark.parametrize(
    "changed",
    [
        {"EmailTags": [{"Name": "r", "Value": "clinic.patient.7"}]},  # SES allows no dot in a tag
        {"FromEmailAddress": "nobody"},
        {"Destination": {"ToAddresses": ["ana@example.org\nBcc: x@example.org"]}},
        {"simple": {"Subject": {"Data": "two\nlines"}}},
        {"simple": {"Headers": [{"Name": "X", "Value": "é"}]}},
        {"simple": {"Headers": [{"Name": f"X-{n}", "Value": "y"} for n in range(16)]}},
        {"simple": {"Body": {}}},
    ],
)
def test_an_email_that_aws_would_refuse_is_refused(world, changed):
    with pytest.raises(ClientError) as refused:
        email(world, **changed)
    assert refused.value.response["Error"]["Code"] == "BadRequestException"
    assert world.outbox() == []


class TestFaults:
    codes: ClassVar = {
        ("sms", "throttle"): "ThrottlingException",
        ("sms", "reject"): "ValidationException",
        ("sms", "error"): "InternalServerException",
        ("email", "throttle"): "TooManyRequestsException",
        ("email", "reject"): "MessageRejected",
        ("email", "error"): "InternalServiceErrorException",
    }

    @pytest.mark.parametrize(("channel", "mode"), codes)
    def test_a_refusal_counts_down_and_then_all_is_well(self, world, channel, mode):
        world.faults(channel, mode, 2)
        for _ in range(2):
            with pytest.raises(ClientError) as refused:
                SENDERS[channel](world)
            assert refused.value.response["Error"]["Code"] == self.codes[channel, mode]
        assert world.outbox() == []
        SENDERS[channel](world)
        assert [attempt["accepted"] for attempt in world.attempts()] == [False, False, True]

    @pytest.mark.parametrize("channel", SENDERS)
    @pytest.mark.parametrize(("mode", "taken"), [("timeout_before", 0), ("timeout_after", 1)])
    def test_a_lost_answer_is_ambiguous_to_the_client(self, world, channel, mode, taken):
        world.faults(channel, mode)
        with pytest.raises(HTTPClientError):
            SENDERS[channel](world)
        assert len(world.outbox()) == taken
        assert [attempt["answered"] for attempt in world.attempts()] == [False]

    def test_a_client_left_to_retry_by_itself_sends_twice_and_it_shows(self, world):
        world.faults("sms", "timeout_after")
        text(world, THRICE)
        assert len(world.outbox()) == 2

    @pytest.mark.parametrize("channel", SENDERS)
    def test_a_crash_after_acceptance_passes_every_except_exception(self, world, channel):
        world.faults(channel, "crash_after_accept")
        caught = []

        def careless():
            try:
                SENDERS[channel](world)
            except Exception as error:  # noqa: BLE001 (what this test is about)
                caught.append(error)

        with pytest.raises(FunctionKilled):
            careless()
        assert caught == []
        assert len(world.outbox()) == 1

    def test_one_provider_failing_leaves_the_other_alone(self, world):
        world.faults("sms", "error", 5)
        email(world)
        assert len(world.outbox()) == 1


def test_a_text_is_reported_queued_at_once_and_delivered_a_little_later(world):
    known = text(world)
    world.advance("PT0S")
    assert [event["eventType"] for event in noted(world)] == ["TEXT_QUEUED"]
    world.advance("PT1M")
    queued, delivered = noted(world)
    assert delivered == {
        "eventType": "TEXT_DELIVERED",
        "eventVersion": "1.0",
        "eventTimestamp": queued["eventTimestamp"] + 4000,
        "isFinal": True,
        "originationPhoneNumber": FROM,
        "destinationPhoneNumber": TO,
        "isInternationalSend": False,
        "mcc": "310",
        "mnc": "800",
        "messageId": known,
        "messageRequestTimestamp": 1772352000000,
        "messageEncoding": "GSM",
        "messageType": "TRANSACTIONAL",
        "messageStatus": "DELIVERED",
        "messageStatusDescription": "Message has been delivered to the handset",
        "context": {"r": "c1.p1.7", "k": "checkin", "u": "patient"},
        "totalMessageParts": 1,
        "totalMessagePrice": 0.0083,
        "totalCarrierFee": 0.0,
    }


def test_an_email_is_reported_sent_and_delivered_with_its_tags(world):
    known = email(world)
    world.advance("PT1M")
    sent, delivered = noted(world)
    assert (sent["eventType"], sent["send"]) == ("Send", {})
    assert delivered["delivery"]["processingTimeMillis"] == 3000
    assert delivered["delivery"]["timestamp"] == "2026-03-01T08:00:03.000Z"
    mail = delivered["mail"]
    assert mail["messageId"] == known
    assert mail["destination"] == ["ana@example.org"]
    assert mail["tags"]["k"] == ["checkin"]
    assert mail["tags"]["ses:from-domain"] == ["example.org"]


def test_a_lost_answer_is_still_reported_on_which_is_the_evidence(world):
    world.faults("sms", "timeout_after")
    with pytest.raises(HTTPClientError):
        text(world)
    world.advance("PT1M")
    assert len(noted(world)) == 2


def test_withheld_events_do_not_come(world):
    world.faults("sms", "ok", events=False)
    text(world)
    world.advance("PT1H")
    assert noted(world) == []


def test_without_a_configuration_set_nothing_is_reported(world):
    text(world, ConfigurationSetName=None)
    world.advance("PT1H")
    assert noted(world) == []


@pytest.mark.parametrize("kind", ["TEXT_CARRIER_BLOCKED", "TEXT_UNREACHABLE"])
def test_a_receipt_of_choice_arrives_in_the_providers_shape(world, kind):
    known = text(world)
    world.receipt(known, kind)
    assert {event["eventType"] for event in noted(world)} == {"TEXT_QUEUED", kind}
    assert len(rows("noted")) == 2


def test_a_bounce_names_the_address_and_why(world):
    known = email(world)
    world.receipt(known, "Bounce")
    [bounce] = [event for event in noted(world) if event["eventType"] == "Bounce"]
    assert bounce["bounce"]["bounceType"] == "Permanent"
    assert bounce["bounce"]["bouncedRecipients"][0]["emailAddress"] == "ana@example.org"


def test_a_receipt_for_nothing_or_of_no_kind_is_refused(world):
    with pytest.raises(LookupError):
        world.receipt("none", "TEXT_DELIVERED")
    with pytest.raises(ValueError, match="reports"):
        world.receipt(text(world), "Bounce")


@pytest.mark.parametrize(
    ("content", "encoding", "segments"),
    [
        ("", "GSM-7", 1),
        ("a" * 160, "GSM-7", 1),
        ("a" * 161, "GSM-7", 2),
        ("a" * 306, "GSM-7", 2),
        ("a" * 307, "GSM-7", 3),
        ("€" * 80, "GSM-7", 1),
        ("€" * 81, "GSM-7", 2),
        ("€" * 153, "GSM-7", 3),  # 76 to a part: the escape is not split from its letter
        ("¿Señal?", "GSM-7", 1),
        ("á", "UCS-2", 1),
        ("我" * 70, "UCS-2", 1),
        ("我" * 71, "UCS-2", 2),
        ("😀" * 35, "UCS-2", 1),
        ("😀" * 36, "UCS-2", 2),
        ("😀" * 67, "UCS-2", 3),
    ],
)
def test_a_text_is_measured_in_the_parts_the_carrier_bills(content, encoding, segments):
    assert measure(content) == (encoding, segments)
