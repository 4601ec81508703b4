"""Metrics: what operators see of the service: counts and seconds, by kind and channel, and nothing that leads to a
person."""

from enum import StrEnum
from typing import Protocol


class Metric(StrEnum):
    """Everything that is counted. The stage's alarms and dashboard watch these names, and a test holds both to each
    other."""

    SENT = "Sent"
    """The provider took it."""
    FAILED = "Failed"
    """The provider refused it, and that is final."""
    UNKNOWN = "Unknown"
    """Nobody knows whether it went out."""
    HELD = "Held"
    """A due wake that waits, each time it was looked at."""
    LET_GO = "LetGo"
    """Claimed, certainly not sent, and of no use any more."""
    LATENESS = "Lateness"
    """Whole seconds from a reminder's slot to the provider's yes."""
    UNDELIVERED = "Undelivered"
    """The provider's failure, told by a receipt after it had taken the message."""
    ESCALATIONS = "Escalations"
    """Pages past a task's first contact."""
    LIMIT_REACHED = "LimitReached"
    """A clinic's limit of messages or money, once a day or month."""
    PROVIDER_LIMIT = "ProviderLimit"
    """A message that the provider refused because the account may send no more."""
    HEARD = "Heard"
    """Texts from patients."""
    OLDEST_DUE = "OldestDue"
    """Seconds that the oldest due reminder of a running clinic has waited."""
    OVERDUE_FOUND = "OverdueFound"
    GAPS = "Gaps"
    RUNGS_OVERDUE = "RungsOverdue"
    UNANSWERED = "Unanswered"
    """Tasks that everybody has been paged about and nobody has acknowledged, each minute for as long as there are."""


class Metrics(Protocol):
    def tell(self, metric: Metric, value: float = 1, *, kind: str = "", channel: str = "", code: str = "") -> None:
        """Counts or measures something; with `kind` and `channel` also among its like. `code`: the provider's,
        for whoever reads the log. Never fails, never waits."""


class Silent(Metrics):
    """Where nobody watches."""

    def tell(self, metric: Metric, value: float = 1, *, kind: str = "", channel: str = "", code: str = "") -> None:
        pass


SILENT = Silent()
