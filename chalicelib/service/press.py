"""Press: a button on a page that a patient's link led to. What it says is stored first and acted on as a text is.

Every press has an id made of what it says about what, so the same one again, from a double click or a page opened
twice, does nothing twice.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.domain.facts import Facts
from chalicelib.domain.heeding import Heeded, choices, heed, pressed
from chalicelib.domain.ids import digest
from chalicelib.domain.patient import Channel
from chalicelib.domain.plan import Appointment
from chalicelib.domain.triage import Reading, Tier
from chalicelib.domain.triage.values import worst
from chalicelib.service.alert import Alerting, read_task_id
from chalicelib.service.answers import Answering
from chalicelib.service.chart import Chart, Task
from chalicelib.service.conversation import Conversation, Message
from chalicelib.service.say import Unsettled

REQUESTS = 9
"""How often another time can be asked for one visit, each after staff closed the last request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the answers to the open check-in have come to so far."""

    tier: Tier
    seen: bool
    """Whether a member of staff has seen every urgent answer. Answers given by text are not counted as seen here: of
    those the patient is told by text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressing:
    """What pressing takes."""

    talk: Conversation
    alerting: Alerting
    answering: Answering

    def confirm(self, chart: Chart, visit: Appointment, words: str, *, now: datetime) -> None:
        cause = digest("pressed", chart.facts.patient.id, visit.id, visit.set_at, "C")
        self._press(chart, f"visit:{visit.id}", "C", cause, words, now)

    def ask_for_another_time(self, chart: Chart, visit: Appointment, words: str, *, now: datetime) -> None:
        """Makes the task; while one is not closed, asking again is the same request."""
        for cause in self._requests(chart.facts, visit):
            task = self._request(chart.facts, cause)
            if task is None:
                self._press(chart, f"visit:{visit.id}", "R", cause, words, now)
            if task is None or task.state != "closed":
                return

    def asked_for_another_time(self, facts: Facts, visit: Appointment) -> bool:
        """Whether a request stands that staff have not closed, for this visit at this time."""
        for cause in self._requests(facts, visit):
            task = self._request(facts, cause)
            if task is None or task.state != "closed":
                return task is not None
        return False

    def _requests(self, facts: Facts, visit: Appointment) -> list[str]:
        return [digest("pressed", facts.patient.id, visit.id, visit.set_at, "R", n) for n in range(REQUESTS)]

    def _request(self, facts: Facts, cause: str) -> Task | None:
        return self.talk.task(facts.clinic.id, read_task_id(facts.clinic.id, facts.patient.id, cause))

    def answer(self, chart: Chart, occurrence: str, question: str, value: str, words: str, *, now: datetime) -> bool:
        """Answers one question of a check-in, as it was asked by the session `occurrence`. False when that session is
        no longer the open one: the answer is not put to questions of another week. Only "something is new or worse" is
        taken all the same, since it is no less urgent for being late.

        Raises `ValueError` for what is no answer to the question.
        """
        if value not in choices(question):
            raise ValueError("no answer to this question")
        session = chart.facts.session
        stands = session is not None and session.occurrence == occurrence
        if stands or value == "Y":
            cause = _cause(chart.facts, occurrence, question, value)
            self._press(chart, f"session:{question}" if stands else "safety", value, cause, words, now)
        return stands

    def standing(self, facts: Facts) -> Standing:
        """What the answers of the open session weigh, and whether somebody has seen the urgent ones."""
        session = facts.session
        if session is None:
            return Standing(tier=Tier.ROUTINE, seen=False)
        answers = self.answering.answers_to(facts, session)
        urgent = [a for a in answers if Tier(a.tier).severity >= Tier.URGENT.severity]
        causes = [_cause(facts, session.occurrence, a.question, a.answer) for a in urgent]
        unread, clinic_id, patient_id = self.alerting.unread, facts.clinic.id, facts.patient.id
        tasks = [unread.about(clinic_id, patient_id, cause) for cause in causes]
        return Standing(
            tier=worst(*(Tier(a.tier) for a in answers)),
            seen=bool(tasks) and all(t is not None and t.state != "open" for t in tasks),
        )

    def _press(self, chart: Chart, prompt: str, value: str, cause: str, words: str, now: datetime) -> None:
        facts, reading = chart.facts, pressed(prompt, value)
        message = Message(
            id=cause,
            clinic_id=facts.clinic.id,
            patient_id=facts.patient.id,
            inbound=True,
            channel=Channel.EMAIL,
            audience="patient",
            kind="pressed",
            at=now,
            text=words,
            status="received",
            prompt=prompt,
            kept_until=facts.clinic.retention.messages_until(now),
        )
        stored = self.talk.claim(message) or message
        if stored.status == "handled":
            return
        heeded = heed(facts, reading, now)
        tier = self._alert(facts, reading, heeded, cause, now)
        self.answering.apply(chart, heeded, cause=cause, at=stored.at, now=now)
        self.talk.record_handled(replace(stored, status="handled", tier=tier.value))

    def _alert(self, facts: Facts, reading: Reading, heeded: list[Heeded], cause: str, now: datetime) -> Tier:
        try:
            return self.alerting.alert(facts.clinic, facts.patient.id, reading, heeded, cause=cause, now=now)
        except Unsettled:
            # The same press a moment ago made the task and sent the page, whose fate is not known yet. The task stands
            # in the ladder, which goes on by itself within a minute; the patient must not be kept from an answer.
            return Tier.URGENT


def _cause(facts: Facts, occurrence: str, question: str, value: str) -> str:
    return digest("pressed", facts.patient.id, occurrence, question, value)
