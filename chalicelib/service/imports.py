"""Import: a checked upload enrolled row by row, a chunk at a time, so that a crash loses nothing and repeats nothing.

A chunk's outcome is written once, when all of it is done. A chunk begun again enrols nobody twice: the same body for
the same external id is the same patient.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from chalicelib.domain.clinic import Clinic
from chalicelib.domain.ids import ClinicId
from chalicelib.domain.patient import Channel
from chalicelib.service.enrol import Enrolling, Enrolment, OtherBody
from chalicelib.service.jobs import ChunkJob, chunk_job
from chalicelib.service.ports import Queue, QueueMessage, Store

CHUNK = 50
"""Rows of one job: two seconds of work, and an item far below the table's 400 KB."""

MOST_ROWS = 5000


class What(StrEnum):
    CREATED = "created"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row that was found good."""

    line: int
    digest: str
    patient_id: str
    known: bool
    """The patient was there, with this very body, before the upload; or an earlier row of it says the same."""
    enrolment: Enrolment = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one row, or of one mistake in it."""

    line: int
    what: What
    external_id: str = field(default="", repr=False)
    patient_id: str = ""
    field: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that was taken: how many rows it has, how many were good, and in how many chunks they lie."""

    id: str
    clinic_id: ClinicId
    at: datetime
    actor: str
    rows: int
    valid: int
    chunks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    upload: Upload
    done: int
    """Chunks."""
    outcomes: tuple[Outcome, ...] = field(default=(), repr=False)

    @property
    def finished(self) -> bool:
        return self.done >= self.upload.chunks

    def count(self, what: What) -> int:
        return sum(o.what is what for o in self.outcomes)


class Imports(Protocol):
    def add(self, upload: Upload, chunks: Sequence[Sequence[Row]], refused: Sequence[Outcome]) -> None: ...

    def upload(self, clinic_id: str, import_id: str) -> Upload | None: ...

    def progress(self, clinic_id: str, import_id: str) -> Progress | None: ...

    def chunk(self, clinic_id: str, import_id: str, number: int) -> list[Row] | None:
        """The chunk's rows; None once its outcome stands."""

    def finish(self, clinic_id: str, import_id: str, number: int, outcomes: Sequence[Outcome]) -> None:
        """Writes what came of a chunk and forgets its rows. A second time changes nothing."""

    def forget_patient(self, clinic_id: str, patient_id: str) -> None: ...


def chunks_of(rows: Sequence[Row]) -> list[Sequence[Row]]:
    return [rows[first : first + CHUNK] for first in range(0, len(rows), CHUNK)]


def begin(imports: Imports, queue: Queue, upload: Upload, rows: Sequence[Row], refused: Sequence[Outcome]) -> None:
    """Keeps the upload and queues its first chunk; each chunk queues the next."""
    imports.add(upload, chunks_of(rows), refused)
    if upload.chunks:
        _queue(queue, ChunkJob(clinic_id=upload.clinic_id, import_id=upload.id, chunk=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Importing:
    """What working through an upload takes."""

    imports: Imports
    store: Store
    enrolling: Enrolling
    queue: Queue

    def work(self, job: ChunkJob, *, now: datetime) -> int:
        """Does one chunk and queues the next; how many rows it held."""
        upload = self.imports.upload(job.clinic_id, job.import_id)
        clinic = self.store.clinic(job.clinic_id, now=now)
        if upload is None or clinic is None:
            return 0
        rows = self.imports.chunk(job.clinic_id, job.import_id, job.chunk)
        if rows is not None:
            outcomes = [self._enrol(clinic, row, upload.actor, now) for row in rows]
            self.imports.finish(job.clinic_id, job.import_id, job.chunk, outcomes)
        # Also when the chunk had been done: the message for the next may be what a crash took with it.
        if job.chunk + 1 < upload.chunks:
            _queue(self.queue, replace(job, chunk=job.chunk + 1))
        return len(rows or ())

    def _enrol(self, clinic: Clinic, row: Row, actor: str, now: datetime) -> Outcome:
        asked, note = self._without_opted_out(clinic, row.enrolment)
        done = self.enrolling.enrol(clinic, asked, row.digest, actor, now=now)
        bare = Outcome(
            line=row.line, what=What.REFUSED, external_id=row.enrolment.external_id, patient_id=row.patient_id
        )
        if isinstance(done, OtherBody):
            said = "belongs to a patient who was enrolled with other data"
            return replace(bare, patient_id="", field="external_id", message=said)
        if row.known:
            return replace(bare, what=What.UNCHANGED)
        return replace(bare, what=What.CREATED, message=note)

    def _without_opted_out(self, clinic: Clinic, asked: Enrolment) -> tuple[Enrolment, str]:
        """A list made before somebody said STOP does not take that back: only they do."""
        stopped = [c for c in asked.contacts if c.consent and self.store.standing(clinic.id, c.address).is_refused]
        if not stopped:
            return asked, ""
        channels = {c.channel for c in stopped}
        contacts = tuple(replace(c, consent=False) if c in stopped else c for c in asked.contacts)
        consents = tuple(c for c in asked.consents if c.channel not in channels)
        note = "; ".join(_NOT_TAKEN[c.channel] for c in stopped)
        return replace(asked, contacts=contacts, consents=consents), note


_NOT_TAKEN = {
    Channel.SMS: "the number opted out; its consent was not taken",
    Channel.EMAIL: "the e-mail address opted out; its consent was not taken",
}


def _queue(queue: Queue, job: ChunkJob) -> None:
    body = chunk_job(job.clinic_id, job.import_id, job.chunk)
    queue.send([QueueMessage(body=body, group=job.clinic_id)])
