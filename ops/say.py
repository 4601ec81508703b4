"""What the commands print."""

import sys

UNCHANGED = "Nothing was changed."


def say(text: str = "") -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def complain(text: str) -> None:
    sys.stderr.write(text + "\n")
