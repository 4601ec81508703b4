"""What a patient's answer changes: a visit confirmed, a refill arranged, a check-in answered, texts stopped or begun.

The same whether it came by text or from a page. `cause` is the id of what was answered with; the same cause changes
nothing twice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from functools import partial

from chalicelib.domain.facts import Facts
from chalicelib.domain.grading import Grade
from chalicelib.domain.heeding import Heeded, with_answer
from chalicelib.domain.ids import digest
from chalicelib.domain.patient import Channel, ContactStatus
from chalicelib.domain.plan import AppointmentStatus, Session
from chalicelib.domain.protocol import Anchor
from chalicelib.domain.triage import Tier
from chalicelib.domain.triage.values import worst
from chalicelib.service.change import TRIES, Altered, Contended, Desk
from chalicelib.service.chart import Audit, Chart, Task
from chalicelib.service.conversation import Answer, Conversation


class Stopping(Enum):
    """Why texts end, as far as the words tell."""

    ASKED = "asked"
    WRONG_PERSON = "wrong_person"
    AT_THE_CARRIER = "at_the_carrier"
    """The provider holds a STOP of the number that did not come through here."""
    PERHAPS_THE_VISIT = "perhaps_the_visit"
    """CANCEL is an opt-out word by law (47 CFR 64.1200(a)(10)); who has a visit ahead may have meant the visit."""


_STOPPED = {
    Stopping.ASKED: (
        "Texts were stopped: agree another way",
        "texts are stopped; care is not: reminders now need another way",
    ),
    Stopping.AT_THE_CARRIER: (
        "Texts were stopped at the carrier: agree another way",
        "the carrier takes no texts for the number, which opted out there; care is not stopped",
    ),
    Stopping.WRONG_PERSON: ("Ask for the right number", "the number says it is somebody else's"),
    Stopping.PERHAPS_THE_VISIT: (
        "Texts were stopped by CANCEL: ask whether the visit was meant",
        "texts are stopped; the word may have been about the visit ahead, which still stands",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """What applying an answer takes."""

    desk: Desk
    talk: Conversation

    def apply(self, chart: Chart, heeded: Sequence[Heeded], *, cause: str, at: datetime, now: datetime) -> None:
        for each in heeded:
            name, _, rest = each.prompt.partition(":")
            if name == "visit" and each.value == "C":
                self.confirm(chart, rest, cause=cause, now=now)
            elif name == "refill" and each.value == "1":
                self._refill(chart, cause, now)
            elif each.grade is not None and name in ("session", "safety"):
                self._checkin(chart, rest or "checkin_safety", each.value, each.grade, cause, at, now)

    def answers_to(self, facts: Facts, session: Session) -> list[Answer]:
        """What was answered since the check-in began."""
        given = self.talk.answers(facts.clinic.id, facts.patient.id)
        return [a for a in given if a.at >= session.sent_at]

    def told_of_checkin(self, facts: Facts) -> str:
        """What is true to say of a check-in that is answered: whether a person will look at any of it."""
        given = self.answers_to(facts, facts.session) if facts.session else []
        tier = worst(Tier.ROUTINE, *(Tier(a.tier) for a in given))
        if tier.severity >= Tier.URGENT.severity:
            # Said again, not "saved": nobody is to read it in office hours.
            return "ack_urgent"
        return "ack_review" if tier is Tier.REVIEW_SOON else "ack_routine"

    def not_silent(self, chart: Chart, *, cause: str, now: datetime) -> None:
        """The patient wrote back, if not an answer: nobody need ask again whether they are there."""

        def alter(facts: Facts) -> Altered | None:
            session = facts.session
            if session is None or session.answered:
                return None
            return Altered(facts=replace(facts, session=replace(session, heard=True)))

        if chart.facts.session is not None and not chart.facts.session.answered:
            self._change(chart, alter, "checkin.heard", cause, now)

    def confirm(self, chart: Chart, visit_id: str, *, cause: str, now: datetime) -> None:
        """The patient will come; a visit that no longer stands, or is confirmed, stays as it is."""

        def alter(facts: Facts) -> Altered | None:
            visit = next((a for a in facts.appointments if a.id == visit_id), None)
            if visit is None or visit.status is not AppointmentStatus.BOOKED:
                return None
            others = tuple(a for a in facts.appointments if a.id != visit_id)
            confirmed = replace(visit, status=AppointmentStatus.CONFIRMED)
            return Altered(facts=replace(facts, appointments=(*others, confirmed)))

        self._change(chart, alter, "appointment.confirm", cause, now)

    def _refill(self, chart: Chart, cause: str, now: datetime) -> None:
        def alter(facts: Facts) -> Altered | None:
            cycle = facts.supplies.get(Anchor.LAST_FILL)
            if cycle is None or cycle.confirmed:
                return None
            return Altered(
                facts=replace(facts, supplies={**facts.supplies, Anchor.LAST_FILL: replace(cycle, confirmed=True)})
            )

        self._change(chart, alter, "refill.confirm", cause, now)

    def _checkin(
        self, chart: Chart, question: str, value: str, found: Grade, cause: str, at: datetime, now: datetime
    ) -> None:
        facts = chart.facts
        # Answers of one second keep their order by their place in the session.
        place = len(facts.session.answers) if facts.session else 0
        answer = Answer(
            id=f"{place:02}{digest(cause, question)}",
            at=at,
            question=question,
            answer=value,
            tier=found.tier.value,
            rule=found.rule,
            detail=found.detail,
            baseline=found.baseline,
            kept_until=facts.clinic.retention.log_until(at),
            cause=cause,
        )
        self.talk.add_answer(facts.clinic.id, facts.patient.id, answer)
        session = facts.session
        if session is None or question == "checkin_safety":
            return

        def alter(held: Facts) -> Altered | None:
            standing = held.session
            if standing is None or standing.occurrence != session.occurrence or question in standing.answers:
                return None
            return Altered(facts=replace(held, session=with_answer(held, standing, question, value, found, now)))

        self._change(chart, alter, "checkin.answer", cause, now)

    def stop(self, chart: Chart, number: str, why: Stopping, *, cause: str, now: datetime) -> None:
        """Texts to the number end for this patient, and staff are asked to agree another way: care goes on."""

        def alter(stands: ContactStatus, facts: Facts) -> Altered | None:
            changed = _with_status(facts, number, stands)
            if changed == facts:
                return None
            task = Task(
                id=f"{facts.patient.id}{digest(facts.clinic.id, cause, 'opt_out')}",
                clinic_id=facts.clinic.id,
                patient_id=facts.patient.id,
                kind="wrong_person" if why is Stopping.WRONG_PERSON else "channel_fallback",
                tier="review_soon",
                rule="opt_out",
                detail=_STOPPED[why][1],
                opened_at=now,
                title=_STOPPED[why][0],
                message_id=cause,
            )
            return Altered(facts=changed, tasks=(task,))

        self._follow(chart, number, alter, "contact.opt_out", cause, now)

    def start(self, chart: Chart, number: str, *, cause: str, now: datetime) -> None:
        """START from the number itself: texts are welcome again, which is consent in its own words."""

        def alter(stands: ContactStatus, facts: Facts) -> Altered | None:
            changed = _with_status(facts, number, stands)
            return None if changed == facts else Altered(facts=changed)

        self._follow(chart, number, alter, "contact.opt_in", cause, now)

    def _follow(
        self,
        chart: Chart,
        number: str,
        alter: Callable[[ContactStatus, Facts], Altered | None],
        action: str,
        cause: str,
        now: datetime,
    ) -> None:
        """Has the patient's contacts stand as the number does: of a STOP and a START that race, the one written last
        holds."""
        for _ in range(TRIES):
            stands = self.desk.store.standing(chart.facts.clinic.id, number).status
            self._change(chart, partial(alter, stands), action, cause, now)
            if self.desk.store.standing(chart.facts.clinic.id, number).status is stands:
                return
        raise Contended

    def _change(
        self, chart: Chart, alter: Callable[[Facts], Altered | None], action: str, cause: str, now: datetime
    ) -> None:
        clinic, patient = chart.facts.clinic, chart.facts.patient
        audit = Audit(
            id=digest(action, cause, patient.id),
            clinic_id=clinic.id,
            at=now,
            actor="patient",
            action=action,
            patient_id=patient.id,
        )
        self.desk.change(clinic.id, patient.id, alter, audit, now=now)


def _with_status(facts: Facts, number: str, status: ContactStatus) -> Facts:
    contacts = tuple(
        replace(c, status=status, consent=c.consent or status is ContactStatus.OK)
        if c.channel is Channel.SMS and c.address == number
        else c
        for c in facts.contacts
    )
    return replace(facts, contacts=contacts)
