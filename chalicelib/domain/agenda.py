"""The agenda: what will happen to one patient, in order, each entry with the rule that decided.

One pure function stands behind the cursor, the preview, the timeline's future, the diff and the reconciliation, so
that they cannot disagree. How it works:

1. Steps and appointments say what they want (`steps`, `visits`). What has been dealt with is left out (`Progress`).
2. Each gets its slot: its moment, moved into the contact window by the rule of its kind.
3. Week by week (Monday to Sunday in the patient's zone), occurrences that share a message are merged; then messages
   are placed in order of rank: one text a day, three a week. One that finds its day full takes the next free day of
   its week; failing that it becomes an e-mail, or waits for what the next week leaves free; failing that it is shed.

A week depends only on what its own days want, on what the week before could not place, and on what was sent. What
was sent occupies its day whatever its rank, and it was placed by these same rules; so the rest of a week comes out
the same whether computed before or after a part of it was sent.
"""

from bisect import insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta

from . import steps, visits
from .facts import Facts
from .local_time import DAY, instant, local_date, week_of
from .occurrence import Entry, Occurrence, Rank, Reason, Shift, State
from .patient import Channel, Status

TEXTS_A_DAY = 1
TEXTS_A_WEEK = 3
"""The caps on initiated texts: the healthcare exemption's limits (47 CFR 64.1200(a)(9)(iv)), kept for everybody."""

SPACING = timedelta(minutes=30)
"""Messages of one channel stand at least this far apart, so that one is settled before the next is claimed."""

PUNCTUAL = timedelta(minutes=5)
"""What goes out within this of its slot is on time; later, its entry says so."""

HORIZON = timedelta(weeks=60)
"""How far ahead the cursor looks for something to do before it settles for looking again then."""


