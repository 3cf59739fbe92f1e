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
def crc8(crc, words, base, first, end):
    """Take the payload bytes [first, end) of the frame into a CRC."""
    for byte in range(first, end):
        crc = np.int64(_TABLE[crc ^ octet(words, base, byte)])
    return crc


@inlined
def p1_crc(start, words, base, length, crc_byte):
    """Compute the profile's CRC of the frame; ``start`` is that of the data id."""
    crc = crc8(start, words, base, 0, crc_byte)
    return crc8(crc, words, base, crc_byte + 1, length)


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
