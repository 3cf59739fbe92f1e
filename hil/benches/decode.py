"""Logs to columns: ours against python-can with cantools, and against asammdf's extraction."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import can
import numpy as np
from cantools.database.can import Message
from cantools.database.errors import DecodeError

from tianyuan.dbc.frame import EXTENDED
from tianyuan.dbc.header import can_id
from tianyuan.dbc.read import read
from tianyuan.drivers.messages import read_frame
from tianyuan.hil.benches import traffic
from tianyuan.hil.benches.turns import Contestant, nanoseconds
from tianyuan.hil.decoding.databases import Database
from tianyuan.hil.decoding.signals import read_signals
from tianyuan.rooms import room

ENDINGS: Final = {"candump": ".log", "blf": ".blf", "mf4": ".mf4"}
TURN_S: Final = 0.2
EPOCH_S: Final = 1_700_000_000
_NS_PER_S: Final = 1_000_000_000
# Published logs with the DBC file that knows most of their frames, and the channel it is for.
PUBLISHED: Final = {
    "savvycan/candump.log": ("opendbc/bmw_e9x_e8x.dbc", None),
    "css/00000164_00000001-60FE3F04.MF4": ("css/canmod-gps.dbc", 2),
    "css/7512BE4D.MF4": ("css/can9-database-01.09.dbc", 9),
}
Columns = Mapping[str, np.ndarray]


class Case(NamedTuple):
    """A log, and the DBC file for all of its channels or for one."""

    name: str
    log: Path
    dbc: Path
    channel: int | None = None

    @property
    def is_mf4(self) -> bool:
        """Whether the peer is asammdf."""
        return self.log.suffix.lower() == ".mf4"


class Figures(NamedTuple):
    """One case: seconds of each, medians, and how many times as fast ours is."""

    ours_s: float
    peer_s: float
    ratio: float
    bytes: int
    equal: bool  # every value is that of cantools


def write_logs(folder: Path, seconds: float, progress: Callable[[float], None]) -> list[Case]:
    """The shipped car's traffic as python-can writes it, a log of each kind."""
    frames = _frames(seconds)
    writers: list[can.Listener] = [
        can.Logger(str(folder / f"car{ending}")) for ending in ENDINGS.values()
    ]
    for at in range(frames.size):
        t_s = EPOCH_S + int(frames["t_ns"][at]) / _NS_PER_S
        message = read_frame(frames, at, t_s, 0)
        for writer in writers:
            writer.on_message_received(message)
        if at % 1000 == 0:
            progress(at / frames.size)
    for writer in writers:
        writer.stop()
    return [Case(name, folder / f"car{end}", traffic.CAR) for name, end in ENDINGS.items()]


