"""Alert: what a patient said is put before a person. The same whether it came by text or from a page.

Urgent and worse: a durable task first, then the page, and only then anything else. The rest of what a person should
see becomes a task of the worklist. What is there to be read lies on one task of the patient's (`unread`); a request is
a task of its own, under an id made of the cause, so that the same message or press makes one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.clinic import Clinic
from chalicelib.domain.heeding import Heeded, needs_staff, tier_of, why
from chalicelib.domain.ids import PatientId, digest
from chalicelib.domain.local_time import local_date, zone
from chalicelib.domain.triage import IntentKind, Reading, Tier
from chalicelib.service.chart import Task
from chalicelib.service.escalate import Escalation
from chalicelib.service.ports import Store
from chalicelib.service.unread import CALL, PHONE, READ, Unread


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerting:
    """What alerting takes."""

    store: Store
    unread: Unread
    escalation: Escalation

    def alert(
        self,
        clinic: Clinic,
        patient_id: PatientId,
        reading: Reading,
        heeded: Sequence[Heeded],
        *,
        cause: str,
        now: datetime,
    ) -> Tier:
        """Makes what is said somebody's work where it must be. Raises `Unsettled` when a page for the same cause may
        still be on its way; the task is durable by then, and the ladder's sweep goes on with it."""
        tier = tier_of(reading, heeded)
        if tier.severity >= Tier.URGENT.severity:
            self.page(clinic, patient_id, reading, heeded, cause=cause, now=now)
        elif needs_staff(reading, tier):
            task = task_to_read(clinic, patient_id, reading, heeded, cause=cause, now=now)
            if task.kind in READ:
                self.unread.gather(task, now=now)
            else:
                self.store.open_task(task)
        return tier

    def page(
        self,
        clinic: Clinic,
        patient_id: PatientId,
        reading: Reading,
        heeded: Sequence[Heeded],
        *,
        cause: str,
        now: datetime,
    ) -> None:
        """The durable task, then the first rung of the ladder."""
        rule, detail = why(reading, heeded)
        task = Task(
            id=f"{patient_id}{digest(clinic.id, cause, 'urgent')}",
            clinic_id=clinic.id,
            patient_id=patient_id,
            kind="urgent_reply",
            tier=tier_of(reading, heeded).value,
            rule=rule,
            detail=detail,
            opened_at=now,
            due_on=local_date(now, zone(clinic.timezone)).isoformat(),
            title=PHONE if reading.phone_patient else CALL,
            message_id=cause,
            phone=reading.phone_patient,
        )
        self.escalation.page(clinic, self.unread.gather(task, now=now), cause, now=now)


def read_task_id(clinic_id: str, patient_id: str, cause: str) -> str:
    return f"{patient_id}{digest(clinic_id, cause, 'read')}"


def task_to_read(
    clinic: Clinic,
    patient_id: PatientId,
    reading: Reading,
    heeded: Sequence[Heeded],
    *,
    cause: str,
    now: datetime,
) -> Task:
    """The task that puts what is not urgent before a person."""
    rule, detail = why(reading, heeded)
    kind, title = "reply", "Read what the patient wrote"
    if reading.has(IntentKind.RESCHEDULE):
        kind, title = "reschedule", "The patient asks for another time"
    elif any(h.grade and h.grade.rule == "refill_help" for h in heeded):
        kind, title = "refill_help", "Help the patient with a refill"
    elif reading.has(IntentKind.POSSIBLE_OPT_OUT):
        kind, title = "possible_opt_out", "Ask whether the patient wants no more texts"
    elif heeded and not reading.has(IntentKind.TEXT):
        kind, title = "checkin_answer", "Look at the patient's check-in"
    # What a patient wrote is for a person to read soon; only a bare request may wait as routine.
    tier = tier_of(reading, heeded)
    soon = Tier.REVIEW_SOON if tier is Tier.ROUTINE and kind != "reschedule" else tier
    return Task(
        id=read_task_id(clinic.id, patient_id, cause),
        clinic_id=clinic.id,
        patient_id=patient_id,
        kind=kind,
        tier=soon.value,
        rule=rule,
        detail=detail,
        opened_at=now,
        title=title,
        message_id=cause,
    )
