"""Messages, numbers and tasks on the table: the `Conversation` port. Beside `store`, in the same small language."""

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import replace
from datetime import datetime

from chalicelib.adapters import keys
from chalicelib.adapters.addresses import Addresses
from chalicelib.adapters.documents import ended_at, ending, pack, unpack
from chalicelib.adapters.items import danger_item
from chalicelib.adapters.moves import moves
from chalicelib.adapters.schema import DUE
from chalicelib.adapters.table import Absent, Change, Is, Item, Key, Operation, Put, Refused, Remove, Table
from chalicelib.adapters.tasks import task_item
from chalicelib.domain.delivery import MOVES, Event, Status
from chalicelib.domain.local_time import utc_text
from chalicelib.service.chart import Task
from chalicelib.service.conversation import NOBODY, Answer, Message, Waiting

ANSWERS = "A#"
LADDER = "E#0"
"""The partition of the due index in which unacknowledged urgent tasks wait for their next rung."""
UNANSWERED = "unanswered"
"""Stands in that index, which carries little, with those that everybody has been paged about."""
CODES = "codes"
CODES_IN_USE = 900
"""Short codes run from 100 to 999 and come round: far more than a clinic has open at once."""
PATIENT_ID = 16
"""A task's id begins with its patient's, which is always this long (`adapters.secrets`)."""


class TableConversation:
    def __init__(self, table: Table, hash_number: Callable[[str], str]) -> None:
        self._table = table
        self._addresses = Addresses(table, hash_number)

    # --- numbers ---

    def clinic_of_number(self, sms_number: str) -> str | None:
        found = self._table.get(keys.clinic_of_number(sms_number))
        return str(found["clinic"]) if found else None

    def waiting(self, clinic_id: str, number: str) -> Waiting | None:
        found = self._table.get(self._waiting(clinic_id, number))
        return unpack(str(found["doc"]), Waiting) if found else None

    def wait(self, clinic_id: str, number: str, waiting: Waiting | None) -> None:
        key = self._waiting(clinic_id, number)
        self._table.write(Put({"pk": key.pk, "sk": key.sk, "doc": pack(waiting)}) if waiting else Remove(key))

    def _waiting(self, clinic_id: str, number: str) -> Key:
        return Key(self._addresses.partition(clinic_id, number), keys.WAITING)

    # --- messages ---

    def claim(self, message: Message) -> Message | None:
        written = self._table.write(Put(_message_item(message), when=Absent()))
        if not isinstance(written, Refused):
            return None
        assert written.current is not None
        return _message(written.current)

    def replace(self, old: Message, new: Message) -> bool:
        unchanged = Is("doc", _message_item(old)["doc"])
        return not isinstance(self._table.write(Put(_message_item(new), when=unchanged)), Refused)

    def record(self, message: Message, event: Event) -> None:
        item = dict(_message_item(message))
        key = Key(str(item.pop("pk")), str(item.pop("sk")))
        status = item.pop("status")
        if isinstance(self._table.write(Change(key, put={**item, "status": status}, when=moves(event))), Refused):
            self._table.write(Change(key, put=item))

    def record_handled(self, message: Message) -> None:
        self._table.write(Put(_message_item(message)))

    def evidence(
        self, clinic_id: str, patient_id: str, message_id: str, event: Event, provider_id: str, detail: str
    ) -> None:
        put = {"status": MOVES[event][0].value, "provider_id": provider_id, **({"detail": detail} if detail else {})}
        self._table.write(Change(keys.message(clinic_id, patient_id, message_id), put=put, when=moves(event)))

    def message(self, clinic_id: str, patient_id: str, message_id: str) -> Message | None:
        found = self._table.get(keys.message(clinic_id, patient_id, message_id))
        return _message(found) if found and "doc" in found else None

    def messages(self, clinic_id: str, patient_id: str) -> Iterator[Message]:
        rows = self._all(keys.patient(clinic_id, patient_id), prefix=keys.MESSAGES, consistent=True)
        return (_message(row) for row in rows if "doc" in row)

    def said_since(
        self, clinic_id: str, patient_id: str, kinds: Set[str], since: datetime, *, besides: str = ""
    ) -> bool:
        return any(
            m.kind in kinds and m.at > since and not m.inbound and m.status != Status.FAILED and m.cause != besides
            for m in self.messages(clinic_id, patient_id)
        )

    def safety_asked(self, clinic_id: str, patient_id: str, since: datetime) -> datetime | None:
        asked: datetime | None = None
        for message in sorted(self.messages(clinic_id, patient_id), key=lambda m: m.at):
            if message.at <= since:
                continue
            if message.kind == "checkin_safety":
                asked = message.at
            elif message.inbound and message.prompt == "safety" and message.status == "handled":
                asked = None
        return asked

    # --- answers ---

    def add_answer(self, clinic_id: str, patient_id: str, answer: Answer) -> None:
        sk = f"{ANSWERS}{utc_text(answer.at)}#{answer.id}"
        document = pack(answer, without=("kept_until",))
        item = {"pk": keys.patient(clinic_id, patient_id), "sk": sk, "doc": document}
        self._table.write(Put({**item, **ending(answer.kept_until)}))

    def answers(self, clinic_id: str, patient_id: str) -> list[Answer]:
        rows = self._all(keys.patient(clinic_id, patient_id), prefix=ANSWERS, consistent=True)
        return [unpack(str(row["doc"]), Answer) for row in rows]

    # --- tasks ---

    def task(self, clinic_id: str, task_id: str) -> Task | None:
        patient_id = task_id[:PATIENT_ID]
        if "#" in task_id or len(task_id) <= PATIENT_ID:
            return None
        found = self._table.get(keys.task(clinic_id, patient_id, task_id))
        return unpack(str(found["doc"]), Task) if found else None

    def task_of_code(self, clinic_id: str, code: str) -> Task | None:
        found = self._table.get(Key(keys.under(clinic_id, CODES), code))
        task = self.task(clinic_id, str(found["task"])) if found else None
        return task if task and task.state != "closed" else None

    def new_code(self, clinic_id: str) -> str:
        counted = self._table.write(Change(Key(keys.under(clinic_id, CODES), "next"), add={"n": 1}))
        assert not isinstance(counted, Refused)
        item = counted.items[0]
        assert item is not None
        number = item["n"]
        assert isinstance(number, int)
        return str(100 + number % CODES_IN_USE)

    def last_unread(self, clinic_id: str, patient_id: str) -> str:
        found = self._table.get(keys.last_unread(clinic_id, patient_id))
        return str(found["task"]) if found else ""

    def open_unread(self, task: Task, *, after: str | None) -> bool:
        operations: list[Operation] = [Put(_laddered(task), when=Absent()), *_coded(task), *_told(None, task)]
        if after is not None:
            key = keys.last_unread(task.clinic_id, task.patient_id)
            last = {"pk": key.pk, "sk": key.sk, "task": task.id}
            operations.append(Put(last, when=Is("task", after) if after else Absent()))
        return not isinstance(self._table.write(*operations), Refused)

    def replace_task(self, old: Task, new: Task) -> bool:
        operations: list[Operation] = [Put(_laddered(new), when=Is("doc", str(_laddered(old)["doc"])))]
        if new.code != old.code:
            operations += _coded(new)
        operations += _told(old, new)
        return not isinstance(self._table.write(*operations), Refused)

    def overdue_tasks(self, upto: datetime, *, limit: int) -> Sequence[Task]:
        page = self._table.query(LADDER, index=DUE.name, upto=keys.up_to(upto), limit=limit)
        found = (self._table.get(Key.of(row)) for row in page.items)
        return [unpack(str(row["doc"]), Task) for row in found if row]

    def unanswered_tasks(self) -> int:
        start, found = None, 0
        while True:
            page = self._table.query(LADDER, index=DUE.name, start=start)
            found += sum(row.get("lane") == UNANSWERED for row in page.items)
            start = page.next
            if start is None:
                return found

    def _all(self, pk: str, *, prefix: str | None = None, consistent: bool = False) -> Iterator[Item]:
        start = None
        while True:
            page = self._table.query(pk, prefix=prefix, start=start, consistent=consistent)
            yield from page.items
            start = page.next
            if start is None:
                return


