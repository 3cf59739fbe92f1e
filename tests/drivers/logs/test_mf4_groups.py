"""Fields of any place and width come out of an MF4's records."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from tianyuan.drivers.logs import mf4_groups

UNSIGNED, VALUE = 0, 0


@given(
    rows=st.integers(1, 20).flatmap(
        lambda size: st.lists(st.binary(min_size=size, max_size=size), min_size=1, max_size=4)
    ),
    at=st.integers(0, 19),
    begin=st.integers(0, 7),
    width=st.integers(1, 63),
)
def test_a_field_is_the_bits_from_its_first_on(rows, at, begin, width):
    field = SimpleNamespace(
        byte_offset=at, bit_offset=begin, bit_count=width, data_type=UNSIGNED, channel_type=VALUE
    )
    records = np.frombuffer(bytearray(b"".join(rows)), np.uint8).reshape(len(rows), -1)
    assume(mf4_groups._is_plain(field, records.shape[1]))

    found = mf4_groups._bits(records, field)

    whole = [int.from_bytes(row, "little") >> (8 * at + begin) for row in rows]
    assert found.tolist() == [each & ((1 << width) - 1) for each in whole]


@given(at=st.integers(0, 20), begin=st.integers(0, 7), width=st.integers(1, 70))
def test_a_field_beyond_its_record_or_a_word_is_left_to_asammdf(at, begin, width):
    field = SimpleNamespace(
        byte_offset=at, bit_offset=begin, bit_count=width, data_type=UNSIGNED, channel_type=VALUE
    )

    is_within = 8 * at + begin + width <= 80 and begin + width <= 64
    assert mf4_groups._is_plain(field, 10) == is_within
