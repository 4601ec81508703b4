"""The store's contract, on memory and on DynamoDB: every method of `service.ports.Store`."""

from dataclasses import replace
from datetime import date, time, timedelta

import pytest

from chalicelib.adapters import keys
from chalicelib.adapters.library import protocols
from chalicelib.adapters.store import TableStore
from chalicelib.adapters.table import Put, Remove, Table
from chalicelib.domain.cursor import Attempt, Lane
from chalicelib.domain.decision import decide
from chalicelib.domain.delivery import Event, Reminder, Status
from chalicelib.domain.local_time import ContactWindow
from chalicelib.domain.occurrence import Reason
from chalicelib.domain.patient import Category, Channel, Clinical, Consent, Pause
from chalicelib.domain.plan import Override, Session, Supply
from chalicelib.domain.protocol import Anchor
from chalicelib.domain.replan import replanned
from chalicelib.service.chart import AccessKey, Audit, Chart, Reference, Task
from chalicelib.service.ports import CLINIC_KEPT, Place, Watermark
from tests.service.ward import ANA, CLINIC, MONDAY, SHARDS, a_clinic, a_patient, a_visit, contacts, facts_of

AUDIT = Audit(id="audit1", clinic_id=CLINIC, at=MONDAY, actor="key", action="test")
SOON = MONDAY + timedelta(hours=1)


@pytest.fixture
def store(table: Table) -> TableStore:
    return another(table)


def another(table: Table) -> TableStore:
    """The same table as another process sees it."""
    return TableStore(table, protocols(), hashed, shards=SHARDS)


def hashed(number: str) -> str:
    return f"hash-of-{number[-4:]}"


@pytest.fixture
def clinic(store):
    made = a_clinic()
    assert store.create_clinic(made)
    return made


@pytest.fixture
def chart(store, clinic) -> Chart:
    return enrolled(store, facts_of(clinic, a_patient(), visits=[a_visit(MONDAY + timedelta(days=4, hours=2))]))


def enrolled(store, facts) -> Chart:
    planned, cursor = replanned(None, facts, None, MONDAY)
    assert store.enrol(Chart(facts=planned, cursor=cursor), "digest", (), (), AUDIT)
    return read(store, facts.patient.id)


def read(store, patient_id: str = ANA) -> Chart:
    found = store.chart(CLINIC, patient_id, now=MONDAY)
    assert found is not None
    return found


def reference(chart: Chart) -> Reference:
    assert chart.cursor.due is not None
    return Reference(
        clinic_id=chart.facts.clinic.id, patient_id=chart.facts.patient.id, seq=chart.cursor.seq, due=chart.cursor.due
    )


def everything_due(store, upto=SOON + timedelta(days=999), after=None, limit=100) -> list[Reference]:
    return [r for shard in range(SHARDS) for r in store.due(shard, after, upto, limit=limit)]


# Clinics and their keys


def test_a_clinic_is_read_as_it_was_made(store):
    made = a_clinic(contact_window=ContactWindow(time(10), time(19)), holidays=(date(2026, 7, 4),), sms_per_second=2.5)
    assert store.create_clinic(made)
    assert store.clinic(CLINIC) == made
    assert store.clinics() == [made]
    assert store.clinic("clinicNobody0001") is None


def test_a_sending_number_belongs_to_one_clinic(store, clinic):
    assert not store.create_clinic(a_clinic(id="clinicRiverside1", name="Riverside"))
    assert store.clinics() == [clinic]


def test_a_clinic_is_replaced_only_as_it_was_read(store, clinic):
    stopped = replace(clinic, stopped_at=MONDAY, version=2)
    assert store.replace_clinic(clinic, stopped)
    assert not store.replace_clinic(clinic, replace(clinic, name="Other", version=2))
    assert store.clinic(CLINIC) == stopped


def test_a_number_given_up_is_free_and_one_in_use_is_not(store, clinic):
    moved = replace(clinic, sms_number="+12025550111", version=2)
    assert store.replace_clinic(clinic, moved)
    other = a_clinic(id="clinicRiverside1", name="Riverside")
    assert store.create_clinic(other)
    assert not store.replace_clinic(moved, replace(moved, sms_number=other.sms_number, version=3))


