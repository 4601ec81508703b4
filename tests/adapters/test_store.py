"""The store's contract, on memory and on DynamoDB: clinics, patients, tasks, and the wall between clinics."""

from dataclasses import replace
from datetime import date, time, timedelta

import pytest

from chalicelib.adapters import keys
from chalicelib.adapters.conversation import TableConversation
from chalicelib.domain.danger import Danger
from chalicelib.domain.local_time import ContactWindow
from chalicelib.domain.patient import Category, Channel, Clinical, Consent, Pause
from chalicelib.domain.plan import Override, Session, Supply
from chalicelib.domain.protocol import Anchor
from chalicelib.domain.replan import replanned
from chalicelib.service.chart import TASK_STATES, TIERS, TO_DO, AccessKey, Chart, Task
from chalicelib.service.ports import CLINIC_KEPT
from tests.service.ward import ANA, CLINIC, MONDAY, SHARDS, a_clinic, a_patient, a_visit, contacts, facts_of

from .charts import AUDIT, SOON, another, claim, enrolled, hashed, read, reference

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


def test_the_list_of_stops_says_of_every_clinic_whether_it_is_stopped(store, clinic):
    other = a_clinic(id="clinicRiverside1", name="Riverside", sms_number="+12025550111")
    assert store.create_clinic(other)
    assert store.stops() == {clinic.id: False, other.id: False}
    stopped = replace(clinic, stopped_at=MONDAY, version=2)
    assert store.replace_clinic(clinic, stopped)
    assert store.stops() == {clinic.id: True, other.id: False}
    assert store.replace_clinic(stopped, replace(stopped, stopped_at=None, version=3))
    assert store.stops() == {clinic.id: False, other.id: False}


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
    assert store.roster_after(CLINIC, "", limit=2) == first
    assert store.roster_after(CLINIC, first[-1], limit=2) == second
    assert store.roster_after(CLINIC, second[-1], limit=2) == []
    assert store.roster_after(CLINIC, "patientNobody001", limit=2) is None


# The wall between clinics


def test_a_clinics_keys_reach_nothing_of_another(store, chart):
    other = a_clinic(id="clinicRiverside1", sms_number="+12025550177", name="Riverside")
    assert store.create_clinic(other)
    assert store.chart(other.id, ANA, now=MONDAY) is None
    assert store.enrolment(other.id, ANA) is None
    assert store.reminder(other.id, ANA, 1) is None
    assert list(store.reminders(other.id, ANA)) == []
    assert store.roster(other.id, limit=10) == ([], None)
    assert store.roster_after(other.id, "", limit=10) == []
    assert store.roster_after(other.id, ANA, limit=10) is None
    assert store.tasks(other.id, states=TASK_STATES, limit=10) == ([], False)
    assert store.tasks_of(other.id, ANA) == []
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


# Tasks


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
    assert store.tasks(CLINIC, limit=10) == ([a_task()], False)


def test_tasks_are_listed_worst_first(store, clinic):
    tiers = ("routine", "emergency", "review_soon", "urgent")
    for number, tier in enumerate(tiers):
        store.open_task(a_task(f"{ANA}task{number:012}", tier=tier))
    first, more = store.tasks(CLINIC, limit=3)
    second, yet_more = store.tasks(CLINIC, limit=3, after=first[-1].order)
    assert [t.tier for t in (*first, *second)] == ["emergency", "urgent", "review_soon", "routine"]
    assert (more, yet_more) == (True, False)


def in_every_state(store) -> list[Task]:
    made = []
    for number in range(12):
        state = TASK_STATES[number % 3]
        closed = {"closed_at": MONDAY + timedelta(hours=number)} if state == "closed" else {}
        task = a_task(f"{ANA}task{number:012}", state=state, tier=TIERS[number % 4], **closed)
        assert store.open_task(task)
        made.append(task)
    return made


@pytest.mark.parametrize("states", [("open",), ("acked",), ("closed",), TO_DO, TASK_STATES], ids=str)
@pytest.mark.parametrize("limit", [1, 2, 5, 12])
def test_tasks_of_any_states_come_in_full_pages_in_one_order(store, clinic, states, limit):
    wanted = sorted((t for t in in_every_state(store) if t.state in states), key=lambda t: t.order)
    pages, more = [], True
    while more:
        page, more = store.tasks(CLINIC, states=states, limit=limit, after=pages[-1][-1].order if pages else "")
        pages.append(page)
    assert [t for page in pages for t in page] == wanted
    assert {len(page) for page in pages[:-1]} <= {limit}


def test_of_one_tier_what_is_to_do_comes_before_what_was_closed_and_the_latest_closed_first():
    due = a_task(due_on="2026-03-09")
    waiting = a_task()
    early, late = (a_task(state="closed", closed_at=MONDAY + timedelta(hours=h)) for h in (1, 2))
    worse = a_task(tier="urgent", state="closed", closed_at=MONDAY)
    assert sorted([early, late, waiting, due, worse], key=lambda t: t.order) == [worse, due, waiting, late, early]


