"""The crash table (docs/decisions/delivery.md), row by row: every boundary that delivering a reminder crosses, and
everything that can happen there, once and twice, with the providers' events and without.

What must hold whatever happens:
- nobody gets a message twice, but for safety and day-before reminders whose fate nobody could tell: those at most twice
- with the providers' events, nobody gets anything twice at all
- every wake ends in a record with a final state, and every task it promised is there; nothing is lost in silence
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import timedelta
from functools import cache

import pytest

from chalicelib.adapters.memory import Crashed, MemoryTable
from chalicelib.adapters.table import Busy
from chalicelib.domain.delivery import Status
from chalicelib.service.ports import NotQueued

from .faults import WRITES, Broken, Fault, Faults, FaultyEmail, FaultyQueue, FaultySms, FaultyTable
from .ward import MONDAY, Ward, a_visit, copied

LATEST = timedelta(hours=2)
"""By when whatever went wrong must be settled: redeliveries, grace and two sweeps."""

DUE = {
    "the day before": MONDAY + timedelta(days=3, hours=2),
    "three days before, with an e-mail": MONDAY + timedelta(days=1, hours=2),
}


@cache
def eve(story: str) -> tuple[MemoryTable, tuple[int, ...]]:
    """The table a minute before the story's reminders are due, and the numbers of what has been sent by then."""
    ward = Ward(now=MONDAY).open_clinic()
    first, second = MONDAY + timedelta(days=4, hours=2), MONDAY + timedelta(days=8, hours=2)
    ward.enrol(visits=[a_visit(first), a_visit(second, "visit00000000002")])
    for due in (MONDAY + timedelta(hours=1), *sorted(DUE.values())):
        if due == DUE[story]:
            break
        ward.now = due - timedelta(minutes=1)
        ward.live(due + timedelta(minutes=2))
    return ward.memory, tuple(ward.sent())


def staged(story: str, script: dict[int, Fault], *, events: bool) -> tuple[Ward, Faults]:
    table, _ = eve(story)
    faults = Faults(script, counting=False)
    ward = Ward(
        now=DUE[story] - timedelta(minutes=1),
        events=events,
        memory=copied(table),
        table=lambda memory: FaultyTable(memory, faults),
        line=lambda queue: FaultyQueue(queue, faults),
        sms=FaultySms(faults),
        email=FaultyEmail(faults),
    )
    return ward, faults


def play(ward: Ward, faults: Faults, story: str) -> None:
    """The tick, the deliveries, and everything that comes by later to put things right."""
    ward.tick()
    ward.now = DUE[story]
    faults.counting = True
    ward.deliver_shown()
    end = DUE[story] + LATEST
    while ward.now < end:
        following = min(end, ward.now + timedelta(minutes=10))
        ward.drain(following)
        faults.counting = False
        ward.sweep()
        faults.counting = True
    faults.counting = False


def judge(ward: Ward, story: str, script: dict[int, Fault]) -> Counter:
    """Asserts what must hold, and counts how it came out."""
    before = eve(story)[1]
    sent = Counter(ward.sent())
    history = {record.seq: record for record in ward.history()}
    counted: Counter = Counter()
    for seq in range(len(before) + 1, ward.chart().cursor.seq):
        record = history[seq]
        ranks_high = record.template == "appt_1d"
        copies = sent[seq]
        assert record.is_complete, f"no record of {seq}"
        assert record.status in (Status.SENT, Status.UNKNOWN, Status.SETTLED)
        assert copies <= (2 if ranks_high and not ward.events else 1), f"{seq} was sent {copies} times"
        if copies and ward.events:
            assert record.status is Status.SENT
        if not copies:
            assert record.status is Status.UNKNOWN, f"{seq} was {record.status} without having been sent"
        if record.status is Status.SENT:
            assert record.text, "staff see what went out, however it was settled"
        assert record.attempts
        counted[f"{record.status} after {copies}"] += 1
    assert ward.reconcile().gaps == (), f"{script} left a gap"
    assert ward.chart().cursor.due > ward.now, "what came next has been lost sight of"
    return counted


