"""Allowance: what waits before it is claimed because its clinic, or the account at the provider, may send no more now.

Nothing here fails a send: what is not known to be reached is not reached (docs/decisions/limits.md).
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from chalicelib.domain.clinic import Clinic
from chalicelib.domain.ids import digest
from chalicelib.domain.limits import Used, Wait, cost, period, reached
from chalicelib.domain.occurrence import Reason
from chalicelib.domain.patient import Channel
from chalicelib.service.chart import Task
from chalicelib.service.conversation import NOBODY
from chalicelib.service.metrics import SILENT, Metric, Metrics
from chalicelib.service.ports import Store

BLOCKED_FOR = timedelta(minutes=10)
"""After a provider has said that the account may send no more, it is asked again this often: SES's own advice for its
daily quota, and soon enough for a spend limit that people raise."""


class Tally(Protocol):
    """What clinics have used, of which every process knows its own part at once and the others' within a minute."""

    def used(self, clinic: Clinic, now: datetime) -> Used: ...

    def add(self, clinic: Clinic, used: Used, now: datetime, *, at_once: bool) -> None:
        """Counts a message. `at_once`: in the table before this returns, not with others a little later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    tally: Tally | None = None
    """None where nobody counts."""
    metrics: Metrics = SILENT
    _blocked: dict[Channel, Wait] = field(default_factory=dict)
    """This process's own experience of the providers: each finds out for itself, with one message."""
    _reported: set[str] = field(default_factory=set)

    def waits(self, clinic: Clinic, now: datetime) -> tuple[Wait, ...]:
        """What keeps messages of the clinic from going now."""
        limit = reached(clinic, self.tally.used(clinic, now), now) if self.tally else None
        blocked = [wait for channel in Channel if (wait := self.blocked(channel, now))]
        return (*blocked, *((limit,) if limit else ()))

    def blocked(self, channel: Channel, now: datetime) -> Wait | None:
        """The provider's refusal, while it is fresh."""
        wait = self._blocked.get(channel)
        return wait if wait is not None and now < wait.until else None

    def block(self, channel: Channel, code: str, now: datetime) -> None:
        """The provider has refused a message because the account may send no more."""
        reason = Reason(PROVIDER_LIMIT, f"the account's limit at the {channel.value} provider is reached: {code}")
        self._blocked[channel] = Wait(reason=reason, until=now + BLOCKED_FOR, channel=channel)
        self.metrics.tell(Metric.PROVIDER_LIMIT, channel=channel, code=code)

    def spent(self, clinic: Clinic, channel: Channel, segments: int, now: datetime, *, at_once: bool = False) -> None:
        """A message has gone out, or may have."""
        if self.tally:
            self.tally.add(clinic, Used(messages=1, cost=cost(clinic, channel, segments)), now, at_once=at_once)

    def report(self, store: Store, clinic: Clinic, reason: Reason, now: datetime) -> None:
        """Tells staff and operators once a day or month that reminders wait for the clinic's limit."""
        wait = next((each for each in self.waits(clinic, now) if each.reason == reason and each.channel is None), None)
        if wait is None:
            return
        task_id = f"{NOBODY}{digest(clinic.id, wait.reason.rule, period(clinic, wait, now))}"
        if task_id in self._reported:
            return
        self._reported.add(task_id)
        task = Task(
            id=task_id,
            clinic_id=clinic.id,
            patient_id=NOBODY,
            kind="limit_reached",
            tier="review_soon",
            rule=wait.reason.rule,
            detail=wait.reason.detail,
            opened_at=now,
            title="Reminders wait: the clinic's limit is reached",
        )
        if store.open_task(task):
            self.metrics.tell(Metric.LIMIT_REACHED)


PROVIDER_LIMIT = "provider_limit"
"""The rule of what waits for the account's limit at a provider."""
