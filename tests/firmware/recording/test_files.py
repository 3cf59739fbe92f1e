"""What is written comes back from other people's readers, whoever kills whom."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import cast

import can
import numpy as np
import pytest
from asammdf import MDF

from tests.firmware.recording.conftest import WALL_NS
from tianyuan.dbc.frame import ERROR, EXTENDED_MASK, FDF, REMOTE, TX, frames
from tianyuan.drivers.logs.log import Log
from tianyuan.firmware.host_record import GAP_ID, HOST_CHANNEL
from tianyuan.firmware.recording import mf4
from tianyuan.firmware.recording.formats import open_log_file
from tianyuan.firmware.recording.safe_file import SafeFile
from tianyuan.rooms import room

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


def test_of_an_mf4_that_is_cut_off_no_more_is_lost_than_its_last_block(
    tmp_path, mixed, monkeypatch
):
    monkeypatch.setattr(mf4, "TAIL", 100)
    mixed = mixed[mixed.can_id & (ERROR | REMOTE) == 0]  # the others have blocks of their own
    file = written(tmp_path / "run.mf4", mixed, piece=100)
    whole = np.concatenate(list(Log(file).blocks()))
    file.write_bytes(file.read_bytes()[:-100])

    read = np.concatenate(list(Log(file).blocks()))

    assert whole.size == mixed.size
    assert mixed.size - mf4.TAIL <= read.size < mixed.size
    assert read.tobytes() == whole[: read.size].tobytes()


def test_an_mf4_keeps_the_order_of_frames_of_one_instant(tmp_path, mixed):
    mixed.t_ns = 10**9 + np.arange(len(mixed)) // 20 * 2_000_000  # ticks, of all kinds of frames
    read = np.concatenate(list(Log(written(tmp_path / "run.mf4", mixed)).blocks()))
    np.testing.assert_array_equal(read["can_id"], mixed.can_id)
    np.testing.assert_array_equal(read["payload"], mixed.payload)


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


def read_by_python_can(file: Path) -> int:
    """How many messages there are before the end, or before what python-can makes of a cut."""
    count = 0
    with contextlib.suppress(Exception), can.LogReader(str(file)) as reader:
        for _ in reader:
            count += 1
    return count


class Watched(SafeFile):
    """A file of which every state that a kill may leave is kept."""

    def __init__(self, file: Path, head: bytes = b"") -> None:
        self.path, self.states = file, list[bytes]()
        super().__init__(file, head)

    def append(self, piece: bytes) -> None:
        super().append(piece)
        self.states.append(self.path.read_bytes())

    def patch(self, offset: int, piece: bytes) -> None:
        super().patch(offset, piece)
        self.states.append(self.path.read_bytes())


def test_an_mf4_opens_in_asammdf_after_every_single_write(tmp_path, mixed, monkeypatch):
    monkeypatch.setattr(mf4, "TAIL", 40)
    monkeypatch.setattr(mf4, "SafeFile", Watched)
    out, copy, safe = mf4.Mf4File(tmp_path / "run.mf4"), tmp_path / "copy.mf4", 0
    file = cast("Watched", out._file)
    for first in range(0, 210, 30):
        out.append(mixed[first : first + 30], WALL_NS)
        for state in file.states:
            copy.write_bytes(state)
            with can.LogReader(str(copy)) as reader:  # and that is asammdf's
                assert safe <= len(list(reader)) <= first + 30
        file.states, safe = [], first + 30
    out.close()
    copy.write_bytes(file.states[-1])
    assert read_by_python_can(copy) == 210


class Disk(SafeFile):
    """A file on a disk that writes when it likes, and by the next sync at the latest."""

    def __init__(self, file: Path, head: bytes = b"") -> None:
        self.durable, self.pending = b"", list[tuple[int, bytes]]()
        super().__init__(file, head)

    def append(self, piece: bytes) -> None:
        self.pending.append((self.size_bytes, piece))
        super().append(piece)

    def patch(self, offset: int, piece: bytes) -> None:
        self.pending.append((offset, piece))
        super().patch(offset, piece)

    def sync(self) -> None:
        super().sync()
        self.durable = self.after_a_power_cut(lambda _: True)
        self.pending.clear()

    def after_a_power_cut(self, arrived: Callable[[int], bool]) -> bytes:
        """What is on the disk when of the pending writes only those that ``arrived`` are."""
        image = bytearray(self.durable)
        for number, (offset, piece) in enumerate(self.pending):
            if arrived(number):
                image.extend(bytes(max(offset + len(piece) - len(image), 0)))
                image[offset : offset + len(piece)] = piece
        return bytes(image)


def test_an_mf4_opens_in_asammdf_after_a_power_cut_that_kept_any_of_the_last_writes(
    tmp_path, mixed, monkeypatch
):
    images: list[tuple[int, bytes]] = []
    rng, safe = np.random.default_rng(5), [0, 0]

    class Cut(Disk):
        def sync(self) -> None:
            for _ in range(2):
                images.append((safe[0], self.after_a_power_cut(lambda _: rng.random() < 0.5)))
            super().sync()

    monkeypatch.setattr(mf4, "TAIL", 40)
    monkeypatch.setattr(mf4, "SafeFile", Cut)
    out = mf4.Mf4File(tmp_path / "run.mf4")
    images.clear()  # before the first frame there is nothing to lose
    for first in range(0, 600, 30):
        out.append(mixed[first : first + 30], WALL_NS)
        safe = [safe[1], first + 30]  # the count of the piece before this one is on the disk
    out.close()
    copy = tmp_path / "copy.mf4"
    for least, image in images:
        copy.write_bytes(image)
        with can.LogReader(str(copy)) as reader:
            assert least <= len(list(reader))
    assert len(images) > 50


@pytest.mark.parametrize("ending", [".blf", ".log", ".log.gz"])
def test_a_piece_cut_anywhere_costs_only_itself(tmp_path, mixed, ending):
    made = mixed[mixed.can_id & ERROR == 0][:500]
    out, file = open_log_file(tmp_path / f"run{ending}", None), tmp_path / f"run{ending}"
    out.append(made[:400], WALL_NS)
    safe = out.size_bytes
    out.append(made[400:], WALL_NS)
    out.abandon()
    whole = file.read_bytes()
    for cut in np.linspace(safe, len(whole), 60).astype(int).tolist():
        (tmp_path / f"cut{ending}").write_bytes(whole[:cut])
        assert read_by_python_can(tmp_path / f"cut{ending}") >= 400


def test_a_file_that_nobody_closed_differs_from_a_closed_one_in_nothing(tmp_path, mixed):
    out = open_log_file(tmp_path / "run.blf", None)
    out.append(mixed, WALL_NS)
    died = (tmp_path / "run.blf").read_bytes()
    out.close()
    assert (tmp_path / "run.blf").read_bytes() == died


def test_a_disk_that_is_full_takes_a_piece_whole_or_not_at_all(tmp_path, monkeypatch):
    file, really = SafeFile(tmp_path / "file"), os.pwrite
    file.append(b"first")

    def short(descriptor: int, piece: bytes, offset: int) -> int:
        if offset > 7:
            raise OSError(28, "No space left on device")
        return really(descriptor, piece[:3], offset)

    monkeypatch.setattr(os, "pwrite", short)
    with pytest.raises(OSError, match="No space"):
        file.append(b"second")
    assert (tmp_path / "file").read_bytes() == b"first"


def test_asammdf_decodes_an_mf4_log_as_bus_logging(tmp_path):
    made = frames(50)
    made.can_id, made.length, made.channel = GAP_ID, 4, HOST_CHANNEL
    made.payload[:, 0], made.t_ns = np.arange(50), 10**9 * np.arange(50)
    with MDF(written(tmp_path / "run.mf4", made)) as log:
        decoded = log.extract_bus_logging({"CAN": [(str(room("dbc") / "host.dbc"), 0)]})
        lost = decoded.get("Lost")
    assert lost.samples.tolist() == list(range(50))
    assert lost.timestamps.tolist() == list(range(50))


def test_an_mf4_has_the_card_inside(tmp_path):
    file = tmp_path / "run.mf4"
    open_log_file(file, b'{"a": 1}').close()
    assert mf4.card_in(file) == b'{"a": 1}'
    open_log_file(file, None).close()
    assert mf4.card_in(file) is None
