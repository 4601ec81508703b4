"""Steps that a change of plan brings back: a protocol taken up again, a step switched on again.

What the plan does not want at the moment, it cannot know as dealt with. So when a step returns, what the history tells
of it counts as dealt with, or its window would be announced a second time.
"""

from collections.abc import Set as AbstractSet
from datetime import datetime

from .facts import Facts
from .local_time import DAY, local_date
from .plan import Override
from .protocol_set import fits
from .slots import all_slotted, beginning
from .steps import anchor_of, step_id


def active_steps(facts: Facts) -> frozenset[str]:
    """`<protocol>/<step>` of every step that the plan carries out as the facts stand."""
    found: set[str] = set()
    for pin in facts.plan.pins:
        protocol = facts.protocols[pin.protocol]
        if not fits(protocol, facts.patient.clinical):
            continue
        known = (step for step in protocol.steps if facts.anchor(anchor_of(protocol, step)) is not None)
        names = (step_id(protocol, step) for step in known)
        found.update(name for name in names if not facts.plan.overrides.get(name, Override()).off)
    return frozenset(found)


def returning(old: Facts, new: Facts) -> frozenset[str]:
    """The steps that are active in `new` and not in `old`, the new ones among them."""
    return active_steps(new) - active_steps(old)


def dealt_with(
    old: Facts, new: Facts, steps: AbstractSet[str], told: AbstractSet[str], now: datetime
) -> frozenset[str]:
    """The occurrences of returning `steps` that are not to happen: those the history tells of (`told`), and those
    whose time came and went while a step of a standing protocol was switched off."""
    followed = {pin.protocol for pin in old.plan.pins} & {pin.protocol for pin in new.plan.pins}
    off = {step for step in steps if step.partition("/")[0] in followed}
    past = all_slotted(new, beginning(new), local_date(now, new.tz) + 2 * DAY) if off else ()
    return frozenset(told) | {o.id for o, slot in past if o.step in off and slot <= now and o.useful_until <= now}
