"""Relive: after a table was restored to an earlier moment, walk every plan through the time that is lost, silently.

What fell due then went out, as a rule, and its record is gone: to send it now would be to send it twice. So each wake
of that time is taken as it would have been, under the fence and in the same order, and recorded instead of sent: `sent`
where there is evidence, `unknown` where there is none, for a person to look at. Plans are laid out the same from the
same facts, so a wake's number is the one it had, and its receipts and queue messages, when they come, find its record.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.domain.cursor import Hold
from chalicelib.domain.decision import decide
from chalicelib.domain.facts import Facts
from chalicelib.domain.ids import reminder_id
from chalicelib.domain.patient import Status as PatientStatus
from chalicelib.service.chart import Chart, Reference
from chalicelib.service.perform import Done, Performing
from chalicelib.service.reconcile import everybody
from chalicelib.service.references import lane_text

Evidence = Mapping[str, datetime]
"""When a reminder went out, by its id."""


class Disturbed(Exception):
    """A plan was changed while it was walked: something else works on the table already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relived:
    patients: int
    sent: int
    """Reminders that are known to have gone out."""
    unknown: tuple[str, ...]
    """The ids of those that may have, for a person to look at."""


def relive(performing: Performing, evidence: Evidence, *, until: datetime, token: str) -> Relived:
    """Walks every plan up to `until` (UTC), after which nothing had been sent. Sends nothing; may be run again.

    Raises `Disturbed`.
    """
    patients, outcomes = 0, dict[str, Done]()
    for chart in everybody(performing.store, until):
        patients += 1
        outcomes |= _walk(performing, chart, evidence, until, token)
    return Relived(
        patients=patients,
        sent=sum(done is Done.SENT for done in outcomes.values()),
        unknown=tuple(reminder for reminder, done in outcomes.items() if done is Done.UNKNOWN),
    )


def _walk(performing: Performing, chart: Chart, evidence: Evidence, until: datetime, token: str) -> dict[str, Done]:
    store, clinic, patient = performing.store, chart.facts.clinic.id, chart.facts.patient.id
    found: dict[str, Done] = {}
    # What had been claimed and not recorded by the moment of the restore comes first.
    for flight in chart.cursor.in_flight.values():
        known = store.reminder(clinic, patient, flight.seq)
        if known is None or not known.is_complete:
            found[reminder_id(patient, flight.seq)] = performing.relive(chart, flight, evidence)
    while (at := chart.cursor.due) is not None and at <= until and chart.facts.patient.status is PatientStatus.ACTIVE:
        decision = decide(_as_running(chart), chart.cursor, at, token)
        if isinstance(decision, Hold):
            reference = Reference(clinic_id=clinic, patient_id=patient, seq=chart.cursor.seq, due=at)
            lane = lane_text(decision.lane, chart.facts.clinic)
            moved = store.hold(reference, decision.until, reason=decision.reason, lane=lane)
        else:
            wake, claimed = decision
            moved = store.claim(chart, claimed)
            after, flight = Chart(facts=chart.facts, cursor=claimed), claimed.in_flight[wake.channel]
            if moved:
                found[reminder_id(patient, flight.seq)] = performing.relive(after, flight, evidence)
        chart = _again(performing, chart, until, moved)
    _past_what_went_out(performing, chart, evidence, until)
    return found


def _as_running(chart: Chart) -> Facts:
    """Clinics are stopped while this runs; what they were in the time that is lost, the evidence says."""
    facts = chart.facts
    return replace(facts, clinic=replace(facts.clinic, stopped_at=None))


def _past_what_went_out(performing: Performing, chart: Chart, evidence: Evidence, until: datetime) -> None:
    """Reminders of facts that are lost (a visit booked in that time) went out under numbers not taken here: those are
    passed over, so that their receipts find no other reminder."""
    patient = chart.facts.patient.id
    numbers = [int(each.rpartition(".")[2]) for each in evidence if each.rpartition(".")[0] == patient]
    last = max(numbers, default=0)
    if last < chart.cursor.seq:
        return
    for seq in range(chart.cursor.seq, last + 1):
        performing.record_lost(chart, seq, evidence.get(reminder_id(patient, seq)), now=until)
    _again(performing, chart, until, performing.store.claim(chart, replace(chart.cursor, seq=last + 1)))


def _again(performing: Performing, chart: Chart, now: datetime, moved: bool) -> Chart:
    facts = chart.facts
    found = performing.store.chart(facts.clinic.id, facts.patient.id, now=now) if moved else None
    if found is None:
        raise Disturbed(facts.patient.id)
    return found
