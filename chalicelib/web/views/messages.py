"""The conversation with a patient: what was said, what was answered, and a word from staff."""

from http import HTTPStatus
from typing import Any

from chalice.app import Response

from chalicelib import wiring
from chalicelib.adapters.secrets import fresh_id
from chalicelib.domain.delivery import Reminder, Status
from chalicelib.domain.ids import reminder_id
from chalicelib.domain.local_time import utc_text
from chalicelib.domain.patient import Category, Channel
from chalicelib.domain.problem import Problem
from chalicelib.service.conversation import NOBODY, Message
from chalicelib.service.enrol import why_unused
from chalicelib.service.say import Unsettled
from chalicelib.service.staff_message import NotNow, send_to_patient
from chalicelib.web import answers
from chalicelib.web.bodies import NewMessage
from chalicelib.web.door import Call
from chalicelib.web.paging import cut, page_of
from chalicelib.web.problems import conflict, unsettled, wrong
from chalicelib.web.reading import read
from chalicelib.web.views.patients import chart_of


def listed(call: Call, patient_id: str) -> dict[str, Any]:
    if patient_id == NOBODY:
        return _from_nobody(call)
    facts = chart_of(call, patient_id).facts
    reminders = wiring.store().reminders(facts.clinic.id, facts.patient.id)
    talk = wiring.conversation().messages(facts.clinic.id, facts.patient.id)
    # Within a second, what was asked stands before its answer, and the answer before what was said to it.
    told = [(_reminded(r), 0) for r in reminders if r.text]
    told += [(_said(m), 1 if m.inbound else 2) for m in talk if m.audience == "patient"]
    said = [m for m, _ in sorted(told, key=lambda each: (each[0]["at"], each[1], each[0]["id"]))]
    page = page_of(call)
    items, following = cut(said, page)
    return answers.page(items, following)


def _from_nobody(call: Call) -> dict[str, Any]:
    """What came from numbers that are no patient's, or that several patients share, each with its number: whom a task
    asks to find out about."""
    talk = wiring.conversation()
    said = [_said(m) for m in talk.messages(call.principal.clinic_id, NOBODY) if m.inbound and m.text]
    call.patients.add(NOBODY)
    items, following = cut(sorted(said, key=lambda m: (m["at"], m["id"])), page_of(call))
    return answers.page(items, following)


def send(call: Call, patient_id: str) -> Response:
    chart = chart_of(call, patient_id)
    body, found = read(call.json, NewMessage)
    if found:
        raise wrong(found)
    channel = Channel(body.channel)
    contact = chart.facts.contact(channel, Category.ACCOUNT)
    if contact is None:
        rule = chart.facts.why_no_contact(channel, Category.ACCOUNT)
        raise conflict(
            "Nothing was sent.", [Problem("channel", f"{channel.value} may not be used: {why_unused(channel, rule)}")]
        )
    try:
        done = send_to_patient(wiring.voice(), chart.facts, contact, body.text, f"staff.{fresh_id()}", now=call.now)
    except Unsettled as lost:
        raise unsettled() from lost
    if isinstance(done, NotNow):
        raise conflict(
            "Nothing was sent.",
            [Problem("text", f"it is outside the patient's hours; send it from {done.local_time} their time")],
        )
    return Response(_said(done), status_code=HTTPStatus.CREATED)


def checkins(call: Call, patient_id: str) -> dict[str, Any]:
    facts = chart_of(call, patient_id).facts
    talk = wiring.conversation()
    said = {m.id: m.text for m in talk.messages(facts.clinic.id, facts.patient.id) if m.inbound}
    items = [
        {
            "at": utc_text(a.at),
            "question": a.question,
            "answer": a.answer,
            "text": said.get(a.cause),
            "tier": a.tier,
            "baseline": a.baseline,
            "reason": {"rule": a.rule, "detail": a.detail},
        }
        for a in talk.answers(facts.clinic.id, facts.patient.id)
    ]
    shown, following = cut(items, page_of(call))
    return answers.page(shown, following)


def _status(status: str) -> str:
    return Status.FAILED.value if status == Status.UNREACHED else str(status)


def _said(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "at": utc_text(message.at),
        "direction": "in" if message.inbound else "out",
        "channel": message.channel.value,
        "kind": message.kind,
        "text": message.text,
        "status": _status(message.status),
        "detail": message.detail or None,
        "tier": message.tier or None,
        "rules": list(message.rules),
        "language": message.language,
        "sender": message.sender or None,
    }


def _reminded(reminder: Reminder) -> dict[str, Any]:
    return {
        "id": reminder_id(reminder.patient_id, reminder.seq),
        "at": utc_text(reminder.sent_at or reminder.claimed_at),
        "direction": "out",
        "channel": reminder.channel.value,
        "kind": reminder.kind,
        "text": reminder.text,
        "status": _status(reminder.status),
        "detail": reminder.detail or None,
        "tier": None,
        "rules": [],
        "language": reminder.language,
        "sender": None,
    }
