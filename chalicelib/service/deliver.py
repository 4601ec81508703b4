"""Deliver: one queue message, one wake. Load, decide, claim; then `perform` sends once and records.

The order is the point. Nothing leaves before the claim, a conditional write that also moves the cursor on. The claim
depends on everything the decision was made from, so a pause or a STOP that came a moment earlier still holds.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from chalicelib.domain.cursor import Cursor, Hold
from chalicelib.domain.decision import decide
from chalicelib.domain.message import Site
from chalicelib.domain.wording import Copybook
from chalicelib.service.allowance import Allowance
from chalicelib.service.chart import Chart, Reference
from chalicelib.service.metrics import SILENT, Metric, Metrics
from chalicelib.service.perform import BUSY_RETRY, Done, Performing
from chalicelib.service.ports import EmailProvider, Queue, SmsProvider, Store
from chalicelib.service.references import lane_text, queue_if_near, queue_in

EARLY = timedelta(seconds=1)
"""Clocks of two machines differ by this much; a queue message that shows earlier than that waits for its time."""

TRIES = 4
"""How often a wake is decided anew against changes of the same patient before the queue brings it back later."""

VOUCHED_AFTER = timedelta(hours=20)
"""A claim as old as this has been seen by the morning's reconciliation, if it was left unsettled. A younger one is
asked after before the cursor forgets it. Less than a day, so that a daily reminder costs no extra read."""


class Contended(Exception):
    """A patient's facts kept changing while a wake was decided. Raised so that the queue brings it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What delivering takes: the ports, the words, and where links lead."""

    store: Store
    queue: Queue
    notes: Queue
    sms: SmsProvider
    email: EmailProvider
    book: Callable[[], Copybook]
    site: Site
    metrics: Metrics = SILENT
    allowance: Allowance = field(default_factory=Allowance)

    def deliver(self, reference: Reference, *, now: datetime, token: str) -> Done:
        """Carries out the wake the reference points at, if it still stands.

        `token` is new for every invocation and marks the claim as its own. Whatever it raises, the same reference
        may simply be delivered again.
        """
        # The table keeps instants to the second, and a claim is compared with what was read back.
        now = now.replace(microsecond=0)
        for _ in range(TRIES):
            chart = self.store.chart(reference.clinic_id, reference.patient_id, now=now)
            if chart is None:
                return Done.GONE
            if chart.cursor.seq > reference.seq:
                return self._come_again(chart, reference, now, token)
            if chart.cursor.seq < reference.seq or chart.cursor.due != reference.due:
                # Whoever moved it has queued its new time, or the tick will.
                return Done.MOVED
            if reference.due > now + EARLY:
                queue_in(self.queue, reference, reference.due - now)
                return Done.EARLY
            done = self._wake(chart, reference, max(now, reference.due), token)
            if done is not None:
                return done
        raise Contended

    def _wake(self, chart: Chart, reference: Reference, now: datetime, token: str) -> Done | None:
        """None when somebody else claimed it or changed the facts in this very moment."""
        waits = self.allowance.waits(chart.facts.clinic, now)
        decision = decide(chart.facts, chart.cursor, now, token, waits)
        if isinstance(decision, Hold):
            return self._hold(chart, reference, decision, now)
        wake, claimed = decision
        if claimed.held is not None:
            self.allowance.report(self.store, chart.facts.clinic, claimed.held, now)
        if not self._safe_to_forget(chart, claimed, now, token):
            queue_in(self.queue, reference, BUSY_RETRY)
            return Done.WAITING
        # Rendered before the claim, so that copy which cannot be rendered costs no reminder.
        words = self.performing.words(chart.facts, wake, now)
        if not self.store.claim(chart, claimed):
            return None
        after = Chart(facts=chart.facts, cursor=claimed)
        done = self.performing.perform(after, claimed.in_flight[wake.channel], words, now=now)
        self._queue_following(after, now)
        return done

    def _hold(self, chart: Chart, reference: Reference, hold: Hold, now: datetime) -> Done:
        # While a clinic is stopped its reminders stay overdue where they are: starting it queues them all again.
        if chart.facts.clinic.stopped_at is None and hold.until != chart.cursor.due:
            lane, reason = lane_text(hold.lane, chart.facts.clinic), hold.reason if hold.told else None
            if reason is not None:
                self.allowance.report(self.store, chart.facts.clinic, reason, now)
            if self.store.hold(reference, hold.until, reason=reason, lane=lane) and hold.until is not None:
                queue_if_near(self.queue, replace(reference, due=hold.until), now)
        self.metrics.tell(Metric.HELD, kind=hold.kind, channel=chart.cursor.lane)
        return Done.HELD

    def _safe_to_forget(self, chart: Chart, claimed: Cursor, now: datetime, token: str) -> bool:
        """Whether the claims that this one would push out of the cursor are settled, or seen to by others."""
        kept = claimed.in_flight.values()
        for flight in chart.cursor.in_flight.values():
            if flight in kept or now - flight.at >= VOUCHED_AFTER:
                continue
            if self.performing.settle(chart, flight, now=now, token=token) is Done.WAITING:
                return False
        return True

    def _come_again(self, chart: Chart, reference: Reference, now: datetime, token: str) -> Done:
        """The wake was claimed before: by an earlier delivery of this message, or of another about the same wake."""
        flight = next((f for f in chart.cursor.in_flight.values() if f.seq == reference.seq), None)
        if flight is None:
            return Done.SETTLED
        done = self.performing.settle(chart, flight, now=now, token=token)
        if reference.seq + 1 == chart.cursor.seq:
            # The delivery that claimed it may have died before it queued the next one.
            self._queue_following(chart, now)
        return done

    def _queue_following(self, chart: Chart, now: datetime) -> None:
        cursor, facts = chart.cursor, chart.facts
        if cursor.due is not None:
            following = Reference(
                clinic_id=facts.clinic.id, patient_id=facts.patient.id, seq=cursor.seq, due=cursor.due
            )
            queue_if_near(self.queue, following, now)

    @property
    def performing(self) -> Performing:
        return Performing(
            store=self.store,
            queue=self.queue,
            notes=self.notes,
            sms=self.sms,
            email=self.email,
            book=self.book,
            site=self.site,
            metrics=self.metrics,
            allowance=self.allowance,
        )
