"""What docs/protocols.md says of the built-in protocols, in words, from the protocols themselves."""

from collections.abc import Iterable

from chalicelib.domain.local_time import Period
from chalicelib.domain.protocol import (
    Anchor,
    Badge,
    Checkin,
    Message,
    Notice,
    Protocol,
    Question,
    Series,
    StaffTask,
    Step,
    Supply,
    VisitWindow,
)

_ANCHOR = {
    Anchor.INJURY: "injury",
    Anchor.DEFICIT_ONSET: "onset of the deficit (the injury date where none is known)",
    Anchor.ENROLMENT: "enrolment",
    Anchor.DISCHARGE: "discharge from hospital",
    Anchor.INJECTION: "each injection",
    Anchor.LAST_FILL: "each fill",
    Anchor.PUMP_ALARM: "each low-reservoir alarm date entered",
    Anchor.CATHETER_CHANGE: "each catheter change",
}
_FACT = {"ad_risk": "patients with an injury at T6 or above, or of unknown level", "itb_pump": "patients with a pump"}
_CHANNEL = {"sms": "text", "email": "e-mail"}


def page(protocols: Iterable[Protocol]) -> str:
    """The generated part of the page: one section a protocol."""
    return "\n\n".join(_section(protocol) for protocol in protocols)


def _section(protocol: Protocol) -> str:
    facts = [f"Counted from {_ANCHOR[protocol.anchor]}."]
    facts.append("On for every new patient" if protocol.default_on else "Added by a clinician")
    if protocol.only_with_anchor:
        facts[-1] += " whose date is known"
    facts[-1] += "."
    if protocol.applies_if:
        facts.append(f"Only for {_FACT[protocol.applies_if]}.")
    if protocol.needs_anchor:
        facts.append("Without the date staff get an urgent task.")
    if protocol.excludes:
        facts.append(f"Never together with {', '.join(f'`{family}`' for family in protocol.excludes)}.")
    rows = [row for step in protocol.steps for row in _rows(step)]
    table = ["| step | what | when | who is told | evidence |", "|---|---|---|---|---|"]
    table += [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows]
    return "\n".join([f"### {protocol.name}: `{protocol.id}`", "", " ".join([*facts, protocol.note]), "", *table])


def _rows(step: Step) -> list[tuple[str, str, str, str, str]]:
    key = f"`{step.key}`"
    if isinstance(step, Supply):
        due = f"due {_point(step.due)}" if step.due else "due when the days entered are over"
        own = f", counted from {_ANCHOR[step.anchor]}" if step.anchor else ""
        cap = "; may exceed the weekly limit" if step.uncapped else ""
        first = (key, step.title, due + own, f"as follows{cap}", step.evidence)
        return [first, *(("", _notice(n), _before(n.at), _told(n), "") for n in step.notices)]
    what, when, who = _cells(step)
    return [(key, what, when, who, step.evidence)]


def _cells(step: Step) -> tuple[str, str, str]:
    match step:
        case VisitWindow():
            again = f"; again {_every(step.repeat)}" if step.repeat else ""
            when = f"{_span(step.opens, step.closes)}, best {_point(step.target)}{again}"
            who = "staff" if step.message == "none" else f"staff; patient by text (`{step.message}`)"
            return step.title, when, who
        case Checkin():
            what = f"Check-in, up to {step.max_questions} questions; the first: anything new or worse?"
            if step.joins:
                what = (
                    f"Extra check-in (within a day of the main one it joins it), up to {step.max_questions} questions"
                )
            nudge = f"; a reminder {_length(step.nudge_after)} later if unanswered" if step.nudge_after else ""
            stable = f"; every second one after {step.step_down_after} stable ones" if step.step_down_after else ""
            then = f", then {_every(step.then_every)}" if step.then_every else ""
            return what, _recurring(step.starts, step.every, step.until) + then + stable, f"patient by text{nudge}"
        case Question():
            until = f" until {_point(step.until)}" if step.until else ""
            return f"Question `{step.message}`", f"{_every(step.every)}{until}", "patient, within the check-in"
        case Message():
            when = _recurring(step.starts, step.every, step.until) if step.every else f"once, {_point(step.starts)}"
            return f"Message `{step.message}`", when, f"patient by {_CHANNEL[step.channel]}"
        case StaffTask(no_visit_for=Period() as gap):
            until = f", until {_point(step.until)}" if step.until else ""
            return step.title, f"{_length(gap)} after the last attended visit{until}", "staff"
        case StaffTask():
            due = f", to be done by {_point(step.due)}" if step.due else ""
            return step.title, f"{_point(step.at or Period())}{due}", "staff"
        case Series():
            return step.title, f"{_point(step.at)}, until appointments are set", "staff; patient before each session"
        case Badge():
            when = f"amber from {_point(step.amber)}, red from {_point(step.red)}, ends at {_point(step.ends)}"
            return "Clock beside the patient's name", when, "staff only"
        case Supply():
            raise AssertionError("a supply has rows of its own")


def _notice(notice: Notice) -> str:
    unless = f", unless {notice.unless}" if notice.unless else ""
    return f"{notice.task or f'Message `{notice.message}`'}{unless}"


def _told(notice: Notice) -> str:
    if notice.task:
        return f"staff ({notice.tier.replace('_', ' ')})"
    return "patient by text and e-mail" if notice.both_channels else "patient by text"


def _before(at: Period) -> str:
    if at == Period():
        return "on the due date"
    back = Period(-at.months, -at.days)
    return f"{_length(back)} before it is due" if at < Period() else f"{_length(at)} after it was due"


def _point(period: Period | None) -> str:
    assert period is not None
    if period.days < 0 or period.months < 0:
        return f"{_length(Period(-period.months, -period.days))} before"
    if period.months and not period.days:
        return f"month {period.months}"
    return (
        f"day {period.days}" if not period.months else f"month {period.months} and {_length(Period(days=period.days))}"
    )


def _span(first: Period, last: Period) -> str:
    if first.months or last.months:
        return f"{_point(first)} to {_point(last)}"
    return f"days {first.days}–{last.days}"


def _recurring(starts: Period, every: Period, until: Period | None) -> str:
    end = f" until {_point(until)}" if until else ""
    return f"{_every(every)} from {_point(starts)}{end}"


def _every(period: Period) -> str:
    one = {Period(months=12): "every year", Period(months=1): "every month", Period(days=7): "every week"}
    return one.get(period) or f"every {_length(period)}"


def _length(period: Period) -> str:
    if period.months and period.months % 12 == 0:
        count, unit = period.months // 12, "year"
    elif period.months:
        count, unit = period.months, "month"
    elif period.days % 7 == 0:
        count, unit = period.days // 7, "week"
    else:
        count, unit = period.days, "day"
    return f"{count} {unit}{'' if count == 1 else 's'}"
