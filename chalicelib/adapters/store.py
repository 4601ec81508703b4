"""The store: nouns in, nouns out; keys, attributes and conditions stay in here.

It speaks the table's small language, so the same code runs on DynamoDB and in memory. Facts and histories are JSON
documents; what conditions, indexes or provider events touch are attributes of their own.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any as Anything

from chalicelib.adapters import keys
from chalicelib.adapters.documents import pack, unpack
from chalicelib.adapters.schema import DUE, ROSTER, WORK
from chalicelib.adapters.table import (
    Absent,
    All,
    Any,
    Change,
    Condition,
    Is,
    Item,
    Key,
    Lacks,
    Operation,
    Put,
    Refused,
    Remove,
    Table,
)
from chalicelib.adapters.tasks import task_item
from chalicelib.domain.clinic import Clinic
from chalicelib.domain.cursor import SHARDS, Cursor, InFlight, Lane
from chalicelib.domain.delivery import MOVES, Event, Reminder, Status
from chalicelib.domain.facts import Facts
from chalicelib.domain.ids import ClinicId, PatientId, spread
from chalicelib.domain.local_time import utc_text
from chalicelib.domain.occurrence import Reason
from chalicelib.domain.patient import Channel, Consent, Contact, Patient
from chalicelib.domain.plan import Appointment, Pin, Plan, Supply
from chalicelib.domain.protocol import Anchor, Protocol
from chalicelib.service.chart import AccessKey, Audit, Chart, Reference, Task
from chalicelib.service.ports import Watermark

CLINIC_KEPT = timedelta(seconds=10)
"""How old a worker's copy of its clinic may be. A read for every reminder would cost a call and half an RRU."""


