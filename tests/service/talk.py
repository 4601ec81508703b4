"""The two-way half of a clinic in memory: patients' texts are heard, and staff enrol, on one table and one clock."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import count

from chalicelib.adapters.conversation import TableConversation
from chalicelib.adapters.copybook import copybook
from chalicelib.adapters.library import protocols
from chalicelib.adapters.memory import MemoryEmail, MemoryQueue, MemorySms, MemoryTable
from chalicelib.adapters.store import TableStore
from chalicelib.adapters.table import Table
from chalicelib.domain.clinic import Clinic, Person
from chalicelib.domain.ids import PatientId
from chalicelib.domain.message import Site
from chalicelib.domain.patient import Channel, Consent, Contact, Role
from chalicelib.domain.protocol import Anchor
from chalicelib.protocols.triage import load
from chalicelib.service.alert import Alerting
from chalicelib.service.answers import Answering
from chalicelib.service.change import Desk
from chalicelib.service.chart import Audit, Chart
from chalicelib.service.enrol import Enrolling, Enrolment
from chalicelib.service.escalate import Escalation
from chalicelib.service.hear import Hearing
from chalicelib.service.inbound import Inbound
from chalicelib.service.say import Voice
from chalicelib.service.shelf import Shelved
from chalicelib.service.unread import Unread

from .ward import MONDAY, a_clinic

NUMBER = "+12025560000"
MAIL = "ana@example.org"
KIM = "+12025560111"


class Shelf:
    """What ships, and nothing else."""

    def all(self, clinic_id: str) -> Mapping[str, Shelved]:
        return {name: Shelved(protocol=protocol) for name, protocol in protocols().items()}


@dataclass
class Talk:
    """`table` lets a test stand between the service and what it writes to."""

    table: Table = field(default_factory=MemoryTable)
    now: datetime = MONDAY
    clinic: Clinic = field(default_factory=lambda: a_clinic(on_call=(Person(name="Kim", phone=KIM),)))
    sms: MemorySms = field(default_factory=MemorySms)
    email: MemoryEmail = field(default_factory=MemoryEmail)

    def __post_init__(self) -> None:
        self.queue = MemoryQueue(now=lambda: self.now)
        self.ids = count(1)
        self.store, self.talk = self.on(self.table)

    def on(self, table: Table) -> tuple[TableStore, TableConversation]:
        return TableStore(table, protocols(), _hashed), TableConversation(table, _hashed)

    def open_clinic(self) -> "Talk":
        assert self.store.create_clinic(self.clinic)
        return self

    # staff

    def enrol(self, external_id: str = "MRN-1", *, table: Table | None = None, **addresses: str) -> Chart:
        store, _ = self.on(table or self.table)
        enrolling = Enrolling(store=store, queue=self.queue, shelf=Shelf(), name_patient=_named)
        done = enrolling.enrol(self.clinic, an_enrolment(external_id, **addresses), external_id, "desk", now=self.now)
        assert not hasattr(done, "problems")
        return done.chart

    def desk(self, table: Table | None = None) -> Desk:
        return Desk(store=self.on(table or self.table)[0], queue=self.queue)

    def audit(self, action: str) -> Audit:
        return Audit(id=f"a{next(self.ids)}", clinic_id=self.clinic.id, at=self.now, actor="desk", action=action)

    def chart(self, external_id: str = "MRN-1") -> Chart | None:
        return self.store.chart(self.clinic.id, _named(self.clinic.id, external_id), now=self.now)

    def voice(self, talk: TableConversation) -> Voice:
        return Voice(talk=talk, sms=self.sms, email=self.email, book=copybook, site=_SITE)

    def escalation(self, table: Table | None = None) -> Escalation:
        store, talk = self.on(table or self.table)
        return Escalation(store=store, talk=talk, voice=self.voice(talk), queue=self.queue)

    # patients

    def says(self, text: str, *, sender: str = NUMBER, table: Table | None = None, provider_id: str = "") -> str:
        store, talk = self.on(table or self.table)
        voice, escalation = self.voice(talk), self.escalation(table)
        hearing = Hearing(
            store=store,
            talk=talk,
            answering=Answering(desk=Desk(store=store, queue=self.queue), talk=talk),
            alerting=Alerting(store=store, unread=Unread(store=store, talk=talk), escalation=escalation),
            voice=voice,
            escalation=escalation,
            knowledge=load,
        )
        inbound = Inbound(
            provider_id=provider_id or f"in{next(self.ids)}",
            sender=sender,
            to=self.clinic.sms_number,
            text=text,
            at=self.now,
        )
        return hearing.hear(inbound, now=self.now)


def an_enrolment(external_id: str = "MRN-1", *, phone: str = NUMBER, email: str = MAIL) -> Enrolment:
    def contact(number: int, channel: Channel, address: str) -> Contact:
        return Contact(id=f"c{number}", role=Role.SELF, channel=channel, address=address, consent=True)

    given = {"method": "verbal", "recorded_by": "desk", "at": MONDAY, "granted": True}
    return Enrolment(
        external_id=external_id,
        given_name="Ana",
        family_name="Ruiz",
        language="en",
        timezone="America/New_York",
        contacts=(contact(1, Channel.SMS, phone), contact(2, Channel.EMAIL, email)),
        protocols=("spasticity.v1",),
        anchors={Anchor.INJURY: date(2026, 1, 10)},
        consents=tuple(Consent(channel=channel, **given) for channel in (Channel.SMS, Channel.EMAIL)),
    )


@dataclass
class Interrupted:
    """A table on which something else happens in the moment before its `at`-th call."""

    inner: Table
    at: int
    event: Callable[[], object]
    calls: int = 0

    def _meet(self) -> None:
        self.calls += 1
        if self.calls == self.at:
            self.event()

    def get(self, key, **how):
        self._meet()
        return self.inner.get(key, **how)

    def get_many(self, keys, **how):
        self._meet()
        return self.inner.get_many(keys, **how)

    def query(self, pk, **how):
        self._meet()
        return self.inner.query(pk, **how)

    def write(self, *operations):
        self._meet()
        return self.inner.write(*operations)


def _hashed(address: str) -> str:
    return address.translate(str.maketrans("+@.", "abc"))


def _named(clinic_id: str, external_id: str) -> PatientId:
    return PatientId(external_id.ljust(16, "0"))


_SITE = Site(url="https://care.example", secret=b"secret")
