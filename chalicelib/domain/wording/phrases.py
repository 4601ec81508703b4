"""Dates, times and short lists as they stand in a text.

Fixed patterns, no locale library: CLDR puts U+202F before "PM", which alone would turn a text into UCS-2,
and its patterns change between releases. Dates are ISO 8601 (`2026-03-04`) in English, Spanish and French,
because the language does not tell the country: 03/04 is March to a New York patient and April to one in
London, and a Spanish speaker in Texas meets both orders. Chinese marks its own units (`3月4日`). The weekday
stands beside the date, since that is what people plan by. Every abbreviation is GSM-7, so `sab` goes without
its accent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta

from chalicelib.domain.wording.book import UnknownLanguage

MAX_TIMES = 3
"""Visits of one day named with their times; the rest are counted. Four would not fit a Chinese segment."""
MAX_SESSIONS = 5
"""Therapy sessions of a week that fit one segment in every language."""
CHOICE_LETTERS = "ABDE"
"""C means "confirm", so it is skipped; none of these is a yes, a no or an opt-out word in any language."""
MAX_CHOICES = len(CHOICE_LETTERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Patterns:
    today: str
    tomorrow: str
    weekdays: tuple[str, ...]  # Monday first
    on_day: str
    separator: str = ", "
    clock_mark: str = ":"


_PATTERNS: Mapping[str, _Patterns] = {
    "en": _Patterns(
        today="today",
        tomorrow="tomorrow",
        weekdays=("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
        on_day="on {weekday} {date}",
    ),
    "es": _Patterns(
        today="hoy",
        tomorrow="mañana",
        weekdays=("lun", "mar", "mié", "jue", "vie", "sab", "dom"),
        on_day="el {weekday} {date}",
    ),
    "fr": _Patterns(
        today="aujourd'hui",
        tomorrow="demain",
        weekdays=("lun", "mar", "mer", "jeu", "ven", "sam", "dim"),
        on_day="le {weekday} {date}",
        clock_mark="h",
    ),
    "zh": _Patterns(
        today="今天",
        tomorrow="明天",
        weekdays=("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
        on_day="{date}{weekday}",
        separator="、",
    ),
}


def local_date(day: date, language: str) -> str:
    """`2026-03-14`, or `3月14日` in Chinese."""
    _patterns(language)
    return f"{day.month}月{day.day}日" if language == "zh" else day.isoformat()


def local_time(at: time, language: str) -> str:
    """Wall-clock time: `2:30 PM` in English, `14h30` in French, `14:30` in Spanish and Chinese."""
    patterns = _patterns(language)
    if language == "en":
        return f"{at.hour % 12 or 12}:{at.minute:02} {'AM' if at.hour < 12 else 'PM'}"
    return f"{at.hour:02}{patterns.clock_mark}{at.minute:02}"


def day_phrase(day: date, today: date, language: str) -> str:
    """How a sentence names `day`, preposition included: `today`, `tomorrow`, `on Sat 2026-03-14`.

    Both dates are local to the patient; `today` is the date on which the text is read, so it is chosen at
    render and not when the reminder was planned.
    """
    patterns = _patterns(language)
    if day == today:
        return patterns.today
    if day == today + timedelta(days=1):
        return patterns.tomorrow
    on_day = patterns.on_day.replace("{weekday}", patterns.weekdays[day.weekday()])
    return on_day.replace("{date}", local_date(day, language))


def times_phrase(times: Sequence[time], language: str) -> str:
    """The visits of one day: `9:00am, 10:30am, 2:00pm`, then `+2` for those that do not fit."""
    ordered = sorted(times)
    named = _patterns(language).separator.join(_brief_time(at, language) for at in ordered[:MAX_TIMES])
    beyond = len(ordered) - MAX_TIMES
    return f"{named} +{beyond}" if beyond > 0 else named


def sessions_phrase(sessions: Sequence[tuple[date, time]], language: str) -> str:
    """The sessions of one week, by weekday and day of the month: `Mon 9 10:30am, Wed 11 2:00pm`."""
    patterns = _patterns(language)

    def named(day: date, at: time) -> str:
        if language == "zh":
            # With the weekday as well, five sessions would not fit one segment.
            return f"{day.day}日{_brief_time(at, language)}"
        return f"{patterns.weekdays[day.weekday()]} {day.day} {_brief_time(at, language)}"

    return patterns.separator.join(named(day, at) for day, at in sorted(sessions))


def therapy_week(sessions: Sequence[tuple[date, time]], today: date, language: str) -> tuple[str, dict[str, str]]:
    """The template for a week's therapy sessions (at least one) and the slots it takes from them."""
    first_day, first_time = min(sessions)
    first = {"day": day_phrase(first_day, today, language), "time": local_time(first_time, language)}
    if len(sessions) == 1:
        return "pt_session", first
    if len(sessions) <= MAX_SESSIONS:
        return "pt_week", {"sessions": sessions_phrase(sessions, language)}
    return "pt_week_many", {"count": str(len(sessions)), **first}


def choices_phrase(initials: Sequence[str]) -> str:
    """`A=J.S., B=M.K.` for patients who share a phone, in the order given.

    Raises `ValueError` above `MAX_CHOICES`: one left out would have their symptom filed under another name.
    """
    if len(initials) > MAX_CHOICES:
        raise ValueError("more patients on one phone than letters to ask with")
    return ", ".join(f"{letter}={who}" for letter, who in zip(CHOICE_LETTERS, initials, strict=False))


def _brief_time(at: time, language: str) -> str:
    return local_time(at, language).replace(" AM", "am").replace(" PM", "pm")


def _patterns(language: str) -> _Patterns:
    if language not in _PATTERNS:
        raise UnknownLanguage(language)
    return _PATTERNS[language]
