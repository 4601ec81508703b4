"""Every benchmark, as tables: `make bench`. Sizes are the promise's; a quick look: `python -m bench quick`."""

import sys
from importlib import import_module
from importlib.util import find_spec

QUICK = {"units": ((1_000, 10_000),), "calls": (20, 40), "lateness": (2_000,)}
OTHERS = ("agenda", "startup", "triage.measure")
"""Written beside these; each has a `report()` of its own."""


def main(quick: bool) -> None:
    for name in ("units", "calls", "lateness"):
        print(import_module(f"bench.{name}").report(*(QUICK[name] if quick else ())))
    for name in OTHERS:
        if find_spec(f"bench.{name}") is None:
            continue
        report = getattr(import_module(f"bench.{name}"), "report", None)
        if report is not None:
            print(report())


if __name__ == "__main__":
    main("quick" in sys.argv[1:])
