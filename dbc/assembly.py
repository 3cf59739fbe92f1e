"""Each message's plain signals as straight code, in LLVM's assembly language.

Two functions a message, with every mask, shift, scale and slot a constant in them.
``unpack`` writes the values of its plain signals. ``pack`` makes its frame of them, with
the initial bits of all others and whatever channel the frame had, and returns 0 if one of
the values is not finite. What is not plain, and counter and CRC, the kernels put in after.

The kernels can do all of it from the tables, as they do interpreted and with bounds
checked; what these functions do must not differ by a bit.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np

from tianyuan.dbc.frame import WORDS
from tianyuan.dbc.records import CHANNEL_BITS

_DECLARED: Final = """\
declare i64 @llvm.bswap.i64(i64)
declare double @llvm.fabs.f64(double)
declare double @llvm.rint.f64(double)
"""
# Shifted to the top and down again, then scaled in two roundings.
_TAKE: Final = """\
  %top{k} = shl i64 %{lane}, {left}
  %raw{k} = {down} i64 %top{k}, {spare}
  %number{k} = sitofp i64 %raw{k} to double
  %scaled{k} = fmul double %number{k}, {scale}
  %value{k} = fadd double %scaled{k}, {offset}
  %to{k} = getelementptr double, ptr %values, i64 {slot}
  store double %value{k}, ptr %to{k}, align 8
"""
# Rounded to the nearest raw value, ties to even, and saturated; a NaN ends as the low end.
_PUT: Final = """\
  %from{k} = getelementptr double, ptr %values, i64 {slot}
  %value{k} = load double, ptr %from{k}, align 8
  %size{k} = call double @llvm.fabs.f64(double %value{k})
  %finite{k} = fcmp olt double %size{k}, {infinity}
  %scaled{k} = fsub double %value{k}, {offset}
  %exact{k} = fdiv double %scaled{k}, {scale}
  %whole{k} = call double @llvm.rint.f64(double %exact{k})
  %above{k} = fcmp ogt double %whole{k}, {low}
  %raised{k} = select i1 %above{k}, double %whole{k}, double {low}
  %below{k} = fcmp olt double %raised{k}, {high}
  %held{k} = select i1 %below{k}, double %raised{k}, double {high}
  %raw{k} = fptosi double %held{k} to i64
  %bits{k} = and i64 %raw{k}, {bits}
  %part{k} = shl i64 %bits{k}, {shift}
"""


def source(messages: np.ndarray, signals: np.ndarray, initial: np.ndarray) -> str:
    """The functions ``unpack_M`` and ``pack_M`` of each message M of a codec's tables."""
    parts = [_DECLARED]
    for m, message in enumerate(messages):
        rows = signals[message["first"] : message["plain"]]
        words = initial[WORDS * m : WORDS * (m + 1)].tolist()
        parts.append("".join(_function(f"unpack_{m}", _unpack(rows))))
        parts.append("".join(_function(f"pack_{m}", _pack(rows, words))))
    return "\n".join(parts)


def _function(name: str, body: Iterable[str]) -> Iterator[str]:
    yield f"define i64 @{name}(ptr noalias %frame, ptr noalias %values) nounwind {{\n"
    yield from body
    yield "}\n"


def _unpack(rows: np.ndarray) -> Iterator[str]:
    for word, swapped in sorted({(int(row["word"]), int(row["swap"])) for row in rows}):
        yield from _load(word, swapped)
    for k, row in enumerate(rows):
        yield _TAKE.format(k=k, lane=_lane(row), down=_down(row), **_constants(row))
    yield "  ret i64 0\n"


def _load(word: int, swapped: int) -> Iterator[str]:
    name = f"{word}_{swapped}"
    loaded = f"loaded{name}" if swapped else f"lane{name}"
    yield f"  %at{name} = getelementptr i64, ptr %frame, i64 {word}\n"
    yield f"  %{loaded} = load i64, ptr %at{name}, align 8\n"
    if swapped:
        yield f"  %lane{name} = call i64 @llvm.bswap.i64(i64 %{loaded})\n"


def _pack(rows: np.ndarray, words: list[int]) -> Iterator[str]:
    yield "  %before = load i64, ptr %frame, align 8\n"
    yield f"  %channel = and i64 %before, {CHANNEL_BITS}\n"
    parts: dict[tuple[int, int], list[str]] = {(0, 0): ["%channel"]}
    finite = ["1"]
    for k, row in enumerate(rows):
        yield _PUT.format(k=k, **_constants(row))
        parts.setdefault((int(row["word"]), int(row["swap"])), []).append(f"%part{k}")
        finite.append(f"%finite{k}")
    for word, initial in enumerate(words):
        yield from _store(word, initial, parts)
    yield from _fold("and i1", "sound", finite)
    yield "  %result = zext i1 %sound to i64\n  ret i64 %result\n"


def _store(word: int, initial: int, parts: dict[tuple[int, int], list[str]]) -> Iterator[str]:
    """Write a word of the frame: its initial bits and the parts of both byte orders."""
    yield from _fold("or i64", f"moto{word}", ["0", *parts.get((word, 1), ())])
    yield f"  %swapped{word} = call i64 @llvm.bswap.i64(i64 %moto{word})\n"
    intel = parts.get((word, 0), ())
    yield from _fold("or i64", f"word{word}", [str(initial), f"%swapped{word}", *intel])
    yield f"  %place{word} = getelementptr i64, ptr %frame, i64 {word}\n"
    yield f"  store i64 %word{word}, ptr %place{word}, align 8\n"


def _fold(operation: str, name: str, operands: list[str]) -> Iterator[str]:
    """Combine the operands, of which the first is neutral or there are two, into ``name``."""
    total = operands[0]
    for n, operand in enumerate(operands[1:-1]):
        yield f"  %{name}_{n} = {operation} {total}, {operand}\n"
        total = f"%{name}_{n}"
    yield f"  %{name} = {operation} {total}, {operands[-1]}\n"


def _lane(row: Any) -> str:
    return f"lane{row['word']}_{row['swap']}"


def _down(row: Any) -> str:
    """The shift that keeps the sign of a signed signal, and puts none into another."""
    return "ashr" if row["mask"] == -1 else "lshr"


def _constants(row: Any) -> dict[str, Any]:
    low, high = (float(round(float(row[end]))) for end in ("low", "high"))
    numbers = {"scale": row["scale"], "offset": row["offset"], "low": low, "high": high}
    return {
        "left": row["left"],
        "spare": row["spare"],
        "shift": int(row["spare"]) - int(row["left"]),
        "bits": (1 << 64 - int(row["spare"])) - 1,
        "slot": row["slot"],
        "infinity": _hexadecimal(np.inf),
        **{name: _hexadecimal(float(number)) for name, number in numbers.items()},
    }


def _hexadecimal(number: float) -> str:
    """A double bit for bit, as LLVM writes it."""
    return f"0x{struct.pack('>d', number).hex().upper()}"
