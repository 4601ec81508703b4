"""The copybook: every template in every language, as one frozen value."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain.wording.measure import Encoding


class WordingError(Exception):
    """A broken promise between caller and copy. Carries names of slots and templates, never their values."""


class UnknownLanguage(WordingError):
    """No copy in this language."""


class UnknownTemplate(WordingError):
    """No such template, or none for this channel."""


class MissingSlot(WordingError):
    """A slot the template needs was left out, or was empty once cleaned: "call ." must never go out."""


class UnsafeLink(WordingError):
    """A link that is not a plain web address, or that the frame has no place for."""


class Role(StrEnum):
    """Who speaks first, which decides what a text must carry."""

    INITIATED = "initiated"
    """We write first: names the way out (STOP)."""
    CHAINED = "chained"
    """The next question inside the patient's own answer."""
    AUTO_REPLY = "auto_reply"
    """Answers what a patient wrote: must carry the clinic's phone and the emergency number."""
    CONFIRMATION = "confirmation"
    """Says that a request was carried out."""


class Content(StrEnum):
    """How much a stranger who sees the screen would learn."""

    MINIMAL = "minimal"
    """No word about body, symptom or medicine: may go at either content level of a clinic."""
    STANDARD = "standard"
    """Names feelings, spasms, skin or medicines: needs the patient's recorded risk acknowledgement."""
    SAFETY = "safety"
    """Names symptoms because leaving them out is the greater harm; goes at either level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """What all languages of one template share. `at_minimal` names what a minimal clinic sends instead."""

    name: str
    role: Role
    content: Content
    slots: frozenset[str]
    at_minimal: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailSheet:
    """What all languages of one e-mail body share; several templates may use one sheet."""

    name: str
    content: Content
    slots: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsCopy:
    """One template in one language."""

    text: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailCopy:
    """One e-mail sheet in one language: the subject, and the line the frame is put around."""

    subject: str
    line: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What stands around every e-mail's line. `buttons` names each link a patient may be given."""

    greeting: str
    not_live: str
    why: str
    manage: str
    buttons: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageCopy:
    """Everything in one language. `tag` is the BCP 47 tag for screen readers."""

    code: str
    tag: str
    encoding: Encoding
    frame: Frame
    sms: Mapping[str, SmsCopy]
    email: Mapping[str, EmailCopy]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copybook:
    """Every template, every e-mail sheet, every language."""

    templates: Mapping[str, Template]
    sheets: Mapping[str, EmailSheet]
    languages: Mapping[str, LanguageCopy]

    def template(self, name: str) -> Template:
        """The template of that name, or `UnknownTemplate`."""
        if name not in self.templates:
            raise UnknownTemplate(name)
        return self.templates[name]

    def language(self, code: str) -> LanguageCopy:
        """The copy in that language, or `UnknownLanguage`: no silent fallback, see `pick_language`."""
        if code not in self.languages:
            raise UnknownLanguage(code)
        return self.languages[code]


def pick_language(book: Copybook, wanted: str | None, clinic_default: str) -> str:
    """The language to write in: the patient's if there is copy in it, else the clinic's.

    Region and script are dropped (`es-MX` reads `es`). A clinic whose own default has no copy is a mistake in
    its settings and raises `UnknownLanguage`.
    """
    for tag in (wanted, clinic_default):
        code = (tag or "").replace("_", "-").split("-", 1)[0].lower()
        if code in book.languages:
            return code
    raise UnknownLanguage(clinic_default)


def template_at_level(book: Copybook, name: str, level: str) -> str:
    """The template a clinic at this content level sends for `name` (`minimal` or `standard`)."""
    template = book.template(name)
    if Content(level) is Content.MINIMAL and template.content is Content.STANDARD:
        assert template.at_minimal is not None, "the copy linter lets no standard template go without one"
        return template.at_minimal
    return name
