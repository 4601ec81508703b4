"""One clinic in memory: its table, queue and carriers, and a clock that stands until it is moved.

Functions run as Lambda would run them: what raises leaves its message to come again, what is killed leaves everything.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count

from chalicelib.adapters.copybook import copybook
from chalicelib.adapters.library import protocols
from chalicelib.adapters.memory import Crashed, MemoryEmail, MemoryQueue, MemorySms, MemoryTable
from chalicelib.adapters.store import TableStore
from chalicelib.adapters.table import Busy, Put, Table
from chalicelib.adapters.tally import TableTally
from chalicelib.domain.clinic import Clinic
from chalicelib.domain.delivery import Event, Reminder
from chalicelib.domain.facts import Facts, Progress
from chalicelib.domain.ids import ClinicId, PatientId
from chalicelib.domain.message import Site
from chalicelib.domain.patient import Channel, Contact, Patient, Role, Status
from chalicelib.domain.plan import Appointment, AppointmentKind, AppointmentStatus, Pin, Plan, Profile
from chalicelib.domain.protocol import Anchor
from chalicelib.domain.provider_context import ForReminder, read_context
from chalicelib.domain.replan import replanned
from chalicelib.service.allowance import Allowance
from chalicelib.service.change import Altered, Desk
from chalicelib.service.chart import Audit, Chart
from chalicelib.service.deliver import Delivery
from chalicelib.service.metrics import Metric, Metrics
from chalicelib.service.perform import Done
from chalicelib.service.ports import NotQueued, Queue
from chalicelib.service.reconcile import Reconciled, everybody, reconcile
from chalicelib.service.references import decode
from chalicelib.service.tick import Ticked, sweep, tick

MONDAY = datetime(2026, 3, 2, 13, 0, tzinfo=UTC)
"""08:00 in New York, in winter time; the clocks change six days later."""
CLINIC = ClinicId("clinicHillside01")
ANA = PatientId("patientAnaRuiz01")
ZONE = "America/New_York"
SHARDS = 4


def a_clinic(**changes) -> Clinic:
    usual = Clinic(
        id=CLINIC,
        name="Hillside Spine Clinic",
        timezone=ZONE,
        country="US",
        phone="+12025550100",
        sms_number="+12025550199",
        from_email="care@hillside.example",
    )
    return replace(usual, **changes)


def a_patient(patient_id: str = ANA, **changes) -> Patient:
    usual = Patient(
        id=PatientId(patient_id),
        clinic_id=CLINIC,
        external_id=f"MRN-{patient_id}",
        given_name="Ana",
        family_name="Ruiz",
        language="en",
        timezone=ZONE,
        status=Status.ACTIVE,
        enrolled_at=MONDAY,
    )
    return replace(usual, **changes)


def contacts(sms: bool = True, email: bool = True, number: int = 0) -> tuple[Contact, ...]:
    text = Contact(id="c1", role=Role.SELF, channel=Channel.SMS, address=f"+1202556{number:04}", consent=True)
    mail = Contact(id="c2", role=Role.SELF, channel=Channel.EMAIL, address=f"ana{number}@example.org", consent=True)
    return tuple(c for c, wanted in ((text, sms), (mail, email)) if wanted)


def a_visit(
    starts_at: datetime, visit_id: str = "visit00000000001", set_at: datetime = MONDAY, **changes
) -> Appointment:
    usual = Appointment(
        id=visit_id,
        kind=AppointmentKind.PHYSICIAN,
        starts_at=starts_at,
        status=AppointmentStatus.BOOKED,
        set_at=set_at,
        profile=Profile.APPOINTMENT,
    )
    return replace(usual, **changes)


def facts_of(
    clinic: Clinic,
    patient: Patient,
    *,
    visits: Iterable[Appointment] = (),
    reach: tuple[Contact, ...] | None = None,
    pinned: Iterable[str] = (),
    anchors: Mapping[Anchor, date] | None = None,
) -> Facts:
    pins = tuple(Pin(protocol=each, since=patient.enrolled_at) for each in pinned)
    return Facts(
        clinic=clinic,
        patient=patient,
        contacts=contacts() if reach is None else reach,
        plan=Plan(version=1, pins=pins, anchors=dict(anchors or {})),
        protocols={pin.protocol: protocols()[pin.protocol] for pin in pins},
        progress=Progress(through=patient.enrolled_at),
        appointments=tuple(visits),
    )


class Counted(Metrics):
    """What was told, summed up by metric, kind and channel."""

    def __init__(self) -> None:
        self.sums: Counter[tuple[Metric, str, str]] = Counter()

    def tell(self, metric: Metric, value: float = 1, *, kind: str = "", channel: str = "", code: str = "") -> None:
        self.sums[metric, kind, channel] += value


@dataclass
class Ward:
    """`table` and `line` let a test stand between the service and what it writes to."""

    now: datetime = MONDAY
    events: bool = True
    """Whether the providers report that they accepted a message."""
    clinic: Clinic = field(default_factory=a_clinic)
    memory: MemoryTable = field(default_factory=MemoryTable)
    table: Callable[[Table], Table] = lambda table: table
    line: Callable[[Queue], Queue] = lambda queue: queue
    sms: MemorySms = field(default_factory=MemorySms)
    email: MemoryEmail = field(default_factory=MemoryEmail)
    told: Counted = field(default_factory=Counted)

    def __post_init__(self) -> None:
        self.dead_letters = MemoryQueue(now=lambda: self.now)
        self.sqs = MemoryQueue(now=lambda: self.now, dead_letters=self.dead_letters)
        self.queue = self.line(self.sqs)
        self.notes = MemoryQueue(now=lambda: self.now)
        self.store = TableStore(self.memory, protocols(), _hashed, shards=SHARDS)
        """For the test's own looks and for what is not under test."""
        self.tokens = count(1)
        self.reported: set[str] = set()
        self.restart()

    def restart(self) -> None:
        """A fresh worker: nothing kept from before."""
        self.worker = TableStore(self.table(self.memory), protocols(), _hashed, shards=SHARDS)
        self.delivery = Delivery(
            store=self.worker,
            queue=self.queue,
            notes=self.notes,
            sms=self.sms,
            email=self.email,
            book=copybook,
            site=Site(url="https://care.example", secret=b"secret"),
            metrics=self.told,
            allowance=Allowance(tally=TableTally(self.table(self.memory)), metrics=self.told),
        )

    # people

    def open_clinic(self) -> "Ward":
        assert self.store.create_clinic(self.clinic)
        return self

    def enrol(self, facts: Facts | None = None, **how) -> Chart:
        wanted = facts or facts_of(self.clinic, a_patient(enrolled_at=self.now), **how)
        planned, cursor = replanned(None, wanted, None, self.now)
        chart = Chart(facts=planned, cursor=cursor)
        assert self.store.enrol(chart, "digest", (), (), self.audit("patient.enrol"))
        return chart

    def audit(self, action: str) -> Audit:
        return Audit(id=f"a{next(self.tokens)}", clinic_id=self.clinic.id, at=self.now, actor="test", action=action)

    def change(self, alter: Callable[[Facts], Facts], patient_id: str = ANA) -> None:
        Desk(store=self.store, queue=self.queue).change(
            self.clinic.id, patient_id, lambda facts: Altered(facts=alter(facts)), self.audit("change"), now=self.now
        )

    def chart(self, patient_id: str = ANA) -> Chart:
        found = self.store.chart(self.clinic.id, patient_id, now=self.now)
        assert found is not None
        return found

    def history(self, patient_id: str = ANA) -> list[Reminder]:
        return list(self.store.reminders(self.clinic.id, patient_id))

    # functions

    def tick(self) -> Ticked:
        return tick(self.worker, self.queue, now=self.now, shards=SHARDS)

    def sweep(self) -> int:
        return sweep(self.worker, self.queue, now=self.now, shards=SHARDS)

    def reconcile(self) -> Reconciled:
        return reconcile(self.worker, self.queue, everybody(self.worker, self.now), now=self.now)

    def deliver(self, body: str, *, skew: timedelta = timedelta(0)) -> Done:
        return self.delivery.deliver(decode(body), now=self.now + skew, token=f"t{next(self.tokens)}")

    def deliver_shown(self, *, skew: timedelta = timedelta(0)) -> list[Done | BaseException]:
        """Runs the function once for each message that shows now; what it raises leaves the message to come again."""
        done: list[Done | BaseException] = []
        for received in self.sqs.receive():
            try:
                done.append(self.deliver(received.body, skew=skew))
            except (Crashed, Busy, NotQueued, ConnectionError) as broken:
                done.append(broken)
                self.restart()
            else:
                self.sqs.delete(received.receipt)
            self.report()
        return done

    def report(self) -> None:
        """The providers' first events about what they accepted since."""
        for attempt in [*self.sms.attempts, *self.email.attempts]:
            if attempt.provider_id is None or attempt.provider_id in self.reported:
                continue
            self.reported.add(attempt.provider_id)
            if self.events:
                self.evidence(about(attempt.message), Event.ACCEPTED, attempt.provider_id)

    def evidence(self, about: ForReminder, event: Event, provider_id: str) -> None:
        self.store.evidence(
            about.clinic_id, about.patient_id, about.seq, event, provider_id, self.now, "", attempt=about.attempt
        )

    # time

    def drain(self, until: datetime) -> None:
        """Delivers what shows up to then, each at its time; no schedule runs."""
        while (at := self.sqs.next_at()) is not None and at <= until:
            self.now = max(self.now, at)
            self.deliver_shown()
        self.now = max(self.now, until)

    def live(self, until: datetime) -> None:
        """Everything runs: the tick each minute, the sweep each ten, messages as they show."""
        while self.now < until:
            self.tick()
            if self.now.minute % 10 == 0:
                self.sweep()
            self.drain(min(until, self.now + timedelta(minutes=1)))

    # what people got

    def sent(self, patient_id: str = ANA) -> list[int]:
        """The number of the reminder behind each message that reached the patient, in order."""
        return [a.seq for a in (about(m) for m in (*self.sms.sent, *self.email.sent)) if a.patient_id == patient_id]


def about(message) -> ForReminder:
    found = read_context(message.context if hasattr(message, "context") else message.tags)
    assert isinstance(found, ForReminder)
    return found


def _hashed(number: str) -> str:
    return f"hash-of-{number[-4:]}"


def copied(table: MemoryTable) -> MemoryTable:
    twin = MemoryTable()
    for item in table.items():
        twin.write(Put(item))
    return twin
