"""Unread: of each patient at most one open task holds what they said and nobody has looked at.

Who types one thought in several texts makes one piece of work, with the texts on it in order and the worst of their
tiers. What is said after somebody acknowledged the task is new, and opens another.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.service.chart import TIERS, Task
from chalicelib.service.conversation import NOBODY, Conversation
from chalicelib.service.ladder import CLIMB, climbs
from chalicelib.service.ports import Store
from chalicelib.service.say import Unsettled

READ = frozenset({"reply", "checkin_answer", "urgent_reply"})
"""The kinds of task that ask for nothing but to be read, or for a call because of what was read. A request (another
time, a refill, an end of texts) is work of its own."""

CALL = "Call the patient now"
PHONE = "PHONE the patient now: texts are stopped, and there may be danger"

TRIES = 8
"""How often a text is laid on a task against others of the same patient before the queue brings it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """What gathering takes."""

    store: Store
    talk: Conversation

    def about(self, clinic_id: str, patient_id: str, message_id: str) -> Task | None:
        """The task on which the message stands, whoever opened it."""
        return next((t for t in self.store.tasks_of(clinic_id, patient_id) if _reads(t, message_id)), None)

    def gather(self, task: Task, *, now: datetime) -> Task:
        """Lays what the task is about on the patient's open one, or opens it. Answers the task it stands on; the same
        message again finds it there. What came from nobody that is known stays by itself: it may be of two people."""
        for _ in range(TRIES):
            before = None if task.patient_id == NOBODY else self.talk.last_unread(task.clinic_id, task.patient_id)
            known, standing = self._standing(task)
            if known is not None:
                return known
            new = _from_now(task, now) if standing is None else joined(standing, task, now)
            if climbs(new) and not new.code:
                new = replace(new, code=self.talk.new_code(new.clinic_id))
            if standing is None:
                if self.talk.open_unread(new, after=before):
                    return new
            elif self.talk.replace_task(standing, new):
                return new
        raise Unsettled("the patient's task kept changing")

    def _standing(self, task: Task) -> tuple[Task | None, Task | None]:
        """The task that holds the message already, and the one it is to be laid on."""
        if task.patient_id == NOBODY:
            return self.talk.task(task.clinic_id, task.id), None
        theirs = self.store.tasks_of(task.clinic_id, task.patient_id)
        known = next((t for t in theirs if t.id == task.id or _reads(t, task.message_id)), None)
        # The worst first: before there was one task a patient, several may have been left open.
        return known, next((t for t in theirs if t.state == "open" and t.kind in READ), None)


def joined(standing: Task, new: Task, now: datetime) -> Task:
    """The task with one text more. The worst text decides what the task is and says; a milder one changes neither. A
    dangerous one has the next page go out as though the whole had been as grave from its last page on."""
    same, worse = new.tier == standing.tier, TIERS.index(new.tier) < TIERS.index(standing.tier)
    # Of two alike, words are to be read and a number only to be looked at.
    deciding = new if worse or (same and standing.kind == "checkin_answer") else standing
    phone = standing.phone or new.phone
    whole = replace(
        standing,
        kind=deciding.kind,
        tier=deciding.tier,
        rule=deciding.rule,
        detail=deciding.detail,
        title=PHONE if phone else deciding.title,
        due_on=deciding.due_on,
        message_id=deciding.message_id,
        message_ids=(*standing.said, *new.said),
        phone=phone,
    )
    if not climbs(new):
        return whole
    whole = replace(whole, from_rung=standing.rung + 1)
    if standing.climbs_at is None:
        return _from_now(whole, now)
    soon = max(now, (standing.paged_at or now) + CLIMB[whole.tier])
    return replace(whole, climbs_at=min(standing.climbs_at, soon))


def _from_now(task: Task, now: datetime) -> Task:
    return replace(task, climbs_at=now, urgent_since=now) if climbs(task) else task


def _reads(task: Task, message_id: str | None) -> bool:
    return task.kind in READ and message_id in task.said
