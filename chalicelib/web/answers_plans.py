"""Plans, changes and protocols as the API's JSON."""

from collections.abc import Iterable, Mapping
from typing import Any

from chalicelib.domain.facts import Facts
from chalicelib.domain.local_time import local_text, utc_text, zone
from chalicelib.domain.patient import Contact
from chalicelib.domain.plan import Override
from chalicelib.domain.plan_windows import Window
from chalicelib.domain.protocol_reading import write_protocol
from chalicelib.service.impact import Impact, Move
from chalicelib.service.load import Queueing
from chalicelib.service.shelf import Shelved
from chalicelib.service.timeline import Line
from chalicelib.web.answers import anchors, line
from chalicelib.web.checks import WEEKDAYS


def protocol(found: Shelved) -> dict[str, Any]:
    at = found.published_at
    return {
        **write_protocol(found.protocol),
        "origin": "clinic" if found.own else "built_in",
        "published_at": utc_text(at) if at else None,
    }


def plan(facts: Facts, steps: Iterable[Line], warnings: Iterable[str]) -> dict[str, Any]:
    fill = next((s for s in facts.supplies.values() if s.days_supply and s.anchor == "last_fill_date"), None)
    return {
        "version": facts.plan.version,
        "protocols": [pin.protocol for pin in facts.plan.pins],
        "since": {pin.protocol: utc_text(pin.since) for pin in facts.plan.pins},
        "anchors": anchors(facts),
        "days_supply": fill.days_supply if fill else None,
        "overrides": overrides(facts.plan.overrides),
        "steps": [line(each, facts) for each in steps],
        "warnings": list(warnings),
    }


def overrides(found: Mapping[str, Override]) -> dict[str, Any]:
    return {
        step: {
            "off": o.off,
            "weekday": None if o.weekday is None else WEEKDAYS[o.weekday],
            "at": f"{o.at:%H:%M}" if o.at else None,
        }
        for step, o in found.items()
    }


def plan_changes(found: Impact, facts: Facts, warnings: Iterable[str]) -> dict[str, Any]:
    """What a change of plan does, in full."""
    return {
        "version": facts.plan.version,
        "until": utc_text(found.until),
        "moved": [moved(each, facts) for each in found.moved],
        "added": [line(each, facts) for each in found.added],
        "cancelled": [line(each, facts) for each in found.cancelled],
        "kept": [line(each, facts) for each in found.kept],
        "warnings": list(warnings),
    }


def changes(found: Impact, facts: Facts) -> dict[str, Any]:
    """What another change does to the weeks ahead; what it leaves alone is only counted."""
    return {
        "until": utc_text(found.until),
        "moved": [moved(each, facts) for each in found.moved],
        "added": [line(each, facts) for each in found.added],
        "cancelled": [line(each, facts) for each in found.cancelled],
        "kept_count": len(found.kept),
    }


def moved(found: Move, facts: Facts) -> dict[str, Any]:
    return {
        **line(found.line, facts),
        "from": utc_text(found.was_at),
        "from_local": local_text(found.was_at, zone(found.was_in)),
        "from_channel": found.was_on.value,
    }


def preview_item(found: Line, facts: Facts) -> dict[str, Any]:
    return {
        "at": utc_text(found.at),
        "local": local_text(found.at, facts.tz),
        "kind": found.kind,
        "channel": found.channel.value,
        "state": found.state.value,
        "steps": [found.step],
        "title": found.title,
        "text": found.text,
        "reason": {"rule": found.reason.rule, "detail": found.reason.detail},
    }


def window(found: Window) -> dict[str, str]:
    return {
        "protocol": found.protocol,
        "step": found.step,
        "title": found.title,
        "opens": found.opens.isoformat(),
        "target": found.target.isoformat(),
        "closes": found.closes.isoformat(),
    }


def contact(found: Contact) -> dict[str, Any]:
    return {
        "id": found.id,
        "role": found.role.value,
        "channel": found.channel.value,
        "address": found.address,
        "name": found.name,
        "language": found.language,
        "consent": found.consent,
        "status": found.status.value,
        "muted": [each.value for each in found.muted],
    }


def queue_warning(found: Queueing, facts: Facts) -> str:
    slot, through = local_text(found.slot, facts.tz), found.through.astimezone(facts.tz)
    others = "another text" if found.ahead == 1 else f"{found.ahead} other texts"
    return (
        f"at {slot.replace('T', ' ')} the clinic's number has {others} to send, at {facts.clinic.sms_per_second:g} "
        f"a second: this one will leave by {through:%H:%M:%S}"
    )
