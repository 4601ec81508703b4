"""The AWS account a command works in, and what it still lacks for sending."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, NoCredentialsError, NoRegionError

from ops.stage import NotReady, Place, Stage

_CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 6})


class Account:
    """Clients of one account and region, each made once."""

    @cache  # noqa: B019 (a command's account lives as long as the command)
    def client(self, service: str) -> Any:
        return boto3.client(service, config=_CONFIG)

    def place(self) -> Place:
        """Raises NotReady where there are no credentials or no region."""
        try:
            who = self.client("sts").get_caller_identity()
            region = str(self.client("sts").meta.region_name)
        except NoRegionError:
            raise NotReady("no region: set AWS_REGION, or `region` in the AWS profile") from None
        except NoCredentialsError:
            raise NotReady(
                "no AWS credentials: `aws configure`, AWS_PROFILE or AWS_ACCESS_KEY_ID say who you are"
            ) from None
        except ClientError as refused:
            code = refused.response["Error"]["Code"]
            raise NotReady(f"AWS does not accept these credentials ({code})") from refused
        return Place(partition=str(who["Arn"]).split(":")[1], region=region, account=str(who["Account"]))

    def lacks(self) -> list[str]:
        """What stands in the way of sending, in words, with how it is mended."""
        return [*self._lacks_numbers(), *self._lacks_sender()]

    def _lacks_numbers(self) -> Sequence[str]:
        numbers = self.numbers()
        if not numbers:
            return ["no origination number: request one in AWS End User Messaging (10DLC and toll-free take weeks)"]
        active = [one for one in numbers if one["Status"] == "ACTIVE"]
        if not active:
            return ["no origination number is active yet; its registration is still with the carriers"]
        if not any(one["TwoWayEnabled"] or "SMS" in one["NumberCapabilities"] for one in active):
            return ["no origination number can send texts"]
        return ()

    def numbers(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for page in self.client("pinpoint-sms-voice-v2").get_paginator("describe_phone_numbers").paginate():
            found += page["PhoneNumbers"]
        return found

    def _lacks_sender(self) -> list[str]:
        mail = self.client("sesv2")
        lacks = []
        identities = mail.list_email_identities()["EmailIdentities"]
        if not any(one.get("SendingEnabled") for one in identities):
            lacks.append("no verified sender: `aws sesv2 create-email-identity` with the domain e-mail is to come from")
        if not mail.get_account().get("ProductionAccessEnabled"):
            lacks.append("SES is in its sandbox and writes to verified addresses only: ask for production access")
        return lacks


def at_home(stage: Stage, place: Place) -> None:
    """Raises NotReady where the stage lives in another region or account than the one at hand."""
    lives = stage.lives_at()
    here = {"region": place.region, "account": place.account}
    if lives and lives != here:
        raise NotReady(
            f"stage {stage.name} lives in {lives.get('region')} of account {lives.get('account')}; "
            f"this is {place.region} of account {place.account}. Nothing was changed"
        )


OLDEST, LASTING, NEWEST = (3, 11), (3, 13), (3, 14)
"""Runtimes of Lambda that the service runs on: 3.11 may be deployed until summer 2027, 3.13 and 3.14 until 2029."""


def runtime(python: tuple[int, int]) -> str:
    """What is to be said of the runtime that Chalice deploys for: the one of the interpreter it runs in.

    Raises NotReady where Lambda has none such, or the service was never seen to run on it.
    """
    name = f"python{python[0]}.{python[1]}"
    if not OLDEST <= python <= NEWEST:
        raise NotReady(
            f"Chalice deploys for the Python it runs in, and {name} is none of 3.11 to 3.14. Nothing was changed"
        )
    if python < LASTING:
        return f"Functions run on {name}; `make setup PYTHON=python3.13` in a fresh checkout has them on one that lasts"
    return f"Functions run on {name}"
