"""One CAN frame as the kernel lays it out, and the instant it was received.

The first 72 bytes are Linux's ``struct canfd_frame`` and the first 16 of them ``struct
can_frame``, so ``recvmmsg`` writes straight into an array of these and ``sendmmsg`` reads
straight out of it. Seen as ten 64-bit words, word 0 is the header, words 1 to 8 the
payload and word 9 the time.
"""

from __future__ import annotations

from typing import Final

import numpy as np

FRAME: Final = np.dtype(
    [
        ("can_id", "u4"),  # identifier with the flag bits below
        ("length", "u1"),  # payload bytes
        ("flags", "u1"),  # CAN FD: bit-rate switch, error state; FD frames carry FDF
        ("channel", "u1"),  # index of the port it came from, or is to leave by
        ("reserved", "u1"),  # zero on the wire; rings and logs have TX here
        ("payload", "u1", (64,)),
        ("t_ns", "i8"),  # monotonic, at receipt
    ]
)
WORDS: Final = FRAME.itemsize // 8

EXTENDED: Final = 0x8000_0000  # CAN_EFF_FLAG: 29-bit identifier
REMOTE: Final = 0x4000_0000  # CAN_RTR_FLAG
ERROR: Final = 0x2000_0000  # CAN_ERR_FLAG
STANDARD_MASK: Final = 0x7FF
EXTENDED_MASK: Final = 0x1FFF_FFFF

BRS: Final = 0x01
FDF: Final = 0x04
TX: Final = 1  # in ``reserved``, of rings and logs: sent by who wrote it, not received
CLASSIC_SIZE: Final = 16
FD_SIZE: Final = 72


def frames(count: int) -> np.recarray:
    """An array of ``count`` zeroed frames."""
    return np.zeros(count, FRAME).view(np.recarray)
