"""`make destroy STAGE=…`: take a stage's functions and stack down. Patients' data stay unless DATA=delete says not.

What stays is the table, its key, the user pool, and what is kept in SSM; provisioning the same stage again takes them
up where they were. Running it again takes away what an earlier run left.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from ops.account import Account, at_home
from ops.holdings import delete, standing
from ops.kept import Kept
from ops.say import UNCHANGED, complain, say
from ops.stack import Stack
from ops.stage import NotReady, Stage

KEPT = ("secret", "secret-key", "link-secrets", "operator-token", "holdings", "table", "restored-at")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.destroy", description=__doc__)
    parser.add_argument("stage")
    parser.add_argument("--plan", action="store_true", help="print the plan and change nothing")
    parser.add_argument("--delete-data", action="store_true", help="delete patients' data, too, for good")
    asked = parser.parse_args(argv)
    try:
        destroy(Stage(asked.stage), Account(), delete_data=asked.delete_data, only_plan=asked.plan)
    except NotReady as missing:
        complain(f"destroy: {missing}")
        return 1
    return 0


def destroy(stage: Stage, account: Account, *, delete_data: bool, only_plan: bool) -> None:
    at_home(stage, account.place())
    kept = Kept(account.client("ssm"), stage)
    kept.restore_deployed()
    stack = Stack(account.client("cloudformation"), stage.stack)
    held = ", ".join(map(str, standing(account, kept, stage)))
    if not (held or stack.state() or stage.deployed.exists()):
        say(f"There is nothing of stage {stage.name} here")
        return
    say(f"Plan: remove the functions of {stage.name} and stack {stage.stack}")
    say(f"  {'delete for good' if delete_data else 'keep'}: {held or 'nothing, for there are no data'}")
    if only_plan:
        say(UNCHANGED)
        return
    if stage.deployed.exists():
        _delete_functions(stage)
        stage.deployed.unlink(missing_ok=True)
    kept.forget("deployed")
    stack.remove()
    say(f"Functions and stack of {stage.name} are gone")
    if not delete_data:
        say(f"Kept, with {stage.parameter('*')} in SSM: `make provision STAGE={stage.name}` takes them up again")
        return
    delete(account, standing(account, kept, stage))
    for name in KEPT:
        kept.forget(name)
    stage.forget()
    say("Data deleted. The key is deleted after 30 days; the table's last backup is AWS's for 35")


def _delete_functions(stage: Stage) -> None:
    chalice = Path(sys.executable).with_name("chalice")
    ran = subprocess.run([chalice, "delete", "--stage", stage.name], cwd=stage.project, check=False)  # noqa: S603
    if ran.returncode:
        raise NotReady("chalice could not delete the functions; the stack and the data were left alone")


if __name__ == "__main__":
    sys.exit(main())
