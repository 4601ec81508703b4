"""Enrol: a patient, their plan and its cursor in one transaction, or nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from chalicelib.domain.clinic import Clinic
from chalicelib.domain.facts import Facts, Progress
from chalicelib.domain.ids import PatientId, digest
from chalicelib.domain.local_time import ContactWindow
from chalicelib.domain.patient import (
    Category,
    Channel,
    Clinical,
    Consent,
    Contact,
    Patient,
    Status,
)
from chalicelib.domain.plan import Pin, Plan, Supply
from chalicelib.domain.protocol import Anchor, Priority
from chalicelib.domain.protocol_set import fits
from chalicelib.domain.protocol_set import warnings as odd_together
from chalicelib.domain.replan import replanned
from chalicelib.domain.steps import anchor_of
from chalicelib.service.change import TRIES, Contended, wake_soon
from chalicelib.service.chart import Audit, Chart, Task
from chalicelib.service.ports import Queue, Store
from chalicelib.service.shelf import Shelf, Shelved

RENEWED = (Anchor.LAST_FILL, Anchor.PUMP_ALARM, Anchor.CATHETER_CHANGE, Anchor.INJECTION, Anchor.DISCHARGE)
"""The anchors that events renew: each date is a cycle of its own, counted from the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """A request to enrol, checked field by field."""

    external_id: str
    given_name: str
    family_name: str
    language: str
    timezone: str
    contacts: tuple[Contact, ...]
    protocols: tuple[str, ...]
    anchors: Mapping[Anchor, date]
    days_supply: int | None = None
    clinical: Clinical = Clinical()
    contact_window: ContactWindow | None = None
    hours_before: bool = False
    consents: tuple[Consent, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    chart: Chart
    created: bool
    """False when the same body had enrolled this patient before."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OtherBody:
    """The external id is taken by a patient who was enrolled with another body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolling:
    """What enrolling takes. `name_patient` makes a patient's id of clinic and external id, always the same one."""

    store: Store
    queue: Queue
    shelf: Shelf
    name_patient: Callable[[str, str], PatientId]

    def enrol(
        self, clinic: Clinic, request: Enrolment, body: str, actor: str, *, now: datetime
    ) -> Enrolled | OtherBody:
        """Enrols the patient; the same `body` (a digest of the request) twice is the same patient."""
        patient_id = self.name_patient(clinic.id, request.external_id)
        for _ in range(TRIES):
            # Refused: somebody else enrolled the same patient in this very moment, or said STOP to this clinic.
            done = self._known(clinic, patient_id, body, now) or self._enrolled(
                clinic, patient_id, request, body, actor, now
            )
            if done:
                return done
        raise Contended

    def _enrolled(
        self, clinic: Clinic, patient_id: PatientId, request: Enrolment, body: str, actor: str, now: datetime
    ) -> Enrolled | None:
        # What an address said to this clinic holds, whoever enrols it again.
        contacts = tuple(self.store.standing(clinic.id, c.address).of(c) for c in request.contacts)
        asked = replace(request, contacts=contacts)
        facts = first_facts(clinic, patient_id, asked, self.shelf.all(clinic.id), now)
        facts, cursor = replanned(None, facts, None, now)
        chart = Chart(facts=facts, cursor=cursor)
        audit = Audit(
            id=digest("enrol", patient_id),
            clinic_id=clinic.id,
            at=now,
            actor=actor,
            action="patient.enrol",
            patient_id=patient_id,
        )
        if not self.store.enrol(chart, body, request.consents, self._first_tasks(facts, now), audit):
            return None
        wake_soon(self.queue, chart, now)
        return Enrolled(chart=chart, created=True, warnings=warnings_of(facts))

    def _known(self, clinic: Clinic, patient_id: str, body: str, now: datetime) -> Enrolled | OtherBody | None:
        enrolled_with = self.store.enrolment(clinic.id, patient_id)
        if enrolled_with is None:
            return None
        if enrolled_with != body:
            return OtherBody()
        chart = self.store.chart(clinic.id, patient_id, now=now)
        assert chart is not None, "a patient's facts are written together"
        return Enrolled(chart=chart, created=False, warnings=warnings_of(chart.facts))

    def _first_tasks(self, facts: Facts, now: datetime) -> list[Task]:
        if any(facts.contact(c, Category.APPOINTMENT) for c in (Channel.SMS, Channel.EMAIL)):
            return []
        return [
            Task(
                id=f"{facts.patient.id}{digest('unreachable', facts.patient.id)}",
                clinic_id=facts.clinic.id,
                patient_id=facts.patient.id,
                kind="no_channel",
                tier="review_soon",
                rule="no_channel",
                detail="no contact that may be written to",
                opened_at=now,
                title="Phone the patient: nothing may be sent by text or e-mail",
            )
        ]


def first_facts(
    clinic: Clinic, patient_id: PatientId, request: Enrolment, shelf: Mapping[str, Shelved], now: datetime
) -> Facts:
    """Everything that is known of a patient enrolled now."""
    supplies = {
        anchor: Supply(anchor=anchor, number=1, days_supply=request.days_supply if anchor is Anchor.LAST_FILL else None)
        for anchor in RENEWED
        if anchor in request.anchors
    }
    return Facts(
        clinic=clinic,
        patient=Patient(
            id=patient_id,
            clinic_id=clinic.id,
            external_id=request.external_id,
            given_name=request.given_name,
            family_name=request.family_name,
            language=request.language,
            timezone=request.timezone,
            status=Status.ACTIVE,
            enrolled_at=now,
            contact_window=request.contact_window,
            clinical=request.clinical,
            hours_before=request.hours_before,
        ),
        contacts=request.contacts,
        plan=Plan(
            version=1,
            pins=tuple(Pin(protocol=p, since=now, own=shelf[p].own) for p in request.protocols),
            anchors=dict(request.anchors),
        ),
        protocols={p: shelf[p].protocol for p in request.protocols},
        progress=Progress(through=now),
        supplies=supplies,
    )


def warnings_of(facts: Facts) -> tuple[str, ...]:
    """What whoever enrolled the patient should know: what will not be used, and what waits."""
    found = []
    for channel in (Channel.SMS, Channel.EMAIL):
        if not any(c.channel is channel for c in facts.contacts):
            continue
        if facts.contact(channel, Category.APPOINTMENT) is None:
            rule = facts.why_no_contact(channel, Category.APPOINTMENT)
            found.append(f"{channel.value} will not be used: {why_unused(channel, rule)}")
    if not any(facts.contact(c, Category.APPOINTMENT) for c in (Channel.SMS, Channel.EMAIL)):
        found.append("nothing can be sent to this patient; a task asks staff to phone")
    followed = [facts.protocols[pin.protocol] for pin in facts.plan.pins]
    for protocol in followed:
        counted_from = dict.fromkeys(anchor_of(protocol, step) for step in protocol.steps)
        missing = [a for a in counted_from if facts.anchor(a) is None and fits(protocol, facts.patient.clinical)]
        found += [f"{protocol.id} waits for anchors.{a.value}; a task asks staff for it" for a in missing]
    found += [problem.message for problem in odd_together(followed, facts.patient.clinical)]
    found += [f"{step} is switched off, and it is there for safety" for step in _safety_off(facts)]
    return tuple(found)


def _safety_off(facts: Facts) -> list[str]:
    off = []
    for name, override in facts.plan.overrides.items():
        protocol, _, key = name.partition("/")
        step = facts.protocols[protocol].step(key) if protocol in facts.protocols else None
        if override.off and getattr(step, "priority", None) is Priority.SAFETY:
            off.append(name)
    return off


def why_unused(channel: Channel, rule: str) -> str:
    """The rule that keeps a channel shut, in words for staff."""
    if rule == "opted_out" and channel is Channel.EMAIL:
        return "the address opted out; the patient lifts that on their page, or you by recording that they agreed again"
    return _WHY[rule]


_WHY = {
    "opted_out": "the number opted out; only START from it lifts that",
    "unreachable": "nothing arrives there",
    "no_consent": "no consent is recorded, or it was withdrawn",
    "muted": "the patient switched it off",
    "no_contact": "there is no address",
}
