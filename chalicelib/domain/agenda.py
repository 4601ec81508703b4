"""The agenda: what will happen to one patient, in order, each entry with the rule that decided.

One pure function stands behind the cursor, the preview, the timeline's future, the diff and the reconciliation, so
that they cannot disagree. How it works:

1. Steps and appointments say what they want (`steps`, `visits`). What has been dealt with is left out (`Progress`).
2. Each gets its slot: its moment, moved into contact hours by the rule of its kind, and out of pauses (`slots`).
3. Week by week (Monday to Sunday in the patient's zone), occurrences that share a message are merged; then messages
   are placed in order of rank: one text a day, three a week (`placing`). One that finds its day full takes the next
   free day of its week; failing that it waits for what the next week leaves free, or becomes an e-mail; failing that
   it is shed.

A week depends only on what its own days want, on what the week before could not place, and on what was sent. What
was sent occupies its day whatever its rank, and it was placed by these same rules; so the rest of a week comes out
the same whether computed before or after a part of it was sent.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta

from .facts import Facts
from .local_time import DAY, local_date, week_of
from .occurrence import Entry, Rank, Reason
from .placing import Week
from .slots import NEAR, Slotted, all_slotted, beginning, reach_back

HORIZON = timedelta(weeks=26)
"""How far ahead the cursor looks for something to do. When there is nothing, it looks again then."""


def agenda(facts: Facts, after: datetime, until: datetime) -> list[Entry]:
    """Every entry whose time falls before `until` (UTC), in order of time.

    Nothing is placed before `after` but what was due just then: what is open and overdue is placed from `after` on
    while it is useful, and is `missed` otherwise. Entries that will not be sent stand at their slot, with the reason.
    """
    found = (entry for week in _weeks(facts, after, until, at_once=True) for entry in week if entry.at <= until)
    return sorted(found, key=_in_time)


def weeks(facts: Facts, after: datetime) -> Iterator[list[Entry]]:
    """The same week by week from the one of `after` on, computed as it is read; ends at the horizon.

    Everything whose slot has passed stands in the first two.
    """
    return _weeks(facts, after, after + HORIZON, at_once=False)


def _weeks(facts: Facts, after: datetime, until: datetime, *, at_once: bool) -> Iterator[list[Entry]]:
    this = week_of(local_date(after, facts.tz))
    last = local_date(until, facts.tz)
    waited: dict[str, Reason | None] = dict(facts.progress.moved)
    waited.update((o, why) for o, why in facts.progress.pending.items() if why)
    left_over: list[Slotted] = []
    past: list[Entry] = []
    for monday, own in _open_by_week(facts, this, last, at_once=at_once):
        if monday > last and not left_over:
            return
        week = Week(facts, after, monday, waited)
        week.place(own)
        week.place_left_over(left_over)
        if monday < this:
            # Weeks gone by are placed as well: what they had no room for is told from what was slept through.
            past += week.entries
        elif monday <= last:
            yield sorted(past + week.entries, key=_in_time)
            past = []
        else:
            # One week more than asked, only to say what became of what the last week could not place.
            ids = {occurrence.id for occurrence, _ in left_over}
            yield sorted((e for e in week.entries if e.occurrence.id in ids), key=_in_time)
            return
        left_over = week.left_over


def _in_time(entry: Entry) -> tuple[datetime, Rank, str]:
    return entry.at, entry.occurrence.rank, entry.occurrence.id


def _open_by_week(facts: Facts, this: date, last: date, *, at_once: bool) -> Iterator[tuple[date, list[Slotted]]]:
    """Each week's Monday with what is still to be dealt with and has its slot in it: from the first week that has
    any, `this` at the latest, on and on.

    Unless they are asked for all `at_once`, it is for a few weeks, and for more each time: the cursor mostly needs
    the first.
    """
    tz, progress = facts.tz, facts.progress
    weeks: dict[date, list[Slotted]] = {}

    def ask(lo: date, hi: date) -> date:
        for occurrence, slot in all_slotted(facts, lo, hi):
            if progress.is_open(occurrence.id, slot):
                why = progress.voided.get(occurrence.id)
                found = replace(occurrence, verdict=why) if why else occurrence
                weeks.setdefault(week_of(local_date(slot, tz)), []).append((found, slot))
        return hi

    # A wake needs two weeks, and asking once for both costs little more than asking for one.
    asked = ask(_earliest(facts, this), (max(this, last) if at_once else this) + 14 * DAY + NEAR)
    monday, stride = min(this, *weeks, this), 30 * DAY
    while True:
        if asked < (complete := monday + 7 * DAY + NEAR):
            asked = ask(asked, max(min(asked + stride, last + 17 * DAY), complete))
            stride *= 3
        yield monday, weeks.pop(monday, [])
        monday += 7 * DAY


def _earliest(facts: Facts, this: date) -> date:
    """A local date before which nothing that is still open is meant to be."""
    progress, tz = facts.progress, facts.tz
    first = reach_back(facts, min(this, local_date(progress.through, tz)))
    if progress.pending:
        oldest = progress.oldest
        first = min(first, reach_back(facts, local_date(oldest, tz)) if oldest else beginning(facts))
    return first
