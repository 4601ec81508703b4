"""`make destroy STAGE=…`: take a stage's functions and stack down. Patients' data stay unless DATA=delete says not.

What stays is the table, its key, the user pool, and what is kept in SSM; provisioning the same stage again takes the
table up where it was.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from botocore.exceptions import ClientError

from ops.account import Account, at_home
from ops.kept import Kept
from ops.say import complain, say
from ops.stack import Stack
from ops.stage import NotReady, Stage

KEPT = ("secret", "secret-key", "operator-token")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.destroy", description=__doc__)
    parser.add_argument("stage")
    parser.add_argument("--delete-data", action="store_true", help="delete patients' data, too, for good")
    asked = parser.parse_args(argv)
    try:
        destroy(Stage(asked.stage), Account(), delete_data=asked.delete_data)
    except NotReady as missing:
        complain(f"destroy: {missing}")
        return 1
    return 0


def destroy(stage: Stage, account: Account, *, delete_data: bool) -> None:
    at_home(stage, account.place())
    kept = Kept(account.client("ssm"), stage)
    kept.restore_deployed()
    stack = Stack(account.client("cloudformation"), stage.stack)
    outputs = stack.outputs() if stack.state() else {}
    if stage.deployed.exists():
        _delete_functions(stage)
        stage.deployed.unlink(missing_ok=True)
    kept.forget("deployed")
    stack.remove()
    say(f"Functions and stack of {stage.name} are gone")
    if not delete_data:
        say(f"Kept: table and user pool {stage.stack}, their key, and {stage.parameter('*')} in SSM")
        return
    if not outputs:
        raise NotReady("the stack was gone before, so what it had kept is not known: delete it by hand")
    _delete_data(account, outputs)
    for name in KEPT:
        kept.forget(name)
    say("Data deleted. The key is deleted after 30 days; until then `aws kms cancel-key-deletion` keeps it")


def _delete_functions(stage: Stage) -> None:
    chalice = Path(sys.executable).with_name("chalice")
    ran = subprocess.run([chalice, "delete", "--stage", stage.name], cwd=stage.project, check=False)  # noqa: S603
    if ran.returncode:
        raise NotReady("chalice could not delete the functions; the stack and the data were left alone")


def _delete_data(account: Account, outputs: dict[str, str]) -> None:
    table, staff = account.client("dynamodb"), account.client("cognito-idp")
    pool = outputs["StaffIssuer"].rpartition("/")[2]
    try:
        table.update_table(TableName=outputs["Table"], DeletionProtectionEnabled=False)
        table.delete_table(TableName=outputs["Table"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
    try:
        staff.update_user_pool(UserPoolId=pool, DeletionProtection="INACTIVE")
        staff.delete_user_pool(UserPoolId=pool)
    except staff.exceptions.ResourceNotFoundException:
        say(f"user pool {pool} was gone already")
    account.client("kms").schedule_key_deletion(KeyId=outputs["KeyArn"], PendingWindowInDays=30)


if __name__ == "__main__":
    sys.exit(main())
