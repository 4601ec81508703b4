"""What the door keeps: answers given once, tokens of rate buckets, counts against a day's cap, and the audit."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from chalicelib.adapters import keys
from chalicelib.adapters.documents import ending, pack, unpack
from chalicelib.adapters.schema import TTL, WORK
from chalicelib.adapters.table import (
    Absent,
    All,
    Any,
    AtMost,
    Change,
    Condition,
    Is,
    Item,
    Key,
    Lacks,
    Put,
    Refused,
    Remove,
    Table,
    Value,
)
from chalicelib.domain.clinic import Retention
from chalicelib.domain.local_time import utc_text
from chalicelib.service.chart import Audit

OPERATOR = "operator"
"""The scope of who has no clinic. Clinics' ids are 16 characters, so it is none of theirs."""

SCANNED = 4000
"""Lists' entries looked through for one page of a patient's audit, so that an answer never takes long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """A request with an Idempotency-Key: under way until `status` is set."""

    fingerprint: str
    token: str
    until: datetime
    """Under way: when it is given up for crashed. Answered: when it is forgotten."""
    status: int = 0
    sealed: str = field(default="", repr=False)
    patients: tuple[str, ...] = ()


class TableLedger:
    def __init__(self, table: Table) -> None:
        self._table = table

    # --- answers given once ---

    def begin(self, scope: str, name: str, once: Once, *, now: datetime) -> Once | None:
        """None when this request may go ahead; otherwise what stands under its key."""
        key = _once(scope, name)
        given_up: Condition = Any(Absent(), AtMost("until", int(now.timestamp())))
        written = self._table.write(Put(_once_item(key, once), when=given_up))
        if not isinstance(written, Refused):
            return None
        assert written.current is not None
        stands = unpack(str(written.current["doc"]), Once)
        # Our own asking, refused by its first try whose answer was lost.
        return None if stands.token == once.token else stands

    def settle(self, scope: str, name: str, once: Once) -> None:
        """Keeps the answer, if nobody took the key over meanwhile."""
        key = _once(scope, name)
        self._table.write(Put(_once_item(key, once), when=Is("token", once.token)))

    def release(self, scope: str, name: str, once: Once) -> None:
        self._table.write(Remove(_once(scope, name), when=Is("token", once.token)))

    # --- rates and caps ---

    def draw(self, scope: str, *, now: datetime, rate: float, burst: int, handful: int) -> tuple[int, float]:
        """Takes up to `handful` tokens out of the bucket, which gains `rate` a second up to `burst`: how many, and
        the seconds until there is one again where there was none."""
        key = Key(f"RATE#{scope}", "bucket")
        for _ in range(4):
            found = self._table.get(key)
            at = datetime.fromtimestamp(_whole(found, "at") / 1000, UTC) if found else now
            level = _whole(found, "level") / 1000 if found else float(burst)
            level = min(float(burst), level + max(0.0, (now - at).total_seconds()) * rate)
            taken = min(handful, int(level))
            if not taken:
                return 0, (1 - level) / rate
            item: dict[str, Value] = {
                "pk": key.pk,
                "sk": key.sk,
                "at": int(max(at, now).timestamp() * 1000),
                "level": int((level - taken) * 1000),
                TTL: int(now.timestamp() + burst / rate) + 60,
            }
            as_found = Absent() if found is None else _as_found(found)
            if not isinstance(self._table.write(Put(item, when=as_found)), Refused):
                return taken, 0.0
        # Many processes at once under one key: that by itself is too fast.
        return 0, 1.0

    def count(self, clinic_id: str, what: str, day: str, *, most: int, add: int = 1, kept: datetime) -> bool:
        """Adds to the day's count, unless that would carry it past `most`."""
        key = Key(keys.under(clinic_id, "cap", what), day)
        room: Condition = Any(Lacks("n"), AtMost("n", most - add))
        change = Change(key, add={"n": add}, put={TTL: int(kept.timestamp())}, when=room)
        return add <= most and not isinstance(self._table.write(change), Refused)

    def give_back(self, clinic_id: str, what: str, day: str, count: int = 1) -> None:
        self._table.write(Change(Key(keys.under(clinic_id, "cap", what), day), add={"n": -count}))

    # --- audit ---

    def note(self, audit: Audit, retention: Retention) -> None:
        """Writes one entry. Append-only: an entry there already stays as it is."""
        self._table.write(Put(audit_item(audit, retention), when=Absent()))

    def audit(
        self, clinic_id: str, patient_id: str | None, *, limit: int, before: str | None, since: datetime, now: datetime
    ) -> tuple[list[Audit], str | None]:
        """Entries newest first, from before the place `before` on, and the place after which the rest begins."""
        found: list[Audit] = []
        place = before
        if patient_id is None:
            streams = [self._journal(clinic_id, before, since, now)]
        else:
            streams = [
                self._trail(clinic_id, patient_id, before),
                self._lists(clinic_id, patient_id, before, since, now),
            ]
        for at, entry in heapq.merge(*streams, key=lambda row: row[0], reverse=True):
            if len(found) == limit:
                return found, place
            place = at
            if entry is None:
                # Looked through enough for one answer; the rest is for the next.
                return found, place
            found.append(entry)
        return found, None

    def _trail(self, clinic_id: str, patient_id: str, before: str | None) -> Iterator[tuple[str, Audit]]:
        yield from self._down(keys.under(clinic_id, "trail", patient_id), before, index=WORK.name)

    def _journal(
        self, clinic_id: str, before: str | None, since: datetime, now: datetime
    ) -> Iterator[tuple[str, Audit | None]]:
        """Every entry of the clinic."""
        for month in _months(before, since, now):
            streams = [self._down(keys.under(clinic_id, kind, month), before) for kind in ("audit", "lists")]
            yield from heapq.merge(*streams, key=lambda row: row[0], reverse=True)

    def _lists(
        self, clinic_id: str, patient_id: str, before: str | None, since: datetime, now: datetime
    ) -> Iterator[tuple[str, Audit | None]]:
        """The readings of lists that showed the patient."""
        scanned = 0
        for month in _months(before, since, now):
            for at, entry in self._down(keys.under(clinic_id, "lists", month), before):
                scanned += 1
                if patient_id in entry.patients:
                    yield at, entry
                elif scanned >= SCANNED:
                    yield at, None

    def _down(self, pk: str, before: str | None, *, index: str | None = None) -> Iterator[tuple[str, Audit]]:
        start = None
        while True:
            page = self._table.query(pk, index=index, upto=before, start=start, forward=False, limit=200)
            for item in page.items:
                at = str(item["sk"])
                if before is None or at < before:
                    yield at, unpack(str(item["doc"]), Audit)
            start = page.next
            if start is None:
                return


