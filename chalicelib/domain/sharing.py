"""Sharing: what goes out as one message, or stands on the list as one task, of several occurrences."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from .occurrence import Occurrence
from .patient import Channel
from .slots import Slotted


@dataclass(frozen=True, slots=True)
class Shared:
    """One message or task to place: the occurrence that speaks for all its members, and those members."""

    occurrence: Occurrence
    slot: datetime
    members: tuple[Slotted, ...]


def merged(live: list[Slotted]) -> list[Shared]:
    """The messages to place, in order of rank, each with the occurrences that ride along."""
    groups: dict[object, list[Slotted]] = {}
    # By their steps before their ids, which are random: of two patients with one plan the same speaks for the others.
    for found in sorted(live, key=lambda found: (found[1], found[0].rides, found[0].rank, found[0].step, found[0].id)):
        occurrence = found[0]
        groups.setdefault((occurrence.merge, occurrence.channel) if occurrence.merge else occurrence.id, []).append(
            found
        )
    shared = [_speaking(members) for members in groups.values()]
    return sorted(shared, key=lambda each: (each.occurrence.rank, each.slot, each.occurrence.id))


def _speaking(members: list[Slotted]) -> Shared:
    """The first of the members, made to speak for all: of use as long as the most patient of them, as urgent as the
    most urgent."""
    carrier, slot = members[0]
    if len(members) > 1:
        every = [o for o, _ in members]
        carrier = replace(
            carrier,
            rank=min(o.rank for o in every),
            useful_until=max(o.useful_until for o in every),
            about=replace(
                carrier.about,
                title=_titles(every) if carrier.channel is Channel.TASK else carrier.about.title,
                appointments=tuple(a for o in every for a in o.about.appointments),
                questions=max((o.about.questions for o in every), key=len),
                due=min(o.about.due for o in every),
            ),
        )
    return Shared(carrier, slot, tuple(members))


def _titles(members: Iterable[Occurrence]) -> str:
    """`Book: this` and `Book: that` as one piece of work: `Book: this; that`."""
    titles = [o.about.title.partition(": ") for o in members]
    return f"{titles[0][0]}: " + "; ".join(what or verb for verb, _, what in titles)
