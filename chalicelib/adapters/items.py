"""Nouns as items and back: the only place that knows attribute names, beside `keys` and the index definitions.

A noun is one JSON document. What a condition, an index or a provider's event touches is an attribute of its own, and
stands nowhere else: the cursor's numbers and its due time, a record's status and what events say.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any as Anything

from chalicelib.adapters import keys
from chalicelib.adapters.documents import ending, pack, unpack
from chalicelib.adapters.roster import pauses_text
from chalicelib.adapters.table import Item, Key
from chalicelib.domain.clinic import Clinic
from chalicelib.domain.cursor import Cursor, Lane
from chalicelib.domain.danger import AFTER_SEEN, Danger
from chalicelib.domain.delivery import Reminder, Status
from chalicelib.domain.facts import Facts
from chalicelib.domain.ids import ClinicId, PatientId, spread
from chalicelib.domain.local_time import utc_text
from chalicelib.domain.occurrence import Reason
from chalicelib.domain.patient import Consent, Contact, Patient
from chalicelib.domain.plan import Appointment, Pin, Plan, Supply
from chalicelib.domain.protocol import Protocol
from chalicelib.service.chart import Chart, Reference, Task
from chalicelib.service.references import RESERVED, lane_text


def with_key(key: Key, attributes: Mapping[str, Anything]) -> Item:
    return {"pk": key.pk, "sk": key.sk, **attributes}


def text_of(item: Item, name: str) -> str:
    value = item[name]
    assert isinstance(value, str)
    return value


def number_of(item: Item, name: str) -> int:
    value = item[name]
    assert isinstance(value, int)
    return value


def instant_of(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


# --- clinics ---

STOPPED = "stopped"
"""A clinic's status in the roster while its stop switch is on."""


def clinic_item(clinic: Clinic) -> Item:
    return with_key(
        keys.clinic(clinic.id),
        {
            "clinic": clinic.id,
            "version": clinic.version,
            "doc": pack(clinic),
            "roster_pk": keys.CLINICS,
            "roster_sk": f"{clinic.name}#{clinic.id}",
            **({"status": STOPPED} if clinic.stopped_at else {}),
        },
    )


# --- patients ---


def fact_items(facts: Facts) -> dict[Key, Item]:
    """Every noun of a patient's facts but the cursor, by key, without the key's own attributes."""
    clinic, patient = facts.clinic.id, facts.patient
    name = f"{patient.family_name}, {patient.given_name}"
    found: dict[Key, Item] = {
        keys.fact(clinic, patient.id, "patient"): {
            "doc": pack(patient),
            "clinic": clinic,
            "patient": patient.id,
            "status": patient.status.value,
            "name": name,
            "external_id": patient.external_id,
            "roster_pk": keys.roster(clinic),
            "roster_sk": f"{name.casefold()}#{patient.id}",
            **({"pauses": pauses_text({p.start: p.until for p in patient.pauses})} if patient.pauses else {}),
        },
        keys.fact(clinic, patient.id, "plan"): {"doc": pack(facts.plan)},
    }
    for contact in facts.contacts:
        found[keys.fact(clinic, patient.id, "contact", contact.id)] = {"doc": pack(contact)}
    for visit in facts.appointments:
        found[keys.fact(clinic, patient.id, "appointment", visit.id)] = {"doc": pack(visit)}
    for anchor, supply in facts.supplies.items():
        found[keys.fact(clinic, patient.id, "supply", anchor.value)] = {"doc": pack(supply)}
    return found


def danger_item(task: Task) -> Item:
    """What a task that cannot wait means for the patient's facts. It is written with the task and by nothing else;
    once seen, it is of no use soon after."""
    since = task.urgent_since or task.opened_at
    danger = Danger(code=task.code, tier=task.tier, since=since, seen_at=task.acked_at)
    ends = ending(task.acked_at + 2 * AFTER_SEEN) if task.acked_at else {}
    return with_key(keys.fact(task.clinic_id, task.patient_id, "danger"), {"doc": pack(danger), **ends})


def chart_of(clinic: Clinic, rows: Sequence[Item], protocol: Callable[[Pin], Protocol]) -> Chart:
    """The chart in a patient's fact items, the cursor among them."""
    nouns: dict[str, list[Item]] = {}
    for row in rows:
        nouns.setdefault(text_of(row, "sk").split("#")[1], []).append(row)

    def of(noun: str) -> list[str]:
        return [text_of(row, "doc") for row in nouns.get(noun, ())]

    cursor = cursor_of(nouns["cursor"][0])
    plan = unpack(of("plan")[0], Plan)
    supplies = [unpack(document, Supply) for document in of("supply")]
    visits = [unpack(document, Appointment) for document in of("appointment")]
    return Chart(
        cursor=cursor,
        facts=Facts(
            clinic=clinic,
            patient=unpack(of("patient")[0], Patient),
            contacts=tuple(unpack(document, Contact) for document in of("contact")),
            plan=plan,
            protocols={pin.protocol: protocol(pin) for pin in plan.pins},
            progress=cursor.progress,
            appointments=tuple(sorted(visits, key=lambda visit: (visit.starts_at, visit.id))),
            supplies={supply.anchor: supply for supply in supplies},
            session=cursor.session,
            danger=next((unpack(document, Danger) for document in of("danger")), None),
        ),
    )


