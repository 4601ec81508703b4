"""Whatever happens, in whatever order: the promises of docs/decisions/delivery.md as invariants of a random life."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chalicelib.adapters.memory import Fault as Provider
from chalicelib.domain.delivery import MAX_UNSURE_ATTEMPTS, Event, Status
from chalicelib.domain.patient import ContactStatus, Pause
from chalicelib.domain.patient import Status as PatientStatus
from chalicelib.service.references import encode, queue_in
from chalicelib.service.switch import start, stop

from .faults import Fault, Faults, FaultyEmail, FaultyQueue, FaultySms, FaultyTable
from .ward import CLINIC, MONDAY, SHARDS, Ward, a_patient, a_visit, about, contacts, facts_of

PEOPLE = ("patientFirst0001", "patientSecond002")
PERSON = st.sampled_from(PEOPLE)
RESENT = {"appt_1d"}
"""The template of the one kind here whose doubling does less harm than its loss."""


class Life(RuleBasedStateMachine):
    @initialize()
    def a_clinic_opens(self) -> None:
        self.faults = Faults(counting=False)
        self.ward = Ward(
            now=MONDAY,
            table=lambda memory: FaultyTable(memory, self.faults),
            line=lambda queue: FaultyQueue(queue, self.faults),
            sms=FaultySms(self.faults),
            email=FaultyEmail(self.faults),
        ).open_clinic()
        self.silent: dict[str, int] = {}
        """For each who is paused, stopped or gone, how many calls of the providers had been made for them by then."""
        self.visits = 0
        for number, person in enumerate(PEOPLE):
            visit = a_visit(MONDAY + timedelta(days=4, hours=2), f"visit{person[-4:]}0000000")
            self.ward.enrol(
                facts_of(self.ward.clinic, a_patient(person), visits=[visit], reach=contacts(number=number))
            )

    # what staff and patients do

    @rule(person=PERSON, days=st.integers(1, 9), hour=st.integers(0, 6))
    def book(self, person: str, days: int, hour: int) -> None:
        self.visits += 1
        at = (self.ward.now + timedelta(days=days)).replace(hour=14, minute=0, second=0) + timedelta(hours=hour)
        visit = a_visit(at, f"visit{self.visits:011}", set_at=self.ward.now)
        self.change(person, lambda facts: replace(facts, appointments=(*facts.appointments, visit)))

    @rule(person=PERSON)
    def pause(self, person: str) -> None:
        pause = Pause(start=self.ward.now, until=None, reason="in hospital")
        self.change(person, lambda facts: replace(facts, patient=replace(facts.patient, pauses=(pause,))))
        self.silent[person] = self.asked(person)

    @rule(person=PERSON)
    def opt_out(self, person: str) -> None:
        def stopped(facts):
            return replace(facts, contacts=tuple(replace(c, status=ContactStatus.STOPPED) for c in facts.contacts))

        self.change(person, stopped)
        self.silent[person] = self.asked(person)

    @rule(person=PERSON)
    def resume(self, person: str) -> None:
        def as_before(facts):
            reach = tuple(replace(c, status=ContactStatus.OK) for c in facts.contacts)
            patient = replace(facts.patient, pauses=(), status=PatientStatus.ACTIVE)
            return replace(facts, contacts=reach, patient=patient)

        self.change(person, as_before)
        self.silent.pop(person, None)

    @rule()
    def stop_clinic(self) -> None:
        clinic = self.ward.store.clinic(CLINIC)
        if clinic.stopped_at is None:
            assert stop(self.ward.store, clinic, reason="", now=self.ward.now, shards=SHARDS)
            self.stopped = [self.asked(person) for person in PEOPLE]

    @precondition(lambda self: self.ward.store.clinic(CLINIC).stopped_at is not None)
    @rule()
    def start_clinic(self) -> None:
        clinic = self.ward.store.clinic(CLINIC)
        assert start(self.ward.store, self.ward.sqs, clinic, now=self.ward.now, shards=SHARDS)

    # what time and machines do

    @rule(ticks=st.integers(1, 2), ahead=st.integers(0, 30))
    def tick(self, ticks: int, ahead: int) -> None:
        for _ in range(ticks):
            self.ward.tick()
        self.ward.drain(self.ward.now + timedelta(seconds=ahead))

    @rule()
    def to_what_comes_next(self) -> None:
        """A minute before the next thing is due, and the tick runs."""
        due = [c.due for c in (self.ward.chart(p).cursor for p in PEOPLE) if c.due]
        self.ward.now = max(self.ward.now, min(due, default=self.ward.now) - timedelta(minutes=1))
        self.ward.tick()
        self.ward.drain(self.ward.now + timedelta(minutes=2))

    @rule(hours=st.sampled_from([1, 6, 30]))
    def nothing_runs(self, hours: int) -> None:
        self.ward.now += timedelta(hours=hours)

    @rule(minutes=st.sampled_from([3, 20, 120]))
    def live(self, minutes: int) -> None:
        self.ward.live(self.ward.now + timedelta(minutes=minutes))

    @rule(person=PERSON, times=st.integers(1, 3))
    def duplicate(self, person: str, times: int) -> None:
        self.ward.now = self.ward.now.replace(microsecond=0)
        reference = self.reference(person)
        for back in range(times):
            queue_in(self.ward.sqs, replace(reference, seq=max(1, reference.seq - back)), timedelta(0))
        self.ward.drain(self.ward.now)

    @rule(skew=st.sampled_from([-300, 300]), person=PERSON)
    def deliver_with_a_wrong_clock(self, skew: int, person: str) -> None:
        body = encode(self.reference(person))
        if self.ward.chart(person).cursor.due is None or self.ward.chart(person).cursor.due > self.ward.now:
            return
        self.ward.deliver(body, skew=timedelta(seconds=skew))
        self.ward.report()

    @rule(place=st.integers(0, 9), fault=st.sampled_from(Fault))
    def something_breaks(self, place: int, fault: Fault) -> None:
        """One fault at one of the boundaries crossed in the next two minutes; then all is well again."""
        self.faults.seen.clear()
        self.faults.script = {place: fault}
        self.faults.counting = True
        self.ward.drain(self.ward.now + timedelta(minutes=2))
        self.faults.counting = False

    @rule(faults=st.lists(st.sampled_from([Provider.THROTTLE, Provider.TIMEOUT_AFTER, Provider.TIMEOUT_BEFORE])))
    def the_carrier_is_unwell(self, faults: list[Provider]) -> None:
        self.ward.sms.script(*faults[:2])

    @rule(events=st.booleans())
    def events_come_or_not(self, events: bool) -> None:
        self.ward.events = events

    @rule(event=st.sampled_from([Event.ACCEPTED, Event.DELIVERED]))
    def an_event_comes_late_and_twice(self, event: Event) -> None:
        for attempt in self.ward.sms.attempts[-2:]:
            if attempt.provider_id:
                self.ward.evidence(about(attempt.message), event, attempt.provider_id)
                self.ward.evidence(about(attempt.message), event, attempt.provider_id)

    @rule()
    def reconcile(self) -> None:
        self.ward.reconcile()

    # what must hold

    @invariant()
    def nobody_gets_a_reminder_twice_but_those_said(self) -> None:
        for person in PEOPLE:
            taken = [m for m in (*self.ward.sms.sent, *self.ward.email.sent) if about(m).patient_id == person]
            numbers = [about(m).seq for m in taken]
            for seq in set(numbers):
                copies = numbers.count(seq)
                if copies > 1:
                    record = self.ward.store.reminder(CLINIC, person, seq)
                    wakes = [f.wake for f in self.ward.chart(person).cursor.in_flight.values() if f.seq == seq]
                    template = record.template if record and record.template else wakes[0].template
                    assert template in RESENT
                    assert copies <= MAX_UNSURE_ATTEMPTS

    @invariant()
    def nothing_goes_to_who_said_no(self) -> None:
        for person, before in self.silent.items():
            assert self.asked(person) == before

    @invariant()
    def nothing_goes_while_the_clinic_is_stopped(self) -> None:
        if self.ward.store.clinic(CLINIC).stopped_at is not None:
            assert [self.asked(person) for person in PEOPLE] == self.stopped

    @invariant()
    def nothing_goes_at_night(self) -> None:
        for attempt in (*self.ward.sms.attempts, *self.ward.email.attempts):
            assert attempt.provider_id is None or attempt.message is not None
        for person in PEOPLE:
            window, tz = self.ward.chart(person).facts.window, self.ward.chart(person).facts.tz
            for record in self.ward.history(person):
                assert record.sent_at is None or window.holds(record.sent_at, tz)

    @invariant()
    def every_wake_has_a_record_or_a_claim_that_will_make_it(self) -> None:
        for person in PEOPLE:
            cursor = self.ward.chart(person).cursor
            recorded = {record.seq for record in self.ward.history(person)}
            flying = {flight.seq for flight in cursor.in_flight.values()}
            assert recorded | flying >= set(range(1, cursor.seq)), "a wake has been forgotten"

    @invariant()
    def no_occurrence_is_in_two_records(self) -> None:
        for person in PEOPLE:
            told = [o.id for record in self.ward.history(person) for o in record.outcomes]
            assert len(told) == len(set(told))

    @invariant()
    def who_has_something_to_come_is_in_the_due_index_and_nobody_else(self) -> None:
        upto = self.ward.now + timedelta(days=9999)
        listed = {r.patient_id for n in range(SHARDS) for r in self.ward.store.due(n, None, upto, limit=99)}
        assert listed == {person for person in PEOPLE if self.ward.chart(person).cursor.due is not None}

    def teardown(self) -> None:
        """However it went, two quiet hours later everything is settled and nothing is missing."""
        if not hasattr(self, "ward"):
            return
        self.faults.counting = False
        self.ward.sms._script.clear()
        self.ward.live(self.ward.now + timedelta(hours=2))
        self.ward.reconcile()
        self.ward.drain(self.ward.now + timedelta(minutes=10))
        assert self.ward.reconcile().gaps == ()
        for person in PEOPLE:
            for record in self.ward.history(person):
                assert record.status is not Status.SENDING

    # small words

    def change(self, person: str, alter) -> None:
        self.ward.change(alter, person)

    def asked(self, person: str) -> int:
        every = (*self.ward.sms.attempts, *self.ward.email.attempts)
        return sum(about(attempt.message).patient_id == person for attempt in every)

    def reference(self, person: str):
        from chalicelib.service.chart import Reference

        cursor = self.ward.chart(person).cursor
        return Reference(clinic_id=CLINIC, patient_id=person, seq=cursor.seq, due=cursor.due or self.ward.now)


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=40,
    stateful_step_count=30,
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
