"""The stage's CloudFormation stack: planned as a change set, shown, then carried out."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError, WaiterError
from chalice.package import YAMLTemplateSerializer

from ops.holdings import KINDS, Holding
from ops.stage import NotReady

_NOTHING = ("didn't contain changes", "No updates are to be performed")
_HALF_MADE = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "REVIEW_IN_PROGRESS", "IMPORT_ROLLBACK_COMPLETE")
"""What a stack is called that never stood: its making was rolled back, or planned and not carried out."""

_WAIT = {"Delay": 2, "MaxAttempts": 900}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a change set would do; empty where all is as it should be."""

    change_set: str | None
    changes: tuple[str, ...] = ()


class Stack:
    def __init__(self, cloudformation: Any, name: str) -> None:
        self._cfn, self._name = cloudformation, name

    def state(self) -> str:
        """CloudFormation's status of it, or an empty word where there is none."""
        try:
            return str(self._cfn.describe_stacks(StackName=self._name)["Stacks"][0]["StackStatus"])
        except ClientError as missing:
            if missing.response["Error"]["Code"] == "ValidationError":
                return ""
            raise

    def clear(self) -> bool:
        """Takes away a stack whose making was rolled back, which holds nothing; answers whether there was one.

        Raises NotReady where the stack is in the midst of something else.
        """
        state = self.state()
        if state in _HALF_MADE:
            self._gone()
            return True
        if state.endswith("IN_PROGRESS"):
            raise NotReady(f"stack {self._name} is {state}: somebody else is at it; try again when it is done")
        if state.endswith("FAILED"):
            raise NotReady(f"stack {self._name} is {state}: the console says why; nothing was changed")
        return False

    def take_up(self, template: str, parameters: Mapping[str, str], held: Sequence[Holding], now: datetime) -> None:
        """Makes a stack of nothing but what outlived an earlier one: a later plan adds the rest."""
        change_set = f"take-up-{now:%Y%m%d%H%M%S}"
        self._cfn.create_change_set(
            StackName=self._name,
            ChangeSetName=change_set,
            ChangeSetType="IMPORT",
            TemplateBody=_only(template, {each.part for each in held}),
            Parameters=self._parameters(parameters, known=False),
            ResourcesToImport=[
                {
                    "ResourceType": KINDS[each.part][0],
                    "LogicalResourceId": each.part,
                    "ResourceIdentifier": {KINDS[each.part][1]: each.name},
                }
                for each in held
            ],
        )
        self._made(change_set)
        self._cfn.execute_change_set(StackName=self._name, ChangeSetName=change_set)
        self._wait_for("stack_import_complete")

    def plan(self, template: str, parameters: Mapping[str, str], now: datetime) -> Plan:
        """Raises NotReady where CloudFormation refuses it."""
        state = self.state()
        change_set = f"provision-{now:%Y%m%d%H%M%S}"
        self._cfn.create_change_set(
            StackName=self._name,
            ChangeSetName=change_set,
            ChangeSetType="UPDATE" if state else "CREATE",
            TemplateBody=template,
            Parameters=self._parameters(parameters, known=bool(state)),
            Capabilities=["CAPABILITY_IAM"],
        )
        if not self._made(change_set):
            return Plan(None)
        return Plan(change_set, tuple(self._changes(change_set)))

    def _made(self, change_set: str) -> bool:
        """False where it would change nothing."""
        try:
            self._cfn.get_waiter("change_set_create_complete").wait(
                StackName=self._name, ChangeSetName=change_set, WaiterConfig=_WAIT
            )
        except WaiterError:
            why = self._cfn.describe_change_set(StackName=self._name, ChangeSetName=change_set).get("StatusReason", "")
            self._cfn.delete_change_set(StackName=self._name, ChangeSetName=change_set)
            if any(word in why for word in _NOTHING):
                return False
            raise NotReady(f"CloudFormation refuses the plan: {why}") from None
        return True

    def _parameters(self, asked: Mapping[str, str], *, known: bool) -> list[dict[str, object]]:
        """What is asked for now, and else what was asked for before."""
        told = [{"ParameterKey": name, "ParameterValue": value} for name, value in asked.items()]
        before = self._cfn.describe_stacks(StackName=self._name)["Stacks"][0]["Parameters"] if known else []
        names = [each["ParameterKey"] for each in before if each["ParameterKey"] not in asked]
        return [*told, *({"ParameterKey": name, "UsePreviousValue": True} for name in names)]

    def _changes(self, change_set: str) -> list[str]:
        told: list[str] = []
        token: dict[str, str] = {}
        while True:
            page = self._cfn.describe_change_set(StackName=self._name, ChangeSetName=change_set, **token)
            for each in page["Changes"]:
                change = each["ResourceChange"]
                action = change["Action"]
                if change.get("Replacement") in ("True", "Conditional"):
                    action += " (replaces it)"
                told.append(f"{action:8} {change['LogicalResourceId']} ({change['ResourceType']})")
            if not page.get("NextToken"):
                return told
            token = {"NextToken": page["NextToken"]}

    def drop(self, plan: Plan) -> None:
        """Leaves everything as it is."""
        if plan.change_set is not None:
            self._cfn.delete_change_set(StackName=self._name, ChangeSetName=plan.change_set)
        if self.state() == "REVIEW_IN_PROGRESS":
            self._gone()

    def carry_out(self, plan: Plan) -> None:
        if plan.change_set is None:
            return
        made = "stack_update_complete" if self.state() not in ("", "REVIEW_IN_PROGRESS") else "stack_create_complete"
        self._cfn.execute_change_set(StackName=self._name, ChangeSetName=plan.change_set)
        self._wait_for(made)

    def _wait_for(self, end: str) -> None:
        try:
            self._cfn.get_waiter(end).wait(StackName=self._name, WaiterConfig=_WAIT)
        except WaiterError:
            raise NotReady(f"stack {self._name} is {self.state()}: {'; '.join(self._failures())}") from None

    def _failures(self) -> list[str]:
        events = self._cfn.describe_stack_events(StackName=self._name)["StackEvents"]
        return [
            f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}"
            for event in events
            if event["ResourceStatus"].endswith("_FAILED")
        ][:5]

    def outputs(self) -> dict[str, str]:
        """Raises NotReady where the stack does not stand."""
        if not self.state():
            raise NotReady(f"there is no stack {self._name} here: `make provision` makes it")
        found = self._cfn.describe_stacks(StackName=self._name)["Stacks"][0].get("Outputs", [])
        return {output["OutputKey"]: output["OutputValue"] for output in found}

    def remove(self) -> None:
        """Takes it down, but for what its template says to keep."""
        if self.state():
            self._gone()

    def _gone(self) -> None:
        self._cfn.delete_stack(StackName=self._name)
        self._wait_for("stack_delete_complete")


def _only(template: str, parts: Set[str]) -> str:
    """The template with those resources alone."""
    yaml = YAMLTemplateSerializer()
    whole = yaml.load_template(template)
    whole.pop("Outputs", None)
    whole["Resources"] = {name: each for name, each in whole["Resources"].items() if name in parts}
    if "Key" not in parts:
        whole["Resources"].get("Table", {"Properties": {}})["Properties"].pop("SSESpecification", None)
    text: str = yaml.serialize_template(whole)
    return text
