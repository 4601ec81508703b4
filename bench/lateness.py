"""How late reminders leave, with schedules that come late or not at all: `python -m bench.lateness`.

The real tick on the table in memory, for a day; around it, what AWS does is drawn from a fixed seed: EventBridge fires
a rate schedule somewhere within its minute (60 s precision), loses one run in five hundred (an assumption, and one in
fifty for a bad day), the queue shows a message up to a second late, and one worker in fifty starts cold. Lateness
counts from the reminder's slot: its due second, or the second its number had free.
"""

import sys
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from bench.tables import table
from bench.ward import DUE, store_on, template
from chalicelib.adapters import keys
from chalicelib.adapters.items import cursor_item, due_attributes
from chalicelib.adapters.memory import MemoryTable
from chalicelib.adapters.table import Put
from chalicelib.domain.cursor import SHARDS
from chalicelib.service.ports import Queue, QueueMessage
from chalicelib.service.references import decode
from chalicelib.service.tick import tick

PROMISE = {"p99": 5.0, "p99.9": 60.0, "early": 0}
DAY = timedelta(days=1)
BEGIN = DUE.replace(hour=0)


@dataclass
class Line(Queue):
    """When each reminder's first reference shows."""

    shows: dict[str, datetime] = field(default_factory=dict)
    now: datetime = BEGIN

    def send(self, messages: list[QueueMessage]) -> None:  # type: ignore[override]
        for message in messages:
            patient = decode(message.body).patient_id
            self.shows.setdefault(patient, self.now + timedelta(seconds=message.delay_s))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lateness:
    """Seconds after the slot."""

    reminders: int
    p50: float
    p99: float
    p999: float
    most: float
    early: int


def lateness(reminders: int = 20_000, *, lost: float = 1 / 500, seed: int = 1, bursts: bool = False) -> Lateness:
    """A day's reminders, evenly spread or (`bursts`) two thirds of them on the full half-hours."""
    random = Random(seed)
    memory = MemoryTable()
    store = store_on(memory)
    clinic, chart = template(pace=1000.0)
    item = cursor_item(clinic, "idle", chart.cursor, SHARDS)
    due = {}
    for number in range(reminders):
        second = random.randrange(86_400)
        if bursts and random.random() < 2 / 3:
            second -= second % 1_800
        patient, at = f"patient{number:09}", BEGIN + timedelta(seconds=second)
        due[patient] = at
        key = keys.cursor(clinic.id, patient)
        memory.write(Put({**item, "pk": key.pk, "sk": key.sk, **due_attributes(clinic.id, patient, at, SHARDS)}))
    line = Line()
    for minute in range(-4, 24 * 60 + 4):
        if random.random() < lost:
            continue
        line.now = BEGIN + timedelta(minutes=minute, seconds=random.uniform(0, 60))
        tick(store, line, now=line.now, shards=SHARDS)
    late = sorted((line.shows[p] + _worker(random) - at).total_seconds() for p, at in due.items())
    return Lateness(
        reminders=reminders,
        p50=late[reminders // 2],
        p99=late[int(reminders * 0.99)],
        p999=late[int(reminders * 0.999)],
        most=late[-1],
        early=sum(seconds < 0 for seconds in late),
    )


def _worker(random: Random) -> timedelta:
    """From the message showing to the provider's being asked."""
    shows, works = random.uniform(0.05, 1.0), random.uniform(0.05, 0.3)
    return timedelta(seconds=shows + works + (random.uniform(0.8, 2.0) if random.random() < 1 / 50 else 0))


def report(reminders: int = 20_000) -> str:
    days = {
        "no tick lost": lateness(reminders, lost=0),
        "1 in 500 lost": lateness(reminders),
        "1 in 50 lost": lateness(reminders, lost=1 / 50),
        "1 in 500, bursts": lateness(reminders, bursts=True),
    }
    rows = [(name, d.reminders, d.p50, d.p99, d.p999, d.most, d.early) for name, d in days.items()]
    rows.append(("promised", "", "", PROMISE["p99"], PROMISE["p99.9"], "", PROMISE["early"]))
    return table("Seconds after the slot", ("a day with", "reminders", "p50", "p99", "p99.9", "most", "early"), rows)


if __name__ == "__main__":
    print(report(*map(int, sys.argv[1:])))
