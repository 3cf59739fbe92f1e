"""How long a frame is, bit by bit: stuffed as its own bits ask for.

Classic CAN is stuffed from the start of frame to the end of the CRC, so the CRC is worked out.
CAN FD is stuffed so up to the end of its data; what follows (stuff count, CRC of 17 or 21 bits)
has a stuff bit before it and after each fourth bit, whatever the bits are, so that the length
does not depend on the CRC. Fields and rules: ISO 11898-1:2015, 10.4 and 10.5.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.dbc.frame import BRS, EXTENDED, FDF, REMOTE
from tianyuan.dbc.header import LENGTHS, padded

INTERMISSION: Final = np.int64(3)
# From the end of what may be stuffed to the next frame's start: CRC delimiter, acknowledge and
# its delimiter, end of frame, intermission.
TAIL: Final = 1 + 1 + 1 + 7 + 3
AFTER_ACK: Final = np.int64(TAIL - 2)  # bits after the acknowledge
FIVE: Final = 5  # bits alike, after which a stuff bit comes
_ESI: Final = 0x02  # flag of a CAN FD frame whose sender is error-passive
_START, _CONTROL_BITS, _CRC_BITS = np.int64(0), np.int64(5), np.int64(15)
_POLYNOMIAL: Final = 0x4599
_SHORT: Final = 16  # bytes that the CRC of 17 bits serves
_FD_CHECK: Final = np.array([4 + 17 + 6, 4 + 21 + 7])  # stuff count, CRC, fixed stuff bits
_FD_DLC: Final = np.array([LENGTHS.index(padded(length)) for length in range(65)])
_FD_LENGTH: Final = np.array([padded(length) for length in range(65)])


def _step(state: int, bit: int) -> tuple[int, int]:
    """The state after a bit, and the stuff bits before it.

    States: 0 before the start of frame; 1 to 5 for so many dominant bits, 6 to 10 recessive.
    """
    if state == 0:
        return 1 + FIVE * bit, 0
    last, run = divmod(state - 1, FIVE)
    if run == FIVE - 1:  # the stuff bit comes first, and is the first of its own run
        return (2 + FIVE * bit if bit != last else 1 + FIVE * bit), 1
    return (state + 1 if bit == last else 1 + FIVE * bit), 0


def _steps(bits: int) -> np.ndarray:
    """For each state and each value of so many bits: the state after, and stuff bits * 16."""
    table = np.zeros((2 * FIVE + 1, 1 << bits), np.int64)
    for state in range(2 * FIVE + 1):
        for value in range(1 << bits):
            at, stuffed = state, 0
            for place in reversed(range(bits)):
                at, more = _step(at, value >> place & 1)
                stuffed += more
            table[state, value] = at | stuffed << 4
    return table


def _crc_table() -> np.ndarray:
    """CRC of 15 bits of each byte."""
    table = np.zeros(256, np.int64)
    for byte in range(256):
        crc = byte << 7
        for _ in range(8):
            crc = (crc << 1 ^ _POLYNOMIAL if crc & 0x4000 else crc << 1) & 0x7FFF
        table[byte] = crc
    return table


_BIT: Final = _steps(1)
_BYTE: Final = _steps(8)
_CRC: Final = _crc_table()


@kernel
def _feed(state, stuffed, value, bits):
    """State and stuff bits after the ``bits`` lowest bits of ``value``, the highest first."""
    while bits % 8 != 0:
        bits -= 1
        step = _BIT[state, (value >> bits) & 1]
        state, stuffed = step & 15, stuffed + (step >> 4)
    while bits > 0:
        bits -= 8
        step = _BYTE[state, (value >> bits) & 0xFF]
        state, stuffed = step & 15, stuffed + (step >> 4)
    return state, stuffed


@kernel
def _byte(words, at, k):
    """Byte ``k`` of the payload of the frame whose words begin at ``at``."""
    return (words[at + 1 + (k >> 3)] >> (8 * (k & 7))) & 0xFF


@kernel
def _classic(words, at, can_id, length):
    """Bits of a classic frame."""
    remote = int(can_id & REMOTE != 0)
    count = 0 if remote != 0 else min(length, 8)
    dlc = min(length, 15)
    if can_id & EXTENDED:
        base, rest = (can_id >> 18) & 0x7FF, can_id & 0x3FFFF
        head, bits = base << 27 | 3 << 25 | rest << 7 | remote << 6 | dlc, 39
    else:
        head, bits = (can_id & 0x7FF) << 7 | remote << 6 | dlc, 19
    state, stuffed = _feed(_START, _START, head, bits)
    crc = 0
    for shift in range(32, -1, -8):  # dominant bits before the start change nothing
        crc = ((crc << 8) & 0x7FFF) ^ _CRC[((crc >> 7) ^ (head >> shift)) & 0xFF]
    for k in range(count):
        byte = _byte(words, at, k)
        crc = ((crc << 8) & 0x7FFF) ^ _CRC[((crc >> 7) ^ byte) & 0xFF]
        step = _BYTE[state, byte]
        state, stuffed = step & 15, stuffed + (step >> 4)
    state, stuffed = _feed(state, stuffed, crc, _CRC_BITS)
    stuffed += int(state % FIVE == 0)  # five alike at the very end
    return bits + 8 * count + 15 + stuffed + TAIL


@kernel
def _fd(words, at, can_id, length, flags):
    """Bits of a CAN FD frame at the first rate, and at that of its data."""
    length = min(length, 64)
    count, dlc = _FD_LENGTH[length], _FD_DLC[length]
    switched = int(flags & BRS != 0)
    if can_id & EXTENDED:
        base, rest = (can_id >> 18) & 0x7FF, can_id & 0x3FFFF
        head, bits = base << 24 | 3 << 22 | rest << 4 | 1 << 2 | switched, 36
    else:
        head, bits = (can_id & 0x7FF) << 5 | 1 << 2 | switched, 17
    state, early = _feed(_START, _START, head, bits)
    state, late = _feed(state, _START, int(flags & _ESI != 0) << 4 | dlc, _CONTROL_BITS)
    for k in range(count):
        step = _BYTE[state, _byte(words, at, k)]
        state, late = step & 15, late + (step >> 4)
    # Five alike at the end of the data: the fixed stuff bit that follows is their stuff bit.
    second = 5 + 8 * count + late + _FD_CHECK[int(count > _SHORT)]
    first = bits + early + TAIL
    return (first, second) if switched != 0 else (first + second, 0)


@kernel
def lengths(words, at):
    """Bits at the bus's rate and bits at its data rate of a frame, three of intermission included.

    ``words`` is an array of FRAME seen as int64, ``at`` where the frame's words begin.
    """
    word = words[at]
    can_id, length, flags = word & 0xFFFF_FFFF, (word >> 32) & 0xFF, (word >> 40) & 0xFF
    if flags & FDF:
        return _fd(words, at, can_id, length, flags)
    return _classic(words, at, can_id, length), 0


@kernel
def order_of(word):
    """What arbitration compares, as a number: the lower wins. ``word`` is a frame's first.

    The bits of identifier, remote request and identifier extension as they come on the wire: a
    standard frame wins over an extended one that begins alike, data win over their remote frame.
    """
    can_id = word & 0xFFFF_FFFF
    remote = int(can_id & REMOTE != 0 and (word >> 40) & FDF == 0)
    if can_id & EXTENDED:
        base, rest = (can_id >> 18) & 0x7FF, can_id & 0x3FFFF
        return base << 21 | 3 << 19 | rest << 1 | remote
    return (can_id & 0x7FF) << 21 | remote << 20
