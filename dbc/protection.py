"""Which messages are protected end to end, checked against their signals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from cantools.database.can import Message, Signal

from tianyuan.dbc.e2e import COUNTERS, crc8_j1850
from tianyuan.dbc.errors import DbcError
from tianyuan.dbc.layout import network_start
from tianyuan.dbc.names import suggestion
from tianyuan.dbc.records import Protection

PROFILES: Final = ("P1", "P11")


class Guard(NamedTuple):
    """A message's protection as its row in the table needs it."""

    crc: str
    counter: str
    crc_byte: int
    crc_start: int
    max_delta: int


def guards(messages: Sequence[Message], protections: Mapping[str, Protection]) -> dict[str, Guard]:
    """Work out the guard of each protected message, or DbcError for one that cannot be."""
    known = {message.name: message for message in messages}
    found = {}
    for name, protection in protections.items():
        if name not in known:
            raise DbcError(f"no such message to protect; {suggestion(name, known)}", message=name)
        found[name] = _guard(known[name], protection)
    return found


def _guard(message: Message, protection: Protection) -> Guard:
    _check_numbers(message, protection)
    crc = _signal(message, protection.crc, 8)
    counter = _signal(message, protection.counter, 4)
    intel = crc.byte_order == "little_endian"
    start = crc.start if intel else network_start(crc)
    if start % 8:
        raise DbcError(
            "the CRC must fill one byte; correct its start bit",
            message=message.name,
            signal=crc.name,
        )
    low, high = protection.data_id & 0xFF, protection.data_id >> 8
    crc_start = crc8_j1850(bytes((low, high)), start=0, invert=0)
    return Guard(crc.name, counter.name, start // 8, crc_start, protection.max_delta)


def _check_numbers(message: Message, protection: Protection) -> None:
    problem = ""
    if protection.profile not in PROFILES:
        problem = f"protection profile {protection.profile!r}: must be one of {PROFILES}"
    elif not 0 <= protection.data_id <= 0xFFFF:
        problem = f"data id {protection.data_id}: must be 0 to 0xFFFF"
    elif not 1 <= protection.max_delta < COUNTERS:
        problem = f"max_delta {protection.max_delta}: must be 1 to {COUNTERS - 1}"
    if problem:
        raise DbcError(problem, message=message.name)


def _signal(message: Message, name: str, length: int) -> Signal:
    named = {signal.name: signal for signal in message.signals}
    problem = ""
    if name not in named:
        problem = f"no such signal to protect with; {suggestion(name, named)}"
    elif named[name].length != length or named[name].is_signed or named[name].is_float:
        problem = f"must be an unsigned integer of {length} bits to protect with"
    elif named[name].multiplexer_signal:
        problem = "is multiplexed, and a protection must be in every frame"
    if problem:
        raise DbcError(problem, message=message.name, signal=name)
    return named[name]
