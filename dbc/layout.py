"""One signal of a DBC file as one row of the codec's table.

A signal is read left-justified, in either byte order alike: the word with its most
significant bit is shifted up by ``left``, what a neighbouring word holds of it is filled
in below, and a shift down by ``spare`` brings the least significant bit to bit 0::

    Intel, start 60, length 8                  Motorola, start 3, length 6 (bytes reversed)
    beside  |3210............|  payload word 0  word    |....543210......|
    word    |............7654|  payload word 1  left        ^ from the top
    bits     0             63                   bits     63             0
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from cantools.database.can import Message, Signal

from tianyuan.dbc.errors import DbcError
from tianyuan.dbc.records import NO_SLOT, SIGNAL, Binding, Kind

_FLOATS = {
    16: (Kind.FLOAT_16, float(np.finfo(np.float16).max), ">f2"),
    32: (Kind.FLOAT_32, float(np.finfo(np.float32).max), ">f4"),
    64: (Kind.FLOAT_64, float(np.finfo(np.float64).max), ">f8"),
}


def network_start(signal: Signal) -> int:
    """Return the bit a Motorola signal starts at, counted from the top of byte 0."""
    return 8 * (signal.start // 8) + 7 - signal.start % 8


def check(message: Message, signal: Signal) -> None:
    """Raise DbcError for a signal that no row can describe."""

    def refuse(problem: str) -> None:
        raise DbcError(problem, message=message.name, signal=signal.name)

    if not 1 <= signal.length <= 64:
        refuse(f"length {signal.length} bits: must be 1 to 64; split the signal")
    if signal.conversion.is_float and signal.length not in _FLOATS:
        refuse(f"IEEE float of {signal.length} bits: must be 16, 32 or 64")
    if not (math.isfinite(signal.scale) and signal.scale != 0 and math.isfinite(signal.offset)):
        refuse(f"factor {signal.scale}, offset {signal.offset}: must be finite, the factor not 0")
    intel = signal.byte_order == "little_endian"
    start = signal.start if intel else network_start(signal)
    if start + signal.length > 8 * min(message.length, 64):
        refuse(f"does not fit into the message's {message.length} bytes; a frame has at most 64")


def _position(signal: Signal) -> dict[str, int]:
    spare = 64 - signal.length
    if signal.byte_order == "big_endian":
        start = network_start(signal)
        word = 1 + start // 64
        return {"word": word, "beside": word + 1, "left": start % 64, "spare": spare, "swap": 1}
    top = signal.start + signal.length - 1
    word = 1 + top // 64
    return {"word": word, "beside": word - 1, "left": 63 - top % 64, "spare": spare, "swap": 0}


def _raw_range(signal: Signal) -> tuple[float, float]:
    """Smallest and largest raw value that the bits can hold; ints, or floats for a float."""
    if signal.conversion.is_float:
        largest = _FLOATS[signal.length][1]
        return -largest, largest
    if signal.is_signed:
        return -(1 << signal.length - 1), (1 << signal.length - 1) - 1
    return 0, (1 << signal.length) - 1


def _raw_bound(signal: Signal, physical: float) -> float:
    try:
        return signal.conversion.numeric_scaled_to_raw(physical)
    except OverflowError:  # beyond any integer, so no bound at all
        return math.copysign(math.inf, physical) * math.copysign(1, signal.scale)


def limits(signal: Signal) -> tuple[float, float]:
    """Smallest and largest raw value to send: what fits, within the declared range.

    A declared bound between two raw values counts as the nearer one, as for any value.
    """
    low, high = _raw_range(signal)
    if signal.minimum is None or signal.maximum is None or signal.minimum >= signal.maximum:
        return low, high
    declared = sorted(_raw_bound(signal, float(end)) for end in (signal.minimum, signal.maximum))
    return min(max(declared[0], low), high), max(min(declared[1], high), low)


def bits(signal: Signal, raw: float) -> int:
    """Pack a raw value, saturated, into the signal's unsigned bit pattern."""
    low, high = _raw_range(signal)
    raw = min(max(raw, low), high)
    if signal.conversion.is_float:
        pattern = np.array(raw, _FLOATS[signal.length][2])
        return int.from_bytes(pattern.tobytes(), "big")
    return round(raw) & ((1 << signal.length) - 1)


