"""What is written comes back from other people's readers, whoever kills whom."""

from __future__ import annotations

from pathlib import Path

import can
import numpy as np
import pytest

from tests.firmware.recording.conftest import WALL_NS
from tianyuan.dbc.frame import ERROR, EXTENDED_MASK, FDF, REMOTE, TX
from tianyuan.drivers.logs.log import Log
from tianyuan.firmware.recording.formats import open_log_file

ENDINGS = [".blf", ".mf4", ".log", ".log.gz"]
FIELDS = ("can_id", "length", "flags", "channel", "reserved", "payload")


def written(file: Path, made: np.ndarray, piece: int = 700) -> Path:
    out = open_log_file(file, None)
    for first in range(0, len(made), piece):
        out.append(made[first : first + piece], WALL_NS)
    out.close()
    assert out.size_bytes == file.stat().st_size
    return file


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_kind_of_frame_comes_back(tmp_path, mixed, ending):
    if ending.startswith(".log"):  # python-can knows the classes of no error frame in text
        mixed = mixed[mixed.can_id & ERROR == 0]
    read = np.concatenate(list(Log(written(tmp_path / f"run{ending}", mixed)).blocks()))
    for field in FIELDS:
        np.testing.assert_array_equal(read[field], mixed[field], field)
    assert np.abs(read["t_ns"] - mixed.t_ns - WALL_NS).max() <= 1500


@pytest.mark.parametrize("ending", ENDINGS)
def test_python_can_reads_the_same_messages(tmp_path, mixed, ending):
    mixed = mixed[mixed.can_id & ERROR == 0]
    with can.LogReader(str(written(tmp_path / f"run{ending}", mixed))) as reader:
        messages = list(reader)
    assert len(messages) == len(mixed)
    for message, frame in zip(messages, mixed, strict=True):
        assert message.arbitration_id == frame.can_id & EXTENDED_MASK
        assert message.is_remote_frame == bool(frame.can_id & REMOTE)
        assert message.is_fd == bool(frame["flags"] & FDF)
        assert message.is_rx == (frame.reserved != TX)
        assert message.dlc == frame.length
        if not message.is_remote_frame:
            assert bytes(message.data) == frame.payload[: frame.length].tobytes()


def test_candump_says_an_error_frame_s_classes(tmp_path, mixed):
    mixed = mixed[mixed.can_id & ERROR != 0][:1]
    text = written(tmp_path / "run.log", mixed).read_text().split()
    assert text[2] == f"{mixed.can_id[0]:08X}#{mixed.payload[0, :8].tobytes().hex().upper()}"