def test_a_kept_copy_of_a_clinic_lives_for_seconds_and_a_stopped_one_not_at_all(store, table, clinic):
    store.clinic(CLINIC, now=MONDAY)
    renamed = replace(clinic, name="Renamed", version=2)
    assert another(table).replace_clinic(clinic, renamed)
    assert store.clinic(CLINIC, now=MONDAY + CLINIC_KEPT - timedelta(seconds=1)) == clinic
    assert store.clinic(CLINIC, now=MONDAY - timedelta(seconds=1)) == renamed, "a clock set back trusts nothing"
    assert store.clinic(CLINIC) == renamed
    assert store.clinic(CLINIC, now=MONDAY + CLINIC_KEPT) == renamed
    stopped = replace(renamed, stopped_at=MONDAY, version=3)
    assert another(table).replace_clinic(renamed, stopped)
    assert store.clinic(CLINIC, now=MONDAY + 2 * CLINIC_KEPT) == stopped
    assert another(table).replace_clinic(stopped, replace(renamed, version=4))
    assert store.clinic(CLINIC, now=MONDAY + 2 * CLINIC_KEPT).stopped_at is None


def test_keys_are_found_by_their_hash_until_they_are_revoked(store, clinic):
    key = AccessKey(id="key1", clinic_id=CLINIC, role="clinician", label="ward", secret_hash="abc", created_at=MONDAY)
    store.add_key(key)
    assert (store.key_of("abc"), store.keys(CLINIC)) == (key, [key])
    store.revoke_key(key)
    assert (store.key_of("abc"), store.keys(CLINIC)) == (None, [])


# Patients


def full_facts(clinic):
    """Facts with something in every field that is stored."""
    patient = a_patient(
        contact_window=ContactWindow(time(10), time(18)),
        clinical=Clinical(ad_risk=False, itb_pump=True, etiology="traumatic", baseline_psfs=2),
        pauses=(Pause(start=MONDAY, until=None, reason="in hospital"),),
        hours_before=True,
        version=3,
    )
    facts = facts_of(
        clinic,
        patient,
        visits=[a_visit(MONDAY + timedelta(days=9)), a_visit(MONDAY + timedelta(days=5), "visit00000000002")],
        pinned=["spasticity.v1", "neuro.emsci.v1"],
        anchors={Anchor.INJURY: date(2026, 1, 10), Anchor.LAST_FILL: date(2026, 2, 1)},
    )
    overrides = {"spasticity.v1/weekly": Override(weekday=3, at=time(11, 30))}
    muted = tuple(replace(c, muted=(Category.EDUCATION,), name="Luz", language="es") for c in facts.contacts)
    return replace(
        facts,
        contacts=muted,
        plan=replace(facts.plan, overrides=overrides),
        supplies={Anchor.LAST_FILL: Supply(anchor=Anchor.LAST_FILL, number=2, days_supply=30)},
        session=Session(
            occurrence="occ", step="spasticity.v1/weekly", sent_at=MONDAY, questions=("a", "b"), answers={"a": "1"}
        ),
    )


def test_facts_are_read_as_they_were_written(store, clinic):
    wanted = full_facts(clinic)
    facts, cursor = replanned(None, wanted, None, MONDAY)
    assert store.enrol(Chart(facts=facts, cursor=cursor), "digest", (), (), AUDIT)
    found = read(store)
    assert found.cursor == cursor
    assert found.facts == replace(facts, appointments=tuple(sorted(facts.appointments, key=lambda a: a.starts_at)))


def test_the_same_patient_is_enrolled_once_and_remembers_with_what(store, chart):
    assert not store.enrol(chart, "other", (), (), AUDIT)
    assert store.enrolment(CLINIC, ANA) == "digest"
    assert store.enrolment(CLINIC, "patientNobody001") is None


def test_a_refused_enrolment_leaves_nothing(store, chart):
    task = a_task("taskOfTheSecond1")
    assert not store.enrol(chart, "other", (), (task,), AUDIT)
    assert store.tasks(CLINIC, limit=10)[0] == []


def test_an_absent_patient_has_no_chart(store, clinic):
    assert store.chart(CLINIC, "patientNobody001", now=MONDAY) is None
    assert store.chart("clinicNobody0001", ANA, now=MONDAY) is None


