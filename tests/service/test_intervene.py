from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.adapters.copybook import copybook
from chalicelib.adapters.memory import Fault
from chalicelib.domain.delivery import Event, Status
from chalicelib.domain.message import Site
from chalicelib.domain.occurrence import State
from chalicelib.service.change import Refusal
from chalicelib.service.intervene import Intervened, Intervening
from chalicelib.service.perform import Done
from chalicelib.service.references import encode
from chalicelib.service.timeline import timeline

from .test_deliver import DAY_BEFORE, at_the_eve_of, due_reference
from .ward import ANA, CLINIC, Ward

SITE = Site(url="https://care.example", secret=b"secret")
HOUR = timedelta(hours=1)


@pytest.fixture
def ward():
    """A minute before the day-before reminder of Ana's visit is due."""
    return at_the_eve_of("the day before")


def asked(ward: Ward, verb: str, occurrence: str, *, patient: str = ANA, rehearse: bool = False):
    """What an operator's command does: `verb` is `resend` or `void`."""
    audit = ward.audit(f"occurrence.{verb}")
    act = getattr(Intervening(store=ward.store, queue=ward.queue), verb)
    return act(CLINIC, patient, occurrence, audit, rehearse=rehearse)


def told(ward: Ward, occurrence: str) -> list[tuple[str, str]]:
    """The timeline's lines about it: state and rule."""
    lines = timeline(ward.store, ward.chart(), copybook, SITE, now=ward.now, start=None, end=None)
    return [(line.state, line.reason.rule) for line in lines if line.occurrence_id == occurrence]


def coming(ward: Ward) -> str:
    """The occurrence that the eve's reminder carries."""
    lines = timeline(ward.store, ward.chart(), copybook, SITE, now=ward.now, start=None, end=None)
    return next(line.occurrence_id for line in lines if line.at == DAY_BEFORE)


def refused(ward: Ward) -> str:
    """The day-before reminder, which the carrier refused; its occurrence."""
    occurrence = coming(ward)
    ward.sms.script(Fault.REJECT)
    ward.tick()
    ward.drain(DAY_BEFORE + timedelta(minutes=5))
    assert ward.history()[-1].status is Status.FAILED
    return occurrence


def why(answer) -> str:
    assert isinstance(answer, Refusal), answer
    return answer.problems[0].message


# Sending again


def test_what_failed_goes_out_again_under_a_claim_of_its_own(ward):
    occurrence, before = refused(ward), ward.chart().cursor
    done = asked(ward, "resend", occurrence)
    assert done.changed
    assert done.entry.reason.rule == "resent"
    assert told(ward, occurrence) == [("failed", "provider"), ("scheduled", "resent")]
    ward.live(ward.now + timedelta(minutes=5))
    assert len(ward.sms.sent) == 1
    record = ward.history()[-1]
    assert record.seq > before.seq - 1
    assert (record.status, record.outcomes[0].rule) == (Status.SENT, "resent")
    assert told(ward, occurrence) == [("failed", "provider"), ("sent", "resent")]


def test_asked_for_twice_it_goes_out_once(ward):
    occurrence = refused(ward)
    first, second = asked(ward, "resend", occurrence), asked(ward, "resend", occurrence)
    assert (first.changed, second.changed) == (True, False)
    ward.live(ward.now + timedelta(minutes=5))
    assert len(ward.sms.sent) == 1
    assert "it went out" in why(asked(ward, "resend", occurrence))
    ward.live(ward.now + timedelta(hours=3))
    assert len(ward.sms.sent) == 1


def test_what_fails_again_may_be_sent_again(ward):
    occurrence = refused(ward)
    ward.sms.script(Fault.REJECT)
    asked(ward, "resend", occurrence)
    ward.live(ward.now + timedelta(minutes=5))
    assert ward.history()[-1].status is Status.FAILED
    assert asked(ward, "resend", occurrence).changed
    ward.live(ward.now + timedelta(minutes=5))
    assert len(ward.sms.sent) == 1


def test_a_rehearsal_changes_nothing(ward):
    occurrence = refused(ward)
    before = ward.chart()
    assert asked(ward, "resend", occurrence, rehearse=True).changed
    assert asked(ward, "void", occurrence, rehearse=True)
    assert ward.chart() == before


def test_what_is_unknown_may_be_sent_again_by_whoever_found_out(ward):
    occurrence = coming(ward)
    ward.events = False
    ward.sms.script(*[Fault.TIMEOUT_BEFORE] * 2)
    ward.tick()
    ward.drain(DAY_BEFORE + HOUR)
    assert ward.history()[-1].status is Status.UNKNOWN
    assert asked(ward, "resend", occurrence).changed
    ward.live(ward.now + timedelta(minutes=5))
    assert len(ward.sms.sent) == 1


def test_what_is_still_under_way_is_not_sent_beside_itself(ward):
    occurrence = coming(ward)
    ward.sms.script(Fault.TIMEOUT_AFTER)
    ward.tick()
    ward.drain(DAY_BEFORE + timedelta(seconds=20))
    assert "not known yet" in why(asked(ward, "resend", occurrence))


def test_a_claim_and_a_resend_of_one_moment_end_in_one_message(ward):
    """The worker has read the chart when the operator asks; the fence lets one of them go first."""
    occurrence = refused(ward)
    asked(ward, "resend", occurrence)
    body, read, chart_of = encode(due_reference(ward)), [], ward.worker.chart

    def chart(clinic_id, patient_id, *, now):
        found = chart_of(clinic_id, patient_id, now=now)
        if not read:
            read.append(found)
            asked(ward, "void", occurrence)
        return found

    ward.worker.chart = chart
    ward.deliver(body)
    ward.live(ward.now + timedelta(minutes=10))
    assert ward.sms.sent == []
    assert told(ward, occurrence)[-1] == ("cancelled", "voided")


