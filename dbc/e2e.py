"""End-to-end protection of a frame: its CRC or checksum, and the counter that comes next.

AUTOSAR's profiles send the data id with no frame but count it in:

    P1, P11  CRC-8 SAE J1850 over the data id, both bytes (BOTH), the low one for an even and
             the high one for an odd counter (ALT), the low one (LOW), or the low one and a
             zero (NIBBLE, where the frame has the high byte's lower half); then the payload
             without its own byte. It starts from 0 and is not inverted.
    P2       CRC-8H2F over the payload without its own byte, then the id of this counter
    P5       CRC-16 CCITT-FALSE over the payload without its own bytes, then the data id

The counters of P1 and P11 run from 0 to 14, those of P2 to 15, those of P5 to 255. All this
guards against faults, not against an attacker: whoever knows the data id can forge it.

Source: AUTOSAR FO R22-11, E2E Protocol Specification, the chapters on these profiles.
"""

from __future__ import annotations

import numpy as np

from tianyuan.control.kernels import inlined, kernel
from tianyuan.dbc.bits import extract
from tianyuan.dbc.checksums import TABLES
from tianyuan.dbc.protection_records import Method

_PAYLOAD = np.uint64(1)
_NONE = int(Method.NONE)
_CRC_1021 = int(Method.CRC_1021)
_SUM = int(Method.SUM)
_XOR = int(Method.XOR)
NIBBLE_SHIFT = 16


@inlined
def octet(words, base, byte):
    """Byte ``byte`` of the payload of the frame."""
    return (words[base + _PAYLOAD + np.uint64(byte >> 3)] >> ((np.int64(byte) & 7) * 8)) & 0xFF


@inlined
def _counted(method, value, byte):
    """Take one byte more into a CRC or checksum."""
    if method == _SUM:
        return (value + byte) & 0xFF
    if method == _XOR:
        return value ^ byte
    if method == _CRC_1021:
        return ((value << 8) & 0xFFFF) ^ np.int64(TABLES[method, (value >> 8) ^ byte])
    return np.int64(TABLES[method, value ^ byte])


@kernel
def mismatch(codec, row, words, base):
    """What the frame's CRC is off by, 0 if it is right, as the message's code finds it.

    ``row`` is one of ``codec.protected``. A data id's nibble that is not the message's
    shows above the CRC. In a frame whose CRC is still zero the result is the CRC.
    """
    if row.method == _NONE:
        return np.int64(0)
    by = extract(codec.signals[row.counter], words, base) & 15
    value = codec.by_counter[row.by_counter, by, 0]
    for k in range(row.covered_first, row.covered_end):
        value = _counted(row.method, value, octet(words, base, codec.covered[k]))
    for tail in range(row.tails):
        value = _counted(row.method, value, codec.by_counter[row.by_counter, by, 1 + tail])
    value ^= row.invert
    for k in range(row.crc_bytes):
        value ^= octet(words, base, row.crc_byte + k) << (8 * k)
    if row.nibble >= 0:
        nibble = extract(codec.signals[row.nibble], words, base)
        value |= (nibble ^ row.nibble_value) << NIBBLE_SHIFT
    return value


@inlined
def next_counter(counter, first, last):
    """Return the counter after this one."""
    return first if counter >= last else counter + 1
