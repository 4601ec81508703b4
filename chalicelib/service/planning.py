"""Planning: which protocols a patient follows, from which dates, with which departures; tried first, or done."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from chalicelib.domain.facts import Facts
from chalicelib.domain.plan import Override, Pin, Supply
from chalicelib.domain.problem import Problem
from chalicelib.domain.protocol import Anchor
from chalicelib.service.change import Alter, Altered, Changed, Desk, Refusal, Stale
from chalicelib.service.chart import Audit
from chalicelib.service.course import not_followed
from chalicelib.service.enrol import RENEWED
from chalicelib.service.shelf import Shelved


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPlan:
    """What a plan shall be, checked field by field. What is None stays as it is."""

    protocols: tuple[str, ...] | None = None
    """All that are followed from now on: one that is not named stops, one that is new begins now."""
    anchors: Mapping[Anchor, date | None] | None = None
    """Dates put right or, with None, taken away. A date that is not named stays."""
    days_supply: int | None = None
    """Of the last fill."""
    overrides: Mapping[str, Override] | None = None
    """All departures from steps, by `<protocol>/<step>`."""


def put_plan(
    desk: Desk,
    clinic_id: str,
    patient_id: str,
    wanted: NewPlan,
    shelf: Mapping[str, Shelved],
    version: int | None,
    audit: Audit,
    *,
    now: datetime,
) -> Changed | Refusal | None:
    """Gives the patient that plan, if theirs still has the `version` (None: whichever it has)."""
    return desk.carry_out(clinic_id, patient_id, _alteration(wanted, shelf, version, now), audit, now=now)


def try_plan(
    desk: Desk,
    clinic_id: str,
    patient_id: str,
    wanted: NewPlan,
    shelf: Mapping[str, Shelved],
    version: int | None,
    *,
    now: datetime,
) -> Changed | Refusal | None:
    """What `put_plan` would do. Nothing is changed."""
    return desk.rehearse(clinic_id, patient_id, _alteration(wanted, shelf, version, now), now=now)


def _alteration(wanted: NewPlan, shelf: Mapping[str, Shelved], version: int | None, now: datetime) -> Alter:
    def alter(facts: Facts) -> Altered | Refusal | None:
        if version is not None and version != facts.plan.version:
            return stale("plan", facts.plan.version)
        refused = not_followed(facts)
        if refused:
            return refused
        new = planned(facts, wanted, shelf, now)
        return None if (new.plan, new.supplies) == (facts.plan, facts.supplies) else Altered(facts=renewed(new))

    return alter


def stale(what: str, version: int) -> Stale:
    return Stale((Problem("If-Match", f"the {what} has version {version} by now: read it again and decide again"),))


def planned(facts: Facts, wanted: NewPlan, shelf: Mapping[str, Shelved], now: datetime) -> Facts:
    """The facts with that plan, its version unchanged."""
    known = {pin.protocol: pin for pin in facts.plan.pins}
    followed = tuple(known) if wanted.protocols is None else wanted.protocols
    pins = tuple(known.get(each) or Pin(protocol=each, since=now, own=shelf[each].own) for each in followed)
    anchors = dict(facts.plan.anchors)
    for anchor, day in (wanted.anchors or {}).items():
        if day is None:
            anchors.pop(anchor, None)
        else:
            anchors[anchor] = day
    overrides = facts.plan.overrides if wanted.overrides is None else wanted.overrides
    return replace(
        facts,
        plan=replace(
            facts.plan,
            pins=pins,
            anchors=anchors,
            overrides={step: o for step, o in overrides.items() if step.partition("/")[0] in followed},
        ),
        protocols={each: facts.protocols.get(each) or shelf[each].protocol for each in followed},
        supplies=_supplies(facts, anchors, wanted.days_supply),
    )


def _supplies(facts: Facts, anchors: Mapping[Anchor, date], days_supply: int | None) -> dict[Anchor, Supply]:
    """A date put right stays in its cycle; one that was not known begins another."""
    found = dict(facts.supplies)
    for anchor in RENEWED:
        if anchor in anchors and anchor not in facts.plan.anchors:
            known = found.get(anchor)
            found[anchor] = Supply(anchor=anchor, number=known.number + 1 if known else 1)
    fill = found.get(Anchor.LAST_FILL)
    if fill and days_supply is not None:
        found[Anchor.LAST_FILL] = replace(fill, days_supply=days_supply)
    return found


def renewed(facts: Facts) -> Facts:
    """The facts with their plan's next version."""
    return replace(facts, plan=replace(facts.plan, version=facts.plan.version + 1))