@pytest.mark.parametrize(
    ("story", "said"),
    [
        ("sent", "it is sent"),
        ("coming", "has not been sent yet"),
        ("nobody's", "no such occurrence"),
        ("too late", "would not go out"),
    ],
)
def test_what_may_not_be_sent_again_says_why(ward, story, said):
    if story == "sent":
        occurrence = coming(ward)
        ward.tick()
        ward.drain(DAY_BEFORE + HOUR)
    elif story == "coming":
        occurrence = coming(ward)
    elif story == "nobody's":
        occurrence = "never-was"
    else:
        occurrence = refused(ward)
        ward.now += timedelta(days=2)
    before = ward.chart()
    assert said in why(asked(ward, "resend", occurrence))
    assert ward.chart() == before


def test_of_a_stranger_there_is_nothing_to_do(ward):
    assert asked(ward, "resend", "any", patient="nobody") is None
    assert asked(ward, "void", "any", patient="nobody") is None


def test_a_resend_takes_the_place_of_the_first_in_the_days_one_text(ward):
    """The failed one had used up the day; its second try goes out on that day and not on the next."""
    occurrence = refused(ward)
    used_up = ward.chart().facts.progress.sent
    entry = asked(ward, "resend", occurrence).entry
    assert entry.at < DAY_BEFORE + HOUR
    ward.live(ward.now + timedelta(minutes=5))
    assert len(ward.sms.sent) == 1
    assert len(ward.chart().facts.progress.sent) == len(used_up)


# Voiding


def test_what_was_voided_is_not_sent_and_the_timeline_keeps_it_with_the_reason(ward):
    occurrence = coming(ward)
    done = asked(ward, "void", occurrence)
    assert isinstance(done, Intervened)
    assert done.entry.state is State.CANCELLED
    assert done.entry.reason.detail.startswith("voided by ops")
    assert told(ward, occurrence) == [("cancelled", "voided")]
    ward.live(DAY_BEFORE + HOUR)
    assert ward.sms.sent == []
    ward.live(DAY_BEFORE + timedelta(days=6))
    assert told(ward, occurrence) == [("cancelled", "voided")]
    assert ward.chart().facts.progress.voided == {}, "laid to rest in the history, it weighs on no cursor"
    assert ward.reconcile().gaps == ()


def test_voiding_twice_is_voiding_once(ward):
    occurrence = coming(ward)
    assert [asked(ward, "void", occurrence).changed for _ in range(2)] == [True, False]
    ward.live(DAY_BEFORE + timedelta(days=6))
    assert not asked(ward, "void", occurrence).changed


def test_a_void_is_lifted_by_a_resend(ward):
    occurrence = coming(ward)
    asked(ward, "void", occurrence)
    assert asked(ward, "resend", occurrence).entry.at == DAY_BEFORE
    ward.live(DAY_BEFORE + HOUR)
    assert len(ward.sms.sent) == 1


def test_what_the_carrier_would_not_take_is_not_tried_again_once_voided(ward):
    occurrence = coming(ward)
    ward.sms.script(*[Fault.THROTTLE] * 3)
    ward.tick()
    ward.drain(DAY_BEFORE + timedelta(seconds=20))
    assert asked(ward, "void", occurrence).changed
    ward.drain(DAY_BEFORE + HOUR)
    assert ward.sms.sent == []
    assert told(ward, occurrence) == [("cancelled", "voided")]


def test_what_may_have_left_is_not_sent_a_second_time_once_voided(ward):
    ward.events = False
    occurrence = coming(ward)
    ward.sms.script(Fault.TIMEOUT_AFTER)
    ward.tick()
    ward.drain(DAY_BEFORE + timedelta(seconds=20))
    asked(ward, "void", occurrence)
    ward.drain(DAY_BEFORE + HOUR)
    assert len(ward.sms.attempts) == 1
    assert told(ward, occurrence) == [("unknown", "as_planned")]


def test_a_void_survives_a_change_of_plan(ward):
    occurrence = coming(ward)
    asked(ward, "void", occurrence)
    ward.change(lambda facts: replace(facts, patient=replace(facts.patient, hours_before=True)))
    assert told(ward, occurrence) == [("cancelled", "voided")]


def test_a_sent_message_cannot_be_taken_back(ward):
    occurrence = coming(ward)
    ward.tick()
    ward.drain(DAY_BEFORE + HOUR)
    assert "nothing of it is to come: it is sent" in why(asked(ward, "void", occurrence))


def test_a_late_receipt_settles_what_was_unknown_before_it_is_sent_again(ward):
    occurrence = coming(ward)
    ward.events = False
    ward.sms.script(*[Fault.TIMEOUT_AFTER] * 2)
    ward.tick()
    ward.drain(DAY_BEFORE + HOUR)
    ward.store.evidence(CLINIC, ANA, ward.history()[-1].seq, Event.DELIVERED, "sms-1", ward.now, "", attempt=1)
    assert "it is delivered" in why(asked(ward, "resend", occurrence))


def test_nothing_of_it_disturbs_a_redelivery(ward):
    body = encode(due_reference(ward))
    occurrence = refused(ward)
    asked(ward, "resend", occurrence)
    ward.live(ward.now + timedelta(minutes=5))
    assert ward.deliver(body) is Done.SETTLED
    assert len(ward.sms.sent) == 1
