"""Payloads outside of their records are found, and nothing beyond the data is touched."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.dbc.frame import frames
from tianyuan.drivers.logs.mf4_records import take

pytestmark = pytest.mark.kernel


def taken(data: bytes, offsets: list[int], lengths: list[int]) -> tuple[int, list[bytes]]:
    made = frames(len(offsets))
    there = take(
        np.frombuffer(bytearray(data), np.uint8),
        len(data),
        np.array(offsets, np.int64),
        np.array(lengths, np.int64),
        made.view(np.uint8).reshape(len(offsets), -1),
    )
    return there, [made.payload[n].tobytes() for n in range(there)]


@given(payloads=st.lists(st.binary(max_size=70), min_size=1, max_size=5), data=st.data())
def test_each_payload_is_found_at_its_place_and_cut_to_its_length(payloads, data):
    lengths = [data.draw(st.integers(0, 64)) for _ in payloads]
    content, offsets = b"", []
    for payload in payloads:
        offsets.append(len(content))
        content += struct.pack("<L", len(payload)) + payload

    there, found = taken(content, offsets, lengths)

    expected = [p[: min(n, 64)].ljust(64, b"\0") for p, n in zip(payloads, lengths, strict=True)]
    assert (there, found) == (len(payloads), expected)


@given(content=st.binary(max_size=30), offset=st.integers(-(2**63), 2**63 - 1) | st.integers(0, 30))
def test_a_place_that_is_not_within_the_data_is_told(content, offset):
    there, _ = taken(content, [offset], [8])

    head = content[offset : offset + 4] if 0 <= offset <= len(content) - 4 else b""
    whole = bool(head) and offset + 4 + struct.unpack("<L", head)[0] <= len(content)
    assert there == int(whole)
