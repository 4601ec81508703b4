"""Where texts queue at a number, as counted from the due index."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.clinic import Clinic
from chalicelib.domain.ids import ClinicId, PatientId
from chalicelib.service.chart import Reference
from chalicelib.service.load import Queueing, queueing

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
TEN = NOW + timedelta(days=1)
CLINIC = Clinic(
    id=ClinicId("c"),
    name="Riverside",
    timezone="America/New_York",
    country="US",
    phone="+12025550100",
    sms_number="+12025550199",
    from_email="care@example.org",
    sms_per_second=1,
)


class Index:
    """A due index of one shard."""

    def __init__(self, *references):
        self.references = references

    def due(self, shard, after, upto, *, limit):
        return [r for r in self.references if shard == 0 and after.due < r.due <= upto][:limit]


def text(n, at=TEN, clinic="c", lane="sms#c#60"):
    return Reference(clinic_id=ClinicId(clinic), patient_id=PatientId(f"p{n}"), seq=1, due=at, lane=lane)


def queues(*references, texts=(TEN,)):
    return queueing(Index(*references), CLINIC, texts, shards=2, patient_id="p0", now=NOW)


def test_a_minutes_worth_is_on_time_and_a_second_more_is_told():
    assert queues(*(text(n) for n in range(1, 61))) == []
    assert queues(*(text(n) for n in range(1, 62))) == [
        Queueing(slot=TEN, ahead=61, through=TEN + timedelta(seconds=61))
    ]


def test_what_still_waits_from_before_is_counted_by_when_it_is_through():
    before = TEN - timedelta(minutes=5)
    assert queues(*(text(n, before) for n in range(1, 301))) == []
    assert queues(*(text(n, before) for n in range(1, 401))) == [
        Queueing(slot=TEN, ahead=100, through=TEN + timedelta(seconds=100))
    ]


@pytest.mark.parametrize(
    "other", [{"clinic": "d"}, {"lane": "email##600"}, {"lane": ""}, {"at": TEN + timedelta(seconds=1)}]
)
def test_what_does_not_leave_by_the_number_then_is_not_counted(other):
    assert queues(*(text(n, **other) for n in range(1, 100))) == []


def test_a_patients_own_text_is_not_in_its_own_way():
    assert queues(*(text(0) for _ in range(100))) == []


def test_only_the_next_texts_of_the_coming_week_are_asked_about():
    later = [TEN + timedelta(days=d) for d in range(9)]
    everywhere = [text(n, at) for at in later for n in range(1, 100)]
    assert [q.slot for q in queues(*everywhere, texts=later)] == later[:3]
    assert queues(*everywhere, texts=later[7:]) == []
