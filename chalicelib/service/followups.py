"""Follow-ups: what waits on the queue of the providers' events and is none of theirs. A text to be tried again, and a
reminder that a provider would not take. Ids only."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from chalicelib.domain.ids import ClinicId, PatientId
from chalicelib.domain.local_time import utc_text


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryJob:
    clinic_id: ClinicId
    patient_id: PatientId
    seq: int
    due: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedJob:
    clinic_id: ClinicId
    patient_id: PatientId
    seq: int
    code: str
    """The provider's code."""
    permanent: bool
    opted_out: bool


def retry_job(job: RetryJob) -> str:
    about = {"clinic": job.clinic_id, "patient": job.patient_id, "seq": str(job.seq)}
    return _words(job="retry", **about, due=utc_text(job.due))


def refused_job(job: RefusedJob) -> str:
    about = {"clinic": job.clinic_id, "patient": job.patient_id, "seq": str(job.seq)}
    why = "opted_out" if job.opted_out else "permanent" if job.permanent else "ours"
    return _words(job="refused", **about, code=job.code, why=why)


def read_follow_up(body: str) -> RetryJob | RefusedJob | None:
    """None for what is none of ours: an event of a provider's. Raises ValueError or KeyError for an unknown job."""
    raw = json.loads(body)
    if "job" not in raw:
        return None
    clinic, patient, seq = ClinicId(str(raw["clinic"])), PatientId(str(raw["patient"])), int(raw["seq"])
    match raw["job"]:
        case "retry":
            due = datetime.strptime(raw["due"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
            return RetryJob(clinic_id=clinic, patient_id=patient, seq=seq, due=due)
        case "refused":
            why = raw["why"]
            return RefusedJob(
                clinic_id=clinic,
                patient_id=patient,
                seq=seq,
                code=str(raw["code"]),
                permanent=why != "ours",
                opted_out=why == "opted_out",
            )
    raise ValueError("no such job")


def _words(**said: str) -> str:
    return json.dumps(said, separators=(",", ":"))