class TableStore:
    """`Store` over a `Table`. `hash_number` is a keyed hash: numbers are looked up by it, never stored in a key."""

    def __init__(
        self,
        table: Table,
        library: Mapping[str, Protocol],
        hash_number: Callable[[str], str],
        *,
        own: Callable[[str, str], Protocol] | None = None,
        shards: int = SHARDS,
    ) -> None:
        """`library` holds the protocols that ship; `own` finds one of a clinic's own."""
        self._table = table
        self._library = library
        self._own = own
        self._hash = hash_number
        self._shards = shards
        self._clinics: dict[str, tuple[datetime, Clinic]] = {}

    # --- clinics and their keys ---

    def create_clinic(self, clinic: Clinic) -> bool:
        written = self._table.write(
            Put(_clinic_item(clinic), when=Absent()),
            Put(_with_key(keys.clinic_of_number(clinic.sms_number), {"clinic": clinic.id}), when=Absent()),
        )
        return not isinstance(written, Refused)

    def clinic(self, clinic_id: str, *, now: datetime | None = None) -> Clinic | None:
        kept = self._clinics.get(clinic_id)
        if now and kept and timedelta(0) <= now - kept[0] < CLINIC_KEPT:
            return kept[1]
        found = self._table.get(keys.clinic(clinic_id))
        if found is None:
            return None
        clinic = unpack(_text(found, "doc"), Clinic)
        if now:
            self._clinics[clinic_id] = (now, clinic)
        return clinic

    def clinics(self) -> list[Clinic]:
        found = []
        for row in self._all(keys.CLINICS, index=ROSTER.name):
            clinic = self.clinic(_text(row, "clinic"))
            if clinic is not None:
                found.append(clinic)
        return found

    def replace_clinic(self, old: Clinic, new: Clinic) -> bool:
        operations: list[Operation] = [Put(_clinic_item(new), when=Is("version", old.version))]
        if new.sms_number != old.sms_number:
            taken = _with_key(keys.clinic_of_number(new.sms_number), {"clinic": new.id})
            operations += [Put(taken, when=Absent()), Remove(keys.clinic_of_number(old.sms_number))]
        self._clinics.pop(new.id, None)
        return not isinstance(self._table.write(*operations), Refused)

    def add_key(self, key: AccessKey) -> None:
        lookup = {"clinic": key.clinic_id, "key": key.id}
        self._table.write(
            Put(_with_key(keys.access_key(key.clinic_id, key.id), {"doc": pack(key)}), when=Absent()),
            Put(_with_key(keys.key_of_secret(key.secret_hash), lookup), when=Absent()),
        )

    def keys(self, clinic_id: str) -> list[AccessKey]:
        return [unpack(_text(i, "doc"), AccessKey) for i in self._all(keys.under(clinic_id), prefix="key#")]

    def key_of(self, secret_hash: str) -> AccessKey | None:
        lookup = self._table.get(keys.key_of_secret(secret_hash))
        if lookup is None:
            return None
        found = self._table.get(keys.access_key(_text(lookup, "clinic"), _text(lookup, "key")))
        return unpack(_text(found, "doc"), AccessKey) if found else None

    def revoke_key(self, key: AccessKey) -> None:
        self._table.write(Remove(keys.access_key(key.clinic_id, key.id)), Remove(keys.key_of_secret(key.secret_hash)))

    # --- patients ---

    def chart(self, clinic_id: str, patient_id: str, *, now: datetime) -> Chart | None:
        clinic = self.clinic(clinic_id, now=now)
        rows = list(self._all(keys.patient(clinic_id, patient_id), prefix=keys.FACTS, consistent=True))
        if clinic is None or not rows:
            return None
        return self._chart(clinic, rows)

    def _chart(self, clinic: Clinic, rows: Sequence[Item]) -> Chart:
        nouns: dict[str, list[str]] = {}
        supplies: dict[Anchor, Supply] = {}
        for row in rows:
            noun = _text(row, "sk").split("#")[1]
            nouns.setdefault(noun, []).append(_text(row, "doc"))
        for document in nouns.get("supply", ()):
            supply = unpack(document, Supply)
            supplies[supply.anchor] = supply
        plan = unpack(nouns["plan"][0], Plan)
        cursor = unpack(nouns["cursor"][0], Cursor)
        return Chart(
            cursor=cursor,
            facts=Facts(
                clinic=clinic,
                patient=unpack(nouns["patient"][0], Patient),
                contacts=tuple(unpack(d, Contact) for d in nouns.get("contact", ())),
                plan=plan,
                protocols={pin.protocol: self._protocol(clinic.id, pin) for pin in plan.pins},
                progress=cursor.progress,
                appointments=tuple(
                    sorted(
                        (unpack(d, Appointment) for d in nouns.get("appointment", ())),
                        key=lambda a: (a.starts_at, a.id),
                    )
                ),
                supplies=supplies,
                session=cursor.session,
            ),
        )

    def _protocol(self, clinic_id: str, pin: Pin) -> Protocol:
        if pin.own:
            assert self._own is not None, "whoever pins a clinic's own protocol has given its shelf"
            return self._own(clinic_id, pin.protocol)
        return self._library[pin.protocol]

    def enrolment(self, clinic_id: str, patient_id: str) -> str | None:
        found = self._table.get(keys.fact(clinic_id, patient_id, "patient"))
        return _text(found, "enrolled_with") if found else None

    def enrol(
        self, chart: Chart, digest: str, consents: Sequence[Consent], tasks: Sequence[Task], audit: Audit
    ) -> bool:
        facts = chart.facts
        items = _fact_items(facts)
        patient = keys.fact(facts.clinic.id, facts.patient.id, "patient")
        items[patient] = {**items[patient], "enrolled_with": digest}
        operations: list[Operation] = [
            Put(_with_key(key, item), when=Absent() if key == patient else None) for key, item in items.items()
        ]
        operations.append(Put(self._cursor_item(facts.clinic.id, facts.patient.id, chart.cursor, facts.clinic)))
        operations += [Put(i) for i in self._number_items(facts)]
        operations += [Put(_consent_item(facts, c)) for c in consents]
        operations += [Put(task_item(t)) for t in tasks]
        operations.append(Put(_audit_item(audit)))
        return not isinstance(self._table.write(*operations), Refused)

    def commit(
        self,
        old: Chart,
        new: Chart,
        *,
        audit: Audit,
        tasks: Sequence[Task] = (),
        consents: Sequence[Consent] = (),
    ) -> bool:
        clinic_id, patient_id = new.facts.clinic.id, new.facts.patient.id
        before, after = _fact_items(old.facts), _fact_items(new.facts)
        cursor = self._cursor_item(clinic_id, patient_id, new.cursor, new.facts.clinic)
        operations: list[Operation] = [Put(cursor, when=_fence(old.cursor))]
        for key, item in after.items():
            if before.get(key) != item:
                # Other attributes of the same item (how it was enrolled) stay as they are.
                operations.append(Change(key, put=item))
        operations += [Remove(key) for key in before if key not in after]
        held, kept = self._number_items(old.facts), self._number_items(new.facts)
        operations += [Put(i) for i in kept if i not in held]
        operations += [Remove(Key.of(i)) for i in held if i not in kept]
        operations += [Put(_consent_item(new.facts, c)) for c in consents]
        operations += [Put(task_item(t)) for t in tasks]
        operations.append(Put(_audit_item(audit)))
        return not isinstance(self._table.write(*operations), Refused)

    def roster(self, clinic_id: str, *, limit: int, start: str | None = None) -> tuple[list[str], str | None]:
        page = self._table.query(keys.roster(clinic_id), index=ROSTER.name, limit=limit, start=_start(start))
        return [_text(i, "patient") for i in page.items], _next(page.next)

    def number_stopped(self, clinic_id: str, number: str) -> bool:
        return self._table.get(Key(keys.number(clinic_id, self._hash(number)), keys.STOPPED)) is not None

    def _number_items(self, facts: Facts) -> list[Item]:
        return [
            _with_key(
                Key(keys.number(facts.clinic.id, self._hash(c.address)), f"{facts.patient.id}#{c.id}"),
                {"clinic": facts.clinic.id, "patient": facts.patient.id},
            )
            for c in facts.contacts
            if c.channel is Channel.SMS
        ]

    # --- delivery ---

    def due(self, shard: int, after: datetime | None, upto: datetime, *, limit: int) -> list[Reference]:
        page = self._table.query(
            keys.shard(shard),
            index=DUE.name,
            after=keys.up_to(after) if after else None,
            upto=keys.up_to(upto),
            limit=limit,
        )
        return [
            Reference(
                clinic_id=ClinicId(_text(i, "clinic")),
                patient_id=PatientId(_text(i, "patient")),
                seq=_number(i, "seq"),
                due=_instant(_text(i, "due_sk").partition("#")[0]),
                lane=_text(i, "lane"),
            )
            for i in page.items
        ]

    def watermark(self) -> Watermark | None:
        found = self._table.get(keys.WATERMARK)
        return unpack(_text(found, "doc"), Watermark) if found else None

    def advance_watermark(self, old: Watermark | None, new: Watermark) -> bool:
        written = self._table.write(
            Put(
                _with_key(keys.WATERMARK, {"doc": pack(new), "through": utc_text(new.through)}),
                when=Is("through", utc_text(old.through)) if old else Absent(),
            )
        )
        return not isinstance(written, Refused)

    def claim(self, chart: Chart, new: Cursor) -> Cursor | None:
        old, facts = chart.cursor, chart.facts
        item = self._cursor_item(facts.clinic.id, facts.patient.id, new, facts.clinic)
        written = self._table.write(Put(item, when=_fence(old)))
        if not isinstance(written, Refused):
            return None
        assert written.current is not None
        stands = unpack(_text(written.current, "doc"), Cursor)
        mine = {f.token for f in new.in_flight.values() if f.seq == old.seq}
        if any(f.seq == old.seq and f.token in mine for f in stands.in_flight.values()):
            return None
        return stands

    def hold(self, reference: Reference, until: datetime | None, lane: Lane | None, reason: Reason) -> bool:
        key = keys.cursor(reference.clinic_id, reference.patient_id)
        found = self._table.get(key)
        if found is None:
            return False
        cursor = unpack(_text(found, "doc"), Cursor)
        if (cursor.seq, cursor.due) != (reference.seq, reference.due):
            return False
        clinic = self.clinic(reference.clinic_id)
        assert clinic is not None
        held = replace(cursor, due=until, held=reason, lane=lane or cursor.lane)
        item = self._cursor_item(reference.clinic_id, reference.patient_id, held, clinic)
        return not isinstance(
            self._table.write(Put(item, when=All(_fence(cursor), Is("due_sk", found["due_sk"])))), Refused
        )

    def retry(self, reference: Reference, channel: Channel, old: InFlight, new: InFlight) -> bool:
        key = keys.cursor(reference.clinic_id, reference.patient_id)
        found = self._table.get(key)
        if found is None:
            return False
        cursor = unpack(_text(found, "doc"), Cursor)
        if cursor.in_flight.get(channel) != old:
            return False
        changed = replace(cursor, in_flight={**cursor.in_flight, channel: new})
        return not isinstance(
            self._table.write(Change(key, put={"doc": pack(changed)}, when=Is("doc", found["doc"]))), Refused
        )

    def _cursor_item(self, clinic_id: str, patient_id: str, cursor: Cursor, clinic: Clinic) -> Item:
        item: dict[str, Anything] = {
            "clinic": clinic_id,
            "patient": patient_id,
            "rev": cursor.rev,
            "seq": cursor.seq,
            "lane": _lane(cursor.lane, clinic),
            "doc": pack(cursor),
        }
        if cursor.due is not None:
            item["due_pk"] = keys.shard(spread(patient_id, self._shards))
            item["due_sk"] = keys.due(cursor.due, clinic_id, patient_id)
        return _with_key(keys.cursor(clinic_id, patient_id), item)

    # --- history ---

    def reminder(self, clinic_id: str, patient_id: str, seq: int) -> Reminder | None:
        found = self._table.get(keys.reminder(clinic_id, patient_id, seq))
        return _reminder(found) if found else None

    def reminders(self, clinic_id: str, patient_id: str, *, after: int = 0) -> Iterator[Reminder]:
        pk = keys.patient(clinic_id, patient_id)
        last = f"{keys.HISTORY}~"
        for item in self._all(pk, after=f"{keys.HISTORY}{after:08d}", upto=last, consistent=True):
            yield _reminder(item)

    def record(self, reminder: Reminder, event: Event) -> None:
        key = keys.reminder(reminder.clinic_id, reminder.patient_id, reminder.seq)
        bare = replace(reminder, provider_id="", sent_at=None, delivered_at=None, detail="", text="")
        about: dict[str, Anything] = {"doc": pack(bare)}
        if reminder.text:
            about["text"] = reminder.text
        if reminder.provider_id:
            about["provider_id"] = reminder.provider_id
        if reminder.sent_at:
            about["sent_at"] = utc_text(reminder.sent_at)
        moved = {**about, "status": reminder.status.value}
        if reminder.detail:
            moved["detail"] = reminder.detail
        # An event may have come before the record of its own send; then its status stands and only the rest is added.
        if isinstance(self._table.write(Change(key, put=moved, when=_moves(event))), Refused):
            self._table.write(Change(key, put=about))

    def evidence(
        self,
        clinic_id: str,
        patient_id: str,
        seq: int,
        event: Event,
        provider_id: str,
        at: datetime,
        detail: str,
    ) -> None:
        put: dict[str, Anything] = {"status": MOVES[event][0].value, "provider_id": provider_id}
        if event is Event.DELIVERED:
            put["delivered_at"] = utc_text(at)
        if detail:
            put["detail"] = detail
        self._table.write(Change(keys.reminder(clinic_id, patient_id, seq), put=put, when=_moves(event)))

    # --- staff ---

    def open_task(self, task: Task) -> bool:
        return not isinstance(self._table.write(Put(task_item(task), when=Absent())), Refused)

    def tasks(self, clinic_id: str, *, limit: int, start: str | None = None) -> tuple[list[Task], str | None]:
        page = self._table.query(keys.open_tasks(clinic_id), index=WORK.name, limit=limit, start=_start(start))
        return [unpack(_text(i, "doc"), Task) for i in page.items], _next(page.next)

    def _all(self, pk: str, **query: Anything) -> Iterator[Item]:
        start = None
        while True:
            page = self._table.query(pk, start=start, **query)
            yield from page.items
            start = page.next
            if start is None:
                return


