"""A protocol as one patient lives it: what each kind of step counts from, and how what it wants is named and made."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from chalicelib.domain.facts import Facts
from chalicelib.domain.ids import OccurrenceId, occurrence_id
from chalicelib.domain.local_time import DAY, Period, instant, local_date, months_between, shift
from chalicelib.domain.occurrence import CLOSED_BEFORE_ENROLMENT, About, Occurrence, Rank, Reason
from chalicelib.domain.patient import Category, Channel
from chalicelib.domain.plan import Override, Pin
from chalicelib.domain.protocol import Anchor, Priority, Protocol, Step, Supply
from chalicelib.domain.protocol_set import fits

DAYTIME = time(10)
"""When a reminder that counts in days goes out: mid-morning, when both patient and clinic can act on it."""

TASK_TIME = time(7)
"""Work for staff is on the list before the clinic opens."""

FAR = timedelta(days=3650)
"""Tasks without a date of their own stay useful until somebody does them."""

RANK = {
    Priority.SAFETY: Rank.SAFETY,
    Priority.CLINICAL: Rank.WINDOW,
    Priority.SUPPORTIVE: Rank.SUPPORTIVE,
    Priority.EDUCATION: Rank.EDUCATION,
}


@dataclass(frozen=True, slots=True)
class Course:
    """One pinned protocol in one patient's plan."""

    facts: Facts
    pin: Pin
    protocol: Protocol
    tz: ZoneInfo
    began: date
    """The local date the patient took the protocol up: what it wanted before is wanted then, or not at all."""
    anchor: date | None
    """The date its steps count from, where it is known."""
    cycle: str
    """Tells one injection, discharge or fill from the next: each has occurrences of its own."""

    def step_id(self, step: Step) -> str:
        return step_id(self.protocol, step)

    def id(self, step: Step, *ordinal: object) -> OccurrenceId:
        return occurrence_id(self.facts.patient.id, self.step_id(step), *ordinal)

    def anchor_of(self, step: Step) -> date | None:
        if isinstance(step, Supply) and step.anchor:
            return self.facts.anchor(step.anchor)
        return self.anchor

    def override(self, step: Step) -> Override:
        overrides = self.facts.plan.overrides
        return overrides.get(self.step_id(step), _NONE) if overrides else _NONE

    def wants(self, day: date, lo: date, hi: date) -> bool:
        """Whether what is meant for `day` comes up within [lo, hi): on that day, or when the protocol was taken up."""
        return lo <= max(day, self.began) < hi

    def too_late(self, occurrence: Occurrence, day: date, what: str) -> Occurrence:
        """The record that it was over before the plan began: not the occurrence itself, which is still to come should
        the date it counts from turn out to be wrong."""
        why = f"{what} {day}, before the plan began on {self.began}"
        late_id = occurrence_id(self.facts.patient.id, occurrence.step, "late", occurrence.id)
        return replace(occurrence, id=late_id, verdict=Reason(CLOSED_BEFORE_ENROLMENT, why))

    def task(
        self,
        step: Step,
        ordinal: object,
        day: date,
        kind: str,
        title: str,
        *,
        tier: str = "routine",
        due: date | None = None,
        until: datetime | None = None,
        merge: str = "",
        verdict: Reason | None = None,
    ) -> Occurrence:
        """Work for staff, on their list from the morning of `day`, or from when the protocol was taken up."""
        at = instant(day, TASK_TIME, self.tz)
        return Occurrence(
            id=self.id(step, ordinal),
            step=self.step_id(step),
            kind=kind,
            ideal=at,
            since=self.pin.since,
            useful_until=until or max(at, self.pin.since) + FAR,
            rank=Rank.STAFF,
            category=Category.ACCOUNT,
            channel=Channel.TASK,
            merge=merge,
            about=About(title=title, date=day.isoformat(), tier=tier, due=(due or day).isoformat()),
            verdict=verdict,
        )

    def enter(self, anchor: Anchor) -> Occurrence:
        """The task to enter a date that steps wait for."""
        protocol, since = self.protocol, self.pin.since
        return Occurrence(
            id=occurrence_id(self.facts.patient.id, f"{protocol.id}/anchor", anchor.value),
            step=f"{protocol.id}/anchor",
            kind="missing_anchor",
            ideal=since,
            useful_until=since + FAR,
            rank=Rank.STAFF,
            category=Category.ACCOUNT,
            channel=Channel.TASK,
            about=About(
                title=f"Enter the {anchor.value.replace('_', ' ')}: {protocol.name} waits for it",
                tier="urgent" if protocol.needs_anchor else "routine",
                date=self.began.isoformat(),
                due=self.began.isoformat(),
            ),
        )


_NONE = Override()


def courses(facts: Facts) -> list[Course]:
    """The protocols of the plan that are for this patient, in the plan's order."""
    tz = facts.tz
    return [
        Course(
            facts,
            pin,
            protocol,
            tz,
            local_date(pin.since, tz),
            facts.anchor(protocol.anchor),
            f"{cycle.number}." if (cycle := facts.supplies.get(protocol.anchor)) else "",
        )
        for pin in facts.plan.pins
        if fits(protocol := facts.protocols[pin.protocol], facts.patient.clinical)
    ]


def step_id(protocol: Protocol, step: Step) -> str:
    return f"{protocol.id}/{step.key}"


def anchor_of(protocol: Protocol, step: Step) -> Anchor:
    """The date a step counts from: its protocol's, unless it is a supply that runs from one of its own."""
    return (step.anchor if isinstance(step, Supply) else None) or protocol.anchor


def recurrences(first: date, every: Period, lo: date, hi: date) -> Iterator[tuple[int, date]]:
    """The n-th dates `first + n * every` within [lo, hi), found by arithmetic, not by walking there."""
    if every.months:
        n = max(0, months_between(first, lo) // every.months - 1)
    else:
        n = max(0, (lo - first).days // every.days)
    while (day := shift(first, every.times(n))) < hi:
        if day >= lo:
            yield n, day
        n += 1


def on_weekday(day: date, weekday: int) -> date:
    """The first `weekday` on or after `day`."""
    return day + (weekday - day.weekday()) % 7 * DAY
