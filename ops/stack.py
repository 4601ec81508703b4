"""The stage's CloudFormation stack: planned as a change set, shown, then carried out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from ops.stage import NotReady

_NOTHING = ("didn't contain changes", "No updates are to be performed")
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

    def plan(self, template: str, parameters: Mapping[str, str], now: datetime) -> Plan:
        """Raises NotReady where the stack is in the midst of something else."""
        state = self.state()
        if state in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "REVIEW_IN_PROGRESS"):
            # Half made: the template's data are kept except where their making was rolled back.
            self._gone()
            state = ""
        if state.endswith("IN_PROGRESS"):
            raise NotReady(f"stack {self._name} is {state}: somebody else is at it; try again when it is done")
        if state.endswith("FAILED"):
            raise NotReady(f"stack {self._name} is {state}: the console says why; nothing was changed")
        change_set = f"provision-{now:%Y%m%d%H%M%S}"
        self._cfn.create_change_set(
            StackName=self._name,
            ChangeSetName=change_set,
            ChangeSetType="UPDATE" if state else "CREATE",
            TemplateBody=template,
            Parameters=self._parameters(parameters, known=bool(state)),
            Capabilities=["CAPABILITY_IAM"],
            # A table that outlived an earlier stack of this name is taken up again.
            ImportExistingResources=True,
        )
        try:
            self._cfn.get_waiter("change_set_create_complete").wait(
                StackName=self._name, ChangeSetName=change_set, WaiterConfig=_WAIT
            )
        except WaiterError:
            why = self._cfn.describe_change_set(StackName=self._name, ChangeSetName=change_set).get("StatusReason", "")
            self._cfn.delete_change_set(StackName=self._name, ChangeSetName=change_set)
            if any(word in why for word in _NOTHING):
                return Plan(None)
            raise NotReady(f"CloudFormation refuses the plan: {why}") from None
        return Plan(change_set, tuple(self._changes(change_set)))

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

    def carry_out(self, plan: Plan) -> None:
        if plan.change_set is None:
            return
        made = "stack_update_complete" if self.state() not in ("", "REVIEW_IN_PROGRESS") else "stack_create_complete"
        self._cfn.execute_change_set(StackName=self._name, ChangeSetName=plan.change_set)
        try:
            self._cfn.get_waiter(made).wait(StackName=self._name, WaiterConfig=_WAIT)
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
        try:
            self._cfn.get_waiter("stack_delete_complete").wait(StackName=self._name, WaiterConfig=_WAIT)
        except WaiterError:
            raise NotReady(f"stack {self._name} is {self.state()}: {'; '.join(self._failures())}") from None
