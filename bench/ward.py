"""A clinic with many patients, of whom some are due in one minute: the same story on any table."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from chalicelib.adapters import keys
from chalicelib.adapters.copybook import copybook
from chalicelib.adapters.items import cursor_item, due_attributes
from chalicelib.adapters.library import protocols
from chalicelib.adapters.store import TableStore
from chalicelib.adapters.table import Put, Table
from chalicelib.adapters.tally import TableTally
from chalicelib.domain.clinic import Clinic
from chalicelib.domain.cursor import SHARDS
from chalicelib.domain.facts import Facts, Progress
from chalicelib.domain.ids import ClinicId, PatientId
from chalicelib.domain.message import Site
from chalicelib.domain.patient import Channel, Contact, Patient, Role, Status
from chalicelib.domain.plan import Override, Pin, Plan
from chalicelib.domain.protocol import Anchor
from chalicelib.domain.replan import replanned
from chalicelib.service.allowance import Allowance
from chalicelib.service.chart import Audit, Chart
from chalicelib.service.deliver import Delivery
from chalicelib.service.perform import Done
from chalicelib.service.ports import EmailProvider, Queue, SmsProvider
from chalicelib.service.references import decode
from chalicelib.service.tick import tick

DUE = datetime(2026, 3, 9, 15, 0, tzinfo=UTC)
"""A Monday, 11:00 in New York: a week after everybody was enrolled."""
ENROLLED = DUE - timedelta(days=7)
FOLLOWED = "spasticity.v1"
"""Weekly check-ins by text, with a session: the fullest cursor a reminder writes."""
CLINIC = Clinic(
    id=ClinicId("clinicHillside01"),
    name="Hillside Spine Clinic",
    timezone="America/New_York",
    country="US",
    phone="+12025550100",
    sms_number="+12025550199",
    from_email="care@hillside.example",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    body: str
    at: datetime


def hashed(number: str) -> str:
    return f"hash{number}"


def store_on(table: Table) -> TableStore:
    return TableStore(table, protocols(), hashed)


def template(pace: float) -> tuple[Clinic, Chart]:
    """One patient's chart a week into the plan, with a check-in as the next thing due."""
    clinic = replace(CLINIC, sms_per_second=pace)
    protocol = protocols()[FOLLOWED]
    facts = Facts(
        clinic=clinic,
        patient=Patient(
            id=PatientId("patient000000000"),
            clinic_id=clinic.id,
            external_id="MRN-0",
            given_name="Ana",
            family_name="Ruiz",
            language="en",
            timezone="America/New_York",
            status=Status.ACTIVE,
            enrolled_at=ENROLLED,
        ),
        contacts=(Contact(id="c1", role=Role.SELF, channel=Channel.SMS, address="+12025560000", consent=True),),
        plan=Plan(
            version=1,
            pins=(Pin(protocol=FOLLOWED, since=ENROLLED),),
            anchors={Anchor.INJURY: date(2026, 1, 10)},
            overrides={f"{FOLLOWED}/weekly": Override(weekday=0, at=time(11))},
        ),
        protocols={FOLLOWED: protocol},
        progress=Progress(through=DUE - timedelta(hours=6)),
    )
    known, cursor = replanned(None, facts, None, DUE - timedelta(hours=6))
    assert cursor.due == DUE, cursor
    return clinic, Chart(facts=known, cursor=cursor)


def populate(table: Table, enrolled: int, due: int, *, pace: float = 10.0) -> TableStore:
    """`due` patients have their next reminder at DUE. The others have theirs later, and of them only the cursors are
    written: nothing else of theirs could be come across, and a million patients whole would not fit the machine."""
    store = store_on(table)
    clinic, chart = template(pace)
    assert store.create_clinic(clinic)
    for number in range(due):
        patient = replace(chart.facts.patient, id=PatientId(f"patient{number:09}"), external_id=f"MRN-{number:09}")
        reach = tuple(replace(c, address=f"+1202{number:07}") for c in chart.facts.contacts)
        facts = replace(chart.facts, patient=patient, contacts=reach)
        audit = Audit(id=f"a{number}", clinic_id=clinic.id, at=ENROLLED, actor="bench", action="patient.enrol")
        assert store.enrol(Chart(facts=facts, cursor=replace(chart.cursor, seq=7)), "digest", (), (), audit)
    idle = cursor_item(clinic, "idle", chart.cursor, SHARDS)
    for number in range(due, enrolled):
        patient_id = f"patient{number:09}"
        key = keys.cursor(clinic.id, patient_id)
        later = due_attributes(clinic.id, patient_id, DUE + timedelta(hours=1, seconds=number % 100_000), SHARDS)
        table.write(Put({**idle, "pk": key.pk, "sk": key.sk, **later}))
    return store


def live(
    table: Table,
    store: TableStore,
    queue: Queue,
    sms: SmsProvider,
    email: EmailProvider,
    receive: Callable[[], Iterator[Received]],
) -> tuple[int, int]:
    """One tick three minutes ahead, then every reference at its second; (queued, sent)."""
    done = tick(store, queue, now=DUE - timedelta(minutes=3), shards=SHARDS)
    assert done.held == 0
    site = Site(url="https://care.example", secret=b"secret")
    counting = Allowance(tally=TableTally(table))
    delivery = Delivery(
        store=store, queue=queue, notes=queue, sms=sms, email=email, book=copybook, site=site, allowance=counting
    )
    sent = 0
    for number, received in enumerate(receive()):
        reference = decode(received.body)
        sent += delivery.deliver(reference, now=received.at, token=f"token{number:011}") is Done.SENT
    return done.queued, sent
