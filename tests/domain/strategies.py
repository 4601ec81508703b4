"""Random patients for hypothesis: plans, zones, hours, visits, pauses and the changes life makes to them."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from hypothesis import strategies as st

from chalicelib.domain.facts import Facts
from chalicelib.domain.local_time import ContactWindow, local_date
from chalicelib.domain.patient import Category, Channel, ContactStatus, Pause, Status
from chalicelib.domain.plan import (
    Appointment,
    AppointmentKind,
    AppointmentStatus,
    Override,
    Pin,
    Profile,
    Supply,
)
from chalicelib.domain.protocol import Anchor
from tests.domain.builders import (
    MAIL,
    STOPPED,
    TEXTS,
    checkin,
    facts,
    message,
    protocol,
    question,
    staff_task,
    supply,
    window,
)

ZONES = (
    "America/New_York",
    "America/Santiago",  # south of the equator, changes its clocks at midnight
    "Australia/Lord_Howe",  # by half an hour
    "Asia/Kathmandu",  # UTC+05:45
    "Pacific/Chatham",  # UTC+12:45
    "Pacific/Honolulu",
    "Africa/Casablanca",  # changes its clocks around Ramadan
    "Europe/London",
)

WEEKLY = protocol(
    checkin(nudge_after="P2D"),
    question("checkin_psfs"),
    question("checkin_skin", "P2W"),
    message("sci_set_link", "P5D", every="P1M", channel="email", priority="supportive"),
    name="weekly.v1",
)
EXTRA = protocol(
    checkin("P3D", "P1D", until="P4W", joins=True),
    message("edu_link", "P3D", every="P2W", priority="education"),
    name="extra.v1",
)
WINDOWS = protocol(
    window("P0D", "P14D", "P15D"),
    window("P16D", "P28D", "P40D", title="Second"),
    window("P20D", "P28D", "P60D", title="Third", overlaps=True),
    window("P300D", "P336D", "P546D", title="Long", overlaps=True),
    window("P20D", "P30D", "P50D", repeat="P3M", title="Often", overlaps=True),
    staff_task(no_visit_for="P30D", until="P18M"),
    staff_task(at="P2D", due="P3D"),
    name="windows.v1",
    anchor="injury_date",
)
PUMP = protocol(
    supply(
        {"at": "-P21D", "task": "Book", "unless": "booked"},
        *({"at": a, "message": "pump_refill", "channels": ["sms", "email"]} for a in ("-P14D", "-P7D", "-P3D")),
        {"at": "P0D", "message": "pump_overdue", "unless": "booked", "channels": ["sms", "email"]},
        {"at": "P0D", "task": "Act now", "tier": "urgent", "unless": "booked"},
        due="-P7D",
        ignore_weekly_cap=True,
        priority="safety",
    ),
    name="pump.v1",
    anchor="pump_low_reservoir_alarm_date",
)
PILLS = protocol(
    supply(
        *({"at": a, "message": "refill", "unless": "confirmed"} for a in ("-P7D", "-P3D", "-P1D")),
        {"at": "P0D", "task": "Ring", "unless": "confirmed"},
        priority="safety",
    ),
    name="pills.v1",
    anchor="last_fill_date",
)
PROTOCOLS = (WEEKLY, EXTRA, WINDOWS, PUMP, PILLS)

_START = datetime(2025, 1, 1, tzinfo=UTC)

moments = st.integers(0, 2 * 365 * 24 * 4).map(lambda quarter: _START + timedelta(minutes=15 * quarter))

windows = st.one_of(
    st.none(),
    st.tuples(st.integers(16, 41), st.integers(1, 20)).map(
        lambda halves: ContactWindow(_half(halves[0]), _half(min(halves[0] + halves[1], 46)))
    ),
    st.just(ContactWindow(time(12), time(12, 20))),
)


def _half(n: int) -> time:
    return time(n // 2, 30 * (n % 2))


@st.composite
def appointments(draw: st.DrawFn, enrolled: datetime, zone: str) -> tuple[Appointment, ...]:
    made = []
    for n in range(draw(st.integers(0, 7))):
        kind = draw(st.sampled_from([AppointmentKind.PHYSICIAN, AppointmentKind.THERAPY]))
        profile = Profile.THERAPY
        if kind is AppointmentKind.PHYSICIAN:
            profile = draw(st.sampled_from([Profile.APPOINTMENT, Profile.HIGH_RISK_NO_SHOW]))
        made.append(
            Appointment(
                id=f"a{n}",
                kind=kind,
                starts_at=enrolled
                + timedelta(hours=draw(st.integers(3, 60 * 24)), minutes=draw(st.integers(0, 3)) * 15),
                status=draw(st.sampled_from([AppointmentStatus.BOOKED, AppointmentStatus.CONFIRMED])),
                set_at=enrolled,
                profile=profile,
                window_step=draw(st.sampled_from([None, "windows.v1/s0", "windows.v1/s1", "pump.v1/s0"])),
            )
        )
    return tuple(made)


@st.composite
def plans(draw: st.DrawFn) -> Facts:
    """A patient just enrolled, with a plan, visits and habits of their own."""
    zone = draw(st.sampled_from(ZONES))
    enrolled = draw(moments)
    today = local_date(enrolled, facts(zone=zone).tz)
    chosen = draw(st.lists(st.sampled_from(PROTOCOLS), unique_by=lambda p: p.id, max_size=5))
    pauses = ()
    if draw(st.integers(0, 3)) == 0:
        start = enrolled + timedelta(days=draw(st.integers(0, 20)), hours=draw(st.integers(0, 23)))
        length = draw(st.sampled_from([1, 3, 10, 20]))
        pauses = (Pause(start=start, until=start + timedelta(days=length, hours=5), reason="away"),)
    return facts(
        *chosen,
        zone=zone,
        enrolled=enrolled,
        anchors={
            Anchor.INJURY: today - timedelta(days=draw(st.sampled_from([0, 10, 27, 100, 500, 3650]))),
            Anchor.PUMP_ALARM: today + timedelta(days=draw(st.integers(-5, 40))),
            Anchor.LAST_FILL: today - timedelta(days=draw(st.integers(0, 30))),
        },
        supplies=[Supply(anchor=Anchor.LAST_FILL, number=1, days_supply=draw(st.integers(5, 45)))],
        visits=draw(appointments(enrolled, zone)),
        window=draw(windows),
        contacts=draw(st.sampled_from([(TEXTS, MAIL), (TEXTS, MAIL), (TEXTS,), (MAIL,), (STOPPED, MAIL), ()])),
        pauses=pauses,
        hours_before=draw(st.booleans()),
        welcomed=False,
        patient=draw(st.sampled_from(["p", "q", "r", "s"])),
    )


# --- changes -------------------------------------------------------------------------------------------------------


@st.composite
def changed(draw: st.DrawFn, old: Facts, now: datetime) -> Facts:
    """What one of the things that happen in a clinic makes of the facts at `now`."""
    patient, plan = old.patient, old.plan
    today = local_date(now, old.tz)
    what = draw(
        st.sampled_from(
            ["zone", "window", "anchor", "pause", "stop", "start", "add", "visit", "move", "mark", "fill", "override"]
        )
    )
    match what:
        case "zone":
            return replace(old, patient=replace(patient, timezone=draw(st.sampled_from(ZONES))))
        case "window":
            return replace(old, patient=replace(patient, contact_window=draw(windows)))
        case "anchor":
            moved = {**plan.anchors, Anchor.INJURY: today - timedelta(days=draw(st.integers(-30, 600)))}
            return replace(old, plan=replace(plan, version=plan.version + 1, anchors=moved))
        case "pause":
            until = draw(st.one_of(st.none(), st.integers(1, 20).map(lambda d: now + timedelta(days=d))))
            ended = tuple(p if p.until and p.until < now else replace(p, until=now) for p in patient.pauses)
            kept = tuple(p for p in ended if p.start < now)
            if draw(st.booleans()):
                kept = (*kept, Pause(start=now, until=until, reason="away"))
            return replace(old, patient=replace(patient, pauses=kept))
        case "stop":
            stopped = (
                replace(c, status=ContactStatus.STOPPED) if c.channel is Channel.SMS else c for c in old.contacts
            )
            return replace(old, contacts=tuple(stopped))
        case "start":
            return replace(old, contacts=(TEXTS, replace(MAIL, muted=(Category.EDUCATION,))))
        case "add":
            absent = [p for p in PROTOCOLS if p.id not in old.protocols]
            if not absent:
                return old
            added = draw(st.sampled_from(absent))
            pins = (*plan.pins, Pin(protocol=added.id, since=now))
            return replace(old, plan=replace(plan, pins=pins), protocols={**old.protocols, added.id: added})
        case "visit":
            made = Appointment(
                id=f"n{len(old.appointments)}",
                kind=AppointmentKind.PHYSICIAN,
                starts_at=now + timedelta(hours=draw(st.integers(1, 400))),
                status=AppointmentStatus.BOOKED,
                set_at=now,
                profile=Profile.APPOINTMENT,
            )
            return replace(old, appointments=(*old.appointments, made))
        case "move" | "mark" if old.appointments:
            visit, *others = draw(st.permutations(old.appointments))
            if what == "move" and visit.status.stands:
                starts = now + timedelta(hours=draw(st.integers(1, 900)))
                # As the service does, taking a reminder for sent where it may have been.
                generation = visit.generation + 1
                return replace(
                    old,
                    appointments=(*others, replace(visit, starts_at=starts, set_at=now, generation=generation)),
                )
            status = AppointmentStatus.CONFIRMED
            if visit.starts_at <= now:
                status = draw(st.sampled_from([AppointmentStatus.ATTENDED, AppointmentStatus.MISSED]))
            return replace(old, appointments=(*others, replace(visit, status=status)))
        case "fill":
            cycle = old.supplies[Anchor.LAST_FILL]
            new = replace(cycle, number=cycle.number + 1, days_supply=draw(st.integers(5, 60)))
            anchors = {**plan.anchors, Anchor.LAST_FILL: today}
            return replace(old, supplies={Anchor.LAST_FILL: new}, plan=replace(plan, anchors=anchors))
        case "override":
            chosen = Override(weekday=draw(st.integers(0, 6)), at=time(draw(st.integers(7, 21))))
            return replace(old, plan=replace(plan, overrides={**plan.overrides, "weekly.v1/s0": chosen}))
    return old


def answered(known: Facts) -> Facts:
    """The open check-in answered, so that no nudge follows."""
    if known.session is None or known.session.answered:
        return known
    return replace(known, session=replace(known.session, answers={"checkin_change": "1"}))


def ended(known: Facts) -> Facts:
    return replace(known, patient=replace(known.patient, status=Status.DECEASED))
