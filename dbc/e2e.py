"""End-to-end protection: CRC-8 SAE J1850 and AUTOSAR profiles 1 and 11, data id mode BOTH.

The profile sends the 16-bit data id with no frame but counts it in: the CRC runs over its
low byte, its high byte and then the payload without the CRC's own byte. The counter runs
from 0 to 14; 15 is invalid. It guards against faults, not against an attacker: whoever
knows the data id can forge both.

Source: AUTOSAR FO R22-11, E2E Protocol Specification, chapters on profiles 1 and 11; the
profiles' CRC starts from 0 and is not inverted, unlike the plain CRC-8 SAE J1850.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tianyuan.control.kernels import inlined
from tianyuan.dbc.records import Status

POLYNOMIAL: Final = 0x1D
COUNTERS: Final = 15  # 0 to 14
_PAYLOAD = np.uint64(1)
_OK = int(Status.OK)
_REPEATED = int(Status.REPEATED)
_WRONG_SEQUENCE = int(Status.WRONG_SEQUENCE)


def crc8_table(polynomial: int) -> np.ndarray:
    """Work out what each of the 256 bytes makes of a CRC-8 that is zero, u1."""
    table = np.zeros(256, np.uint8)
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc << 1) ^ (polynomial if crc & 0x80 else 0)
            crc &= 0xFF
        table[byte] = crc
    return table


_TABLE: Final = crc8_table(POLYNOMIAL)


def crc8_tables(table: np.ndarray) -> np.ndarray:
    """Work out what a byte makes of the CRC that is zero before it, 0 to 7 zeros following.

    With these eight bytes are looked up side by side, since a CRC is linear: that of a sum
    is the sum of the CRCs (Kounavis and Berry, "Novel Table Lookup-Based Algorithms for
    High-Performance CRC Generation", IEEE Transactions on Computers 57, 2008).
    """
    tables = [table]
    for _ in range(7):
        tables.append(table[tables[-1]])
    return np.array(tables)


TABLES: Final = crc8_tables(_TABLE)


def crc8_j1850(octets: bytes, start: int = 0xFF, invert: int = 0xFF) -> int:
    """CRC-8 SAE J1850 of some bytes, for set-up and tests; kernels use ``crc8``."""
    crc = start
    for each in octets:
        crc = int(_TABLE[crc ^ each])
    return crc ^ invert


@inlined
def octet(words, base, byte):
    """Byte ``byte`` of the payload of the frame."""
    return (words[base + _PAYLOAD + np.uint64(byte >> 3)] >> ((byte & 7) * 8)) & 0xFF


@inlined
def _crc8_word(word):
    """CRC of the eight bytes of a word, the lowest first, from 0."""
    crc = TABLES[0, (word >> 56) & 0xFF] ^ TABLES[1, (word >> 48) & 0xFF]
    crc ^= TABLES[2, (word >> 40) & 0xFF] ^ TABLES[3, (word >> 32) & 0xFF]
    crc ^= TABLES[4, (word >> 24) & 0xFF] ^ TABLES[5, (word >> 16) & 0xFF]
    crc ^= TABLES[6, (word >> 8) & 0xFF] ^ TABLES[7, word & 0xFF]
    return np.int64(crc)


@inlined
def crc8(crc, words, base, length, without):
    """Take the ``length`` bytes of the frame's payload into a CRC, all but byte ``without``.

    The profile's CRC starts from that of the data id and leaves its own byte out.
    """
    for first in range(0, length, 8):
        word = words[base + _PAYLOAD + np.uint64(first >> 3)]
        count = np.int64(min(length - first, 8))
        place = np.int64(without) - first
        if 0 <= place < count:
            below = (np.int64(1) << (place * 8)) - 1
            word = (word & below) | ((word >> 8) & ~below)
            count -= 1
        if count > 0:
            # Zeros in front leave a CRC of zero as it is.
            crc = _crc8_word((word ^ crc) << (64 - 8 * count))
    return crc


@inlined
def p1_sequence(last, counter, max_delta):
    """Status of a counter after the ``last`` one: OK, REPEATED or WRONG_SEQUENCE.

    OK covers the standard's OK and OKSOMELOST, up to ``max_delta`` steps on.
    """
    if counter >= COUNTERS:
        return _WRONG_SEQUENCE
    delta = counter - last
    if delta < 0:
        delta += COUNTERS
    if delta == 0:
        return _REPEATED
    return _OK if delta <= max_delta else _WRONG_SEQUENCE


@inlined
def p1_next(counter):
    """Return the counter after this one."""
    return 0 if counter >= COUNTERS - 1 else counter + 1
