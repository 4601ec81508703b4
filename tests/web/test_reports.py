"""What the reports count is what the log holds, whatever happened meanwhile and however large the clinic."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest

from chalicelib import wiring
from chalicelib.adapters.documents import unpack
from chalicelib.adapters.dynamo_wire import item_from_wire
from chalicelib.adapters.items import reminder_of
from chalicelib.adapters.table import Item
from chalicelib.domain.wording.measure import measure
from chalicelib.service.conversation import Message
from chalicelib.service.counting import STALE_AFTER, Counting, Report
from chalicelib.service.jobs import read_job
from chalicelib.service.ports import QueueMessage
from chalicelib.service.tally import Tally, count_message, count_reminder, empty, total
from local.world import World
from tests.web.conftest import Tenant, make_clinic

ZONE = "America/New_York"
FOREVER = (date(2026, 1, 1), date(2026, 12, 31))


def items(world: World, clinic: Tenant, patient: str = "") -> list[Item]:
    """Every item of the clinic's patients, or of one, as it lies in the table."""
    place = f"C#{clinic.id}#P#{patient}"
    with world.aws.lock:
        found = [item_from_wire(item.to_json()["Attributes"]) for item in world.aws.table.all_items()]
    return [item for item in found if str(item["pk"]).startswith(place)]


def log(found: list[Item]) -> Tally:
    """What the history and the conversations among the items come to."""
    tally = empty()
    for item in found:
        sk = str(item["sk"])
        if sk.startswith("H#"):
            count_reminder(tally, reminder_of(item), ZONE)
        if sk.startswith("M#") and "doc" in item:
            message = replace(unpack(str(item["doc"]), Message), status=str(item["status"]))
            count_message(tally, message, ZONE, lambda text: measure(text).segments)
    return tally


class Waiting:
    """A queue whose messages wait until the test works on them."""

    def __init__(self) -> None:
        self.bodies: list[str] = []

    def send(self, messages: Sequence[QueueMessage]) -> None:
        self.bodies += [message.body for message in messages]


def work(counting: Counting, world: World, *, jobs: int = 100) -> int:
    """Does up to so many of the queued jobs, each twice as a queue may; how many were done."""
    done = 0
    while counting.queue.bodies and done < jobs:
        job = read_job(counting.queue.bodies.pop(0))
        counting.work(job, now=world.now)
        counting.work(job, now=world.now)
        done += 1
        # What the second doing queued is the same again.
        counting.queue.bodies[:] = sorted(set(counting.queue.bodies))
    return done


class Life:
    """Some weeks of a clinic in which anything happens."""

    def __init__(self, world: World, clinic: Tenant, seed: int) -> None:
        self.world, self.clinic, self.chance = world, clinic, random.Random(seed)
        self.erased = empty()
        self.there: dict[str, str] = {}
        self.made = 0
        self.reported: set[str] = set()

    def step(self) -> None:
        act = self.chance.choice([self.enrol, self.write, self.message, self.report, self.fail, self.erase, self.pass_])
        act()
        self.world.advance(timedelta(hours=self.chance.choice([1, 7, 20, 31])))

    def enrol(self) -> None:
        self.made += 1
        phone = f"+120255501{self.made:02d}"
        made = self.clinic.enrol(f"M{self.made}", phone=phone, email=f"p{self.made}@example.org")
        self.there[made["id"]] = phone

    def write(self) -> None:
        if self.there:
            phone = self.chance.choice(sorted(self.there.values()))
            text = self.chance.choice(["HELP", "2", "thanks", "my legs are numb", "what time?", "STOP", "START"])
            self.world.inbound(phone, "+12025550199", text)

    def message(self) -> None:
        if self.there:
            path = f"/patients/{self.chance.choice(sorted(self.there))}/messages"
            self.clinic.ask("POST", path, {"channel": "email", "text": "please phone us"})

    def report(self) -> None:
        """Carriers report within three days."""
        since = self.world.now - timedelta(days=3)
        for sent in self.world.outbox(since=since):
            if self.chance.random() < 0.5 and sent["provider_message_id"] not in self.reported:
                self.reported.add(sent["provider_message_id"])
                kinds = ["TEXT_DELIVERED", "TEXT_UNREACHABLE"] if sent["channel"] == "sms" else ["Delivery", "Bounce"]
                self.world.receipt(sent["provider_message_id"], self.chance.choice(kinds))

    def fail(self) -> None:
        self.world.faults("sms", self.chance.choice(["reject", "timeout_after", "timeout_before", "error", "throttle"]))

    def erase(self) -> None:
        if len(self.there) > 2:
            patient = self.chance.choice(sorted(self.there))
            del self.there[patient]
            # What is still under way comes to its end first: its state is what will have been counted.
            self.world.advance("PT2H")
            self.erased = total([self.erased, log(items(self.world, self.clinic, patient))])
            assert self.clinic.ask("DELETE", f"/patients/{patient}").status == 204

    def pass_(self) -> None:
        self.world.advance("P2D")


