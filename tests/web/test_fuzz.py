"""A short, seeded pass of schemathesis over the served app; `make fuzz` is the long one."""

from tests.web.fuzz import run


def test_what_the_document_says_is_what_the_service_does() -> None:
    assert run(examples=2, seed=1, phases="examples,fuzzing") == 0
