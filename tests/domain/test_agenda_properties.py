"""What holds for every plan, in every zone, whenever it is looked at and whatever happens to it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.domain.agenda import agenda
from chalicelib.domain.cursor import Cursor, Hold, Wake
from chalicelib.domain.decision import decide
from chalicelib.domain.facts import Facts
from chalicelib.domain.local_time import HARD_WALL, local_date, week_of
from chalicelib.domain.occurrence import Entry, State
from chalicelib.domain.patient import Channel
from chalicelib.domain.placing import SPACING
from chalicelib.domain.replan import diff, replanned
from chalicelib.domain.slots import all_slotted, beginning
from tests.domain.builders import cursor_of
from tests.domain.strategies import answered, changed, ended, plans

WHILE = timedelta(days=75)
SECONDS = timedelta(seconds=3)

thorough = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Life:
    """A patient's wakes, one after the other, each checked as it comes."""

    def __init__(self, known: Facts, now: datetime, *, answers: bool = True) -> None:
        self.now = now
        self.answers = answers
        """Whether the patient answers each check-in at once, so that no nudge follows."""
        self.cursor: Cursor = cursor_of(known, now)
        self.facts = replace(known, progress=self.cursor.progress)
        self.came_to: dict[str, tuple[datetime, State, Channel]] = {}
        self.sent: list[tuple[datetime, Wake]] = []

    def until(self, end: datetime, outages: Iterable = ()) -> "Life":
        gaps = list(outages)
        at_one_instant = 0
        while self.cursor.due is not None and self.cursor.due <= end:
            woken = max(self.now, self.cursor.due + SECONDS)
            for start, stop in gaps:
                if start <= woken < stop:
                    woken = stop
            if woken > end:
                break
            at_one_instant = at_one_instant + 1 if woken == self.now else 0
            assert at_one_instant < 20, "wakes without end at one instant"
            self.now = woken
            self._wake()
        self.now = end
        return self

    def _wake(self) -> None:
        decision = decide(self.facts, self.cursor, self.now, "token")
        if isinstance(decision, Hold):
            assert decision.until is None or decision.until > self.now
            assert decision.until is None or decision.until.microsecond == 0
            self.cursor = replace(self.cursor, due=decision.until)
            return
        wake, self.cursor = decision
        assert wake.outcomes
        assert self.cursor.due is None or self.cursor.due >= self.now
        for outcome in wake.outcomes:
            assert outcome.id not in self.came_to, f"{outcome.id} came up twice"
            assert outcome.detail
            self.came_to[outcome.id] = (self.now, outcome.state, outcome.channel)
        if wake.sends:
            assert self.now <= wake.useful_until
            self.sent.append((self.now, wake))
        opened = self.cursor.session is not self.facts.session
        self.facts = replace(self.facts, progress=self.cursor.progress, session=self.cursor.session)
        if opened and self.answers:
            self.change(answered(self.facts))

    def change(self, new: Facts) -> None:
        self.facts, self.cursor = replanned(self.facts, new, self.cursor, self.now)


def texts(sent: Iterable[tuple[datetime, Wake]]) -> Iterator[tuple[datetime, Wake]]:
    return ((now, wake) for now, wake in sent if wake.channel is Channel.SMS)


def assert_decent(known: Facts, moments: Iterable[datetime]) -> None:
    for moment in moments:
        wall = moment.astimezone(known.tz).time()
        assert HARD_WALL[0] <= wall < HARD_WALL[1]
        assert known.window.start <= wall < known.window.end


def assert_capped(known: Facts, moments: Iterable[tuple[datetime, bool]]) -> None:
    """`moments` with whether each is exempt: an exempt one counts, but is not counted against."""
    days: Counter = Counter()
    weeks: Counter = Counter()
    for moment, exempt in sorted(moments):
        day = local_date(moment, known.tz)
        days[day] += 1
        weeks[week_of(day)] += 1
        assert exempt or days[day] == 1 or exempt_on(known, moments, day)
        assert exempt or weeks[week_of(day)] <= 3 or exempt_in(known, moments, week_of(day))


def exempt_on(known: Facts, moments: Iterable[tuple[datetime, bool]], day: object) -> bool:
    return sum(not exempt for at, exempt in moments if local_date(at, known.tz) == day) <= 1


def exempt_in(known: Facts, moments: Iterable[tuple[datetime, bool]], monday: object) -> bool:
    return sum(not exempt for at, exempt in moments if week_of(local_date(at, known.tz)) == monday) <= 3


def placed(entries: Iterable[Entry], channel: Channel) -> list[Entry]:
    return [e for e in entries if e.acts and e.channel is channel]


# --- one agenda ----------------------------------------------------------------------------------------------------


