"""The table of `domain.delivery` as conditions: the states from which an event's write may happen at all."""

from datetime import datetime, timedelta

from chalicelib.adapters.table import All, Any, AtMost, Condition, Is, Lacks
from chalicelib.domain.delivery import MOVES, Event, Status
from chalicelib.domain.local_time import utc_text


def moves(event: Event) -> Condition:
    sources = MOVES[event][1]
    named: list[Condition] = [Is("status", s.value) for s in sorted(s for s in sources if s)]
    return Any(*([Lacks("status")] if None in sources else []), *named)


def moves_at(event: Event, at: datetime, attempt: int) -> Condition:
    """The same for what a provider tells of one attempt at a reminder. Of a phone that was reached and was not, what
    happened later holds; and of an attempt before the last nothing counts but that it arrived."""
    if event is Event.DELIVERED:
        return All(moves(event), Any(Lacks("unreached_at"), AtMost("unreached_at", utc_text(at))))
    found = moves(event)
    if event is Event.UNREACHED:
        before = AtMost("delivered_at", utc_text(at - timedelta(seconds=1)))
        found = Any(found, All(Is("status", Status.DELIVERED.value), before))
    return All(found, Any(Lacks("attempt"), AtMost("attempt", attempt)))
