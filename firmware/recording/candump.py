"""candump's text, as ``candump -L`` writes it, error frames with their classes.

Six decimals, because canplayer takes no other number of them; so a time is cut to the
microsecond. Compressed, each piece is a member of its own of the gzip file.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Final

import numpy as np

from tianyuan.dbc.frame import BRS, ERROR, EXTENDED, EXTENDED_MASK, FDF, REMOTE, TX
from tianyuan.drivers.messages import ESI
from tianyuan.firmware.recording.safe_file import SafeFile

NS_PER_US: Final = 1000
US_PER_S: Final = 1_000_000
LEVEL: Final = 3  # of zlib


def _identifier(can_id: int) -> str:
    if can_id & ERROR:
        return f"{can_id & (ERROR | EXTENDED_MASK):08X}"
    return f"{can_id & EXTENDED_MASK:08X}" if can_id & EXTENDED else f"{can_id:03X}"


def _content(can_id: int, flags: int, payload: bytes) -> str:
    if can_id & REMOTE:
        return f"#R{len(payload) or ''}"
    if flags & FDF:
        return f"##{flags & (BRS | ESI):X}{payload.hex().upper()}"
    return f"#{payload.hex().upper()}"


def lines(frames: np.ndarray, wall_ns: int) -> bytes:
    """One line a frame of frames (n,), ``wall_ns`` after their monotonic time."""
    names = ("can_id", "length", "flags", "channel", "reserved")
    columns = [frames[name].tolist() for name in names]
    payloads = np.ascontiguousarray(frames["payload"]).tobytes()
    text = []
    for at, (can_id, length, flags, channel, sent, t_ns) in enumerate(
        zip(*columns, (frames["t_ns"] + wall_ns).tolist(), strict=True)
    ):
        seconds, us = divmod(t_ns // NS_PER_US, US_PER_S)
        payload = payloads[64 * at : 64 * at + length]
        bare = can_id & ~REMOTE
        text.append(
            f"({seconds}.{us:06}) can{channel} {_identifier(bare)}"
            f"{_content(can_id, flags, payload)} {'T' if sent == TX else 'R'}\n"
        )
    return "".join(text).encode()


class CandumpFile:
    """A candump log being written, compressed where its name ends in ``.gz``."""

    def __init__(self, file: Path) -> None:
        self._file, self._zipped = SafeFile(file), file.suffix == ".gz"

    @property
    def size_bytes(self) -> int:
        """Of the file, so far."""
        return self._file.size_bytes

    def append(self, frames: np.ndarray, wall_ns: int) -> None:
        """Write frames (n,), ``wall_ns`` after their monotonic time, so that they stay."""
        text = lines(frames, wall_ns)
        self._file.append(gzip.compress(text, LEVEL) if self._zipped else text)
        self._file.sync()

    def close(self) -> None:
        """Nothing is left to be written."""
        self._file.close()

    def abandon(self) -> None:
        """Leave the file as it is."""
        self._file.close()
