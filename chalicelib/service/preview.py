"""Preview: what protocols would do for a patient who was enrolled now. Nobody is, and nothing is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.clinic import Clinic
from chalicelib.domain.facts import Facts
from chalicelib.domain.ids import PatientId
from chalicelib.domain.local_time import instant, local_date
from chalicelib.domain.message import Site
from chalicelib.domain.plan_windows import Window, plan_windows
from chalicelib.domain.replan import replanned
from chalicelib.domain.wording import Copybook
from chalicelib.service.chart import Chart
from chalicelib.service.enrol import Enrolment, first_facts
from chalicelib.service.impact import COURSE
from chalicelib.service.shelf import Shelved
from chalicelib.service.timeline import Line, future

NOBODY = PatientId("preview")
"""Steps that are spread over weekdays and half-hours fall elsewhere for each patient; here as for one of this id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Previewed:
    facts: Facts
    items: tuple[Line, ...]
    windows: tuple[Window, ...]


def preview(
    clinic: Clinic,
    request: Enrolment,
    shelf: Mapping[str, Shelved],
    book: Copybook,
    site: Site,
    *,
    now: datetime,
) -> Previewed:
    """Eighteen months from now, or from the last of the dates where that lies ahead; windows from the first one."""
    facts = first_facts(clinic, NOBODY, request, shelf, now)
    facts, cursor = replanned(None, facts, None, now)
    last = max(request.anchors.values(), default=local_date(now, facts.tz))
    first = min(request.anchors.values(), default=last)
    until = max(now, instant(last, _MORNING, facts.tz)) + COURSE
    chart = Chart(facts=facts, cursor=cursor)
    return Previewed(
        facts=facts,
        items=tuple(future(chart, lambda: book, site, now=now, until=until)),
        windows=tuple(plan_windows(facts, first, local_date(until, facts.tz) + timedelta(days=1))),
    )


_MORNING = datetime.min.time()
