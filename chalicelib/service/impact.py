"""Impact: what a change does to the days ahead, told in timeline lines, before it happens or after."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.domain.agenda import agenda
from chalicelib.domain.facts import Facts
from chalicelib.domain.message import Site
from chalicelib.domain.occurrence import Entry, Reason, State
from chalicelib.domain.patient import Channel
from chalicelib.domain.replan import diff
from chalicelib.domain.wording import Copybook
from chalicelib.service.change import Changed
from chalicelib.service.timeline import Line, line_of

COURSE = timedelta(days=560)
"""Eighteen months and what closes with them: how far a change of plan is laid out."""

SOON = timedelta(days=90)
"""How far a change of anything else is laid out."""

BEYOND = timedelta(days=200)
"""What a change moves across the end of what is laid out has moved; it was neither added nor cancelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    line: Line
    was_at: datetime
    was_in: str
    """The zone the patient was in, as `was_at` was to be read."""
    was_on: Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """Every occurrence still to come up to `until` stands in one list, as its line will read after the change; one
    that is cancelled as it read before, with what the change has to say of it."""

    until: datetime
    moved: tuple[Move, ...]
    added: tuple[Line, ...]
    cancelled: tuple[Line, ...]
    kept: tuple[Line, ...]

    @property
    def new_texts(self) -> tuple[datetime, ...]:
        """When the texts go out that did not before."""
        return texts_of((*(move.line for move in self.moved), *self.added))


def impact(changed: Changed, book: Copybook, site: Site, *, now: datetime, until: datetime) -> Impact:
    """Compares what stood before a change with what stands after it, from `now` until `until` (UTC)."""
    old, new = changed.before.facts, changed.after.facts
    found = diff(old, new, now, until + BEYOND)
    before, after = _Lines(old, book, site, now, until + BEYOND), _Lines(new, book, site, now, until + BEYOND)
    return Impact(
        until=until,
        moved=tuple(
            Move(line=after.line(to), was_at=was.at, was_in=old.patient.timezone, was_on=was.channel)
            for was, to in found.moved
            if min(was.at, to.at) <= until
        ),
        added=tuple(after.line(each) for each in found.added if each.at <= until),
        cancelled=tuple(
            replace(before.line(each), state=State.CANCELLED, reason=after.why_not(each))
            for each in found.cancelled
            if each.at <= until
        ),
        kept=tuple(after.line(each) for each in found.kept if each.at <= until),
    )


class _Lines:
    """The lines of one agenda, and why it does without an entry of another."""

    def __init__(self, facts: Facts, book: Copybook, site: Site, now: datetime, until: datetime) -> None:
        self._facts, self._book, self._site, self._now = facts, book, site, now
        self._entries: dict[str, Entry] = {}
        self._riding: dict[str, list[Entry]] = {}
        for entry in agenda(facts, now, until):
            self._entries[entry.occurrence.id] = entry
            if entry.carried_by:
                self._riding.setdefault(entry.carried_by, []).append(entry)

    def line(self, entry: Entry) -> Line:
        riding: Sequence[Entry] = self._riding.get(entry.occurrence.id, ())
        return line_of(self._facts, self._book, entry, riding, self._site)

    def why_not(self, entry: Entry) -> Reason:
        facts, step = self._facts, entry.occurrence.step
        stands = self._entries.get(entry.occurrence.id)
        if stands is not None:
            return stands.reason
        override = facts.plan.overrides.get(step)
        if override and override.off:
            return Reason("switched_off", "this step is switched off in the patient's plan")
        protocol = step.partition("/")[0]
        if protocol not in facts.protocols and not _of_no_protocol(step):
            return Reason("protocol_removed", f"{protocol} is no longer part of the plan")
        return Reason("not_planned", "the plan as changed no longer asks for it")


def _of_no_protocol(step: str) -> bool:
    return step.startswith(("appointment/", "enrolment/"))


def texts_of(lines: Iterable[Line]) -> tuple[datetime, ...]:
    """When these lines' texts go out."""
    return tuple(
        sorted(
            line.at
            for line in lines
            if line.channel is Channel.SMS and line.state is State.SCHEDULED and line.carried_by is None
        )
    )
