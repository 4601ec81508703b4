"""From bodies about plans and the course of a follow-up to domain values: the checks that types cannot make."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import date, datetime, time, timedelta
from difflib import get_close_matches
from typing import Any

import msgspec

from chalicelib.domain.clinic import Clinic
from chalicelib.domain.facts import Facts
from chalicelib.domain.local_time import HARD_WALL, instant, local_date
from chalicelib.domain.patient import Category, Channel, Clinical, Consent, Contact, Patient, Role
from chalicelib.domain.plan import EventType, Override
from chalicelib.domain.problem import Problem
from chalicelib.domain.protocol import Anchor, Checkin, Message, Protocol, Step
from chalicelib.service.enrol import Enrolment
from chalicelib.service.planning import NewPlan
from chalicelib.service.reanchor import Happening
from chalicelib.web.bodies import EmailAddress
from chalicelib.web.bodies_plans import (
    Agreed,
    ConsentSaid,
    ContactChange,
    NewContact,
    NewEvent,
    NewPause,
    PatientChange,
    PlanChange,
    Preview,
    StepOverride,
)
from chalicelib.web.checks import (
    AHEAD,
    WEEKDAYS,
    Found,
    check_anchors,
    check_order,
    check_patient_phone,
    check_protocols,
    check_window,
    check_zone,
    clinical_facts,
    clock,
    local_instant,
)
from chalicelib.web.reading import given

# --- plans ---


def new_plan(
    body: PlanChange, facts: Facts, library: Mapping[str, Protocol], *, now: datetime, found: Found
) -> NewPlan:
    """The plan a body asks for, worth nothing when something stands in `found`."""
    dates = _dates(body.anchors, facts, now, found)
    anchors = {a: day for a, day in {**facts.plan.anchors, **dates}.items() if day}
    followed = tuple(pin.protocol for pin in facts.plan.pins)
    chosen: tuple[str, ...] | None = None
    if given(body.protocols):
        # A protocol the plan pins may have left the shelf's front row; whoever follows it may go on doing so.
        known = {**library, **facts.protocols}
        chosen = check_protocols(body.protocols, anchors, facts.patient.clinical, known, found)
        followed = chosen
    overrides: dict[str, Override] | None = None
    if given(body.overrides):
        steps = _steps({**library, **facts.protocols}, followed)
        overrides = {
            name: override
            for name, said in body.overrides.items()  # type: ignore[union-attr]
            if (override := _override(name, said, steps, found)) != Override()
        }
    days = getattr(body.anchors, "days_supply", None)
    return NewPlan(
        protocols=chosen,
        anchors=dates,
        days_supply=days if given(days) else None,
        overrides=overrides,
    )


def _dates(body: Any, facts: Facts, now: datetime, found: Found) -> dict[Anchor, date | None]:
    """The dates put right (None: taken away), each checked by itself and beside those that stay."""
    if not given(body):
        return {}
    said = [anchor for anchor in Anchor if given(getattr(body, anchor.value, None))]
    dates: dict[Anchor, date | None] = {a: getattr(body, a.value) for a in said if hasattr(body, a.value)}
    before = len(found)
    check_anchors(body, now, facts.clinic, found)
    if len(found) == before:
        check_order({a: day for a, day in {**facts.plan.anchors, **dates}.items() if day}, found)
    return dates


def _steps(library: Mapping[str, Protocol], followed: tuple[str, ...]) -> dict[str, Step]:
    return {f"{each}/{step.key}": step for each in followed if each in library for step in library[each].steps}


def _override(name: str, said: StepOverride, steps: Mapping[str, Step], found: Found) -> Override:
    at, step = f"overrides.{name}", steps.get(name)
    if step is None:
        near = get_close_matches(name, steps, n=1)
        hint = f"did you mean {near[0]}?" if near else "it reads <protocol>/<step>, of a protocol the plan follows"
        found.append(Problem(at, f"is no step of this plan; {hint}"))
        return Override()
    chosen = [part for part in ("weekday", "at") if given(getattr(said, part)) and getattr(said, part) is not None]
    if not isinstance(step, Checkin | Message):
        found.extend(Problem(f"{at}.{part}", "cannot be chosen: the step's dates decide") for part in chosen)
        return Override(off=said.off is True)
    when: time | None = None
    if given(said.at) and said.at is not None:
        when = clock(said.at)
        if not HARD_WALL[0] <= when < HARD_WALL[1]:
            found.append(Problem(f"{at}.at", "must lie between 08:00 and 21:00: nothing is sent at night"))
    weekday = WEEKDAYS.index(said.weekday) if "weekday" in chosen and said.weekday is not None else None
    return Override(off=said.off is True, weekday=weekday, at=when)


def preview(
    body: Preview, clinic: Clinic, library: Mapping[str, Protocol], *, now: datetime, found: Found
) -> Enrolment | None:
    """A made-up patient whom everything may be sent to; None when something is wrong."""
    check_zone(body.timezone, found)
    anchors = check_anchors(body.anchors, now, clinic, found, made_up=True)
    clinical = clinical_facts(body.clinical)
    chosen = check_protocols(body.protocols, anchors, clinical, library, found)
    if found:
        return None
    days = body.days_supply if body.days_supply is not None else body.anchors.days_supply
    contacts = (
        Contact(id="sms", role=Role.SELF, channel=Channel.SMS, address=clinic.sms_number, consent=True),
        Contact(id="email", role=Role.SELF, channel=Channel.EMAIL, address=clinic.from_email, consent=True),
    )
    return Enrolment(
        external_id="preview",
        given_name="",
        family_name="",
        language=body.language or clinic.language,
        timezone=body.timezone,
        contacts=contacts,
        protocols=chosen,
        anchors=anchors,
        days_supply=days,
        clinical=clinical,
    )


# --- the course of a follow-up ---


def happening(body: NewEvent, facts: Facts, *, now: datetime, found: Found) -> Happening | None:
    """The event a body tells of; None when something is wrong with it."""
    if not given(body.type):
        return None
    kind = EventType(body.type)
    for part, owner in _ONLY.items():
        if given(getattr(body, part)) and getattr(body, part) is not None and kind is not owner:
            found.append(Problem(part, f"belongs to a {owner.value.replace('_', ' ')}, not to this event"))
    on = check_past(body.date, "date", facts, now, found)
    injury = facts.plan.anchors.get(Anchor.INJURY)
    if on and injury and on < injury and kind is not EventType.DEFICIT_ONSET:
        found.append(Problem("date", f"{on} is before the injury on {injury}"))
    if kind is EventType.PUMP_REFILL:
        alarm = body.alarm_date if given(body.alarm_date) else None
        if body.alarm_date is None:
            found.append(Problem("alarm_date", "is required: the next refill counts from it, and it cannot be guessed"))
        elif alarm and on and not on < alarm <= on + AHEAD:
            found.append(Problem("alarm_date", f"must lie after the refill on {on}, within a year of it"))
        on = alarm
    if found or on is None:
        return None
    return Happening(type=kind, on=on, days=body.days_supply or body.interval_days)


_ONLY = {
    "days_supply": EventType.FILL,
    "alarm_date": EventType.PUMP_REFILL,
    "interval_days": EventType.CATHETER_CHANGE,
}


def check_past(day: Any, at: str, facts: Facts, now: datetime, found: Found) -> date | None:
    """A date that has come where the patient is."""
    if not given(day):
        return None
    today = local_date(now, facts.tz)
    if day > today:
        found.append(Problem(at, f"{day} lies in the future; for the patient it is {today}"))
    elif day < today - timedelta(days=366 * 90):
        found.append(Problem(at, f"{day} is longer ago than anybody's follow-up"))
    return day  # type: ignore[no-any-return]


def pause_end(body: NewPause, facts: Facts, *, now: datetime, found: Found) -> datetime | None:
    """When the pause ends (UTC); None for one that somebody must end."""
    if body.until is None or not given(body.until):
        return None
    try:
        if body.until.endswith("Z"):
            until = datetime.fromisoformat(body.until)
        elif "T" in body.until:
            until = local_instant(body.until, facts.patient.timezone)
        else:
            until = instant(date.fromisoformat(body.until), time(0), facts.tz)
    except ValueError:
        found.append(Problem("until", "is no day of the calendar"))
        return None
    if until <= now:
        found.append(Problem("until", "lies in the past"))
    elif until > now + AHEAD:
        found.append(Problem("until", "is more than a year ahead; leave it out to pause until somebody resumes"))
    return until


# --- who the patient is ---


def corrected(body: PatientChange, found: Found) -> Callable[[Patient], Patient]:
    """What a body makes of a patient's particulars, worth nothing when something stands in `found`."""
    check_zone(body.timezone, found)
    window = check_window(body.contact_window, "contact_window", found)
    names = ("given_name", "family_name", "language", "timezone")
    said: dict[str, Any] = {name: getattr(body, name) for name in names if given(getattr(body, name))}
    if given(body.contact_window):
        said["contact_window"] = window
    if given(body.two_hours_before):
        said["hours_before"] = body.two_hours_before
    clinical: dict[str, Any] = {}
    if given(body.clinical):
        known = {f.name: getattr(body.clinical, f.name) for f in fields(Clinical)}
        clinical = {name: value for name, value in known.items() if given(value)}

    def correct(who: Patient) -> Patient:
        return replace(who, **said, clinical=replace(who.clinical, **clinical))

    return correct