def _word(signal: Signal, pattern: int) -> int:
    """Turn a bit pattern into the signed 64-bit word that the kernels shift into place."""
    pattern <<= 64 - signal.length
    return (pattern - (1 << 64) if pattern >> 63 else pattern) >> (64 - signal.length)


def raw_word(message: Message, signal: Signal, raw: int) -> int:
    """Return a raw value as ``bits.extract`` reads it, or DbcError for one that does not fit."""
    if signal.conversion.is_float:
        raise DbcError(
            f"raw value {raw} of an IEEE float; only an integer has a list of raw values",
            message=message.name,
            signal=signal.name,
        )
    low, high = _raw_range(signal)
    if not low <= raw <= high:
        raise DbcError(
            f"raw value {raw} does not fit: its bits hold {low} to {high}; correct the number",
            message=message.name,
            signal=signal.name,
        )
    return int(raw) - (1 << 64) if raw >> 63 > 0 else int(raw)


def initial_bits(signal: Signal, raw: float | None = None) -> int:
    """Return the bit pattern of a raw value, or of the initial one that the DBC file declares."""
    raw = signal.raw_initial if raw is None else raw
    return bits(signal, raw) if raw is not None and math.isfinite(raw) else 0


def placed(signal: Signal, message_length: int, pattern: int) -> int:
    """Shift a bit pattern to its place in the payload as a little-endian integer."""
    if signal.byte_order == "little_endian":
        return pattern << signal.start
    below = 8 * message_length - network_start(signal) - signal.length
    return int.from_bytes((pattern << below).to_bytes(message_length, "big"), "little")


def _kind(signal: Signal) -> Kind:
    if signal.conversion.is_float:
        return _FLOATS[signal.length][0]
    unsigned_64 = signal.length == 64 and not signal.is_signed
    return Kind.UNSIGNED_64 if unsigned_64 else Kind.INTEGER


def _available(limits: tuple[float, float], unavailable: tuple[int, ...]) -> tuple[float, float]:
    """Draw the limits in from the raw values that mean "not available"."""
    low, high = limits
    while low in unavailable and low < high:
        low += 1
    while high in unavailable and low < high:
        high -= 1
    return low, high


def row(
    message: Message, signal: Signal, binding: Binding | None, initial: float | None = None
) -> Any:
    """Make the SIGNAL row of a bound signal, or without binding, of its initial value.

    ``initial`` is a raw value in place of the DBC file's. Rows of VALUE are the caller's.
    """
    check(message, signal)
    cells = np.zeros((), SIGNAL)
    for name, value in _position(signal).items():
        cells[name] = value
    kind = _kind(signal)
    unsigned = kind == Kind.INTEGER and not signal.is_signed
    cells["kind"] = kind
    cells["spills"] = cells["left"] > cells["spare"]
    cells["mask"] = (1 << signal.length) - 1 if unsigned else -1
    cells["slot"] = NO_SLOT
    if binding is None:
        cells["raw_low"] = cells["raw_high"] = _word(signal, initial_bits(signal, initial))
        return cells
    cells["slot"] = binding.slot
    cells["scale"] = signal.scale * binding.factor
    cells["offset"] = signal.offset * binding.factor + binding.offset
    low, high = _available(limits(signal), binding.unavailable)
    cells["low"], cells["high"] = low, high
    cells["raw_low"], cells["raw_high"] = (
        _word(signal, bits(signal, limit)) for limit in (low, high)
    )
    return cells


def is_plain(cells: Any) -> bool:
    """Whether a row is that of a scaled integer in one word, which a double holds exactly.

    Of these is made machine code; the kernels do all others.
    """
    exact = cells["kind"] == Kind.INTEGER and cells["spare"] >= 64 - 53
    return bool(exact and not cells["spills"] and cells["listed"] == cells["listed_end"])
