"""What waits on the import queue: a chunk of an upload to be enrolled, the last sweep of an erasure, a page of patients
to be counted or to be looked through in the morning. Ids only."""

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkJob:
    clinic_id: str
    import_id: str
    chunk: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepJob:
    clinic_id: str
    patient_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CountJob:
    clinic_id: str
    turn: int
    """Which count: the job of one that has been closed does nothing."""
    part: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MorningJob:
    clinic_id: str
    after: str
    """The patient whose page was the one before; empty for the first."""


def chunk_job(clinic_id: str, import_id: str, chunk: int) -> str:
    return _words(job="rows", clinic=clinic_id, **{"import": import_id, "chunk": str(chunk)})


def sweep_job(clinic_id: str, patient_id: str) -> str:
    return _words(job="sweep", clinic=clinic_id, patient=patient_id)


def count_job(clinic_id: str, turn: int, part: int) -> str:
    return _words(job="count", clinic=clinic_id, turn=str(turn), part=str(part))


def morning_job(clinic_id: str, after: str) -> str:
    return _words(job="morning", clinic=clinic_id, after=after)


def read_job(body: str) -> ChunkJob | SweepJob | CountJob | MorningJob:
    """Raises ValueError or KeyError for what is neither: it ends on the dead-letter queue, for people to see."""
    raw = json.loads(body)
    match raw["job"]:
        case "rows":
            return ChunkJob(clinic_id=str(raw["clinic"]), import_id=str(raw["import"]), chunk=int(raw["chunk"]))
        case "sweep":
            return SweepJob(clinic_id=str(raw["clinic"]), patient_id=str(raw["patient"]))
        case "count":
            return CountJob(clinic_id=str(raw["clinic"]), turn=int(raw["turn"]), part=int(raw["part"]))
        case "morning":
            return MorningJob(clinic_id=str(raw["clinic"]), after=str(raw["after"]))
    raise ValueError("no such job")


def _words(**said: str) -> str:
    return json.dumps(said, separators=(",", ":"))