def audit_item(audit: Audit, retention: Retention) -> Item:
    """An entry as it is kept: in the clinic's journal of the month, and on the trail of the one patient it concerns."""
    month, at = f"{audit.at:%Y-%m}", f"{utc_text(audit.at)}#{audit.id}"
    kind = "lists" if audit.patients else "audit"
    item: dict[str, str | int] = {
        "pk": keys.under(audit.clinic_id, kind, month),
        "sk": at,
        "doc": pack(audit),
        **ending(retention.audit_until(audit.at)),
    }
    if audit.patient_id:
        item["work_pk"] = keys.under(audit.clinic_id, "trail", audit.patient_id)
        item["work_sk"] = at
    return item


def _months(before: str | None, since: datetime, now: datetime) -> Iterator[str]:
    """The months from the newest to that of `since`, as `2026-03`."""
    month = before[:7] if before else f"{now:%Y-%m}"
    first = f"{since:%Y-%m}"
    while month >= first:
        yield month
        year, number = int(month[:4]), int(month[5:])
        month = f"{year}-{number - 1:02d}" if number > 1 else f"{year - 1}-12"


def _once(scope: str, name: str) -> Key:
    return Key(keys.under(scope, "once"), name)


def _once_item(key: Key, once: Once) -> Item:
    until = int(once.until.timestamp())
    return {"pk": key.pk, "sk": key.sk, "doc": pack(once), "token": once.token, "until": until, TTL: until}


def _as_found(found: Item) -> Condition:
    return All(Is("at", found["at"]), Is("level", found["level"]))


def _whole(item: Item, name: str) -> int:
    value = item[name]
    assert isinstance(value, int)
    return value