@thorough
@given(plans())
def test_every_message_keeps_to_contact_hours_caps_and_its_use(known: Facts):
    now = known.patient.enrolled_at
    entries = agenda(known, now, now + WHILE)
    sms, mail = placed(entries, Channel.SMS), placed(entries, Channel.EMAIL)
    assert_decent(known, (e.at for e in (*sms, *mail)))
    assert_capped(known, [(e.at, e.occurrence.uncapped) for e in sms])
    assert all(e.at >= now for e in entries if e.acts)
    assert all(e.at < e.occurrence.useful_until for e in entries if e.acts)
    assert all(known.patient.pause_at(e.at) is None for e in (*sms, *mail))
    assert entries == sorted(entries, key=lambda e: e.at)


@thorough
@given(plans())
def test_messages_of_one_channel_keep_clear_of_each_other(known: Facts):
    now = known.patient.enrolled_at
    entries = agenda(known, now, now + WHILE)
    for channel in (Channel.SMS, Channel.EMAIL):
        times = sorted(e.at for e in placed(entries, channel))
        assert all(b - a >= SPACING for a, b in pairwise(times))


@thorough
@given(plans())
def test_whatever_is_wanted_stands_in_the_agenda_once_with_a_reason(known: Facts):
    now = known.patient.enrolled_at
    entries = agenda(known, now, now + WHILE + timedelta(days=15))
    ids = Counter(e.occurrence.id for e in entries)
    assert all(times == 1 for times in ids.values())
    assert all(e.reason.rule and e.reason.detail for e in entries)
    end = now + WHILE
    wanted = {
        o.id
        for o, slot in all_slotted(known, beginning(known), local_date(end, known.tz))
        if slot <= end and known.progress.is_open(o.id, slot)
    }
    assert wanted <= ids.keys()
    by_id = {e.occurrence.id: e for e in entries}
    for entry in entries:
        if entry.carried_by:
            assert entry.occurrence.id in {o.id for o in by_id[entry.carried_by].carries}


# --- the same rest from any start ----------------------------------------------------------------------------------


@thorough
@given(plans())
def test_life_follows_the_agenda_of_the_first_day(known: Facts):
    now = known.patient.enrolled_at
    life = Life(known, now).until(now + WHILE)
    for entry in agenda(known, now, now + WHILE - timedelta(days=16)):
        came = life.came_to.get(entry.occurrence.id)
        if entry.state is State.SCHEDULED:
            assert came is not None, entry
            when, state, channel = came
            assert state is State.SENT
            assert channel is entry.channel
            assert timedelta(0) <= when - entry.at <= timedelta(minutes=2)
        elif came is not None:
            assert came[1] is entry.state


@thorough
@given(plans(), st.integers(1, 60 * 24), st.integers(0, 23))
def test_the_rest_is_the_same_from_any_moment(known: Facts, day: int, hour: int):
    start = known.patient.enrolled_at
    life = Life(known, start).until(start + timedelta(hours=day))
    first = {e.occurrence.id: e for e in agenda(known, start, start + WHILE)}
    for entry in agenda(life.facts, life.now, life.now + timedelta(days=10)):
        before = first.get(entry.occurrence.id)
        if before is None or entry.state is not State.SCHEDULED or entry.at > start + WHILE - timedelta(days=15):
            continue
        assert before.state is State.SCHEDULED
        assert abs(entry.at - before.at) <= timedelta(minutes=2)
        assert before.channel is entry.channel


@thorough
@given(
    plans(),
    st.lists(st.tuples(st.integers(0, 50 * 24), st.sampled_from([1, 6, 30, 70, 200, 700])), max_size=3),
)
def test_after_an_outage_what_is_still_useful_goes_within_the_caps_and_the_rest_is_listed(
    known: Facts, stops: list[tuple[int, int]]
):
    start = known.patient.enrolled_at
    outages = sorted((start + timedelta(hours=a), start + timedelta(hours=a + b)) for a, b in stops)
    life = Life(known, start).until(start + WHILE, outages=outages)
    assert_decent(known, (now for now, _ in life.sent))
    assert_capped(known, [(now, _uncapped(w)) for now, w in texts(life.sent)])
    ended_at = life.now
    last = outages[-1][1] if outages else start
    if last > ended_at - timedelta(days=20):
        return
    wanted = [
        o.id
        for o, slot in all_slotted(known, beginning(known), local_date(ended_at - timedelta(days=18), known.tz))
        if slot <= ended_at - timedelta(days=18) and o.id not in known.progress.done
    ]
    settled_later = {e.occurrence.id for e in agenda(life.facts, life.now, life.now + WHILE)}
    assert all(i in life.came_to or i in settled_later for i in wanted)


