"""STOP in the very instant of an enrolment or a new contact: whichever comes first, nothing is sent to the number.

Each story is played once for every call that the slower of the two makes to the table, with the faster one carried out
whole in the moment before that call.
"""

from dataclasses import replace
from itertools import count

import pytest

from chalicelib.domain.patient import Channel, Consent, Contact, ContactStatus, Role
from chalicelib.service.reach import add_contact, alter_contact

from .talk import NUMBER, Interrupted, Talk

OTHER = "+12025560222"


def enrolled(talk, table):
    talk.enrol(table=table)


def added(talk, table):
    contact = Contact(id="c9", role=Role.SELF, channel=Channel.SMS, address=NUMBER)
    patient = talk.chart().facts.patient.id
    add_contact(talk.desk(table), talk.clinic.id, patient, contact, _agreed(talk), talk.audit("add"), now=talk.now)


def corrected(talk, table):
    patient, desk, audit = talk.chart().facts.patient.id, talk.desk(table), talk.audit("alter")

    def to_the_number(known):
        return replace(known, address=NUMBER)

    alter_contact(
        desk,
        talk.clinic.id,
        patient,
        "c1",
        to_the_number,
        _agreed(talk),
        audit,
        checked=True,
        now=talk.now,
    )


def _agreed(talk):
    return Consent(channel=Channel.SMS, granted=True, method="verbal", recorded_by="desk", at=talk.now)


STORIES = pytest.mark.parametrize("change", [enrolled, added, corrected])


def a_clinic_for(change):
    talk = Talk().open_clinic()
    if change is not enrolled:
        talk.enrol(phone=OTHER)
    return talk


def statuses(talk):
    return {c.status for c in talk.chart().facts.contacts if c.address == NUMBER}


@STORIES
def test_a_stop_at_any_moment_of_a_change_holds(change):
    played = 0
    for moment in count(1):
        talk = a_clinic_for(change)
        table = Interrupted(talk.table, moment, lambda talk=talk: talk.says("STOP"))
        change(talk, table)
        if table.calls < moment:
            break
        played += 1
        assert statuses(talk) == {ContactStatus.STOPPED}, f"before call {moment}"
        assert talk.store.standing(talk.clinic.id, NUMBER).is_refused
    assert played >= 3


@STORIES
def test_a_change_at_any_moment_of_a_stop_does_not_escape_it(change):
    played = 0
    for moment in count(1):
        talk = a_clinic_for(change)
        table = Interrupted(talk.table, moment, lambda talk=talk: change(talk, talk.table))
        talk.says("STOP", table=table)
        if table.calls < moment:
            break
        played += 1
        assert statuses(talk) == {ContactStatus.STOPPED}, f"before call {moment}"
    assert played >= 3


def test_of_a_stop_and_a_start_the_one_written_last_holds_for_number_and_contacts_alike():
    for moment in count(1):
        talk = Talk().open_clinic()
        talk.enrol()
        table = Interrupted(talk.table, moment, lambda talk=talk: talk.says("START"))
        talk.says("STOP", table=table)
        if table.calls < moment:
            break
        stands = talk.store.standing(talk.clinic.id, NUMBER).status
        assert statuses(talk) == {stands}, f"before call {moment}"