def test_a_change_of_everything_is_committed_whole(store, chart, clinic):
    changed = full_facts(clinic)
    facts, cursor = replanned(chart.facts, changed, chart.cursor, MONDAY)
    consent = Consent(channel=Channel.SMS, granted=True, method="verbal", recorded_by="desk", at=MONDAY)
    assert store.commit(chart, Chart(facts=facts, cursor=cursor), audit=AUDIT, tasks=[a_task()], consents=[consent])
    found = read(store)
    assert found.cursor == cursor
    assert {v.id for v in found.facts.appointments} == {v.id for v in facts.appointments}
    assert replace(found.facts, appointments=()) == replace(facts, appointments=())
    assert store.enrolment(CLINIC, ANA) == "digest", "how it was enrolled stays"
    assert [t.id for t in store.tasks(CLINIC, limit=10)[0]] == [a_task().id]


def test_what_is_no_longer_there_is_removed(store, chart):
    bare = replace(chart.facts, appointments=(), contacts=chart.facts.contacts[:1])
    facts, cursor = replanned(chart.facts, bare, chart.cursor, MONDAY)
    assert store.commit(chart, Chart(facts=facts, cursor=cursor), audit=AUDIT)
    assert (read(store).facts.appointments, len(read(store).facts.contacts)) == ((), 1)


@pytest.mark.parametrize("moved", ["changed", "claimed", "retried"])
def test_a_change_is_committed_only_as_the_chart_was_read(store, chart, moved):
    if moved == "changed":
        other = Chart(facts=chart.facts, cursor=replace(chart.cursor, rev=chart.cursor.rev + 1))
        assert store.commit(chart, other, audit=AUDIT)
    else:
        claimed = claim(chart)
        assert store.claim(chart, claimed)
        if moved == "retried":
            chart = read(store)
            (flight,) = chart.cursor.in_flight.values()
            assert store.retry(chart, flight, replace(flight, not_sent=True))
    before = read(store)
    named = replace(chart.facts, patient=replace(chart.facts.patient, given_name="Eva"))
    late = Chart(facts=named, cursor=replace(chart.cursor, rev=chart.cursor.rev + 1))
    assert not store.commit(chart, late, audit=AUDIT)
    assert read(store) == before


def test_the_roster_lists_patients_by_name_a_page_at_a_time(store, clinic):
    for number, name in enumerate(("Zimmer", "abel", "Meyer")):
        patient = a_patient(f"patient{number:09}", family_name=name)
        enrolled(store, facts_of(clinic, patient, reach=contacts(number=number)))
    first, following = store.roster(CLINIC, limit=2)
    second, end = store.roster(CLINIC, limit=2, start=following)
    assert (first, second, end) == (["patient000000001", "patient000000002"], ["patient000000000"], None)


# The wall between clinics


def test_a_clinics_keys_reach_nothing_of_another(store, chart):
    other = a_clinic(id="clinicRiverside1", sms_number="+12025550177", name="Riverside")
    assert store.create_clinic(other)
    assert store.chart(other.id, ANA, now=MONDAY) is None
    assert store.enrolment(other.id, ANA) is None
    assert store.reminder(other.id, ANA, 1) is None
    assert list(store.reminders(other.id, ANA)) == []
    assert store.roster(other.id, limit=10) == ([], None)
    assert store.tasks(other.id, limit=10) == ([], None)
    assert not store.hold(replace(reference(chart), clinic_id=other.id), SOON, reason=None)


def test_no_part_of_a_key_reaches_out_of_its_place():
    for made in (keys.patient, keys.reminder, keys.message, keys.task, keys.access_key, keys.fact):
        arguments = [CLINIC, f"x#P#{ANA}", "1"][: 2 if made in (keys.patient, keys.access_key) else 3]
        if made is keys.reminder:
            arguments[2] = 1
        if made is keys.access_key:
            arguments = [f"{CLINIC}#P#{ANA}", "k"]
        with pytest.raises(ValueError, match="#"):
            made(*arguments)


# What is due


def test_due_references_come_in_order_and_say_all_a_message_needs(store, clinic):
    for number in range(9):
        enrolled(store, facts_of(clinic, a_patient(f"patient{number:09}"), reach=contacts(number=number)))
    found = everything_due(store)
    assert {r.patient_id for r in found} == {f"patient{n:09}" for n in range(9)}
    assert {(r.clinic_id, r.seq, r.due, r.lane) for r in found} == {(CLINIC, 1, SOON, f"sms#{CLINIC}#60")}
    for shard in range(SHARDS):
        mine = store.due(shard, None, SOON, limit=100)
        assert mine == sorted(mine, key=lambda r: (r.due, r.clinic_id, r.patient_id))
        walked, place = [], None
        while page := store.due(shard, place, SOON, limit=2):
            walked += page
            place = Place(due=page[-1].due, clinic_id=page[-1].clinic_id, patient_id=page[-1].patient_id)
        assert walked == mine, "in pages as well, though all are due in the same second"


