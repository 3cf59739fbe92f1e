"""How much of a bus its messages take, by their cycles: the least and the worst there can be.

A frame is longest when its bits call for as many stuff bits as can be. Classic CAN: Davis,
Burns, Bril, Lukkien, "Controller Area Network (CAN) schedulability analysis: Refuted, revisited
and revised", Real-Time Systems 35 (2007), equation 1. CAN FD: the fields of ISO 11898-1:2015,
stuffed by the same rule up to the end of the data and at fixed places after it; with ISO's stuff
count these are the figures of Bordoloi and Samii, "The Frame Packing Problem for CAN-FD" (2014).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from cantools.database.can import Message

from tianyuan.dbc.frame import BRS
from tianyuan.dbc.header import header, padded
from tianyuan.firmware.car_shape import Bus, Car
from tianyuan.firmware.timing import cycle_ms

# Classic CAN, equation 1: bits that may be stuffed, less the data, and those that are not, the
# three between two frames among them.
_STUFFED: Final = {False: 34, True: 54}  # by whether the identifier is extended
_UNSTUFFED: Final = 13
# CAN FD up to the bit that switches the rate, from there to the data, and the end, which comes
# at the first rate again: delimiters, acknowledgement, end of frame, and between two frames.
_FD_ARBITRATION: Final = {False: 17, True: 36}
_FD_CONTROL: Final = 5
_FD_END: Final = 13
_FD_SHORT: Final = 16  # bytes that the shorter of two CRCs serves
_FD_CHECK: Final = {True: 4 + 17 + 6, False: 4 + 21 + 7}  # stuff count, CRC, fixed stuff bits


class Load(NamedTuple):
    """A bus and its load, as shares of 1: without stuff bits, and with as many as there can be."""

    bus: str
    bitrate: int
    data_bitrate: int | None
    load: float
    worst: float
    messages: int
    missing_cycle: list[str]


def frame_s(message: Message, bus: Bus, stuffed: bool) -> float:
    """How long a frame takes the bus, without stuff bits or with as many as there can be."""
    if message.is_fd or message.length > 8:
        return _fd_s(message, bus, stuffed)
    inside = _STUFFED[message.is_extended_frame] + 8 * message.length
    return (inside + _UNSTUFFED + _stuff(inside, stuffed)) / bus.bitrate


def _stuff(bits: int, stuffed: bool) -> int:
    """The most stuff bits: one after five alike, then one after each four."""
    return (bits - 1) // 4 if stuffed else 0


def _fd_s(message: Message, bus: Bus, stuffed: bool) -> float:
    length = padded(message.length)
    first = _FD_ARBITRATION[message.is_extended_frame]
    second = _FD_CONTROL + 8 * length
    early = _stuff(first, stuffed)
    late = _stuff(first + second, stuffed) - early
    second += late + _FD_CHECK[length <= _FD_SHORT]
    switched = header(message, 0) >> 40 & BRS
    fast = bus.data_bitrate if switched and bus.data_bitrate else bus.bitrate
    return (first + early + _FD_END) / bus.bitrate + second / fast


def load(car: Car, name: str, messages: Iterable[Message]) -> Load:
    """The load of a bus by all of its messages that have a cycle."""
    bus, every = car.buses[name], list(messages)
    cycles_s = [cycle_ms(car, message) * 1e-3 for message in every]
    timed = [pair for pair in zip(every, cycles_s, strict=True) if pair[1] > 0.0]
    least, worst = (
        sum(frame_s(message, bus, stuffed) / cycle_s for message, cycle_s in timed)
        for stuffed in (False, True)
    )
    missing = [message.name for message in every if not cycle_ms(car, message)]
    return Load(name, bus.bitrate, bus.data_bitrate, least, worst, len(every), missing)
