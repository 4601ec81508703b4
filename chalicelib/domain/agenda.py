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
from datetime import date, datetime, time, timedelta

from .facts import Facts
from .local_time import DAY, instant, local_date, week_of
from .occurrence import Entry
from .placing import Week
from .slots import NEAR, Slotted, all_slotted, beginning, reach_back

HORIZON = timedelta(weeks=26)
"""How far ahead the cursor looks for something to do. When there is nothing, it looks again then."""


def agenda(facts: Facts, after: datetime, until: datetime) -> list[Entry]:
    """Every entry whose time falls before `until` (UTC), in order of time.

    Nothing is placed before `after`: what is open and overdue is placed from `after` on while it is useful, and is
    `missed` otherwise. Entries that will not be sent stand at their slot, with the reason.
    """
    return [entry for week in _weeks(facts, after, until) for entry in week if entry.at <= until]


def weeks(facts: Facts, after: datetime) -> Iterator[list[Entry]]:
    """The same week by week from the one of `after` on, computed as it is read; ends at the horizon.

    Everything whose slot has passed stands in the first two.
    """
    return _weeks(facts, after, after + HORIZON)


def _weeks(facts: Facts, after: datetime, until: datetime) -> Iterator[list[Entry]]:
    tz = facts.tz
    monday = week_of(local_date(after, tz))
    last = local_date(until, tz)
    week_began = instant(monday, time(0), tz)
    overdue = _overdue(facts, after)
    # What an earlier week could not place comes after this week's own, whichever week it is computed from.
    left_over = [found for found in overdue if found[1] < week_began]
    waited = dict(facts.progress.pending)
    overdue = [found for found in overdue if found[1] >= week_began]
    own = _by_week(facts, after, monday, last)
    while monday <= last or left_over:
        week = Week(facts, after, monday, waited)
        week.place(next(own) + overdue)
        week.place_left_over(left_over)
        entries = week.entries
        if monday > last:
            # One week more than asked, only to say what became of what the last week could not place.
            ids = {occurrence.id for occurrence, _ in left_over}
            entries = [entry for entry in entries if entry.occurrence.id in ids]
        left_over = week.left_over if monday <= last else []
        overdue = []
        yield sorted(entries, key=lambda e: (e.at, e.occurrence.rank, e.occurrence.id))
        monday += 7 * DAY


def _by_week(facts: Facts, after: datetime, monday: date, last: date) -> Iterator[list[Slotted]]:
    """For each week from `monday` on, what is still to be dealt with and has its slot in it, later than `after`.

    Steps are asked for a few weeks at a time, and for more each time: the cursor mostly needs the first.
    """
    tz = facts.tz
    weeks: dict[date, list[Slotted]] = {}
    asked, stride = reach_back(facts, monday), 16 * DAY
    while True:
        while asked < monday + 7 * DAY + NEAR:
            upto = max(min(asked + stride, max(last, monday) + 17 * DAY), monday + 7 * DAY + NEAR)
            for occurrence, slot in all_slotted(facts, asked, upto):
                if slot > after and facts.progress.is_open(occurrence.id, slot):
                    weeks.setdefault(week_of(local_date(slot, tz)), []).append((occurrence, slot))
            asked, stride = upto, 3 * stride
        yield weeks.pop(monday, [])
        monday += 7 * DAY


def _overdue(facts: Facts, after: datetime) -> list[Slotted]:
    """What is open though its slot has passed: held, moved past the last wake, or slept through."""
    progress = facts.progress
    if not progress.pending and progress.through >= after:
        return []
    lo = reach_back(facts, local_date(progress.through, facts.tz))
    if progress.pending:
        oldest = progress.oldest
        lo = min(lo, reach_back(facts, local_date(oldest, facts.tz)) if oldest else beginning(facts))
    found = all_slotted(facts, lo, local_date(after, facts.tz) + NEAR)
    return [(o, slot) for o, slot in found if slot <= after and progress.is_open(o.id, slot)]
