"""A clinic's limits and the provider's: what they hold waits, is seen, and goes when it may; nothing is lost."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.adapters.copybook import copybook
from chalicelib.adapters.memory import Fault
from chalicelib.domain.delivery import Status
from chalicelib.domain.message import Site
from chalicelib.domain.occurrence import State
from chalicelib.service.conversation import NOBODY
from chalicelib.service.metrics import Metric
from chalicelib.service.timeline import timeline

from .ward import CLINIC, MONDAY, Ward, a_clinic, a_patient, contacts, facts_of

OPENS = MONDAY + timedelta(hours=1)
"""09:00 in New York: when welcomes of those enrolled before it are due."""
TOMORROW = OPENS + timedelta(days=1)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def a_ward(patients=3, **limits):
    """Patients whose welcomes are all due at nine."""
    ward = Ward(clinic=a_clinic(**limits)).open_clinic()
    for number in range(patients):
        patient = a_patient(name(number), enrolled_at=ward.now)
        ward.enrol(facts_of(ward.clinic, patient, reach=contacts(email=False, number=number)))
    ward.now = OPENS - 4 * MINUTE
    return ward


def name(number):
    return f"patient{number:09}"


def held(ward, number):
    """The patient's line on the timeline that waits, with why."""
    lines = timeline(
        ward.store,
        ward.chart(name(number)),
        copybook,
        Site(url="https://care.example", secret=b"secret"),
        now=ward.now,
        start=None,
        end=None,
    )
    return [(line.kind, line.reason) for line in lines if line.state is State.HELD]


def tasks(ward):
    return [task for task in ward.store.tasks(CLINIC, limit=50)[0] if task.patient_id == NOBODY]


# The clinic's limits


@pytest.mark.parametrize(
    ("limits", "rule", "ends"),
    [
        ({"messages_a_day": 2}, "messages_a_day", "2026-03-03"),
        ({"spend_a_month": 0.02, "price_per_segment": 0.01}, "spend_a_month", "2026-04-01"),
    ],
)
def test_past_its_limit_reminders_are_held_with_the_limit_and_the_day_it_ends(limits, rule, ends):
    ward = a_ward(3, **limits)
    ward.live(OPENS + HOUR)
    assert len(ward.sms.sent) == 2
    [waiting] = [n for n in range(3) if not ward.history(name(n))]
    [(kind, reason)] = held(ward, waiting)
    assert (kind, reason.rule) == ("welcome", rule)
    assert reason.detail.endswith(f"begins on {ends}")


def test_what_is_still_of_use_goes_the_next_day_at_the_numbers_pace():
    ward = a_ward(5, messages_a_day=2)
    ward.live(TOMORROW - MINUTE)
    assert len(ward.sms.sent) == 2
    ward.store.replace_clinic(ward.clinic, replace(ward.clinic, messages_a_day=100, version=2))
    ward.live(TOMORROW + HOUR)
    assert len(ward.sms.sent) == 5
    records = [r for n in range(5) for r in ward.history(name(n)) if r.status is Status.SENT]
    later = sorted(r.sent_at for r in records if r.sent_at >= TOMORROW)
    assert len(set(later)) == 3, "a second apart, as the number sends"


def test_each_day_has_its_own_count_and_nothing_is_lost():
    ward = a_ward(5, messages_a_day=2)
    ward.live(OPENS + timedelta(days=2, hours=3))
    assert [len(ward.history(name(n))) for n in range(5)] == [1] * 5
    assert len(ward.sms.sent) == 5


def test_what_the_limit_outlasts_ends_as_missed():
    ward = a_ward(2, spend_a_month=0.001)
    ward.live(OPENS + timedelta(days=9))
    assert len(ward.sms.sent) == 1
    [waiting] = [n for n in range(2) if ward.sent(name(n)) == []]
    states = {o.state for record in ward.history(name(waiting)) for o in record.outcomes if o.kind == "welcome"}
    assert states == {State.MISSED}


def test_staff_get_one_task_and_operators_one_count_a_day():
    ward = a_ward(4, messages_a_day=1)
    ward.live(OPENS + HOUR)
    [task] = tasks(ward)
    assert (task.kind, task.rule) == ("limit_reached", "messages_a_day")
    assert ward.told.sums[Metric.LIMIT_REACHED, "", ""] == 1
    ward.restart()
    ward.live(TOMORROW + HOUR)
    assert len(tasks(ward)) == 2
    assert ward.told.sums[Metric.LIMIT_REACHED, "", ""] == 2


