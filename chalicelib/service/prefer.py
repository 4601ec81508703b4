"""Prefer: which messages a patient wants, by which channel and in which language, as they say on their page.

Opting out is never opting out of care: where it leaves something unsent that matters, staff are told and agree another
way (clinical reference §6.6). Safety messages are not switched off here; that takes a person.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.domain.facts import Facts
from chalicelib.domain.ids import digest
from chalicelib.domain.local_time import utc_text
from chalicelib.domain.patient import Category, Channel, Consent, Contact, ContactStatus, Role
from chalicelib.service.change import Altered, Desk
from chalicelib.service.chart import Audit, Task

SWITCHED = (Category.APPOINTMENT, Category.CHECKIN, Category.REFILL, Category.EDUCATION)
"""What a patient may switch off without staff, in the order it is shown."""

_TOLD = {
    Category.APPOINTMENT: "visit reminders",
    Category.CHECKIN: "check-ins",
    Category.REFILL: "reminders of refills and supplies",
}
"""What staff are told of when no channel is left for it; of safety tips nobody needs to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferring:
    """What preferring takes. What is said here of an address is kept with the address first: it holds for whoever is
    entered with it later, and the end of all e-mail for everybody reached by it, as STOP does."""

    desk: Desk

    def switch(
        self, facts: Facts, channel: Channel, category: Category, *, on: bool, recorded_by: str, now: datetime
    ) -> None:
        """Turns one category on or off for one channel, at every address of the patient's on it. `recorded_by`:
        where it was said, for the record. Raises `ValueError` for a category that takes staff."""
        if category not in SWITCHED:
            raise ValueError("this category is not switched without staff")
        for address in _addresses(facts, channel):
            self.desk.store.mute(facts.clinic.id, address, (category,), on=on)

        def alter(held: Facts) -> Altered | None:
            changed = tuple(_muted(c, category, on=on) if c.channel is channel else c for c in held.contacts)
            if changed == held.contacts:
                return None
            facts = replace(held, contacts=changed)
            consent = _consent(channel, granted=on, recorded_by=recorded_by, now=now, categories=(category,))
            silent = category in _TOLD and all(facts.contact(c, category) is None for c in (Channel.SMS, Channel.EMAIL))
            tasks = (_task(facts, channel, _TOLD[category], "review_soon", now),) if silent and not on else ()
            return Altered(facts=facts, consents=(consent,), tasks=tasks)

        self._change(facts, alter, f"{channel.value}.{category.value}.{'on' if on else 'off'}", now)

    def stop_email(self, facts: Facts, *, recorded_by: str, now: datetime) -> None:
        """Ends every e-mail to the patient's addresses, as STOP ends texts."""
        addresses = _addresses(facts, Channel.EMAIL)
        for address in addresses:
            self.desk.store.mark(facts.clinic.id, address, ContactStatus.STOPPED, now)

        def alter(held: Facts) -> Altered | None:
            facts = self._as_they_stand(held, addresses)
            consent = _consent(Channel.EMAIL, granted=False, recorded_by=recorded_by, now=now)
            reached = facts.contact(Channel.SMS, Category.SAFETY) is not None
            task = _task(facts, Channel.EMAIL, "all messages", "routine" if reached else "review_soon", now)
            return None if facts == held else Altered(facts=facts, consents=(consent,), tasks=(task,))

        self._change_all(facts, addresses, alter, "email.stop", now)

    def start_email(self, facts: Facts, *, recorded_by: str, now: datetime) -> None:
        """Takes `stop_email` back, which is consent in the patient's own hand."""
        addresses = _addresses(facts, Channel.EMAIL)
        for address in addresses:
            self.desk.store.mark(facts.clinic.id, address, ContactStatus.OK, now, only_from=ContactStatus.STOPPED)

        def alter(held: Facts) -> Altered | None:
            facts = self._as_they_stand(held, addresses)
            consent = _consent(Channel.EMAIL, granted=True, recorded_by=recorded_by, now=now)
            return None if facts == held else Altered(facts=facts, consents=(consent,))

        self._change_all(facts, addresses, alter, "email.start", now)

    def speak(self, facts: Facts, language: str, *, now: datetime) -> None:
        """Writes to the patient in another language from now on; whoever acts for them keeps their own."""

        def alter(held: Facts) -> Altered | None:
            contacts = tuple(replace(c, language=None) if c.role is Role.SELF else c for c in held.contacts)
            facts = replace(held, contacts=contacts, patient=replace(held.patient, language=language))
            return None if facts == held else Altered(facts=facts)

        self._change(facts, alter, f"language.{language}", now)

    def _as_they_stand(self, facts: Facts, addresses: Collection[str]) -> Facts:
        store, clinic = self.desk.store, facts.clinic.id
        contacts = tuple(
            replace(c, status=store.standing(clinic, c.address).status) if c.address in addresses else c
            for c in facts.contacts
        )
        return replace(facts, contacts=contacts)

    def _change_all(
        self,
        facts: Facts,
        addresses: Collection[str],
        alter: Callable[[Facts], Altered | None],
        what: str,
        now: datetime,
    ) -> None:
        """The change at everybody who is reached by the addresses."""
        found = {p for each in addresses for p in self.desk.store.patients_of(facts.clinic.id, each)}
        for patient_id in sorted(found):
            chart = self.desk.store.chart(facts.clinic.id, patient_id, now=now)
            if chart is not None:
                self._change(chart.facts, alter, what, now)

    def _change(self, facts: Facts, alter: Callable[[Facts], Altered | None], what: str, now: datetime) -> None:
        audit = Audit(
            id=digest("prefer", facts.patient.id, what, utc_text(now)),
            clinic_id=facts.clinic.id,
            at=now,
            actor="patient",
            action="patient.preferences",
            patient_id=facts.patient.id,
            detail=what,
        )
        self.desk.change(facts.clinic.id, facts.patient.id, alter, audit, now=now)


def _muted(contact: Contact, category: Category, *, on: bool) -> Contact:
    others = tuple(c for c in contact.muted if c is not category)
    muted = others if on else (*others, category)
    return contact if set(muted) == set(contact.muted) else replace(contact, muted=muted)


def _addresses(facts: Facts, channel: Channel) -> list[str]:
    return [c.address for c in facts.contacts if c.channel is channel]


def _consent(
    channel: Channel, *, granted: bool, recorded_by: str, now: datetime, categories: tuple[Category, ...] = ()
) -> Consent:
    return Consent(
        channel=channel, granted=granted, method="web", recorded_by=recorded_by, at=now, categories=categories
    )


def _task(facts: Facts, channel: Channel, what: str, tier: str, now: datetime) -> Task:
    """One a day for each thing that was switched off, however often it is switched back and forth."""
    return Task(
        id=f"{facts.patient.id}{digest(facts.clinic.id, 'preferences', channel, what, now.date())}",
        clinic_id=facts.clinic.id,
        patient_id=facts.patient.id,
        kind="channel_fallback",
        tier=tier,
        rule="preferences",
        detail=f"{what} by {channel.value} are switched off; care is not: agree another way where one is needed",
        opened_at=now,
        title="The patient switched messages off: agree another way",
    )
