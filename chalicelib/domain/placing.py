"""Placing one week: which messages go out on which days, what shares one, what waits, and what has to give way."""

from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from .danger import RULE as DANGER
from .facts import Facts
from .local_time import DAY, ContactWindow, instant, local_date, week_of
from .occurrence import CANCELLED_BY, RESENT, Entry, Occurrence, Rank, Reason, Shift, State
from .patient import Channel, Pause, Status
from .sharing import Shared, merged
from .slots import Slotted

TEXTS_A_DAY = 1
TEXTS_A_WEEK = 3
"""The caps on initiated texts: the healthcare exemption's limits (47 CFR 64.1200(a)(9)(iv)), kept for everybody."""

SPACING = timedelta(minutes=30)
"""Messages of one channel are planned at least this far apart, so that one is settled before the next is claimed."""

IN_TIME = timedelta(minutes=15)
"""What pacing and a busy queue may add to a message's time without its counting as late: it keeps its place."""

TIME_TO_READ = timedelta(hours=1)
"""What moves to another day goes out at least this long before its use ends."""

PUNCTUAL = timedelta(minutes=5)
"""What goes out within this of its slot is on time; later, its entry says so."""


@dataclass(slots=True)
class Week:
    """The placing of the week from `monday` on: entries made so far, and what of the caps they have used up."""

    facts: Facts
    after: datetime
    monday: date
    waited: dict[str, Reason | None]
    """Why an occurrence was moved on before, for the entry that ends its waiting."""
    entries: list[Entry] = field(default_factory=list)
    left_over: list[Slotted] = field(default_factory=list)
    _tz: ZoneInfo = field(init=False)
    _window: ContactWindow = field(init=False)
    _ends: datetime = field(init=False)
    _texts: dict[date, int] = field(init=False)
    _busy: dict[Channel, list[datetime]] = field(init=False)

    def __post_init__(self) -> None:
        self._tz, self._window = self.facts.tz, self.facts.window
        self._ends = instant(self.monday + 7 * DAY, time(0), self._tz)
        progress = self.facts.progress
        self._busy = {Channel.SMS: sorted(progress.sent), Channel.EMAIL: sorted(progress.mailed)}
        self._texts = {}
        for at in progress.sent:
            day = local_date(at, self._tz)
            if week_of(day) == self.monday:
                self._texts[day] = self._texts.get(day, 0) + 1

    def place(self, wanted: Iterable[Slotted]) -> None:
        """Places the week's own occurrences; those that find no room stand in `left_over`."""
        for message in merged(self._unsettled(wanted)):
            self._put(message, not_before=message.slot, own=True)

    def place_left_over(self, left_over: Iterable[Slotted]) -> None:
        """Gives what the week before could not place a day that this week leaves free, or lets it go."""
        opening = self._window.opens(self.monday, self._tz)
        for message in merged(self._unsettled(left_over)):
            self._put(message, not_before=max(message.slot, opening), own=False)

    # --- what the facts decide ---

    def _unsettled(self, wanted: Iterable[Slotted]) -> list[Slotted]:
        """Those the facts leave open; the others become entries at once."""
        live: list[Slotted] = []
        for occurrence, slot in wanted:
            reason = self._settled_by(occurrence, slot)
            if reason is None:
                live.append((occurrence, slot))
            else:
                state = State.CANCELLED if reason.rule in CANCELLED_BY else State.SKIPPED
                self._close(occurrence, slot, state, reason)
        return live

    def _settled_by(self, occurrence: Occurrence, slot: datetime) -> Reason | None:
        if occurrence.verdict is not None:
            return occurrence.verdict
        status = self.facts.patient.status
        if status is not Status.ACTIVE:
            return Reason(status.value, f"the patient is {status.value}")
        if occurrence.channel is Channel.TASK:
            return None
        pause = self.facts.patient.pause_at(slot)
        if pause:
            return self._paused(pause)
        if occurrence.shift is Shift.DROP and not self._window.holds(occurrence.ideal, self._tz):
            return Reason("contact_window", f"outside {self._hours()}, and no use at another time")
        return None

    def _paused(self, pause: Pause) -> Reason:
        until = local_date(pause.until, self._tz) if pause.until else "somebody resumes"
        return Reason("paused", f"messages are paused until {until}: {pause.reason}")

    # --- which channel ---

    def _put(self, message: Shared, *, not_before: datetime, own: bool) -> None:
        occurrence = message.occurrence
        channel, why = self._channel(occurrence)
        if channel is Channel.TASK and occurrence.channel is not Channel.TASK:
            self._phone(message, why)
        elif channel is Channel.TASK:
            self._task(message)
        elif channel is Channel.SMS:
            self._text(message, not_before, own, why)
        elif channel is Channel.EMAIL:
            self._mail(message, not_before, own, why)
        else:
            self._give_up(message, State.SKIPPED, why)

    def _channel(self, occurrence: Occurrence) -> tuple[Channel | None, Reason]:
        wanted, category = occurrence.channel, occurrence.category
        if wanted is Channel.TASK or self.facts.contact(wanted, category):
            return wanted, _AS_PLANNED
        rule = self.facts.why_no_contact(wanted, category)
        shut = _SHUT[rule].format(_CHANNEL[wanted])
        other = Channel.EMAIL if wanted is Channel.SMS else Channel.SMS
        if self.facts.contact(other, category):
            if occurrence.fallback:
                return other, Reason(rule, f"{shut}; sent by {_CHANNEL[other]} instead")
        elif occurrence.rank is Rank.SAFETY and wanted is Channel.SMS:
            return Channel.TASK, Reason(rule, f"{shut}; staff phone instead")
        return None, Reason(rule, shut)

    def _task(self, message: Shared) -> None:
        at = max(message.slot, self.after)
        if at >= message.occurrence.useful_until:
            self._give_up(message, State.MISSED, self._too_late(message.occurrence))
        else:
            self._add(message, at, Channel.TASK, self._explained(message, at, _AS_PLANNED))

    def _phone(self, message: Shared, why: Reason) -> None:
        """Staff are asked to say what cannot be sent."""
        occurrence = message.occurrence
        at = max(message.slot, self.after)
        if at >= occurrence.useful_until:
            self._give_up(message, State.MISSED, self._too_late(occurrence))
            return
        what = occurrence.about.title or "this message could not be sent"
        day = local_date(at, self._tz).isoformat()
        about = replace(occurrence.about, title=f"Phone the patient: {what}", tier="review_soon", due=day)
        asked = replace(message, occurrence=replace(occurrence, about=about))
        self._add(asked, at, Channel.TASK, why)

    def _text(self, message: Shared, not_before: datetime, own: bool, why: Reason) -> None:
        occurrence = message.occurrence
        at, moved = self._text_time(occurrence, not_before)
        over = max(not_before, self.after) >= occurrence.useful_until
        if at is not None:
            self._add(message, at, Channel.SMS, self._explained(message, at, moved if why is _AS_PLANNED else why))
        elif (own and self._may_wait(occurrence)) or self._slept_through(moved, over):
            self._leave(message, moved)
        elif moved.rule == "paused":
            self._give_up(message, State.SKIPPED, moved)
        elif moved.rule == _NO_TIME and over:
            self._give_up(message, State.MISSED, self._too_late(occurrence))
        elif not over and occurrence.fallback and self.facts.contact(Channel.EMAIL, occurrence.category):
            instead = Reason("email_instead", f"{moved.detail}; sent by e-mail instead")
            self._mail(message, not_before, own, instead)
        elif not over and occurrence.rank is Rank.SAFETY:
            self._phone(message, Reason(moved.rule, f"{moved.detail}; staff phone instead"))
        else:
            self._give_up(message, State.SHED, moved)

    def _mail(self, message: Shared, not_before: datetime, own: bool, why: Reason) -> None:
        occurrence = message.occurrence
        over = self.after >= occurrence.useful_until
        at, not_then = self._first_free(Channel.EMAIL, not_before, occurrence.useful_until)
        if at is not None:
            self._add(message, at, Channel.EMAIL, self._explained(message, at, why))
        elif (own and self._may_wait(occurrence)) or self._slept_through(not_then, over):
            self._leave(message, not_then)
        elif not_then.rule == "paused":
            self._give_up(message, State.SKIPPED, not_then)
        else:
            self._give_up(message, State.MISSED, self._too_late(occurrence))

    def _slept_through(self, why: Reason, over: bool) -> bool:
        """Whether nothing but the service's own absence kept it from going out in this week, which is past."""
        return why.rule == _NO_TIME and not over and self._ends <= self.after

    def _leave(self, message: Shared, why: Reason) -> None:
        self.left_over.extend(message.members)
        waits = Reason(why.rule, f"{why.detail}; waits for the next week")
        self.waited.update((each.id, waits) for each, _ in message.members)

    # --- which time ---

    def _text_time(self, occurrence: Occurrence, not_before: datetime) -> tuple[datetime | None, Reason]:
        """When a text may go: its own time, or that of the next free day of this week; None when there is none.

        Days that have passed are walked through like the others: a day that was full then is full now, so what had
        to move moves to the same time, whenever this is computed.
        """
        tz, window = self._tz, self._window
        if occurrence.uncapped:
            return self._first_free(Channel.SMS, not_before, occurrence.useful_until)
        used = sum(self._texts.values())
        if used >= TEXTS_A_WEEK:
            return None, Reason(
                "weekly_cap", f"{used} texts go out in the week of {self.monday}, the most there may be"
            )
        clock = not_before.astimezone(tz).time()
        at, full, away = window.next_open(not_before, tz), None, None
        while (day := local_date(at, tz)) < self.monday + 7 * DAY and at < occurrence.useful_until:
            if pause := self.facts.patient.pause_at(at):
                if pause.until is None:
                    return None, self._paused(pause)
                at, away = window.next_open(pause.until, tz), pause
                continue
            if self._texts.get(day, 0) >= TEXTS_A_DAY:
                full = full or day
            else:
                free = self._clear(Channel.SMS, at)
                same_day = free == at or local_date(free, tz) == day
                if same_day and free < occurrence.useful_until and self._may_be_sent(free):
                    why = f"another text goes out on {full}, so this one moved to {day}"
                    return free, Reason("daily_cap", why) if full else _AS_PLANNED
            # What waits for a free day keeps its hour, or an earlier one; what is late goes as early as it may.
            at = window.opens(day + DAY, tz)
            if full:
                hour = window.next_open(instant(day + DAY, clock, tz), tz)
                at = max(at, min(hour, occurrence.useful_until - TIME_TO_READ))
        if full:
            return None, Reason("daily_cap", f"another text goes out on {full}, and no later day of its use is free")
        return None, self._paused(away) if away else self._no_time()

    def _first_free(self, channel: Channel, at: datetime, useful_until: datetime) -> tuple[datetime | None, Reason]:
        """The first moment of this week from `at` on within contact hours, outside pauses and clear of others; for
        what is late, from `after` on."""
        while True:
            at = self._window.next_open(at, self._tz)
            pause = self.facts.patient.pause_at(at)
            if pause and pause.until is None:
                return None, self._paused(pause)
            if at >= useful_until or at >= self._ends:
                return None, self._no_time()
            free = self._free(channel, at)
            if pause and pause.until:
                at = pause.until
            elif free != at:
                at = free
            elif self._is_now(at) or at >= self.after:
                return at, _AS_PLANNED
            else:
                at = self.after

    def _may_be_sent(self, at: datetime) -> bool:
        return self._window.holds(at, self._tz) and self.facts.patient.pause_at(at) is None

    def _clear(self, channel: Channel, at: datetime) -> datetime:
        """`at`, clear of other messages; for what is late, the first clear moment from now on.

        Where it was to be is found without looking at the clock, so that seconds of delay reorder nothing.
        """
        free = self._free(channel, at)
        return free if free >= self.after or self._is_now(free) else self._free(channel, self.after)

    def _is_now(self, at: datetime) -> bool:
        """Whether that moment was just now, and what was due then may still go out in its place."""
        return timedelta(0) <= self.after - at < IN_TIME and self._may_be_sent(self.after)

    def _free(self, channel: Channel, at: datetime) -> datetime:
        """`at`, or the first moment after it with no message of the channel close by."""
        for taken in self._busy[channel]:
            if abs(taken - at) < SPACING:
                at = taken + SPACING
        return at

    def _no_time(self) -> Reason:
        return Reason(_NO_TIME, f"no more time between {self._hours()} while it is of use this week")

    def _may_wait(self, occurrence: Occurrence) -> bool:
        """Whether at least a whole day of the next week would still do."""
        return occurrence.useful_until >= self._window.closes(self.monday + 7 * DAY, self._tz)

    # --- entries ---

    def _add(self, message: Shared, at: datetime, channel: Channel, reason: Reason) -> None:
        carrier, *riders = message.members
        entry = Entry(
            occurrence=message.occurrence,
            slot=carrier[1],
            at=at,
            state=State.SCHEDULED,
            channel=channel,
            reason=reason,
            carries=tuple(o for o, _ in riders),
        )
        self.entries.append(entry)
        for other, slot in riders:
            self.entries.append(
                replace(
                    entry, occurrence=other, slot=slot, reason=_MERGED, carries=(), carried_by=message.occurrence.id
                )
            )
        if channel is Channel.SMS:
            day = local_date(at, self._tz)
            self._texts[day] = self._texts.get(day, 0) + 1
        if channel is not Channel.TASK:
            insort(self._busy[channel], at)

    def _give_up(self, message: Shared, state: State, reason: Reason) -> None:
        for occurrence, slot in message.members:
            self._close(occurrence, slot, state, reason)

    def _close(self, occurrence: Occurrence, slot: datetime, state: State, reason: Reason) -> None:
        self.entries.append(
            Entry(occurrence=occurrence, slot=slot, at=slot, state=state, channel=occurrence.channel, reason=reason)
        )

    def _too_late(self, occurrence: Occurrence) -> Reason:
        until = occurrence.useful_until.astimezone(self._tz)
        over = f"it was of use until {until:%Y-%m-%d %H:%M}"
        danger = self.facts.danger
        if danger is not None and danger.silences(occurrence.category, occurrence.useful_until):
            return Reason(DANGER, f"{over}; {danger.reason(self._tz).detail}")
        return Reason("too_late", over)

    def _hours(self) -> str:
        return f"{self._window.start:%H:%M}-{self._window.end:%H:%M}"

    def _explained(self, message: Shared, at: datetime, why: Reason) -> Reason:
        """Why it goes out then, where `why` does not say so already."""
        if why is not _AS_PLANNED:
            return why
        occurrence, slot = message.occurrence, message.slot
        waited = self.waited.get(occurrence.id)
        if waited and (waited.rule == RESENT or (at - slot > PUNCTUAL and waited.rule != _AS_PLANNED.rule)):
            return waited
        if at > max(slot, self.after):
            return Reason("moved", f"waits for the next time between {self._hours()}, thirty minutes from any other")
        if at - slot > PUNCTUAL:
            danger, was_due = self.facts.danger, f"its time was {slot.astimezone(self._tz):%Y-%m-%d %H:%M}"
            if danger and at > danger.since and danger.silences(occurrence.category, max(slot, danger.since)):
                return Reason(DANGER, f"{was_due}; {danger.reason(self._tz).detail}")
            return Reason("late", f"{was_due}; still of use")
        if slot == occurrence.ideal:
            return why
        was = occurrence.ideal.astimezone(self._tz)
        if occurrence.since is not None and occurrence.since > occurrence.ideal:
            return Reason("at_once", f"its day was {was:%Y-%m-%d}, before this was planned")
        if not self._window.holds(occurrence.ideal, self._tz):
            return Reason("contact_window", f"{was:%H:%M} is outside {self._hours()}; moved {occurrence.shift.value}")
        return Reason("after_pause", f"messages were paused on {was:%Y-%m-%d}; still of use after that")


_AS_PLANNED = Reason("as_planned", "at its own time")
_NO_TIME = "no_time"
_MERGED = Reason("merged", "shares one message or task with others of its kind")
_CHANNEL = {Channel.SMS: "text", Channel.EMAIL: "e-mail"}
_SHUT = {
    "opted_out": "the patient opted out of {}",
    "unreachable": "nothing reaches the patient by {}",
    "muted": "the patient switched this kind off for {}",
    "no_consent": "there is no consent for {}",
    "no_contact": "there is no contact for {}",
}
