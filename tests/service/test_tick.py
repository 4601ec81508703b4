from datetime import timedelta

import pytest

from chalicelib.adapters.memory import MemoryTable
from chalicelib.adapters.meter import Meter
from chalicelib.domain.ids import PatientId
from chalicelib.service.perform import Done
from chalicelib.service.references import decode
from chalicelib.service.tick import Ticked, tick

from .ward import MONDAY, SHARDS, Ward, a_clinic, a_patient, contacts, facts_of

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
DUE = MONDAY + timedelta(hours=1)
"""Everybody's welcome: the contact window opens at 09:00."""


def full(patients: int, **clinic) -> Ward:
    """A clinic whose patients were all enrolled before the window opened, by text only."""
    ward = Ward(clinic=a_clinic(**clinic), memory=MemoryTable(meter=Meter())).open_clinic()
    for number in range(patients):
        patient = a_patient(f"patient{number:09}")
        ward.enrol(facts_of(ward.clinic, patient, reach=contacts(email=False, number=number)))
    ward.now = DUE - timedelta(minutes=3)
    return ward


def queued(ward: Ward) -> list[tuple[PatientId, float]]:
    """Who is on the queue, and how long after the due minute each will show."""
    held = sorted(ward.sqs._held.values(), key=lambda each: each.visible_at)
    return [(decode(h.message.body).patient_id, (h.visible_at - DUE).total_seconds()) for h in held]


def test_each_reference_gets_its_numbers_next_second():
    ward = full(8, sms_per_second=2.0)
    assert ward.tick() == Ticked(found=8, queued=8, held=0, advanced=True)
    assert [at for _, at in queued(ward)] == [0, 1, 1, 2, 2, 3, 3, 4]


def test_what_has_no_slot_within_a_quarter_of_an_hour_is_held_with_the_reason():
    ward = full(20, sms_per_second=1 / 60)
    done = ward.tick()
    assert done == Ticked(found=20, queued=13, held=7, advanced=True), "the queue takes 15 minutes, and 3 are ahead"
    held = [ward.chart(f"patient{n:09}").cursor for n in range(20)]
    late = sorted(c.due for c in held if c.held)
    assert late == [DUE + n * MINUTE for n in range(13, 20)]
    assert {c.held.rule for c in held if c.held} == {"pacing"}
    ward.live(DUE + timedelta(minutes=21))
    assert [ward.sent(f"patient{n:09}") for n in range(20)] == [[1]] * 20
    assert all(ward.chart(f"patient{n:09}").cursor.held is None for n in range(20))


def test_an_idle_tick_makes_shards_and_two_calls():
    ward = full(1)
    ward.tick()
    ward.now += MINUTE
    ward.memory._meter.reset()
    ward.tick()
    assert ward.memory._meter.calls == {"GetItem": 1, "Query": SHARDS, "PutItem": 1}


def test_the_first_tick_of_a_new_table_finds_what_is_due_already():
    ward = full(3)
    ward.now = DUE + timedelta(hours=2)
    assert ward.tick().queued == 3


def test_a_tick_goes_on_from_where_the_last_one_stopped():
    ward = full(50)
    found = []
    for _ in range(12):
        found.append(tick(ward.store, ward.queue, now=ward.now, shards=SHARDS, most=3).found)
        ward.now += SECOND
    assert sum(found) == 50, "each once, although all are due in the same second"
    assert len({patient for patient, _ in queued(ward)}) == 50


def test_holds_beyond_one_ticks_measure_wait_for_the_next():
    ward = full(30, sms_per_second=1 / 60)
    total = 0
    for _ in range(20):
        done = tick(ward.store, ward.queue, now=ward.now, shards=SHARDS, most=4)
        assert done.held <= 4
        total += done.queued + done.held
        ward.now += SECOND
    assert total >= 30
    waiting = {patient for patient, _ in queued(ward)}
    held = {f"patient{n:09}" for n in range(30) if ward.chart(f"patient{n:09}").cursor.held}
    assert waiting | held == {f"patient{n:09}" for n in range(30)}


def test_a_tick_whose_clock_is_behind_does_not_move_the_watermark_back():
    ward = full(1)
    ward.tick()
    before = ward.store.watermark()
    ward.now -= timedelta(minutes=5)
    ward.tick()
    assert ward.store.watermark().places == before.places


def test_of_two_ticks_at_once_one_moves_the_watermark():
    ward = full(2)
    first = ward.store.watermark()
    ward.tick()
    moved = ward.store.watermark()
    assert first is None
    assert not ward.store.advance_watermark(None, moved)
    assert not ward.store.advance_watermark(moved.__class__(turn=0), moved)


def test_what_was_queued_and_lost_is_found_by_the_sweep():
    ward = full(10)
    ward.tick()
    ward.sqs._held.clear()
    ward.now = DUE + timedelta(hours=1)
    assert ward.tick().found == 0, "the watermark has passed them"
    assert ward.sweep() == 10


def test_slots_given_once_are_kept_while_others_come_due():
    ward = full(40, sms_per_second=1 / 60)
    for number in range(40, 44):
        ward.enrol(facts_of(ward.clinic, a_patient(f"patient{number:09}"), reach=contacts(number=number)))
    ward.live(DUE + timedelta(minutes=55))
    order = [a.message.context["r"] for a in ward.sms.attempts]
    assert len(order) == len(set(order)) == 44


def test_after_an_outage_slots_that_have_gone_by_are_given_anew():
    ward = full(20, sms_per_second=1 / 60)
    ward.tick()
    ward.sqs._held.clear()
    ward.now = DUE + timedelta(minutes=40)
    ward.tick()
    ward.sweep()
    assert len({at for _, at in queued(ward)}) >= 12, "one a minute, however late"


def test_the_sweep_leaves_alone_what_is_not_twenty_minutes_late():
    ward = full(3)
    ward.now = DUE + timedelta(minutes=19)
    assert ward.sweep() == 0
    ward.now = DUE + timedelta(minutes=20)
    assert ward.sweep() == 3
    ward.drain(ward.now + MINUTE)
    assert ward.sweep() == 0
    assert len(ward.sms.sent) == 3


def test_the_sweep_is_not_blinded_by_a_stopped_clinics_backlog():
    ward = full(3)
    ward.store.replace_clinic(ward.clinic, a_clinic(stopped_at=MONDAY, version=2))
    other = a_clinic(id="clinicRiverside1", sms_number="+12025550177", name="Riverside")
    assert ward.store.create_clinic(other)
    ward.clinic = other
    ward.now = MONDAY
    ward.enrol(facts_of(other, a_patient("patientOther0001", clinic_id=other.id), reach=contacts(number=77)))
    ward.now = DUE + timedelta(hours=1)
    assert ward.sweep() == 1


def test_a_queue_that_takes_nothing_leaves_the_watermark_where_it_was():
    ward = full(3)

    class Full:
        def send(self, messages):
            raise RuntimeError("no room")

    line, ward.queue = ward.queue, Full()
    with pytest.raises(RuntimeError):
        ward.tick()
    ward.queue = line
    assert ward.tick().queued == 3


def test_every_reminder_of_a_busy_minute_goes_once_at_its_numbers_pace():
    ward = full(40, sms_per_second=1.0)
    ward.tick()
    done = []
    while (at := ward.sqs.next_at()) is not None:
        ward.now = max(ward.now, at)
        done += ward.deliver_shown()
        assert len(ward.sms.sent) <= (ward.now - DUE).total_seconds() + 1
    assert done == [Done.SENT] * 40
