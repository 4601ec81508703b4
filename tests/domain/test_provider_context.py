"""What travels with a message comes back as it was, through either provider's narrow alphabet."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.provider_context import ForMessage, ForReminder, email_tags, read_context, sms_context

ids = st.text("ABCabc019_-", min_size=1, max_size=20).filter(lambda text: "-_-" not in text)
reminders = st.builds(
    ForReminder,
    clinic_id=ids,
    patient_id=ids,
    seq=st.integers(1, 10**6),
    attempt=st.integers(1, 9),
    kind=st.sampled_from(["checkin", "therapy"]),
)
messages = st.builds(
    ForMessage,
    clinic_id=ids,
    patient_id=ids,
    message_id=ids,
    attempt=st.integers(1, 9),
    kind=st.sampled_from(["page", "ack_urgent"]),
    audience=st.sampled_from(["patient", "staff"]),
)


@given(st.one_of(reminders, messages))
def test_it_comes_back_as_it_was(about):
    assert read_context(sms_context(about)) == about
    assert read_context(email_tags(about)) == about


@given(st.one_of(reminders, messages))
def test_it_fits_what_the_providers_take(about):
    assert len(sms_context(about)) <= 5
    for name, value in email_tags(about).items():
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,256}", name + value)


@pytest.mark.parametrize("pairs", [{}, {"r": "one"}, {"account": "bar"}, {"m": "a.b"}])
def test_what_is_none_of_ours_is_nothing(pairs):
    assert read_context(pairs) is None
