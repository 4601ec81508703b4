"""`python -m ops STAGE …`: looking after a stage that runs. Each command can be repeated, and what it does is audited.

letters FUNCTION [--replay]          dead letters of deliver, hear, note, escalate or import
stop|start CLINIC|all --reason …     the stop switch, of one clinic or of every one
rotate operator-token                a new operator's token; the old one ends with the next `chalice deploy`
"""

import argparse
import sys

from ops.account import Account
from ops.inside import PLATFORM, Inside
from ops.kept import Kept, operator_token
from ops.letters import letters
from ops.say import complain, say
from ops.stage import NotReady, Stage
from ops.switches import start, stop


def main(argv: list[str] | None = None) -> int:
    asked = _arguments().parse_args(argv)
    try:
        inside = Inside(Stage(asked.stage), Account())
        match asked.command:
            case "letters":
                letters(inside, asked.function, replay=asked.replay)
            case "stop":
                stop(inside, asked.clinic, asked.reason)
            case "start":
                start(inside, asked.clinic, asked.reason)
            case "rotate":
                rotate(inside)
    except NotReady as missing:
        complain(f"ops: {missing}")
        return 1
    return 0


def rotate(inside: Inside) -> None:
    """A new operator's token. Clinics' keys are rotated by whoever holds them: POST and DELETE /clinics/{id}/keys."""
    digest, token = operator_token(Kept(inside.account.client("ssm"), inside.stage), renew=True)
    inside.stage.tell(RANVIER_OPERATOR_TOKEN=digest)
    inside.note(PLATFORM, "operator_token.rotate", detail="by operators")
    say(f"The operator's new token, shown this once: {token}")
    say(f"It opens, and the old one no longer does, after: .venv/bin/chalice deploy --stage {inside.stage.name}")


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ops", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stage")
    commands = parser.add_subparsers(dest="command", required=True)
    dead = commands.add_parser("letters")
    dead.add_argument("function")
    dead.add_argument("--replay", action="store_true", help="put them back on the queue")
    for verb in ("stop", "start"):
        switch = commands.add_parser(verb)
        switch.add_argument("clinic", help="its id, or `all`")
        switch.add_argument("--reason", required=True)
    rotating = commands.add_parser("rotate")
    rotating.add_argument("what", choices=["operator-token"])
    return parser


if __name__ == "__main__":
    sys.exit(main())
