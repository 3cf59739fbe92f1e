"""BLF logs: as python-can reads them, and further where they are damaged."""

from __future__ import annotations

import gzip
import struct
import zlib

import can
import numpy as np
import pytest
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
from tianyuan.drivers.logs.log import Log

pytestmark = pytest.mark.kernel
PUBLISHED = [
    "issue_1905.blf",
    "test_CanErrorFrameExt.blf",
    "test_CanFdMessage.blf",
    "test_CanFdMessage64.blf",
    "test_CanMessage.blf",
    "test_CanMessage2.blf",
]
HEAD = 144  # bytes of a file's header


@st.composite
def messages(draw) -> can.Message:
    extended, fd = draw(st.booleans()), draw(st.booleans())
    length = draw(st.sampled_from([0, 1, 7, 8, 12, 64] if fd else [0, 1, 7, 8]))
    remote = not fd and draw(st.booleans())
    return can.Message(
        timestamp=draw(st.integers(1_700_000_000_000, 1_700_000_100_000)) / 1000,
        arbitration_id=draw(st.integers(0, 0x1FFFFFFF if extended else 0x7FF)),
        is_extended_id=extended,
        is_fd=fd,
        is_remote_frame=remote,
        is_error_frame=not fd and not remote and draw(st.booleans()),
        bitrate_switch=fd and draw(st.booleans()),
        error_state_indicator=fd and draw(st.booleans()),
        channel=draw(st.sampled_from([0, 3, 41])),
        is_rx=draw(st.booleans()),
        dlc=length,
        data=None if remote else draw(st.binary(min_size=length, max_size=length)),
    )


def written(file, messages, container=128 * 1024, level=-1):
    """The messages as python-can writes them, and as it reads them again."""
    with can.BLFWriter(str(file), max_container_size=container, compression_level=level) as writer:
        for message in messages:
            writer.on_message_received(message)
    with can.BLFReader(str(file)) as reader:
        return frames_of(reader)


def counted(count: int) -> list[can.Message]:
    """Messages that say which they are, with content that does not pack well."""
    return [
        can.Message(
            timestamp=1.7e9 + n * 0.001,
            arbitration_id=n % 0x7FF,
            is_extended_id=False,
            data=struct.pack("<II", n, n * 2654435761 % 2**32),
            channel=n % 2,
        )
        for n in range(count)
    ]


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_log_is_read_as_python_can_reads_it(shared_data, name):
    file = shared_data / "logs" / "python-can" / name
    with can.BLFReader(str(file)) as reader:
        expected = frames_of(reader)

    assert_same(all_frames(Log(file)), expected, within_ns=500)


@given(
    sent=st.lists(messages(), min_size=1, max_size=8),
    container=st.sampled_from([130, 200, 4000]),
    level=st.sampled_from([0, 6]),
)
def test_a_log_is_read_as_python_can_reads_it(tmp_path_factory, sent, container, level):
    file = tmp_path_factory.mktemp("blf") / "written.blf"
    expected = written(file, sent, container, level)

    log = Log(file)
    read = all_frames(log)

    assert_same(read, expected, within_ns=500)
    assert [log.channels[number] for number in read.channel] == [f"can{m.channel}" for m in sent]
    assert kinds(log).keys() <= {"time goes backwards"}


@pytest.mark.parametrize(("flags", "step_ns"), [(1, 10_000), (2, 1)])
def test_times_are_exact_in_the_unit_that_the_object_says(tmp_path, flags, step_ns):
    file = tmp_path / "times.blf"
    written(file, counted(1), level=0)
    content = bytearray(file.read_bytes())
    at = content.rindex(b"LOBJ")  # the one in the container, stored as it is
    content[at + 16 : at + 20] = struct.pack("<L", flags)
    content[at + 24 : at + 32] = struct.pack("<Q", 123_456_789)
    file.write_bytes(content)

    (frame,) = all_frames(Log(file))

    assert frame.t_ns == 1_700_000_000 * 10**9 + 123_456_789 * step_ns


@pytest.mark.compiled
@pytest.mark.parametrize("level", [0, 6])
def test_a_cut_log_is_read_up_to_the_cut(tmp_path, level):
    whole = tmp_path / "whole.blf"
    written(whole, counted(30), container=700, level=level)

    assert_cuts_harmless(whole, tmp_path / "cut.blf")


@pytest.mark.parametrize("level", [0, 6])
def test_damage_in_the_middle_costs_only_what_is_damaged(tmp_path, level):
    file = tmp_path / "damaged.blf"
    expected = written(file, counted(1000), container=2000, level=level)
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 100] = bytes(np.random.default_rng(1).integers(0, 256, 100, np.uint8))
    file.write_bytes(content)

    log = Log(file)
    read = all_frames(log)

    numbers = read.payload[:, :4].copy().view("<u4")[:, 0]
    right = (read.payload == expected.payload[numbers % 1000]).all(axis=1)
    assert right.sum() > 900
    assert (~right).sum() <= 3  # what was written over within its payload
    assert right[0] and right[-1]
    assert log.notes.all()


