"""How fast one key may ask: a bucket of tokens in the table, drawn by the handful so that most requests pay nothing."""

import threading
from datetime import datetime, timedelta
from http import HTTPStatus
from math import ceil

from chalicelib import wiring
from chalicelib.web.problems import Refused

BURST_S = 60
"""A bucket holds a minute's worth: a nightly import of a clinic's appointments comes all at once, and should."""

HANDFUL_S = 0.5
"""What a process draws ahead. What it has not used when it ends is lost, so it is little."""

_UNUSED = timedelta(seconds=30)


class Rates:
    """What this process has drawn and not yet used, by principal."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._drawn: dict[str, tuple[int, datetime]] = {}

    def pass_one(self, scope: str, *, now: datetime, rate: float) -> None:
        """Raises a 429 that says when to come again."""
        if self._use(scope, now):
            return
        handful = max(1, int(rate * HANDFUL_S))
        drawn, wait = wiring.ledger().draw(scope, now=now, rate=rate, burst=int(rate * BURST_S), handful=handful)
        if not drawn:
            seconds = max(1, ceil(wait))
            raise Refused(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"This key may ask {rate:g} times a second, and {int(rate * BURST_S)} times at once. "
                f"Ask again in {seconds} s.",
                code="rate",
                headers={"Retry-After": str(seconds)},
            )
        with self._lock:
            self._drawn[scope] = (drawn - 1, now)

    def _use(self, scope: str, now: datetime) -> bool:
        with self._lock:
            left, at = self._drawn.get(scope, (0, now))
            if left < 1 or not timedelta(0) <= now - at < _UNUSED:
                return False
            self._drawn[scope] = (left - 1, at)
            return True


rates = Rates()