def agenda(facts: Facts, after: datetime, until: datetime) -> list[Entry]:
    """Every entry whose slot or time falls from `after` to `until` (UTC), in order of time.

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
    week_began = instant(monday, _MIDNIGHT, tz)
    overdue = _overdue(facts, after)
    # What an earlier week could not place comes after this week's own, whichever week it is computed from.
    left_over = [found for found in overdue if found[1] < week_began]
    waited = dict(facts.progress.pending)
    overdue = [found for found in overdue if found[1] >= week_began]
    own = _by_week(facts, after, monday, last)
    while monday <= last or left_over:
        week = _Week(facts, after, monday, waited)
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


def _by_week(facts: Facts, after: datetime, monday: date, last: date) -> Iterator[list["Slotted"]]:
    """For each week from `monday` on, what is still to be dealt with and has its slot in it, later than `after`.

    Steps are asked for a few weeks at a time, and for more each time: the cursor mostly needs the first.
    """
    tz = facts.tz
    weeks: dict[date, list[Slotted]] = {}
    # A slot can lie up to a day and a half from its ideal, so a week is complete two days past its end.
    asked, stride = monday - 2 * DAY, 16 * DAY
    while True:
        while asked < monday + 9 * DAY:
            upto = min(asked + stride, max(last, monday) + 17 * DAY)
            for occurrence, slot in all_slotted(facts, asked, upto):
                if slot > after and facts.progress.is_open(occurrence.id, slot):
                    weeks.setdefault(week_of(local_date(slot, tz)), []).append((occurrence, slot))
            asked, stride = upto, 3 * stride
        yield weeks.pop(monday, [])
        monday += 7 * DAY


_MIDNIGHT = time(0)

Slotted = tuple[Occurrence, datetime]
"""An occurrence and its slot."""


def all_slotted(facts: Facts, lo: date, hi: date) -> Iterator[Slotted]:
    """What plan and appointments want with an ideal date in [lo, hi), each with its slot, open or not."""
    tz = facts.tz
    for source in (steps.wanted, visits.wanted):
        for occurrence in source(facts, lo, hi):
            if lo <= local_date(occurrence.ideal, tz) < hi:
                yield occurrence, slot_of(facts, occurrence)


def slot_of(facts: Facts, occurrence: Occurrence) -> datetime:
    """The occurrence's moment, moved into the contact window by its kind's rule; tasks know no window."""
    if occurrence.channel is Channel.TASK:
        return occurrence.ideal
    match occurrence.shift:
        case Shift.EARLIER:
            return facts.window.previous_last(occurrence.ideal, facts.tz)
        case Shift.LATER:
            return facts.window.next_open(occurrence.ideal, facts.tz)
        case Shift.DROP:
            return occurrence.ideal


def _overdue(facts: Facts, after: datetime) -> list[Slotted]:
    """What is open though its slot has passed: held, moved past the last wake, or slept through."""
    progress = facts.progress
    if progress.pending:
        lo = beginning(facts)
    elif progress.through < after:
        lo = local_date(progress.through, facts.tz) - 2 * DAY
    else:
        return []
    found = all_slotted(facts, lo, local_date(after, facts.tz) + 2 * DAY)
    return [(o, slot) for o, slot in found if slot <= after and progress.is_open(o.id, slot)]


def beginning(facts: Facts) -> date:
    """A local date before which this plan wants nothing."""
    dates = [facts.enrolled_on, *facts.plan.anchors.values()]
    dates += [local_date(a.starts_at, facts.tz) for a in facts.appointments]
    return min(dates) - 30 * DAY


@dataclass(slots=True)
class _Week:
    """The placing of one week: entries made so far, and what of the caps they have used up."""

    facts: Facts
    after: datetime
    monday: date
    waited: dict[str, Reason | None]
    """Why an occurrence was moved on before, for the entry that ends its waiting."""
    entries: list[Entry] = field(default_factory=list)
    left_over: list[Slotted] = field(default_factory=list)
    texts: dict[date, int] = field(default_factory=dict)
    busy: dict[Channel, list[datetime]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        tz = self.facts.tz
        self.busy = {
            Channel.SMS: sorted(self.facts.progress.sent),
            Channel.EMAIL: sorted(self.facts.progress.mailed),
        }
        for at in self.facts.progress.sent:
            day = local_date(at, tz)
            if week_of(day) == self.monday:
                self.texts[day] = self.texts.get(day, 0) + 1

    # --- from what is wanted to entries ---

    def place(self, wanted: Iterable[Slotted]) -> None:
        """Places the week's own occurrences; those that find no room stand in `left_over`."""
        for carrier, slot, carried in _merged(self._unsettled(wanted)):
            self._put(carrier, slot, carried, not_before=slot, own=True)

    def place_left_over(self, left_over: Iterable[Slotted]) -> None:
        """Gives what the week before could not place a day that this week leaves free, or lets it go."""
        opening = self.facts.window.opens(self.monday, self.facts.tz)
        for carrier, slot, carried in _merged(self._unsettled(left_over)):
            not_before = slot if carrier.channel is Channel.TASK else opening
            self._put(carrier, slot, carried, not_before=not_before, own=False)

    def _unsettled(self, wanted: Iterable[Slotted]) -> list[Slotted]:
        """Those the facts leave open; the others become entries at once."""
        live: list[Slotted] = []
        for occurrence, slot in wanted:
            settled = self._settle(occurrence, slot)
            if settled:
                self.entries.append(settled)
            else:
                live.append((occurrence, slot))
        return live

    def _settle(self, occurrence: Occurrence, slot: datetime) -> Entry | None:
        """The entry of an occurrence that the facts alone decide."""
        reason = occurrence.verdict
        state = State.SKIPPED
        if reason is not None and reason.rule == "appointment_cancelled":
            state = State.CANCELLED
        if reason is None:
            status = self.facts.patient.status
            paused = self._paused(slot)
            if status is not Status.ACTIVE:
                reason = Reason(status.value, f"the patient is {status.value}")
            elif paused and occurrence.channel is not Channel.TASK:
                reason = paused
            elif occurrence.shift is Shift.DROP and not self.facts.window.holds(occurrence.ideal, self.facts.tz):
                window = self.facts.window
                reason = Reason(
                    "contact_window",
                    f"outside {window.start:%H:%M}-{window.end:%H:%M}, and no use at another time",
                )
        if reason is None:
            return None
        return Entry(occurrence=occurrence, slot=slot, at=slot, state=state, channel=occurrence.channel, reason=reason)

    def _paused(self, at: datetime) -> Reason | None:
        pause = self.facts.patient.pause_at(at)
        if pause is None:
            return None
        until = local_date(pause.until, self.facts.tz) if pause.until else "somebody resumes"
        return Reason("paused", f"messages are paused until {until}: {pause.reason}")

    def _put(
        self,
        occurrence: Occurrence,
        slot: datetime,
        carried: tuple[Slotted, ...],
        *,
        not_before: datetime,
        own: bool,
    ) -> None:
        channel, why = self._channel(occurrence)
        earliest = max(not_before, self.after)
        if channel is None:
            self._give_up(occurrence, slot, carried, State.SKIPPED, why)
            return
        if channel is Channel.TASK:
            self._add(occurrence, slot, earliest, channel, carried, why)
            return
        if occurrence.useful_until < earliest:
            self._give_up(occurrence, slot, carried, State.MISSED, self._too_late(occurrence))
            return
        if channel is Channel.SMS:
            clock = not_before.astimezone(self.facts.tz).time().replace(tzinfo=None)
            at, why_moved = self._text_time(occurrence, earliest, clock)
            if at is None and own and self._may_wait(occurrence):
                self.left_over.extend([(occurrence, slot), *carried])
                self.waited[occurrence.id] = Reason(why_moved.rule, f"{why_moved.detail}; waits for the next week")
                return
            if at is None and occurrence.fallback and self.facts.contact(Channel.EMAIL, occurrence.category):
                channel, why = (
                    Channel.EMAIL,
                    Reason("email_instead", f"{why_moved.detail}; sent by e-mail instead"),
                )
            elif at is None:
                useful = self.facts.window.next_open(earliest, self.facts.tz) <= occurrence.useful_until
                state = State.SHED if useful else State.MISSED
                self._give_up(occurrence, slot, carried, state, why_moved if useful else self._too_late(occurrence))
                return
            else:
                why = why_moved if why.rule == "as_planned" else why
        if channel is Channel.EMAIL:
            at = self._free(Channel.EMAIL, self.facts.window.next_open(earliest, self.facts.tz))
            if at > occurrence.useful_until:
                self._give_up(occurrence, slot, carried, State.MISSED, self._too_late(occurrence))
                return
        assert at is not None
        paused = self._paused(at)
        if paused:
            self._give_up(occurrence, slot, carried, State.SKIPPED, paused)
            return
        self._add(occurrence, slot, at, channel, carried, self._explain(occurrence, slot, at, why))

    # --- which channel ---

    def _channel(self, occurrence: Occurrence) -> tuple[Channel | None, Reason]:
        wanted, category = occurrence.channel, occurrence.category
        if wanted is Channel.TASK or self.facts.contact(wanted, category):
            return wanted, _AS_PLANNED
        rule = self.facts.why_no_contact(wanted, category)
        other = Channel.EMAIL if wanted is Channel.SMS else Channel.SMS
        if occurrence.fallback and self.facts.contact(other, category):
            return other, Reason(rule, f"{_SHUT[rule].format(_CHANNEL[wanted])}; sent by {_CHANNEL[other]} instead")
        if occurrence.rank is Rank.SAFETY and wanted is Channel.SMS and not self.facts.contact(other, category):
            return Channel.TASK, Reason(rule, f"{_SHUT[rule].format(_CHANNEL[wanted])}; staff phone instead")
        return None, Reason(rule, _SHUT[rule].format(_CHANNEL[wanted]))

    # --- which time ---

    def _text_time(self, occurrence: Occurrence, earliest: datetime, clock: time) -> tuple[datetime | None, Reason]:
        """When a text may go: its own time, or that of the next free day of this week; None when the week is full."""
        tz, window = self.facts.tz, self.facts.window
        at = window.next_open(earliest, tz)
        if occurrence.uncapped:
            return self._free(Channel.SMS, at), _AS_PLANNED
        used = sum(self.texts.values())
        if used >= TEXTS_A_WEEK:
            return None, Reason(
                "weekly_cap", f"{used} texts go out in the week of {self.monday}, the most there may be"
            )
        first = local_date(at, tz)
        while local_date(at, tz) < self.monday + 7 * DAY:
            free = self._free(Channel.SMS, at)
            day = local_date(free, tz)
            if free > occurrence.useful_until:
                break
            if window.holds(free, tz) and self.texts.get(day, 0) < TEXTS_A_DAY:
                return free, _AS_PLANNED if day == first else Reason(
                    "daily_cap", f"another text goes out on {first}, so this one moved to {day}"
                )
            following = local_date(at, tz) + DAY
            at = window.next_open(instant(following, clock, tz), tz)
        return None, Reason("daily_cap", f"another text goes out on {first}, and no later day of its use is free")

    def _free(self, channel: Channel, at: datetime) -> datetime:
        """`at`, or the first moment after it with no message of the channel within the spacing."""
        for taken in self.busy[channel]:
            if abs(taken - at) < SPACING:
                at = taken + SPACING
        return at

    def _may_wait(self, occurrence: Occurrence) -> bool:
        return occurrence.useful_until >= self.facts.window.opens(self.monday + 7 * DAY, self.facts.tz)

    # --- entries ---

    def _add(
        self,
        occurrence: Occurrence,
        slot: datetime,
        at: datetime,
        channel: Channel,
        carried: tuple[Slotted, ...],
        reason: Reason,
    ) -> None:
        self.entries.append(
            Entry(
                occurrence=occurrence,
                slot=slot,
                at=at,
                state=State.SCHEDULED,
                channel=channel,
                reason=reason,
                carries=tuple(o for o, _ in carried),
            )
        )
        shared = Reason("merged", "shares one message with others of its kind")
        for other, other_slot in carried:
            self.entries.append(
                Entry(
                    occurrence=other,
                    slot=other_slot,
                    at=at,
                    state=State.SCHEDULED,
                    channel=channel,
                    reason=shared,
                    carried_by=occurrence.id,
                )
            )
        if channel is Channel.SMS:
            day = local_date(at, self.facts.tz)
            self.texts[day] = self.texts.get(day, 0) + 1
        if channel is not Channel.TASK:
            insort(self.busy[channel], at)

    def _give_up(
        self,
        occurrence: Occurrence,
        slot: datetime,
        carried: tuple[Slotted, ...],
        state: State,
        reason: Reason,
    ) -> None:
        for each, its_slot in ((occurrence, slot), *carried):
            self.entries.append(
                Entry(
                    occurrence=each,
                    slot=its_slot,
                    at=its_slot,
                    state=state,
                    channel=each.channel,
                    reason=reason,
                )
            )

    def _too_late(self, occurrence: Occurrence) -> Reason:
        until = occurrence.useful_until.astimezone(self.facts.tz)
        return Reason("too_late", f"it was of use until {until:%Y-%m-%d %H:%M}")

    def _explain(self, occurrence: Occurrence, slot: datetime, at: datetime, why: Reason) -> Reason:
        if why is not _AS_PLANNED:
            return why
        tz, window = self.facts.tz, self.facts.window
        hours = f"{window.start:%H:%M}-{window.end:%H:%M}"
        waited = self.waited.get(occurrence.id)
        if at - slot > PUNCTUAL and waited and waited.rule != _AS_PLANNED.rule:
            return waited
        if at > max(slot, self.after):
            return Reason("moved", f"waits for the next time between {hours}, thirty minutes from any other")
        if at - slot > PUNCTUAL:
            return Reason("late", f"its time was {slot.astimezone(tz):%Y-%m-%d %H:%M}; still of use")
        if slot != occurrence.ideal:
            was = occurrence.ideal.astimezone(tz)
            return Reason("contact_window", f"{was:%H:%M} is outside {hours}; moved {occurrence.shift.value}")
        return why


