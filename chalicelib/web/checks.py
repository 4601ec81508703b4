"""From bodies to domain values: the checks that types cannot make, each naming its field."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

from chalicelib.adapters.phone import country_of, read_phone
from chalicelib.domain.clinic import (
    EMERGENCY_NUMBERS,
    USUAL_COUNTRIES,
    Clinic,
    ContentLevel,
    OfficeHours,
    Person,
    Retention,
)
from chalicelib.domain.ids import ClinicId
from chalicelib.domain.local_time import ContactWindow, instant, zone
from chalicelib.domain.patient import Channel, Clinical, Consent, Contact, Role
from chalicelib.domain.problem import Problem
from chalicelib.domain.protocol import Anchor, Protocol
from chalicelib.domain.protocol_set import default_protocols, exclusions, undisplaced
from chalicelib.domain.wording.lint import lint_clinic_name
from chalicelib.service.enrol import Enrolment
from chalicelib.web.bodies import Hours, NewClinic, NewPatient
from chalicelib.web.reading import given

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Found = list[Problem]


def clock(text: str) -> time:
    hour, _, minute = text.partition(":")
    return time(int(hour), int(minute))


def check_zone(name: Any, found: Found, at: str = "timezone") -> None:
    if not given(name):
        return
    try:
        zone(name)
    except (KeyError, ValueError, OSError):
        found.append(Problem(at, f"{name!r} is not an IANA time zone such as America/New_York"))


def check_phone(text: Any, country: Any, at: str, found: Found) -> str | None:
    """The number in E.164, or a problem. National forms are read as of the clinic's country."""
    if not given(text) or text is None:
        return None
    number = read_phone(text, country if given(country) else "US")
    if number is None:
        found.append(Problem(at, "is not a phone number: write it with its country code, such as +12025550123"))
    return number


def check_patient_phone(text: Any, clinic: Clinic, at: str, found: Found) -> str | None:
    """A patient's number in E.164: of a country the clinic texts to, or a problem."""
    number = check_phone(text, clinic.country, at, found)
    allowed = clinic.number_countries or USUAL_COUNTRIES
    if number is not None and country_of(number) not in allowed:
        found.append(
            Problem(at, "is a number of a country this clinic does not text to; GET /clinic lists those it does")
        )
    return number


def check_window(hours: Hours | Any | None, at: str, found: Found) -> ContactWindow | None:
    """The contact window, of which an hour at least must lie inside 08:00-21:00; what lies outside is not used."""
    if hours is None or not given(hours) or not given(hours.start) or not given(hours.end):
        return None
    window = ContactWindow(clock(hours.start), clock(hours.end))
    used = window.within_wall()
    length = timedelta()
    if used is not None:
        length = timedelta(hours=used.end.hour - used.start.hour, minutes=used.end.minute - used.start.minute)
    if window.end <= window.start:
        found.append(Problem(at, "must end after it begins"))
    elif length < timedelta(hours=1):
        found.append(Problem(at, "must hold an hour between 08:00 and 21:00: nothing is sent at night"))
    return window