def _coded(task: Task) -> list[Operation]:
    """What finds the task by its code, if it has one."""
    return [Put({"pk": keys.under(task.clinic_id, CODES), "sk": task.code, "task": task.id})] if task.code else []


def _told(old: Task | None, new: Task) -> list[Operation]:
    """What the patient's facts are told: that something cannot wait, how grave it is, and that somebody has seen it."""
    before = (old.urgent_since, old.tier, old.acked_at) if old else None
    concerns = new.urgent_since is not None and new.patient_id != NOBODY
    changed = before != (new.urgent_since, new.tier, new.acked_at)
    return [Put(danger_item(new))] if concerns and changed else []


def _laddered(task: Task) -> Item:
    """The task's item; while nobody has acknowledged it, it stands in the ladder's index at its next rung's time."""
    item = dict(task_item(task))
    if task.state == "open" and task.climbs_at is not None:
        item["clinic"], item["patient"] = task.clinic_id, task.patient_id
        item["due_pk"] = LADDER
        item["due_sk"] = f"{utc_text(task.climbs_at)}#{task.id}"
        if task.unanswered_since is not None:
            item["lane"] = UNANSWERED
    return item


def _message_item(message: Message) -> Item:
    key = keys.message(message.clinic_id, message.patient_id, message.id)
    bare = replace(message, status="", provider_id="", detail="", kept_until=None)
    item: dict[str, str | int] = {"pk": key.pk, "sk": key.sk, "doc": pack(bare), "status": message.status}
    item |= ending(message.kept_until)
    if message.provider_id:
        item["provider_id"] = message.provider_id
    if message.detail:
        item["detail"] = message.detail
    return item


def _message(item: Item) -> Message:
    return replace(
        unpack(str(item["doc"]), Message),
        status=str(item["status"]),
        provider_id=str(item.get("provider_id", "")),
        detail=str(item.get("detail", "")),
        kept_until=ended_at(item),
    )