@pytest.mark.parametrize("seed", range(2))
def test_after_any_life_the_counters_are_the_log(world: World, clinic: Tenant, seed: int) -> None:
    world.faults("sms", events=False)
    world.faults("email", events=False)
    life = Life(world, clinic, seed)
    for _ in range(4):
        life.enrol()
    for number in range(20):
        life.step()
        if number % 10 == 9:
            life.enrol()
            life.erase()
    world.advance("PT2H")
    ours = wiring.store().clinic(clinic.id)
    assert ours is not None
    truth = total([log(items(world, clinic)), life.erased])
    assert truth.messages.total() > 10
    assert life.erased.messages, "somebody was erased"
    live = wiring.counting().report(ours, *FOREVER, now=world.now)
    assert live.complete
    assert (+live.tally.messages, +live.tally.segments) == (+truth.messages, +truth.segments)
    # A clinic too large to be read in one request, as of its last count.
    large = replace(wiring.counting(), most_live=-1, page=2, queue=Waiting())
    large.begin(clinic.id)
    work(large, world)
    counted = large.report(ours, *FOREVER, now=world.now)
    assert (counted.as_of, counted.complete) == (world.now, False)
    assert (+counted.tally.messages, +counted.tally.segments) == (+truth.messages, +truth.segments)
    assert (counted.patients, counted.enrolments) == (live.patients, live.enrolments)
    # And once nothing of it is in the log any more.
    world.advance("P9D")
    settled = wiring.counting().counts.between(clinic.id, *FOREVER, settled_before=date.max)
    assert total([settled.within(FOREVER[0], ours_day(world, -12))]) == total(
        [truth.within(FOREVER[0], ours_day(world, -12))]
    )


def ours_day(world: World, days: int) -> date:
    return (world.now + timedelta(days=days)).date()


def test_a_large_clinics_report_is_as_of_its_last_count_and_asks_for_the_next(world: World, clinic: Tenant) -> None:
    ours = wiring.store().clinic(clinic.id)
    assert ours is not None
    for number in range(12):
        clinic.enrol(f"M{number}", phone=f"+1202555{number + 2000}", email=None, channels=["sms"])
    large = replace(wiring.counting(), most_live=10, page=5, queue=Waiting())

    def report() -> Report:
        return large.report(ours, *FOREVER, now=world.now)

    assert (report().complete, report().patients) == (False, 0)
    assert work(large, world) == 3, "pages of patients"
    assert (report().patients, report().enrolments, report().as_of) == (12, {"2026-03": 12}, world.now)
    world.advance("PT3M")
    assert report().as_of < world.now
    assert work(large, world) == 0, "so soon it is not counted again"
    world.advance(STALE_AFTER)
    report()
    assert work(large, world) == 3
    assert report().as_of == world.now
    assert report().tally.messages.total() == len(world.outbox()) > 0


@pytest.mark.parametrize("pages", [0, 1, 2, 3])
def test_who_is_erased_while_a_count_is_under_way_is_counted_once(world: World, clinic: Tenant, pages: int) -> None:
    ids = [clinic.enrol(f"M{n}", phone=f"+1202555{n + 2000}", email=None, channels=["sms"])["id"] for n in range(6)]
    world.advance("P1D")
    ours = wiring.store().clinic(clinic.id)
    assert ours is not None
    counting = replace(wiring.counting(), most_live=-1, page=2, queue=Waiting())
    counting.begin(clinic.id)
    work(counting, world, jobs=pages)
    for patient in (ids[0], ids[3]):
        assert clinic.ask("DELETE", f"/patients/{patient}").status == 204
    work(counting, world)
    report = counting.report(ours, *FOREVER, now=world.now)
    assert report.tally.messages.total() == len(world.outbox()) >= 6
    assert report.patients == 4


def test_what_a_receipt_changed_after_a_count_is_in_the_next_one_however_late_that_is(
    world: World, clinic: Tenant
) -> None:
    ours = wiring.store().clinic(clinic.id)
    assert ours is not None
    world.faults("sms", events=False)
    clinic.enrol(email=None, channels=["sms"], protocols=["spasticity.v1"])
    large = replace(wiring.counting(), most_live=-1, queue=Waiting())
    large.begin(clinic.id)
    work(large, world)
    world.advance("P2D", stop_functions=True)
    world.receipt(world.outbox()[0]["provider_message_id"], "TEXT_DELIVERED")
    world.advance("P8D", stop_functions=True)
    large.begin(clinic.id)
    work(large, world)
    counted = large.report(ours, date(2026, 3, 2), date(2026, 3, 2), now=world.now).tally.messages
    assert {what.state: number for what, number in counted.items()} == {"delivered": 1}


def test_replies_to_numbers_nobody_knows_are_counted_too(world: World, clinic: Tenant) -> None:
    world.inbound("+12025550666", "+12025550199", "HELP")
    assert len(world.outbox()) == 1
    usage = clinic.ask("GET", "/reports/usage?month=2026-03").json()
    assert sum(each["messages"] for each in usage["items"]) == 1


def test_one_clinics_count_holds_nothing_of_anothers(world: World, clinic: Tenant) -> None:
    other = make_clinic(world, "+12025550188")
    clinic.enrol()
    world.advance("P3D")
    assert clinic.ask("GET", "/reports/deliveries").json()["items"]
    assert other.ask("GET", "/reports/deliveries").json()["items"] == []
