"""Particulars: what is known of the patient themselves, put right."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from chalicelib.domain.facts import Facts
from chalicelib.domain.patient import Patient
from chalicelib.service.change import Altered, Changed, Desk, Refusal
from chalicelib.service.chart import Audit
from chalicelib.service.course import not_living
from chalicelib.service.planning import stale


def correct(
    desk: Desk,
    clinic_id: str,
    patient_id: str,
    corrected: Callable[[Patient], Patient],
    version: int | None,
    audit: Audit,
    *,
    now: datetime,
) -> Changed | Refusal | None:
    """Puts the patient's particulars right, if they still have the `version` (None: whichever it is)."""

    def alter(facts: Facts) -> Altered | Refusal | None:
        who = facts.patient
        if version is not None and version != who.version:
            return stale("patient", who.version)
        refused = not_living(facts)
        if refused:
            return refused
        new = corrected(who)
        return None if new == who else Altered(facts=replace(facts, patient=replace(new, version=who.version + 1)))

    return desk.carry_out(clinic_id, patient_id, alter, audit, now=now)
