"""What RANVIER_DATA keeps: one instant of the whole world, in one SQLite file.

Table, queues, carrier and clock are taken together, between two AWS calls, and written in one SQLite transaction; a
kill at any moment leaves the previous instant or the next, never parts of both. Only what changed is written: items
by key, the outbox and the attempts from where they were, queues whole (they are short).
"""

import json
import sqlite3
import threading
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from moto.dynamodb.models.dynamo_type import Item
from moto.sqs.models import Message

from local.aws import EmbeddedAws
from local.carrier import Carrier
from local.clock import Clock, parse, wire
from local.fast_dynamodb import Key

EVERY_S = 2.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS item (pk TEXT, sk TEXT, attributes TEXT NOT NULL, PRIMARY KEY (pk, sk));
CREATE TABLE IF NOT EXISTS message (queue TEXT, position INTEGER, fields TEXT NOT NULL, PRIMARY KEY (queue, position));
CREATE TABLE IF NOT EXISTS carried (log TEXT, position INTEGER, entry TEXT NOT NULL, PRIMARY KEY (log, position));
CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_FIELDS = (
    # All of a message but how long it was hidden for: whoever had received it has ended.
    "message_attributes",
    "receipt_handle",
    "sent_timestamp",
    "approximate_first_receive_timestamp",
    "approximate_receive_count",
    "group_id",
    "delayed_until",
)


class Store:
    """The file. Usable by itself before the world starts, for what must be the same in every run."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = directory / "ranvier.sqlite"
        path.touch(mode=0o600)
        self.db = sqlite3.connect(path, check_same_thread=False)
        self.db.executescript(_SCHEMA)
        self.writing = threading.Lock()

    def kept(self, name: str, default: str) -> str:
        """A value that stays as it first was."""
        with self.writing, self.db:
            self.db.execute("INSERT OR IGNORE INTO kept VALUES (?, ?)", (name, default))
        return str(self.value(name))

    def last_instant(self) -> datetime | None:
        found = self.value("now")
        return parse(found) if found else None

    def value(self, name: str) -> str | None:
        row = self.db.execute("SELECT value FROM kept WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def close(self) -> None:
        self.db.close()


class Snapshots:
    """Writes the world to the store: before a change is answered, every few seconds in which functions did something,
    and at the end."""

    def __init__(self, store: Store, aws: EmbeddedAws, carrier: Carrier, clock: Clock) -> None:
        self._store, self._aws, self._carrier, self._clock = store, aws, carrier, clock
        self._dirty: set[Key] = set()
        self._carried = {"outbox": 0, "attempts": 0}
        self._latest: tuple[list[tuple[str, int, str]], str, str] | None = None
        self._ended = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._repeat, name="snapshots", daemon=True)

    def written(self, key: Key) -> None:
        self._dirty.add(key)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        self.take()
        with self._store.writing:
            self._ended = True
            self._store.close()

    def _repeat(self) -> None:
        while not self._stop.wait(EVERY_S):
            self.take()

    def take(self) -> None:
        """Write what changed since the last time, if anything did."""
        store, carrier = self._store, self._carrier
        with store.writing:
            if self._ended:
                return
            with self._aws.lock, carrier.lock:
                dirty, self._dirty = self._dirty, set()
                items = [(key, self._attributes(key)) for key in dirty]
                messages = [(queue, *row) for queue in self._aws.queues for row in self._messages(queue)]
                logs = {"outbox": carrier.outbox, "attempts": carrier.attempts}
                grown = [
                    (log, n, json.dumps(logs[log][n], ensure_ascii=False))
                    for log, done in self._carried.items()
                    for n in range(done, len(logs[log]))
                ]
                now = wire(self._clock.now(), millis=True) if self._clock.virtual else ""
                latest = (messages, json.dumps(carrier.state()), now)
            if dirty or grown or latest != self._latest:
                self._write(items, grown, *latest)
                self._latest = latest
                for log, _, _ in grown:
                    self._carried[log] += 1

    def _write(
        self,
        items: list[tuple[Key, str | None]],
        grown: list[tuple[str, int, str]],
        messages: list[tuple[str, int, str]],
        carrier: str,
        now: str,
    ) -> None:
        db = self._store.db
        with db:
            gone = [key for key, attributes in items if attributes is None]
            db.executemany("DELETE FROM item WHERE pk = ? AND sk = ?", gone)
            put = [(*key, attributes) for key, attributes in items if attributes is not None]
            db.executemany("INSERT OR REPLACE INTO item VALUES (?, ?, ?)", put)
            db.execute("DELETE FROM message")
            db.executemany("INSERT INTO message VALUES (?, ?, ?)", messages)
            db.executemany("INSERT INTO carried VALUES (?, ?, ?)", grown)
            kept = [("carrier", carrier), ("now", now)]
            db.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?)", kept)

    def restore(self) -> None:
        """Bring back what the store holds into the empty world."""
        db = self._store.db
        with self._aws.lock, self._carrier.lock:
            for (attributes,) in db.execute("SELECT attributes FROM item"):
                self._aws.table.put_item(json.loads(attributes))
            for queue in self._aws.queues:
                rows = db.execute("SELECT fields FROM message WHERE queue = ? ORDER BY position", (queue,))
                self._aws.hold(queue, [_message(json.loads(fields)) for (fields,) in rows])
            for log, entries in (("outbox", self._carrier.outbox), ("attempts", self._carrier.attempts)):
                rows = db.execute("SELECT entry FROM carried WHERE log = ? ORDER BY position", (log,))
                entries.extend(json.loads(entry) for (entry,) in rows)
                self._carried[log] = len(entries)
            carrier = self._store.value("carrier")
            if carrier:
                self._carrier.restore(json.loads(carrier))
            self._dirty.clear()

    def _attributes(self, key: Key) -> str | None:
        item: Item | None = self._aws.item(key)
        return None if item is None else json.dumps(item.to_json()["Attributes"], ensure_ascii=False)

    def _messages(self, queue: str) -> list[tuple[int, str]]:
        names = ("id", "body", *_FIELDS)
        return [
            (position, json.dumps({name: getattr(message, name) for name in names}, ensure_ascii=False))
            for position, message in enumerate(self._aws.messages(queue))
        ]


def _message(fields: Mapping[str, Any]) -> Message:
    message = Message(fields["id"], fields["body"])
    for name in _FIELDS:
        setattr(message, name, fields[name])
    return message