def test_the_range_is_open_below_and_closed_above(store, chart):
    second = timedelta(seconds=1)
    assert everything_due(store, upto=SOON - second) == []
    assert len(everything_due(store, upto=SOON)) == 1
    everybody = Place(due=SOON, clinic_id="~", patient_id="")
    assert everything_due(store, after=everybody) == []
    assert everything_due(store, upto=SOON - second, after=everybody) == [], "a range that is none is empty"


def test_a_watermark_is_moved_only_from_where_it_was(store):
    place = Place(due=SOON, clinic_id=CLINIC, patient_id=ANA)
    first = Watermark(turn=1, places={0: place, 3: place}, lanes={"sms#x#60": SOON + timedelta(milliseconds=1500)})
    assert store.watermark() is None
    assert store.advance_watermark(None, first)
    assert store.watermark() == first
    assert not store.advance_watermark(None, first)
    assert store.advance_watermark(first, Watermark(turn=2))
    assert not store.advance_watermark(first, Watermark(turn=2))


# Claims


def claim(chart: Chart, token: str = "mine"):
    decided = decide(chart.facts, chart.cursor, SOON, token)
    assert isinstance(decided, tuple)
    return decided[1]


def test_a_claim_takes_the_wake_and_moves_the_cursor_on(store, chart):
    claimed = claim(chart)
    assert store.claim(chart, claimed)
    assert read(store).cursor == claimed
    assert [r.due for r in everything_due(store)] == [claimed.due]


def test_of_two_claims_one_is_refused(store, chart):
    assert store.claim(chart, claim(chart, "mine"))
    assert not store.claim(chart, claim(chart, "theirs"))
    (flight,) = read(store).cursor.in_flight.values()
    assert flight.token == "mine"


def test_a_claim_whose_answer_was_lost_knows_its_own_token(store, chart):
    claimed = claim(chart)
    assert store.claim(chart, claimed)
    assert store.claim(chart, claimed)


def test_a_claim_is_refused_once_the_facts_have_changed(store, chart):
    other = Chart(facts=chart.facts, cursor=replace(chart.cursor, rev=chart.cursor.rev + 1))
    assert store.commit(chart, other, audit=AUDIT)
    assert not store.claim(chart, claim(chart))


def test_nobody_is_claimed_who_is_gone(store, table, chart):
    table.write(Remove(keys.cursor(CLINIC, ANA)))
    assert not store.claim(chart, claim(chart))


def test_a_finished_plan_leaves_the_index(store, chart):
    assert store.claim(chart, replace(claim(chart), due=None, lane=Lane.NONE))
    assert everything_due(store) == []
    assert read(store).cursor.due is None


# Holding, outdating, trying again


def test_a_held_wake_waits_at_its_slot_with_the_reason(store, chart):
    why = Reason("pacing", "others go first")
    later = SOON + timedelta(minutes=20)
    assert store.hold(reference(chart), later, reason=why, lane=f"=sms#{CLINIC}#60")
    found = read(store).cursor
    assert (found.due, found.held, found.lane) == (later, why, Lane.SMS)
    assert (found.rev, found.seq) == (chart.cursor.rev, chart.cursor.seq)
    assert [(r.due, r.lane) for r in everything_due(store)] == [(later, f"=sms#{CLINIC}#60")]
    assert not store.hold(reference(chart), SOON, reason=None), "it waits for another time now"
    assert store.hold(reference(read(store)), SOON, reason=None)
    assert read(store).cursor.held is None


def test_a_wake_held_until_somebody_changes_something_leaves_the_index(store, chart):
    assert store.hold(reference(chart), None, reason=None)
    assert (read(store).cursor.due, everything_due(store)) == (None, [])


def test_nothing_is_held_that_was_claimed(store, chart):
    assert store.claim(chart, claim(chart))
    before = read(store)
    assert not store.hold(reference(chart), SOON + timedelta(hours=1), reason=None)
    assert not store.outdate(reference(chart), 2)
    assert read(store) == before


