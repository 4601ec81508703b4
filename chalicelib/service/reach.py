"""Reach: the addresses of a patient and of those who act for them, and what was agreed about using them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.domain.facts import Facts
from chalicelib.domain.ids import digest
from chalicelib.domain.patient import Category, Channel, Consent, Contact, ContactStatus, Role
from chalicelib.domain.problem import Problem
from chalicelib.service.change import Altered, Changed, Desk, Refusal
from chalicelib.service.chart import Audit, Task
from chalicelib.service.course import not_living

MOST = 10
"""Contacts of one patient."""


def add_contact(
    desk: Desk,
    clinic_id: str,
    patient_id: str,
    contact: Contact,
    consent: Consent | None,
    audit: Audit,
    *,
    now: datetime,
) -> Changed | Refusal | None:
    """Adds the contact. An address that said STOP to this clinic stays stopped, whoever enters it again."""

    def alter(facts: Facts) -> Altered | Refusal:
        refused = not_living(facts) or _twice(facts, contact)
        if refused:
            return refused
        if len(facts.contacts) >= MOST:
            said = f"the patient has {MOST} contacts, the most there may be"
            return Refusal((Problem("(body)", said),), conflict=True)
        added = desk.store.standing(clinic_id, contact.address).of(replace(contact, consent=consent is not None))
        return Altered(facts=replace(facts, contacts=(*facts.contacts, added)), consents=_kept(consent))

    return desk.carry_out(clinic_id, patient_id, alter, audit, now=now)


def alter_contact(
    desk: Desk,
    clinic_id: str,
    patient_id: str,
    contact_id: str,
    altered: Callable[[Contact], Contact],
    consent: Consent | None,
    audit: Audit,
    *,
    checked: bool,
    now: datetime,
) -> Changed | Refusal | None:
    """Puts a contact right. A new address begins without a past and without consent, unless `consent` goes with it:
    what was agreed, and what was found out, holds for the address it was said of (47 CFR 64.1200(a)(1); a reassigned
    number is a stranger's). `checked`: the address was given. The same one given again says that it was looked at:
    where nothing arrived, it is tried again."""

    def alter(facts: Facts) -> Altered | Refusal | None:
        refused = not_living(facts)
        if refused:
            return refused
        old = next((c for c in facts.contacts if c.id == contact_id), None)
        if old is None:
            return Refusal(())
        new = altered(old)
        if new.address != old.address:
            refused = _twice(facts, new)
            if refused:
                return refused
            new = desk.store.standing(clinic_id, new.address).of(replace(new, consent=consent is not None))
        elif consent is not None:
            new = replace(new, consent=True)
        lifts = {}
        if checked and new.address == old.address and old.status is ContactStatus.BAD:
            new, lifts = replace(new, status=ContactStatus.OK), {new.address: ContactStatus.BAD}
        if new == old:
            return None
        others = tuple(new if c.id == contact_id else c for c in facts.contacts)
        return Altered(facts=replace(facts, contacts=others), consents=_kept(consent), lifts=lifts)

    return desk.carry_out(clinic_id, patient_id, alter, audit, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a patient said about a channel, on paper or by phone, as somebody wrote it down."""

    consent: Consent
    contact_id: str | None = None
    """One contact; None: to stop, every one of the channel; to go on, the patient's own."""


def heed(
    desk: Desk, clinic_id: str, patient_id: str, wish: Wish, audit: Audit, *, now: datetime
) -> Changed | Refusal | None:
    """Does as the patient wishes. Texts that end make a task, for care does not end with them."""
    consent = wish.consent

    def alter(facts: Facts) -> Altered | Refusal | None:
        refused = not_living(facts)
        if refused:
            return refused
        meant = _meant(facts, wish)
        if isinstance(meant, Refusal):
            return meant
        stopped = [c for c in meant if c.status in _THEIR_OWN_WORD and c.channel is Channel.SMS]
        if consent.granted and stopped:
            return Refusal((Problem("granted", _ONLY_START),), conflict=True)
        ids = {c.id for c in meant}
        contacts = tuple(_as_wished(c, consent) if c.id in ids else c for c in facts.contacts)
        if contacts == facts.contacts:
            return None
        new = replace(facts, contacts=contacts)
        tasks = () if consent.granted or consent.categories else (_another_way(new, consent, now),)
        whole = consent.granted and not consent.categories
        lifts = {c.address: c.status for c in meant if whole and c.status is ContactStatus.STOPPED}
        return Altered(facts=new, tasks=tasks, consents=(consent,), lifts=lifts)

    done = desk.carry_out(clinic_id, patient_id, alter, audit, now=now)
    if consent.granted and isinstance(done, Changed):
        meant = _meant(done.after.facts, wish)
        for each in meant if not isinstance(meant, Refusal) else ():
            desk.store.mute(clinic_id, each.address, consent.categories or tuple(Category), on=True)
    return done


_THEIR_OWN_WORD = (ContactStatus.STOPPED, ContactStatus.WRONG_PERSON)

_ONLY_START = "the number itself opted out; only START, sent from it to the clinic's number, lifts that"


def _meant(facts: Facts, wish: Wish) -> list[Contact] | Refusal:
    channel = wish.consent.channel
    of_channel = [c for c in facts.contacts if c.channel is channel]
    if wish.contact_id is not None:
        found = [c for c in of_channel if c.id == wish.contact_id]
        said = f"is no {channel.value} contact of this patient"
        return found or Refusal((Problem("contact_id", said),))
    if not of_channel:
        return Refusal((Problem("channel", f"the patient has no {channel.value} contact"),))
    if not wish.consent.granted:
        return of_channel
    own = [c for c in of_channel if c.role is Role.SELF]
    said = f"is required: every {channel.value} contact is somebody else's, and each agrees for themselves"
    return own or Refusal((Problem("contact_id", said),))


def _as_wished(contact: Contact, consent: Consent) -> Contact:
    if consent.categories:
        muted = set(contact.muted) - set(consent.categories)
        if not consent.granted:
            muted |= set(consent.categories)
        return replace(contact, muted=tuple(c for c in Category if c in muted), consent=contact.consent)
    if not consent.granted:
        return replace(contact, consent=False)
    lifted = ContactStatus.OK if contact.status is ContactStatus.STOPPED else contact.status
    return replace(contact, consent=True, status=lifted, muted=())


def _another_way(facts: Facts, consent: Consent, now: datetime) -> Task:
    what = "Texts" if consent.channel is Channel.SMS else "E-mails"
    return Task(
        id=f"{facts.patient.id}{digest(facts.clinic.id, 'wish', consent.channel, now)}",
        clinic_id=facts.clinic.id,
        patient_id=facts.patient.id,
        kind="channel_fallback",
        tier="review_soon",
        rule="opt_out",
        detail=f"{what.lower()} are stopped at the patient's wish; care is not: reminders now need another way",
        opened_at=now,
        title=f"{what} were stopped: agree another way",
    )


def _twice(facts: Facts, contact: Contact) -> Refusal | None:
    known = [c for c in facts.contacts if (c.channel, c.address) == (contact.channel, contact.address)]
    if not known:
        return None
    return Refusal((Problem("address", f"is the address of contact {known[0].id} already"),), conflict=True)


def _kept(consent: Consent | None) -> tuple[Consent, ...]:
    return (consent,) if consent else ()
