"""The AWS clients, each made when first needed and never at import.

Endpoints and regions come from AWS's own settings (`AWS_REGION`, `AWS_ENDPOINT_URL_DYNAMODB` and its like).
Parameter validation is off everywhere: it costs 13 % of a DynamoDB call's CPU, and its errors quote what was
passed, numbers and texts included.
"""

from typing import Any

_CONNECT_S, _READ_S = 2, 8


def dynamo_client() -> Any:
    # Ours are idempotent or fenced by their conditions, so lost answers are asked for again.
    return _client("dynamodb", attempts=4)


def sqs_client() -> Any:
    # A message queued twice is harmless: a reference only points at the truth in the table.
    return _client("sqs", attempts=4)


def sms_client() -> Any:
    return _client("pinpoint-sms-voice-v2", attempts=1)


def email_client() -> Any:
    return _client("sesv2", attempts=1)


def _client(service: str, *, attempts: int) -> Any:
    """A client that asks at most `attempts` times.

    Providers know no idempotency token, and botocore by itself sends the same text three times when answers
    are late: theirs is 1. Timeouts leave a 30 s function room to record what happened.
    """
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=_CONNECT_S,
        read_timeout=_READ_S,
        retries={"mode": "standard", "total_max_attempts": attempts},
        parameter_validation=False,
    )
    return boto3.client(service, config=config)