def test_an_outdated_wake_refuses_earlier_readings_and_asks_for_the_newer_clinic(store, table, chart, clinic):
    assert store.chart(CLINIC, ANA, now=MONDAY).facts.clinic == clinic
    stopped = replace(clinic, stopped_at=MONDAY, version=2)
    far = another(table)
    assert far.replace_clinic(clinic, stopped)
    assert store.chart(CLINIC, ANA, now=MONDAY).facts.clinic == clinic, "a copy, still"
    assert far.outdate(reference(chart), stopped.version)
    assert not store.claim(chart, claim(chart))
    assert store.chart(CLINIC, ANA, now=MONDAY).facts.clinic == stopped
    assert everything_due(store) == [replace(reference(chart), lane=f"sms#{CLINIC}#60")], "it is due as before"


def test_an_attempt_is_replaced_once_and_only_as_it_stands(store, chart):
    assert store.claim(chart, claim(chart))
    found = read(store)
    (flight,) = found.cursor.in_flight.values()
    tried = (Attempt(number=1, at=SOON, outcome="not_sent", code="ThrottlingException"),)
    freed = replace(flight, not_sent=True, earlier=tried)
    assert store.retry(found, flight, freed)
    assert store.retry(found, flight, freed), "asked again after a lost answer"
    assert not store.retry(found, flight, replace(freed, attempt=2))
    again = read(store)
    assert list(again.cursor.in_flight.values()) == [freed]
    assert again.cursor.due == found.cursor.due
    following = replace(found.cursor, seq=found.cursor.seq + 1)
    assert not store.claim(found, following), "whoever read the attempt before must read again"


# The history


def a_record(**changes) -> Reminder:
    usual = Reminder(
        clinic_id=CLINIC,
        patient_id=ANA,
        seq=1,
        due=SOON,
        claimed_at=SOON,
        channel=Channel.SMS,
        kind="welcome",
        category=Category.ACCOUNT,
        status=Status.SENT,
        outcomes=OUTCOMES[:1],
        next_due=SOON + timedelta(days=1),
        contact_id="c1",
        template="optin_confirm",
        version=2,
        language="es",
        segments=1,
        text="Hola",
        attempts=(Attempt(number=1, at=SOON, outcome="accepted"),),
        provider_id="sms-1",
        sent_at=SOON,
    )
    return replace(usual, **changes)


def _outcomes():
    facts = facts_of(a_clinic(), a_patient(), visits=[a_visit(MONDAY + timedelta(days=1, hours=2))])
    planned, cursor = replanned(None, facts, None, MONDAY)
    decided = decide(planned, cursor, SOON, "t")
    return decided[0].outcomes


OUTCOMES = _outcomes()
SENT = a_record()
FAILED = a_record(status=Status.FAILED, detail="Rejected", provider_id="", sent_at=None)
UNKNOWN = a_record(status=Status.UNKNOWN, provider_id="", sent_at=None)


def test_a_record_is_read_as_it_was_written(store, clinic):
    for seq, record in enumerate((SENT, FAILED, UNKNOWN), start=1):
        numbered = replace(record, seq=seq)
        event = {Status.SENT: Event.ACCEPTED, Status.FAILED: Event.REFUSED, Status.UNKNOWN: Event.GAVE_UP}
        store.record(numbered, event[record.status])
        assert store.reminder(CLINIC, ANA, seq) == numbered
    assert [r.seq for r in store.reminders(CLINIC, ANA)] == [1, 2, 3]
    assert [r.seq for r in store.reminders(CLINIC, ANA, after=1)] == [2, 3]
    assert store.reminder(CLINIC, ANA, 9) is None


def tell(store, event: Event, provider_id: str = "sms-1", detail: str = "") -> None:
    store.evidence(CLINIC, ANA, 1, event, provider_id, SOON + timedelta(seconds=4), detail)


STEPS = {
    "record": lambda store: store.record(SENT, Event.ACCEPTED),
    "accepted": lambda store: tell(store, Event.ACCEPTED),
    "delivered": lambda store: tell(store, Event.DELIVERED),
    "undelivered": lambda store: tell(store, Event.UNDELIVERED, detail="TEXT_UNREACHABLE"),
}


