"""Uploads on the table: a head, chunks of rows until they are done, and what came of each. All of it ends by itself."""

from collections.abc import Sequence
from datetime import timedelta

from chalicelib.adapters import keys
from chalicelib.adapters.documents import pack, unpack
from chalicelib.adapters.schema import TTL
from chalicelib.adapters.table import Absent, Is, Item, Key, Put, Refused, Remove, Table
from chalicelib.service.imports import Outcome, Progress, Row, Upload

KEPT = timedelta(days=30)
"""An upload's result names external ids; staff have a month to fetch it."""

_ROWS, _DONE, _REFUSED = "rows#", "done#", "refused#"
_REFUSALS = 500
"""Outcomes of one item: 200 bytes each at most, a quarter of what an item may hold."""

_HEAD = "head"


class TableImports:
    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, upload: Upload, chunks: Sequence[Sequence[Row]], refused: Sequence[Outcome]) -> None:
        for number, chunk in enumerate(chunks):
            self._put(upload, f"{_ROWS}{number:04d}", list(chunk))
        for first in range(0, len(refused), _REFUSALS):
            self._put(upload, f"{_REFUSED}{first:06d}", list(refused[first : first + _REFUSALS]))
        # The head last: an upload whose head stands is whole.
        self._put(upload, _HEAD, upload)

    def upload(self, clinic_id: str, import_id: str) -> Upload | None:
        found = self._table.get(Key(_pk(clinic_id, import_id), _HEAD))
        return unpack(str(found["doc"]), Upload) if found else None

    def progress(self, clinic_id: str, import_id: str) -> Progress | None:
        upload = self.upload(clinic_id, import_id)
        if upload is None:
            return None
        done = self._documents(clinic_id, import_id, _DONE)
        refused = self._documents(clinic_id, import_id, _REFUSED)
        outcomes = [o for item in (*refused, *done) for o in unpack(str(item["doc"]), list[Outcome])]
        return Progress(upload=upload, done=len(done), outcomes=tuple(sorted(outcomes, key=lambda o: o.line)))

    def chunk(self, clinic_id: str, import_id: str, number: int) -> list[Row] | None:
        found = self._table.get(Key(_pk(clinic_id, import_id), f"{_ROWS}{number:04d}"))
        return unpack(str(found["doc"]), list[Row]) if found else None

    def finish(self, clinic_id: str, import_id: str, number: int, outcomes: Sequence[Outcome]) -> None:
        pk = _pk(clinic_id, import_id)
        head = self._table.get(Key(pk, _HEAD))
        assert head is not None, "a chunk's head was written after it and ends with it"
        done: Item = {"pk": pk, "sk": f"{_DONE}{number:04d}", "doc": pack(list(outcomes)), TTL: head[TTL]}
        self._table.write(Put(done, when=Absent()), Remove(Key(pk, f"{_ROWS}{number:04d}")))

    def enrolled_with(self, clinic_id: str, patient_ids: Sequence[str]) -> dict[str, str]:
        """The digest of the body each of them was enrolled with, for those that are there."""
        wanted = [keys.fact(clinic_id, each, "patient") for each in patient_ids]
        found = self._table.get_many(wanted) if wanted else []
        return {
            patient_id: str(item["enrolled_with"])
            for patient_id, item in zip(patient_ids, found, strict=True)
            if item is not None
        }

    def forget_patient(self, clinic_id: str, patient_id: str) -> None:
        """Takes one patient out of every upload that is still kept."""
        for head in self._all(keys.under(clinic_id, "imports")):
            import_id = str(head["sk"])
            for item in self._all(_pk(clinic_id, import_id)):
                self._forget_in(item, patient_id)

    def _forget_in(self, item: Item, patient_id: str) -> None:
        sk, document = str(item["sk"]), str(item["doc"])
        if patient_id not in document:
            return
        if sk.startswith(_ROWS):
            left = pack([row for row in unpack(document, list[Row]) if row.patient_id != patient_id])
        else:
            left = pack([o for o in unpack(document, list[Outcome]) if o.patient_id != patient_id])
        # Refused: the chunk has just been done; its outcome is looked through after it.
        if isinstance(self._table.write(Put({**item, "doc": left}, when=Is("doc", document))), Refused):
            again = self._table.get(Key.of(item))
            if again is not None:
                self._forget_in(again, patient_id)

    def _documents(self, clinic_id: str, import_id: str, prefix: str) -> list[Item]:
        return self._all(_pk(clinic_id, import_id), prefix=prefix)

    def _all(self, pk: str, *, prefix: str | None = None) -> list[Item]:
        found: list[Item] = []
        start = None
        while True:
            page = self._table.query(pk, prefix=prefix, start=start, consistent=True)
            found += page.items
            start = page.next
            if start is None:
                return found

    def _put(self, upload: Upload, sk: str, noun: object) -> None:
        ends = int((upload.at + KEPT).timestamp())
        item: Item = {"pk": _pk(upload.clinic_id, upload.id), "sk": sk, "doc": pack(noun), TTL: ends}
        if sk == _HEAD:
            listed: Item = {"pk": keys.under(upload.clinic_id, "imports"), "sk": upload.id, TTL: ends}
            self._table.write(Put(item), Put(listed))
        else:
            self._table.write(Put(item))


def _pk(clinic_id: str, import_id: str) -> str:
    return keys.under(clinic_id, "import", import_id)
