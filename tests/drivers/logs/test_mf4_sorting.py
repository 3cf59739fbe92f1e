"""Records of all groups in one stream are parted as asammdf parts them."""

from __future__ import annotations

import struct
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from asammdf import MDF
from hypothesis import given
from hypothesis import strategies as st

from tests.drivers.logs.reading import all_frames
from tianyuan.drivers.logs import mf4_sorting
from tianyuan.drivers.logs.log import Log
from tianyuan.drivers.logs.mf4_records import LENGTH_BYTES, NO_GROUP, OF_ANY_LENGTH, part, walk
from tianyuan.drivers.logs.mf4_sorting import SortedMdf

pytestmark = pytest.mark.kernel
SIZES = {0: 3, 2: OF_ANY_LENGTH, 3: 1, 200: 8}
records = st.sampled_from(sorted(SIZES)).flatmap(
    lambda group: st.tuples(
        st.just(group),
        st.binary(max_size=20)
        if SIZES[group] == OF_ANY_LENGTH
        else st.binary(min_size=SIZES[group], max_size=SIZES[group]),
    )
)


def stored(group: int, payload: bytes) -> bytes:
    """A record as its group's own data have it: of any length, behind that."""
    if SIZES[group] != OF_ANY_LENGTH:
        return payload
    return len(payload).to_bytes(LENGTH_BYTES, "little") + payload


def sizes() -> np.ndarray:
    return np.array([SIZES.get(group, NO_GROUP) for group in range(max(SIZES) + 1)], np.int64)


def as_array(stream: bytes) -> np.ndarray:
    return np.frombuffer(bytearray(stream), np.uint8)


@given(st.lists(records, max_size=20), st.sampled_from((1, 2, 4, 8)), st.integers(0, 30))
def test_whole_records_are_parted_in_their_order_and_the_rest_is_left(written, id_bytes, missing):
    pieces = [n.to_bytes(id_bytes, "little") + stored(n, payload) for n, payload in written]
    ends = np.cumsum([0, *map(len, pieces)])
    stream = b"".join(pieces)[: max(int(ends[-1]) - missing, 0)]
    whole = int(np.searchsorted(ends, len(stream), side="right")) - 1
    counts = np.zeros(sizes().size, np.int64)

    end = walk(as_array(stream), id_bytes, sizes(), counts)

    parted = np.zeros(int(counts.sum()), np.uint8)
    part(as_array(stream[:end]), id_bytes, sizes(), np.cumsum(counts) - counts, parted)
    of_group = sorted(written[:whole], key=lambda each: each[0])
    assert end == ends[whole]
    assert parted.tobytes() == b"".join(stored(*each) for each in of_group)


def test_a_record_of_no_group_is_told():
    counts = np.zeros(sizes().size, np.int64)

    assert walk(as_array(b"\x03x\x01x"), 1, sizes(), counts) == -1
    assert walk(as_array(b"\x03x\xff" + b"\xff" * 7), 8, sizes(), counts) == -1


@pytest.mark.parametrize("piece", [1 << 22, 1000])
def test_a_published_log_is_sorted_as_asammdf_sorts_it(shared_data, monkeypatch, piece):
    monkeypatch.setattr(mf4_sorting, "PIECE", piece)

    assert_same_groups(shared_data / "logs" / "css" / "7512BE4D.MF4")


@pytest.mark.parametrize("id_bytes", [1, 2, 8])
def test_payloads_of_their_own_group_are_found_again(tmp_path, shared_data, id_bytes):
    plain = shared_data / "logs" / "css" / "00000164_00000005-60FEB5A8.MF4"
    file = tmp_path / "one_stream.mf4"
    file.write_bytes(as_one_stream(plain, id_bytes))

    assert_same_groups(file)
    assert all_frames(Log(file)).tobytes() == all_frames(Log(plain)).tobytes()


def assert_same_groups(file: Path) -> None:
    with closing(SortedMdf(file)) as ours, MDF(file, process_bus_logging=False) as mdf:
        assert any(group.data_group.record_id_len for group in ours.groups)
        for one, other in zip(ours.groups, mdf.groups, strict=True):
            assert one.channel_group.cycles_nr == other.channel_group.cycles_nr
            assert content(ours, one) == content(mdf._mdf, other)


def content(mdf, group) -> list[bytes]:
    """A group's records, and the payloads outside of them."""
    outside = [
        mdf._load_signal_data(group, index)
        for index, blocks in enumerate(group.signal_data or [])
        if blocks
    ]
    return [b"".join(bytes(each.data) for each in mdf._load_data(group)), *map(bytes, outside)]


def as_one_stream(file: Path, id_bytes: int) -> bytes:
    """A log whose payloads are outside of their records, with both in one stream.

    Source of the blocks' layout: ASAM MDF 4.1, as asammdf's v4_constants has it.
    """
    with MDF(file, process_bus_logging=False) as mdf:
        group = mdf.groups[0]
        index = next(n for n, blocks in enumerate(group.signal_data) if blocks)
        records, payloads = content(mdf._mdf, group)
        head, channel, data = group.channel_group, group.channels[index], group.data_group
    made = bytearray(file.read_bytes())
    size, at, stream = head.samples_byte_nr, 0, b""
    for n in range(head.cycles_nr):
        end = at + LENGTH_BYTES + int.from_bytes(payloads[at : at + LENGTH_BYTES], "little")
        stream += (2).to_bytes(id_bytes, "little") + payloads[at:end]
        stream += (1).to_bytes(id_bytes, "little") + records[n * size : (n + 1) * size]
        at = end
    made += bytes(-len(made) % 8)
    apart = len(made)  # the payloads' group, then the stream
    links, vlsd, count = [0] * 6, 1, head.cycles_nr
    made += struct.pack("<4s4xQQ6QQQH6xQ", b"##CG", 104, 6, *links, 2, count, vlsd, len(payloads))
    struct.pack_into("<Q", made, data.address + 40, len(made))
    made += struct.pack("<4s4xQQ", b"##DT", 24 + len(stream), 0) + stream
    struct.pack_into("<B", made, data.address + 56, id_bytes)
    struct.pack_into("<Q", made, head.address + 24, apart)
    struct.pack_into("<Q", made, head.address + 72, 1)
    struct.pack_into("<Q", made, channel.address + 64, apart)
    return bytes(made)