@pytest.mark.parametrize(
    ("order", "status"),
    [
        ("record accepted delivered", Status.DELIVERED),
        ("accepted record delivered", Status.DELIVERED),
        ("accepted delivered record", Status.DELIVERED),
        ("delivered accepted record", Status.DELIVERED),
        ("delivered record accepted", Status.DELIVERED),
        ("record delivered accepted", Status.DELIVERED),
        ("record record accepted accepted", Status.SENT),
        ("accepted record accepted", Status.SENT),
        ("record undelivered", Status.FAILED),
        ("undelivered record", Status.FAILED),
        ("record delivered undelivered", Status.FAILED),
        ("undelivered delivered record", Status.FAILED),
    ],
)
def test_record_and_events_come_to_the_same_in_every_order(store, clinic, order, status):
    for step in order.split():
        STEPS[step](store)
    found = store.reminder(CLINIC, ANA, 1)
    assert found.status is status
    assert found.is_complete
    assert (found.text, found.provider_id, found.sent_at) == ("Hola", "sms-1", SOON)
    assert (found.delivered_at is not None) == (status is Status.DELIVERED or order == "record delivered undelivered")
    assert found.detail == ("TEXT_UNREACHABLE" if status is Status.FAILED else "")


def test_an_event_alone_is_proof_but_no_record(store, clinic):
    tell(store, Event.ACCEPTED)
    found = store.reminder(CLINIC, ANA, 1)
    assert (found.status, found.is_complete, found.provider_id) == (Status.SENT, False, "sms-1")


def test_what_is_known_is_not_made_unknown(store, clinic):
    store.record(SENT, Event.ACCEPTED)
    store.record(replace(UNKNOWN, text=""), Event.GAVE_UP)
    store.record(replace(FAILED, text=""), Event.REFUSED)
    assert store.reminder(CLINIC, ANA, 1) == SENT


def test_what_was_given_up_can_still_turn_out_to_have_been_sent(store, clinic):
    store.record(UNKNOWN, Event.GAVE_UP)
    store.record(SENT, Event.ACCEPTED)
    assert store.reminder(CLINIC, ANA, 1) == SENT


# Tasks and numbers


def a_task(task_id: str = f"{ANA}task000000000001", **changes) -> Task:
    usual = Task(
        id=task_id,
        clinic_id=CLINIC,
        patient_id=ANA,
        kind="missing_anchor",
        tier="routine",
        rule="r",
        detail="d",
        opened_at=MONDAY,
    )
    return replace(usual, **changes)


def test_a_task_is_opened_once(store, clinic):
    assert store.open_task(a_task())
    assert not store.open_task(a_task(detail="another"))
    assert store.tasks(CLINIC, limit=10) == ([a_task()], None)


def test_tasks_are_listed_worst_first(store, clinic):
    tiers = ("routine", "emergency", "review_soon", "urgent")
    for number, tier in enumerate(tiers):
        store.open_task(a_task(f"{ANA}task{number:012}", tier=tier))
    first, following = store.tasks(CLINIC, limit=3)
    second, end = store.tasks(CLINIC, limit=3, start=following)
    assert [t.tier for t in (*first, *second)] == ["emergency", "urgent", "review_soon", "routine"]
    assert end is None


def test_a_number_that_said_stop_is_known_by_its_hash(store, table, clinic):
    assert not store.number_stopped(CLINIC, "+12025550123")
    table.write(Put({"pk": keys.number(CLINIC, hashed("+12025550123")), "sk": keys.STOPPED}))
    assert store.number_stopped(CLINIC, "+12025550123")
    assert not store.number_stopped("clinicRiverside1", "+12025550123")


def test_numbers_lead_to_patients_and_follow_their_contacts(store, table, chart):
    old, new = chart.facts.contacts[0].address, "+12025569999"
    assert len(table.query(keys.number(CLINIC, hashed(old))).items) == 1
    moved = tuple(replace(c, address=new) if c.channel is Channel.SMS else c for c in chart.facts.contacts)
    facts, cursor = replanned(chart.facts, replace(chart.facts, contacts=moved), chart.cursor, MONDAY)
    assert store.commit(chart, Chart(facts=facts, cursor=cursor), audit=AUDIT)
    assert table.query(keys.number(CLINIC, hashed(old))).items == ()
    assert len(table.query(keys.number(CLINIC, hashed(new))).items) == 1


def test_the_due_index_holds_ids_and_nothing_else(store, table, clinic):
    made = enrolled(store, facts_of(clinic, a_patient(family_name="Quixada", given_name="Zoraida")))
    (entry,) = [i for n in range(SHARDS) for i in table.query(keys.shard(n), index="due").items]
    assert set(entry) == {"pk", "sk", "due_pk", "due_sk", "seq", "lane"}
    said = str(entry) + str(table.get(keys.cursor(CLINIC, ANA)))
    personal = ("Quixada", "Zoraida", *(contact.address for contact in made.facts.contacts))
    assert not [each for each in personal if each in said]
