"""The store: nouns in, nouns out; conditions stay in here, attribute names in `items`, keys in `keys`.

It speaks the table's small language, so the same code runs on DynamoDB and in memory.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice
from typing import Any as Anything

from chalicelib.adapters import keys
from chalicelib.adapters.addresses import Addresses
from chalicelib.adapters.documents import pack, unpack
from chalicelib.adapters.items import (
    STOPPED,
    chart_of,
    clinic_item,
    consent_item,
    cursor_document,
    cursor_item,
    cursor_of,
    due_attributes,
    fact_items,
    number_of,
    record_attributes,
    reference_of,
    reminder_of,
    text_of,
    with_key,
)
from chalicelib.adapters.ledger import audit_item
from chalicelib.adapters.moves import moves, moves_at
from chalicelib.adapters.schema import DUE, ROSTER, WORK
from chalicelib.adapters.table import (
    PK,
    SK,
    Absent,
    All,
    Change,
    Condition,
    Is,
    Item,
    Lacks,
    Operation,
    Put,
    Refused,
    Remove,
    Table,
)
from chalicelib.adapters.tasks import task_item
from chalicelib.domain.clinic import Clinic
from chalicelib.domain.cursor import SHARDS, Cursor, InFlight
from chalicelib.domain.delivery import MOVES, Event, Reminder
from chalicelib.domain.facts import Facts
from chalicelib.domain.local_time import utc_text
from chalicelib.domain.occurrence import Reason
from chalicelib.domain.patient import Consent
from chalicelib.domain.plan import Pin
from chalicelib.domain.protocol import Protocol
from chalicelib.service.chart import TO_DO, AccessKey, Audit, Chart, Reference, Task
from chalicelib.service.ports import CLINIC_KEPT, Place, Watermark


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
        self._addresses = Addresses(table, hash_number)
        self.patients_of, self.standing = self._addresses.patients_of, self._addresses.standing
        self.mark, self.mute = self._addresses.mark, self._addresses.mute
        self._shards = shards
        self._clinics: dict[str, tuple[datetime, Clinic]] = {}

    # --- clinics and their keys ---

    def create_clinic(self, clinic: Clinic) -> bool:
        written = self._table.write(
            Put(clinic_item(clinic), when=Absent()),
            Put(with_key(keys.clinic_of_number(clinic.sms_number), {"clinic": clinic.id}), when=Absent()),
        )
        return not isinstance(written, Refused)

    def clinic(self, clinic_id: str, *, now: datetime | None = None) -> Clinic | None:
        kept = self._clinics.get(clinic_id)
        if now and kept and timedelta(0) <= now - kept[0] < CLINIC_KEPT:
            return kept[1]
        found = self._table.get(keys.clinic(clinic_id))
        if found is None:
            return None
        clinic = unpack(text_of(found, "doc"), Clinic)
        if now and clinic.stopped_at is None:
            self._clinics[clinic_id] = (now, clinic)
        return clinic

    def clinics(self) -> list[Clinic]:
        rows = self._all(keys.CLINICS, index=ROSTER.name)
        return [clinic for row in rows if (clinic := self.clinic(text_of(row, "clinic")))]

    def stops(self) -> Mapping[str, bool]:
        rows = self._all(keys.CLINICS, index=ROSTER.name)
        return {text_of(row, "clinic"): row.get("status") == STOPPED for row in rows}

    def replace_clinic(self, old: Clinic, new: Clinic) -> bool:
        operations: list[Operation] = [Put(clinic_item(new), when=Is("version", old.version))]
        if new.sms_number != old.sms_number:
            taken = with_key(keys.clinic_of_number(new.sms_number), {"clinic": new.id})
            operations += [Put(taken, when=Absent()), Remove(keys.clinic_of_number(old.sms_number))]
        self._clinics.pop(new.id, None)
        return not isinstance(self._table.write(*operations), Refused)

    def add_key(self, key: AccessKey) -> None:
        lookup = {"clinic": key.clinic_id, "key": key.id}
        self._table.write(
            Put(with_key(keys.access_key(key.clinic_id, key.id), {"doc": pack(key)}), when=Absent()),
            Put(with_key(keys.key_of_secret(key.secret_hash), lookup), when=Absent()),
        )

    def keys(self, clinic_id: str) -> list[AccessKey]:
        return [unpack(text_of(i, "doc"), AccessKey) for i in self._all(keys.under(clinic_id), prefix="key#")]

    def key_of(self, secret_hash: str) -> AccessKey | None:
        lookup = self._table.get(keys.key_of_secret(secret_hash))
        if lookup is None:
            return None
        found = self._table.get(keys.access_key(text_of(lookup, "clinic"), text_of(lookup, "key")))
        return unpack(text_of(found, "doc"), AccessKey) if found else None

    def revoke_key(self, key: AccessKey) -> None:
        self._table.write(Remove(keys.access_key(key.clinic_id, key.id)), Remove(keys.key_of_secret(key.secret_hash)))

    # --- patients ---

    def chart(self, clinic_id: str, patient_id: str, *, now: datetime) -> Chart | None:
        rows = list(self._all(keys.patient(clinic_id, patient_id), prefix=keys.FACTS, consistent=True))
        clinic = self.clinic(clinic_id, now=now)
        # Visits of an erased patient may lie here a moment longer than the patient.
        if clinic is None or all(text_of(row, "sk") != f"{keys.FACTS}patient" for row in rows):
            return None
        if any(number_of(row, "clinic_version") > clinic.version for row in rows if "clinic_version" in row):
            # Settings that this cursor must not be woken without, such as the stop switch, are newer than our copy.
            self._clinics.pop(clinic_id, None)
            clinic = self.clinic(clinic_id, now=now)
            assert clinic is not None, "a clinic with patients stays"
        return chart_of(clinic, rows, lambda pin: self._protocol(clinic_id, pin))

    def _protocol(self, clinic_id: str, pin: Pin) -> Protocol:
        if pin.own:
            assert self._own is not None, "whoever pins a clinic's own protocol has given its shelf"
            return self._own(clinic_id, pin.protocol)
        return self._library[pin.protocol]

    def enrolment(self, clinic_id: str, patient_id: str) -> str | None:
        found = self._table.get(keys.fact(clinic_id, patient_id, "patient"))
        return text_of(found, "enrolled_with") if found else None

    def enrol(
        self, chart: Chart, digest: str, consents: Sequence[Consent], tasks: Sequence[Task], audit: Audit
    ) -> bool:
        facts = chart.facts
        items = fact_items(facts)
        patient = keys.fact(facts.clinic.id, facts.patient.id, "patient")
        items[patient] = {**items[patient], "enrolled_with": digest}
        operations: list[Operation] = [
            Put(with_key(key, item), when=Absent() if key == patient else None) for key, item in items.items()
        ]
        operations.append(Put(cursor_item(facts.clinic, facts.patient.id, chart.cursor, self._shards)))
        operations += [Put(i) for i in self._addresses.items(facts)]
        operations += self._addresses.fences(None, facts)
        operations += [Put(consent_item(facts, c)) for c in consents]
        operations += [Put(task_item(t)) for t in tasks]
        operations.append(Put(audit_item(audit, facts.clinic.retention)))
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
        cursor = cursor_item(new.facts.clinic, new.facts.patient.id, new.cursor, self._shards)
        operations: list[Operation] = [Put(cursor, when=_fence(old.cursor))]
        operations += self._differences(old.facts, new.facts)
        operations += [Put(consent_item(new.facts, c)) for c in consents]
        operations += [Put(task_item(t)) for t in tasks]
        operations.append(Put(audit_item(audit, new.facts.clinic.retention)))
        return not isinstance(self._table.write(*operations), Refused)

    def _differences(self, old: Facts, new: Facts) -> Iterator[Operation]:
        before, after = fact_items(old), fact_items(new)
        for key, item in after.items():
            if before.get(key) != item:
                # Other attributes of the same item (how it was enrolled) stay as they are.
                yield Change(key, put=item)
        yield from (Remove(key) for key in before if key not in after)
        yield from self._addresses.differences(old, new)

    def roster(self, clinic_id: str, *, limit: int, start: str | None = None) -> tuple[list[str], str | None]:
        page = self._table.query(keys.roster(clinic_id), index=ROSTER.name, limit=limit, start=_start(start))
        return [text_of(i, "patient") for i in page.items], _next(page.next)

    def roster_after(self, clinic_id: str, patient_id: str, *, limit: int) -> list[str] | None:
        found = self._table.get(keys.fact(clinic_id, patient_id, "patient")) if patient_id else None
        if patient_id and found is None:
            return None
        start = {name: text_of(found, name) for name in (PK, SK, ROSTER.pk, ROSTER.sk)} if found else None
        page = self._table.query(keys.roster(clinic_id), index=ROSTER.name, limit=limit, start=start)
        return [text_of(i, "patient") for i in page.items]

    # --- delivery ---

    def due(self, shard: int, after: Place | None, upto: datetime, *, limit: int) -> list[Reference]:
        low = keys.due(after.due, after.clinic_id, after.patient_id) if after else None
        high = keys.up_to(upto)
        if low is not None and low >= high:
            return []
        found: list[Reference] = []
        start = None
        while True:
            page = self._table.query(
                keys.shard(shard), index=DUE.name, after=low, upto=high, limit=limit - len(found), start=start
            )
            found += map(reference_of, page.items)
            start = page.next
            if start is None or len(found) == limit:
                return found

    def watermark(self) -> Watermark | None:
        found = self._table.get(keys.WATERMARK)
        return unpack(text_of(found, "doc"), Watermark) if found else None

    def advance_watermark(self, old: Watermark | None, new: Watermark) -> bool:
        written = self._table.write(
            Put(
                with_key(keys.WATERMARK, {"doc": pack(new), "turn": new.turn}),
                when=Is("turn", old.turn) if old else Absent(),
            )
        )
        return not isinstance(written, Refused)

    def claim(self, chart: Chart, new: Cursor) -> bool:
        old, facts = chart.cursor, chart.facts
        item = cursor_item(facts.clinic, facts.patient.id, new, self._shards)
        written = self._table.write(Put(item, when=_fence(old)))
        if not isinstance(written, Refused):
            return True
        if written.current is None:
            return False
        # An earlier asking of this very claim may have been carried out and its answer lost on the way.
        mine = {f.token for f in new.in_flight.values() if f.seq == old.seq}
        standing = cursor_of(written.current).in_flight.values()
        return any(f.seq == old.seq and f.token in mine for f in standing)

    def hold(self, reference: Reference, until: datetime | None, *, reason: Reason | None, lane: str = "") -> bool:
        put: dict[str, Anything] = {"held": pack(reason)} if reason else {}
        put |= {"lane": lane} if lane else {}
        drop = [] if reason else ["held"]
        if until is None:
            drop += ["due_pk", "due_sk"]
        else:
            put |= due_attributes(reference.clinic_id, reference.patient_id, until, self._shards)
        return self._alter_cursor(reference, put=put, drop=drop)

    def outdate(self, reference: Reference, clinic_version: int) -> bool:
        return self._alter_cursor(reference, put={"clinic_version": clinic_version}, add={"rev": 1})

    def _alter_cursor(self, reference: Reference, **change: Anything) -> bool:
        """Alters attributes beside the cursor's document, if it still waits for the reference's wake."""
        key = keys.cursor(reference.clinic_id, reference.patient_id)
        due = keys.due(reference.due, reference.clinic_id, reference.patient_id)
        waits = All(Is("seq", reference.seq), Is("due_sk", due))
        return not isinstance(self._table.write(Change(key, **change, when=waits)), Refused)

    def retry(self, chart: Chart, old: InFlight, new: InFlight) -> bool:
        key = keys.cursor(chart.facts.clinic.id, chart.facts.patient.id)
        while found := self._table.get(key):
            cursor, channel = cursor_of(found), old.wake.channel
            stands = cursor.in_flight.get(channel)
            if stands != old:
                # Or an earlier asking was carried out and its answer lost.
                return stands == new
            changed = replace(cursor, in_flight={**cursor.in_flight, channel: new})
            # The revision moves on, so that a claim or a change based on the earlier attempt does not bring it back.
            put = {"doc": cursor_document(changed)}
            if not isinstance(self._table.write(Change(key, put=put, add={"rev": 1}, when=_fence(cursor))), Refused):
                return True
        return False

    # --- history ---

    def reminder(self, clinic_id: str, patient_id: str, seq: int) -> Reminder | None:
        found = self._table.get(keys.reminder(clinic_id, patient_id, seq))
        return reminder_of(found) if found else None

    def reminders(self, clinic_id: str, patient_id: str, *, after: int = 0) -> Iterator[Reminder]:
        pk = keys.patient(clinic_id, patient_id)
        last = f"{keys.HISTORY}~"
        rows = self._all(pk, after=f"{keys.HISTORY}{after:08d}", upto=last, consistent=True)
        return map(reminder_of, rows)

    def latest_reminders(self, clinic_id: str, patient_id: str) -> Iterator[Reminder]:
        pk = keys.patient(clinic_id, patient_id)
        return map(reminder_of, self._all(pk, prefix=keys.HISTORY, forward=False, limit=25))

    def record(self, reminder: Reminder, event: Event) -> None:
        key = keys.reminder(reminder.clinic_id, reminder.patient_id, reminder.seq)
        about = record_attributes(reminder)
        moved = {**about, "status": reminder.status.value}
        if reminder.detail:
            moved["detail"] = reminder.detail
        if isinstance(self._table.write(Change(key, put=moved, when=moves(event))), Refused):
            # An event was faster than the record of its own send: its status stands, and only the rest is added.
            self._table.write(Change(key, put=about, when=Lacks("doc")))

    def evidence(
        self,
        clinic_id: str,
        patient_id: str,
        seq: int,
        event: Event,
        provider_id: str,
        at: datetime,
        detail: str,
        *,
        attempt: int,
    ) -> None:
        put: dict[str, Anything] = {"status": MOVES[event][0].value, "provider_id": provider_id}
        if event in (Event.DELIVERED, Event.UNREACHED):
            put[f"{event}_at"] = utc_text(at)
        if detail:
            put["detail"] = detail
        when = moves_at(event, at, attempt)
        self._table.write(Change(keys.reminder(clinic_id, patient_id, seq), put=put, when=when))

    def try_again(self, reminder: Reminder, attempt: int, text: str, at: datetime) -> bool:
        key = keys.reminder(reminder.clinic_id, reminder.patient_id, reminder.seq)
        put: dict[str, Anything] = {"attempt": attempt, "text": text, "again_at": utc_text(at)}
        put["status"] = MOVES[Event.RETRIED][0].value
        when = All(moves(Event.RETRIED), Lacks("attempt"))
        return not isinstance(self._table.write(Change(key, put=put, when=when)), Refused)

    # --- staff ---

    def open_task(self, task: Task) -> bool:
        return not isinstance(self._table.write(Put(task_item(task), when=Absent())), Refused)

    def tasks(
        self, clinic_id: str, *, states: Sequence[str] = TO_DO, limit: int, after: str = ""
    ) -> tuple[list[Task], bool]:
        # Each state is a partition in the same order, so a page of several is the first of them merged.
        lists = [
            self._all(keys.tasks(clinic_id, s), index=WORK.name, after=after or None, limit=limit + 1) for s in states
        ]
        found = [unpack(text_of(row, "doc"), Task) for row in islice(merge(*lists, key=_place), limit + 1)]
        return found[:limit], len(found) > limit

    def tasks_of(self, clinic_id: str, patient_id: str) -> list[Task]:
        rows = self._all(keys.patient(clinic_id, patient_id), prefix=keys.TASKS, consistent=True)
        return sorted((unpack(text_of(row, "doc"), Task) for row in rows), key=lambda task: task.order)

    def _all(self, pk: str, **query: Anything) -> Iterator[Item]:
        start = None
        while True:
            page = self._table.query(pk, start=start, **query)
            yield from page.items
            start = page.next
            if start is None:
                return


def _fence(cursor: Cursor) -> Condition:
    return All(Is("rev", cursor.rev), Is("seq", cursor.seq))


def _place(row: Item) -> str:
    return text_of(row, "work_sk")


def _start(cursor: str | None) -> Mapping[str, str] | None:
    return unpack(cursor, dict[str, str]) if cursor else None


def _next(cursor: Mapping[str, str] | None) -> str | None:
    return pack(dict(cursor)) if cursor else None
