"""A frame's counter, CRC or checksum as straight code, in LLVM's assembly language.

The code does, bit for bit, what ``e2e.mismatch`` does from the tables. Of a CRC, eight
bytes are looked up side by side (``checksums.shifted``) and then the next eight.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from tianyuan.dbc.checksums import POLYNOMIALS, TABLES, shifted
from tianyuan.dbc.e2e import NIBBLE_SHIFT
from tianyuan.dbc.protection_records import BY_COUNTER, Method
from tianyuan.dbc.records import Codec

_ABREAST: Final = 8
_OCTET: Final = """\
  %from{k} = getelementptr i8, ptr %frame, i64 {at}
  %octet{k} = load i8, ptr %from{k}
  %word{k} = zext i8 %octet{k} to i64
"""
_OWN: Final = """\
  %from_own = getelementptr i8, ptr %frame, i64 {at}
  %own = load i{bits}, ptr %from_own, align 1
  %sent = zext i{bits} %own to i64
"""
_COUNT: Final = """\
  %at_count = getelementptr i64, ptr %frame, i64 {word}
  %uncounted = load i64, ptr %at_count, align 8
  %counted = or i64 %uncounted, {part}
  store i64 %counted, ptr %at_count, align 8
"""
_SEND: Final = """\
  %to_own = getelementptr i8, ptr %frame, i64 {at}
  %cut = trunc i64 {crc} to i{bits}
  store i{bits} %cut, ptr %to_own, align 1
"""
_LOOK_UP: Final = """\
  %entry{k} = getelementptr [8 x [256 x i{bits}]], ptr @{table}, i64 0, i64 {zeros}, i64 {index}
  %found{k} = load i{bits}, ptr %entry{k}
  %share{k} = zext i{bits} %found{k} to i64
"""
# A signal within one word, as its row says.
_SIGNAL: Final = """\
  %at_{name} = getelementptr i64, ptr %frame, i64 {word}
  %loaded_{name} = load i64, ptr %at_{name}, align 8
  %lane_{name} = {turned}
  %top_{name} = shl i64 %lane_{name}, {left}
  %{name} = lshr i64 %top_{name}, {spare}
"""
_BY_COUNTER: Final = """\
  %entry_{name} = getelementptr [{size} x i64], ptr @by_counter_{row}_{column}, i64 0, i64 %by
  %{name} = load i64, ptr %entry_{name}
"""


class _Frame(NamedTuple):
    """What the code of one message is made of."""

    codec: Codec
    row: Any  # of PROTECTED
    body: list[str]

    def add(self, text: str, **words: Any) -> None:
        self.body.append(text.format(**words))

    def combine(self, name: str, operation: str, one: str, other: str) -> str:
        self.body.append(f"  %{name} = {operation} i64 {one}, {other}\n")
        return f"%{name}"


def tables(codec: Codec) -> str:
    """The tables of the CRCs that the codec's messages have."""
    made = []
    for method, (bits, _) in POLYNOMIALS.items():
        if method in codec.protected.method:
            rows = shifted(bits, TABLES[method]).tolist()
            parts = ", ".join(f"[256 x i{bits}] [{_numbers(f'i{bits}', row)}]" for row in rows)
            made.append(f"@{method.name} = internal constant [8 x [256 x i{bits}]] [{parts}]\n")
    return "".join(made)


def constants(codec: Codec, protected: int) -> str:
    """The columns of ``codec.by_counter`` that vary with the counter, of one message."""
    row = codec.protected[protected]
    columns = codec.by_counter[row["by_counter"]].T.tolist()
    return "".join(
        f"@by_counter_{protected}_{column} = internal constant "
        f"[{BY_COUNTER} x i64] [{_numbers('i64', values)}]\n"
        for column, values in enumerate(columns)
        if len(set(values)) > 1
    )


def check(codec: Codec, protected: int) -> list[str]:
    """The body of the function that returns what ``e2e.mismatch`` does."""
    frame = _Frame(codec, codec.protected[protected], [])
    if frame.row["method"] == Method.NONE:
        return ["  ret i64 0\n"]
    found = _summed(frame, protected)
    frame.add(_OWN, at=8 + frame.row["crc_byte"], bits=8 * frame.row["crc_bytes"])
    off = frame.combine("off", "xor", found, "%sent")
    if frame.row["nibble"] >= 0:
        off = _with_nibble(frame, off)
    return [*frame.body, f"  ret i64 {off}\n"]


