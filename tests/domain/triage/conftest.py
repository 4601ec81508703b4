from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.triage import Knowledge, Prompt, PromptKind
from chalicelib.protocols.triage import load

ASKED = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def asked(*kinds: PromptKind) -> list[Prompt]:
    """Open questions, the last one asked last. Each question's id is its kind."""
    return [Prompt(id=kind.value, kind=kind, asked_at=ASKED + timedelta(minutes=at)) for at, kind in enumerate(kinds)]


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    return load()
