"""One patient's occurrences, by their ids: what became of each, and what an operator may do about one.

Operators see ids, kinds, times, states and rules; never a name, an address or a text.
"""

from datetime import timedelta

from chalicelib import wiring
from chalicelib.adapters.copybook import copybook
from chalicelib.adapters.secrets import fresh_id
from chalicelib.domain.ids import ClinicId, PatientId
from chalicelib.service.change import Refusal
from chalicelib.service.chart import Audit, Chart
from chalicelib.service.timeline import Line, timeline
from ops.inside import Inside
from ops.say import UNCHANGED, say
from ops.stage import NotReady

BACK = timedelta(days=14)
AHEAD = timedelta(days=14)


def show(inside: Inside, clinic: str, patient: str) -> None:
    """The fortnight behind and the one ahead. Audited: it is a reading of a patient's course."""
    now = inside.now
    lines = timeline(
        wiring.store(),
        _chart(inside, clinic, patient),
        copybook,
        wiring.site(),
        now=now,
        start=now - BACK,
        end=now + AHEAD,
    )
    inside.note(clinic, "timeline.read", detail="by operators: states and times", patient=patient)
    say(f"{len(lines)} occurrences of {patient} within {BACK.days} days of {now:%Y-%m-%d %H:%M}Z")
    for line in lines:
        say(f"  {_told(line)}")


def intervene(
    inside: Inside, verb: str, clinic: str, patient: str, occurrence: str, *, reason: str, only_plan: bool
) -> None:
    """`verb`: `resend` or `void`. Raises NotReady where the occurrence's state does not allow it, and says which
    does not."""
    chart = _chart(inside, clinic, patient)
    audit = Audit(
        id=fresh_id(),
        clinic_id=ClinicId(clinic),
        at=inside.now,
        actor=inside.actor,
        action=f"occurrence.{verb}",
        patient_id=PatientId(patient),
        detail=occurrence,
        reason=reason,
    )
    act = wiring.intervening().resend if verb == "resend" else wiring.intervening().void
    planned = act(clinic, patient, occurrence, audit, rehearse=True)
    if planned is None or isinstance(planned, Refusal):
        raise NotReady(_why(planned, occurrence, patient))
    if not planned.changed:
        entry = planned.entry
        say(f"{occurrence} is so already" + (f": {entry.state}, {entry.reason.detail}" if entry else ""))
        return
    say(f"Plan: {_PLANS[verb]} {occurrence} of patient {patient}")
    for other in planned.message:
        if other != occurrence:
            say(f"  with {other}, which shared its message")
    if planned.entry is not None and verb == "resend":
        entry = planned.entry
        say(f"  it goes out at {entry.at:%Y-%m-%d %H:%M}Z by {entry.channel}: {entry.reason.detail}")
    if chart.facts.clinic.stopped_at is not None:
        say("  the clinic is stopped: nothing goes out before it is started")
    if only_plan:
        say(UNCHANGED)
        return
    done = act(clinic, patient, occurrence, audit, rehearse=False)
    if done is None or isinstance(done, Refusal):
        raise NotReady(_why(done, occurrence, patient))
    say("Done" if done.changed else "Somebody else did so in the same moment")


_PLANS = {"resend": "send again, under a new claim,", "void": "call off"}


def _why(answer: Refusal | None, occurrence: str, patient: str) -> str:
    if answer is None:
        return f"there is no patient {patient}"
    return f"{occurrence}: {answer.problems[0].message}. Nothing was changed"


def _chart(inside: Inside, clinic: str, patient: str) -> Chart:
    if wiring.store().clinic(clinic) is None:
        raise NotReady(f"there is no clinic {clinic}")
    chart = wiring.store().chart(clinic, patient, now=inside.now)
    if chart is None:
        raise NotReady(f"clinic {clinic} has no patient {patient}")
    return chart


def _told(line: Line) -> str:
    carried = f", with {line.carried_by}" if line.carried_by else ""
    reminder = line.reminder_id or "-"
    return (
        f"{line.at:%Y-%m-%d %H:%M}Z  {line.occurrence_id}  {line.channel:5}  {line.kind:13}  {line.state:9}  "
        f"{line.reason.rule}{carried}  {reminder}"
    )