def test_a_task_that_changes_state_changes_lists(store, table, clinic):
    store.open_task(a_task())
    seen = a_task(state="acked", ack_by="key", acked_at=MONDAY)
    talk = TableConversation(table, hashed)
    assert talk.replace_task(a_task(), seen)
    assert store.tasks(CLINIC, states=("open",), limit=10)[0] == []
    assert store.tasks(CLINIC, states=("acked",), limit=10)[0] == store.tasks_of(CLINIC, ANA) == [seen]
    done = a_task(state="closed", closed_at=MONDAY, outcome="resolved", note="n")
    assert talk.replace_task(seen, done)
    assert store.tasks(CLINIC, limit=10)[0] == []
    assert store.tasks(CLINIC, states=("closed",), limit=10)[0] == store.tasks_of(CLINIC, ANA) == [done]


def test_of_two_tasks_opened_for_what_a_patient_said_after_the_same_one_only_the_first_is(table, store, clinic):
    talk = TableConversation(table, hashed)
    first, second, third = (a_task(f"{ANA}task{n:012}", code=code) for n, code in enumerate(("101", "", "102")))
    assert talk.last_unread(CLINIC, ANA) == ""
    assert talk.open_unread(first, after="")
    assert not talk.open_unread(first, after=first.id), "it is there"
    assert not talk.open_unread(second, after=""), "another has been opened since"
    assert talk.last_unread(CLINIC, ANA) == first.id
    assert talk.open_unread(second, after=first.id)
    assert talk.open_unread(third, after=None), "to whom the others do not matter"
    assert talk.last_unread(CLINIC, ANA) == second.id
    assert {t.id for t in store.tasks_of(CLINIC, ANA)} == {first.id, second.id, third.id}
    assert talk.task_of_code(CLINIC, "101") == first


def test_a_task_that_becomes_urgent_is_found_by_its_code_from_then_on(table, store, clinic):
    talk = TableConversation(table, hashed)
    calm = a_task()
    urgent = replace(calm, tier="urgent", code=talk.new_code(CLINIC), climbs_at=MONDAY)
    assert talk.open_unread(calm, after="")
    assert not talk.replace_task(replace(calm, rung=1), urgent), "it does not stand like that"
    assert talk.task_of_code(CLINIC, urgent.code) is None
    assert talk.replace_task(calm, urgent)
    assert talk.task_of_code(CLINIC, urgent.code) == urgent
    assert list(talk.overdue_tasks(MONDAY, limit=10)) == [urgent]
    assert talk.new_code(CLINIC) != urgent.code


def test_a_patients_facts_know_what_cannot_wait_and_whether_somebody_has_seen_it(table, store, chart):
    talk, later = TableConversation(table, hashed), MONDAY + timedelta(hours=1)
    calm = a_task(tier="review_soon")
    assert talk.open_unread(calm, after="")
    assert read(store).facts.danger is None
    urgent = replace(calm, tier="urgent", code="101", climbs_at=SOON, urgent_since=SOON)
    assert talk.replace_task(calm, urgent)
    known = Danger(code="101", tier="urgent", since=SOON)
    assert read(store).facts.danger == known
    paged = replace(urgent, rung=1, climbs_at=later)
    assert talk.replace_task(urgent, paged)
    worse = replace(paged, tier="emergency")
    assert talk.replace_task(paged, worse)
    assert read(store).facts.danger == replace(known, tier="emergency")
    seen = replace(worse, state="acked", acked_at=later, climbs_at=None)
    assert talk.replace_task(worse, seen)
    assert read(store).facts.danger == replace(known, tier="emergency", seen_at=later)
    again = a_task(f"{ANA}task000000000002", tier="urgent", code="102", climbs_at=later, urgent_since=later)
    assert talk.open_unread(again, after=calm.id)
    assert talk.replace_task(seen, replace(seen, state="closed", closed_at=later))
    assert read(store).facts.danger == Danger(code="102", tier="urgent", since=later), "closing the old is no news"


def test_a_change_of_facts_leaves_alone_what_tasks_say_of_danger(table, store, chart):
    talk = TableConversation(table, hashed)
    before = read(store)
    urgent = a_task(tier="urgent", code="101", climbs_at=SOON, urgent_since=SOON)
    assert talk.open_unread(urgent, after="")
    facts = replace(before.facts, patient=replace(before.facts.patient, given_name="Anna"))
    new = replace(before, facts=facts, cursor=replace(before.cursor, rev=before.cursor.rev + 1))
    assert store.commit(before, new, audit=AUDIT)
    assert read(store).facts.danger is not None
    assert read(store).facts.patient.given_name == "Anna"


def test_the_due_index_holds_ids_and_nothing_else(store, table, clinic):
    made = enrolled(store, facts_of(clinic, a_patient(family_name="Quixada", given_name="Zoraida")))
    (entry,) = [i for n in range(SHARDS) for i in table.query(keys.shard(n), index="due").items]
    assert set(entry) == {"pk", "sk", "due_pk", "due_sk", "seq", "lane"}
    said = str(entry) + str(table.get(keys.cursor(CLINIC, ANA)))
    personal = ("Quixada", "Zoraida", *(contact.address for contact in made.facts.contacts))
    assert not [each for each in personal if each in said]
