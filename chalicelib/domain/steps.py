"""What each kind of step wants of the days from `lo` up to `hi`: occurrences, before anything gets in their way.

One function a kind, all of the same shape, listed in `_WANTS`. They look only at dates and facts; caps, merging and
contact hours are the agenda's business.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from .facts import Facts
from .ids import occurrence_id, spread
from .local_time import DAY, Period, instant, months_between, shift
from .occurrence import About, Occurrence, Rank, Reason
from .patient import Category, Channel
from .plan import Appointment, AppointmentStatus, Override, Pin
from .protocol import (
    Anchor,
    Badge,
    Checkin,
    Message,
    Priority,
    Protocol,
    Question,
    Series,
    StaffTask,
    Step,
    Supply,
    VisitWindow,
)

DAYTIME = time(10)
"""When a reminder that counts in days goes out: mid-morning, when both patient and clinic can act on it."""

TASK_TIME = time(7)
"""Work for staff is on the list before the clinic opens."""

BOOK_AHEAD = timedelta(days=14)
"""Staff are asked to book this long before a visit window opens (clinical reference §2)."""

USEFUL = {
    "checkin": timedelta(hours=24),
    "nudge": timedelta(hours=24),
    "message": timedelta(days=7),
    "welcome": timedelta(days=7),
}
"""How long a message of that kind is worth sending after its moment, where no date of its own ends it (design §6)."""

FAR = timedelta(days=3650)
"""Tasks stay useful until somebody does them."""

_RANK = {
    Priority.SAFETY: Rank.SAFETY,
    Priority.CLINICAL: Rank.WINDOW,
    Priority.SUPPORTIVE: Rank.SUPPORTIVE,
    Priority.EDUCATION: Rank.EDUCATION,
}


def step_id(protocol: Protocol, step: Step) -> str:
    return f"{protocol.id}/{step.key}"


def wanted(facts: Facts, lo: date, hi: date) -> Iterator[Occurrence]:
    """What the pinned protocols want on the local dates [lo, hi)."""
    for pin in facts.plan.pins:
        protocol = facts.protocols[pin.protocol]
        if not applies(protocol, facts):
            continue
        missing: dict[Anchor, None] = {}
        for step in protocol.steps:
            if _override(facts, protocol, step).off:
                continue
            counted_from = anchor_of(protocol, step)
            anchor = facts.anchor(counted_from)
            if anchor is None:
                missing[counted_from] = None
            elif not isinstance(step, Question | Badge):
                yield from _WANTS[type(step)](facts, pin, protocol, step, anchor, lo, hi)
        for counted_from in missing:
            yield _missing_anchor(facts, pin, protocol, counted_from)
    yield from _welcome(facts)
    yield from _nudge(facts)


def anchor_of(protocol: Protocol, step: Step) -> Anchor:
    """The date a step counts from: its protocol's, unless it is a supply that runs from one of its own."""
    return (step.anchor if isinstance(step, Supply) else None) or protocol.anchor


def _round(facts: Facts, protocol: Protocol) -> str:
    """Tells one injection, discharge or fill from the next: each has occurrences of its own."""
    cycle = facts.supplies.get(protocol.anchor)
    return f"{cycle.number}." if cycle else ""


def applies(protocol: Protocol, facts: Facts) -> bool:
    match protocol.applies_if:
        case None:
            return True
        case "ad_risk":
            return facts.patient.clinical.at_ad_risk
        case "itb_pump":
            return facts.patient.clinical.itb_pump
        case other:
            raise ValueError(f"protocol {protocol.id} asks for the unknown clinical fact {other!r}")


def _override(facts: Facts, protocol: Protocol, step: Step) -> Override:
    return facts.plan.overrides.get(step_id(protocol, step), Override())


