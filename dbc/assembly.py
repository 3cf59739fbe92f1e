"""Each message's plain signals as straight code, in LLVM's assembly language.

Every mask, shift, scale and slot is a constant in them. ``unpack`` writes the values of the
message's plain signals. ``pack`` makes its frame of them, with the initial bits of all
others, and returns 0 if one of the values is not finite; what is not plain the kernels put in
after. Of a protected message, ``crc`` returns what the CRC of a frame is off by, and ``seal``
puts counter and CRC into one (``summing.py``).

The kernels can do all of it from the tables, as they do interpreted and with bounds
checked; what these functions do must not differ by a bit.
"""

from __future__ import annotations

import struct
from typing import Any, Final

import numpy as np

from tianyuan.dbc import summing
from tianyuan.dbc.frame import WORDS
from tianyuan.dbc.records import Codec
from tianyuan.dbc.summing import fold

_DECLARED: Final = """\
declare i64 @llvm.bswap.i64(i64)
declare double @llvm.rint.f64(double)
"""
_LOAD: Final = """\
  %at{word}_0 = getelementptr i64, ptr %frame, i64 {word}
  %lane{word}_0 = load i64, ptr %at{word}_0, align 8
"""
_LOAD_MOTOROLA: Final = """\
  %at{word}_1 = getelementptr i64, ptr %frame, i64 {word}
  %loaded{word} = load i64, ptr %at{word}_1, align 8
  %lane{word}_1 = call i64 @llvm.bswap.i64(i64 %loaded{word})
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
# Rounded to the nearest raw value, ties to even, and saturated; NaN ends as the low end. Zero
# times a value is zero if it is finite and NaN if not, so one sum tells it of all of them.
_PUT: Final = """\
  %from{k} = getelementptr double, ptr %values, i64 {slot}
  %value{k} = load double, ptr %from{k}, align 8
  %zero{k} = fmul double %value{k}, 0.0
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
_STORE: Final = """\
  %place{word} = getelementptr i64, ptr %frame, i64 {word}
  store i64 {value}, ptr %place{word}, align 8
"""
_RETURN: Final = """\
  %finite = fcmp oeq double {sum}, 0.0
  %result = zext i1 %finite to i64
  ret i64 %result
"""


def source(codec: Codec) -> str:
    """The functions ``unpack_M``, ``pack_M`` and ``crc_M`` of each message M of the codec."""
    parts = [_DECLARED, summing.tables(codec)]
    for m, message in enumerate(codec.messages):
        rows = codec.signals[message["first"] : message["plain"]]
        words = codec.initial[WORDS * m : WORDS * (m + 1)].tolist()
        parts.append(_function(f"unpack_{m}", _unpack(rows)))
        parts.append(_function(f"pack_{m}", _pack(rows, words)))
        if (protected := int(message["protected"])) >= 0:
            parts.append(summing.constants(codec, protected))
            parts.append(_function(f"crc_{m}", summing.check(codec, protected)))
            parts.append(summing.sealing(f"seal_{m}", codec, protected))
    return "\n".join(parts)


def _function(name: str, body: list[str]) -> str:
    header = f"define i64 @{name}(ptr noalias %frame, ptr noalias %values) nounwind {{\n"
    return "".join([header, *body, "}\n"])


def _unpack(rows: np.ndarray) -> list[str]:
    body = []
    for word, swapped in sorted({(int(row["word"]), int(row["swap"])) for row in rows}):
        body.append((_LOAD_MOTOROLA if swapped else _LOAD).format(word=word))
    for k, row in enumerate(rows):
        body.append(_TAKE.format(k=k, lane=_lane(row), down=_down(row), **_constants(row)))
    return [*body, "  ret i64 0\n"]


def _pack(rows: np.ndarray, words: list[int]) -> list[str]:
    body: list[str] = []
    parts: dict[str, list[str]] = {}
    for k, row in enumerate(rows):
        body.append(_PUT.format(k=k, **_constants(row)))
        parts.setdefault(_lane(row), []).append(f"%part{k}")
    for word, initial in enumerate(words):
        own = [str(initial), *parts.get(f"lane{word}_0", ())]
        if swapped := parts.get(f"lane{word}_1"):
            all_swapped = fold(body, "or i64", f"swapped{word}", swapped)
            body.append(f"  %motorola{word} = call i64 @llvm.bswap.i64(i64 {all_swapped})\n")
            own.append(f"%motorola{word}")
        body.append(_STORE.format(word=word, value=fold(body, "or i64", f"word{word}", own)))
    zeros = ["0.0", *(f"%zero{k}" for k in range(len(rows)))]
    body.append(_RETURN.format(sum=fold(body, "fadd double", "sum", zeros)))
    return body


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
        **{name: _hexadecimal(float(number)) for name, number in numbers.items()},
    }


def _hexadecimal(number: float) -> str:
    """A double bit for bit, as LLVM writes it."""
    return f"0x{struct.pack('>d', number).hex().upper()}"
