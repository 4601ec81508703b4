"""The AWS clients, each made when first needed and never at import.

Endpoints, regions and credentials come from AWS's own settings (`AWS_REGION`, `AWS_ENDPOINT_URL_DYNAMODB` and its
like); further arguments are boto3's. Parameter validation is off everywhere: it costs 13 % of a DynamoDB call's
CPU, and its errors quote what was passed, numbers and texts included.
"""

from typing import Any, NamedTuple


class Patience(NamedTuple):
    """Seconds to wait for a connection, and for an answer on it."""

    connect_s: float
    read_s: float


# Four attempts at these fit a 30 s function with room to spare; both services answer in milliseconds.
OURS = Patience(1, 3)
# One attempt, which is over well before the function is: what happened must still be recorded.
PROVIDERS = Patience(2, 8)


def dynamo_client(patience: Patience = OURS, **settings: Any) -> Any:
    # Writes are fenced by their conditions, so a lost answer may be asked for again.
    return _client("dynamodb", 4, patience, settings)


def sqs_client(patience: Patience = OURS, **settings: Any) -> Any:
    # A message queued twice is harmless: a reference only points at the truth in the table.
    return _client("sqs", 4, patience, settings)


def sms_client(patience: Patience = PROVIDERS, **settings: Any) -> Any:
    return _client("pinpoint-sms-voice-v2", 1, patience, settings)


def email_client(patience: Patience = PROVIDERS, **settings: Any) -> Any:
    return _client("sesv2", 1, patience, settings)


def kms_client(patience: Patience = OURS, **settings: Any) -> Any:
    return _client("kms", 4, patience, settings)


def _client(service: str, attempts: int, patience: Patience, settings: dict[str, Any]) -> Any:
    """A client that asks at most `attempts` times, the first included.

    Providers know no idempotency token, and botocore left to itself sends the same text three times when answers
    are late: they are asked once.
    """
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=patience.connect_s,
        read_timeout=patience.read_s,
        retries={"mode": "standard", "total_max_attempts": attempts},
        parameter_validation=False,
        # Named once, not pieced together for every call out of eleven parts: another 8 % of it.
        user_agent="ranvier",
    )
    return boto3.client(service, config=config, **settings)
