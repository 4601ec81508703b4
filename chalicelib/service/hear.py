"""Hear: a text from a patient. Understood once, stored first, then acted on in the order of what harms most if lost.

Suppression before anything; then, for what is urgent, a durable task and the page; then the patient's answer, and last
the reply. Every effect has an id made of the inbound message's, so the same message again does nothing twice; and the
question it answered is stored with it, so that it is understood the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from chalicelib.domain.clinic import Clinic
from chalicelib.domain.facts import Facts
from chalicelib.domain.grading import next_question
from chalicelib.domain.heeding import (
    OPEN_FOR,
    Heeded,
    heed,
    listener_of,
    needs_staff,
    next_visit,
    open_prompts,
    prompt_again,
    replies,
    tier_of,
)
from chalicelib.domain.ids import PatientId
from chalicelib.domain.patient import Channel, ContactStatus
from chalicelib.domain.triage import IntentKind, Knowledge, Listener, Reading, Tier, read
from chalicelib.domain.wording import choices_phrase
from chalicelib.service.alert import Alerting, task_to_read
from chalicelib.service.answers import Answering, Stopping
from chalicelib.service.chart import Chart
from chalicelib.service.conversation import NOBODY, Conversation, Message, Waiting
from chalicelib.service.escalate import Escalation
from chalicelib.service.inbound import Inbound
from chalicelib.service.ladder import ladder
from chalicelib.service.ports import Store
from chalicelib.service.say import Saying, Voice
from chalicelib.service.thought import as_one_thought

QUIET = timedelta(minutes=10)
"""One automatic reply in this time is enough, unless the matter has become worse (clinical reference §3.2)."""

LETTERS = "ABDE"
"""By which patients who share a phone are told apart; C means confirm."""

ACKNOWLEDGED = frozenset({"ack_routine", "ack_review", "ack_unknown"})
DANGER = frozenset({"ack_urgent", "ack_emergency", "ack_ad", "ack_crisis"})
ONCE_IN_A_WHILE = {
    "ack_routine": ACKNOWLEDGED,
    "ack_review": ACKNOWLEDGED,
    "ack_unknown": ACKNOWLEDGED | {"checkin_safety"},
    "checkin_safety": DANGER | {"checkin_safety"},
    "ack_urgent": frozenset({"ack_urgent"}),
}
"""Replies of which one in a while is enough, and after which others. Whoever was just told to telephone at once has
said what is new and worse, and is not asked. What was asked for, and any emergency's words, are never held back."""


