"""A page as a person with a keyboard meets it: its headings, its words, its buttons, and what each of them sends."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlparse

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
VOID = {"meta", "input", "link", "br"}


@dataclass
class Button:
    label: str
    fields: dict


@dataclass
class Page:
    status: int
    headers: dict
    lang: str = ""
    title: str = ""
    headings: list = field(default_factory=list)
    """(level, words), in order."""
    buttons: list = field(default_factory=list)
    calls: list = field(default_factory=list)
    """Numbers that links call."""
    text: str = ""
    open_elements: list = field(default_factory=list)
    ids: list = field(default_factory=list)

    def button(self, label):
        found = [b for b in self.buttons if b.label == label]
        assert len(found) == 1, f"{label!r} among {self.labels}"
        return found[0]

    @property
    def labels(self):
        return [b.label for b in self.buttons]


class _Reader(HTMLParser):
    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.page, self.stack, self.fields, self.words = page, [], {}, []

    def handle_starttag(self, tag, attrs):
        said = dict(attrs)
        assert tag not in ("script", "img", "iframe", "link"), f"a page holds no {tag}"
        assert not any(name.startswith("on") for name in said), "a page runs nothing"
        if "id" in said:
            self.page.ids.append(said["id"])
        if tag == "html":
            self.page.lang = said["lang"]
            assert said["dir"] == "ltr"
        elif tag == "form":
            assert said["method"] == "post"
            assert "action" not in said
            self.fields = {}
        elif tag == "input":
            assert said["type"] == "hidden", "whatever is typed needs a label"
            self.fields[said["name"]] = said["value"]
        elif tag == "button":
            self.page.buttons.append(Button("", {**self.fields, said["name"]: said["value"]}))
        elif tag == "a":
            self.page.calls.append(said["href"].removeprefix("tel:"))
        if tag in ("h1", "h2", "h3"):
            self.page.headings.append((int(tag[1]), ""))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag, f"{tag} is closed out of turn"

    def handle_data(self, data):
        words = data.strip().replace("\N{NON-BREAKING HYPHEN}", "-")
        if not words or "style" in self.stack:
            return
        here = self.stack[-1] if self.stack else ""
        if here == "title":
            self.page.title += words
            return
        if here == "button":
            self.page.buttons[-1].label += words
        if here in ("h1", "h2", "h3"):
            level, before = self.page.headings[-1]
            self.page.headings[-1] = (level, before + words)
        self.words.append(words)


def read(reply):
    page = Page(status=reply.status, headers={name.lower(): value for name, value in reply.headers})
    reader = _Reader(page)
    reader.feed(reply.body.decode())
    page.open_elements, page.text = reader.stack, " ".join(reader.words)
    return page


class Visitor:
    """Somebody who follows links: GET, press, and back to where the answer leads."""

    def __init__(self, world):
        self.world = world

    def open(self, url, **headers):
        return read(self.world.api("GET", urlparse(url).path, headers=headers))

    def post(self, url, fields, content_type=FORM["Content-Type"]):
        body = urlencode(fields).encode()
        return self.world.api("POST", urlparse(url).path, body=body, headers={"Content-Type": content_type})

    def press(self, url, label, page=None):
        """Presses the button of that label and answers the page it leads to."""
        reply = self.post(url, (page or self.open(url)).button(label).fields)
        if reply.status != 303:
            return read(reply)
        return self.open(urljoin(url, reply.header("Location")))
