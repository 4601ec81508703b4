"""Preferences: which messages, by which channel, in which language; and the one-click stop of a kind of e-mail."""

from collections.abc import Mapping
from typing import Any

from chalice.app import Response

from chalicelib import wiring
from chalicelib.adapters.pagebook import pagebook
from chalicelib.domain.patient import Category, Channel, ContactStatus
from chalicelib.service.prefer import SWITCHED
from chalicelib.web.pages.paper import Reached

CHANNELS = (Channel.SMS, Channel.EMAIL)
PAGE, ONE_CLICK = "the patient, on the preferences page", "the patient, by one click in an e-mail"


def show(at: Reached) -> Response:
    return at.page(
        "preferences.html",
        title=at.say("preferences.title"),
        channels=[_channel(at, channel) for channel in CHANNELS],
        languages=[copy for code, copy in pagebook().items() if code != at.copy.code],
    )


def press(at: Reached, form: Mapping[str, str]) -> Response:
    """Raises `ValueError` for what is none of the page's buttons."""
    wanted, prefer = form.get("set", "").split("."), wiring.preferring()
    match wanted:
        case ["sms" | "email" as channel, category, "on" | "off" as state]:
            switched, by = Category(category), Channel(channel)
            prefer.switch(at.facts, by, switched, on=state == "on", recorded_by=PAGE, now=at.now)
            return at.back(f"{channel}-{category}")
        case ["email", "stop"]:
            prefer.stop_email(at.facts, recorded_by=PAGE, now=at.now)
            return at.back("email-all")
        case ["email", "start"]:
            prefer.start_email(at.facts, recorded_by=PAGE, now=at.now)
            return at.back("email")
        case ["language", language] if language in pagebook():
            prefer.speak(at.facts, language, now=at.now)
            return at.back("language")
        case _:
            raise ValueError("no such preference")


def show_unsubscribe(at: Reached) -> Response | None:
    """Asks once more, since programs that read mail follow every link in it. None for a category nobody may stop
    without staff."""
    category = _category(at)
    if category is None:
        return None
    if _is_off(at, Channel.EMAIL, category):
        return _unsubscribed(at, category)
    return at.page(
        "one_button.html",
        title=at.say("unsubscribe.title"),
        lines=[at.say("unsubscribe.line", category=at.say(f"category.{category}"))],
        button=at.say("unsubscribe.button"),
        # What a mail program sends by itself (RFC 8058).
        name="List-Unsubscribe",
        value="One-Click",
    )


def unsubscribe(at: Reached) -> Response | None:
    """Stops the link's category by e-mail, and no other. A mail program waits for 200, not for another address."""
    category = _category(at)
    if category is None:
        return None
    wiring.preferring().switch(at.facts, Channel.EMAIL, category, on=False, recorded_by=ONE_CLICK, now=at.now)
    return _unsubscribed(at, category)


def _unsubscribed(at: Reached, category: Category) -> Response:
    lines = [at.say("unsubscribe.done", category=at.say(f"category.{category}"))]
    return at.page("notice.html", title=at.say("unsubscribe.done_title"), lines=lines)


def _category(at: Reached) -> Category | None:
    return next((c for c in SWITCHED if c.value == at.link.subject), None)


def _is_off(at: Reached, channel: Channel, category: Category) -> bool:
    return all(category in c.muted for c in at.facts.contacts if c.channel is channel)


def _channel(at: Reached, channel: Channel) -> dict[str, Any]:
    """A channel's part of the page: a switch for each category, or why there is none."""
    contacts = [c for c in at.facts.contacts if c.channel is channel]
    statuses = {c.status for c in contacts}
    found: dict[str, Any] = {
        "name": channel.value,
        "title": at.say(f"preferences.{channel}"),
        "settings": [],
        "line": "",
        "value": "",
        "button": "",
    }
    if any(c.status is ContactStatus.OK and c.consent for c in contacts):
        found["settings"] = [_setting(at, channel, category) for category in SWITCHED]
        if channel is Channel.EMAIL:
            found |= {"value": "email.stop", "button": at.say("preferences.stop_email")}
    elif ContactStatus.STOPPED in statuses:
        found["line"] = at.say(f"preferences.{channel}_stopped", number=at.clinic.sms_number)
        if channel is Channel.EMAIL:
            found |= {"value": "email.start", "button": at.say("preferences.start_email")}
    else:
        bad = statuses & {ContactStatus.BAD, ContactStatus.WRONG_PERSON}
        found["line"] = at.say("preferences.unreachable" if bad else "preferences.unused")
    return found


def _setting(at: Reached, channel: Channel, category: Category) -> dict[str, str]:
    on = not _is_off(at, channel, category)
    title = at.say(f"category.{category}")
    what = f"{title} ({at.say(f'preferences.{channel}')})"
    return {
        "id": f"{channel}-{category}",
        "title": title,
        "state": at.say("preferences.on" if on else "preferences.off"),
        "value": f"{channel}.{category}.{'off' if on else 'on'}",
        "button": at.say("preferences.turn_off" if on else "preferences.turn_on", what=what),
    }