def _uncapped(wake: Wake) -> bool:
    return wake.kind == "supply"


# --- changes -------------------------------------------------------------------------------------------------------


@thorough
@given(plans(), st.data())
def test_nothing_that_was_dealt_with_comes_up_again_whatever_changes(known: Facts, data: st.DataObject):
    start = known.patient.enrolled_at
    life = Life(known, start)
    for _ in range(data.draw(st.integers(1, 4))):
        life.until(life.now + timedelta(hours=data.draw(st.integers(0, 500))))
        life.change(data.draw(changed(life.facts, life.now)))
        sent_before = len(life.sent)
        life.until(life.now + timedelta(days=5))
        assert_decent(life.facts, (now for now, _ in life.sent[sent_before:]))
    life.until(life.now + timedelta(days=30))


@thorough
@given(plans(), st.data())
def test_the_diff_says_what_will_happen_once_it_is_applied(known: Facts, data: st.DataObject):
    start = known.patient.enrolled_at
    life = Life(known, start).until(start + timedelta(hours=data.draw(st.integers(0, 40 * 24))))
    before, now = life.facts, life.now
    new, _ = replanned(before, data.draw(changed(before, now)), life.cursor, now)
    found = diff(before, new, now, now + timedelta(days=30))
    was = {e.occurrence.id: e for e in agenda(before, now, now + timedelta(days=30)) if _comes(e)}
    will = {e.occurrence.id: e for e in agenda(new, now, now + timedelta(days=30)) if _comes(e)}
    applied = dict(was)
    for entry in found.cancelled:
        del applied[entry.occurrence.id]
    for entry in found.added:
        assert entry.occurrence.id not in applied
        applied[entry.occurrence.id] = entry
    for old_entry, new_entry in found.moved:
        assert applied[old_entry.occurrence.id] == old_entry
        applied[old_entry.occurrence.id] = new_entry
    assert {i: (e.channel, e.at.replace(second=0)) for i, e in applied.items()}.keys() == will.keys()
    assert all(abs(applied[i].at - e.at) < timedelta(minutes=1) for i, e in will.items())
    assert all(applied[i].channel is e.channel for i, e in will.items())


def _comes(entry: Entry) -> bool:
    return entry.acts or entry.carried_by is not None


@thorough
@given(plans(), st.data())
def test_a_change_computes_the_future_as_a_plan_made_so_from_the_start(known: Facts, data: st.DataObject):
    """For what had not come up under either plan: only dates count, not when the plan learned of them."""
    now = known.patient.enrolled_at
    new = data.draw(changed(known, now))
    direct = replace(new, progress=known.progress)
    through_change, _ = replanned(known, new, None, now)
    a = {e.occurrence.id: (e.at, e.state, e.channel) for e in agenda(through_change, now, now + WHILE)}
    b = {e.occurrence.id: (e.at, e.state, e.channel) for e in agenda(direct, now, now + WHILE)}
    assert a == b


@thorough
@given(plans())
def test_a_patient_who_never_answers_is_nudged_within_the_caps(known: Facts):
    start = known.patient.enrolled_at
    life = Life(known, start, answers=False).until(start + WHILE)
    assert_decent(known, (now for now, _ in life.sent))
    assert_capped(known, [(now, _uncapped(w)) for now, w in texts(life.sent)])
    nudges = [wake for _, wake in life.sent if wake.kind == "nudge"]
    checkins = sum(wake.kind == "checkin" for _, wake in life.sent)
    assert sum(wake.channel is Channel.SMS for wake in nudges) <= checkins
    assert len(nudges) <= 2 * checkins, "once more, and once by the other channel"


@thorough
@given(plans(), st.integers(0, 50 * 24))
def test_death_stops_everything_at_once(known: Facts, hour: int):
    start = known.patient.enrolled_at
    life = Life(known, start).until(start + timedelta(hours=hour))
    sent = len(life.came_to)
    life.change(ended(life.facts))
    assert life.cursor.due is None
    assert not any(e.acts for e in agenda(life.facts, life.now, life.now + WHILE))
    assert isinstance(decide(life.facts, life.cursor, life.now + timedelta(days=1), "t"), Hold)
    assert len(life.came_to) == sent


@thorough
@given(plans(), st.data())
def test_progress_stays_small(known: Facts, data: st.DataObject):
    start = known.patient.enrolled_at
    life = Life(known, start)
    for _ in range(3):
        life.until(life.now + timedelta(days=data.draw(st.integers(0, 20))))
        life.change(data.draw(changed(life.facts, life.now)))
        assert len(life.facts.progress.pending) + len(life.facts.progress.done) <= 40
    life.until(life.now + timedelta(days=30))
    assert len(life.facts.progress.pending) <= 12
