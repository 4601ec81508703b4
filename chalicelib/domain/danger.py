"""Danger: what a patient said that cannot wait, and whether somebody has seen it. Until then nobody asks them a routine
question: it would read as nobody listening (docs/decisions/danger-and-questions.md)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from .occurrence import Reason
from .patient import Category

SILENCED = frozenset({Category.CHECKIN, Category.EDUCATION})
"""Questions and tips. Visits, supplies and safety are no less needed for it."""

AFTER_SEEN = timedelta(hours=4)
"""Whoever has seen it phones; questions wait that long for the call and what comes of it."""

LOOK_AGAIN = timedelta(minutes=15)
"""How often what waits looks whether somebody has seen it."""

RULE = "danger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Danger:
    """The latest that the patient said, as its task knows it."""

    code: str
    """The task's."""
    tier: str
    since: datetime
    seen_at: datetime | None = None

    def ends(self, now: datetime) -> datetime:
        """Until when questions wait, as far as is known at `now`."""
        return now + LOOK_AGAIN if self.seen_at is None else self.seen_at + AFTER_SEEN

    def silences(self, category: Category, at: datetime) -> bool:
        return category in SILENCED and self.since <= at < self.ends(at)

    def reason(self, tz: ZoneInfo) -> Reason:
        said = f"the {self.tier} message of {self.since.astimezone(tz):%Y-%m-%d %H:%M}, task {self.code}"
        if self.seen_at is None:
            return Reason(RULE, f"nobody has acknowledged {said}; questions and tips wait until somebody has")
        seen = f"{self.seen_at.astimezone(tz):%Y-%m-%d %H:%M}"
        hours = AFTER_SEEN // timedelta(hours=1)
        return Reason(RULE, f"{said}, was acknowledged on {seen}; questions and tips wait {hours} hours from then on")