def test_garbage_between_containers_is_counted_and_skipped(tmp_path):
    file = tmp_path / "garbage.blf"
    expected = written(file, counted(100), container=2000)
    content = file.read_bytes()
    second = content.index(b"LOBJ", HEAD + 4)
    file.write_bytes(content[:second] + b"garbage" * 1000 + content[second:])

    log = Log(file)
    read = all_frames(log)

    assert read.size >= expected.size - 1  # the one that the garbage has cut in two
    assert kinds(log)["garbage bytes"] == 1


def test_a_container_that_is_cut_short_spoils_no_frame_of_the_next(tmp_path):
    file = tmp_path / "short.blf"
    expected = written(file, counted(200), container=2000)
    content = file.read_bytes()
    first, second = content.index(b"LOBJ"), content.index(b"LOBJ", HEAD + 4)
    packed = zlib.compress(zlib.decompress(content[first + 32 : second])[:1000])
    head = content[first : first + 8] + struct.pack("<L", 32 + len(packed) - 6)
    short = head + content[first + 12 : first + 32] + packed[:-6]  # its stream does not end
    file.write_bytes(content[:HEAD] + short + bytes(-len(short) % 4) + content[second:])

    log = Log(file)
    read = all_frames(log)

    numbers = read.payload[:, :4].copy().view("<u4")[:, 0]
    assert (read.payload == expected.payload[numbers]).all()
    assert (read.t_ns == all_frames(Log(file)).t_ns).all()
    assert (np.diff(numbers.astype(int)) > 0).all()
    assert 200 - 2000 // 48 < read.size < 200
    assert kinds(log)["cut off"] >= 1


def test_a_damaged_container_gives_what_is_before_the_damage(tmp_path):
    file = tmp_path / "damaged.blf"
    written(file, counted(1000))
    content = bytearray(file.read_bytes())
    content[-1000:] = np.random.default_rng(3).integers(0, 256, 1000, np.uint8).tobytes()
    file.write_bytes(content)

    log = Log(file)

    assert all_frames(log).size > 500
    assert kinds(log)["damaged container"] == 1


def test_what_follows_a_payload_is_none_of_it(tmp_path):
    file = tmp_path / "followed.blf"
    written(file, [])
    body = struct.pack("<BBBBLLLLLLLHBBL", 1, 15, 64, 0, 0x123, 0, 0x1000, *[0] * 6, 32 + 40 + 8, 0)
    body += bytes([0x11] * 8) + bytes([0xEE] * 24)
    head = struct.pack("<4sHHLLLHHQ", b"LOBJ", 32, 1, 32 + len(body), 101, 2, 0, 0, 0)
    file.write_bytes(file.read_bytes()[:HEAD] + head + body)

    (frame,) = all_frames(Log(file))

    assert (frame["can_id"], frame["length"]) == (0x123, 64)
    assert frame["payload"].tolist() == [0x11] * 8 + [0] * 56


def test_objects_that_are_no_frames_are_counted_whatever_their_padding(tmp_path):
    file = tmp_path / "marker.blf"
    with can.BLFWriter(str(file)) as writer:
        for text in ("a", "ab", "abc", "abcd"):
            writer.on_message_received(counted(1)[0])
            writer.log_event(text, 1.7e9 + 1)
            writer.on_message_received(counted(1)[0])

    log = Log(file)

    assert all_frames(log).size == 8
    assert kinds(log) == {"object that is no frame": 4}


def test_objects_outside_of_a_container_are_read_too(tmp_path):
    file = tmp_path / "bare.blf"
    expected = written(file, counted(10))
    content = file.read_bytes()
    file.write_bytes(content[:HEAD] + zlib.decompress(content[HEAD + 32 :]))

    assert all_frames(Log(file)).tobytes() == all_frames(Log(file)).tobytes()
    assert_same(all_frames(Log(file)), expected, within_ns=500)


def test_a_length_that_no_frame_has_is_counted_and_becomes_the_longest(tmp_path):
    file = tmp_path / "long.blf"
    written(file, counted(1), level=0)
    content = bytearray(file.read_bytes())
    content[content.rindex(b"LOBJ") + 32 + 3] = 200
    file.write_bytes(content)

    log = Log(file)

    assert all_frames(log).length.tolist() == [8]
    assert kinds(log) == {"length that no frame has": 1}


def test_a_log_that_was_begun_and_holds_nothing_is_a_log(tmp_path):
    file = tmp_path / "nothing.blf"
    written(file, [])

    assert all_frames(Log(file)).size == 0


def test_a_gzipped_log_is_read_like_the_log(tmp_path):
    file = tmp_path / "plain.blf"
    expected = written(file, counted(100))
    packed = tmp_path / "plain.blf.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))

    assert_same(all_frames(Log(packed)), expected, within_ns=500)


def test_noise_is_refused_in_one_line(tmp_path):
    file = tmp_path / "noise.blf"
    file.write_bytes(b"LOGG" + bytes(range(256)) * 100)

    with pytest.raises(InputError, match=r"noise\.blf: no frame in it: [^\n]+$"):
        all_frames(Log(file))