def sealing(name: str, codec: Codec, protected: int) -> str:
    """The function that puts a counter, and then the CRC, where the frame's bits are zero."""
    frame = _Frame(codec, codec.protected[protected], [])
    cells = codec.signals[frame.row["counter"]]
    shift = int(cells["spare"]) - int(cells["left"])
    part = frame.combine("part", "shl", "%count", str(shift))
    if cells["swap"]:
        frame.body.append(f"  %turned = call i64 @llvm.bswap.i64(i64 {part})\n")
        part = "%turned"
    frame.add(_COUNT, word=int(cells["word"]), part=part)
    if frame.row["method"] != Method.NONE:
        found = _summed(frame, protected)
        frame.add(_SEND, at=8 + frame.row["crc_byte"], bits=8 * frame.row["crc_bytes"], crc=found)
    header = f"define i64 @{name}(ptr %frame, i64 %count) nounwind {{\n"
    return "".join([header, *frame.body, "  ret i64 0\n}\n"])


def _summed(frame: _Frame, protected: int) -> str:
    """The CRC or checksum that the frame should have."""
    row = frame.row
    start, *tails = _by_counter(frame, protected)
    covered = frame.codec.covered[row["covered_first"] : row["covered_end"]].tolist()
    for k, byte in enumerate(covered):
        frame.add(_OCTET, k=k, at=8 + byte)
    octets = [f"%word{k}" for k in range(len(covered))] + tails[: row["tails"]]
    method = Method(int(row["method"]))
    if method in POLYNOMIALS:
        found = _crc(frame, method, start, octets)
    elif method == Method.SUM:
        total = fold(frame.body, "add i64", "total", [start, *octets])
        found = frame.combine("byte", "and", total, "255")
    else:
        found = fold(frame.body, "xor i64", "total", [start, *octets])
    return frame.combine("crc", "xor", found, str(row["invert"]))


def _by_counter(frame: _Frame, protected: int) -> list[str]:
    """Operands for the start and the tails: constants where the counter makes no difference."""
    columns = frame.codec.by_counter[frame.row["by_counter"]].T.tolist()
    if any(len(set(values)) > 1 for values in columns):
        _signal(frame, "counter", frame.row["counter"])
        frame.combine("by", "and", "%counter", "15")
    operands = []
    for column, values in enumerate(columns):
        if len(set(values)) == 1:
            operands.append(str(values[0]))
            continue
        name = f"part{column}"
        frame.add(_BY_COUNTER, name=name, size=BY_COUNTER, row=protected, column=column)
        operands.append(f"%{name}")
    return operands


def _signal(frame: _Frame, name: str, row: int) -> None:
    cells = frame.codec.signals[row]
    loaded = f"i64 %loaded_{name}"
    turned = f"call i64 @llvm.bswap.i64({loaded})" if cells["swap"] else f"add {loaded}, 0"
    places = {each: int(cells[each]) for each in ("word", "left", "spare")}
    frame.add(_SIGNAL, name=name, turned=turned, **places)


def _with_nibble(frame: _Frame, off: str) -> str:
    _signal(frame, "nibble", frame.row["nibble"])
    wrong = frame.combine("wrong", "xor", "%nibble", str(frame.row["nibble_value"]))
    above = frame.combine("above", "shl", wrong, str(NIBBLE_SHIFT))
    return frame.combine("both", "or", off, above)


def _crc(frame: _Frame, method: Method, start: str, octets: list[str]) -> str:
    """Eight bytes side by side, the CRC so far in with the first of them."""
    bits = POLYNOMIALS[method][0]
    crc = start
    for first in range(0, len(octets), _ABREAST):
        chunk = octets[first : first + _ABREAST]
        # The CRC's own bytes, the highest first; what is beyond the chunk is left over.
        own = [crc] if bits == 8 else _halves(frame, first, crc)
        shares = []
        for k, octet in enumerate(chunk):
            name, index = f"_{first + k}", octet
            if k < len(own):
                index = frame.combine(f"index{name}", "xor", octet, own[k])
            zeros = len(chunk) - 1 - k
            frame.add(_LOOK_UP, k=name, table=method.name, bits=bits, zeros=zeros, index=index)
            shares.append(f"%share{name}")
        if len(chunk) < len(own):
            shares.append(frame.combine(f"left{first}", "shl", own[1], "8"))
        crc = fold(frame.body, "xor i64", f"crc{first}", shares)
    return crc


def _halves(frame: _Frame, first: int, crc: str) -> list[str]:
    high = frame.combine(f"high{first}", "lshr", crc, "8")
    return [high, frame.combine(f"low{first}", "and", crc, "255")]


def fold(body: list[str], operation: str, name: str, operands: list[str]) -> str:
    """Combine the operands one after another; return what holds the result."""
    total = operands[0]
    for n, operand in enumerate(operands[1:]):
        body.append(f"  %{name}.{n} = {operation} {total}, {operand}\n")
        total = f"%{name}.{n}"
    return total


def _numbers(kind: str, values: list[int]) -> str:
    return ", ".join(f"{kind} {each}" for each in values)
