"""Frames are sorted by stream: each once, and in their order within it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.dbc.frame import EXTENDED, frames
from tianyuan.dbc.header import can_id
from tianyuan.dbc.read import read
from tianyuan.hil.decoding import kernels
from tianyuan.hil.decoding.catalogue import Catalogue, table
from tianyuan.hil.decoding.databases import Database
from tianyuan.rooms import room

MESSAGES = read(room("dbc") / "host.dbc").messages
KNOWN = [can_id(message) for message in MESSAGES]


OTHERS = [1, 2, KNOWN[0] | EXTENDED]


@given(st.lists(st.sampled_from(KNOWN + OTHERS)), st.integers(0, 3))
def test_every_known_frame_is_in_its_stream_once_and_in_order(ids, most):
    made = frames(len(ids))
    made.can_id = ids
    catalogue = Catalogue([Database(MESSAGES)])
    catalogue.meet(["can0"], made)
    stream_of, sizes = np.empty(len(ids), np.int32), np.zeros(len(KNOWN), np.int64)

    unknown = table(16)
    uncounted = kernels.tally(catalogue.table, made.view(np.int64), stream_of, sizes, unknown, most)
    ends = np.cumsum(sizes)
    order = np.empty(int(ends[-1]), np.int32)
    kernels.sort(stream_of, ends - sizes, order)

    expected = [at for known in KNOWN for at in range(len(ids)) if ids[at] == known]
    assert order.tolist() == expected
    apart = list(dict.fromkeys(each for each in ids if each not in KNOWN))[:most]
    assert dict(unknown[unknown.key >= 0].tolist()) == {each: ids.count(each) for each in apart}
    assert uncounted == len(ids) - len(expected) - sum(map(ids.count, apart))
