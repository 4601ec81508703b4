"""What waits on the import queue: a chunk of an upload to be enrolled, or the last sweep of an erasure. Ids only."""

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


def chunk_job(clinic_id: str, import_id: str, chunk: int) -> str:
    return _words(job="rows", clinic=clinic_id, **{"import": import_id, "chunk": str(chunk)})


def sweep_job(clinic_id: str, patient_id: str) -> str:
    return _words(job="sweep", clinic=clinic_id, patient=patient_id)


def read_job(body: str) -> ChunkJob | SweepJob:
    """Raises ValueError or KeyError for what is neither: it ends on the dead-letter queue, for people to see."""
    raw = json.loads(body)
    match raw["job"]:
        case "rows":
            return ChunkJob(clinic_id=str(raw["clinic"]), import_id=str(raw["import"]), chunk=int(raw["chunk"]))
        case "sweep":
            return SweepJob(clinic_id=str(raw["clinic"]), patient_id=str(raw["patient"]))
    raise ValueError("no such job")


def _words(**said: str) -> str:
    return json.dumps(said, separators=(",", ":"))
