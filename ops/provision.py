"""`make provision STAGE=…`: make or update all of a stage but its functions, and write the settings they deploy with.

Prints what it is about to do, asks nothing, and can be run again at any time: what is as it should be stays.
"""

import argparse
import sys
from datetime import UTC, datetime

from ops.account import Account, at_home, runtime
from ops.api import address, ensure_rest_api
from ops.holdings import holdings_of, standing
from ops.kept import Kept, link_secrets, operator_token, sealed_secret
from ops.memory import recall_bindings
from ops.sandbox import Sandbox
from ops.say import UNCHANGED, complain, say
from ops.stack import Plan, Stack
from ops.stage import NotReady, Place, Stage

API_STAGE = "api"
REMINDERS = """Only people can see to these:
  - a business associate addendum with AWS covers this account (AWS Artifact) before a patient is enrolled
  - what is written to .chalice/config.json and .chalice/policies holds no secret: commit it"""


def main(argv: list[str] | None = None) -> int:
    asked = _arguments().parse_args(argv)
    try:
        stage = Stage(asked.stage)
        provision(
            stage,
            Account(),
            alarm_email=asked.alarm_email,
            monthly_spend=asked.monthly_spend,
            url=asked.url,
            sandbox=Sandbox.of(stage, asked.sandbox, asked.contacts),
            unready=asked.without_sending or asked.stage != "prod",
            protected=not asked.unprotected,
            only_plan=asked.plan,
            now=datetime.now(UTC),
        )
    except NotReady as missing:
        complain(f"provision: {missing}")
        return 1
    return 0


def provision(
    stage: Stage,
    account: Account,
    *,
    alarm_email: str | None,
    monthly_spend: int | None,
    url: str,
    sandbox: Sandbox,
    unready: bool,
    protected: bool,
    only_plan: bool,
    now: datetime,
) -> None:
    """Raises NotReady, mostly before anything was changed. `unready`: go on where nothing could be sent yet."""
    place = account.place()
    at_home(stage, place)
    say(f"Stage {stage.name}, stack {stage.stack}, in {place.region} of account {place.account}")
    say(f"  {runtime(sys.version_info[:2])}")
    lacks = account.lacks()
    for lack in lacks:
        say(f"  ! {lack}")
    if lacks and not unready:
        raise NotReady("the above is missing for sending; --without-sending makes the stage all the same")
    say(f"  {sandbox}")
    stack = Stack(account.client("cloudformation"), stage.stack)
    parameters = {"Stage": stage.name}
    if not protected:
        parameters["DeletionProtection"] = "false"
    if alarm_email is not None:
        parameters["AlarmEmail"] = alarm_email
    if monthly_spend is not None:
        parameters["MonthlySpend"] = str(monthly_spend)
    template = stage.template.read_text()
    if stack.clear():
        say("An earlier run broke off; what it had made was rolled back, and is cleared away")
    kept = Kept(account.client("ssm"), stage)
    held = standing(account, kept, stage) if not stack.state() else []
    if held:
        say(f"Plan: take up again what outlived an earlier stack: {', '.join(map(str, held))}; then make the rest")
        if only_plan:
            say(UNCHANGED)
            return
        if (table := kept.get("table")) is not None:
            parameters["TableName"] = table
        stack.take_up(template, parameters, held, now)
    plan = stack.plan(template, parameters, now)
    _show(plan)
    if only_plan:
        stack.drop(plan)
        say(UNCHANGED)
        return
    stack.carry_out(plan)
    _settle(stage, account, place, stack.outputs(), url, sandbox)
    say(REMINDERS)
    say(f"Next: .venv/bin/chalice deploy --stage {stage.name}, then make bind STAGE={stage.name}")


def _show(plan: Plan) -> None:
    if plan.change_set is None:
        say("Plan: the stack is as it should be")
        return
    say(f"Plan: {len(plan.changes)} changes")
    for change in plan.changes:
        say(f"  {change}")


def _settle(stage: Stage, account: Account, place: Place, outputs: dict[str, str], url: str, sandbox: Sandbox) -> None:
    """Makes what is made once, and writes what the functions are told."""
    kept = Kept(account.client("ssm"), stage)
    if kept.restore_deployed():
        say("Chalice's memory of this stage was fetched: it was deployed from another machine")
    kept.put_holdings(holdings_of(outputs) | {"Table": kept.get("table") or outputs["Table"]})
    api = ensure_rest_api(account.client("apigateway"), stage)
    for name in recall_bindings(account.client("lambda"), stage, place):
        say(f"The binding of {name}'s queue, made by a deployment that broke off, is known to Chalice again")
    digest, token = operator_token(kept)
    environment = {
        "RANVIER_STAGE": stage.name,
        # Another than the stack's own where one was restored from a backup.
        "RANVIER_TABLE": kept.get("table") or outputs["Table"],
        "RANVIER_QUEUE_PREFIX": stage.stack,
        "RANVIER_PUBLIC_URL": url or _own_domain(stage) or address(place, api, API_STAGE),
        "RANVIER_SECRET": sealed_secret(kept, account.client("kms"), stage, outputs["KeyArn"]),
        "RANVIER_LINK_SECRETS": ",".join(link_secrets(kept)),
        "RANVIER_OPERATOR_TOKEN": digest,
        "RANVIER_SMS_CONFIGURATION_SET": outputs["SmsConfigurationSet"],
        "RANVIER_EMAIL_CONFIGURATION_SET": outputs["EmailConfigurationSet"],
        "RANVIER_STAFF_ISSUER": outputs["StaffIssuer"],
        "RANVIER_STAFF_AUDIENCE": outputs["StaffAudience"],
        **sandbox.settings(),
    }
    changed = stage.write(place, environment, outputs["KeyArn"])
    say(f"Settings written: {', '.join(changed) if changed else 'none changed'}")
    if token is not None:
        say(f"The operator's token, shown this once: {token}")


def _own_domain(stage: Stage) -> str:
    """The custom domain an earlier run was given, if any."""
    before: str = stage.settings().get("environment_variables", {}).get("RANVIER_PUBLIC_URL", "")
    return "" if ".execute-api." in before else before


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ops.provision", description=__doc__)
    parser.add_argument("stage")
    parser.add_argument("--plan", action="store_true", help="print the plan and change nothing")
    parser.add_argument("--alarm-email", help="who is written to when an alarm changes")
    parser.add_argument("--monthly-spend", type=int, help="US dollars of texts a month at which an alarm rings")
    parser.add_argument("--url", default="", help="the custom domain patients' links lead to, https://…")
    parser.add_argument("--sandbox", choices=["on", "off"], help="whether only --contacts are contacted; off for prod")
    parser.add_argument("--contacts", help="numbers and addresses that a sandbox may contact: +1…,ana@…")
    parser.add_argument("--without-sending", action="store_true", help="go on though nothing could be sent yet")
    parser.add_argument("--unprotected", action="store_true", help="let the table be deleted: for trying things out")
    return parser


if __name__ == "__main__":
    sys.exit(main())
