"""What holds a stage's data and outlives its stack: the table, its key, the user pool.

Which they are is kept in SSM at every provisioning, so that they are found again when the stack is gone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from ops.account import Account
from ops.kept import Kept
from ops.stage import NotReady, Stage

KINDS = {
    "Table": ("AWS::DynamoDB::Table", "TableName"),
    "Key": ("AWS::KMS::Key", "KeyId"),
    "Staff": ("AWS::Cognito::UserPool", "UserPoolId"),
}
"""By the name in the template: the resource's type, and what CloudFormation knows one by."""


@dataclass(frozen=True, slots=True)
class Holding:
    """One of them, by its name in the template and its own."""

    part: str
    name: str

    def __str__(self) -> str:
        return f"{self.part} {self.name}"


def holdings_of(outputs: Mapping[str, str]) -> dict[str, str]:
    """As a stack's outputs tell of them."""
    return {
        "Table": outputs["Table"],
        "Key": outputs["KeyArn"].rpartition("/")[2],
        "Staff": outputs["StaffIssuer"].rpartition("/")[2],
    }


def standing(account: Account, kept: Kept, stage: Stage) -> list[Holding]:
    """Those that are still there.

    Raises NotReady where the key of a table is about to be deleted: without it nobody will read the table again.
    """
    known = kept.holdings() or {"Table": stage.stack}
    found = [Holding(part, name) for part, name in known.items() if _ASK[part](account, name)]
    parts = {each.part for each in found}
    if "Table" in parts and "Key" in known and "Key" not in parts:
        raise NotReady(
            f"the key {known['Key']} of table {known['Table']} is being deleted, and with it the table's data: "
            f"`aws kms cancel-key-deletion` and `aws kms enable-key` keep it. Nothing was changed"
        )
    return found


def delete(account: Account, held: list[Holding]) -> None:
    """Deletes them for good, the key after 30 days."""
    for each in held:
        _DELETE[each.part](account, each.name)


def _table_stands(account: Account, name: str) -> bool:
    return _answers(account.client("dynamodb").describe_table, TableName=name)


def _pool_stands(account: Account, name: str) -> bool:
    return _answers(account.client("cognito-idp").describe_user_pool, UserPoolId=name)


def _key_stands(account: Account, name: str) -> bool:
    keys = account.client("kms")
    if not _answers(keys.describe_key, KeyId=name):
        return False
    return bool(keys.describe_key(KeyId=name)["KeyMetadata"]["KeyState"] != "PendingDeletion")


def _answers(ask: Any, **name: str) -> bool:
    try:
        ask(**name)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("ResourceNotFoundException", "NotFoundException"):
            return False
        raise
    return True


def _delete_table(account: Account, name: str) -> None:
    tables = account.client("dynamodb")
    tables.update_table(TableName=name, DeletionProtectionEnabled=False)
    tables.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 2, "MaxAttempts": 90})
    tables.delete_table(TableName=name)


def _delete_pool(account: Account, name: str) -> None:
    staff = account.client("cognito-idp")
    staff.update_user_pool(UserPoolId=name, DeletionProtection="INACTIVE")
    staff.delete_user_pool(UserPoolId=name)


def _delete_key(account: Account, name: str) -> None:
    account.client("kms").schedule_key_deletion(KeyId=name, PendingWindowInDays=30)


_ASK = {"Table": _table_stands, "Key": _key_stands, "Staff": _pool_stands}
_DELETE = {"Table": _delete_table, "Key": _delete_key, "Staff": _delete_pool}
