"""The table of identifiers: every one is found, and found near where it is looked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.dbc import lookup
from tianyuan.dbc.frame import EXTENDED
from tianyuan.dbc.records import MESSAGE

STANDARD = st.integers(0, 0x7FF)
EXTENDED_ID = st.integers(0, 0x1FFF_FFFF).map(lambda can_id: can_id | EXTENDED)
KEYS = st.tuples(STANDARD | EXTENDED_ID, st.integers(0, 255)).map(lambda k: k[0] | k[1] << 32)


def table_of(keys):
    return lookup.build(keys, np.zeros(len(keys), MESSAGE))


def probes(keys):
    """How many places are looked at for each key."""
    table = table_of(keys)
    places = np.flatnonzero(table.key >= 0)
    mask = np.uint64(table.size - 1)
    starts = np.array([lookup._hash(int(table.key[at]), mask) for at in places], np.int64)
    return (places - starts) % table.size + 1


@given(st.lists(KEYS, max_size=60, unique=True), KEYS)
def test_every_key_is_found_and_no_other(keys, other):
    table = table_of(keys)
    for index, key in enumerate(keys):
        assert table[lookup.find(table, key)].index == index
    if other not in keys:
        assert table[lookup.find(table, other)].key == -1


@pytest.mark.parametrize("channel", [0, 1, 6])
@pytest.mark.parametrize("step", [1, 2, 8, 16])
@pytest.mark.parametrize("first", [0x0, 0x100, 0x510, 0x18FE_0000 | EXTENDED])
def test_identifiers_in_a_row_do_not_crowd(first, step, channel):
    keys = [(first + step * k) | channel << 32 for k in range(40)]
    assert probes(keys).mean() < 1.6
    assert probes(keys).max() <= 6


def test_the_same_identifiers_on_several_buses_do_not_crowd():
    keys = [(0x500 + k) | channel << 32 for k in range(10) for channel in range(7)]
    assert probes(keys).mean() < 1.6
