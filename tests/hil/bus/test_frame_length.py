"""The length of frames, against a slow model that writes out each bit of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tianyuan.dbc.frame import BRS, EXTENDED, FDF, REMOTE, WORDS, frames
from tianyuan.dbc.header import LENGTHS
from tianyuan.hil.bus.frame_length import lengths, order_of

ESI = 0x02
CRC15, CRC17, CRC21 = (15, 0x4599), (17, 0x1685B), (21, 0x102899)


def text(value: int, bits: int) -> str:
    return format(value, f"0{bits}b")


def stuffed(bits: str) -> str:
    """After five bits alike, the opposite one; it counts for what follows."""
    out = ""
    for bit in bits:
        if len(out) >= 5 and out[-5:] in ("00000", "11111"):
            out += "1" if out[-1] == "0" else "0"
        out += bit
    return out


def crc_of(bits: str, kind: tuple[int, int], start: int = 0) -> int:
    width, polynomial = kind
    crc = start
    for bit in bits:
        top = crc >> (width - 1) & 1
        crc = crc << 1 & (1 << width) - 1
        if top ^ int(bit):
            crc ^= polynomial & (1 << width) - 1
    return crc


def identifier(can_id: int, remote: str) -> str:
    """From the start of frame to the remote request bit of the format."""
    if can_id & EXTENDED:
        base, rest = can_id >> 18 & 0x7FF, can_id & 0x3FFFF
        return "0" + text(base, 11) + "11" + text(rest, 18) + remote
    return "0" + text(can_id & 0x7FF, 11) + remote + "0"


def classic_bits(can_id: int, payload: bytes, length: int) -> str:
    """A whole frame with three bits of intermission, as it comes on the wire."""
    remote = bool(can_id & REMOTE)
    reserved = "00" if can_id & EXTENDED else "0"
    data = "" if remote else "".join(text(byte, 8) for byte in payload)
    head = identifier(can_id, "1" if remote else "0") + reserved + text(length, 4) + data
    body = head + text(crc_of(head, CRC15), 15)
    ended = stuffed(body + "x")[:-1]  # five alike at its end are followed by a stuff bit too
    return ended + "1" + "0" + "1" + "1" * 7 + "1" * 3


def fd_bits(can_id: int, payload: bytes, flags: int) -> tuple[str, str]:
    """The bits of a CAN FD frame at the first and at the second rate."""
    brs, esi = "1" if flags & BRS else "0", "1" if flags & ESI else "0"
    first = identifier(can_id, "0") + "10" + brs
    dlc = LENGTHS.index(len(payload))
    second = esi + text(dlc, 4) + "".join(text(byte, 8) for byte in payload)
    early, whole = stuffed(first), stuffed(first + second)
    count = len(whole) - len(first + second)
    gray = (count % 8) ^ (count % 8) >> 1
    check = text(gray, 3) + str(gray.bit_count() % 2)
    width = CRC17 if len(payload) <= 16 else CRC21
    check += text(crc_of(whole + check, width, 1 << (width[0] - 1)), width[0])
    for place in range(len(check) // 4 * 4, -1, -4):
        before = check[place - 1] if place else whole[-1]
        check = check[:place] + ("1" if before == "0" else "0") + check[place:]
    return early + "1" + "0" + "1" + "1" * 7 + "1" * 3, whole[len(early) :] + check


def measured(can_id: int, payload: bytes, flags: int = 0, length: int | None = None):
    made = frames(2)  # beside one of ones, to be told from it
    made.payload[0] = 0xFF
    made.can_id[1], made.length[1] = can_id, len(payload) if length is None else length
    made["flags"][1] = flags
    made.payload[1, : len(payload)] = list(payload)
    return tuple(int(bits) for bits in lengths(made.view(np.int64), WORDS))


STANDARD = st.integers(0, 0x7FF)
EXTENDED_IDS = st.integers(0, 0x1FFF_FFFF).map(lambda number: number | EXTENDED)
IDS = STANDARD | EXTENDED_IDS
# Bytes with long runs, where stuff bits are, among others.
BYTES = st.sampled_from([0x00, 0xFF, 0x0F, 0xF0, 0x1F, 0x83, 0x3C]) | st.integers(0, 255)


@settings(max_examples=300, deadline=None)
@given(IDS, st.lists(BYTES, max_size=8).map(bytes))
def test_a_classic_frame_is_as_long_as_its_bits(can_id, payload):
    assert measured(can_id, payload) == (len(classic_bits(can_id, payload, len(payload))), 0)


@settings(max_examples=100, deadline=None)
@given(IDS, st.integers(0, 8))
def test_a_remote_frame_has_a_length_code_and_no_data(can_id, length):
    bits = classic_bits(can_id | REMOTE, b"", length)
    assert measured(can_id | REMOTE, b"\xff" * 8, length=length) == (len(bits), 0)


@settings(max_examples=300, deadline=None)
@given(
    IDS,
    st.sampled_from(LENGTHS).flatmap(
        lambda length: st.lists(BYTES, min_size=length, max_size=length).map(bytes)
    ),
    st.sampled_from([0, BRS, ESI, BRS | ESI]),
)
def test_a_can_fd_frame_is_as_long_as_its_bits_at_either_rate(can_id, payload, flags):
    first, second = fd_bits(can_id, payload, flags)
    whole = (len(first), len(second)) if flags & BRS else (len(first + second), 0)
    assert measured(can_id, payload, FDF | flags) == whole


def test_the_reference_stuffs_as_published():
    # Davis et al. (2007), figure 2: the worst pattern has a stuff bit for each four bits.
    assert stuffed("11111" + "0000" + "1111" + "0000") == "11111000001111100000"


@pytest.mark.parametrize(
    ("bits", "kind", "start", "crc"),
    [
        # "123456789" by the catalogue of parametrised CRC algorithms (reveng): CRC-15/CAN,
        # CRC-17/CAN-FD and CRC-21/CAN-FD
        (b"123456789", CRC15, 0, 0x059E),
        (b"123456789", CRC17, 0, 0x04F03),
        (b"123456789", CRC21, 0, 0x0ED841),
    ],
)
def test_the_reference_checks_as_published(bits, kind, start, crc):
    assert crc_of("".join(text(byte, 8) for byte in bits), kind, start) == crc


@pytest.mark.parametrize(
    ("stronger", "weaker"),
    [
        (0x000, 0x001),
        (0x7EF, 0x7F0),
        (0x123, 0x123 | REMOTE),  # data before its remote frame
        (0x123 | REMOTE, 0x123 << 18 | EXTENDED),  # standard before extended that begins alike
        (0x123, 0x123 << 18 | EXTENDED),
        (0x123 << 18 | EXTENDED, 0x124),  # and the other way round
        (EXTENDED | 0x1FFF_FFFE, EXTENDED | 0x1FFF_FFFF),
        (EXTENDED | 5, EXTENDED | REMOTE | 5),
        (0x7FF | REMOTE, EXTENDED | 0x1FFF_FFFF),
    ],
)
def test_arbitration_goes_by_the_bits_of_the_identifier(stronger, weaker):
    assert order_of(stronger) < order_of(weaker)


@settings(max_examples=200, deadline=None)
@given(IDS, st.booleans(), IDS, st.booleans())
def test_the_first_dominant_bit_against_a_recessive_one_wins(one, remote_one, other, remote_other):
    one, other = one | REMOTE * remote_one, other | REMOTE * remote_other
    bits = [
        identifier(can_id, "1" if can_id & REMOTE else "0").ljust(33, "0")
        for can_id in (one, other)
    ]
    assert (order_of(one) < order_of(other)) == (bits[0] < bits[1])
