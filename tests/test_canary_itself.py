"""The canary over the whole run sings: each place it watches is tried with something that should not be there."""

import json
import logging

import pytest

from chalicelib import wiring
from chalicelib.service.ports import QueueMessage
from local.world import World
from tests.canary import PLANTED, assert_nowhere
from tests.web.conftest import START, make_clinic

NUMBER = "+12025550143"


def a_log_line(world: World, words: str) -> None:
    logging.getLogger("ranvier-events").warning("sent to %s", words)


def a_traceback(world: World, words: str) -> None:
    try:
        raise ValueError(words)
    except ValueError:
        logging.getLogger("ranvier").exception("a function failed")


def a_queue_body(world: World, words: str) -> None:
    wiring.queue("import").send([QueueMessage(body=json.dumps({"job": "none", "who": words}))])
    world.settle()


def a_tag(world: World, words: str) -> None:
    world.carrier.outbox[-1]["context"]["n"] = words


@pytest.mark.parametrize("leak", [a_log_line, a_traceback, a_queue_body, a_tag])
@pytest.mark.parametrize("words", ["Aurelio", NUMBER, NUMBER.removeprefix("+1"), "my left hand tingles", PLANTED[0]])
def test_what_leaks_anywhere_fails_the_test_that_ends_the_world(leak, words: str) -> None:
    world = World(START).start()
    try:
        clinic = make_clinic(world)
        clinic.enrol(given_name="Aurelio", phone=NUMBER)
        world.inbound(NUMBER, "+12025550199", "my left hand tingles")
        leak(world, words)
    finally:
        with pytest.raises(AssertionError, match="words are in"):
            world.stop()


def test_a_world_in_which_nothing_leaks_ends_quietly() -> None:
    with World(START) as world:
        make_clinic(world).enrol(given_name="Aurelio", phone=NUMBER)
        world.inbound(NUMBER, "+12025550199", "my left hand tingles")


def test_part_of_an_id_is_nobodys_name() -> None:
    assert_nowhere({"Ana"}, {"log": ["patient xAna-Zt6 and Ana_1", "Anaemia"]})
    with pytest.raises(AssertionError):
        assert_nowhere({"Ana"}, {"log": ["patient Ana"]})
