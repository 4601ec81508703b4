"""From a wake to its words: which template, in which language, with which facts. Rendered at send, never before."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from .clinic import EMERGENCY_NUMBERS
from .cursor import Wake
from .facts import Facts
from .links import Link, Purpose, read, sign
from .local_time import instant, local
from .occurrence import State
from .patient import Category, Channel, Contact
from .plan import Appointment
from .wording import (
    Copybook,
    EmailText,
    SmsText,
    day_phrase,
    local_date,
    local_time,
    pick_language,
    render_email,
    render_sms,
    template_at_level,
    therapy_week,
    times_phrase,
)

LINK_LIFE = timedelta(days=30)
"""A link in an e-mail works this long; what it leads to says so when it no longer does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where the service's pages stand, and what their links are signed with."""

    url: str
    secret: bytes = field(repr=False)
    """Signs the links that are made now."""
    before: tuple[bytes, ...] = field(default=(), repr=False)
    """Signed links that are still in patients' mail: those open as well."""

    def opened(self, token: str, now: datetime) -> Link | None:
        """What the token permits, whichever of the secrets signed it."""
        found = (read(token, secret, now) for secret in (self.secret, *self.before))
        return next((link for link in found if link is not None), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """A message ready to go to one contact."""

    contact: Contact
    text: SmsText | None = None
    email: EmailText | None = None
    unsubscribe: str | None = None
    """The one-click address, where the category may be stopped with one."""

    @property
    def rendered(self) -> SmsText | EmailText:
        found = self.text or self.email
        assert found is not None
        return found


def compose(book: Copybook, facts: Facts, wake: Wake, now: datetime, site: Site) -> Composed | None:
    """The wake's message for the contact it goes to; None when there is nobody (any more) it may go to."""
    contact = facts.contact(wake.channel, wake.category)
    if contact is None:
        return None
    language = pick_language(book, contact.language or facts.patient.language, facts.clinic.language)
    template, slots = _template(facts, wake, now, language)
    template = template_at_level(book, template, facts.clinic.sms_content_level)
    slots = {**standing_slots(facts), **slots, "url": f"{site.url}/tips/{language}"}
    if wake.channel is Channel.SMS:
        return Composed(contact=contact, text=in_one_segment(book, template, language, slots))
    links = _links(facts, wake, now, site)
    return Composed(
        contact=contact,
        email=render_email(book, template, language, slots, links),
        unsubscribe=_one_click(facts, wake, now, site),
    )


def in_one_segment(book: Copybook, template: str, language: str, slots: Mapping[str, str]) -> SmsText:
    """The text with as much of the clinic's name as one segment takes: a second one doubles price and sending time."""
    name = slots["clinic"]
    text = render_sms(book, template, language, slots)
    for shorter in (_first_words(name, 20), _first_words(name, 12), name[:6]):
        if text.segments == 1:
            break
        text = render_sms(book, template, language, {**slots, "clinic": shorter})
    return text


def _first_words(name: str, room: int) -> str:
    """Whole words of the name, as many as fit; at least a part of the first."""
    kept = ""
    for word in name.split():
        longer = f"{kept} {word}".strip()
        if len(longer) > room:
            break
        kept = longer
    return kept or name[:room]


def standing_slots(facts: Facts) -> dict[str, str]:
    """What every template may say: the clinic's name and number, and whom to call in an emergency."""
    emergency, crisis = EMERGENCY_NUMBERS[facts.clinic.country]
    return {"clinic": facts.clinic.name, "phone": facts.clinic.phone, "emerg": emergency, "crisis": crisis}


def _template(facts: Facts, wake: Wake, now: datetime, language: str) -> tuple[str, dict[str, str]]:
    today = local(now, facts.tz).date()
    visits = _visits(facts, wake)
    if wake.kind == "therapy":
        return therapy_week([_wall(facts, v) for v in visits if v.starts_at > now], today, language)
    if visits:
        day, clock = _wall(facts, visits[0])
        slots = {"day": day_phrase(day, today, language), "time": local_time(clock, language)}
        if len(visits) == 1:
            return wake.template, slots
        return "appts_day", {**slots, "times": times_phrase([_wall(facts, v)[1] for v in visits], language)}
    if wake.kind == "checkin":
        return wake.about.questions[0], {}
    if wake.kind == "window":
        asked = sum(o.kind == "window" and o.state is State.SENT for o in wake.outcomes)
        return ("windows_open", {"count": str(asked)}) if asked > 1 else (wake.template, {})
    if wake.about.date:
        day = datetime.fromisoformat(wake.about.date).date()
        return wake.template, {"date": local_date(day, language)}
    return wake.template, {}


def _visits(facts: Facts, wake: Wake) -> list[Appointment]:
    return [v for v in facts.appointments if v.id in wake.about.appointments]


def _wall(facts: Facts, visit: Appointment) -> tuple[date, time]:
    at = local(visit.starts_at, facts.tz)
    return at.date(), at.time().replace(tzinfo=None)


def link_to(facts: Facts, purpose: Purpose, subject: str, expires: datetime, site: Site) -> str:
    """The token of a link for this patient."""
    link = Link(
        purpose=purpose,
        clinic_id=facts.clinic.id,
        patient_id=facts.patient.id,
        subject=subject,
        expires=expires,
    )
    return sign(link, site.secret)


def _links(facts: Facts, wake: Wake, now: datetime, site: Site) -> dict[str, str]:
    def page(purpose: Purpose, subject: str, expires: datetime) -> str:
        return f"{site.url}/r/{link_to(facts, purpose, subject, expires, site)}"

    found = {"prefs": page(Purpose.PREFERENCES, wake.category, now + LINK_LIFE)}
    visits = [v for v in _visits(facts, wake) if v.starts_at > now]
    if visits and wake.kind != "missed_visit":
        until = min(v.starts_at for v in visits)
        found["confirm"] = page(Purpose.VISIT, visits[0].id, until)
        found["reschedule"] = found["confirm"]
    elif wake.kind in ("checkin", "nudge"):
        found["open"] = page(Purpose.CHECKIN, "", now + timedelta(days=7))
    elif wake.kind == "education":
        found["open"] = f"{site.url}/tips/{facts.patient.language}"
    return found


def _one_click(facts: Facts, wake: Wake, now: datetime, site: Site) -> str | None:
    # Safety messages are stopped only with staff (clinical reference §6.6); account messages are single answers.
    if wake.category in (Category.SAFETY, Category.ACCOUNT):
        return None
    token = link_to(facts, Purpose.UNSUBSCRIBE, wake.category, now + 12 * LINK_LIFE, site)
    return f"{site.url}/unsubscribe/{token}"


def time_to_live(facts: Facts, wake: Wake, now: datetime) -> int:
    """Seconds after which the carrier must drop a text rather than deliver it: its use is over, or the day is."""
    day = local(now, facts.tz).date()
    evening = instant(day, facts.window.end, facts.tz)
    return max(60, int((min(wake.useful_until, evening) - now).total_seconds()))
