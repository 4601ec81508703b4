"""One template and its facts become one text message."""

from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.domain.wording.book import Copybook, UnknownTemplate
from chalicelib.domain.wording.measure import Encoding, measure
from chalicelib.domain.wording.slots import fill, prepare


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsText:
    """A text ready to send, and what the send log needs to say which words these were."""

    text: str
    template: str
    version: int
    language: str
    encoding: Encoding
    units: int
    segments: int


def render_sms(book: Copybook, template: str, language: str, slots: Mapping[str, str]) -> SmsText:
    """The text of `template` in `language`, with its price.

    Raises `UnknownTemplate` (also for what exists only as e-mail), `UnknownLanguage`, `MissingSlot`. A text
    of more than one segment is returned, not refused: a long clinic name must not silence a safety message.
    """
    spec = book.template(template)
    copy = book.language(language)
    if template not in copy.sms:
        raise UnknownTemplate(template)
    sms = copy.sms[template]
    text = fill(sms.text, prepare(spec.slots, slots, gsm=copy.encoding is Encoding.GSM_7))
    cost = measure(text)
    return SmsText(
        text=text,
        template=template,
        version=sms.version,
        language=language,
        encoding=cost.encoding,
        units=cost.units,
        segments=cost.segments,
    )
