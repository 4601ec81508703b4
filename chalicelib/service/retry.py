"""Retry: a text that found its phone off or out of reach is sent once more, two hours later.

The second attempt is claimed on the reminder's own record, so there is never a third, and none at all once the first
turns out to have arrived. It keeps to what every reminder keeps to: hours, consent, and whether it is still of use.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.delivery import GRACE, Event, Reminder, Status, why_not
from chalicelib.domain.links import without_tokens
from chalicelib.domain.message import Site, compose, time_to_live
from chalicelib.domain.patient import Channel
from chalicelib.domain.provider_context import ForReminder
from chalicelib.domain.wording import Copybook
from chalicelib.service.chart import Chart
from chalicelib.service.elsewhere import Elsewhere
from chalicelib.service.followups import RetryJob, retry_job
from chalicelib.service.outgoing import text_of
from chalicelib.service.ports import Accepted, NotSent, Queue, QueueMessage, SmsProvider, Store

AFTER = timedelta(hours=2)
"""How long a phone is left alone that could not be reached (clinical reference §7.2)."""

LONGEST_DELAY = timedelta(seconds=900)
"""What the queue can delay a message by: a longer wait goes in steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrying:
    """What trying again takes. `queue` is the one its own jobs come back on."""

    store: Store
    queue: Queue
    sms: SmsProvider
    book: Callable[[], Copybook]
    site: Site
    elsewhere: Elsewhere

    def in_a_while(self, reminder: Reminder, *, now: datetime) -> None:
        self._wait(_job(reminder, now + AFTER), now)

    def retry(self, job: RetryJob, *, now: datetime) -> str:
        """Tries once more, if its time has come and it still makes sense. Answers, in a word, what was done."""
        if now < job.due:
            self._wait(job, now)
            return "waiting"
        reminder = self.store.reminder(job.clinic_id, job.patient_id, job.seq)
        chart = self.store.chart(job.clinic_id, job.patient_id, now=now)
        if reminder is None or chart is None:
            return "gone"
        if reminder.status is Status.SENDING and reminder.again_at is not None:
            return self._unanswered(reminder, now)
        if reminder.status is not Status.UNREACHED or reminder.again_at is not None:
            return "arrived"
        return self._again(chart, reminder, now)

    def _again(self, chart: Chart, reminder: Reminder, now: datetime) -> str:
        facts, wake = chart.facts, reminder.wake(Channel.SMS)
        if reminder.answered_in(facts):
            return "answered"
        words = None if why_not(facts, wake, now) else compose(self.book(), facts, wake, now, self.site)
        if words is None:
            self.elsewhere.say_or_phone(reminder, reminder.detail, now=now)
            return "too_late"
        attempt = reminder.tries + 1
        if not self.store.try_again(reminder, attempt, without_tokens(words.rendered.text), now):
            return "arrived"
        about = ForReminder(
            clinic_id=reminder.clinic_id,
            patient_id=reminder.patient_id,
            seq=reminder.seq,
            attempt=attempt,
            kind=reminder.kind,
        )
        answer = self.sms.send(text_of(words, facts.clinic, time_to_live(facts, wake, now), about))
        match answer:
            case Accepted(provider_id=provider_id):
                self._tell(reminder, Event.ACCEPTED, attempt, now, provider_id=provider_id)
                return "sent"
            case NotSent(code=code):
                self._tell(reminder, Event.REFUSED, attempt, now, detail=code)
                self.elsewhere.say_or_phone(reminder, code, now=now)
                return "refused"
        self._wait(_job(reminder, now + GRACE[Channel.SMS]), now)
        return "unanswered"

    def _unanswered(self, reminder: Reminder, now: datetime) -> str:
        """The attempt was claimed, and nothing is known of it: it is not made a third time."""
        assert reminder.again_at is not None
        ripe = reminder.again_at + GRACE[Channel.SMS]
        if now < ripe:
            self._wait(_job(reminder, ripe), now)
            return "waiting"
        self._tell(reminder, Event.GAVE_UP, reminder.tries + 1, now)
        return "unknown"

    def _tell(
        self, reminder: Reminder, event: Event, attempt: int, now: datetime, *, provider_id: str = "", detail: str = ""
    ) -> None:
        clinic, patient = reminder.clinic_id, reminder.patient_id
        self.store.evidence(clinic, patient, reminder.seq, event, provider_id, now, detail, attempt=attempt)

    def _wait(self, job: RetryJob, now: datetime) -> None:
        delay = min(LONGEST_DELAY, max(timedelta(0), job.due - now))
        body = retry_job(job)
        self.queue.send([QueueMessage(body=body, delay_s=int(delay.total_seconds()), group=job.clinic_id)])


def _job(reminder: Reminder, due: datetime) -> RetryJob:
    return RetryJob(clinic_id=reminder.clinic_id, patient_id=reminder.patient_id, seq=reminder.seq, due=due)
