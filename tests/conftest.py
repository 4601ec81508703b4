"""What every test runs under."""

import re
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

# The same examples on every machine: a red run is about the change at hand. `make explore` looks for new ones.
settings.register_profile("same", derandomize=True)
settings.register_profile("new", derandomize=False, print_blob=True)
settings.load_profile("same")

_NUMBER = re.compile(r"\+[0-9]{8,}")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Every world of the run is watched for what is personal. A run without worlds does not pay for them."""
    if "local.world" in sys.modules:
        from tests.canary import Canary

        Canary().sing()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Metrics are lines of a function's output: no test may have one that names anybody."""
    report = yield
    if report.when == "call" and report.passed and "canary" not in item.nodeid:
        printed = "\n".join(text for name, text in report.sections if "stdout" in name)
        metrics = [line for line in printed.splitlines() if '"CloudWatchMetrics"' in line]
        if any(_NUMBER.search(line) or "Zyxwanda" in line for line in metrics):
            report.outcome, report.longrepr = "failed", "a metric names somebody"
    return report
