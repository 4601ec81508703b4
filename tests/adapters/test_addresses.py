"""The store's contract, on memory and on DynamoDB: what an address says of itself holds for every contact with it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.adapters import keys
from chalicelib.domain.patient import Category, Channel, ContactStatus, Standing
from chalicelib.domain.replan import replanned
from chalicelib.service.chart import Chart
from tests.service.ward import ANA, CLINIC, MONDAY, a_patient, contacts, facts_of

from .charts import AUDIT, enrolled, hashed, read

NUMBER = "+12025560000"
MAIL = "ana0@example.org"
OK, STOPPED, BAD, WRONG = ContactStatus.OK, ContactStatus.STOPPED, ContactStatus.BAD, ContactStatus.WRONG_PERSON


def chart_with(store, chart, changed):
    facts, cursor = replanned(chart.facts, replace(chart.facts, contacts=changed), chart.cursor, MONDAY)
    return store.commit(chart, Chart(facts=facts, cursor=cursor), audit=AUDIT)


def test_addresses_lead_to_patients_and_follow_their_contacts(store, table, chart):
    assert store.patients_of(CLINIC, NUMBER) == store.patients_of(CLINIC, MAIL) == [ANA]
    moved = tuple(replace(c, address="+12025569999") if c.channel is Channel.SMS else c for c in chart.facts.contacts)
    assert chart_with(store, chart, moved)
    assert store.patients_of(CLINIC, NUMBER) == []
    assert store.patients_of(CLINIC, "+12025569999") == [ANA]
    assert store.patients_of("clinicRiverside1", "+12025569999") == []
    assert table.query(keys.address(CLINIC, hashed(NUMBER))).items == ()


def test_an_email_address_is_the_same_in_any_case_of_its_letters(store, chart):
    store.mark(CLINIC, "Ana0@Example.org", STOPPED, MONDAY)
    assert store.patients_of(CLINIC, "ANA0@EXAMPLE.ORG") == [ANA]
    assert store.standing(CLINIC, MAIL).is_refused


@pytest.mark.parametrize(
    ("said", "stands", "times"),
    [
        ([], OK, 0),
        ([STOPPED], STOPPED, 1),
        ([STOPPED, STOPPED], STOPPED, 1),
        ([STOPPED, OK, STOPPED], STOPPED, 3),
        ([STOPPED, BAD], STOPPED, 1),
        ([BAD, STOPPED], STOPPED, 2),
        ([BAD, OK], OK, 2),
        ([OK], OK, 0),
        ([WRONG, OK, BAD], BAD, 3),
    ],
)
def test_an_address_stands_as_was_last_said_and_no_provider_takes_a_stop_back(store, said, stands, times):
    for status in said:
        store.mark(CLINIC, NUMBER, status, MONDAY)
    assert store.standing(CLINIC, NUMBER) == Standing(status=stands, times=times)
    assert store.standing("clinicRiverside1", NUMBER) == Standing()


def test_what_is_lifted_is_lifted_only_from_what_it_was(store):
    store.mark(CLINIC, NUMBER, BAD, MONDAY)
    store.mark(CLINIC, NUMBER, STOPPED, MONDAY)
    store.mark(CLINIC, NUMBER, OK, MONDAY, only_from=BAD)
    assert store.standing(CLINIC, NUMBER).status is STOPPED


def test_categories_are_muted_and_wanted_again_one_by_one(store):
    store.mute(CLINIC, MAIL, (Category.CHECKIN, Category.REFILL), on=False)
    store.mute(CLINIC, MAIL, (Category.REFILL,), on=True)
    assert store.standing(CLINIC, MAIL) == Standing(muted=(Category.CHECKIN,))


@pytest.mark.parametrize("status", [STOPPED, BAD, WRONG])
def test_nobody_is_enrolled_as_reachable_at_an_address_that_forbids_it(store, clinic, status):
    store.mark(CLINIC, NUMBER, status, MONDAY)
    planned, cursor = replanned(None, facts_of(clinic, a_patient()), None, MONDAY)
    assert not store.enrol(Chart(facts=planned, cursor=cursor), "digest", (), (), AUDIT)
    assert store.chart(CLINIC, ANA, now=MONDAY) is None
    assert store.patients_of(CLINIC, NUMBER) == []
    as_it_stands = tuple(store.standing(CLINIC, c.address).of(c) for c in planned.contacts)
    found = enrolled(store, replace(planned, contacts=as_it_stands))
    assert [c.status for c in found.facts.contacts] == [status, OK]


def test_no_contact_comes_to_be_written_to_at_an_address_that_forbids_it(store, chart):
    phone, mail = chart.facts.contacts
    new = replace(contacts(number=7)[0], id="c3")
    store.mark(CLINIC, new.address, STOPPED, MONDAY)
    assert not chart_with(store, chart, (phone, mail, new))
    assert not chart_with(store, chart, (replace(phone, address=new.address), mail))
    assert chart_with(store, chart, (phone, mail, replace(new, status=STOPPED)))
    assert not chart_with(store, read(store), (phone, mail, new)), "nor by a change of its status"
    store.mark(CLINIC, new.address, OK, MONDAY + timedelta(hours=1))
    assert chart_with(store, read(store), (phone, mail, new))


def test_other_changes_of_a_patient_do_not_wait_for_their_addresses(store, chart):
    store.mark(CLINIC, NUMBER, STOPPED, MONDAY)
    renamed = tuple(replace(c, name="Ana Ruiz") for c in chart.facts.contacts)
    assert chart_with(store, chart, renamed)
