"""What a text costs, against the GSM 03.38 table and its packing rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.wording import Encoding, measure
from chalicelib.domain.wording.measure import GSM_BASIC, GSM_EXTENDED

GSM, UCS = Encoding.GSM_7, Encoding.UCS_2


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", GSM, 0, 0),
        ("hello", GSM, 5, 1),
        ("a" * 160, GSM, 160, 1),
        ("a" * 161, GSM, 161, 2),
        ("a" * 306, GSM, 306, 2),
        ("a" * 307, GSM, 307, 3),
        ("€", GSM, 2, 1),
        ("€" * 80, GSM, 160, 1),
        ("\f^{}\\[~]|€", GSM, 20, 1),
        # 153 is odd: 76 pairs fill 152, the next pair moves whole. 152 pairs would fit by counting alone.
        ("€" * 81, GSM, 162, 2),
        ("€" * 152, GSM, 304, 2),
        ("€" * 153, GSM, 306, 3),
        ("a" * 152 + "€" + "a" * 152, GSM, 306, 3),
        ("ñéèùìòàÇ¿¡", GSM, 10, 1),
        ("á", UCS, 1, 1),
        ("ç", UCS, 1, 1),
        ("ê", UCS, 1, 1),
        ("’", UCS, 1, 1),
        ("10:30\u202fAM", UCS, 8, 1),
        ("医" * 70, UCS, 70, 1),
        ("医" * 71, UCS, 71, 2),
        ("医" * 134, UCS, 134, 2),
        ("医" * 135, UCS, 135, 3),
        ("👍", UCS, 2, 1),
        ("👍" * 35, UCS, 70, 1),
        ("👍" * 36, UCS, 72, 2),
        ("👍" * 67, UCS, 134, 3),
    ],
)
def test_a_text_is_billed_by_its_encoding_and_length(text, encoding, units, segments):
    cost = measure(text)
    assert (cost.encoding, cost.units, cost.segments) == (encoding, units, segments)


def test_the_alphabet_is_complete():
    assert len(GSM_BASIC) == 127  # 128 places, one of which is the escape itself
    assert len(GSM_EXTENDED) == 10
    assert not GSM_BASIC & GSM_EXTENDED


@given(st.text(alphabet=sorted(GSM_BASIC | GSM_EXTENDED), max_size=700))
def test_segments_never_hold_more_than_they_can_and_waste_at_most_one_unit_each(text):
    cost = measure(text)
    assert cost.encoding is GSM
    if cost.segments > 1:
        assert (cost.segments - 1) * 152 < cost.units <= cost.segments * 153
    else:
        assert cost.units <= 160


@given(st.text(max_size=300))
def test_units_are_utf_16_units_whenever_one_character_is_outside_the_alphabet(text):
    cost = measure(text + "医")
    assert cost.encoding is UCS
    assert cost.units == len((text + "医").encode("utf-16-le", "surrogatepass")) // 2
