"""Which messages are protected end to end, checked against their signals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from cantools.database.can import Message, Signal

from tianyuan.dbc.checksums import CHECKSUMS, crc
from tianyuan.dbc.errors import DbcError
from tianyuan.dbc.layout import limits, network_start
from tianyuan.dbc.names import suggestion
from tianyuan.dbc.protection_check import MODES, problem_of
from tianyuan.dbc.protection_records import BY_COUNTER, Method, Protection

GROWS: Final = ("P1", "P2")  # the older profiles' tolerance grows, and they synchronise
NIBBLE: Final = 4
WIDEST_COUNTER: Final = 32


class Guard(NamedTuple):
    """A message's protection as the tables need it: signals by name, and cells of PROTECTED."""

    crc: str
    counter: str
    nibble: str
    nibble_value: int
    cells: dict[str, int]
    covered: list[int]
    by_counter: np.ndarray  # (BY_COUNTER, 3) start and tails

    @property
    def names(self) -> tuple[str, ...]:
        """The signals that the codec fills in itself."""
        return tuple(name for name in (self.crc, self.counter, self.nibble) if name)


class _Summing(NamedTuple):
    """How the CRC of a message is found, beside the bytes that it covers."""

    method: Method
    starts: list[int]  # by counter
    tails: list[bytes]
    invert: int
    backwards: bool = False


def guards(messages: Sequence[Message], protections: Mapping[str, Protection]) -> dict[str, Guard]:
    """Work out the guard of each protected message, or DbcError for one that cannot be."""
    known = {message.name: message for message in messages}
    found = {}
    for name, protection in protections.items():
        if name not in known:
            raise DbcError(f"no such message to protect; {suggestion(name, known)}", message=name)
        problem = problem_of(protection)
        if problem:
            raise DbcError(problem, message=name)
        found[name] = _guard(known[name], protection)
    return found


