"""The morning's look through every patient, a page a message."""

from dataclasses import replace
from datetime import timedelta

from chalicelib.adapters.conversation import TableConversation
from chalicelib.adapters.counts import TableCounts
from chalicelib.adapters.memory import MemoryQueue
from chalicelib.domain import ENGINE
from chalicelib.service.change import Desk
from chalicelib.service.counting import Counting
from chalicelib.service.jobs import CountJob, MorningJob, read_job
from chalicelib.service.morning import Looked, Morning, begin
from chalicelib.service.reconcile import Gap

from .ward import CLINIC, MONDAY, Ward, a_patient, a_visit, contacts, facts_of

NAMES = ("Abel", "Bauer", "Chen", "Diaz", "Evans")
PATIENTS = [f"patient{number:09}" for number in range(len(NAMES))]


class Rooms:
    """Five patients, looked through two at a time."""

    def __init__(self) -> None:
        self.ward = Ward().open_clinic()
        for number, (each, name) in enumerate(zip(PATIENTS, NAMES, strict=True)):
            patient = a_patient(each, family_name=name)
            visits = [a_visit(MONDAY + timedelta(days=9), f"visit{number:011}")]
            self.ward.enrol(facts_of(self.ward.clinic, patient, reach=contacts(number=number), visits=visits))
        self.pages = MemoryQueue(now=lambda: self.ward.now)
        self.counting = Counting(
            counts=TableCounts(self.ward.memory),
            store=self.ward.store,
            talk=TableConversation(self.ward.memory, str),
            queue=self.pages,
            segments=len,
        )
        self.morning = Morning(
            store=self.ward.store,
            desk=Desk(store=self.ward.store, queue=self.ward.queue),
            reminders=self.ward.queue,
            pages=self.pages,
            page=2,
        )

    def live(self) -> list[Looked]:
        self.begin()
        return self.work()

    def begin(self) -> None:
        assert begin(self.ward.store, self.pages, self.counting, now=self.ward.now) == 1

    def work(self) -> list[Looked]:
        done = []
        while shown := self.pages.receive():
            for message in shown:
                job = read_job(message.body)
                if isinstance(job, MorningJob):
                    done.append(self.morning.work(job, now=self.ward.now))
                self.pages.delete(message.receipt)
        return done


def test_a_page_is_a_message_that_queues_the_next_until_everybody_was_seen():
    looked = Rooms().live()
    assert [each.reconciled.patients for each in looked] == [2, 2, 1]


def test_whoever_has_been_overlooked_is_found_on_any_page():
    rooms = Rooms()
    rooms.ward.now = MONDAY + timedelta(days=20)
    gaps = [gap for each in rooms.live() for gap in each.reconciled.gaps]
    assert gaps == [Gap(each, "overdue", 1) for each in PATIENTS]


def test_plans_of_an_older_release_are_computed_anew_once():
    rooms = Rooms()
    for each in PATIENTS:
        chart = rooms.ward.chart(each)
        older = replace(chart, cursor=replace(chart.cursor, computed_by="0/2020.1", rev=chart.cursor.rev + 1))
        assert rooms.ward.store.commit(chart, older, audit=rooms.ward.audit("older"))
    assert [each.rederived for each in rooms.live()] == [2, 2, 1]
    assert {rooms.ward.chart(each).cursor.computed_by for each in PATIENTS} == {ENGINE}
    assert [each.rederived for each in rooms.live()] == [0, 0, 0]


def test_where_the_last_of_a_page_was_erased_meanwhile_it_begins_again():
    rooms = Rooms()
    rooms.morning.work(MorningJob(clinic_id=CLINIC, after="patientNobody001"), now=rooms.ward.now)
    assert [each.reconciled.patients for each in rooms.work()] == [2, 1]


def test_a_message_names_nobody():
    rooms = Rooms()
    rooms.begin()
    seen = []
    while shown := rooms.pages.receive():
        for message in shown:
            seen.append(message.body)
            job = read_job(message.body)
            if not isinstance(job, CountJob):
                rooms.morning.work(job, now=rooms.ward.now)
            rooms.pages.delete(message.receipt)
    assert len(seen) == 4, "three pages, and the clinic's count"
    assert not any(name.casefold() in body.casefold() for body in seen for name in NAMES)