def clinic(body: NewClinic, clinic_id: str, found: Found) -> Clinic | None:
    """The clinic a body describes; None when something is wrong with it."""
    check_zone(body.timezone, found)
    if given(body.country) and body.country not in EMERGENCY_NUMBERS:
        known = ", ".join(sorted(EMERGENCY_NUMBERS))
        found.append(Problem("country", f"emergency numbers are known for {known} only; add this country's first"))
    if given(body.name):
        found.extend(Problem("name", said) for said in _name_findings(body.name))
    number = check_phone(body.sms_number, body.country, "sms_number", found)
    shown = check_phone(body.phone, body.country, "phone", found)
    window = check_window(body.contact_window, "contact_window", found)
    on_call = [_person(p, f"on_call[{n}]", body.country, found) for n, p in enumerate(_listed(body.on_call))]
    lead = _person(body.lead, "lead", body.country, found) if body.lead is not None and given(body.lead) else None
    hours = []
    for n, each in enumerate(_listed(body.office_hours)):
        if given(each.weekday) and given(each.start) and given(each.end):
            opening = OfficeHours(weekday=WEEKDAYS.index(each.weekday), start=clock(each.start), end=clock(each.end))
            hours.append(opening)
            if opening.end <= opening.start:
                found.append(Problem(f"office_hours[{n}]", "must end after it begins"))
    if found:
        return None
    assert number is not None
    assert shown is not None
    described = Clinic(
        id=ClinicId(clinic_id),
        name=body.name,
        timezone=body.timezone,
        country=body.country,
        phone=body.phone,
        sms_number=number,
        from_email=body.from_email,
        language=body.language,
        office_hours=tuple(hours),
        holidays=tuple(body.holidays),
        on_call=tuple(p for p in on_call if p),
        lead=lead,
        sms_content_level=ContentLevel(body.sms_content_level),
        sms_per_second=body.sms_per_second,
        number_countries=tuple(dict.fromkeys(body.number_countries)),
        enrolments_a_day=body.enrolments_a_day,
        messages_a_day=body.messages_a_day,
        spend_a_month=body.spend_a_month,
        price_per_segment=body.price_per_segment,
        price_per_email=body.price_per_email,
        retention=Retention(
            messages_days=body.retention.messages_days,
            log_days=body.retention.log_days,
            audit_days=body.retention.audit_days,
        ),
    )
    return replace(described, contact_window=window) if window else described


def _name_findings(name: str) -> list[str]:
    """A name that tells the diagnosis would tell it in every text; a long one is shortened in texts."""
    return [
        f"{found.detail} would tell a diagnosis in every text"
        for found in lint_clinic_name(name)
        if found.rule != "long name"
    ]


def _listed(value: Any) -> Sequence[Any]:
    return value if given(value) else ()


def _person(body: Any, at: str, country: Any, found: Found) -> Person | None:
    phone = check_phone(body.phone, country, f"{at}.phone", found)
    if body.phone is None and body.email is None:
        found.append(Problem(at, "needs a phone or an e-mail to be paged on"))
    if not given(body.name) or not given(body.email):
        return None
    return Person(name=body.name, phone=phone, email=body.email)


OLDEST = timedelta(days=366 * 90)
"""An injury longer ago than this is a typing mistake."""

AHEAD = timedelta(days=366)
"""Alarm dates lie ahead; nothing else does."""


def enrolment(
    body: NewPatient, clinic: Clinic, library: Mapping[str, Protocol], *, now: datetime, found: Found
) -> Enrolment | None:
    """The enrolment a body asks for; None when something is wrong with it, all of which stands in `found`."""
    check_zone(body.timezone, found)
    number = check_patient_phone(body.phone, clinic, "phone", found)
    window = check_window(body.contact_window, "contact_window", found)
    days_supply = body.days_supply if body.days_supply is not None else getattr(body.anchors, "days_supply", None)
    anchors = check_anchors(body.anchors, now, clinic, found)
    clinical = clinical_facts(body.clinical)
    chosen = check_protocols(body.protocols, anchors, clinical, library, found)
    channels = _channels(body, found)
    if found:
        return None
    granted = {Channel.SMS: body.consent.sms, Channel.EMAIL: body.consent.email}
    addresses = {Channel.SMS: number, Channel.EMAIL: body.email}
    contacts = tuple(
        Contact(
            id=f"self-{channel.value}",
            role=Role.SELF,
            channel=channel,
            address=address,
            consent=granted[channel] and channel in channels,
        )
        for channel, address in addresses.items()
        if address is not None
    )
    consents = tuple(
        Consent(
            channel=c.channel,
            granted=True,
            method=body.consent.method,
            recorded_by=body.consent.recorded_by,
            at=now,
        )
        for c in contacts
        if c.consent
    )
    return Enrolment(
        external_id=body.external_id,
        given_name=body.given_name,
        family_name=body.family_name,
        language=body.language or clinic.language,
        timezone=body.timezone,
        contacts=contacts,
        protocols=chosen,
        anchors=anchors,
        days_supply=days_supply,
        clinical=clinical,
        contact_window=window,
        hours_before=body.two_hours_before,
        consents=consents,
    )


