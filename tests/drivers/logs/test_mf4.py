"""MF4 logs: as python-can reads them, group by group, and where they are cut off."""

from __future__ import annotations

import gzip
import heapq
import struct

import can
import numpy as np
import pytest
from can.io.mf4 import STD_DTYPE
from hypothesis import given
from hypothesis import strategies as st

from tests.drivers.logs.reading import (
    all_frames,
    assert_cuts_harmless,
    assert_same,
    frames_of,
    kinds,
)
from tianyuan.control.errors import InputError
from tianyuan.dbc.frame import frames
from tianyuan.drivers.logs import mf4, mf4_groups
from tianyuan.drivers.logs.log import Log

PUBLISHED = [
    "00000164_00000001-60FE3F04.MF4",
    "00000164_00000005-60FEB5A8.MF4",
    "00000165_00000006-60FFE42F.MF4",
    "7512BE4D.MF4",
]
START_S = 1_700_000_000.0


def by_message(read: np.recarray) -> np.recarray:
    """Frames in an order of their own, where python-can's float times leave it open."""
    return read[np.lexsort((read.t_ns, read.can_id))].view(np.recarray)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_log_is_read_as_python_can_reads_it(shared_data, name):
    file = shared_data / "logs" / "css" / name
    with can.LogReader(str(file)) as reader:
        messages = list(reader)

    log = Log(file)
    read = all_frames(log)

    assert_same(by_message(read), by_message(frames_of(messages)), within_ns=500)
    assert (np.diff(read.t_ns) >= 0).all()
    assert not log.notes.all()
    counted = {f"can{m.channel}": 0 for m in messages}
    for message in messages:
        counted[f"can{message.channel}"] += 1
    numbers = np.bincount(read.channel, minlength=len(log.channels))
    assert {name: numbers[n] for n, name in enumerate(log.channels) if name} == counted


def written(file, count=300) -> list[can.Message]:
    """Messages of all kinds on two buses, and their log as python-can writes it."""
    sent = []
    for n in range(count):
        kind = ["data", "fd", "remote", "error"][n % 4]
        sent.append(
            can.Message(
                timestamp=START_S + n * 0.25,
                arbitration_id=0x1ABCDE00 + n if n % 3 else n,
                is_extended_id=n % 3 != 0,
                is_fd=kind == "fd",
                bitrate_switch=kind == "fd",
                error_state_indicator=kind == "fd" and n % 8 == 1,
                is_remote_frame=kind == "remote",
                is_error_frame=kind == "error",
                is_rx=n % 5 != 0,
                channel=n % 2,
                dlc=48 if kind == "fd" else 6,
                data=None if kind == "remote" else bytes([n % 256]) * (48 if kind == "fd" else 6),
            )
        )
    with can.MF4Writer(str(file)) as writer:
        for message in sent:
            writer.on_message_received(message)
    return sent


def test_frames_of_all_kinds_come_back_in_the_order_of_their_times(tmp_path):
    file = tmp_path / "kinds.mf4"
    expected = frames_of(written(file))

    read = all_frames(Log(file))

    assert_same(read, expected, within_ns=1000)  # its writer's float seconds since now
    assert read.channel.tolist() == [n % 2 for n in range(read.size)]


def test_blocks_of_several_groups_are_merged_by_their_times(tmp_path, monkeypatch):
    file = tmp_path / "kinds.mf4"
    expected = frames_of(written(file))
    monkeypatch.setattr(mf4_groups, "BLOCK", 16)
    log = Log(file)

    blocks, shares = [], []
    for block in log.blocks():
        blocks.append(block)
        shares.append(log.read_bytes / log.size_bytes)

    assert_same(np.concatenate(blocks).view(np.recarray), expected, within_ns=1000)
    assert shares == sorted(shares)
    assert 0 < shares[0] < 0.5 < shares[-1] <= 1


@given(st.lists(st.lists(st.lists(st.integers(0, 9), min_size=1), max_size=4), max_size=4))
def test_streams_merge_as_python_merges_them_by_the_latest_time_so_far(streams):
    made, keyed, number = [], [], 0
    for times in streams:
        blocks, latest_ns, keys = [], 0, []
        for block_ns in times:
            block = frames(len(block_ns))
            block.t_ns = block_ns
            block.can_id = np.arange(number, number + block.size)
            blocks.append(block)
            for t_ns in block_ns:
                latest_ns = max(latest_ns, t_ns)
                keys.append((latest_ns, number))
                number += 1
        made.append(iter(blocks))
        keyed.append(keys)

    merged = [int(n) for block in mf4.in_order(made) for n in block.can_id]

    assert merged == [n for _, n in heapq.merge(*keyed, key=lambda pair: pair[0])]