def consent_item(facts: Facts, consent: Consent) -> Item:
    sk = f"{keys.CONSENTS}{utc_text(consent.at)}#{consent.channel}"
    return with_key(Key(keys.patient(facts.clinic.id, facts.patient.id), sk), {"doc": pack(consent)})


# --- the cursor ---


_ASIDE = ("rev", "seq", "due", "lane", "held")
"""What of a cursor conditions and the due index touch."""


def cursor_item(clinic: Clinic, patient_id: str, cursor: Cursor, shards: int) -> Item:
    """`clinic_version`: whoever wakes this cursor must know the clinic as of that version or later."""
    item: dict[str, Anything] = {
        "clinic_version": clinic.version,
        "rev": cursor.rev,
        "seq": cursor.seq,
        "lane": lane_text(cursor.lane, clinic),
        "doc": cursor_document(cursor),
    }
    if cursor.held is not None:
        item["held"] = pack(cursor.held)
    if cursor.due is not None:
        item |= due_attributes(clinic.id, patient_id, cursor.due, shards)
    return with_key(keys.cursor(clinic.id, patient_id), item)


def cursor_document(cursor: Cursor) -> str:
    return pack(cursor, without=_ASIDE)


def due_attributes(clinic_id: str, patient_id: str, due: datetime, shards: int) -> dict[str, str]:
    """A patient's shard never changes, so a new due time is a move within it."""
    return {
        "due_pk": keys.shard(spread(patient_id, shards)),
        "due_sk": keys.due(due, clinic_id, patient_id),
    }


def cursor_of(item: Item) -> Cursor:
    aside = {
        "rev": number_of(item, "rev"),
        "seq": number_of(item, "seq"),
        "due": _due(item)[0] if "due_sk" in item else None,
        "lane": text_of(item, "lane").removeprefix(RESERVED).partition("#")[0] or Lane.NONE.value,
        "held": unpack(text_of(item, "held"), Reason) if "held" in item else None,
    }
    return unpack(text_of(item, "doc"), Cursor, aside)


def reference_of(item: Item) -> Reference:
    """From an entry of the due index, whose key says all but the number and the lane."""
    due, clinic, patient = _due(item)
    return Reference(
        clinic_id=clinic, patient_id=patient, seq=number_of(item, "seq"), due=due, lane=text_of(item, "lane")
    )


def _due(item: Item) -> tuple[datetime, ClinicId, PatientId]:
    at, clinic, patient = text_of(item, "due_sk").split("#")
    return instant_of(at), ClinicId(clinic), PatientId(patient)


# --- the history ---


_TOLD = (
    *("clinic_id", "patient_id", "seq", "status", "provider_id"),
    *("sent_at", "delivered_at", "again_at", "detail", "text", "kept_until"),
)
"""What of a record stands in its key, or is written by provider events as well."""


def record_attributes(reminder: Reminder) -> dict[str, Anything]:
    """A record as its own send knows it; its status and what events say are written beside it."""
    about: dict[str, Anything] = {"doc": pack(reminder, without=_TOLD)}
    if reminder.text:
        about["text"] = reminder.text
    if reminder.provider_id:
        about["provider_id"] = reminder.provider_id
    if reminder.sent_at:
        about["sent_at"] = utc_text(reminder.sent_at)
    return about | ending(reminder.kept_until)


def reminder_of(item: Item) -> Reminder:
    """The record, with what provider events wrote beside it; an event may be all there is yet."""
    _, clinic, _, patient = text_of(item, "pk").split("#")
    seq = int(text_of(item, "sk").removeprefix(keys.HISTORY))
    told: dict[str, Anything] = {
        "status": Status(text_of(item, "status")),
        "provider_id": str(item.get("provider_id", "")),
        "sent_at": _instant_or_none(item, "sent_at"),
        "delivered_at": _instant_or_none(item, "delivered_at"),
        "again_at": _instant_or_none(item, "again_at"),
        "detail": str(item.get("detail", "")),
        "text": str(item.get("text", "")),
    }
    if "doc" not in item:
        return replace(Reminder.bare(ClinicId(clinic), PatientId(patient), seq), **told)
    key: dict[str, Anything] = {"clinic_id": clinic, "patient_id": patient, "seq": seq}
    return unpack(text_of(item, "doc"), Reminder, {**key, **told})


def _instant_or_none(item: Item, name: str) -> datetime | None:
    return instant_of(text_of(item, name)) if name in item else None
