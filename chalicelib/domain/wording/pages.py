"""The words of the pages that links lead to: one flat sheet of texts a language, filled like every other template.

A page is opened by whoever holds the link, in private, so it may name feelings, spasms, skin and medicines; it still
reassures nobody, names no diagnosis and no drug, and asks for no word that would opt a patient out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from chalicelib.domain.wording.book import Content, UnknownTemplate
from chalicelib.domain.wording.lint import Finding, lint
from chalicelib.domain.wording.slots import clean, fill, slots_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PageCopy:
    """Everything pages say in one language. `tag` is the BCP 47 tag for screen readers; `name` the language's own."""

    code: str
    tag: str
    name: str
    texts: Mapping[str, str]
    """By dotted name, such as `visit.confirm`."""

    def say(self, key: str, slots: Mapping[str, str] | None = None) -> str:
        """The text with its slots filled. Raises `UnknownTemplate`, and `MissingSlot` for a slot without a value."""
        if key not in self.texts:
            raise UnknownTemplate(key)
        text = self.texts[key]
        return fill(text, {name: clean((slots or {}).get(name, "")) for name in slots_of(text)})


def page_language(pages: Mapping[str, PageCopy], *wanted: str | None) -> str:
    """The first language wanted that there are pages in; English where there are none. Region and script are dropped:
    `es-MX` reads `es`."""
    for tag in wanted:
        code = (tag or "").replace("_", "-").split("-", 1)[0].lower()
        if code in pages:
            return code
    return "en"


def proofread_pages(pages: Mapping[str, PageCopy]) -> list[Finding]:
    """Every rule the copy of the pages breaks."""
    findings: list[Finding] = []
    for page in pages.values():
        findings += _parity(pages["en"], page)
        for key, text in page.texts.items():
            for found in lint(text, page.code, content=Content.STANDARD):
                # A page is Unicode: what a text message pays for is nothing here.
                if found.rule != "not GSM-7":
                    findings.append(Finding(rule=found.rule, detail=found.detail, where=f"{page.code}.{key}"))
    return findings


def _parity(model: PageCopy, page: PageCopy) -> Iterator[Finding]:
    for key in sorted(model.texts.keys() ^ page.texts.keys()):
        yield Finding(rule="not in every language", detail=key, where=page.code)
    for key in sorted(model.texts.keys() & page.texts.keys()):
        differing = slots_of(model.texts[key]) ^ slots_of(page.texts[key])
        if differing:
            yield Finding(rule="slots differ", detail=", ".join(sorted(differing)), where=f"{page.code}.{key}")
        if not page.texts[key].strip():
            yield Finding(rule="nothing said", detail=key, where=f"{page.code}.{key}")
