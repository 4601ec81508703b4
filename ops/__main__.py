"""`python -m ops STAGE …`: looking after a stage that runs.

Each command prints what it is about to do, can be repeated, and is audited with who did it and why. --plan, before the
command's name, prints and changes nothing.
"""

import argparse
import re
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from ops.account import Account
from ops.inside import Inside
from ops.letters import letters
from ops.occurrences import intervene, show
from ops.restored import restored
from ops.rotate import revoke_clinic_key, rotate_clinic_key, rotate_links, rotate_operator_token
from ops.say import complain
from ops.stage import PROJECT, NotReady, Stage
from ops.switches import start, stop

Command = Callable[[Inside, argparse.Namespace], None]


def main(argv: list[str] | None = None, project: Path = PROJECT) -> int:
    asked = arguments().parse_args([_no_option(word) for word in (sys.argv[1:] if argv is None else argv)])
    command: Command = asked.run
    try:
        command(Inside(Stage(asked.stage, project), Account()), asked)
    except NotReady as missing:
        complain(f"ops: {missing}")
        return 1
    return 0


_ID = re.compile(r"-[\w-]{15}")


def _no_option(word: str) -> str:
    """One id in sixty-four begins with a dash; argparse takes a word with a space in it for no option."""
    return f"{word} " if _ID.fullmatch(word) else word


def _letters(inside: Inside, asked: argparse.Namespace) -> None:
    letters(inside, asked.function, only=asked.only, replay=asked.replay or bool(asked.only), only_plan=asked.plan)


def _occurrences(inside: Inside, asked: argparse.Namespace) -> None:
    show(inside, asked.clinic, asked.patient)


def _intervene(inside: Inside, asked: argparse.Namespace) -> None:
    who = (asked.clinic, asked.patient, asked.occurrence)
    intervene(inside, asked.command, *who, reason=asked.reason, only_plan=asked.plan)


def _switch(inside: Inside, asked: argparse.Namespace) -> None:
    throw = stop if asked.command == "stop" else start
    throw(inside, asked.clinic, reason=asked.reason, only_plan=asked.plan)


def _rotate(inside: Inside, asked: argparse.Namespace) -> None:
    match asked.what:
        case "operator-token":
            rotate_operator_token(inside, reason=asked.reason, only_plan=asked.plan)
        case "links":
            rotate_links(inside, end=asked.end, reason=asked.reason, only_plan=asked.plan)
        case _:
            rotate_clinic_key(inside, asked.clinic, asked.key, reason=asked.reason, only_plan=asked.plan)


def _revoke(inside: Inside, asked: argparse.Namespace) -> None:
    revoke_clinic_key(inside, asked.clinic, asked.key, reason=asked.reason, only_plan=asked.plan)


def _restored(inside: Inside, asked: argparse.Namespace) -> None:
    restored(inside, asked.table, asked.since, reason=asked.reason, only_plan=asked.plan)


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise argparse.ArgumentTypeError(f"say in which zone, as in {text}Z")
    return found


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ops", description=__doc__)
    parser.add_argument("stage")
    parser.add_argument("--plan", action="store_true", help="print what would be done, and change nothing")
    commands = parser.add_subparsers(dest="command", required=True)

    def add(name: str, run: Command, *words: str, why: bool = True, **more: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, **more)  # type: ignore[arg-type]
        for word in words:
            command.add_argument(word, type=str.strip)
        if why:
            command.add_argument("--reason", required=True, help="for the audit; no names, numbers or texts")
        command.set_defaults(run=run)
        return command

    dead = add("letters", _letters, why=False, help="dead letters, of one function or of all")
    dead.add_argument("function", nargs="?", help="deliver, hear, note, escalate or import")
    dead.add_argument("--replay", action="store_true", help="put them back on the function's queue")
    dead.add_argument("--only", metavar="ID", help="put back this one")
    add("occurrences", _occurrences, "clinic", "patient", why=False, help="what a patient's messages came to, by ids")
    add("resend", _intervene, "clinic", "patient", "occurrence", help="have a failed or unknown message sent again")
    add("void", _intervene, "clinic", "patient", "occurrence", help="have a message not sent that has not been yet")
    add("stop", _switch, "clinic", help="a clinic, or `all`: nothing is claimed any more")
    add("start", _switch, "clinic", help="a clinic, or `all`: what is still of use goes out")
    rotating = commands.add_parser("rotate", help="make new keys, with an overlap").add_subparsers(
        dest="what", required=True
    )
    for what in ("operator-token", "links", "clinic-key"):
        one = rotating.add_parser(what)
        if what == "clinic-key":
            one.add_argument("clinic", type=str.strip)
            one.add_argument("key", type=str.strip, help="the id of the key that a new one is to take the place of")
        if what == "links":
            one.add_argument("--end", action="store_true", help="links signed before the last rotation open no more")
        one.add_argument("--reason", required=True, help="for the audit")
        one.set_defaults(run=_rotate)
    add("revoke", _revoke, "clinic", "key", help="have a clinic's key open no more")
    going_on = add("restored", _restored, "table", help="go on with a table that was restored to an earlier moment")
    going_on.add_argument("--since", required=True, type=_instant, help="that moment: 2026-03-01T08:00:00Z")
    return parser


if __name__ == "__main__":
    sys.exit(main())