def boundaries(story: str, script: dict[int, Fault], *, events: bool = False) -> list[tuple[str, tuple[Fault, ...]]]:
    ward, faults = staged(story, script, events=events)
    play(ward, faults, story)
    judge(ward, story, script)
    return faults.seen


STORIES = pytest.mark.parametrize("story", list(DUE))
EVENTS = pytest.mark.parametrize("events", [True, False], ids=["events", "no-events"])


@STORIES
def test_without_faults_everything_goes_out_once(story):
    ward, faults = staged(story, {}, events=True)
    play(ward, faults, story)
    messages = 1 if story == "the day before" else 2
    assert judge(ward, story, {}) == {"sent after 1": messages}
    # The chart, the clinic, its tally, the claim, the provider, the record; and once more for the e-mail that follows.
    assert [name.split()[0] for name, _ in faults.seen][:6] == ["query", "get", "get", "write", "send", "write"]


@STORIES
@EVENTS
def test_one_fault_at_any_boundary(story, events):
    outcomes: Counter = Counter()
    crossed = boundaries(story, {}, events=events)
    for place, (_, faults) in enumerate(crossed):
        for fault in faults:
            ward, script = staged(story, {place: fault}, events=events)
            play(ward, script, story)
            outcomes += judge(ward, story, {place: fault})
    if events and story == "the day before":
        assert set(outcomes) == {"sent after 1"}, "with evidence, one fault neither doubles nor loses it"
    assert outcomes["sent after 1"] > sum(outcomes.values()) * 0.6


@EVENTS
def test_two_faults_at_any_two_boundaries(events):
    story = "the day before"
    outcomes: Counter = Counter()
    for script in pairs(story):
        ward, faults = staged(story, script, events=events)
        play(ward, faults, story)
        outcomes += judge(ward, story, script)
    doubled = sum(n for outcome, n in outcomes.items() if outcome.endswith("after 2"))
    assert (doubled == 0) if events else doubled > 0, "what the evidence buys"
    assert outcomes["unknown after 0"] < sum(outcomes.values()) * 0.1, "both attempts killed before they were made"


def pairs(story: str) -> Iterator[dict[int, Fault]]:
    """From the claim on: what comes before leaves nothing behind that a second fault could meet."""
    for first, (_, faults) in enumerate(boundaries(story, {})):
        if first < 2:
            continue
        for one in faults:
            seen = boundaries(story, {first: one})
            for second in range(first + 1, min(len(seen), first + 9)):
                yield from ({first: one, second: other} for other in seen[second][1])


def test_a_tick_that_dies_anywhere_is_made_good_by_the_next():
    story = "the day before"
    ward, faults = staged(story, {}, events=True)
    faults.counting = True
    ward.tick()
    crossed = list(faults.seen)
    assert [name.split()[0] for name, _ in crossed] == ["get", *["query"] * 4, "queue", "write"]
    for place, (_, possible) in enumerate(crossed):
        for fault in possible:
            ward, faults = staged(story, {place: fault}, events=True)
            faults.counting = True
            with nullcontext() if fault is Fault.LOST else pytest.raises((Crashed, Broken, Busy, NotQueued)):
                ward.tick()
            ward.restart()
            ward.live(DUE[story] + timedelta(minutes=2))
            assert judge(ward, story, {}) == {"sent after 1": 1}, (place, fault)


@EVENTS
def test_three_faults_drawn_by_number(events):
    story = "three days before, with an e-mail"
    for number in range(60):
        script = {
            (number * 7) % 6: WRITES[number % 5],
            6 + (number * 3) % 5: WRITES[(number // 5) % 5],
            12 + (number * 5) % 7: WRITES[(number // 3) % 5],
        }
        ward, faults = staged(story, script, events=events)
        play(ward, faults, story)
        judge(ward, story, script)
