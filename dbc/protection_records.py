"""The records of end-to-end protection: how a message is protected, and what is in a window."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np

BY_COUNTER: Final = 16  # columns of Codec.by_counter: the profiles' counters have four bits
MOST_WINDOW: Final = 62  # results fit a signed word

# One row a protected message.
PROTECTED: Final = np.dtype(
    [
        ("message", "i4"),
        ("method", "i4"),  # Method
        ("by_counter", "i4"),  # row of Codec.by_counter
        ("covered_first", "i4"),  # entries of Codec.covered: the payload's bytes in the order
        ("covered_end", "i4"),  # that the CRC runs over them
        ("tails", "i4"),  # bytes that are counted in after them, 0 to 2
        ("invert", "i4"),  # the CRC is sent with these bits inverted
        ("crc_byte", "i4"),  # first byte of the CRC in the payload, -1 without
        ("crc_bytes", "i4"),  # 0 to 2, little-endian
        ("counter", "i4"),  # row of SIGNAL
        ("nibble", "i4"),  # row of the signal with the data id's nibble, -1 without
        ("nibble_value", "i4"),
        ("first", "i8"),  # the counter runs from first to last
        ("last", "i8"),
        ("max_delta", "i8"),  # steps the counter may be on without an empty read,
        ("most_delta", "i8"),  # and with any number of them
        ("resync", "i8"),  # 1: after a wrong sequence go on from the counter that came
        ("sync", "i8"),  # good frames that are SYNC after a disturbed sequence
        ("max_no_new", "i8"),  # repeated and empty reads without such a disturbance
        ("read_ns", "i8"),  # time between reads; 0 every tick, -1 none is ever empty
        ("window", "i8"),  # results the state machine looks back on; 0: there is none
        ("min_ok_init", "i8"),
        ("max_error_init", "i8"),
        ("min_ok_valid", "i8"),
        ("max_error_valid", "i8"),
        ("min_ok_invalid", "i8"),
        ("max_error_invalid", "i8"),
    ],
    align=True,
)


class Method(IntEnum):
    """What is made of the bytes covered."""

    NONE = 0
    CRC_1D = 1  # CRC-8 SAE J1850
    CRC_2F = 2  # CRC-8H2F
    CRC_D5 = 3  # CRC-8 of comma's body
    CRC_1021 = 4  # CRC-16 CCITT-FALSE
    SUM = 5
    XOR = 6


class State(IntEnum):
    """State of a message's window, as AUTOSAR's E2E state machine has them."""

    NO_DATA = 0
    INIT = 1
    VALID = 2
    INVALID = 3


class Window(NamedTuple):
    """How many good and wrong results of the last ``size`` each state asks for."""

    size: int = 10
    min_ok_init: int = 1
    max_error_init: int = 2
    min_ok_valid: int = 1
    max_error_valid: int = 4
    min_ok_invalid: int = 3
    max_error_invalid: int = 2


class Protection(NamedTuple):
    """End-to-end protection of a message, by the names of its CRC and counter signals.

    ``window`` None leaves a message valid as soon as a frame of it is taken.
    """

    profile: str  # P1, P2, P5, P11 or counter
    data_id: int = 0
    crc: str = ""  # counter: none without a checksum
    counter: str = ""
    max_delta: int = 2
    mode: str = "BOTH"  # P1: BOTH, ALT, LOW, NIBBLE; P11: BOTH, NIBBLE
    data_ids: tuple[int, ...] = ()  # P2: one for each counter
    nibble: str = ""  # NIBBLE: signal with the lower half of the data id's high byte
    checksum: str = ""  # counter: a name of ``checksums.CHECKSUMS``
    counter_first: int = 0  # counter: where it begins again
    counter_last: int | None = None  # counter: None is what its declared range or bits hold
    sync: int = 1
    max_no_new: int | None = None  # None: any number
    read_ns: int = -1
    window: Window | None = None
