"""Facts for tests, each made with the one thing that matters: `facts(weekly, visits=[visit("2026-03-05T14:00")])`.

Everything not said is ordinary: a patient in New York, enrolled on Monday 2 March 2026 at noon, who agreed to texts
and e-mail at the usual hours. Protocols and steps are written as the published schema has them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.domain.agenda import agenda
from chalicelib.domain.clinic import Clinic
from chalicelib.domain.cursor import Cursor, Hold, Wake
from chalicelib.domain.decision import decide
from chalicelib.domain.facts import Facts, Progress
from chalicelib.domain.ids import ClinicId, PatientId
from chalicelib.domain.local_time import ContactWindow, local_date
from chalicelib.domain.occurrence import Entry
from chalicelib.domain.patient import (
    Channel,
    Clinical,
    Contact,
    ContactStatus,
    Patient,
    Pause,
    Role,
    Status,
)
from chalicelib.domain.plan import (
    Appointment,
    AppointmentKind,
    AppointmentStatus,
    Override,
    Pin,
    Plan,
    Profile,
    Supply,
)
from chalicelib.domain.protocol import Anchor, Protocol
from chalicelib.domain.protocol_reading import read_protocol
from chalicelib.domain.replan import replanned
from chalicelib.domain.steps.messages import welcome

NEW_YORK = "America/New_York"
ENROLLED = datetime(2026, 3, 2, 17, tzinfo=UTC)
"""Monday noon in New York."""

CLINIC = Clinic(
    id=ClinicId("c"),
    name="Riverside",
    timezone=NEW_YORK,
    country="US",
    phone="+12025550100",
    sms_number="+12025550199",
    from_email="care@example.org",
)

ADDRESS = {Channel.SMS: "+12025550123", Channel.EMAIL: "a@example.org"}


def at(wall: str, zone: str = NEW_YORK) -> datetime:
    """The instant of a local time, written `2026-03-05T14:00`."""
    return datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def wall(moment: datetime, zone: str = NEW_YORK) -> str:
    """An instant as the wall clock shows it, with the weekday: `Thu 2026-03-05 14:00`."""
    return f"{moment.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M}"


def hours(start: str, end: str) -> ContactWindow:
    return ContactWindow(time.fromisoformat(start), time.fromisoformat(end))


def protocol(*items: Mapping[str, Any], name: str = "p.v1", anchor: str = "enrolment_date", **more: Any) -> Protocol:
    """A protocol of these items; raises for what does not read."""
    numbered = [{"key": f"s{n}", "evidence": "K", "priority": "clinical", **item} for n, item in enumerate(items)]
    series = [{k: v for k, v in i.items() if i["kind"] != "appointment_series" or k != "priority"} for i in numbered]
    read = read_protocol(
        {"id": name, "name": "Protocol", "anchor": anchor, "default_on": False, "items": series, **more}
    )
    assert isinstance(read, Protocol), read
    return read


def window(opens: str, target: str, closes: str, **more: Any) -> dict[str, Any]:
    return {"kind": "visit_window", "title": "Review", "open": opens, "target": target, "close": closes, **more}


def checkin(every: str = "P1W", starts: str = "P1D", **more: Any) -> dict[str, Any]:
    return {"kind": "checkin_session", "every": every, "from": starts, "max_questions": 4, **more}


def question(message: str, every: str = "P1W", **more: Any) -> dict[str, Any]:
    return {"kind": "session_question", "message": message, "every": every, **more}


def message(name: str, starts: str = "P1D", **more: Any) -> dict[str, Any]:
    return {"kind": "recurring_message", "message": name, "from": starts, **more}


def supply(*reminders: Mapping[str, Any], due: str = "days_supply", **more: Any) -> dict[str, Any]:
    return {"kind": "supply", "title": "Supply", "due": due, "reminders": list(reminders), **more}


def staff_task(**more: Any) -> dict[str, Any]:
    return {"kind": "staff_task", "title": "Ring", **more}


def contact(channel: Channel, **more: Any) -> Contact:
    return Contact(**{"id": channel.value, "role": Role.SELF, "channel": channel, "address": ADDRESS[channel]} | more)


TEXTS = contact(Channel.SMS, consent=True)
MAIL = contact(Channel.EMAIL, consent=True)
STOPPED = replace(TEXTS, status=ContactStatus.STOPPED)


def visit(
    starts: str, name: str = "v", *, zone: str = NEW_YORK, set_at: datetime = ENROLLED, **more: Any
) -> Appointment:
    """A booked visit with the usual reminders, set when the patient was enrolled."""
    return Appointment(
        **{
            "id": name,
            "kind": AppointmentKind.PHYSICIAN,
            "starts_at": at(starts, zone),
            "status": AppointmentStatus.BOOKED,
            "set_at": set_at,
            "profile": Profile.APPOINTMENT,
        }
        | more
    )


def therapy(starts: str, name: str, **more: Any) -> Appointment:
    return visit(starts, name, **{"kind": AppointmentKind.THERAPY, "profile": Profile.THERAPY, **more})


def pause(start: str, until: str | None, reason: str = "in hospital") -> Pause:
    return Pause(start=at(start), until=at(until) if until else None, reason=reason)


def facts(
    *protocols: Protocol,
    zone: str = NEW_YORK,
    enrolled: datetime = ENROLLED,
    anchors: Mapping[Anchor, str | date] | None = None,
    visits: Sequence[Appointment] = (),
    contacts: Sequence[Contact] = (TEXTS, MAIL),
    supplies: Sequence[Supply] = (),
    overrides: Mapping[str, Override] | None = None,
    window: ContactWindow | None = None,
    pauses: Sequence[Pause] = (),
    clinical: Clinical | None = None,
    status: Status = Status.ACTIVE,
    hours_before: bool = False,
    welcomed: bool = True,
    patient: str = "p",
) -> Facts:
    """A patient who follows these protocols since enrolment; nothing has happened yet but the welcome.

    `welcomed=False` leaves the welcome to come. Progress is that of a plan made at enrolment.
    """
    dates = {a: d if isinstance(d, date) else date.fromisoformat(d) for a, d in (anchors or {}).items()}
    made = Facts(
        clinic=CLINIC,
        patient=Patient(
            id=PatientId(patient),
            clinic_id=CLINIC.id,
            external_id="1",
            given_name="A",
            family_name="B",
            language="en",
            timezone=zone,
            status=status,
            enrolled_at=enrolled,
            contact_window=window,
            clinical=clinical or Clinical(),
            pauses=tuple(pauses),
            hours_before=hours_before,
        ),
        contacts=tuple(contacts),
        plan=Plan(
            version=1,
            pins=tuple(Pin(protocol=p.id, since=enrolled) for p in protocols),
            anchors=dates,
            overrides=dict(overrides or {}),
        ),
        protocols={p.id: p for p in protocols},
        progress=Progress(through=enrolled),
        appointments=tuple(sorted(visits, key=lambda a: (a.starts_at, a.id))),
        supplies={s.anchor: s for s in supplies},
    )
    made, _ = replanned(None, made, None, enrolled)
    if welcomed:
        (greeting,) = welcome(made)
        made = replace(made, progress=replace(made.progress, done=frozenset({greeting.id})))
    return made


def cursor_of(known: Facts, now: datetime) -> Cursor:
    """The cursor that enrolment would write for these facts."""
    _, cursor = replanned(known, known, None, now)
    return cursor


def entries(known: Facts, until: str | timedelta, after: datetime | None = None) -> list[Entry]:
    """The agenda from `after` (enrolment) until a local time, or for a while."""
    start = after or known.patient.enrolled_at
    end = start + until if isinstance(until, timedelta) else at(until, known.patient.timezone)
    return agenda(known, start, end)


def lines(known: Facts, until: str | timedelta, after: datetime | None = None) -> list[str]:
    """What goes out: `Thu 2026-03-05 10:00 sms checkin`, in order of time."""
    return [
        f"{wall(e.at, known.patient.timezone)} {e.channel} {e.occurrence.kind}"
        for e in entries(known, until, after)
        if e.acts
    ]


def lived(
    known: Facts, now: datetime, until: datetime, *, awake: Any = None, late: timedelta = timedelta(seconds=3)
) -> Iterator[tuple[datetime, Wake, Facts]]:
    """The wakes from `now` until `until`, each with its time and the facts as it left them.

    Each comes `late` after its time; `awake` says of an instant whether the service runs then (an outage: it does not).
    """
    cursor = cursor_of(known, now)
    known = replace(known, progress=cursor.progress)
    while cursor.due is not None and cursor.due <= until:
        now = max(now, cursor.due + late)
        while awake is not None and not awake(now):
            now += timedelta(minutes=10)
        if now > until:
            return
        decision = decide(known, cursor, now, "t")
        if isinstance(decision, Hold):
            assert decision.until is None or decision.until > now
            cursor = replace(cursor, due=decision.until)
            continue
        wake, cursor = decision
        assert cursor.due is None or cursor.due >= now.replace(microsecond=0)
        known = replace(known, progress=cursor.progress, session=cursor.session)
        yield now, wake, known


def supply_cycle(anchor: Anchor, number: int = 1, **more: Any) -> Supply:
    return Supply(anchor=anchor, number=number, **more)


def day_of(known: Facts, moment: datetime) -> date:
    return local_date(moment, known.tz)