def test_a_limit_that_is_raised_frees_what_falls_due_from_then_on():
    ward = a_ward(2, messages_a_day=1)
    ward.live(OPENS + HOUR)
    ward.store.replace_clinic(ward.clinic, replace(ward.clinic, messages_a_day=10, version=2))
    ward.now += MINUTE
    late = a_patient("patientLate00001", enrolled_at=ward.now)
    ward.enrol(facts_of(ward.store.clinic(CLINIC), late, reach=contacts(email=False, number=9)))
    ward.live(ward.now + HOUR)
    assert ward.history("patientLate00001")


# What it costs


def test_a_process_that_ends_takes_little_uncounted_with_it():
    ward = a_ward(30, messages_a_day=40, sms_per_second=10.0)
    ward.now = OPENS - MINUTE
    ward.tick()
    ward.drain(OPENS + timedelta(seconds=2))
    assert len(ward.sms.sent) >= 20
    ward.restart()
    counted = ward.delivery.allowance.tally.used(ward.clinic, ward.now).messages
    assert len(ward.sms.sent) - 1 <= counted <= len(ward.sms.sent)


# The provider's limits


def test_a_spend_limit_of_the_account_holds_the_others_unclaimed_and_all_go_when_it_is_lifted():
    ward = a_ward(10)
    ward.sms.script(*[Fault.QUOTA] * 3)
    ward.live(OPENS + 5 * MINUTE)
    assert len(ward.sms.attempts) == 1, "one message finds out; the others are not even asked about"
    assert ward.told.sums[Metric.PROVIDER_LIMIT, "", "sms"] == 1
    waiting = [n for n in range(10) if held(ward, n)]
    assert len(waiting) == 9
    [(_, reason)] = held(ward, waiting[0])
    assert reason.rule == "provider_limit"
    assert "MONTHLY_SPEND_LIMIT" in reason.detail
    ward.live(OPENS + 3 * HOUR)
    assert sorted(ward.sent(name(n)) for n in range(10)) == [[1]] * 10
    assert len(ward.sms.attempts) <= 10 + 3


def test_when_it_is_lifted_they_leave_at_the_numbers_pace():
    ward = a_ward(30)
    ward.sms.script(Fault.QUOTA)
    ward.live(OPENS + HOUR)
    sent = sorted(r.sent_at for n in range(30) for r in ward.history(name(n)))
    assert len(sent) == 30
    bursts = max(sum(1 for each in sent if each == at) for at in sent)
    assert bursts <= 2, "a second apart, but for the one that had found out"


def test_the_other_channel_goes_on():
    ward = a_ward(1)
    for number in (5, 6):
        patient = a_patient(name(number), enrolled_at=MONDAY)
        reach = contacts(sms=number == 5, email=number == 6, number=number)
        ward.enrol(facts_of(ward.clinic, patient, reach=reach))
    ward.sms.script(*[Fault.QUOTA] * 20)
    ward.live(OPENS + HOUR)
    assert ward.sms.sent == []
    assert ward.delivery.allowance.blocked(contacts()[0].channel, ward.now)
    assert not ward.delivery.allowance.blocked(contacts()[1].channel, ward.now)


def test_throttled_reminders_come_back_apart_and_each_goes_once():
    ward = a_ward(12, sms_per_second=100.0)
    ward.sms.script(*[Fault.THROTTLE] * 12)
    ward.live(OPENS + MINUTE / 6)
    shows = set()
    ward.live(OPENS + 10 * MINUTE)
    for n in range(12):
        [record] = ward.history(name(n))
        assert record.status is Status.SENT
        shows.add(record.sent_at)
    assert len(shows) >= 6
    assert len(ward.sms.sent) == 12


def test_a_limit_that_lasts_past_the_day_loses_nothing_but_what_had_found_it_out():
    ward = a_ward(4)
    ward.sms.script(*[Fault.QUOTA] * 500)
    ward.live(OPENS + timedelta(hours=12))
    assert ward.sms.sent == []
    claimed = [n for n in range(4) if ward.history(name(n))]
    assert len(claimed) <= 1
    lifted = datetime(2026, 3, 3, 13, tzinfo=UTC)
    ward.live(lifted)
    ward.sms._script.clear()
    ward.live(lifted + timedelta(hours=4))
    assert len(ward.sms.sent) == 4 - len(claimed)
