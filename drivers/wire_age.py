"""What the kernel says beside a frame: when it came, and how many it had no room for.

A frame's stamp in the loop is the tick's, so that a replay sees what the tick saw. How long
it had lain in the kernel by then is booked here: the wall clock of the stamp is read at the
same moment as we read the frame, so only the difference of the two counts, and a wall clock
that is set meanwhile spoils no more than the age of the frames that were waiting then.
"""

from __future__ import annotations

import time
from typing import Final

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.drivers import libc
from tianyuan.drivers.clock import SECOND_NS
from tianyuan.drivers.port_record import AGES, CONTROL_WORDS, H_CONTROL_SIZE

STAMP: Final = 35  # SO_TIMESTAMPNS, and the type of its message
OVERFLOWS: Final = 40  # SO_RXQ_OVFL, and the type of its message
_REALTIME: Final = time.CLOCK_REALTIME
_SOL_SOCKET: Final = 1
_HEADER_BYTES: Final = 16  # struct cmsghdr: length in 64 bits, level and type in 32 each
_OLDEST_NS: Final = 10 * SECOND_NS  # what is older was stamped before the clock was set
_WORD: Final = (1 << 32) - 1


@kernel
def wall_ns(port: np.ndarray) -> int:
    """Nanoseconds on CLOCK_REALTIME."""
    clock = port[0].clock
    libc.clock_gettime(_REALTIME, clock.ctypes.data)
    return clock[0] * SECOND_NS + clock[1]


@kernel
def _book_age(port: np.ndarray, age_ns: int) -> None:
    record = port[0]
    if not 0 <= age_ns < _OLDEST_NS:
        record.ageless += 1
        return
    bin_, limit_ns = 0, 1000
    while age_ns >= limit_ns and bin_ < AGES - 1:
        bin_ += 1
        limit_ns *= 2
    record.ages[bin_] += 1
    record.age_sum_ns += age_ns
    record.age_max_ns = max(record.age_max_ns, age_ns)


@kernel
def _note_drops(port: np.ndarray, drops: int) -> None:
    """Note the kernel's count of frames it had no room for, which wraps at 32 bits."""
    record = port[0]
    record.overwritten += (drops - np.int64(record.drops)) & _WORD
    record.drops = drops


@kernel
def read_control(port: np.ndarray, message: int, now_ns: int) -> None:
    """Book what the kernel said beside message ``message``, read at ``now_ns`` of the wall."""
    words = port[0].control[message]
    left = min(port[0].headers[message, H_CONTROL_SIZE], CONTROL_WORDS * 8)
    at, stamped = 0, False
    while left >= _HEADER_BYTES:
        size, kind = words[at], words[at + 1] >> 32
        if size < _HEADER_BYTES or size > left:
            break
        if words[at + 1] & _WORD == _SOL_SOCKET and kind == STAMP:
            stamped = True
            _book_age(port, now_ns - words[at + 2] * SECOND_NS - words[at + 3])
        elif words[at + 1] & _WORD == _SOL_SOCKET and kind == OVERFLOWS:
            _note_drops(port, words[at + 2] & _WORD)
        taken = (size + 7) // 8
        at += taken
        left -= taken * 8
    if not stamped:
        port[0].ageless += 1


@kernel
def forget_ages(port: np.ndarray) -> None:
    """Book ages anew."""
    record = port[0]
    for k in range(AGES):
        record.ages[k] = 0
    record.age_sum_ns = record.age_max_ns = record.ageless = 0


def age_us(port: np.ndarray, share: float) -> float:
    """Upper edge in microseconds of the bin that holds ``share`` of the ages; 0 for none."""
    ages = np.asarray(port["ages"][0])
    if not ages.sum():
        return 0.0
    return float(2 ** int(np.searchsorted(np.cumsum(ages), share * ages.sum())))