def _guard(message: Message, protection: Protection) -> Guard:
    counter = _counter(message, protection)
    first, last = _range(message, protection, counter)
    steps = last - first
    if not 1 <= protection.max_delta <= steps:
        _refuse(message, f"max_delta {protection.max_delta}: must be 1 to {steps}")
    sender = _crc_signal(message, protection)
    start = _start(sender) // 8 if sender else -1
    own = range(start, start + sender.length // 8) if sender else range(0)
    summing = _summing(message, protection)
    covered = [byte for byte in range(message.length) if byte not in own] if sender else []
    by_counter = np.zeros((BY_COUNTER, 3), np.int64)
    for each in range(BY_COUNTER):
        tail = summing.tails[each]
        by_counter[each, : 1 + len(tail)] = [summing.starts[each], *tail]
    grows = protection.profile in GROWS
    quiet = steps if protection.max_no_new is None or not grows else protection.max_no_new
    cells = {
        "method": int(summing.method),
        "tails": len(summing.tails[0]),
        "invert": summing.invert,
        "crc_byte": start,
        "crc_bytes": len(own),
        "first": first,
        "last": last,
        "max_delta": protection.max_delta,
        "most_delta": steps if grows else protection.max_delta,
        "resync": int(not grows or protection.sync > 0),
        "sync": protection.sync if grows else 0,
        "max_no_new": quiet,
        "read_ns": protection.read_ns,
    }
    if protection.window:
        window = protection.window._asdict()
        cells |= {"window": window.pop("size"), **window}
    return Guard(
        sender.name if sender else "",
        counter.name,
        _nibble(message, protection),
        protection.data_id >> 8 & 15,
        cells,
        covered[::-1] if summing.backwards else covered,
        by_counter,
    )


def _summing(message: Message, protection: Protection) -> _Summing:
    low, high = protection.data_id & 0xFF, protection.data_id >> 8
    none = [b""] * BY_COUNTER
    if protection.profile == "P5":
        tail = bytes((low, high))
        return _Summing(Method.CRC_1021, [0xFFFF] * BY_COUNTER, [tail] * BY_COUNTER, 0)
    if protection.profile == "P2":
        tails = [bytes((each,)) for each in protection.data_ids]
        return _Summing(Method.CRC_2F, [0xFF] * BY_COUNTER, tails, 0xFF)
    if protection.profile == "counter":
        return _plain(message, protection.checksum)
    counted = {
        "BOTH": (bytes((low, high)),) * 2,
        "ALT": (bytes((low,)), bytes((high,))),
        "LOW": (bytes((low,)),) * 2,
        "NIBBLE": (bytes((low, 0)),) * 2,
    }[protection.mode]
    starts = [crc(Method.CRC_1D, counted[each & 1]) for each in range(BY_COUNTER)]
    return _Summing(Method.CRC_1D, starts, none, 0)


def _plain(message: Message, name: str) -> _Summing:
    none = [b""] * BY_COUNTER
    if not name:
        return _Summing(Method.NONE, [0] * BY_COUNTER, none, 0)
    made = CHECKSUMS[name]
    start = made.start + (message.length if made.length else 0)
    if made.identifier:
        start += sum(message.frame_id.to_bytes(4, "little"))
    return _Summing(made.method, [start & 0xFF] * BY_COUNTER, none, made.invert, made.backwards)


def _refuse(message: Message, problem: str, signal: str = "") -> None:
    raise DbcError(problem, message=message.name, signal=signal)


def _range(message: Message, protection: Protection, counter: Signal) -> tuple[int, int]:
    """The counter's first and last value."""
    if protection.profile != "counter":
        return 0, 14 if protection.profile in MODES else (1 << counter.length) - 1
    last = protection.counter_last
    last = round(limits(counter)[1]) if last is None else last
    first = protection.counter_first
    if not 0 <= first < last < 1 << counter.length:
        _refuse(message, f"counts from {first} to {last}: must rise within its bits", counter.name)
    return first, last


def _counter(message: Message, protection: Protection) -> Signal:
    if protection.profile == "counter":
        found = _signal(message, protection.counter, range(1, WIDEST_COUNTER + 1))
        if _start(found) % 64 + found.length > 64:
            _refuse(message, "lies across two words of 8 bytes; it must not", found.name)
        return found
    bits = 8 if protection.profile == "P5" else NIBBLE
    return _aligned(message, _signal(message, protection.counter, [bits]), bits)


def _nibble(message: Message, protection: Protection) -> str:
    if protection.profile not in MODES or protection.mode != "NIBBLE":
        return ""
    found = _signal(message, protection.nibble, [NIBBLE])
    return str(_aligned(message, found, NIBBLE).name)


def _crc_signal(message: Message, protection: Protection) -> Signal | None:
    if not protection.crc and protection.profile == "counter":
        return None
    bits = 16 if protection.profile == "P5" else 8
    found = _signal(message, protection.crc, [bits])
    if bits == 16 and found.byte_order != "little_endian":
        _refuse(message, "profile P5 sends its CRC little-endian; correct its order", found.name)
    if _start(found) % 8:
        _refuse(message, "the CRC must fill whole bytes; correct its start bit", found.name)
    return found


def _start(signal: Signal) -> int:
    """The bit that the signal starts at, counted through the bytes in its own order."""
    return signal.start if signal.byte_order == "little_endian" else network_start(signal)


def _aligned(message: Message, signal: Signal, bits: int) -> Signal:
    if _start(signal) % bits:
        _refuse(message, f"must start at a multiple of {bits} bits; correct it", signal.name)
    return signal


def _signal(message: Message, name: str, lengths: Sequence[int]) -> Signal:
    named = {signal.name: signal for signal in message.signals}
    problem = ""
    if name not in named:
        problem = f"no such signal to protect with; {suggestion(name, named)}"
    elif named[name].length not in lengths or named[name].is_signed or named[name].is_float:
        most = lengths[-1]
        bits = f"{most} bits" if len(lengths) == 1 else f"at most {most} bits"
        problem = f"must be an unsigned integer of {bits} to protect with"
    elif named[name].multiplexer_signal:
        problem = "is multiplexed, and a protection must be in every frame"
    if problem:
        raise DbcError(problem, message=message.name, signal=name)
    return named[name]