def _recurrences(first: date, every: Period, lo: date, hi: date) -> Iterator[tuple[int, date]]:
    """The n-th dates `first + n * every` within [lo, hi), found by arithmetic, not by walking there."""
    if every.months:
        n = max(0, months_between(first, lo) // every.months - 1)
    else:
        n = max(0, (lo - first).days // every.days)
    while (day := shift(first, every.times(n))) < hi:
        if day >= lo:
            yield n, day
        n += 1


def _on_weekday(day: date, weekday: int) -> date:
    """The first `weekday` on or after `day`."""
    return day + timedelta(days=(weekday - day.weekday()) % 7)


def _task(
    facts: Facts,
    step: str,
    ordinal: object,
    day: date,
    kind: str,
    title: str,
    *,
    tier: str = "routine",
    due: date | None = None,
) -> Occurrence:
    at = instant(day, TASK_TIME, facts.tz)
    return Occurrence(
        id=occurrence_id(facts.patient.id, step, ordinal),
        step=step,
        kind=kind,
        ideal=at,
        useful_until=at + FAR,
        rank=Rank.STAFF,
        category=Category.ACCOUNT,
        channel=Channel.TASK,
        about=About(title=title, date=day.isoformat(), tier=tier, due=(due or day).isoformat()),
    )


def _with_verdict(occurrence: Occurrence, verdict: Reason | None) -> Occurrence:
    return replace(occurrence, verdict=verdict) if verdict else occurrence


def _missing_anchor(facts: Facts, pin: Pin, protocol: Protocol, anchor: Anchor) -> Occurrence:
    task = _task(
        facts,
        f"{protocol.id}/anchor",
        anchor.value,
        facts.enrolled_on,
        "missing_anchor",
        f"Enter {anchor.value}: {protocol.name} waits for it",
        tier="urgent" if protocol.needs_anchor else "routine",
    )
    return _at(task, pin.since)


def _at(occurrence: Occurrence, moment: datetime) -> Occurrence:
    return replace(occurrence, ideal=moment)


# --- visit windows ---


def windows(step: VisitWindow, anchor: date, lo: date, hi: date) -> Iterator[tuple[int, date, date, date]]:
    """(ordinal, opens, target, closes) of each window of the step that touches [lo, hi)."""
    if step.repeat is None:
        found: list[tuple[int, date]] = [(0, anchor)]
    else:
        # A window reaches from BOOK_AHEAD before it opens to a day past its close: look that much further both ways.
        reach = step.closes.timedelta + 40 * DAY
        found = list(_recurrences(anchor, step.repeat, lo - reach, hi))
    for n, base in found:
        opens, target, closes = shift(base, step.opens), shift(base, step.target), shift(base, step.closes)
        if opens - BOOK_AHEAD < hi and closes + 2 * DAY > lo:
            yield n, opens, target, closes


def _booked_together(facts: Facts, target: date) -> list[tuple[date, str, str]]:
    """(opens, step, title) of the windows with that target for which nothing is booked yet, the first to open first.

    What can be one visit is one task to book: that of the first, naming them all.
    """
    found: list[tuple[date, str, str]] = []
    for pin in facts.plan.pins:
        protocol = facts.protocols[pin.protocol]
        anchor = facts.anchor(protocol.anchor)
        if anchor is None or not applies(protocol, facts):
            continue
        for step in protocol.steps:
            if isinstance(step, VisitWindow) and not _override(facts, protocol, step).off:
                if step.repeat is None and shift(anchor, step.target) != target:
                    continue
                sid = step_id(protocol, step)
                for _, opens, its_target, closes in windows(step, anchor, target, target + DAY):
                    if its_target == target and not serving(facts, sid, opens, closes):
                        found.append((opens, sid, step.title))
    return sorted(found, key=lambda each: each[0])


def serving(facts: Facts, step: str, opens: date, closes: date) -> Appointment | None:
    """The appointment that serves a window: attended before standing, the earliest first."""
    tz = facts.tz
    found = [
        a
        for a in facts.appointments
        if a.window_step == step
        and (a.status.stands or a.status is AppointmentStatus.ATTENDED)
        and opens - BOOK_AHEAD <= a.starts_at.astimezone(tz).date() <= closes
    ]
    return min(found, key=lambda a: (a.status is not AppointmentStatus.ATTENDED, a.starts_at), default=None)


def _visit_window(
    facts: Facts, pin: Pin, protocol: Protocol, step: VisitWindow, anchor: date, lo: date, hi: date
) -> Iterator[Occurrence]:
    sid, tz = step_id(protocol, step), facts.tz
    enrolled = pin.since.astimezone(tz).date()
    this = _round(facts, protocol)
    for n, opens, target, closes in windows(step, anchor, lo, hi):
        visit = serving(facts, sid, opens, closes)
        late: Reason | None = None
        if closes < enrolled:
            late = Reason(
                "closed_before_enrolment",
                f"the window closed on {closes}, before the plan began on {enrolled}",
            )
        settled = late
        if visit and visit.status is AppointmentStatus.ATTENDED:
            settled = Reason("attended", f"seen on {visit.starts_at.astimezone(tz).date()}")
        elif visit:
            settled = Reason("booked", f"a visit is booked for {visit.starts_at.astimezone(tz).date()}")

        if lo <= opens - BOOK_AHEAD < hi and not late:
            title, with_others = step.title, settled
            if not settled:
                together = _booked_together(facts, target)
                first, first_sid, first_title = together[0]
                if first_sid == sid:
                    title = "; ".join(each for _, _, each in together)
                else:
                    asked = first - BOOK_AHEAD
                    with_others = Reason("merged", f"one task to book with {first_title}, made on {asked}")
            book = _task(facts, sid, f"{this}{n}.book", opens - BOOK_AHEAD, "book_window", f"Book: {title}", due=target)
            yield _with_verdict(book, with_others)
        if lo <= target < hi and (step.message != "none" or late):
            yield Occurrence(
                id=occurrence_id(facts.patient.id, sid, f"{this}{n}.ask"),
                step=sid,
                kind="window",
                template=step.message,
                ideal=instant(target, DAYTIME, tz),
                useful_until=instant(closes, time(20), tz),
                rank=_RANK[step.priority],
                category=Category.APPOINTMENT,
                channel=Channel.SMS,
                merge=f"window:{max(target, enrolled)}",
                about=About(title=step.title, date=target.isoformat()),
                verdict=settled,
            )
        after = closes + DAY
        if lo <= after < hi and not late:
            done = settled if visit and visit.status is AppointmentStatus.ATTENDED else None
            missed = _task(
                facts,
                sid,
                f"{this}{n}.close",
                after,
                "window_closed",
                f"Closed without a visit: {step.title}",
                tier="review_soon",
            )
            yield _with_verdict(missed, done)


# --- check-ins ---


def checkin_slot(facts: Facts, protocol: Protocol, step: Checkin) -> tuple[int, time]:
    """The weekday and local time of a patient's check-in: chosen, or spread so that not all fall together."""
    chosen = _override(facts, protocol, step)
    seed = f"{facts.patient.id}/checkin"
    weekday = chosen.weekday if chosen.weekday is not None else step.weekday
    at = chosen.at or step.at
    half_hour = spread(seed + "/time", 12)  # 10:00 to 15:30
    return (
        spread(seed + "/day", 5) if weekday is None else weekday,
        at or time(10 + half_hour // 2, 30 * (half_hour % 2)),
    )


def session_dates(
    facts: Facts, protocol: Protocol, step: Checkin, anchor: date, lo: date, hi: date
) -> Iterator[tuple[int, date]]:
    """(ordinal, local date) of the step's sessions in [lo, hi)."""
    weekday, _ = checkin_slot(facts, protocol, step)
    weekly = step.every.days % 7 == 0 and not step.every.months
    first = shift(anchor, step.starts)
    if weekly:
        first = _on_weekday(first, weekday)
    end = shift(anchor, step.until) if step.until else None
    slower = facts.session.slower_since if facts.session else None
    for n, day in _recurrences(first, step.every, lo, hi if end is None else min(hi, end)):
        if not (slower and day >= slower and n % 2):
            yield n, day
    if end is not None and step.then_every is not None and hi > end:
        for n, day in _recurrences(end, step.then_every, max(end, lo - 7 * DAY), hi):
            moved = _on_weekday(day, weekday)
            if lo <= moved < hi:
                yield 10_000 + n, moved


def _checkin(
    facts: Facts, pin: Pin, protocol: Protocol, step: Checkin, anchor: date, lo: date, hi: date
) -> Iterator[Occurrence]:
    sid, tz = step_id(protocol, step), facts.tz
    _, clock = checkin_slot(facts, protocol, step)
    for n, day in session_dates(facts, protocol, step, anchor, lo, hi):
        held = (_main_session_near(facts, day) or day) if step.joins else day
        at = instant(held, clock, tz)
        if at < pin.since:
            continue
        yield Occurrence(
            id=occurrence_id(facts.patient.id, sid, n),
            step=sid,
            kind="checkin",
            template="checkin",
            ideal=at,
            useful_until=at + USEFUL["checkin"],
            rank=Rank.CHECKIN,
            category=Category.CHECKIN,
            channel=Channel.SMS,
            merge=f"checkin:{held}",
            about=About(date=held.isoformat(), questions=questions(facts, step, n, day)),
        )


def _main_session_near(facts: Facts, day: date) -> date | None:
    for pin in facts.plan.pins:
        protocol = facts.protocols[pin.protocol]
        anchor = facts.anchor(protocol.anchor)
        for step in protocol.steps:
            if isinstance(step, Checkin) and not step.joins and anchor and applies(protocol, facts):
                for _, main in session_dates(facts, protocol, step, anchor, day - DAY, day + 2 * DAY):
                    return main
    return None


FIRST_QUESTION = "checkin_change"
"""Every session begins by asking whether anything is new or worse: a subtle change needs a provider at once."""


def _cadence(facts: Facts, session: Checkin, ordinal: int, day: date) -> tuple[int, int]:
    """Which session in a row it is, not counting those left out, and how many weeks lie between two."""
    slower = facts.session.slower_since if facts.session else None
    if ordinal >= 10_000 and session.then_every:
        return ordinal - 10_000, max(1, session.then_every.timedelta.days // 7)
    if slower and day >= slower:
        return ordinal // 2, max(1, 2 * session.every.timedelta.days // 7)
    return ordinal, max(1, session.every.timedelta.days // 7)


def questions(facts: Facts, session: Checkin, ordinal: int, day: date) -> tuple[str, ...]:
    """What the session of that day asks, in order, the first question first, no more than it may."""
    due: list[tuple[Rank, str]] = []
    alternating = 0
    ordinal, apart = _cadence(facts, session, ordinal, day)
    for pin in facts.plan.pins:
        protocol = facts.protocols[pin.protocol]
        anchor = facts.anchor(protocol.anchor)
        if anchor is None or not applies(protocol, facts):
            continue
        for step in protocol.steps:
            if not isinstance(step, Question) or _override(facts, protocol, step).off:
                continue
            weeks = max(1, step.every.days // 7 // apart)
            turn = alternating % weeks
            alternating += weeks > 1
            if day < anchor or (step.until and day >= shift(anchor, step.until)) or ordinal % weeks != turn:
                continue
            due.append((_RANK[step.priority], step.message))
    rest = [m for _, m in sorted(due, key=lambda q: q[0]) if m != FIRST_QUESTION]
    return (FIRST_QUESTION, *dict.fromkeys(rest))[: session.max_questions]


def _nudge(facts: Facts) -> Iterator[Occurrence]:
    open_session = facts.session
    if open_session is None:
        return
    protocol_id, _, key = open_session.step.partition("/")
    protocol = facts.protocols.get(protocol_id)
    step = protocol.step(key) if protocol else None
    if not isinstance(step, Checkin) or step.nudge_after is None:
        return
    sent = open_session.sent_at.astimezone(facts.tz)
    at = instant(shift(sent.date(), step.nudge_after), sent.time().replace(tzinfo=None), facts.tz)
    yield Occurrence(
        id=occurrence_id(facts.patient.id, open_session.step, open_session.occurrence, "nudge"),
        step=open_session.step,
        kind="nudge",
        template="noresponse_nudge",
        ideal=at,
        useful_until=at + USEFUL["nudge"],
        rank=Rank.NUDGE,
        category=Category.CHECKIN,
        channel=Channel.SMS,
        verdict=Reason("answered", "the check-in was answered") if open_session.answered else None,
    )


# --- messages ---


def _welcome(facts: Facts) -> Iterator[Occurrence]:
    at = facts.patient.enrolled_at
    yield Occurrence(
        id=occurrence_id(facts.patient.id, "welcome"),
        step="enrolment/welcome",
        kind="welcome",
        template="optin_confirm",
        ideal=at,
        useful_until=at + USEFUL["welcome"],
        rank=Rank.WELCOME,
        category=Category.ACCOUNT,
        channel=Channel.SMS,
    )


def _message(
    facts: Facts, pin: Pin, protocol: Protocol, step: Message, anchor: date, lo: date, hi: date
) -> Iterator[Occurrence]:
    sid, tz = step_id(protocol, step), facts.tz
    seed = f"{facts.patient.id}/{sid}"
    chosen = _override(facts, protocol, step)
    weekday = spread(seed, 5) if chosen.weekday is None else chosen.weekday
    clock = chosen.at or time(10 + spread(seed + "/time", 12) // 2, 30 * (spread(seed + "/time", 12) % 2))
    first = shift(anchor, step.starts)
    end = shift(anchor, step.until) if step.until else None
    found = _recurrences(first, step.every, lo - 7 * DAY, hi) if step.every else iter([(0, first)])
    for n, nominal in found:
        day = _on_weekday(nominal, weekday)
        at = instant(day, clock, tz)
        if not lo <= day < hi or at < pin.since or (end and day >= end):
            continue
        yield Occurrence(
            id=occurrence_id(facts.patient.id, sid, n),
            step=sid,
            kind="education" if step.priority is Priority.EDUCATION else "questionnaire",
            template=step.message,
            ideal=at,
            useful_until=at + USEFUL["message"],
            rank=_RANK[step.priority],
            category=Category.EDUCATION if step.priority is Priority.EDUCATION else Category.CHECKIN,
            channel=Channel(step.channel),
            fallback=step.channel == "sms",
        )


# --- supplies ---


def supply_due(facts: Facts, protocol: Protocol, step: Supply, anchor: date) -> date | None:
    """The local date by which the supply must be renewed; None while the days of supply are not known."""
    if step.due is not None:
        return shift(anchor, step.due)
    cycle = facts.supplies.get(anchor_of(protocol, step))
    return anchor + timedelta(days=cycle.days_supply) if cycle and cycle.days_supply else None


def _supply(
    facts: Facts, pin: Pin, protocol: Protocol, step: Supply, anchor: date, lo: date, hi: date
) -> Iterator[Occurrence]:
    sid, tz = step_id(protocol, step), facts.tz
    cycle = facts.supplies.get(anchor_of(protocol, step))
    number = cycle.number if cycle else 0
    due = supply_due(facts, protocol, step, anchor)
    if due is None:
        task = _task(
            facts,
            sid,
            f"{number}.unknown",
            facts.enrolled_on,
            "missing_anchor",
            f"Enter the days of supply: {step.title}",
        )
        yield _at(task, pin.since)
        return
    began = pin.since.astimezone(tz).date()
    messages = sorted(shift(due, n.at) for n in step.notices if n.message)
    booked = serving(facts, sid, due - timedelta(days=60), due)
    if booked and not booked.status.stands:
        booked = None  # an attended visit was for the refill before: had it been this one, its event would stand here
    for index, notice in enumerate(step.notices):
        day = shift(due, notice.at)
        if not lo <= day < hi:
            continue
        verdict: Reason | None = None
        if notice.unless == "confirmed":
            if cycle and cycle.confirmed:
                verdict = Reason("confirmed", f"the patient said it is arranged for {due}")
            elif booked and booked.status is not AppointmentStatus.BOOKED:
                verdict = Reason("confirmed", f"the visit of {booked.starts_at.astimezone(tz).date()} is confirmed")
        elif notice.unless == "booked" and booked:
            verdict = Reason("booked", f"a visit is booked for {booked.starts_at.astimezone(tz).date()}")
        if notice.task:
            title = f"{notice.task}: {step.title} due {due}"
            task = _task(facts, sid, f"{number}.{index}", day, "supply", title, tier=notice.tier, due=due)
            if day < began and due < began:
                verdict = Reason("closed_before_enrolment", f"it was due on {due}, before the plan began on {began}")
            yield _with_verdict(task, verdict)
            continue
        following = next((d for d in messages if d > day), None)
        last_useful = max(due, day) + DAY if following is None else following
        for channel in (Channel.SMS, Channel.EMAIL) if notice.both_channels else (Channel.SMS,):
            yield Occurrence(
                id=occurrence_id(facts.patient.id, sid, number, index, channel),
                step=sid,
                kind="refill" if notice.message == "refill" else "supply",
                template=notice.message or "",
                ideal=instant(day, DAYTIME, tz),
                useful_until=instant(last_useful, DAYTIME if following else time(0), tz),
                rank=_RANK[step.priority],
                category=Category.SAFETY if step.uncapped else Category.REFILL,
                channel=channel,
                uncapped=step.uncapped,
                fallback=not notice.both_channels,
                about=About(title=step.title, date=due.isoformat()),
                verdict=verdict,
            )


# --- staff ---


def _staff_task(
    facts: Facts, pin: Pin, protocol: Protocol, step: StaffTask, anchor: date, lo: date, hi: date
) -> Iterator[Occurrence]:
    sid, tz = step_id(protocol, step), facts.tz
    if step.no_visit_for is not None:
        seen = facts.last_attended()
        base = max(seen.astimezone(tz).date() if seen else facts.enrolled_on, pin.since.astimezone(tz).date())
        attended = sum(a.status is AppointmentStatus.ATTENDED for a in facts.appointments)
        day = shift(base, step.no_visit_for)
        if lo <= day < hi and not (step.until and day >= shift(anchor, step.until)):
            yield _task(facts, sid, attended, day, "gap_guard", step.title, tier="review_soon")
        return
    day = shift(anchor, step.at or Period())
    due = shift(anchor, step.due) if step.due else None
    if not lo <= day < hi:
        return
    began = pin.since.astimezone(tz).date()
    verdict = None
    if due and due < began:
        verdict = Reason("closed_before_enrolment", f"it was due by {due}, before the plan began on {began}")
    yield _with_verdict(_task(facts, sid, 0, day, "staff", step.title, due=due), verdict)


def _series(
    facts: Facts, _pin: Pin, protocol: Protocol, step: Series, anchor: date, lo: date, hi: date
) -> Iterator[Occurrence]:
    day = shift(anchor, step.at)
    if not lo <= day < hi:
        return
    verdict = None
    if any(a.profile == step.profile for a in facts.appointments):
        verdict = Reason("booked", "sessions have been set")
    yield _with_verdict(_task(facts, step_id(protocol, step), 0, day, "set_series", f"Set up: {step.title}"), verdict)


_WANTS: dict[type[Step], Callable[..., Iterator[Occurrence]]] = {
    VisitWindow: _visit_window,
    Checkin: _checkin,
    Message: _message,
    Supply: _supply,
    StaffTask: _staff_task,
    Series: _series,
}
