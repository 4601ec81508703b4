"""Every benchmark, as tables: `make bench`. Sizes are the promise's; a quick look: `python -m bench quick`."""

import sys
from importlib import import_module
from importlib.util import find_spec
from runpy import run_module

QUICK = {"units": ((1_000, 10_000),), "calls": (20, 40), "lateness": (2_000,)}
OTHERS = ("agenda", "startup")
"""Written beside these; each has a `report()` without sizes."""


def main(quick: bool) -> None:
    for name in ("units", "calls", "lateness"):
        print(import_module(f"bench.{name}").report(*(QUICK[name] if quick else ())))
    for name in OTHERS:
        if find_spec(f"bench.{name}") is None:
            continue
        print(import_module(f"bench.{name}").report())
    sys.argv = sys.argv[:1]  # its arguments would be the sets to measure
    run_module("bench.triage", run_name="__main__")


if __name__ == "__main__":
    main("quick" in sys.argv[1:])