class UnknownNumber(Exception):
    """A text came to a number that is no clinic's. Raised, so that it ends where people look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """What hearing takes."""

    store: Store
    talk: Conversation
    answering: Answering
    alerting: Alerting
    voice: Voice
    escalation: Escalation
    knowledge: Callable[[], Knowledge]

    def hear(self, inbound: Inbound, *, now: datetime) -> str:
        """Acts on one text. Answers, in a word, what it was taken for."""
        clinic_id = self.talk.clinic_of_number(inbound.to)
        clinic = self.store.clinic(clinic_id) if clinic_id else None
        if clinic is None:
            raise UnknownNumber
        if self._from_staff(clinic, inbound, now):
            return "acknowledged"
        charts = self._charts(clinic, inbound, now)
        if len(charts) > 1:
            return self._shared(clinic, charts, inbound, now)
        if not charts:
            return self._stranger(clinic, inbound, now)
        return self._patient(clinic, charts[0], inbound, now)

    def _charts(self, clinic: Clinic, inbound: Inbound, now: datetime) -> list[Chart]:
        patients = self.store.patients_of(clinic.id, inbound.sender)
        return [c for p in patients if (c := self.store.chart(clinic.id, p, now=now)) is not None]

    def _patient(self, clinic: Clinic, chart: Chart, inbound: Inbound, now: datetime) -> str:
        facts = chart.facts
        safety = self.talk.safety_asked(clinic.id, facts.patient.id, now - OPEN_FOR)
        prompts = open_prompts(facts, safety, now)
        reading = read(inbound.text, listener_of(facts), prompts, self.knowledge())
        stored = self._store(clinic, facts.patient.id, inbound, reading)
        if stored.status == "handled":
            return "again"
        if stored.prompt:
            # Heard before and not finished: the question it answered then is the one it answers now.
            prompts = [prompt_again(stored.prompt, now), *(p for p in prompts if p.id != stored.prompt)]
            reading = read(inbound.text, listener_of(facts), prompts, self.knowledge())
        reading = as_one_thought(self.talk, facts, reading, stored, self.knowledge())
        heeded = heed(facts, reading, now)
        self._opt(clinic, reading, inbound, now)
        tier = self.alerting.alert(clinic, facts.patient.id, reading, heeded, cause=inbound.id, now=now)
        self.answering.apply(chart, heeded, cause=inbound.id, at=inbound.at, now=now)
        self.answering.not_silent(chart, cause=inbound.id, now=now)
        self._reply(clinic, facts.patient.id, reading, tier, heeded, inbound, now)
        self.talk.record_handled(replace(stored, status="handled", tier=tier.value, **_decided_by(reading)))
        return tier.value

    def _store(self, clinic: Clinic, patient_id: PatientId, inbound: Inbound, reading: Reading) -> Message:
        """The message as first stored; what it answers is settled by then."""
        message = Message(
            id=inbound.id,
            clinic_id=clinic.id,
            patient_id=patient_id,
            inbound=True,
            channel=Channel.SMS,
            audience="patient",
            kind="inbound",
            at=inbound.at,
            text=inbound.text,
            status="received",
            tier=reading.tier.value,
            **_decided_by(reading),
            prompt=next((i.prompt_id for i in reading.intents if i.prompt_id), ""),
            kept_until=clinic.retention.messages_until(inbound.at),
            sender=inbound.sender if patient_id == NOBODY else "",
        )
        return self.talk.claim(message) or message

    def _opt(self, clinic: Clinic, reading: Reading, inbound: Inbound, now: datetime) -> None:
        # First the number, which every enrolment and new contact depends on; then every patient who is reached by it,
        # looked up again: whoever was enrolled a moment before it is among them.
        if reading.has(IntentKind.OPT_OUT):
            wrong = reading.has(IntentKind.WRONG_PERSON)
            status = ContactStatus.WRONG_PERSON if wrong else ContactStatus.STOPPED
            self.store.mark(clinic.id, inbound.sender, status, now)
            for chart in self._charts(clinic, inbound, now):
                why = _why_stopped(chart, reading, inbound, now)
                self.answering.stop(chart, inbound.sender, why, cause=inbound.id, now=now)
        elif reading.has(IntentKind.OPT_IN):
            self.store.mark(clinic.id, inbound.sender, ContactStatus.OK, now)
            for chart in self._charts(clinic, inbound, now):
                self.answering.start(chart, inbound.sender, cause=inbound.id, now=now)

    def _reply(
        self,
        clinic: Clinic,
        patient_id: PatientId,
        reading: Reading,
        tier: Tier,
        heeded: Sequence[Heeded],
        inbound: Inbound,
        now: datetime,
    ) -> None:
        chart = self.store.chart(clinic.id, patient_id, now=now)
        if chart is None:
            return
        language = _language(chart.facts, inbound.sender)
        whole = self.answering.told_of_checkin(chart.facts) if _ends_checkin(chart.facts, heeded) else "ack_routine"
        found = replies(chart.facts, reading, tier, heeded, language, now, whole=whole)
        if found is None:
            return
        template, slots = found
        if template != "stop_confirm" and self.store.standing(clinic.id, inbound.sender).is_refused:
            if not reading.has(IntentKind.HELP):
                # Whoever stopped texts gets none; the task says to phone.
                return
            template = "stop_already"
        said = partial(self.talk.said_since, clinic.id, patient_id, since=now - QUIET)
        lately = ONCE_IN_A_WHILE.get(template)
        # Heard anew, a message finds the reply it had the first time. And once somebody has seen the matter, what comes
        # is another, and is answered as such.
        if lately and said(lately, besides=inbound.id) and not said({"seen_by_staff"}):
            return
        self._say(
            clinic, patient_id, inbound, template, language, slots, now, grave=tier.severity >= Tier.URGENT.severity
        )

    def _say(
        self,
        clinic: Clinic,
        patient_id: PatientId,
        inbound: Inbound,
        template: str,
        language: str,
        slots: dict[str, str],
        now: datetime,
        *,
        grave: bool = False,
    ) -> None:
        cause = inbound.id
        if template == "stop_confirm":
            # One confirmation (47 CFR 64.1200(a)(12)), however often STOP is said before the next START.
            cause = f"stop.{self.store.standing(clinic.id, inbound.sender).times}"
        self.voice.say(
            Saying(
                clinic=clinic,
                patient_id=patient_id,
                to=inbound.sender,
                channel=Channel.SMS,
                kind=template,
                cause=cause,
                template=template,
                language=language,
                slots=slots,
                twice=grave,
            ),
            now=now,
        )

    # --- other senders ---

    def _from_staff(self, clinic: Clinic, inbound: Inbound, now: datetime) -> bool:
        """ "ACK 42" from somebody the clinic pages."""
        place = next((n for n, p in enumerate(ladder(clinic), 1) if p.phone == inbound.sender), None)
        if place is None:
            return False
        intent = read(inbound.text, Listener(), [], self.knowledge()).first(IntentKind.ACK)
        task = self.talk.task_of_code(clinic.id, str(intent.value)) if intent and intent.value is not None else None
        words = f"{clinic.name}: no open task of that number. Reply ACK and the number of the task."
        if task is not None:
            self.escalation.acknowledge(clinic.id, task.id, f"on-call contact {place}", now=now)
            words = f"{clinic.name}: task {task.code} is yours. Close it with what came of it in the worklist."
        self.voice.say(
            Saying(
                clinic=clinic,
                patient_id=task.patient_id if task else NOBODY,
                to=inbound.sender,
                channel=Channel.SMS,
                kind="page_answer",
                cause=inbound.id,
                audience="staff",
                words=words,
            ),
            now=now,
        )
        return True

    def _stranger(self, clinic: Clinic, inbound: Inbound, now: datetime) -> str:
        """A number that is no patient's: kept, looked at by staff, and told nothing about anybody's health."""
        reading = read(inbound.text, Listener(language=clinic.language), [], self.knowledge())
        stored = self._store(clinic, NOBODY, inbound, reading)
        if stored.status == "handled":
            return "again"
        self._opt(clinic, reading, inbound, now)
        if reading.tier.severity >= Tier.URGENT.severity:
            self.alerting.page(clinic, NOBODY, reading, [], cause=inbound.id, now=now)
        else:
            task = task_to_read(clinic, NOBODY, reading, [], cause=inbound.id, now=now)
            found_out = replace(task, kind="unknown_sender", tier=Tier.REVIEW_SOON.value, title="Find out who wrote")
            self.store.open_task(found_out)
        if reading.has(IntentKind.OPT_OUT) or reading.has(IntentKind.HELP):
            template = "stop_confirm" if reading.has(IntentKind.OPT_OUT) else "help"
            self._say(clinic, NOBODY, inbound, template, clinic.language, {}, now)
        self.talk.record_handled(replace(stored, status="handled"))
        return "unknown_sender"

    def _shared(self, clinic: Clinic, charts: list[Chart], inbound: Inbound, now: datetime) -> str:
        """A phone that several patients share: what concerns the number concerns them all; of anything else it is
        asked whose it is, and danger is paged before the question. Until it is told, the text lies where staff find
        what nobody is known to have written."""
        waiting = self.talk.waiting(clinic.id, inbound.sender)
        whose = _told_whose(waiting, charts, inbound, now)
        if waiting and whose:
            told = replace(inbound, provider_id=waiting.message_id, text=waiting.text, at=waiting.at)
            done = self._patient(clinic, whose, told, now)
            self.talk.wait(clinic.id, inbound.sender, None)
            kept = self.talk.message(clinic.id, NOBODY, told.id)
            if kept is not None:
                self.talk.record_handled(replace(kept, text="", status="handled"))
            return done
        readings = [self._as_of(c, inbound, now) for c in charts]
        chart, reading, heeded = max(readings, key=lambda each: tier_of(each[1], each[2]).severity)
        stored = self._store(clinic, NOBODY, inbound, reading)
        if stored.status == "handled":
            return "again"
        self._opt(clinic, reading, inbound, now)
        patient_id, tier = chart.facts.patient.id, tier_of(reading, heeded)
        if tier.severity >= Tier.URGENT.severity:
            self.alerting.page(clinic, patient_id, reading, heeded, cause=inbound.id, now=now)
        language = _language(chart.facts, inbound.sender)
        template = next((said for kind, said in _OF_THE_NUMBER.items() if reading.has(kind)), None)
        if template:
            self._say(clinic, patient_id, inbound, template, language, {}, now)
            self.talk.record_handled(replace(stored, status="handled", tier=tier.value))
            return "of_the_number"
        if tier.severity < Tier.URGENT.severity and needs_staff(reading, tier):
            task = task_to_read(clinic, NOBODY, reading, heeded, cause=inbound.id, now=now)
            self.store.open_task(replace(task, kind="whose_message", title="Find out which patient wrote this"))
        self._ask_whose(clinic, charts[: len(LETTERS)], language, inbound, now)
        self.talk.record_handled(replace(stored, status="handled", tier=tier.value))
        return "asked_whose"

    def _as_of(self, chart: Chart, inbound: Inbound, now: datetime) -> tuple[Chart, Reading, list[Heeded]]:
        """What the text would mean from this patient."""
        facts = chart.facts
        safety = self.talk.safety_asked(facts.clinic.id, facts.patient.id, now - OPEN_FOR)
        reading = read(inbound.text, listener_of(facts), open_prompts(facts, safety, now), self.knowledge())
        return chart, reading, heed(facts, reading, now)

    def _ask_whose(self, clinic: Clinic, charts: list[Chart], language: str, inbound: Inbound, now: datetime) -> None:
        pending = Waiting(
            message_id=inbound.provider_id,
            text=inbound.text,
            at=inbound.at,
            patients=tuple(c.facts.patient.id for c in charts),
        )
        self.talk.wait(clinic.id, inbound.sender, pending)
        choices = choices_phrase([_initials(c.facts) for c in charts])
        self._say(clinic, charts[0].facts.patient.id, inbound, "who_ab", language, {"choices": choices}, now)


def _decided_by(reading: Reading) -> dict[str, Any]:
    return {
        "rules": tuple(e.rule for e in reading.evidence),
        "evidence": "; ".join(f"{e.rule}: {e.matched}" for e in reading.evidence)[:500],
    }


def _told_whose(waiting: Waiting | None, charts: list[Chart], inbound: Inbound, now: datetime) -> Chart | None:
    """The patient whose letter the text is, while one is waited for."""
    letter = inbound.text.strip().upper()
    if waiting is None or now - waiting.at >= OPEN_FOR or len(letter) != 1:
        return None
    named = dict(zip(LETTERS, waiting.patients, strict=False)).get(letter)
    return next((c for c in charts if c.facts.patient.id == named), None)


CANCELLING = ("cancel", "anul", "annul", "取消")
"""How the words begin that stop texts and may have meant a visit."""


def _ends_checkin(facts: Facts, heeded: Sequence[Heeded]) -> bool:
    answers = any(h.prompt.startswith("session:") for h in heeded)
    return answers and facts.session is not None and next_question(facts.session) is None


def _why_stopped(chart: Chart, reading: Reading, inbound: Inbound, now: datetime) -> Stopping:
    if reading.has(IntentKind.WRONG_PERSON):
        return Stopping.WRONG_PERSON
    if inbound.text.strip().casefold().startswith(CANCELLING) and next_visit(chart.facts, now) is not None:
        return Stopping.PERHAPS_THE_VISIT
    return Stopping.ASKED


_OF_THE_NUMBER = {
    IntentKind.OPT_OUT: "stop_confirm",
    IntentKind.OPT_IN: "start_confirm",
    IntentKind.HELP: "help",
}
"""What is said of a number and not of a patient."""


def _language(facts: Facts, sender: str) -> str:
    contact = next((c for c in facts.contacts if c.address == sender), None)
    return (contact.language if contact else None) or facts.patient.language


def _initials(facts: Facts) -> str:
    return f"{facts.patient.given_name[:1]}.{facts.patient.family_name[:1]}."