def test_bytes_beyond_a_payload_are_not_given(tmp_path):
    file = tmp_path / "stale.mf4"
    with can.MF4Writer(str(file)) as writer:
        row = np.zeros(1, STD_DTYPE)
        row["CAN_DataFrame.DataBytes"], row["CAN_DataFrame.DataLength"] = 0xEE, 3
        writer._mdf.extend(0, [(np.array([1.0]), None), (row, None)])

    (frame,) = all_frames(Log(file))

    assert frame["payload"].tolist() == [0xEE] * 3 + [0] * 61


def test_a_finished_log_whose_records_come_last_is_read_up_to_the_cut(tmp_path):
    file = tmp_path / "last.mf4"
    with can.MF4Writer(str(file), compression_level=0) as writer:
        for n in range(100):
            writer(can.Message(timestamp=START_S + n, arbitration_id=n, data=[n] * 8))
    content = bytearray(file.read_bytes())
    link = content.index(b"##DG") + 40  # of the first group, to its data
    (at,) = struct.unpack_from("<Q", content, link)
    (length,) = struct.unpack_from("<Q", content, at + 8)
    struct.pack_into("<Q", content, link, len(content))
    file.write_bytes(content + content[at : at + length])
    expected = all_frames(Log(file))
    cut = tmp_path / "cut.mf4"
    cut.write_bytes(file.read_bytes()[: -length // 2])

    log = Log(cut)
    read = all_frames(log)

    assert 45 <= read.size <= 50
    assert read.tobytes() == expected[: read.size].tobytes()
    assert kinds(log) == {"cut off": 1}


def test_a_log_that_is_not_finished_is_read_up_to_its_end(tmp_path, shared_data):
    whole = shared_data / "logs" / "css" / "7512BE4D.MF4"

    assert_cuts_harmless(whole, tmp_path / "cut.mf4", step=2999, one_stream=False)


def test_a_finished_log_that_is_cut_off_is_read_up_to_the_cut(tmp_path, shared_data):
    whole = shared_data / "logs" / "css" / "00000164_00000005-60FEB5A8.MF4"
    cut = tmp_path / "cut.mf4"
    cut.write_bytes(whole.read_bytes()[:-1000])

    log = Log(cut)

    assert all_frames(log).size > 5477 - 1000 // 12 - 2  # a payload takes 12 bytes at most
    assert "cut off" in kinds(log)
    assert_cuts_harmless(whole, cut, step=1499)


def test_a_cut_log_whose_index_is_gone_is_refused_in_one_line(tmp_path, capfd):
    whole = tmp_path / "whole.mf4"
    written(whole, 40)

    assert_cuts_harmless(whole, tmp_path / "cut.mf4", step=1499)

    assert capfd.readouterr() == ("", "")


def test_a_gzipped_log_is_read_like_the_log(tmp_path, shared_data):
    file = shared_data / "logs" / "css" / "00000164_00000005-60FEB5A8.MF4"
    packed = tmp_path / "packed.mf4.gz"
    packed.write_bytes(gzip.compress(file.read_bytes(), 1))

    assert all_frames(Log(packed)).tobytes() == all_frames(Log(file)).tobytes()


def test_damaged_data_are_said_without_a_traceback(tmp_path, capfd):
    file = tmp_path / "damaged.mf4"
    written(file, 200)
    content = bytearray(file.read_bytes())
    at = content.index(b"##DZ") + 60
    content[at : at + 40] = bytes(range(40))
    file.write_bytes(content)

    with pytest.raises(InputError, match=r"damaged\.mf4: no frame in it: damaged, [^\n]+$"):
        all_frames(Log(file))

    assert capfd.readouterr() == ("", "")


def test_noise_is_refused_in_one_line(tmp_path, capfd):
    file = tmp_path / "noise.mf4"
    file.write_bytes(b"MDF     4.10    " + bytes(range(256)) * 100)

    with pytest.raises(InputError, match=r"noise\.mf4: cannot be read: [^\n]+$"):
        all_frames(Log(file))

    assert capfd.readouterr() == ("", "")
