"""Escalate: a task that cannot wait climbs from contact to contact until somebody says they have seen it.

Each rung is paged by text, or by e-mail where there is no number or texts are refused, and sends its own delayed
reminder to climb on; a page that fails goes straight to the next. Nobody having answered, everybody is paged, again and
again. A sweep over deadlines every minute begins these rounds, and is the backstop for all the rest. No stop switch,
pause or opt-out of a patient's silences a page.
"""

import json
from collections.abc import Collection
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.domain.clinic import Clinic
from chalicelib.domain.delivery import Status
from chalicelib.domain.links import Link, Purpose, sign
from chalicelib.domain.patient import Category, Channel
from chalicelib.service.chart import Task
from chalicelib.service.conversation import NOBODY, Conversation
from chalicelib.service.ladder import Way, all_ways, climbs, is_round, ladder, next_page, page_text, ways
from chalicelib.service.metrics import SILENT, Metric, Metrics
from chalicelib.service.ports import Queue, QueueMessage, Store
from chalicelib.service.say import Saying, Unsettled, Voice

LINK_LIFE = timedelta(days=2)

TRIES = 5

UNNOTICED = timedelta(seconds=60)
"""A rung whose message has not come this long after its time has lost it."""

MOST_DELAY_S = 900
"""SQS delays no message longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """What paging takes."""

    store: Store
    talk: Conversation
    voice: Voice
    queue: Queue
    metrics: Metrics = SILENT

    def page(self, clinic: Clinic, task: Task, cause: str, *, now: datetime) -> None:
        """Pages about a task that the message `cause` opened or was laid on. Where pages about it are out already,
        whoever got one is told of a worse tier, and the next goes when its time has come.

        Raises `Unsettled` when the page that the message itself called for may still be on its way."""
        opened = task.said[0] == cause
        # Whoever laid a text on a task that another is paging about at this moment has nothing to wait for.
        with nullcontext() if opened else suppress(Unsettled):
            if task.rung and task.message_id == cause and task.state == "open" and not opened:
                for rung in range(min(task.rung, len(ladder(clinic)))):
                    self._page_rung(clinic, task, rung, now)
            if task.rung == 0 or (task.climbs_at is not None and task.climbs_at <= now):
                self.climb(clinic, task, rung=task.rung, now=now)
            else:
                self._later(task, now)

    def climb(self, clinic: Clinic, task: Task, *, rung: int, now: datetime) -> Task:
        """Pages rung `rung` of the task's ladder, and those after it while pages fail. A task that somebody has seen,
        or that has climbed past this rung, is left alone."""
        while task.state == "open" and task.rung == rung:
            last = is_round(clinic, rung)
            asked = replace(task, unanswered_since=task.unanswered_since or now) if last else task
            arrived = self._page_rung(clinic, asked, rung, now)
            after = next_page(clinic, asked, rung, now) if arrived or last else now
            onward = replace(asked, rung=rung + 1, climbs_at=after, paged_at=now)
            if not self.talk.replace_task(task, onward):
                # Acknowledged, or one text more lies on it, which may be a worse one.
                stands = self.talk.task(task.clinic_id, task.id)
                assert stands is not None, "tasks are never deleted"
                task = stands
                continue
            task, rung = onward, rung + 1
            if arrived or last:
                self._later(task, now)
                break
        return task

    def due(self, clinic_id: str, task_id: str, *, rung: int, now: datetime) -> Task | None:
        """A rung's time has come: page it, unless somebody has seen the task; and tell the patient that nobody has."""
        task = self.talk.task(clinic_id, task_id)
        clinic = self.store.clinic(clinic_id)
        if task is None or clinic is None or task.state != "open" or task.rung != rung:
            return task
        if task.climbs_at is not None and task.climbs_at > now:
            self._later(task, now)
            return task
        task = self.climb(clinic, task, rung=rung, now=now)
        if rung >= 1:
            self.tell_patient(clinic, task, "not_yet_seen", now=now)
        return task

    def acknowledge(self, clinic_id: str, task_id: str, by: str, *, now: datetime) -> Task | None:
        """Somebody has seen it. The ladder stops, and the patient is told so."""
        for _ in range(TRIES):
            task = self.talk.task(clinic_id, task_id)
            if task is None or task.state != "open":
                return task
            seen = replace(task, state="acked", ack_by=by, acked_at=now, climbs_at=None)
            if self.talk.replace_task(task, seen):
                clinic = self.store.clinic(clinic_id)
                if clinic is not None and climbs(seen):
                    self.tell_patient(clinic, seen, "seen_by_staff", now=now)
                return seen
        raise Unsettled("the task kept changing")

    def close(
        self,
        clinic_id: str,
        task_id: str,
        by: str,
        outcome: str,
        note: str,
        *,
        now: datetime,
        read: Collection[str] | None = None,
    ) -> Task | None:
        """Closes the task with what came of it, unless it holds a message that is not among those that were `read`,
        where these are told. Closing one that nobody had acknowledged acknowledges it."""
        for _ in range(TRIES):
            task = self.talk.task(clinic_id, task_id)
            clinic = self.store.clinic(clinic_id, now=now)
            if task is None or clinic is None or task.state == "closed":
                return task
            if read is not None and not set(task.said) <= set(read):
                return task
            closed = replace(
                task,
                state="closed",
                ack_by=task.ack_by or by,
                acked_at=task.acked_at or now,
                climbs_at=None,
                outcome=outcome,
                note=note,
                closed_by=by,
                closed_at=now,
                kept_until=clinic.retention.log_until(now),
            )
            if self.talk.replace_task(task, closed):
                return closed
        raise Unsettled("the task kept changing")

    def tell_patient(self, clinic: Clinic, task: Task, template: str, *, now: datetime) -> None:
        """Tells the patient whether somebody has seen their message: the truth, once each."""
        if task.patient_id == NOBODY:
            return
        chart = self.store.chart(clinic.id, task.patient_id, now=now)
        if chart is None:
            return
        contact = chart.facts.contact(Channel.SMS, Category.SAFETY)
        if contact is None:
            return
        self.voice.say(
            Saying(
                clinic=clinic,
                patient_id=task.patient_id,
                to=contact.address,
                channel=Channel.SMS,
                kind=template,
                cause=task.id,
                template=template,
                language=contact.language or chart.facts.patient.language,
                slots={},
            ),
            now=now,
        )

    def sweep(self, *, now: datetime) -> int:
        """Queues the rounds whose time has come, and, the backstop, the rungs whose time has passed unnoticed. Answers
        how many those are."""
        come = self.talk.overdue_tasks(now, limit=200)
        rounds = [task for task in come if task.unanswered_since]
        unnoticed = [task for task in come if not task.unanswered_since and now - (task.climbs_at or now) >= UNNOTICED]
        self.queue.send([QueueMessage(body=encode(task), group=task.clinic_id) for task in rounds + unnoticed])
        return len(unnoticed)

    def unanswered(self) -> int:
        """Of how many tasks everybody has been paged and nobody has answered."""
        return self.talk.unanswered_tasks()

    def _page_rung(self, clinic: Clinic, task: Task, rung: int, now: datetime) -> bool:
        """Whether a page was taken, or may have been: a contact's as a text, or by e-mail where that is refused; in a
        round everybody's, by every way."""
        if is_round(clinic, rung):
            taken = [self._paged(clinic, task, way, rung, now) for way in all_ways(clinic)]
            return any(taken)
        return any(self._paged(clinic, task, way, rung, now) for way in ways(ladder(clinic)[rung], rung + 1))

    def _paged(self, clinic: Clinic, task: Task, way: Way, rung: int, now: datetime) -> bool:
        if rung:
            self.metrics.tell(Metric.ESCALATIONS, kind=task.kind, channel=way.channel)
        link = Link(
            purpose=Purpose.ACKNOWLEDGE,
            clinic_id=clinic.id,
            patient_id=task.patient_id,
            subject=f"{task.id}.{way.place}",
            expires=now + LINK_LIFE,
        )
        url = f"{self.voice.site.url}/r/{sign(link, self.voice.site.secret)}"
        saying = Saying(
            clinic=clinic,
            patient_id=task.patient_id,
            to=way.to,
            channel=way.channel,
            kind="page",
            # Every rung pages anew, so does every round, and so does a tier that has become worse.
            cause=f"{task.id}.{rung}.{task.tier}",
            audience="staff",
            words=page_text(clinic, task, url if way.channel is Channel.EMAIL else None),
            subject=f"{task.tier.upper()}: task {task.code}, a patient's message",
            twice=True,
        )
        return self.voice.say(saying, now=now) is not Status.FAILED

    def _later(self, task: Task, now: datetime) -> None:
        if task.climbs_at is None:
            return
        delay = max(0, int((task.climbs_at - now).total_seconds()))
        if task.unanswered_since and delay > MOST_DELAY_S:
            # Hours off: the sweep finds it by the minute, where a message would go round four times an hour for days.
            return
        self.queue.send([QueueMessage(body=encode(task), delay_s=min(MOST_DELAY_S, delay), group=task.clinic_id)])


def paged(subject: str) -> tuple[str, str]:
    """The task that an acknowledgement's link is about, and whom it was sent to, as the task names them."""
    task_id, _, place = subject.partition(".")
    return task_id, "the clinic's mailbox" if place == "0" else f"on-call contact {place}"


def encode(task: Task) -> str:
    return json.dumps({"clinic": task.clinic_id, "task": task.id, "rung": task.rung}, separators=(",", ":"))
