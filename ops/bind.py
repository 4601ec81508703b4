"""`make bind STAGE=…`: what neither the template nor Chalice sets, after the functions are there.

`chalice deploy` alone is already correct; this makes it complete. It can be run again at any time.
"""

import argparse
import os
import sys
from typing import Any

from ops.account import Account, at_home
from ops.api import rest_api_of, throttle
from ops.kept import Kept
from ops.provision import API_STAGE
from ops.say import complain, say
from ops.stack import Stack
from ops.stage import NotReady, Stage

LOG_DAYS = 90


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.bind", description=__doc__)
    parser.add_argument("stage")
    parser.add_argument(
        "--numbers",
        default=os.environ.get("NUMBERS", ""),
        help="origination numbers whose texts this stage is to hear, +1…,+1…",
    )
    asked = parser.parse_args(argv)
    try:
        bind(Stage(asked.stage), Account(), [number for number in asked.numbers.split(",") if number])
    except NotReady as missing:
        complain(f"bind: {missing}")
        return 1
    return 0


def bind(stage: Stage, account: Account, numbers: list[str]) -> None:
    """Raises NotReady where the stage is not deployed, or a number is not this account's."""
    at_home(stage, account.place())
    outputs = Stack(account.client("cloudformation"), stage.stack).outputs()
    api = rest_api_of(stage)
    if api is None:
        raise NotReady(f"stage {stage.name} was not deployed from here: `make provision` first")
    Kept(account.client("ssm"), stage).save_deployed()
    throttle(account.client("apigateway"), api, API_STAGE)
    say("The API is throttled, and Chalice's memory of the stage is kept for other machines")
    for group in _endless_logs(account.client("logs"), stage):
        account.client("logs").put_retention_policy(logGroupName=group, retentionInDays=LOG_DAYS)
        say(f"Logs of {group} are kept for {LOG_DAYS} days")
    heard = _listen(account, outputs, numbers)
    say(f"Heard: {', '.join(heard) if heard else 'no number yet; NUMBERS=+1… names those this stage is to hear'}")
    for lack in account.lacks():
        say(f"  ! {lack}")


def _endless_logs(logs: Any, stage: Stage) -> list[str]:
    """Log groups of the stage's functions that the template does not know yet."""
    found = []
    own = f"/aws/lambda/{stage.stack}"
    for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=own):
        found += [group["logGroupName"] for group in page["logGroups"] if not group.get("retentionInDays")]
    # Another stage's name may begin like this one's.
    return [name for name in found if name == own or name.startswith(f"{own}-")]


def _listen(account: Account, outputs: dict[str, str], wanted: list[str]) -> list[str]:
    """Has the numbers hand their inbound texts to this stage; answers all that do.

    Opt-outs are the service's own to manage: it hears STOP in four languages, confirms it in the patient's, and
    keeps it for the clinic and the number, none of which the carrier's list does.
    """
    topic = outputs["InboundTopic"]
    found = {number["PhoneNumber"]: number for number in account.numbers()}
    if strangers := sorted(set(wanted) - set(found)):
        raise NotReady(f"not numbers of this account and region: {', '.join(strangers)}")
    for number in wanted:
        account.client("pinpoint-sms-voice-v2").update_phone_number(
            PhoneNumberId=found[number]["PhoneNumberId"],
            TwoWayEnabled=True,
            TwoWayChannelArn=topic,
            SelfManagedOptOutsEnabled=True,
            OptOutListName=outputs["OptOutList"],
        )
    bound = {number for number, known in found.items() if known.get("TwoWayChannelArn") == topic}
    return sorted(bound | set(wanted))


if __name__ == "__main__":
    sys.exit(main())
