"""`python -m ops STAGE restored TABLE`: the stage goes on with a table that was restored to an earlier moment.

What went out since is in no record of that table. The log of deliver knows it, by ids; so every plan is walked through
the lost time and each reminder recorded: `sent` where the log says so, `unknown` where it does not, for a person.
Nothing is sent by this, and nothing afterwards before clinics are started again.
"""

import json
import os
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from chalicelib import wiring
from chalicelib.adapters.schema import DUE, ROSTER, TTL, WORK
from chalicelib.domain.local_time import utc_text
from chalicelib.service import switch
from chalicelib.service.relive import Relived, relive
from ops.functions import lambda_name
from ops.inside import PLATFORM, Inside
from ops.kept import Kept
from ops.say import UNCHANGED, say
from ops.stage import NotReady


def restored(inside: Inside, table: str, since: datetime, *, reason: str, only_plan: bool) -> None:
    """`since`: the moment (UTC) the table was restored to. Raises NotReady where the table is none of ours.

    Run again, it walks no further than the first time: what was due after that is the stage's own to send.
    """
    tables = inside.account.client("dynamodb")
    _fits(tables, table)
    kept = Kept(inside.account.client("ssm"), inside.stage)
    until = _until(kept, table, inside.now)
    evidence = dict(_sent(inside.account.client("logs"), inside, since))
    os.environ["RANVIER_TABLE"] = table
    wiring.forget()
    clinics = wiring.store().clinics()
    say(f"Plan: go on with table {table}, restored to {since:%Y-%m-%d %H:%M:%S}Z")
    say(f"  stop its {len(clinics)} clinic{'s' if len(clinics) != 1 else ''}, until each is started again")
    say(f"  record what fell due up to {until:%Y-%m-%d %H:%M:%S}Z; the log knows of {len(evidence)} that went out")
    if only_plan:
        say(UNCHANGED)
        return
    for clinic in clinics:
        if clinic.stopped_at is None:
            now, shards = inside.now, wiring.settings().shards
            if switch.stop(wiring.store(), clinic, reason="its table was restored", now=now, shards=shards) is None:
                raise NotReady(f"something works on table {table} already: {clinic.id} was changed. Run this again")
            inside.note(clinic.id, "clinic.stop", detail="its table was restored", reason=reason)
    done = relive(wiring.delivery().performing, evidence, until=until, token=f"restored {table}")
    kept.put("restored-at", json.dumps({"table": table, "until": utc_text(until)}))
    _protect(tables, table)
    _point(inside, kept, table)
    inside.note(PLATFORM, "table.restored", detail=f"{table} at {utc_text(since)}", reason=reason)
    _tell(inside, done)


def _tell(inside: Inside, done: Relived) -> None:
    name = inside.stage.name
    say(f"{done.patients} plans walked: {done.sent} reminders recorded as sent, {len(done.unknown)} unknown")
    for reminder in done.unknown:
        say(f"  unknown: {reminder}")
    say(f"Next: .venv/bin/chalice deploy --stage {name}, look at some timelines, then start clinics one by one")


def _fits(tables: Any, name: str) -> None:
    try:
        found = tables.describe_table(TableName=name)["Table"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        raise NotReady(f"there is no table {name} here. Nothing was changed") from None
    ready = {index["IndexName"] for index in found.get("GlobalSecondaryIndexes", ()) if _is_active(index)}
    if found["TableStatus"] != "ACTIVE" or not {DUE.name, WORK.name, ROSTER.name} <= ready:
        raise NotReady(f"table {name} is {found['TableStatus']}, with indexes {sorted(ready)}: wait for all of them")


def _is_active(index: dict[str, Any]) -> bool:
    return bool(index.get("IndexStatus", "ACTIVE") == "ACTIVE")


def _until(kept: Kept, table: str, now: datetime) -> datetime:
    known = json.loads(kept.get("restored-at") or "{}")
    if known.get("table") == table:
        return datetime.fromisoformat(known["until"])
    return now.replace(microsecond=0)


def _sent(logs: Any, inside: Inside, since: datetime) -> Iterator[tuple[str, datetime]]:
    """The ids of reminders that deliver says it sent, each with the moment."""
    group = f"/aws/lambda/{lambda_name(inside.stage.stack, 'deliver')}"
    asked = {"logGroupName": group, "startTime": int(since.timestamp() * 1000), "filterPattern": '"delivered"'}
    for page in logs.get_paginator("filter_log_events").paginate(**asked):
        for event in page["events"]:
            line = event["message"]
            if "{" not in line:
                continue
            told = json.loads(line[line.index("{") : line.rindex("}") + 1])
            if told.get("action") == "delivered" and told.get("outcome") == "sent":
                yield told["reminder"], datetime.fromtimestamp(event["timestamp"] // 1000, since.tzinfo)


def _protect(tables: Any, name: str) -> None:
    """What a restored table has not, though the one it was made of had."""
    tables.update_table(TableName=name, DeletionProtectionEnabled=True)
    tables.get_waiter("table_exists").wait(TableName=name)
    tables.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    ends = tables.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["TimeToLiveStatus"]
    if ends not in ("ENABLED", "ENABLING"):
        tables.update_time_to_live(TableName=name, TimeToLiveSpecification={"AttributeName": TTL, "Enabled": True})


def _point(inside: Inside, kept: Kept, table: str) -> None:
    kept.put("table", table)
    kept.put_holdings(kept.holdings() | {"Table": table})
    key = kept.get("secret-key")
    if key is None:
        raise NotReady(f"stage {inside.stage.name} has no key of its own: `make provision` makes it")
    inside.stage.write(inside.account.place(), {"RANVIER_TABLE": table}, key)
