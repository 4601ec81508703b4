"""One example for every body and every part of an address; a test reads each as the service would."""

from collections.abc import Mapping
from typing import Any

_PERSON = {"name": "Dr. Lee", "phone": "+12025550111", "email": "lee@northside.example"}

EXAMPLES: Mapping[str, Any] = {
    "clinic_id": "kq3Jv0sTqWm2Zb1x",
    "key_id": "9sYv3nQzT0aLr5Wd",
    "patient_id": "Zc81pQx0aVn3KfTe",
    "contact_id": "self-sms",
    "appointment_id": "Pf02mXq9tYs6LbRa",
    "protocol_id": "spasticity.v1",
    "task_id": "Zc81pQx0aVn3KfTeM1bq7Wz0sLk4VdXy",
    "import_id": "Hn4Wc7Rk2Jp8QxVa",
    "token": "made-by-the-service",
    "language": "es",
    "NewClinic": {
        "name": "Northside Rehab",
        "timezone": "America/New_York",
        "country": "US",
        "phone": "+12025550100",
        "sms_number": "+12025550199",
        "from_email": "care@northside.example",
        "language": "en",
        "contact_window": {"from": "09:00", "to": "20:00"},
        "office_hours": [{"weekday": "mon", "from": "09:00", "to": "17:00"}],
        "holidays": ["2026-12-25"],
        "on_call": [_PERSON],
        "lead": _PERSON,
        "sms_content_level": "minimal",
        "sms_per_second": 1,
        "retention": {"messages_days": 1098, "log_days": 2196, "audit_days": 2196},
    },
    "ClinicChange": {"contact_window": {"from": "10:00", "to": "19:00"}, "holidays": ["2026-12-25"]},
    "NewKey": {"role": "admin", "label": "EHR interface"},
    "Stop": {"reason": "the number is being ported"},
    "NewPatient": {
        "external_id": "MRN-1",
        "given_name": "Ana",
        "family_name": "Ruiz",
        "language": "es",
        "timezone": "America/New_York",
        "phone": "+12025550123",
        "email": "ana@example.org",
        "channels": ["sms", "email"],
        "anchors": {"injury_date": "2026-01-10", "discharge_date": "2026-02-20"},
        "clinical": {"ad_risk": True, "itb_pump": False, "etiology": "traumatic", "baseline_psfs": 1},
        "protocols": ["neuro.emsci.v1", "spasticity.v1"],
        "contact_window": {"from": "10:00", "to": "19:00"},
        "consent": {"sms": True, "email": True, "method": "verbal", "recorded_by": "front desk"},
    },
    "NewAppointment": {"kind": "physician", "starts_at": "2031-03-12T10:30"},
    "AppointmentChange": {"status": "confirmed"},
    "TaskClosing": {"outcome": "visit_booked", "note": "Called; comes in on Thursday at 10."},
    "NewMessage": {"channel": "sms", "text": "Please bring your medication list on Thursday."},
    "FollowUpProtocol": {
        "id": "northside.calls.v1",
        "name": "Calls after discharge",
        "anchor": "discharge_date",
        "items": [
            {
                "key": "call_week_2",
                "kind": "staff_task",
                "title": "Phone call two weeks after discharge",
                "at": "P14D",
                "due": "P16D",
            }
        ],
    },
    "PlanChange": {
        "protocols": ["neuro.emsci.v1", "spasticity.v1", "botulinum.v1"],
        "anchors": {"injection_date": "2026-02-16"},
        "overrides": {"spasticity.v1/weekly": {"weekday": "tue", "at": "11:00"}},
    },
    "Preview": {
        "timezone": "America/New_York",
        "protocols": ["neuro.emsci.v1"],
        "anchors": {"injury_date": "2026-01-10"},
        "language": "en",
    },
    "NewEvent": {"type": "fill", "date": "2026-03-01", "days_supply": 30},
    "NewPause": {"reason": "in hospital"},
    "Resumption": {"reason": "recorded for the wrong patient"},
    "CourseEnd": {"date": "2026-03-01"},
    "PatientChange": {"language": "en", "contact_window": {"from": "10:00", "to": "18:00"}},
    "NewContact": {
        "role": "proxy",
        "channel": "sms",
        "address": "+12025550124",
        "name": "Luis Ruiz",
        "consent": {"method": "verbal", "recorded_by": "front desk"},
    },
    "ContactChange": {"language": "en"},
    "ConsentSaid": {"channel": "sms", "granted": False, "method": "verbal", "recorded_by": "front desk"},
    "imports.upload": (
        "external_id,given_name,family_name,phone,timezone,injury_date,sms_consent,consent_method,recorded_by\r\n"
        "MRN-1,Ana,Ruiz,(202) 555-0123,America/New_York,2026-01-10,yes,written,front desk\r\n"
    ),
    "pages.press": "answer=C",
    "pages.unsubscribe": "List-Unsubscribe=One-Click",
}
