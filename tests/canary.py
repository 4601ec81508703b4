"""Nobody's name, number, address or words are where they do not belong, in any test that lives in a World.

As each world ends, whoever was enrolled in it, and what they wrote, is looked for in every line logged meanwhile
(tracebacks included), in every queue body, in what travelled with a message, and in what its functions failed with.
What was printed as a metric is looked through test by test. A find fails the test that ended the world.
"""

import json
import logging
import re
from collections.abc import Iterable, Iterator

from chalicelib.adapters.dynamo_wire import item_from_wire
from local.world import World

PLANTED = ("Zyxwanda", "Qwertopoulos", "zyxwanda@canary.example", "the blue heron limps at noon")
"""Looked for everywhere and at all times: also where whoever bore the name has been erased by then."""

OURS = ("", "ranvier", "ranvier-events")
"""Loggers: the root, and those that Chalice keeps from the root's handlers."""

LIBRARIES = ("botocore", "urllib3", "asyncio", "hypothesis")
"""The embedded AWS answers in this process; what its client library says of requests is not ours to log."""

PROVIDERS_OWN = ("hear", "note")
"""Queues whose messages hold numbers and texts by their nature: providers write them."""

_WORD = r"A-Za-z0-9_-"


class Heard(logging.Handler):
    """Every line of every logger since the last world ended, as it would be printed."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(LIBRARIES):
            self.lines.append(self.format(record))


class Canary:
    def __init__(self) -> None:
        self.heard = Heard()

    def sing(self) -> None:
        """From now on every world is looked at."""
        for name in OURS:
            logging.getLogger(name).addHandler(self.heard)
        World.at_the_end.append(self.look)

    def look(self, world: World) -> None:
        """Raises AssertionError for anything personal of this world that is where it should not be."""
        lines, self.heard.lines = self.heard.lines, []
        words = set(PLANTED) | set(personal(world))
        places = {
            "log": lines,
            "queue": [d.body for d in world.runner.deliveries if d.function not in PROVIDERS_OWN],
            "exception": [d.error or "" for d in world.runner.deliveries],
            "tags": [json.dumps(sent.get("context")) for sent in (*world.carrier.outbox, *world.carrier.attempts)],
        }
        assert_nowhere(words, places)


def assert_nowhere(words: Iterable[str], places: dict[str, list[str]]) -> None:
    """The message names the place and not the words, which belong into no log of a test run either."""
    sought = re.compile("|".join(rf"(?<![{_WORD}]){re.escape(word)}(?![{_WORD}])" for word in sorted(words)))
    found = {place: sum(bool(sought.search(text)) for text in texts) for place, texts in places.items()}
    assert not any(found.values()), f"somebody's name, number, address or words are in: {found}"


def personal(world: World) -> Iterator[str]:
    """What is known of people in the world's table: names, numbers, addresses, external ids, what they wrote."""
    with world.aws.lock:
        items = [item_from_wire(item.to_json()["Attributes"]) for item in world.aws.table.all_items()]
    for item in items:
        sk = str(item.get("sk", ""))
        if "doc" not in item or not sk.startswith(("F#patient", "F#contact", "M#")):
            continue
        said = json.loads(str(item["doc"]))
        if sk.startswith("F#patient"):
            yield from (said["given_name"], said["family_name"])
        elif sk.startswith("F#contact"):
            yield said["address"]
            yield said["address"].removeprefix("+1")
        elif said.get("inbound") and " " in said["text"].strip():
            yield said["text"]
