"""Ids that are shown to people and put into their spreadsheets."""

import re

from chalicelib.adapters.secrets import Hasher, fresh_id

ID = re.compile(r"[A-Za-z][A-Za-z0-9_-]{15}")


def test_an_id_begins_with_a_letter_so_that_no_spreadsheet_takes_it_for_a_formula() -> None:
    hasher = Hasher(b"secret")
    patients = {hasher.patient("clinic", f"MRN-{n}") for n in range(1000)}
    fresh = {fresh_id() for _ in range(1000)}
    assert len(patients) == len(fresh) == 1000
    assert all(ID.fullmatch(each) for each in patients | fresh)


def test_a_patients_id_is_the_clinics_and_the_secrets_own() -> None:
    made = {Hasher(s).patient(c, "MRN-1") for s in (b"one", b"two") for c in ("a", "b")}
    assert len(made) == 4
    assert Hasher(b"one").patient("a", "MRN-1") in made
