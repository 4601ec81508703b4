"""Morning: once a day every clinic's patients are looked through, a page at a time, however many they are.

Each page is a message of its own, which queues the next: no function has to last for a whole clinic, and what goes
wrong in one holds up nothing but the rest of that clinic, as a dead letter.
"""

from dataclasses import dataclass
from datetime import datetime

from chalicelib.service.change import Desk
from chalicelib.service.counting import Counting
from chalicelib.service.jobs import MorningJob, morning_job
from chalicelib.service.ports import Queue, QueueMessage, Store
from chalicelib.service.reconcile import Reconciled, reconcile
from chalicelib.service.rederive import rederive

PAGE = 50
"""A few seconds of a function that has thirty, were every plan among them to be computed anew."""


def begin(store: Store, pages: Queue, counting: Counting, *, now: datetime) -> int:
    """Queues the first page of every clinic, and its count where that is due; how many clinics there are."""
    clinics = store.clinics()
    pages.send([_page(clinic.id, "") for clinic in clinics])
    for clinic in clinics:
        counting.in_the_morning(clinic, now=now)
    return len(clinics)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    reconciled: Reconciled
    rederived: int
    """Plans that a release had computed anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Morning:
    """What looking takes."""

    store: Store
    desk: Desk
    reminders: Queue
    """To wake what has been overlooked."""
    pages: Queue
    page: int = PAGE

    def work(self, job: MorningJob, *, now: datetime) -> Looked:
        """Looks through one page and queues the next."""
        ids = self.store.roster_after(job.clinic_id, job.after, limit=self.page)
        if ids is None:
            # The page's last patient was erased meanwhile: from the beginning, which changes nothing twice.
            ids = self.store.roster_after(job.clinic_id, "", limit=self.page) or []
        charts = [chart for each in ids if (chart := self.store.chart(job.clinic_id, each, now=now))]
        reconciled = reconcile(self.store, self.reminders, charts, now=now)
        looked = Looked(reconciled=reconciled, rederived=rederive(self.desk, charts, now=now))
        if len(ids) == self.page:
            self.pages.send([_page(job.clinic_id, ids[-1])])
        return looked


def _page(clinic_id: str, after: str) -> QueueMessage:
    return QueueMessage(body=morning_job(clinic_id, after), group=clinic_id)
