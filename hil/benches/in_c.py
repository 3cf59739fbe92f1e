"""The peer in C: what cantools generates from a DBC file, built by gcc and called in a loop."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import numpy as np
from cantools.database.can import Message
from cantools.database.can.c_source import camel_to_snake_case

from tianyuan.dbc.header import can_id
from tianyuan.hil.benches.traffic import Side, Traffic

COMPILER: Final = "gcc"
# As fast as in a program: bound within the library, calls neither go through its table of
# foreign functions nor are kept from being inlined in case another library replaces them.
FLAGS: Final = ("-O3", "-shared", "-fPIC", "-Wl,-Bsymbolic", "-fno-semantic-interposition")
_SOURCE: Final = Template(Path(__file__).with_name("in_c.c").read_text(encoding="utf-8"))


class NoCompilerError(Exception):
    """The peers in C cannot be built on this machine: one line of why."""


class Peer(NamedTuple):
    """Decodes and encodes whole traffic ``passes`` times; both return frames refused."""

    decode: Callable[[int], int]
    encode: Callable[[int], int]
    decoded: np.ndarray  # f8 by slot, as ``decode`` left them
    encoded: np.ndarray  # FRAME, as ``encode`` left them


@contextmanager
def peers(traffic: Traffic) -> Iterator[dict[str, Peer]]:
    """Build and load the C peers while the context lasts.

    ``c`` calls the generated functions in their own object file, as a program does that
    links them; for ``c_inlined`` they are in one file with the loop, so that the compiler
    makes one piece of both that can do this DBC file and nothing else.

    Raises:
        NoCompilerError: there is no gcc, or it lacks something.

    """
    with TemporaryDirectory(prefix="tianyuan-bench-") as name:
        folder = Path(name)
        _generate(traffic, folder)
        yield {
            "c": _load(_compile(folder, "linked", "wire.h", ["wire.c"]), traffic),
            "c_inlined": _load(_compile(folder, "inlined", "wire.c", []), traffic),
        }


def _generate(traffic: Traffic, folder: Path) -> None:
    command = [sys.executable, "-m", "cantools", "generate_c_source", "--database-name", "wire"]
    _run([*command, "-o", str(folder), str(traffic.dbc)], folder)
    loops = _SOURCE.substitute(
        decode_cases="".join(_decode_cases(traffic.decoded.messages)),
        encode_cases="".join(_encode_cases(traffic.encoded.messages)),
    )
    (folder / "loops.c").write_text(loops, encoding="utf-8")


def _decode_cases(messages: Sequence[Message]) -> Iterator[str]:
    slots = count()
    for message in messages:
        kind = f"wire_{camel_to_snake_case(message.name)}"
        yield f"case {can_id(message)}: {{\n  struct {kind}_t m;\n"
        yield f"  if ({kind}_unpack(&m, frame->payload, frame->length)) return 1;\n"
        for signal in message.signals:
            field = camel_to_snake_case(signal.name)
            yield f"  values[{next(slots)}] = {kind}_{field}_decode(m.{field});\n"
        yield "  return 0;\n}\n"


def _encode_cases(messages: Sequence[Message]) -> Iterator[str]:
    slots = count()
    for index, message in enumerate(messages):
        kind = f"wire_{camel_to_snake_case(message.name)}"
        yield f"case {index}: {{\n  struct {kind}_t m;\n"
        for signal in message.signals:
            field = camel_to_snake_case(signal.name)
            yield f"  m.{field} = {kind}_{field}_encode(values[{next(slots)}]);\n"
        yield f"  frame->can_id = {can_id(message)};\n  frame->length = {message.length};\n"
        yield f"  return {kind}_pack(frame->payload, &m, {message.length}) < 0;\n}}\n"


def _compile(folder: Path, name: str, wire: str, others: Sequence[str]) -> Path:
    library = folder / f"{name}.so"
    included = f'-DWIRE="{wire}"'
    _run([COMPILER, *FLAGS, included, "loops.c", *others, "-o", str(library)], folder)
    return library


def _run(command: Sequence[str], folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise NoCompilerError(f"no {command[0]} on this machine; apt install gcc") from None
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout).strip().splitlines()
        raise NoCompilerError(f"{command[0]}: {said[0] if said else 'failed'}") from None


def _load(library: Path, traffic: Traffic) -> Peer:
    loops = ctypes.CDLL(str(library))
    for loop in (loops.decode_all, loops.encode_all):
        loop.restype = ctypes.c_long
    decoded = np.zeros_like(traffic.decoded.values)
    encoded = np.zeros_like(traffic.encoded.frames)
    side: Side = traffic.encoded

    def address(array: np.ndarray) -> ctypes.c_void_p:
        return ctypes.c_void_p(array.ctypes.data)

    def decode(passes: int) -> int:
        taken = traffic.decoded.frames
        size, times = ctypes.c_long(taken.size), ctypes.c_long(passes)
        return int(loops.decode_all(address(taken), size, times, address(decoded)))

    def encode(passes: int) -> int:
        size, times = ctypes.c_long(side.order.size), ctypes.c_long(passes)
        arrays = address(side.order), size, times, address(side.values), address(encoded)
        return int(loops.encode_all(*arrays))

    return Peer(decode, encode, decoded, encoded)
