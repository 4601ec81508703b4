"""Everything held on one patient, as it lies in the table: for the export and for the erasure."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any as Anything

from chalicelib.adapters import keys
from chalicelib.adapters.addresses import Addresses
from chalicelib.adapters.counts import TableCounts, erased_operations
from chalicelib.adapters.documents import pack, unpack
from chalicelib.adapters.items import reminder_of
from chalicelib.adapters.ledger import audit_item
from chalicelib.adapters.table import (
    SK,
    All,
    Condition,
    Is,
    Item,
    Key,
    Operation,
    Present,
    Put,
    Refused,
    Remove,
    Table,
)
from chalicelib.service.change import TRIES, Contended
from chalicelib.service.chart import Audit, Chart
from chalicelib.service.conversation import NOBODY, Message
from chalicelib.service.tally import count_message, count_reminder, empty

ERASING = "X#erasing"
ERASED = "X#erased"
"""What remains of an erasure: when, and by whom."""

_KEPT = (keys.CONSENTS, "X#")
_AT_ONCE = 90
"""Operations of one transaction, with room for what goes with them; the table takes a hundred."""


class TableRecords:
    def __init__(self, table: Table, hash_number: Callable[[str], str], segments: Callable[[str], int]) -> None:
        self._table = table
        self._addresses = Addresses(table, hash_number)
        self._segments = segments

    # --- export ---

    def held(self, clinic_id: str, patient_id: str) -> dict[str, list[dict[str, Anything]]]:
        """All of it by what it is: each document with the attributes that stand beside it."""
        found: dict[str, list[dict[str, Anything]]] = {}
        for item in self._rows(keys.patient(clinic_id, patient_id)):
            sk = str(item[SK])
            noun = sk.split("#")[1] if sk.startswith(keys.FACTS) else _NOUNS.get(sk[:2], "other")
            found.setdefault(noun, []).append(_opened(item))
        return found

    # --- erasure ---

    def remove_facts(self, chart: Chart, audit: Audit) -> bool:
        facts, cursor = chart.facts, chart.cursor
        numbers = {c.address for c in facts.contacts}
        theirs = {n for n in numbers if self._addresses.patients_of(facts.clinic.id, n) == [facts.patient.id]}
        self._forget_unclaimed(facts.clinic.id, theirs)
        clinic, patient = facts.clinic.id, facts.patient.id
        pk = keys.patient(clinic, patient)
        fence = All(Is("rev", cursor.rev), Is("seq", cursor.seq))
        operations: list[Operation] = [Remove(keys.cursor(clinic, patient), when=fence)]
        # What says how to reach somebody goes with the cursor; visits beyond a transaction's room go right after.
        rows = [Key(pk, str(i[SK])) for i in self._rows(pk, prefix=keys.FACTS) if i[SK] != keys.CURSOR]
        rows.sort(key=lambda key: key.sk.startswith(f"{keys.FACTS}appointment"))
        operations += [Remove(key) for key in self._addresses.gone(facts)]
        operations += [
            self._addresses.held_back(clinic, contact, audit.at)
            for contact in {c.address.casefold(): c for c in facts.contacts}.values()
            # Another patient's reminders are not this patient's to stop.
            if self._addresses.patients_of(clinic, contact.address) == [patient]
        ]
        operations.append(Put({"pk": pk, "sk": ERASING, "doc": pack(audit)}))
        operations.append(Put(audit_item(audit, facts.clinic.retention)))
        operations += [Remove(key) for key in rows[: 100 - len(operations)]]
        return not isinstance(self._table.write(*operations), Refused)

    def _forget_unclaimed(self, clinic_id: str, addresses: set[str]) -> None:
        """What came from numbers that are the patient's alone by now and nobody is known to have written."""
        for item in self._rows(keys.patient(clinic_id, NOBODY), prefix=keys.MESSAGES):
            if "doc" in item and unpack(str(item["doc"]), Message).sender in addresses:
                self._table.write(Remove(Key.of(item)))

    def is_being_erased(self, clinic_id: str, patient_id: str) -> bool:
        return self._table.get(Key(keys.patient(clinic_id, patient_id), ERASING)) is not None

    def sweep(self, clinic_id: str, patient_id: str, timezone: str) -> int:
        pk = keys.patient(clinic_id, patient_id)
        if self._table.get(keys.fact(clinic_id, patient_id, "patient")) is not None:
            return 0
        left = [i for i in self._rows(pk) if not str(i[SK]).startswith(_KEPT)]
        for first in range(0, len(left), _AT_ONCE // 3):
            self._remove(left[first : first + _AT_ONCE // 3], clinic_id, timezone)
        marker = self._table.get(Key(pk, ERASING))
        if marker is not None:
            self._table.write(Remove(Key(pk, ERASING)), Put({**marker, "sk": ERASED}))
        return len(left)

    def _remove(self, items: list[Item], clinic_id: str, timezone: str) -> None:
        """The items go and their messages are counted, in one step: so each is counted once."""
        tally = empty()
        for item in items:
            sk = str(item[SK])
            if sk.startswith(keys.HISTORY):
                count_reminder(tally, reminder_of(item), timezone)
            elif sk.startswith(keys.MESSAGES) and "doc" in item:
                message = unpack(str(item["doc"]), Message)
                count_message(tally, _with_status(message, item), timezone, self._segments)
        there: Condition = Present()
        removals: list[Operation] = [Remove(Key.of(item), when=there) for item in items]
        if not tally.messages:
            self._table.write(*removals)
            return
        counts = TableCounts(self._table)
        for _ in range(TRIES):
            noted = erased_operations(clinic_id, counts.counted(clinic_id).turn, tally)
            written = self._table.write(*noted, *removals)
            if not isinstance(written, Refused) or written.op > 0:
                # Refused for an item: a sweep of the same patient beside this one has done it.
                return
        raise Contended

    def _rows(self, pk: str, *, prefix: str | None = None) -> Iterator[Item]:
        start = None
        while True:
            page = self._table.query(pk, prefix=prefix, start=start, consistent=True)
            yield from page.items
            start = page.next
            if start is None:
                return


_NOUNS: Mapping[str, str] = {
    keys.HISTORY: "reminders",
    keys.MESSAGES: "messages",
    keys.TASKS: "tasks",
    keys.CONSENTS: "consents",
    "A#": "answers",
}


def _opened(item: Item) -> dict[str, Anything]:
    shown = {name: value for name, value in item.items() if name not in _PLUMBING}
    document = json.loads(str(item["doc"])) if "doc" in item else {}
    return {**document, **shown} if isinstance(document, dict) else shown


_PLUMBING = frozenset({"pk", "sk", "doc", "due_pk", "due_sk", "work_pk", "work_sk", "roster_pk", "roster_sk", "ttl"})
"""Keys of the table: they say nothing that the rest does not."""


def _with_status(message: Message, item: Item) -> Message:
    return replace(message, status=str(item["status"]))
