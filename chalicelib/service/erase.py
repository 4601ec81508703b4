"""Erase: everything personal of one patient goes, at once and for good; what the law and the books need stays.

What stays: consents (which permitted every message), the audit, a hashed entry that keeps the number from being
texted, and how many messages went out. None of it holds a name, a number, an address or a text. Copies of the table
for disaster recovery keep what they hold for 35 days.
"""

from collections.abc import Callable
from typing import Protocol

from chalicelib.service.change import TRIES, Contended
from chalicelib.service.chart import Audit, Chart
from chalicelib.service.ports import Queue, QueueMessage

SWEPT_AGAIN_S = 900
"""A message that had been claimed just before is recorded with its text just after; this is long past that."""


class Records(Protocol):
    """Everything that is held on one patient, as it lies in the table."""

    def remove_facts(self, chart: Chart, audit: Audit) -> bool:
        """In one transaction: facts and cursor go, the numbers are held from being texted, the audit says so. False
        when the chart has changed since it was read."""

    def is_being_erased(self, clinic_id: str, patient_id: str) -> bool:
        """Whether an erasure began that has not come to its end."""

    def sweep(self, clinic_id: str, patient_id: str, timezone: str) -> int:
        """Removes what is left but consents, counting the messages among it; how many items went. Nothing happens
        where the patient has been enrolled anew meanwhile."""


def erase(
    records: Records,
    queue: Queue,
    load: Callable[[], Chart | None],
    timezone: str,
    audit: Audit,
    later: Callable[[str, str], str],
) -> bool:
    """Erases the patient; False where there is none. Asked again after a crash, it goes on from there."""
    for _ in range(TRIES):
        chart = load()
        if chart is None:
            if not records.is_being_erased(audit.clinic_id, audit.patient_id):
                return False
            break
        _queue_sweep(queue, audit, later)
        if records.remove_facts(chart, audit):
            break
    else:
        raise Contended
    records.sweep(audit.clinic_id, audit.patient_id, timezone)
    return True


def _queue_sweep(queue: Queue, audit: Audit, later: Callable[[str, str], str]) -> None:
    """First of all, so that a crash after the facts have gone leaves nothing behind for good."""
    message = QueueMessage(body=later(audit.clinic_id, audit.patient_id), delay_s=SWEPT_AGAIN_S, group=audit.clinic_id)
    queue.send([message])
