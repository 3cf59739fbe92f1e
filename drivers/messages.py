"""Between frames and python-can's messages."""

from __future__ import annotations

from typing import Final

import can
import numpy as np

from tianyuan.dbc.frame import (
    BRS,
    ERROR,
    EXTENDED,
    EXTENDED_MASK,
    FDF,
    REMOTE,
    STANDARD_MASK,
)

ESI: Final = 0x02  # CANFD_ESI: the sender is error passive
_CLASSIC_LENGTH: Final = 8
_FD_LENGTH: Final = 64


def _check(message: can.Message) -> None:
    bound = EXTENDED_MASK if message.is_extended_id else STANDARD_MASK
    if not message.is_error_frame and not 0 <= message.arbitration_id <= bound:
        raise ValueError(f"identifier {message.arbitration_id:#x}: not 0 to {bound:#x}")
    most = _FD_LENGTH if message.is_fd else _CLASSIC_LENGTH
    if not 0 <= message.dlc <= most:
        raise ValueError(f"message {message.arbitration_id:#x}: {message.dlc} bytes, above {most}")


def write_frame(message: can.Message, frames: np.ndarray, at: int) -> None:
    """Write ``message`` into ``frames[at]``, its times and channel left out.

    Raises ValueError if no frame can carry it.
    """
    _check(message)
    frame = frames[at]
    frame["can_id"] = (
        (message.arbitration_id & EXTENDED_MASK)
        | (EXTENDED if message.is_extended_id else 0)
        | (REMOTE if message.is_remote_frame else 0)
        | (ERROR if message.is_error_frame else 0)
    )
    frame["length"] = message.dlc
    frame["flags"] = (
        FDF | (BRS if message.bitrate_switch else 0) | (ESI if message.error_state_indicator else 0)
        if message.is_fd
        else 0
    )
    frame["payload"] = 0
    content = bytes(message.data)[: message.dlc]
    frame["payload"][: len(content)] = np.frombuffer(content, np.uint8)


def read_frame(
    frames: np.ndarray, at: int, timestamp_s: float, channel: str | int | None, own: bool = False
) -> can.Message:
    """The message in ``frames[at]``, received at ``timestamp_s`` on the wall clock."""
    frame = frames[at]
    can_id = int(frame["can_id"])
    flags = int(frame["flags"])
    length = int(frame["length"])
    remote = bool(can_id & REMOTE)
    extended = bool(can_id & EXTENDED)
    is_fd = bool(flags & FDF)
    return can.Message(
        timestamp=timestamp_s,
        arbitration_id=can_id & (EXTENDED_MASK if extended else STANDARD_MASK),
        is_extended_id=extended,
        is_remote_frame=remote,
        is_error_frame=bool(can_id & ERROR),
        channel=channel,
        dlc=length,
        data=None if remote else frame["payload"][:length].tobytes(),
        is_fd=is_fd,
        is_rx=not own,
        bitrate_switch=is_fd and bool(flags & BRS),
        error_state_indicator=is_fd and bool(flags & ESI),
    )
