"""Safety information for anybody: what to watch for, when to call. It knows no clinic and no patient."""

from typing import Any

from chalice.app import Response

from chalicelib.domain.clinic import EMERGENCY_NUMBERS
from chalicelib.domain.wording import PageCopy
from chalicelib.web.pages.paper import plain_page

GROUPS = (("emergency", "crisis"), ("clinic", "clinic_out"), ("soon", ""), ("every", ""))
"""Each group of advice, the gravest first, and the line that stands below it."""


def show(copy: PageCopy) -> Response:
    return plain_page(
        "tips.html",
        copy,
        title=copy.say("tips.title"),
        groups=[_group(copy, name, after) for name, after in GROUPS],
        numbers=[
            (copy.say(f"country.{country}"), copy.say("tips.numbers_line", {"emerg": emergency, "crisis": crisis}))
            for country, (emergency, crisis) in EMERGENCY_NUMBERS.items()
        ],
    )


def _group(copy: PageCopy, name: str, after: str) -> dict[str, Any]:
    keys = [f"tips.{name}_{n}" for n in range(1, 10) if f"tips.{name}_{n}" in copy.texts]
    return {
        "title": copy.say(f"tips.{name}_title"),
        "lines": [copy.say(key) for key in keys],
        "after": copy.say(f"tips.{after}") if after else "",
    }
