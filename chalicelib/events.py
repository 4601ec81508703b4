"""What each scheduled or queued function runs: read the clock, call the service, log what came of it."""

import json
import logging
from typing import Any

from chalicelib import wiring
from chalicelib.service.metrics import Metric

# Not the app's own name: Chalice sets that logger to errors only.
log = logging.getLogger("ranvier-events")


def say(action: str, **facts: Any) -> None:
    """One structured log line. Opaque ids and counts only: never a name, a number, an address or a text."""
    log.warning(json.dumps({"action": action, **facts}, separators=(",", ":"), default=str))


def run_tick() -> None:
    from chalicelib.service.tick import tick

    done = tick(wiring.store(), wiring.queue("deliver"), now=wiring.now(), shards=wiring.settings().shards)
    if done.held:
        wiring.metrics().tell(Metric.HELD, done.held)
    if done.found:
        say("tick", found=done.found, queued=done.queued, held=done.held, advanced=done.advanced)


def run_sweep() -> None:
    from chalicelib.service.health import oldest_due
    from chalicelib.service.tick import sweep

    now, shards = wiring.now(), wiring.settings().shards
    age = oldest_due(wiring.store(), now=now, shards=shards)
    found = sweep(wiring.store(), wiring.queue("deliver"), now=now, shards=shards)
    wiring.metrics().tell(Metric.OLDEST_DUE, age.total_seconds())
    wiring.metrics().tell(Metric.OVERDUE_FOUND, found)
    if found:
        say("overdue_found", found=found)


def run_deliver(body: str, token: str) -> None:
    """`token` is new for every receipt of the message: a redelivery never takes an earlier claim for its own."""
    from chalicelib.service.references import decode

    reference = decode(body)
    now = wiring.now()
    done = wiring.delivery().deliver(reference, now=now, token=token)
    late = round((now - reference.due).total_seconds(), 1)
    say(
        "delivered",
        outcome=done,
        reminder=f"{reference.patient_id}.{reference.seq}",
        clinic=reference.clinic_id,
        late_s=late,
    )


def run_reconcile() -> None:
    from chalicelib.service.morning import begin

    say("morning", clinics=begin(wiring.store(), wiring.queue("import"), wiring.counting(), now=wiring.now()))


def run_hear(body: str) -> None:
    from chalicelib.service.inbound import read_inbound

    inbound = read_inbound(body, wiring.now())
    wiring.metrics().tell(Metric.HEARD)
    say("heard", message=inbound.id, outcome=wiring.hearing().hear(inbound, now=wiring.now()))


def run_note(body: str) -> None:
    from chalicelib.service.followups import RetryJob, read_follow_up
    from chalicelib.service.receipts import read_receipt

    now, job = wiring.now(), read_follow_up(body)
    if isinstance(job, RetryJob):
        say("retried", reminder=f"{job.patient_id}.{job.seq}", outcome=wiring.retrying().retry(job, now=now))
    elif job is not None:
        say("refused", reminder=f"{job.patient_id}.{job.seq}", outcome=wiring.noting().refused(job, now=now))
    elif (receipt := read_receipt(body, now)) is not None:
        outcome = wiring.noting().note(receipt, now=now)
        say("noted", patient=receipt.about.patient_id, outcome=outcome, code=receipt.code)


def run_escalate(body: str) -> None:
    raw = json.loads(body)
    task = wiring.escalation().due(raw["clinic"], raw["task"], rung=int(raw["rung"]), now=wiring.now())
    if task is not None:
        say("escalated", task=task.id, rung=task.rung, state=task.state)


def run_watch() -> None:
    found = wiring.escalation().sweep(now=wiring.now())
    wiring.metrics().tell(Metric.RUNGS_OVERDUE, found)
    wiring.metrics().tell(Metric.UNANSWERED, wiring.escalation().unanswered())
    if found:
        say("rungs_overdue", found=found)


def run_import(body: str) -> None:
    from chalicelib.service.jobs import ChunkJob, CountJob, MorningJob, read_job

    job = read_job(body)
    match job:
        case ChunkJob():
            rows = wiring.importing().work(job, now=wiring.now())
            say("imported", clinic=job.clinic_id, upload=job.import_id, chunk=job.chunk, rows=rows)
        case CountJob():
            patients = wiring.counting().work(job, now=wiring.now())
            say("counted", clinic=job.clinic_id, turn=job.turn, part=job.part, patients=patients)
        case MorningJob():
            looked = wiring.morning().work(job, now=wiring.now())
            wiring.metrics().tell(Metric.GAPS, len(looked.reconciled.gaps))
            say("reconciled", clinic=job.clinic_id, rederived=looked.rederived, **looked.reconciled.counts())
        case _:
            clinic = wiring.store().clinic(job.clinic_id)
            if clinic is not None:
                swept = wiring.records().sweep(job.clinic_id, job.patient_id, clinic.timezone)
                say("swept", clinic=job.clinic_id, patient=job.patient_id, items=swept)
