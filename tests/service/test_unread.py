"""Several texts of one patient at once, and texts in the very moment somebody acknowledges: no text is ever without a
task that nobody has looked at, and none makes a task beside one.

Each story is played once for every call that the slower of the two makes to the table, with the faster one carried out
whole in the moment before that call.
"""

from datetime import timedelta
from itertools import count

import pytest

from chalicelib.service.say import Unsettled

from .talk import Interrupted, Talk

HARMLESS, GRAVE = "the cushion came on tuesday", "I can't feel my legs"


def a_talk(*before):
    talk = Talk().open_clinic()
    talk.enrol()
    for text in before:
        talk.says(text)
    return talk


def tasks(talk, *states):
    found = talk.store.tasks_of(talk.clinic.id, talk.chart().facts.patient.id)
    return [t for t in found if t.state in states] if states else found


def heard(talk, text, provider_id, table=None):
    """Hears the text as the queue would have it heard: again, while it is not settled."""
    for _ in range(3):
        try:
            return talk.says(text, provider_id=provider_id, table=table)
        except Unsettled:
            table, talk.now = None, talk.now + timedelta(minutes=3)
    raise AssertionError("never settled")


def texts(task):
    return len(task.said)


@pytest.mark.parametrize("before", [(), (HARMLESS,), (GRAVE,)], ids=["none", "one to read", "an urgent one"])
@pytest.mark.parametrize(("slow", "fast"), [(HARMLESS, GRAVE), (GRAVE, HARMLESS), (HARMLESS, HARMLESS), (GRAVE, GRAVE)])
def test_two_texts_at_once_lie_on_one_task(before, slow, fast):
    played = 0
    for moment in count(1):
        talk = a_talk(*before)
        table = Interrupted(talk.table, moment, lambda talk=talk: heard(talk, fast, "fast"))
        heard(talk, slow, "slow", table)
        if table.calls < moment:
            break
        played += 1
        (task,) = tasks(talk)
        assert texts(task) == 2 + len(before), f"before call {moment}"
        assert len(set(task.said)) == len(task.said)
        worst = "urgent" if GRAVE in (*before, slow, fast) else "review_soon"
        assert (task.tier, task.rung) == (worst, int(worst == "urgent")), f"before call {moment}"
        assert len([s for s in talk.sms.sent if "needs a person now" in s.text]) == task.rung, "one page"
    assert played >= 8


@pytest.mark.parametrize("text", [HARMLESS, GRAVE])
def test_a_text_in_the_moment_of_an_acknowledgement_is_on_it_or_on_a_new_task(text):
    played = 0
    for moment in count(1):
        talk = a_talk(GRAVE)
        (first,) = tasks(talk)

        def seen(talk=talk, task_id=first.id):
            talk.escalation().acknowledge(talk.clinic.id, task_id, "Kim", now=talk.now)

        table = Interrupted(talk.table, moment, seen)
        heard(talk, text, "late", table)
        if table.calls < moment:
            break
        played += 1
        acked, fresh = tasks(talk, "acked"), tasks(talk, "open")
        assert sum(texts(t) for t in acked + fresh) == 2, f"before call {moment}"
        assert len(acked) == 1
        assert len(fresh) <= 1
    assert played >= 8
