"""The words patients read: copy in, text out.

A `Copybook` holds every template in every language. `render_sms` and `render_email` fill one template with
facts and say what came of it: the text, its version, and for SMS what the carrier will charge. Nothing here
reads a clock, a file or a setting. The copy itself is data, in `chalicelib/protocols/copy`; the rules it must
keep are in `chalicelib.domain.wording.lint`.
"""

from chalicelib.domain.wording.book import (
    Content,
    Copybook,
    EmailCopy,
    EmailSheet,
    Frame,
    LanguageCopy,
    MissingSlot,
    Role,
    SmsCopy,
    Template,
    UnknownLanguage,
    UnknownTemplate,
    UnsafeLink,
    WordingError,
    pick_language,
    template_at_level,
)
from chalicelib.domain.wording.mail import EmailText, render_email
from chalicelib.domain.wording.measure import Encoding, Measure, measure
from chalicelib.domain.wording.pages import PageCopy, page_language
from chalicelib.domain.wording.phrases import (
    CHOICE_LETTERS,
    MAX_CHOICES,
    choices_phrase,
    day_phrase,
    local_date,
    local_time,
    sessions_phrase,
    therapy_week,
    times_phrase,
)
from chalicelib.domain.wording.sms import SmsText, render_sms

__all__ = [
    "CHOICE_LETTERS",
    "MAX_CHOICES",
    "Content",
    "Copybook",
    "EmailCopy",
    "EmailSheet",
    "EmailText",
    "Encoding",
    "Frame",
    "LanguageCopy",
    "Measure",
    "MissingSlot",
    "PageCopy",
    "Role",
    "SmsCopy",
    "SmsText",
    "Template",
    "UnknownLanguage",
    "UnknownTemplate",
    "UnsafeLink",
    "WordingError",
    "choices_phrase",
    "day_phrase",
    "local_date",
    "local_time",
    "measure",
    "page_language",
    "pick_language",
    "render_email",
    "render_sms",
    "sessions_phrase",
    "template_at_level",
    "therapy_week",
    "times_phrase",
]
