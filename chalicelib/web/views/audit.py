"""The audit: who read or changed what, when and why."""

from datetime import UTC, datetime
from typing import Any

from chalicelib import wiring
from chalicelib.domain.local_time import utc_text
from chalicelib.service.chart import Audit
from chalicelib.web import answers
from chalicelib.web.door import Call
from chalicelib.web.paging import page_of
from chalicelib.web.views.clinics import own_clinic

_BEFORE_CLINICS_HAD_DATES = datetime(2025, 1, 1, tzinfo=UTC)


def listed(call: Call) -> dict[str, Any]:
    page = page_of(call)
    clinic = own_clinic(call)
    entries, following = wiring.ledger().audit(
        clinic.id,
        call.query.get("patient"),
        limit=page.limit,
        before=page.cursor,
        since=clinic.created_at or _BEFORE_CLINICS_HAD_DATES,
        now=call.now,
    )
    return answers.page([entry(each) for each in entries], page.sealed(following))


def entry(found: Audit) -> dict[str, Any]:
    return {
        "id": found.id,
        "at": utc_text(found.at),
        "actor": found.actor,
        "action": found.action,
        "patients": list(found.patients) or ([found.patient_id] if found.patient_id else []),
        "detail": found.detail,
        "reason": found.reason or None,
    }
