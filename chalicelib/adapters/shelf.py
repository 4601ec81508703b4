"""Clinics' own protocols on the table, beside those that ship. What is published never changes, so it is read once."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from chalicelib.adapters import keys
from chalicelib.adapters.documents import pack
from chalicelib.adapters.table import Absent, Item, Put, Refused, Table
from chalicelib.domain.local_time import utc_text
from chalicelib.domain.protocol import Protocol
from chalicelib.domain.protocol_reading import read_protocol, write_protocol
from chalicelib.service.chart import Audit
from chalicelib.service.shelf import Published, Shelved

KEPT = 500
"""Protocols a process keeps in memory; some kilobytes each. A worker that serves more clinics starts anew."""


class TableShelf:
    """`Shelf` over a `Table`."""

    def __init__(self, table: Table, built_in: Mapping[str, Protocol]) -> None:
        self._table = table
        self._built_in = built_in
        self._read: dict[tuple[str, str], Protocol] = {}

    def all(self, clinic_id: str) -> Mapping[str, Shelved]:
        found = {protocol.id: Shelved(protocol=protocol) for protocol in self._built_in.values()}
        start = None
        while True:
            page = self._table.query(keys.under(clinic_id), prefix="protocol#", start=start)
            found |= {each.protocol.id: each for each in map(_shelved, page.items)}
            start = page.next
            if start is None:
                return found

    def own(self, clinic_id: str, protocol_id: str) -> Protocol:
        known = self._read.get((clinic_id, protocol_id))
        if known is not None:
            return known
        found = self._table.get(keys.protocol(clinic_id, protocol_id))
        if found is None:
            raise KeyError(protocol_id)
        if len(self._read) >= KEPT:
            self._read.clear()
        protocol = _shelved(found).protocol
        self._read[clinic_id, protocol_id] = protocol
        return protocol

    def publish(self, clinic_id: str, protocol: Protocol, audit: Audit) -> Published:
        key = keys.protocol(clinic_id, protocol.id)
        item: Item = {
            "pk": key.pk,
            "sk": key.sk,
            "doc": json.dumps(write_protocol(protocol), ensure_ascii=False, separators=(",", ":")),
            "published_at": utc_text(audit.at),
        }
        note = keys.audit(clinic_id, audit.at, audit.id)
        written = self._table.write(Put(item, when=Absent()), Put({"pk": note.pk, "sk": note.sk, "doc": pack(audit)}))
        if not isinstance(written, Refused):
            return Published.NEW
        return Published.SAME if self.own(clinic_id, protocol.id) == protocol else Published.TAKEN


def _shelved(row: Item) -> Shelved:
    read = read_protocol(json.loads(str(row["doc"])))
    if not isinstance(read, Protocol):
        # A reader that no longer takes what an earlier one accepted would stop patients' plans: it must not ship.
        raise TypeError("; ".join(f"{problem.field} {problem.message}" for problem in read))
    at = datetime.strptime(str(row["published_at"]), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    return Shelved(protocol=read, published_at=at)
