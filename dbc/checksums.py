"""CRCs and checksums by name: for set-up, and as tables for the kernels.

The plain checksums are those found in published DBC files and the code that goes with them:

    crc8-j1850     New Eagle's by-wire kits: "J1850 checksum (initial value 0xFF,
                   polynomial 0x11D)", as the comments of its DBC files say
    crc8-body      comma's body (opendbc, comma_body.dbc): the last byte first
    xor            Hongqi HS5 (opendbc, hongqi_hs5.dbc)
    sum            the bytes alone, without any identifier
    sum-id         Tesla Model 3 (opendbc, tesla_model3_party.dbc): the identifier's bytes too
    sum-id-length  Toyota (opendbc, toyota_adas.dbc): the number of bytes as well

What others call a checksum is a profile: that of hyundai_canfd.dbc is P5 with the data id
0xF800 + identifier, that of vw_mlb.dbc is P2 with a list of ids a message.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from tianyuan.dbc.protection_records import Method


class Checksum(NamedTuple):
    """A plain checksum: the method, its start and what is counted in beside the payload."""

    method: Method
    start: int = 0
    invert: int = 0
    identifier: bool = False
    length: bool = False
    backwards: bool = False


CHECKSUMS: Final = {
    "crc8-j1850": Checksum(Method.CRC_1D, start=0xFF, invert=0xFF),
    "crc8-body": Checksum(Method.CRC_D5, start=0xFF, backwards=True),
    "xor": Checksum(Method.XOR),
    "sum": Checksum(Method.SUM),
    "sum-id": Checksum(Method.SUM, identifier=True),
    "sum-id-length": Checksum(Method.SUM, identifier=True, length=True),
}
POLYNOMIALS: Final = {
    Method.CRC_1D: (8, 0x1D),
    Method.CRC_2F: (8, 0x2F),
    Method.CRC_D5: (8, 0xD5),
    Method.CRC_1021: (16, 0x1021),
}


def table(bits: int, polynomial: int) -> np.ndarray:
    """Work out what each of the 256 bytes makes of a CRC that is zero, u2."""
    top, mask = 1 << bits - 1, (1 << bits) - 1
    made = np.zeros(256, np.uint16)
    for byte in range(256):
        crc = byte << bits - 8
        for _ in range(8):
            crc = ((crc << 1) ^ (polynomial if crc & top else 0)) & mask
        made[byte] = crc
    return made


def shifted(bits: int, first: np.ndarray) -> np.ndarray:
    """Work out what a byte makes of the CRC that is zero before it, 0 to 7 zeros following.

    With these eight bytes are looked up side by side, since a CRC is linear: that of a sum
    is the sum of the CRCs (Kounavis and Berry, "Novel Table Lookup-Based Algorithms for
    High-Performance CRC Generation", IEEE Transactions on Computers 57, 2008).
    """
    mask = (1 << bits) - 1
    tables = [first]
    for _ in range(7):
        crc = tables[-1].astype(np.int64)
        tables.append((((crc << 8) & mask) ^ first[crc >> bits - 8]).astype(np.uint16))
    return np.array(tables)


# A row for each method, zeros for those that need none.
TABLES: Final = np.array(
    [
        table(*POLYNOMIALS[method]) if method in POLYNOMIALS else np.zeros(256, np.uint16)
        for method in Method
    ]
)


def crc(method: Method, octets: bytes, start: int = 0) -> int:
    """CRC of some bytes from a start, not inverted, for set-up and tests."""
    bits = POLYNOMIALS[method][0]
    value, mask = start, (1 << bits) - 1
    for each in octets:
        value = ((value << 8) & mask) ^ int(TABLES[method][(value >> bits - 8) ^ each])
    return value