# --- how they are reached ---


def new_contact(body: NewContact, contact_id: str, clinic: Clinic, found: Found) -> Contact | None:
    """The contact a body describes; None when something is wrong with it."""
    if not given(body.channel):
        return None
    channel = Channel(body.channel)
    address = check_address(body.address, channel, clinic, found)
    if found or address is None:
        return None
    return Contact(
        id=contact_id,
        role=Role(body.role),
        channel=channel,
        address=address,
        language=body.language,
        name=body.name,
    )


def check_address(text: Any, channel: Channel, clinic: Clinic, found: Found) -> str | None:
    """The address as the channel writes it: E.164, or an e-mail address."""
    if not given(text):
        return None
    if channel is Channel.SMS:
        return check_patient_phone(text, clinic, "address", found)
    try:
        return msgspec.convert(text, EmailAddress)
    except msgspec.ValidationError:
        found.append(Problem("address", "must be an e-mail address such as ana@example.org"))
        return None


def altered(body: ContactChange, contact: Contact, clinic: Clinic, found: Found) -> Callable[[Contact], Contact]:
    """What a body makes of a contact, worth nothing when something stands in `found`."""
    said: dict[str, Any] = {name: getattr(body, name) for name in ("language", "name") if given(getattr(body, name))}
    if given(body.address):
        said["address"] = check_address(body.address, contact.channel, clinic, found)

    def alter(known: Contact) -> Contact:
        return replace(known, **said)

    return alter


def agreed(body: Any, channel: Channel, now: datetime) -> Consent | None:
    """The consent that goes with a contact, if one does."""
    if not isinstance(body, Agreed) or not given(body.method) or not given(body.recorded_by):
        return None
    return Consent(channel=channel, granted=True, method=body.method, recorded_by=body.recorded_by, at=now)


def consent(body: ConsentSaid, now: datetime) -> Consent:
    return Consent(
        channel=Channel(body.channel),
        granted=body.granted,
        method=body.method,
        recorded_by=body.recorded_by,
        at=now,
        categories=tuple(Category(each) for each in body.categories),
    )
