from collections.abc import Iterator

import pytest

from local.world import World
from tests.local.toy import toy_app

START = "2026-03-01T08:00:00Z"


@pytest.fixture
def world() -> Iterator[World]:
    with World(START, app=toy_app) as made:
        yield made