_AS_PLANNED = Reason("as_planned", "at its own time")
_CHANNEL = {Channel.SMS: "text", Channel.EMAIL: "e-mail"}
_SHUT = {
    "opted_out": "the patient opted out of {}",
    "unreachable": "nothing reaches the patient by {}",
    "muted": "the patient switched this kind off for {}",
    "no_consent": "there is no consent for {}",
    "no_contact": "there is no contact for {}",
}


def _merged(live: list[Slotted]) -> list[tuple[Occurrence, datetime, tuple[Slotted, ...]]]:
    """The messages to place, in order of rank, each with the occurrences that ride along.

    The carrier is the one that comes first; it speaks for all, so the message is of use as long as the most patient
    of them, and as urgent as the most urgent.
    """
    groups: dict[tuple[str, Channel], list[Slotted]] = {}
    alone: list[tuple[Occurrence, datetime, tuple[Slotted, ...]]] = []
    for occurrence, slot in sorted(live, key=lambda found: (found[1], found[0].rank, found[0].id)):
        if occurrence.merge:
            groups.setdefault((occurrence.merge, occurrence.channel), []).append((occurrence, slot))
        else:
            alone.append((occurrence, slot, ()))
    for members in groups.values():
        (carrier, slot), *rest = members
        if rest:
            carrier = replace(
                carrier,
                rank=min(o.rank for o, _ in members),
                useful_until=max(o.useful_until for o, _ in members),
                about=replace(
                    carrier.about,
                    appointments=tuple(a for o, _ in members for a in o.about.appointments),
                    questions=max((o.about.questions for o, _ in members), key=len),
                ),
            )
        alone.append((carrier, slot, tuple(rest)))
    return sorted(alone, key=lambda found: (found[0].rank, found[1], found[0].id))
