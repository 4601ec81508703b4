"""The day's caps: how many patients a clinic may enrol between two of its midnights."""

from datetime import datetime, time, timedelta
from http import HTTPStatus

from chalicelib import wiring
from chalicelib.domain.clinic import Clinic
from chalicelib.domain.local_time import instant, local, utc_text, zone
from chalicelib.web.problems import Refused

ENROLMENTS = "enrolments"


def take_enrolments(clinic: Clinic, count: int, *, now: datetime) -> str:
    """Counts them against today's cap; answers the day. Raises a 429 that says when the next day begins there."""
    tz = zone(clinic.timezone)
    today = local(now, tz).date()
    midnight = instant(today + timedelta(days=1), time(0), tz)
    day = today.isoformat()
    if count and not wiring.ledger().count(
        clinic.id, ENROLMENTS, day, most=clinic.enrolments_a_day, add=count, kept=midnight + timedelta(days=2)
    ):
        raise Refused(
            HTTPStatus.TOO_MANY_REQUESTS,
            f"A clinic may enrol {clinic.enrolments_a_day} patients a day (enrolments_a_day); with these it would be "
            f"more. The next day begins at {utc_text(midnight)}.",
            code="enrolments-a-day",
            headers={"Retry-After": str(max(1, int((midnight - now).total_seconds())))},
        )
    return day


def give_back_enrolment(clinic: Clinic, day: str) -> None:
    """What was counted and came to nothing: the patient was there already."""
    wiring.ledger().give_back(clinic.id, ENROLMENTS, day)
