"""Whether a whole copybook keeps its promises: parity, worst-case length, tails, contacts, plain words.

Run over the shipped copy by the tests, and usable on any other copy before it is let in.
"""

from collections.abc import Iterator, Mapping
from datetime import date, time, timedelta
from functools import cache

from chalicelib.domain.wording.book import Content, Copybook, LanguageCopy, Role, Template
from chalicelib.domain.wording.lint import MAX_CLINIC_UNITS, Finding, lint
from chalicelib.domain.wording.mail import FRAME_SLOTS
from chalicelib.domain.wording.measure import Encoding, Measure, measure
from chalicelib.domain.wording.phrases import (
    MAX_CHOICES,
    MAX_SESSIONS,
    MAX_TIMES,
    choices_phrase,
    day_phrase,
    local_date,
    local_time,
    sessions_phrase,
    times_phrase,
)
from chalicelib.domain.wording.slots import fill, slots_of

NO_TAIL = {"pump_overdue": "tells a patient in danger to call; a way out of texts has no place in it"}
"""Initiated texts without the STOP tail, each with its reason. STOP itself still works on them."""

_AUTO_REPLY_SLOTS = frozenset({"clinic", "phone", "emerg"})
_A_YEAR = [date(2028, 1, 1) + timedelta(days=n) for n in range(366)]
_CLOCK = [time(hour, minute) for hour in range(24) for minute in (0, 59)]


@cache
def worst_case(language: str) -> Mapping[str, str]:
    """The longest value each slot may hold in this language.

    Clinic 20 characters (6 in Chinese), phone 14, link 18, emergency number 3, crisis line 12
    (`800 911 2000`), counts 2, initials 4 each; dates and times as the phrases write them at their longest.
    """
    brief = max(_CLOCK, key=lambda at: len(times_phrase([at], language)))
    longest_day = max(_A_YEAR, key=lambda day: len(sessions_phrase([(day, brief)], language)))
    days = [day_phrase(day, today, language) for day in _A_YEAR for today in (day, day - timedelta(days=1))]
    days += [day_phrase(day, day + timedelta(days=1), language) for day in _A_YEAR]
    return {
        "clinic": ("医" if language == "zh" else "M")
        * MAX_CLINIC_UNITS[Encoding.UCS_2 if language == "zh" else Encoding.GSM_7],
        "phone": "(800) 555-0100",
        "emerg": "911",
        "crisis": "800 911 2000",
        "url": "https://a.example/",
        "count": "99",
        "low": "0",
        "high": "10",
        "date": max((local_date(day, language) for day in _A_YEAR), key=len),
        "day": max(days, key=len),
        "time": max((local_time(at, language) for at in _CLOCK), key=len),
        "times": times_phrase([brief] * (MAX_TIMES + 9), language),
        "sessions": sessions_phrase([(longest_day, brief)] * MAX_SESSIONS, language),
        "choices": choices_phrase(["M.M."] * MAX_CHOICES),
    }


def worst_measure(book: Copybook, template: str, language: str) -> Measure:
    """What `template` costs when every slot is at its longest."""
    return measure(fill(book.language(language).sms[template].text, worst_case(language)))


def proofread(book: Copybook) -> list[Finding]:
    """Every rule the copybook breaks."""
    findings = [*_shared(book)]
    for copy in book.languages.values():
        findings += _parity(book, copy)
        for name, template in book.templates.items():
            if name in copy.sms:
                findings += [
                    Finding(rule=found.rule, detail=found.detail, where=f"{copy.code}.{name}")
                    for found in _sms(template, copy)
                ]
        for sheet in copy.email:
            findings += _email(book, copy, sheet)
    return findings


def _shared(book: Copybook) -> Iterator[Finding]:
    for name, template in book.templates.items():
        stand_in = book.templates.get(template.at_minimal or "")
        if template.content is Content.STANDARD and (not stand_in or stand_in.content is Content.STANDARD):
            yield Finding(rule="no minimal variant", detail=name)
        if template.email is not None and template.email not in book.sheets:
            yield Finding(rule="no such e-mail", detail=template.email, where=name)
        if template.slots and "clinic" not in template.slots:
            yield Finding(rule="does not say who writes", detail=name)
        missing = _AUTO_REPLY_SLOTS - template.slots
        if template.role is Role.AUTO_REPLY and missing:
            yield Finding(rule="auto-reply without a way to reach someone", detail=min(missing), where=name)


def _parity(book: Copybook, copy: LanguageCopy) -> Iterator[Finding]:
    texted = {name for name, template in book.templates.items() if template.slots}
    for name in texted ^ copy.sms.keys():
        yield Finding(rule="not in every language", detail=name, where=copy.code)
    for sheet in book.sheets.keys() ^ copy.email.keys():
        yield Finding(rule="not in every language", detail=sheet, where=copy.code)


def _sms(template: Template, copy: LanguageCopy) -> Iterator[Finding]:
    sms = copy.sms[template.name]
    yield from lint(sms.text, copy.code, content=template.content)
    used = slots_of(sms.text)
    if used != template.slots:
        yield Finding(rule="slots differ", detail=", ".join(sorted(used ^ template.slots)))
        return
    if template.role is Role.INITIATED and template.name not in NO_TAIL and "STOP" not in sms.text:
        yield Finding(rule="no STOP tail", detail=template.name)
    cost = measure(fill(sms.text, worst_case(copy.code)))
    if cost.segments != 1 or cost.encoding is not copy.encoding:
        yield Finding(rule="more than one segment", detail=f"{cost.units} {cost.encoding}")


def _email(book: Copybook, copy: LanguageCopy, name: str) -> Iterator[Finding]:
    email, sheet, where = copy.email[name], book.sheets.get(name), f"{copy.code}.email.{name}"
    if sheet is None:
        return
    used = slots_of(email.line) | slots_of(email.subject)
    if used - FRAME_SLOTS != sheet.slots - FRAME_SLOTS:
        yield Finding(rule="slots differ", detail=", ".join(sorted(used ^ sheet.slots)), where=where)
    for text, content in ((email.subject, Content.MINIMAL), (email.line, sheet.content)):
        for found in lint(text, copy.code, content=content):
            # E-mail is always Unicode, and asks for a button to be pressed, not for a word to be sent.
            if found.rule != "not GSM-7":
                yield Finding(rule=found.rule, detail=found.detail, where=where)
        if Encoding.GSM_7 is copy.encoding and "STOP" in text:
            yield Finding(rule="STOP in an e-mail", detail=name, where=where)
