"""BLF, a container of zlib for each piece, by python-can's writer.

The writer takes one message at a time, which costs twenty times what an array of frames
costs; so its objects are made here, as numpy lays out records, and the rest is its own. An
object never spans two containers, and the header is right after each piece: a file whose
writer died differs from a closed one in nothing.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Final

import can
import numpy as np
from can.io.blf import BRS as BLF_BRS
from can.io.blf import (
    CAN_ERROR_EXT,
    CAN_FD_MESSAGE,
    CAN_MESSAGE,
    CAN_MSG_EXT,
    DIR,
    EDL,
    REMOTE_FLAG,
    TIME_ONE_NANS,
)
from can.io.blf import ESI as BLF_ESI

from tianyuan.dbc.frame import BRS, ERROR, EXTENDED, EXTENDED_MASK, FDF, REMOTE, TX
from tianyuan.drivers.messages import ESI
from tianyuan.firmware.recording.lengths import DLC
from tianyuan.firmware.recording.safe_file import SafeFile

LEVEL: Final = 1  # of zlib: a fifth larger than by the default, in a third of the time
FRAMES: Final = 1000  # of a container, which holds 128 KiB of objects
NS_PER_MS: Final = 1_000_000
_OBJECT: Final = [
    ("signature", "S4"), ("header_size", "<u2"), ("header_version", "<u2"), ("size", "<u4"),
    ("kind", "<u4"), ("flags", "<u4"), ("client", "<u2"), ("version", "<u2"), ("t_ns", "<u8"),
]  # fmt: skip
CLASSIC: Final = np.dtype(
    [*_OBJECT, ("channel", "<u2"), ("how", "u1"), ("dlc", "u1"), ("id", "<u4"), ("payload", "V8")]
)
FD: Final = np.dtype(
    [
        *_OBJECT, ("channel", "<u2"), ("how", "u1"), ("dlc", "u1"), ("id", "<u4"),
        ("duration_ns", "<u4"), ("bits", "u1"), ("fd_flags", "u1"), ("length", "u1"),
        ("_", "V5"), ("payload", "V64"),
    ]
)  # fmt: skip
FAULT: Final = np.dtype(
    [
        *_OBJECT, ("channel", "<u2"), ("length", "<u2"), ("what", "<u4"), ("ecc", "u1"),
        ("position", "u1"), ("dlc", "u1"), ("_", "V1"), ("duration_ns", "<u4"), ("id", "<u4"),
        ("flags_ext", "<u2"), ("__", "V2"), ("payload", "V8"),
    ]
)  # fmt: skip


def _made(kind: int, layout: np.dtype, frames: np.ndarray, t_ns: np.ndarray) -> np.ndarray:
    can_id = frames["can_id"]
    made = np.zeros(len(frames), layout)
    made["signature"], made["header_size"], made["header_version"] = b"LOBJ", 32, 1
    made["size"], made["kind"], made["flags"] = layout.itemsize, kind, TIME_ONE_NANS
    made["t_ns"] = t_ns
    made["channel"] = frames["channel"] + np.uint16(1)
    made["dlc"] = DLC[frames["length"]]
    made["id"] = (can_id & EXTENDED_MASK) | np.where(can_id & EXTENDED, CAN_MSG_EXT, 0)
    width = layout["payload"].itemsize
    made["payload"] = np.ascontiguousarray(frames["payload"][:, :width]).view(f"V{width}")[:, 0]
    if "how" in (layout.names or ()):
        remote = np.where(can_id & REMOTE, REMOTE_FLAG, 0)
        made["how"] = remote | np.where(frames["reserved"] == TX, DIR, 0)
    if layout is FD:
        made["length"] = frames["length"]
        brs, esi = frames["flags"] & BRS, frames["flags"] & ESI
        made["fd_flags"] = EDL | np.where(brs, BLF_BRS, 0) | np.where(esi, BLF_ESI, 0)
    return made


def objects(frames: np.ndarray, t_ns: np.ndarray) -> bytes:
    """BLF's objects of frames (n,) at ``t_ns`` (n,) since the file's start."""
    is_fault = (frames["can_id"] & ERROR) != 0
    is_fd = ((frames["flags"] & FDF) != 0) & ~is_fault
    kinds = (
        (CAN_MESSAGE, CLASSIC, ~is_fault & ~is_fd),
        (CAN_FD_MESSAGE, FD, is_fd),
        (CAN_ERROR_EXT, FAULT, is_fault),
    )
    sizes = np.select([mask for *_, mask in kinds], [each.itemsize for _, each, _ in kinds])
    starts = np.cumsum(sizes) - sizes
    whole = np.zeros(int(sizes.sum()), np.uint8)
    for kind, layout, mask in kinds:
        if mask.any():
            made = _made(kind, layout, frames[mask], t_ns[mask]).view(np.uint8)
            at = starts[mask][:, np.newaxis] + np.arange(layout.itemsize)
            whole[at] = made.reshape(-1, layout.itemsize)
    return whole.tobytes()


class _Writer(can.BLFWriter):
    """python-can's writer, into memory, taking objects by the piece."""

    def __init__(self) -> None:
        self._written = BytesIO()
        super().__init__(self._written, compression_level=LEVEL)

    def _taken(self) -> bytes:
        taken = self._written.getvalue()
        self._written.seek(0)
        self._written.truncate()
        return taken

    def header(self, size_bytes: int) -> bytes:
        self._taken()
        self._write_header(size_bytes)
        return self._taken()

    def containers(self, frames: np.ndarray, t_ns: np.ndarray) -> bytes:
        for first in range(0, len(frames), FRAMES):
            piece = slice(first, first + FRAMES)
            self._buffer = [objects(frames[piece], t_ns[piece])]
            self.object_count += len(frames[piece])
            self._flush()
        return self._taken()


class BlfFile:
    """A BLF file being written."""

    def __init__(self, file: Path) -> None:
        self._writer, self._start_ns = _Writer(), 0
        self._file = SafeFile(file, self._writer.header(0))

    @property
    def size_bytes(self) -> int:
        """Of the file, so far."""
        return self._file.size_bytes

    def append(self, frames: np.ndarray, wall_ns: int) -> None:
        """Write frames (n,), ``wall_ns`` after their monotonic time, so that they stay."""
        t_ns = frames["t_ns"] + wall_ns
        if self._writer.start_timestamp is None:
            self._start_ns = int(t_ns[0]) // NS_PER_MS * NS_PER_MS  # all that the header holds
            self._writer.start_timestamp = self._start_ns * 1e-9
        self._file.append(self._writer.containers(frames, np.maximum(t_ns - self._start_ns, 0)))
        self._writer.stop_timestamp = int(t_ns[-1]) * 1e-9
        self._file.patch(0, self._writer.header(self._file.size_bytes))
        self._file.sync()

    def close(self) -> None:
        """Nothing is left to be written."""
        self._file.close()

    def abandon(self) -> None:
        """Leave the file as it is."""
        self._file.close()
