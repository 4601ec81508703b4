"""Pages in a real browser without JavaScript: by keyboard alone, on a narrow phone, enlarged, dark.

Skipped where there is no Chromium or no Playwright (`apt-get install chromium`, `pip install playwright`).
"""

import re
import shutil
import threading
from itertools import pairwise

import pytest

from local.server import Server
from local.world import World
from tests.journeys.clinics import Clinic

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")

PHONE = {"width": 360, "height": 740}
APART = "* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }"
"""How far apart readers may set lines, letters and words (WCAG 2.2, 1.4.12)."""
NARROWEST = {"width": 320, "height": 640}
"""To where a page must fold without scrolling sideways (WCAG 2.2, 1.4.10)."""


@pytest.fixture(scope="module")
def links():
    """Where a patient's e-mails lead, on a service that listens."""
    server = Server(0)
    with World(start="2026-03-02T15:00:00Z", public_url=server.url) as world:
        thread = threading.Thread(target=server.serve, args=(world,))
        thread.start()
        clinic = Clinic(world, on_call=[{"name": "Kim", "email": "kim@northside.example"}])
        ana = clinic.enrol(phone=None, email="ana@example.org", channels=["email"])
        world.advance("P14D")
        clinic.book(ana, "2026-03-25T10:30")
        world.advance("P3D")
        found = {"tips": f"{server.url}/tips/en", "gone": f"{server.url}/r/nothing"}
        for email in world.outbox(to="ana@example.org"):
            said = re.findall(r"^(.+): (http\S+)$", email["text"], re.MULTILINE)
            found |= {label.split(". ")[-1]: url for label, url in said}
        yield found
        server.shutdown()
        thread.join()
        server.close()


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def view(chromium):
    """Opens an address as somebody with that screen; JavaScript is off, as it may be."""
    opened = []

    def open_page(url, viewport=PHONE, **said):
        context = chromium.new_context(viewport=viewport, java_script_enabled=False, **said)
        opened.append(context)
        page = context.new_page()
        assert page.goto(url).status in (200, 404)
        return page

    yield open_page
    for context in opened:
        context.close()


PAGES = ("Confirm", "Open your page", "Manage or stop messages", "tips", "gone")


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_target_is_large_and_stands_apart(links, view, name, scheme):
    page = view(links[name], color_scheme=scheme)
    boxes = [target.bounding_box() for target in page.locator("a, button").all()]
    assert all(box["height"] >= 64 and box["width"] >= 240 for box in boxes), boxes
    tops = sorted((box["y"], box["y"] + box["height"]) for box in boxes)
    assert all(below - end >= 16 for (_, end), (below, _) in pairwise(tops))


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("viewport", [PHONE, NARROWEST], ids=["phone", "narrowest"])
def test_nothing_runs_off_the_side(links, view, name, viewport):
    page = view(links[name], viewport)
    page.evaluate("rule => document.head.insertAdjacentHTML('beforeend', `<style>${rule}</style>`)", APART)
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_text_is_large(links, view):
    page = view(links["Confirm"])
    sizes = page.evaluate(
        "[...document.querySelectorAll('p, a, button, h1')].map(e => parseFloat(getComputedStyle(e).fontSize))"
    )
    assert min(sizes) >= 18


def test_a_checkin_is_answered_with_the_keyboard_alone(links, view):
    page = view(links["Open your page"])
    reached = []
    for _ in range(3):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        outline = focused.evaluate(
            "e => [getComputedStyle(e).outlineStyle, parseFloat(getComputedStyle(e).outlineWidth)]"
        )
        assert outline == ["solid", 4], "where the focus is can be seen"
        reached.append(focused.inner_text())
    assert reached == ["No", "Yes, something is new or worse", "Call +12025550100"]
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    assert page.locator("h2").inner_text() == "How often did you have spasms this week?"
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.wait_for_selector("text=Your answers are saved")


def test_going_back_shows_how_things_stand_and_asks_to_send_nothing_again(links, view):
    page = view(links["Confirm"])
    page.get_by_role("button", name="Confirm").click()
    assert "Your visit is confirmed." in page.inner_text("main")
    assert page.go_back().status == 200
    assert "Your visit is confirmed." in page.inner_text("main")
    assert page.reload().status == 200


def test_a_changed_preference_is_where_one_was_and_says_saved(links, view):
    page = view(links["Manage or stop messages"])
    button = page.get_by_role("button", name="Safety tips")
    before = button.inner_text()
    button.click()
    assert page.url.endswith("#email-education")
    assert page.locator(".saved:visible").count() == 1
    assert page.get_by_role("button", name="Safety tips").inner_text() != before
    page.keyboard.press("Tab")
    assert "Safety tips" in page.locator(":focus").inner_text(), "the keyboard goes on from there"


def test_nothing_is_loaded_from_anywhere(links, chromium):
    context = chromium.new_context(viewport=PHONE)
    page, asked, said = context.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    for url in links.values():
        page.goto(url)
    assert {url.split("#")[0] for url in asked} - set(links.values()) <= {url for url in asked if "favicon" in url}
    assert [words for words in said if "404" not in words] == []
    context.close()
