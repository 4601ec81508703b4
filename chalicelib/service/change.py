"""Change: the one way facts about a patient are altered. Load, alter, recompute what is not yet sent, commit.

Facts and cursor go in one transaction under the cursor's fence, so a reminder is claimed either before the change or
under it, never beside it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.facts import Facts
from chalicelib.domain.patient import Consent
from chalicelib.domain.problem import Problem
from chalicelib.domain.replan import replanned
from chalicelib.service.chart import Audit, Chart, Reference, Task
from chalicelib.service.ports import Queue, Store
from chalicelib.service.references import queue_if_near

TRIES = 8
"""How often a change is tried against others of the same patient before it is given up as a defect."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that is readable and wrong. Nothing was changed. `conflict`: it clashes with how things stand."""

    problems: tuple[Problem, ...]
    conflict: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Altered:
    """What an alteration makes of the facts, and what goes with it."""

    facts: Facts
    tasks: Sequence[Task] = ()
    consents: Sequence[Consent] = ()


class Contended(Exception):
    """A patient's facts kept changing while a change was tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a change takes: where it is written, and where a reminder that comes nearer is queued."""

    store: Store
    queue: Queue

    def change(
        self,
        clinic_id: str,
        patient_id: str,
        alter: Callable[[Facts], Altered | Refusal | None],
        audit: Audit,
        *,
        now: datetime,
    ) -> Chart | Refusal | None:
        """The chart after the change; None for no such patient; the refusal, if `alter` refuses.

        `alter` is called anew whenever somebody else was faster. When it answers None there is nothing to change.
        """
        for _ in range(TRIES):
            chart = self.store.chart(clinic_id, patient_id, now=now)
            if chart is None:
                return None
            altered = alter(chart.facts)
            if altered is None:
                return chart
            if isinstance(altered, Refusal):
                return altered
            facts, cursor = replanned(chart.facts, altered.facts, chart.cursor, now)
            changed = Chart(facts=facts, cursor=cursor)
            if self.store.commit(chart, changed, audit=audit, tasks=altered.tasks, consents=altered.consents):
                wake_soon(self.queue, changed, now)
                return changed
        raise Contended


def wake_soon(queue: Queue, chart: Chart, now: datetime) -> None:
    """Queues the chart's next wake if the tick may have looked past its time already."""
    if chart.cursor.due is None:
        return
    reference = Reference(
        clinic_id=chart.facts.clinic.id,
        patient_id=chart.facts.patient.id,
        seq=chart.cursor.seq,
        due=chart.cursor.due,
    )
    queue_if_near(queue, reference, now)