def _with_key(key: Key, attributes: Mapping[str, Anything]) -> Item:
    return {"pk": key.pk, "sk": key.sk, **attributes}


def _fence(cursor: Cursor) -> Condition:
    return All(Is("rev", cursor.rev), Is("seq", cursor.seq))


def _moves(event: Event) -> Condition:
    """The state the event may move: the condition under which its write happens at all."""
    sources = MOVES[event][1]
    found: list[Condition] = [Is("status", s.value) for s in sorted(s for s in sources if s)]
    return Any(*([Lacks("status")] if None in sources else []), *found)


def _clinic_item(clinic: Clinic) -> Item:
    return _with_key(
        keys.clinic(clinic.id),
        {
            "clinic": clinic.id,
            "version": clinic.version,
            "doc": pack(clinic),
            "roster_pk": keys.CLINICS,
            "roster_sk": f"{clinic.name}#{clinic.id}",
        },
    )


def _fact_items(facts: Facts) -> dict[Key, Item]:
    """Every noun of a patient's facts but the cursor, by key."""
    clinic, patient = facts.clinic.id, facts.patient
    name = f"{patient.family_name}, {patient.given_name}"
    found: dict[Key, Item] = {
        keys.fact(clinic, patient.id, "patient"): {
            "doc": pack(patient),
            "clinic": clinic,
            "patient": patient.id,
            "status": patient.status.value,
            "name": name,
            "external_id": patient.external_id,
            "roster_pk": keys.roster(clinic),
            "roster_sk": f"{name.casefold()}#{patient.id}",
        },
        keys.fact(clinic, patient.id, "plan"): {"doc": pack(facts.plan)},
    }
    for contact in facts.contacts:
        found[keys.fact(clinic, patient.id, "contact", contact.id)] = {"doc": pack(contact)}
    for visit in facts.appointments:
        found[keys.fact(clinic, patient.id, "appointment", visit.id)] = {"doc": pack(visit)}
    for anchor, supply in facts.supplies.items():
        found[keys.fact(clinic, patient.id, "supply", anchor.value)] = {"doc": pack(supply)}
    return found