def _frames(seconds: float) -> np.ndarray:
    """Both directions of the bus, spread evenly over each pass; two bits of each byte vary."""
    both = traffic.car(guarded=False)
    pass_ns = traffic.PASS_MS * 1_000_000
    passes = int(np.ceil(seconds * _NS_PER_S / pass_ns))
    every = []
    for side in (both.decoded, both.encoded):
        one = np.asarray(side.frames).copy()
        one["t_ns"] = np.arange(one.size) * (pass_ns // one.size)
        every.append(one)
    one_pass = np.concatenate(every)
    one_pass = one_pass[np.argsort(one_pass["t_ns"], kind="stable")]
    frames = np.tile(one_pass, passes)
    frames["t_ns"] += np.repeat(np.arange(passes) * pass_ns, one_pass.size)
    noise = np.random.default_rng(1).integers(0, 4, frames["payload"].shape, np.uint8)
    frames["payload"] ^= noise * (np.arange(noise.shape[1]) < frames["length"][:, None])
    return frames


def published() -> list[Case]:
    """The published logs that this machine has, where the tests look for them."""
    beside = room("dbc").parents[1] / "shared"
    folder = Path(os.environ.get("TIANYUAN_SHARED", beside)) / "data"
    return [
        Case(Path(log).name, folder / "logs" / log, folder / "dbc" / dbc, channel)
        for log, (dbc, channel) in PUBLISHED.items()
        if (folder / "logs" / log).is_file() and (folder / "dbc" / dbc).is_file()
    ]


class Dbc(NamedTuple):
    """A case's DBC file as each contestant has it: read before the clock starts."""

    ours: list[Database]
    cantools: Mapping[int, Message]  # by can_id
    asammdf: Any  # canmatrix, which only MF4 needs


def measure(case: Case, turns: int, progress: Callable[[float], None]) -> Figures:
    """Ours and the peer in turns. ``progress`` is told turns done."""
    dbc = dbc_of(case)
    peer = partial(extracted if case.is_mf4 else by_cantools, case, dbc)
    contestants = {"ours": _repeated(partial(ours, case, dbc)), "peer": _repeated(peer)}
    took_ns = nanoseconds(contestants, turns, progress)
    return Figures(
        took_ns["ours"] / _NS_PER_S,
        took_ns["peer"] / _NS_PER_S,
        took_ns["peer"] / took_ns["ours"],
        case.log.stat().st_size,
        same(ours(case, dbc), by_cantools(case, dbc)),
    )


def _repeated(run: Callable[[], object]) -> Contestant:
    """So often that a turn takes ``TURN_S`` at least; a short log is read in milliseconds."""
    began_ns = time.perf_counter_ns()
    run()
    times = math.ceil(TURN_S * _NS_PER_S / (time.perf_counter_ns() - began_ns))

    def repeated() -> None:
        for _ in range(times):
            run()

    return Contestant(repeated, times)


def dbc_of(case: Case) -> Dbc:
    """Read a case's DBC file."""
    messages = read(case.dbc).messages
    channel = None if case.channel is None else str(case.channel)
    for_asammdf = None
    if case.is_mf4:
        from asammdf.blocks.utils import load_can_database  # noqa: PLC0415 - takes half a second

        for_asammdf = load_can_database(case.dbc)
    return Dbc(
        [Database(messages, channel)], {can_id(each): each for each in messages}, for_asammdf
    )


def ours(case: Case, dbc: Dbc) -> Columns:
    """Every signal's values, by our kernels."""
    return {name: each.values for name, each in read_signals([case.log], dbc.ours).items()}


def by_cantools(case: Case, dbc: Dbc) -> Columns:
    """The same by python-can, message by message, and cantools."""
    columns: dict[tuple[str, str], list[Any]] = {}
    with can.LogReader(str(case.log)) as reader:
        for frame in reader:
            message = _known(dbc.cantools, frame)
            if message is None or case.channel not in (None, frame.channel):
                continue
            try:
                values = message.decode_simple(bytes(frame.data), decode_choices=False)
            except DecodeError:
                continue
            for name, value in values.items():
                columns.setdefault((message.name, name), []).append(value)
    return {f"{m}.{s}": np.array(values, float) for (m, s), values in columns.items()}


def _known(known: Mapping[int, Message], frame: can.Message) -> Message | None:
    if frame.is_error_frame or frame.is_remote_frame:
        return None
    return known.get(frame.arbitration_id | (EXTENDED if frame.is_extended_id else 0))


def extracted(case: Case, dbc: Dbc) -> None:
    """The same by asammdf, as far as its own object: its columns are not even read out of it."""
    from asammdf import MDF  # noqa: PLC0415

    with MDF(case.log) as mdf:
        bus = 0 if case.channel is None else case.channel
        mdf.extract_bus_logging({"CAN": [(dbc.asammdf, bus)]}).close()


def same(one: Columns, other: Columns) -> bool:
    """Whether there are the same columns of the same values."""
    return one.keys() == other.keys() and all(
        np.array_equal(values, other[name], equal_nan=True) for name, values in one.items()
    )
