"""What planning costs: eighteen months of the default protocols, and the next thing to do: `python -m bench.agenda`.

Beside it, in the same run, a naive reading of the same recurrences with `dateutil.rrule`: dates only, without caps,
merging, contact hours, visits or reasons. Work is counted as function calls (the interpreter's own profiling hook,
the same on every machine) and, with `instructions` as an argument and valgrind at hand, as machine instructions; CPU
time is the best of several and is only as good as the machine is quiet.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from dateutil.relativedelta import relativedelta
from dateutil.rrule import DAILY, MONTHLY, rrule

from bench.tables import table
from chalicelib.adapters import library
from chalicelib.domain.agenda import agenda
from chalicelib.domain.clinic import Clinic
from chalicelib.domain.cursor import Hold
from chalicelib.domain.decision import decide, next_wake
from chalicelib.domain.facts import Facts, Progress
from chalicelib.domain.ids import ClinicId, PatientId
from chalicelib.domain.local_time import Period, zone
from chalicelib.domain.patient import Channel, Clinical, Contact, Patient, Role, Status
from chalicelib.domain.plan import Appointment, AppointmentKind, AppointmentStatus, Pin, Plan, Profile
from chalicelib.domain.protocol import Anchor, Checkin, Message, VisitWindow
from chalicelib.domain.protocol_set import default_protocols
from chalicelib.domain.replan import replanned

ENROLLED = datetime(2026, 3, 2, 17, tzinfo=UTC)
COURSE = timedelta(days=548)
ANCHORS = {Anchor.INJURY: date(2026, 1, 10), Anchor.DISCHARGE: date(2026, 2, 20)}


def ordinary() -> Facts:
    """A patient on the default protocols with two dozen visits, just enrolled."""
    protocols = library.protocols()
    ids = default_protocols(protocols.values(), ANCHORS, Clinical())
    patient = Patient(
        id=PatientId("p"),
        clinic_id=ClinicId("c"),
        external_id="1",
        given_name="A",
        family_name="B",
        language="en",
        timezone="America/New_York",
        status=Status.ACTIVE,
        enrolled_at=ENROLLED,
    )
    clinic = Clinic(
        id=ClinicId("c"),
        name="Riverside",
        timezone="America/New_York",
        country="US",
        phone="+12025550100",
        sms_number="+12025550199",
        from_email="care@example.org",
    )
    addresses = ((Channel.SMS, "+12025550123"), (Channel.EMAIL, "a@example.org"))
    facts = Facts(
        clinic=clinic,
        patient=patient,
        contacts=tuple(Contact(id=c, role=Role.SELF, channel=c, address=a, consent=True) for c, a in addresses),
        plan=Plan(version=1, pins=tuple(Pin(protocol=i, since=ENROLLED) for i in ids), anchors=ANCHORS),
        protocols=protocols,
        progress=Progress(through=ENROLLED),
        appointments=tuple(
            Appointment(
                id=f"v{n}",
                kind=AppointmentKind.PHYSICIAN,
                starts_at=ENROLLED + timedelta(days=20 * n + 9),
                status=AppointmentStatus.BOOKED,
                set_at=ENROLLED,
                profile=Profile.APPOINTMENT,
            )
            for n in range(24)
        ),
    )
    return replanned(None, facts, None, ENROLLED)[0]


def life(facts: Facts) -> list[tuple[Facts, datetime]]:
    """The facts right after each wake of the course."""
    facts, cursor = replanned(facts, facts, None, ENROLLED)
    found = []
    while cursor.due is not None and cursor.due <= ENROLLED + COURSE:
        now = cursor.due + timedelta(seconds=3)
        decision = decide(facts, cursor, now, "t")
        if isinstance(decision, Hold):
            cursor = replace(cursor, due=decision.until)
            continue
        cursor = decision[1]
        facts = replace(facts, progress=cursor.progress)
        found.append((facts, now))
    return found


# --- the naive way -------------------------------------------------------------------------------------------------


def naive(facts: Facts, until: datetime) -> list[tuple[datetime, str]]:
    """(instant, step) of the same recurrences, each as a rule of its own, sorted."""
    tz = zone(facts.patient.timezone)
    start = ENROLLED.astimezone(tz).replace(tzinfo=None)
    end = until.astimezone(tz).replace(tzinfo=None)
    found: list[tuple[datetime, str]] = []
    for pin in facts.plan.pins:
        protocol = facts.protocols[pin.protocol]
        anchor = facts.anchor(protocol.anchor)
        if anchor is None:
            continue
        base = datetime.combine(anchor, datetime.min.time()) + timedelta(hours=10)
        for step in protocol.steps:
            days: list[datetime] = []
            match step:
                case Checkin():
                    last = base + _delta(step.until) if step.until else end
                    days = [*_rule(base + _delta(step.starts), step.every, min(last, end))]
                    if step.then_every:
                        days += _rule(last, step.then_every, end)
                case Message(every=Period() as every):
                    days = [*_rule(base + _delta(step.starts), every, end)]
                case VisitWindow():
                    rounds = [*_rule(base, step.repeat, end)] if step.repeat else [base]
                    for each in rounds:
                        days += [each + _delta(step.opens) - timedelta(days=14)]
                        days += [each + _delta(step.target), each + _delta(step.closes)]
            found += [(day.replace(tzinfo=tz).astimezone(UTC), step.key) for day in days if start <= day <= end]
    return sorted(found)


def _rule(first: datetime, every: Period, end: datetime) -> rrule:
    if every.months:
        return rrule(MONTHLY, interval=every.months, dtstart=first, until=end)
    return rrule(DAILY, interval=every.days, dtstart=first, until=end)


def _delta(period: Period) -> relativedelta:
    return relativedelta(months=period.months, days=period.days)


# --- measuring -----------------------------------------------------------------------------------------------------


def calls(work: Callable[[], object]) -> int:
    """How many functions, of Python and of C, the work calls. The same on every machine."""
    work()
    counted = 0

    def count(_frame: object, event: str, _arg: object) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return counted


def milliseconds(work: Callable[[], object], times: int = 30) -> float:
    """CPU time, the best of several."""
    best = float("inf")
    for _ in range(times):
        began = time.process_time_ns()
        work()
        best = min(best, time.process_time_ns() - began)
    return best / 1e6


def works() -> dict[str, Callable[[], object]]:
    facts = ordinary()
    end = ENROLLED + COURSE
    now = ENROLLED + COURSE / 2
    middle = replace(facts, progress=Progress(through=now))
    alone, _ = replanned(None, replace(facts, appointments=()), None, ENROLLED)
    return {
        "eighteen months, default protocols": lambda: agenda(alone, ENROLLED, end),
        "eighteen months, and 24 visits": lambda: agenda(facts, ENROLLED, end),
        "the same recurrences, naive rrule": lambda: naive(facts, end),
        "next, at enrolment": lambda: next_wake(facts, ENROLLED),
        "next, mid-course": lambda: next_wake(middle, now),
        "next, naive rrule": lambda: next(each for each in naive(facts, now + timedelta(days=60)) if each[0] > now),
    }


def instructions(name: str) -> int | None:
    """Machine instructions of one piece of work, by callgrind: five more of it in a process, less none of it."""
    if shutil.which("valgrind") is None:
        return None
    spent = []
    for times in (1, 6):
        once = ("-m", "bench.agenda", "once", name, str(times))
        ran = subprocess.run(
            ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable, *once],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )
        (line,) = (line for line in ran.stderr.splitlines() if "Collected :" in line)
        spent.append(int(line.rpartition(":")[2]))
    return (spent[1] - spent[0]) // 5


def report(*, with_instructions: bool = False) -> str:
    facts = ordinary()
    rows = []
    for name, work in works().items():
        counted = instructions(name) if with_instructions else None
        million = [f"{counted / 1e6:.1f}"] if counted else []
        rows.append([name, f"{calls(work):,}", f"{milliseconds(work):.2f}", *million])
    after_each = sorted(calls(lambda known=known, now=now: next_wake(known, now)) for known, now in life(facts))
    rows.append(["next, after each wake: median", f"{after_each[len(after_each) // 2]:,}", "", ""][: len(rows[0])])
    rows.append(["next, after each wake: the most", f"{after_each[-1]:,}", "", ""][: len(rows[0])])
    head = ["planning", "function calls", "CPU ms (best)", "million instructions"][: len(rows[0])]
    entries = len(agenda(facts, ENROLLED, ENROLLED + COURSE))
    return table(f"Planning: {entries} entries, placed and explained", head, rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["once"]:
        piece = works()[sys.argv[2]]
        for _ in range(int(sys.argv[3])):
            piece()
    else:
        print(report(with_instructions="instructions" in sys.argv[1:]))
