"""The service's nouns as the API's JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from chalicelib.domain.clinic import USUAL_COUNTRIES, Clinic
from chalicelib.domain.facts import Facts
from chalicelib.domain.local_time import ContactWindow, local_text, utc_text, zone
from chalicelib.domain.plan import Appointment
from chalicelib.domain.protocol import Anchor
from chalicelib.service.chart import AccessKey, Chart, Task
from chalicelib.service.timeline import Line


def clinic(found: Clinic) -> dict[str, Any]:
    def person(p: Any) -> dict[str, Any]:
        return {"name": p.name, "phone": p.phone, "email": p.email}

    return {
        "id": found.id,
        "name": found.name,
        "timezone": found.timezone,
        "country": found.country,
        "phone": found.phone,
        "sms_number": found.sms_number,
        "from_email": found.from_email,
        "language": found.language,
        "contact_window": window(found.contact_window),
        "office_hours": [
            {"weekday": _WEEKDAYS[h.weekday], "from": f"{h.start:%H:%M}", "to": f"{h.end:%H:%M}"}
            for h in found.office_hours
        ],
        "holidays": [day.isoformat() for day in found.holidays],
        "on_call": [person(p) for p in found.on_call],
        "lead": person(found.lead) if found.lead else None,
        "sms_content_level": found.sms_content_level.value,
        "sms_per_second": found.sms_per_second,
        "number_countries": list(found.number_countries or USUAL_COUNTRIES),
        "enrolments_a_day": found.enrolments_a_day,
        "messages_a_day": found.messages_a_day,
        "spend_a_month": found.spend_a_month,
        "price_per_segment": found.price_per_segment,
        "price_per_email": found.price_per_email,
        "retention": asdict(found.retention),
        "stopped": {"at": utc_text(found.stopped_at), "reason": found.stop_reason} if found.stopped_at else None,
        "version": found.version,
    }


_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def window(found: ContactWindow | None) -> dict[str, str] | None:
    return {"from": f"{found.start:%H:%M}", "to": f"{found.end:%H:%M}"} if found else None


def key(found: AccessKey, token: str | None = None) -> dict[str, Any]:
    shown = {"token": token} if token else {}
    return {
        "id": found.id,
        "role": found.role,
        "label": found.label,
        "created_at": utc_text(found.created_at),
        **shown,
    }


def patient(chart: Chart, now: datetime | None = None) -> dict[str, Any]:
    facts = chart.facts
    who = facts.patient
    return {
        "id": who.id,
        "external_id": who.external_id,
        "status": status(chart, now),
        "given_name": who.given_name,
        "family_name": who.family_name,
        "language": who.language,
        "timezone": who.timezone,
        "contact_window": window(who.contact_window),
        "two_hours_before": who.hours_before,
        "enrolled_at": utc_text(who.enrolled_at),
        "clinical": {
            "ad_risk": who.clinical.ad_risk,
            "itb_pump": who.clinical.itb_pump,
            "oral_baclofen": who.clinical.oral_baclofen,
            "etiology": who.clinical.etiology,
            "baseline_psfs": who.clinical.baseline_psfs,
        },
        "contacts": [
            {
                "id": c.id,
                "role": c.role.value,
                "channel": c.channel.value,
                "address": c.address,
                "name": c.name,
                "language": c.language,
                "consent": c.consent,
                "status": c.status.value,
                "muted": [m.value for m in c.muted],
            }
            for c in facts.contacts
        ],
        "pauses": [
            {"from": utc_text(p.start), "until": utc_text(p.until) if p.until else None, "reason": p.reason}
            for p in who.pauses
        ],
        "ended_on": who.ended_on.isoformat() if who.ended_on else None,
        "next_due": utc_text(chart.cursor.due) if chart.cursor.due else None,
        "version": who.version,
    }


def status(chart: Chart, now: datetime | None = None) -> str:
    """The patient's status at `now`, or when the chart was last worked on; `paused` while messages wait."""
    who = chart.facts.patient
    at = now or chart.facts.progress.through
    return "paused" if who.status == "active" and who.pause_at(at) else who.status.value


def plan(chart: Chart, steps: Sequence[Line], warnings: Sequence[str]) -> dict[str, Any]:
    facts = chart.facts
    return {
        "version": facts.plan.version,
        "protocols": [pin.protocol for pin in facts.plan.pins],
        "anchors": anchors(facts),
        "next_due": utc_text(chart.cursor.due) if chart.cursor.due else None,
        "steps": [line(each, facts) for each in steps],
        "warnings": list(warnings),
    }


def anchors(facts: Facts) -> dict[str, str]:
    """The dates that are entered and may be put right; that of the enrolment is the service's own."""
    known = facts.plan.anchors.items()
    return {name.value: day.isoformat() for name, day in known if name is not Anchor.ENROLMENT}


def line(found: Line, facts: Facts) -> dict[str, Any]:
    return {
        "occurrence_id": found.occurrence_id,
        "reminder_id": found.reminder_id,
        "planned_at": utc_text(found.planned_at),
        "at": utc_text(found.at),
        "local": local_text(found.at, zone(facts.patient.timezone)),
        "sent_at": utc_text(found.sent_at) if found.sent_at else None,
        "kind": found.kind,
        "channel": found.channel.value,
        "state": found.state.value,
        "reason": {"rule": found.reason.rule, "detail": found.reason.detail},
        "text": found.text,
        "title": found.title,
        "steps": [found.step],
        "carried_by": found.carried_by,
    }


def appointment(found: Appointment, facts: Facts) -> dict[str, Any]:
    return {
        "id": found.id,
        "kind": found.kind.value,
        "starts_at": local_text(found.starts_at, facts.tz),
        "timezone": facts.patient.timezone,
        "at": utc_text(found.starts_at),
        "status": found.status.value,
        "profile": found.profile.value,
        "window_step": found.window_step,
    }


def task(found: Task) -> dict[str, Any]:
    return {
        "id": found.id,
        "code": found.code,
        "tier": found.tier,
        "kind": found.kind,
        "title": found.title,
        "reason": {"rule": found.rule, "detail": found.detail},
        "patient_id": found.patient_id,
        "message_id": found.message_id,
        "message_ids": list(found.said),
        "opened_at": utc_text(found.opened_at),
        "urgent_since": utc_text(found.urgent_since) if found.urgent_since else None,
        "due_on": found.due_on or None,
        "ack_by": found.ack_by,
        "acked_at": utc_text(found.acked_at) if found.acked_at else None,
        "rung": found.rung,
        "state": found.state,
        "outcome": found.outcome,
        "note": found.note,
        "closed_by": found.closed_by,
        "closed_at": utc_text(found.closed_at) if found.closed_at else None,
    }


def page(items: Sequence[dict[str, Any]], following: str | None) -> dict[str, Any]:
    return {"items": list(items), "next": following}