def _consent_item(facts: Facts, consent: Consent) -> Item:
    sk = f"{keys.CONSENTS}{utc_text(consent.at)}#{consent.channel}"
    return _with_key(Key(keys.patient(facts.clinic.id, facts.patient.id), sk), {"doc": pack(consent)})


def _audit_item(audit: Audit) -> Item:
    return _with_key(keys.audit(audit.clinic_id, audit.at, audit.id), {"doc": pack(audit)})


def _reminder(item: Item) -> Reminder:
    """The record, with what provider events wrote beside it; an event may be all there is yet."""
    delivered, sent = item.get("delivered_at"), item.get("sent_at")
    seq = int(_text(item, "sk").removeprefix(keys.HISTORY))
    _, clinic, _, patient = _text(item, "pk").split("#")
    if "doc" in item:
        known = unpack(_text(item, "doc"), Reminder)
    else:
        known = Reminder.bare(ClinicId(clinic), PatientId(patient), seq)
    return replace(
        known,
        status=Status(_text(item, "status")),
        provider_id=str(item.get("provider_id", "")),
        sent_at=_instant(str(sent)) if sent else None,
        delivered_at=_instant(str(delivered)) if delivered else None,
        detail=str(item.get("detail", "")),
        text=str(item.get("text", "")),
    )


def _lane(lane: Lane, clinic: Clinic) -> str:
    """The lane with its pace a minute, so that the tick can space messages without reading the clinic."""
    match lane:
        case Lane.SMS:
            return f"sms#{clinic.id}#{round(clinic.sms_per_second * 60)}"
        case Lane.EMAIL:
            return f"email##{EMAILS_A_MINUTE}"
        case Lane.NONE:
            return ""


EMAILS_A_MINUTE = 600
"""A young SES account's allowance is 14 a second; ten leaves room for what is not a reminder."""


def _instant(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def _text(item: Item, name: str) -> str:
    value = item[name]
    assert isinstance(value, str)
    return value


def _number(item: Item, name: str) -> int:
    value = item[name]
    assert isinstance(value, int)
    return value


def _start(cursor: str | None) -> Mapping[str, str] | None:
    return unpack(cursor, dict[str, str]) if cursor else None


def _next(cursor: Mapping[str, str] | None) -> str | None:
    return pack(dict(cursor)) if cursor else None
