"""What the steps of a plan want of the days from `lo` up to `hi`: occurrences, before anything gets in their way.

One file a kind. They look only at dates and facts; caps, merging and contact hours are the agenda's business.
"""

from collections.abc import Callable, Iterator
from datetime import date

from chalicelib.domain.facts import Facts
from chalicelib.domain.occurrence import Occurrence
from chalicelib.domain.protocol import Anchor, Message, Series, StaffTask, Step, Supply

from . import checkins, messages, staff, supplies
from . import windows as visit_windows
from .course import anchor_of, courses, step_id
from .windows import windows

__all__ = ["anchor_of", "step_id", "wanted", "windows"]

_WANTS: dict[type[Step], Callable[..., Iterator[Occurrence]]] = {
    Message: messages.wanted,
    Supply: supplies.wanted,
    StaffTask: staff.tasks,
    Series: staff.series,
}
"""The kinds whose steps stand each for itself. Windows and check-ins look at those of other protocols too."""


def wanted(facts: Facts, lo: date, hi: date) -> Iterator[Occurrence]:
    """What the pinned protocols want on the local dates [lo, hi); some of what lies around them too."""
    followed = courses(facts)
    yield from visit_windows.wanted(followed, lo, hi)
    yield from checkins.wanted(followed, lo, hi)
    for course in followed:
        missing: dict[Anchor, None] = {}
        for step in course.protocol.steps:
            if course.override(step).off:
                continue
            anchor = course.anchor_of(step)
            if anchor is None:
                missing[anchor_of(course.protocol, step)] = None
            elif type(step) in _WANTS:
                yield from _WANTS[type(step)](course, step, anchor, lo, hi)
        for anchor_name in missing:
            yield course.enter(anchor_name)
    yield from messages.welcome(facts)
    yield from checkins.after_silence(facts)
