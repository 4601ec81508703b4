"""Change: the one way facts about a patient are altered. Load, alter, recompute what is not yet sent, commit.

Facts and cursor go in one transaction under the cursor's fence, so a reminder is claimed either before the change or
under it, never beside it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from chalicelib.domain.facts import Facts
from chalicelib.domain.patient import Consent, ContactStatus
from chalicelib.domain.problem import Problem
from chalicelib.domain.replan import replanned
from chalicelib.domain.returning import dealt_with, returning
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


@dataclass(frozen=True, slots=True)
class Stale(Refusal):
    """The change was asked of a version that is no longer the current one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Altered:
    """What an alteration makes of the facts, and what goes with it."""

    facts: Facts
    tasks: Sequence[Task] = ()
    consents: Sequence[Consent] = ()
    lifts: Mapping[str, ContactStatus] = field(default_factory=dict, repr=False)
    """Addresses that are to be written to again, and what is lifted from each."""


Alter = Callable[[Facts], Altered | Refusal | None]
"""What a change makes of the facts as they stand; None when there is nothing to change."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A chart before a change and after it: the same one twice where there was nothing to change."""

    before: Chart
    after: Chart


class Contended(Exception):
    """A patient's facts kept changing while a change was tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a change takes: where it is written, and where a reminder that comes nearer is queued."""

    store: Store
    queue: Queue

    def change(
        self, clinic_id: str, patient_id: str, alter: Alter, audit: Audit, *, now: datetime
    ) -> Chart | Refusal | None:
        """The chart after the change; None for no such patient; the refusal, if `alter` refuses.

        `alter` is called anew whenever somebody else was faster.
        """
        done = self.carry_out(clinic_id, patient_id, alter, audit, now=now)
        return done.after if isinstance(done, Changed) else done

    def carry_out(
        self, clinic_id: str, patient_id: str, alter: Alter, audit: Audit, *, now: datetime
    ) -> Changed | Refusal | None:
        """`change`, for whoever also tells what it did."""
        for _ in range(TRIES):
            tried = self._try(clinic_id, patient_id, alter, now)
            if not isinstance(tried, tuple):
                return tried
            done, altered = tried
            for address, status in altered.lifts.items():
                self.store.mark(clinic_id, address, ContactStatus.OK, now, only_from=status)
            if self.store.commit(done.before, done.after, audit=audit, tasks=altered.tasks, consents=altered.consents):
                wake_soon(self.queue, done.after, now)
                return done
        raise Contended

    def rehearse(self, clinic_id: str, patient_id: str, alter: Alter, *, now: datetime) -> Changed | Refusal | None:
        """What `carry_out` would do at this moment. Nothing is changed."""
        tried = self._try(clinic_id, patient_id, alter, now)
        return tried[0] if isinstance(tried, tuple) else tried

    def _try(
        self, clinic_id: str, patient_id: str, alter: Alter, now: datetime
    ) -> tuple[Changed, Altered] | Changed | Refusal | None:
        chart = self.store.chart(clinic_id, patient_id, now=now)
        if chart is None:
            return None
        altered = alter(chart.facts)
        if altered is None:
            return Changed(chart, chart)
        if isinstance(altered, Refusal):
            return altered
        facts, cursor = replanned(self._remembering(chart, altered.facts, now), altered.facts, chart.cursor, now)
        return Changed(chart, Chart(facts=facts, cursor=cursor)), altered

    def _remembering(self, chart: Chart, new: Facts, now: datetime) -> Facts:
        """The facts as they stand, knowing also what was dealt with of steps that the change brings back."""
        steps = returning(chart.facts, new)
        if not steps:
            return chart.facts
        history = self.store.reminders(chart.facts.clinic.id, chart.facts.patient.id)
        told = frozenset(o.id for reminder in history for o in reminder.outcomes if o.step in steps)
        progress = chart.facts.progress
        done = progress.done | dealt_with(chart.facts, new, steps, told, now)
        return replace(chart.facts, progress=replace(progress, done=done))


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
