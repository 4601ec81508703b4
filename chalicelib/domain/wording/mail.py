"""One template and its facts become one e-mail: a subject without health detail, text and HTML.

The HTML has to read well in a mail program that drops style sheets and images, at any size, in light or
dark, by eye or by screen reader, and for someone who points with a mouth stick. Hence: headings and
paragraphs, one column, inline styles, no colours of our own except the buttons', and buttons well above the
44 px of WCAG 2.5.5.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape

from chalicelib.domain.wording.book import (
    Copybook,
    Frame,
    LanguageCopy,
    MissingSlot,
    UnknownTemplate,
    UnsafeLink,
)
from chalicelib.domain.wording.slots import clean, fill, prepare

FRAME_SLOTS = frozenset({"clinic", "phone", "emerg"})
"""Every e-mail says whose it is and whom to call."""
PREFERENCES = "prefs"
"""The link that manages or stops messages; no e-mail goes without it."""

_BUTTON = (
    "display:inline-block;padding:16px 32px;min-width:160px;border-radius:8px;background-color:#0b4f8a;"
    "color:#ffffff;font-size:18px;font-weight:bold;line-height:24px;text-align:center;text-decoration:none"
)
_BODY = (
    "margin:0;padding:16px;font-family:Arial,Helvetica,sans-serif;font-size:18px;line-height:1.5;"
    "color-scheme:light dark"
)
_COLUMN = "max-width:600px;margin:0 auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailText:
    """An e-mail ready to send. `version` is that of the line's copy."""

    subject: str
    text: str
    html: str
    template: str
    version: int
    language: str


def render_email(
    book: Copybook, template: str, language: str, slots: Mapping[str, str], links: Mapping[str, str]
) -> EmailText:
    """The e-mail that stands for `template`.

    `links` maps `prefs` (required) and any of `confirm`, `reschedule`, `open` to absolute web addresses; a
    button appears only for a link that is given. Raises `UnknownTemplate` (also for what has no e-mail),
    `UnknownLanguage`, `MissingSlot`, `UnsafeLink`.
    """
    spec = book.template(template)
    copy = book.language(language)
    if spec.email is None:
        raise UnknownTemplate(template)
    email = copy.email[spec.email]
    values = prepare(book.sheets[spec.email].slots | FRAME_SLOTS, slots, gsm=False)
    addresses = _checked(copy.frame, links)
    buttons = [(label, addresses[name]) for name, label in copy.frame.buttons.items() if name in addresses]
    subject = fill(email.subject, values)
    content = _Filled(
        greeting=copy.frame.greeting,
        line=fill(email.line, values),
        not_live=fill(copy.frame.not_live, values),
        why=fill(copy.frame.why, values),
        manage=(copy.frame.manage, addresses[PREFERENCES]),
        buttons=tuple(buttons),
    )
    return EmailText(
        subject=subject,
        text=_as_text(content),
        html=_as_html(content, subject, copy),
        template=template,
        version=email.version,
        language=language,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Filled:
    greeting: str
    line: str
    not_live: str
    why: str
    manage: tuple[str, str]
    buttons: tuple[tuple[str, str], ...]


def _checked(frame: Frame, links: Mapping[str, str]) -> dict[str, str]:
    if PREFERENCES not in links:
        raise MissingSlot(PREFERENCES)
    for name, address in links.items():
        known = name == PREFERENCES or name in frame.buttons
        # Refused, not cleaned: one changed character is another link. Plain http serves local runs.
        if not known or not address.startswith(("https://", "http://")) or clean(address) != address:
            raise UnsafeLink(name)
    return dict(links)


def _as_text(content: _Filled) -> str:
    paragraphs = [
        content.greeting,
        content.line,
        *(_labelled(button) for button in content.buttons),
        content.not_live,
        f"{content.why} {_labelled(content.manage)}",
    ]
    return "\n\n".join(paragraphs) + "\n"


def _labelled(link: tuple[str, str]) -> str:
    label, address = link
    return f"{label}: {address}"


def _as_html(content: _Filled, subject: str, copy: LanguageCopy) -> str:
    return "\n".join(_html_lines(content, subject, copy)) + "\n"


def _html_lines(content: _Filled, subject: str, copy: LanguageCopy) -> Iterator[str]:
    yield "<!DOCTYPE html>"
    yield f'<html lang="{escape(copy.tag)}" dir="ltr">'
    yield '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark">'
    yield '<meta name="supported-color-schemes" content="light dark">'
    yield f"<title>{escape(subject)}</title></head>"
    yield f'<body style="{_BODY}">'
    # Mail programs drop <html lang>; the language must also stand on an element that survives.
    yield f'<div role="article" aria-label="{escape(subject)}" lang="{escape(copy.tag)}" style="{_COLUMN}">'
    yield f'<h1 style="font-size:22px;line-height:1.3;margin:0 0 16px">{escape(subject)}</h1>'
    yield f'<p style="margin:0 0 16px">{escape(content.greeting)}</p>'
    yield f'<p style="margin:0 0 24px;font-size:20px">{escape(content.line)}</p>'
    for label, address in content.buttons:
        yield f'<p style="margin:0 0 16px">{_link(label, address, _BUTTON)}</p>'
    yield f'<p style="margin:24px 0 16px"><strong>{escape(content.not_live)}</strong></p>'
    label, address = content.manage
    yield (
        f'<p style="margin:0;font-size:16px">{escape(content.why)} '
        f"{_link(label, address, 'color:inherit;text-decoration:underline')}</p>"
    )
    yield "</div></body></html>"


def _link(label: str, address: str, style: str) -> str:
    return f'<a href="{escape(address)}" style="{style}">{escape(label)}</a>'
