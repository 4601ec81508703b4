"""Rederive: compute anew what an older agenda or older zone data had planned.

A cursor names what it was computed by. After a release that changes either, the first morning moves whatever is not yet
sent; the mornings after find nothing to do.
"""

from collections.abc import Iterable
from datetime import datetime

from chalicelib.domain import ENGINE
from chalicelib.domain.ids import digest
from chalicelib.service.change import Altered, Desk
from chalicelib.service.chart import Audit, Chart


def rederive(desk: Desk, charts: Iterable[Chart], *, now: datetime) -> int:
    """Recomputes every cursor of theirs that another engine had computed; answers how many."""
    older = [chart for chart in charts if chart.cursor.computed_by != ENGINE]
    for chart in older:
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
    return len(older)
