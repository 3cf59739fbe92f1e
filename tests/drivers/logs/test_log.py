"""Every published log is read as python-can reads it, gzipped or not."""

from __future__ import annotations

import gzip

import can
import pytest

from tests.drivers.logs.reading import all_frames, assert_same, frames_of, kinds
from tianyuan.control.errors import InputError
from tianyuan.drivers.logs.log import Log

PUBLISHED = [
    "test_CanMessage.trc",
    "test_CanMessage_V1_0_BUS1.trc",
    "test_CanMessage_V1_1.trc",
    "test_CanMessage_V1_3.trc",
    "test_CanMessage_V2_0_BUS1.trc",
    "test_CanMessage_V2_1.trc",
]


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_log_is_read_as_python_can_reads_it(shared_data, name):
    file = shared_data / "logs" / "python-can" / name
    with can.LogReader(str(file)) as reader:
        expected = frames_of(reader)

    log = Log(file)

    assert_same(all_frames(log), expected)
    assert not log.notes.all()


def test_a_gzipped_log_is_read_like_the_log(tmp_path, shared_data):
    file = shared_data / "logs" / "python-can" / "logfile.asc"
    packed = tmp_path / "packed.gz"  # by its content, not its name
    packed.write_bytes(gzip.compress(file.read_bytes()))

    log = Log(packed)

    assert all_frames(log).tobytes() == all_frames(Log(file)).tobytes()
    assert log.read_bytes == log.size_bytes == packed.stat().st_size


def test_a_gzipped_log_that_ends_early_gives_what_is_there_and_says_so(tmp_path):
    content = "".join(f"({t}.0) can0 123#{t * t * 7919 % 2**32:08x}\n" for t in range(3000))
    packed = gzip.compress(content.encode())
    file = tmp_path / "cut.log.gz"
    for size in (3, len(packed) // 2, len(packed) - 1):
        file.write_bytes(packed[:size])
        try:
            log = Log(file)
            read = all_frames(log)
        except InputError:
            assert size == 3
        else:
            assert read.t_ns.tolist() == [t * 10**9 for t in range(read.size)]
            assert kinds(log)["cut off"] in {1, 2}  # the file, and its last line
            assert read.size > 1000


def test_a_gzipped_log_that_is_damaged_gives_what_is_before_that_and_says_so(tmp_path):
    content = "".join(f"({t}.0) can0 123#{t * t * 7919 % 2**32:08x}\n" for t in range(9000))
    packed = bytearray(gzip.compress(content.encode()))
    packed[len(packed) // 2 :] = bytes(len(packed) - len(packed) // 2)
    file = tmp_path / "damaged.log.gz"
    file.write_bytes(packed)

    log = Log(file)

    assert all_frames(log).size > 1000
    assert kinds(log).keys() & {"damaged", "cut off"}


def test_a_gzipped_log_cut_off_before_its_first_byte_is_told_so(tmp_path):
    file = tmp_path / "cut.log.gz"
    file.write_bytes(gzip.compress(b"(1.000000) can0 123#00\n" * 100)[:8])

    with pytest.raises(InputError, match="the gzipped file ends early, before anything in it"):
        Log(file)