def clinical_facts(body: Any) -> Clinical:
    """The clinical facts as given; what could not be read counts as not said."""
    if not given(body):
        return Clinical()
    names = ("ad_risk", "itb_pump", "oral_baclofen", "etiology", "baseline_psfs")
    said = {name: getattr(body, name) for name in names}
    return Clinical(**{name: value for name, value in said.items() if given(value)})


def check_anchors(
    body: Any, now: datetime, clinic: Clinic, found: Found, *, made_up: bool = False
) -> dict[Anchor, date]:
    """The anchor dates that were given and make sense together. `made_up`: nobody's, so they may lie ahead."""
    if not given(body):
        return {}
    today = now.astimezone(zone(clinic.timezone)).date() + timedelta(days=1)
    anchors: dict[Anchor, date] = {}
    for anchor in Anchor:
        day = getattr(body, anchor.value, None)
        if day is None or not given(day):
            continue
        at = f"anchors.{anchor.value}"
        ahead = made_up or anchor in (Anchor.PUMP_ALARM, Anchor.DISCHARGE)
        if day > today + AHEAD or (day > today and not ahead):
            found.append(Problem(at, f"{day} lies in the future"))
        elif day < today - OLDEST:
            found.append(Problem(at, f"{day} is longer ago than anybody's follow-up"))
        anchors[anchor] = day
    check_order(anchors, found)
    return anchors


def check_order(anchors: Mapping[Anchor, date], found: Found) -> None:
    """What cannot have been before the injury. A deficit may have: an injury date can be that of an operation."""
    injury = anchors.get(Anchor.INJURY)
    for anchor in (Anchor.DISCHARGE, Anchor.INJECTION):
        later = anchors.get(anchor)
        if injury and later and later < injury:
            found.append(Problem(f"anchors.{anchor.value}", f"{later} is before the injury on {injury}"))


def check_protocols(
    named: Any, anchors: Mapping[Anchor, date], clinical: Clinical, library: Mapping[str, Protocol], found: Found
) -> tuple[str, ...]:
    """The protocols a plan shall follow: those named, or the defaults where none are."""
    if not given(named):
        return ()
    if named is None:
        return tuple(default_protocols(undisplaced(library.values()), anchors, clinical))
    chosen: dict[str, int] = {}
    for place, name in enumerate(named):
        if not given(name) or name not in library:
            found.append(
                Problem(f"protocols[{place}]", f"{name!r} is no protocol of this clinic; GET /protocols lists them")
            )
        elif name in chosen:
            found.append(Problem(f"protocols[{place}]", f"{name} is named twice"))
        else:
            chosen[name] = place
    if not named:
        found.append(Problem("protocols", "must name one protocol at least, or be left out"))
    places = [f"protocols[{place}]" for place in chosen.values()]
    clashes = exclusions([library[name] for name in chosen])
    found.extend(Problem(places[int(p.field[len("protocols[") : -1])], p.message) for p in clashes)
    return tuple(chosen)


def _channels(body: NewPatient, found: Found) -> frozenset[Channel]:
    if not given(body.channels):
        return frozenset()
    if body.channels is None:
        return frozenset({Channel.SMS, Channel.EMAIL})
    wanted = frozenset(Channel(c) for c in body.channels if given(c))
    if Channel.SMS in wanted and body.phone is None:
        found.append(Problem("phone", "is required for the sms channel"))
    if Channel.EMAIL in wanted and body.email is None:
        found.append(Problem("email", "is required for the email channel"))
    if not wanted:
        found.append(Problem("channels", "must name sms or email, or be left out for both"))
    return wanted


def local_instant(text: str, tz: str) -> datetime:
    """The UTC instant of a local time such as 2026-03-01T09:00 in the zone."""
    day, _, at = text.partition("T")
    return instant(date.fromisoformat(day), clock(at), zone(tz))
