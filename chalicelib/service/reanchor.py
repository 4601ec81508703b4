"""Re-anchor: something happened to the patient from which steps count anew."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime

from chalicelib.domain.facts import Facts
from chalicelib.domain.plan import ANCHOR_OF_EVENT, EventType, Supply
from chalicelib.domain.problem import Problem
from chalicelib.domain.protocol import Anchor
from chalicelib.domain.steps import anchor_of
from chalicelib.service.change import Altered, Changed, Desk, Refusal
from chalicelib.service.chart import Audit
from chalicelib.service.course import not_followed
from chalicelib.service.enrol import RENEWED
from chalicelib.service.planning import renewed


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """What happened, checked field by field."""

    type: EventType
    on: date
    """The date steps count from: of the event itself, or for a pump's refill that of the next low-reservoir alarm."""
    days: int | None = None
    """How many days a fill lasts, or until the next catheter change."""


def record(
    desk: Desk, clinic_id: str, patient_id: str, happened: Happening, audit: Audit, *, now: datetime
) -> Changed | Refusal | None:
    """Enters the event. What counts from it begins anew; the same event again, or its days put right, does not."""

    def alter(facts: Facts) -> Altered | Refusal | None:
        refused = not_followed(facts)
        if refused:
            return refused
        anchor = ANCHOR_OF_EVENT[happened.type]
        known, before = facts.plan.anchors.get(anchor), facts.supplies.get(anchor)
        days = happened.days or (before.days_supply if before else None)
        if happened.type is EventType.FILL and days is None:
            return Refusal((Problem("days_supply", "is required: no fill before says how many days it lasts"),))
        if happened.type is EventType.CATHETER_CHANGE and days is None:
            return Refusal((Problem("interval_days", "is required: no change before says when the next is due"),))
        if known and happened.on < known and anchor in RENEWED:
            return Refusal((Problem(_field(happened), _older(happened, known)),), conflict=True)
        supply = None
        if anchor in RENEWED:
            number = before.number if before else int(known is not None)
            same = known == happened.on
            supply = Supply(
                anchor=anchor,
                number=number if same else number + 1,
                days_supply=days,
                confirmed=bool(same and before and before.confirmed),
            )
        if known == happened.on and supply == before:
            return None
        plan = replace(facts.plan, anchors={**facts.plan.anchors, anchor: happened.on})
        supplies = {**facts.supplies, anchor: supply} if supply else facts.supplies
        return Altered(facts=renewed(replace(facts, plan=plan, supplies=supplies)))

    return desk.carry_out(clinic_id, patient_id, alter, audit, now=now)


def _field(happened: Happening) -> str:
    return "alarm_date" if happened.type is EventType.PUMP_REFILL else "date"


def _older(happened: Happening, known: date) -> str:
    what = "an alarm date" if happened.type is EventType.PUMP_REFILL else _NAMES[happened.type]
    return f"{what} of {known}, which is later, is on record already; if that one is wrong, put it right in the plan"


_NAMES = {
    EventType.FILL: "a fill",
    EventType.PUMP_REFILL: "a pump refill",
    EventType.INJECTION: "an injection",
    EventType.DISCHARGE: "a discharge",
    EventType.CATHETER_CHANGE: "a catheter change",
    EventType.DEFICIT_ONSET: "an onset of the deficit",
}


def unused(facts: Facts, anchor: Anchor) -> bool:
    """Whether nothing in the plan counts from that date."""
    return anchor not in set(_counted_from(facts))


def _counted_from(facts: Facts) -> Iterator[Anchor]:
    for protocol in facts.protocols.values():
        yield protocol.anchor
        yield from (anchor_of(protocol, step) for step in protocol.steps)
