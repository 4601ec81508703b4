"""Two invocations that overlap as much as they can: they take turns, call by call."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_PATIENCE_S = 2.0
"""Real seconds after which a turn is taken anyway: the other may wait for something that only this one can give."""


class Turns:
    """A round of as many threads as will take part. Left alone with each other they finish in an unpredictable order,
    mostly one after the other; this makes every race happen the same way each time.
    """

    def __init__(self, threads: int) -> None:
        self._missing = threads
        self._round: list[int] = []
        self._changed = threading.Condition()

    @contextmanager
    def taking(self) -> Iterator[None]:
        """Around a thread's part; begins when all are there."""
        me = threading.get_ident()
        with self._changed:
            self._round.append(me)
            self._missing -= 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._missing == 0, _PATIENCE_S)
        try:
            yield
        finally:
            with self._changed:
                self._round.remove(me)
                self._changed.notify_all()

    def wait(self) -> None:
        """Before a call: until it is this thread's turn, which then passes on. Threads outside are not held up."""
        me = threading.get_ident()
        with self._changed:
            if me not in self._round:
                return
            self._changed.wait_for(lambda: self._round[0] == me, _PATIENCE_S)
            self._round.remove(me)
            self._round.append(me)
            self._changed.notify_all()
