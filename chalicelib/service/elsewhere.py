"""Elsewhere: what one channel could not deliver is said once by the other, in that channel's own words; where there is
none, staff are asked to phone."""

from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.delivery import Reminder, Status, room_for_a_text, why_not
from chalicelib.domain.ids import digest
from chalicelib.domain.message import Composed, compose, time_to_live
from chalicelib.domain.patient import Category, Channel
from chalicelib.domain.provider_context import ForMessage
from chalicelib.domain.wording import UnknownTemplate
from chalicelib.service.chart import Chart, Task
from chalicelib.service.ports import Store
from chalicelib.service.say import Saying, Voice

FALLBACK = "_fallback"
"""How the kind of a message ends that says what a reminder could not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """What going elsewhere takes."""

    store: Store
    voice: Voice

    def say_or_phone(self, reminder: Reminder, code: str, *, now: datetime) -> None:
        """By the other channel, or a task. Once for each reminder, however often it is asked for."""
        if not self.say(reminder, now=now):
            self.phone(reminder, code, now=now)

    def say(self, reminder: Reminder, *, now: datetime) -> bool:
        """Says it by the other channel, if it is still of use, and may be said there, at this hour. Whether it went."""
        chart = self.store.chart(reminder.clinic_id, reminder.patient_id, now=now)
        composed = self._composed(chart, reminder, now) if chart else None
        if chart is None or composed is None:
            return False
        saying = Saying(
            clinic=chart.facts.clinic,
            patient_id=reminder.patient_id,
            to=composed.contact.address,
            channel=_other(reminder.channel),
            kind=f"{reminder.kind}{FALLBACK}",
            cause=reminder.id,
            composed=composed,
            life_s=time_to_live(chart.facts, reminder.wake(_other(reminder.channel)), now),
        )
        return self.voice.say(saying, now=now) is not Status.FAILED

    def _composed(self, chart: Chart, reminder: Reminder, now: datetime) -> Composed | None:
        facts, wake = chart.facts, reminder.wake(_other(reminder.channel))
        if reminder.answered_in(facts) or why_not(facts, wake, now) is not None:
            return None
        if wake.channel is Channel.SMS and not room_for_a_text(facts, wake, now):
            return None
        try:
            return compose(self.voice.book(), facts, wake, now, self.voice.site)
        except UnknownTemplate:
            # A questionnaire is too long for texts.
            return None

    def phone(self, reminder: Reminder, code: str, *, now: datetime) -> None:
        """The task: where the plan cannot say it, a person does."""
        chart = self.store.chart(reminder.clinic_id, reminder.patient_id, now=now)
        if chart is None or reminder.answered_in(chart.facts):
            return
        safety = reminder.category is Category.SAFETY
        self.store.open_task(
            Task(
                id=undelivered_id(reminder),
                clinic_id=reminder.clinic_id,
                patient_id=reminder.patient_id,
                kind="undelivered",
                tier="review_soon" if safety else "routine",
                rule=code,
                detail="it was not delivered, and there is no other channel it could go by now",
                opened_at=now,
                title="Phone the patient: a message was not delivered",
            )
        )

    def phone_about(self, about: ForMessage, code: str, *, now: datetime) -> None:
        """The task for a message that was the last way, or a person's own words. Of automatic answers none is needed:
        what was grave about them is a task already."""
        if about.kind != "staff_message" and not about.kind.endswith(FALLBACK):
            return
        task = Task(
            id=f"{about.patient_id}{digest(about.clinic_id, about.message_id, 'undelivered')}",
            clinic_id=about.clinic_id,
            patient_id=about.patient_id,
            kind="undelivered",
            tier="review_soon" if about.kind == "staff_message" else "routine",
            rule=code,
            detail="it was not delivered",
            opened_at=now,
            title="Phone the patient: a message was not delivered",
            message_id=about.message_id,
        )
        self.store.open_task(task)


def undelivered_id(reminder: Reminder) -> str:
    """The task that asks staff to say what the reminder could not."""
    return f"{reminder.patient_id}{digest(reminder.clinic_id, reminder.seq, 'undelivered')}"


def _other(channel: Channel) -> Channel:
    return Channel.EMAIL if channel is Channel.SMS else Channel.SMS
