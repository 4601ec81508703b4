"""Links permit one thing to one person until they expire."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.domain.links import Link, Purpose, read, sign

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
SECRET = b"a stage's own secret"


def link(**changed):
    return Link(
        **{
            "purpose": Purpose.VISIT,
            "clinic_id": "c1",
            "patient_id": "p1",
            "subject": "visit-1",
            "expires": NOW + timedelta(days=1),
            **changed,
        }
    )


def test_a_link_says_what_it_was_made_for():
    assert read(sign(link(), SECRET), SECRET, NOW) == link()


def test_a_link_expires():
    assert read(sign(link(), SECRET), SECRET, NOW + timedelta(days=1)) is None


def test_another_stages_secret_does_not_open_it():
    assert read(sign(link(), SECRET), b"another secret", NOW) is None


@pytest.mark.parametrize("part", range(10))
def test_one_changed_character_anywhere_is_noticed(part):
    token = sign(link(), SECRET)
    place = part * len(token) // 10
    other = "A" if token[place] != "A" else "B"
    assert read(token[:place] + other + token[place + 1 :], SECRET, NOW) is None


@given(st.text(max_size=200))
@example("")
@example(".é")
@example("腿.麻")
@example("AA.\ud800")
def test_whatever_is_offered_is_answered_without_an_error(token):
    assert read(token, SECRET, NOW) is None
