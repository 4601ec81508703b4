"""A planted name, number, address and text are nowhere but where they belong: in the table, and in what was sent.

They are looked for in every log line of every logger, in every queue body, in what travels with a message (context and
tags), and in every traceback that an ill-behaved provider or request brings about.
"""

import logging
from collections.abc import Iterator

import pytest

from chalicelib.web.examples import EXAMPLES
from local.world import World
from tests.web.conftest import START, make_clinic

NAME, SURNAME, NUMBER, MAIL = "Zyxwanda", "Qwertopoulos", "+12025550177", "zyxwanda@canary.example"
SAID, NOTE, MRN = "the blue heron limps at noon", "mauve umbrellas for the caretaker", "MRN-CANARY"
CANARIES = (NAME, SURNAME, NUMBER, NUMBER.removeprefix("+1"), MAIL, SAID, NOTE, MRN)


class Heard(logging.Handler):
    """Every record of every logger, as it would be printed, traceback and all."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        # The embedded AWS answers in this process: what its client library says of requests is not ours to log.
        if not record.name.startswith(("botocore", "urllib3", "asyncio")):
            self.lines.append(self.format(record))


@pytest.fixture
def heard() -> Iterator[Heard]:
    root, made = logging.getLogger(), Heard()
    before = root.level
    # Chalice keeps the service's own logger from the root's handlers.
    ours = logging.getLogger("ranvier")
    for logger in (root, ours):
        logger.addHandler(made)
    root.setLevel(logging.INFO)
    yield made
    for logger in (root, ours):
        logger.removeHandler(made)
    root.setLevel(before)


def test_planted_personal_data_are_nowhere_but_where_they_belong(
    heard: Heard, capfd: pytest.CaptureFixture[str]
) -> None:
    with World(START) as world:
        # Chalice holds it to errors as soon as the app is imported.
        logging.getLogger("ranvier").setLevel(logging.INFO)
        clinic = make_clinic(world)
        body = {
            **EXAMPLES["NewPatient"],
            "external_id": MRN,
            "given_name": NAME,
            "family_name": SURNAME,
            "phone": NUMBER,
            "email": MAIL,
        }
        patient = clinic.ask("POST", "/patients", body, headers={"Idempotency-Key": "k"}).json()["id"]
        row = f"external_id,given_name,family_name,phone\n{MRN}2,{NAME},{SURNAME},{NUMBER}\n"
        clinic.ask("POST", "/imports", raw=row.encode(), headers={"Content-Type": "text/csv"})
        visit = {"kind": "physician", "starts_at": "2026-03-06T10:30"}
        clinic.ask("POST", f"/patients/{patient}/appointments", visit)
        for wrong in ({**body, "phone": f"{NUMBER}{NUMBER}", "email": f"{MAIL} "}, {**body, "given_name": f"{NAME}\n"}):
            assert clinic.ask("POST", "/patients", wrong).status == 422
        for mode in ("ok", "reject", "timeout_after", "throttle", "error", "crash_after_accept"):
            world.faults("sms", mode)
            if mode != "crash_after_accept":  # which would kill what stands in for API Gateway, too
                clinic.ask("POST", f"/patients/{patient}/messages", {"channel": "sms", "text": f"{NOTE} {mode}"})
            world.inbound(NUMBER, "+12025550199", f"{SAID} {mode}")
            world.advance("PT1H")
        world.faults("email", "error")
        world.advance("P1D")
        clinic.ask("GET", f"/patients?q={NAME}")
        clinic.ask("GET", f"/patients/{patient}/export")
        clinic.ask("DELETE", f"/patients/{patient}")
        world.advance("PT1H")

        assert any(NOTE in message.get("text", "") for message in world.outbox()), "what follows would find it"
        travelled = [str(message.get("context")) for message in world.outbox()]
        # What a provider publishes holds the number and the text by its nature; it comes through its own queues.
        queued = [d.body for d in world.runner.deliveries if d.function not in ("hear", "note")]
    printed = capfd.readouterr()
    places = {
        "log": heard.lines,
        "queue": queued,
        "context": travelled,
        "output": [printed.out, printed.err],
    }
    assert len(heard.lines) > 20
    assert len(queued) > 5
    found = {(place, each) for place, texts in places.items() for each in CANARIES if any(each in t for t in texts)}
    assert found == set()
