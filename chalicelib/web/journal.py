"""The audit, from the web's side: every reading of personal data is one small entry, every change names who and why."""

from dataclasses import replace

from chalicelib import wiring
from chalicelib.adapters.secrets import fresh_id
from chalicelib.domain.clinic import Retention
from chalicelib.domain.ids import ClinicId
from chalicelib.service.chart import Audit
from chalicelib.web.door import Call


def audit_of(call: Call, patient_id: str, action: str, detail: str = "") -> Audit:
    """The entry of a change, to be written together with it."""
    return Audit(
        id=fresh_id(),
        clinic_id=call.principal.clinic_id,
        at=call.now,
        actor=call.principal.actor,
        action=action,
        patient_id=patient_id,
        detail=detail,
        reason=call.reason,
    )


def note_call(call: Call, action: str) -> None:
    """One entry for one request, whoever many it showed; none where it showed nobody."""
    shown = sorted(call.patients)
    if not shown or not call.principal.clinic_id:
        return
    one = len(shown) == 1
    _note(
        Audit(
            id=fresh_id(),
            clinic_id=call.principal.clinic_id,
            at=call.now,
            actor=call.principal.actor,
            action=action,
            patient_id=shown[0] if one else "",
            patients=() if one else tuple(shown),
            reason=call.reason,
        )
    )


def note_change(call: Call, action: str, detail: str = "", clinic_id: str = "") -> None:
    """The entry of a change that concerns no patient: settings, keys."""
    audit = audit_of(call, "", action, detail)
    _note(replace(audit, clinic_id=ClinicId(clinic_id)) if clinic_id else audit)


def _note(audit: Audit) -> None:
    clinic = wiring.store().clinic(audit.clinic_id, now=audit.at)
    wiring.ledger().note(audit, clinic.retention if clinic else Retention())
