"""The fence protocol as a model small enough to be searched whole: every interleaving of two workers, crashes, lost
answers and events late or never. Its constants are the code's own.

One reminder; up to two deliveries at once and as many after each other as redelivery gives; time only matters as
"within the grace" or "after it". A worker is dead or done by the end of the grace (a function runs 30 s at most).
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import NamedTuple

import pytest

from chalicelib.domain.delivery import GRACE, MAX_UNSURE_ATTEMPTS, resends
from chalicelib.domain.occurrence import Rank

FUNCTION_TIMEOUT = timedelta(seconds=30)
VISIBILITY = timedelta(seconds=180)


@dataclass(frozen=True)
class World:
    claimed: int = 0
    """The attempt that the cursor knows of; 0: not claimed."""
    unsure: int = 0
    ripe: bool = False
    """The grace since the latest attempt's claim has passed."""
    sends: int = 0
    proof: bool = False
    """A provider's event has been noted."""
    record: str = ""
    crashes: int = 0
    workers: tuple["Worker", ...] = ()


class Worker(NamedTuple):
    step: str
    attempt: int = 0


@dataclass(frozen=True)
class Rules:
    cap: int = MAX_UNSURE_ATTEMPTS
    resend: bool = True
    fenced: bool = True
    claims_first: bool = True
    grace: bool = True
    """Longer than a function lives."""
    events: str = "maybe"
    """`never`, `maybe` (an event may be lost), or `always` (noted before the grace is over)."""
    crashes: int = 2


def moves(world: World, rules: Rules) -> Iterator[World]:
    if len(world.workers) < 2 and not finished(world):
        yield replace(world, workers=(*world.workers, Worker("read")))
    if rules.events != "never" and world.sends and not world.proof:
        yield replace(world, proof=True)
    if world.claimed and not world.ripe and not world.record:
        busy = [w for w in world.workers if w.attempt]
        waits_for_events = rules.events == "always" and world.sends and not world.proof
        if not (rules.grace and busy) and not waits_for_events:
            yield replace(world, ripe=True)
    for place, worker in enumerate(world.workers):
        others = world.workers[:place] + world.workers[place + 1 :]
        if world.crashes < rules.crashes:
            yield replace(world, workers=others, crashes=world.crashes + 1)
        yield from (
            replace(after, workers=(*others, next_step) if next_step else others)
            for after, next_step in act(world, worker, rules)
        )


def act(world: World, worker: Worker, rules: Rules) -> Iterator[tuple[World, Worker | None]]:
    match worker.step:
        case "read":
            if world.record:
                yield world, None
            elif not world.claimed:
                yield world, Worker("claim") if rules.claims_first else Worker("send", 1)
            elif world.proof:
                yield world, Worker("record sent", world.claimed)
            elif not world.ripe:
                yield world, None
            elif rules.resend and world.unsure + 1 < rules.cap:
                yield world, Worker("again", world.claimed)
            else:
                yield world, Worker("record unknown", world.claimed)
        case "claim":
            if world.claimed and rules.fenced:
                yield world, Worker("read")
            else:
                yield replace(world, claimed=1, ripe=False), Worker("send", 1)
        case "again":
            if world.claimed != worker.attempt:
                yield world, None
            else:
                moved = replace(world, claimed=world.claimed + 1, unsure=world.unsure + 1, ripe=False)
                yield moved, Worker("send", worker.attempt + 1)
        case "send":
            yield replace(world, sends=world.sends + 1), Worker("record sent", worker.attempt)
            # Asked and not answered: it comes again. Taken or not, nobody knows.
            yield replace(world, sends=world.sends + 1, claimed=max(world.claimed, 1)), None
            yield replace(world, claimed=max(world.claimed, 1)), None
        case "record sent":
            yield replace(world, record="sent"), None
        case "record unknown":
            yield replace(world, record=world.record or "unknown"), None


def finished(world: World) -> bool:
    return bool(world.record)


def search(rules: Rules) -> tuple[int, bool, int]:
    """(most sends, whether something can be lost in silence, states seen)."""
    start = World()
    seen, line = {start}, deque([start])
    most = 0
    stuck = False
    while line:
        world = line.popleft()
        most = max(most, world.sends)
        following = [after for after in moves(world, rules) if after.sends < 6]
        # Silence: nobody is at work, nothing more can happen, and there is no record.
        stuck = stuck or (not world.record and not following)
        for after in following:
            known = replace(after, workers=tuple(sorted(after.workers)))
            if known not in seen:
                seen.add(known)
                line.append(known)
    return most, stuck, len(seen)


def test_the_constants_are_what_the_model_assumes():
    assert all(grace > FUNCTION_TIMEOUT for grace in GRACE.values()), "whoever claimed is dead or done by then"
    assert all(grace < VISIBILITY for grace in GRACE.values()), "the first redelivery finds it ripe"
    assert {rank for rank in Rank if resends(rank)} == {Rank.SAFETY, Rank.DAY_BEFORE}


@pytest.mark.parametrize("events", ["never", "maybe", "always"])
@pytest.mark.parametrize("crashes", [0, 1, 2, 3])
def test_at_most_one_extra_of_what_is_sent_again_and_none_with_evidence(events, crashes):
    most, stuck, states = search(Rules(events=events, crashes=crashes))
    assert not stuck
    assert most <= (1 if events == "always" else MAX_UNSURE_ATTEMPTS)
    assert states > 50


@pytest.mark.parametrize("events", ["never", "maybe", "always"])
def test_what_is_not_sent_again_never_goes_twice(events):
    most, stuck, _ = search(Rules(resend=False, events=events, crashes=3))
    assert (most, stuck) == (1, False)


def test_the_model_sees_what_goes_wrong_without_each_part():
    assert search(Rules(fenced=False, crashes=0))[0] > MAX_UNSURE_ATTEMPTS - 1, "without the fence: one each"
    assert search(Rules(claims_first=False, crashes=3))[0] > 2, "send, then mark: one for each crash"
    assert search(Rules(grace=False, resend=True, events="always", crashes=0))[0] > 1, "with a worker still at it"
    assert search(Rules(cap=4, events="never", crashes=3))[0] > 2, "without the cap"
