"""What is wrong with a protocol a clinic wrote: said for its administrator, with what would be right."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields
from datetime import timedelta
from difflib import get_close_matches

from .local_time import Period, shift
from .protocol import Message, Protocol, Question, Step, Supply, VisitWindow
from .protocol_reading import read_protocol, readable_steps
from .protocol_rules import ANCHOR_DATES, RULES, after
from .protocol_shape import MAX_STEPS, STEP
from .protocol_values import Problem
from .triage.values import PromptKind

LONGEST = Period(months=120)
"""No follow-up rule looks further than ten years ahead; beyond it, somebody meant days and wrote months."""

SESSION_QUESTIONS = frozenset(
    {
        PromptKind.CHECKIN_CHANGE,
        PromptKind.CHECKIN_PSFS,
        PromptKind.CHECKIN_SKIN,
        PromptKind.CHECKIN_MEDS,
        PromptKind.HOME_PROGRAM,
    }
)
"""The questions whose answers can be graded. Severity is asked by itself, after spasms were reported."""


def accepted(raw: object, known_messages: AbstractSet[str]) -> Protocol | list[Problem]:
    """The protocol a clinic wrote, ready to be stored; or everything wrong with it, shape and sense together."""
    read = read_protocol(raw)
    if isinstance(read, Protocol):
        return problems(read, known_messages) or read
    return [*read, *_steps(readable_steps(raw), known_messages)]


def problems(protocol: Protocol, known_messages: AbstractSet[str]) -> list[Problem]:
    """What must be put right before the protocol can be used. `known_messages` are the names of texts it may send."""
    found: list[Problem] = []
    if len(protocol.steps) > MAX_STEPS:
        return [Problem("items", f"holds {len(protocol.steps)} steps; at most {MAX_STEPS} are allowed")]
    if not protocol.steps:
        found.append(Problem("items", "is empty: the protocol would do nothing; give it at least one step"))
    if protocol.family in protocol.excludes:
        found.append(Problem("excludes", f"names {protocol.family} itself; name only other protocols"))
    return found + _steps(protocol.steps, known_messages)


def _steps(steps: Sequence[Step | None], known: AbstractSet[str]) -> list[Problem]:
    found: list[Problem] = []
    times = Counter(step.key for step in steps if step)
    first: dict[str, int] = {}
    for place, step in enumerate(steps):
        if step is None:
            continue
        at = f"items[{place}]"
        if times[step.key] > 1 and first.setdefault(step.key, place) != place:
            other = first[step.key]
            found.append(Problem(f"{at}.key", f"{step.key} is also the key of items[{other}]; give each its own"))
        # Where a duration makes no sense by itself, what it has to do with others is not worth reporting.
        own = list(_durations(step, at))
        found += own or [Problem(f"{at}.{name}" if name else at, said) for name, said in RULES[type(step)](step)]
        found += _messages(step, at, known)
    return found + list(_crossings(steps))


# --- single values -------------------------------------------------------------------------------------------------

_INTERVALS = frozenset({"every", "then_every", "repeat", "no_visit_for", "nudge_after"})


def _durations(step: Step, at: str) -> Iterator[Problem]:
    names = {field.attribute: field.name for field in STEP.record_of(step).fields}
    for attribute in (f.name for f in fields(step)):
        held = getattr(step, attribute)
        name = names[attribute]
        if isinstance(held, Period):
            said = _interval(held) if name in _INTERVALS else _distance(held)
            if said:
                yield Problem(f"{at}.{name}", said)
    if isinstance(step, Supply):
        for place, notice in enumerate(step.notices):
            said = _distance(notice.at)
            if said:
                yield Problem(f"{at}.reminders[{place}].at", said)


def _distance(period: Period) -> str | None:
    if period.minutes:
        return f"{period} holds hours or minutes; steps are counted in whole days, such as P2D"
    if abs(period.months) > LONGEST.months or abs(period.days) > 3660:
        return "lies more than ten years away; days are written P14D, weeks P2W, months P3M"
    return None


def _interval(period: Period) -> str | None:
    if not period.months and not period.days and period.minutes < 30:
        return "is an interval under 30 minutes, which would never end; the shortest is P1D"
    if period.months < 0 or period.days < 0:
        return "goes backwards; write an interval such as P1W"
    if period.months and period.days:
        return f"{period} mixes months and days; write whole months (P3M) or whole days (P45D)"
    return _distance(period)


def _messages(step: Step, at: str, known: Collection[str]) -> Iterator[Problem]:
    match step:
        case VisitWindow(message=message) if message != "none":
            named = [("message", message)]
        case Message(message=message):
            named = [("message", message)]
        case Supply(notices=notices):
            named = [(f"reminders[{place}].message", n.message) for place, n in enumerate(notices) if n.message]
        case Question(message=message) if message not in SESSION_QUESTIONS:
            yield Problem(f"{at}.message", f"is no question with graded answers; use {_listed(SESSION_QUESTIONS)}")
            return
        case _:
            return
    for field, message in named:
        if message not in known:
            near = get_close_matches(message, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the texts are {_listed(known)}"
            yield Problem(f"{at}.{field}", f"there is no text called {message}; {hint}")


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names))


def _crossings(steps: Sequence[Step | None]) -> Iterator[Problem]:
    """Windows that overlap. Those with one target are meant to: one visit, one message. Others are a slip."""
    windows = [
        (shift(ANCHOR_DATES[0], step.opens), place, step)
        for place, step in enumerate(steps)
        if isinstance(step, VisitWindow) and not step.overlaps and not list(_durations(step, ""))
    ]
    windows.sort(key=lambda found: found[:2])
    for n, (_, place, step) in enumerate(windows):
        clear = shift(ANCHOR_DATES[0], step.closes) + timedelta(days=10)
        for opens, other_place, other in windows[n + 1 :]:
            if opens > clear:
                break  # months differ by a few days between anchor dates, never by ten
            if other.target == step.target or not after(step.closes, other.opens, by=-1):
                continue
            (_, earlier), (later, _) = sorted([(place, step.key), (other_place, other.key)])
            first = min(place, other_place)
            yield Problem(
                f"items[{later}].open",
                f"the window overlaps that of items[{first}] ({earlier}): open it after the other has closed, "
                "give both the same target, or mark a separate assessment with `overlaps`",
            )
            break
