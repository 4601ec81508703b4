"""Rederive: each night, compute anew what an older agenda or older zone data had planned.

A cursor names what it was computed by. After a release that changes either, the first night moves whatever is not yet
sent, and the second finds nothing left and says so; the nights after look no further than that.
"""

from datetime import datetime

from chalicelib.domain import ENGINE
from chalicelib.domain.ids import digest
from chalicelib.service.change import Altered, Desk
from chalicelib.service.chart import Audit
from chalicelib.service.ports import Store
from chalicelib.service.reconcile import everybody


def rederive(store: Store, desk: Desk, *, now: datetime) -> int:
    """Recomputes every cursor that another engine had computed; answers how many."""
    found = 0
    if store.derived_by() == ENGINE:
        return found
    for chart in everybody(store, now):
        if chart.cursor.computed_by == ENGINE:
            continue
        clinic, patient = chart.facts.clinic, chart.facts.patient
        audit = Audit(
            id=digest("rederive", patient.id, ENGINE),
            clinic_id=clinic.id,
            at=now,
            actor="service",
            action="plan.rederive",
            patient_id=patient.id,
            detail=f"{chart.cursor.computed_by} to {ENGINE}",
        )
        desk.change(clinic.id, patient.id, lambda facts: Altered(facts=facts), audit, now=now)
        found += 1
    if not found:
        store.set_derived_by(ENGINE)
    return found
