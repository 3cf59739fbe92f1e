"""Faults of what the host reads at its start: copies of car file, DBC files and line, made wrong.

The originals are never touched. The host must refuse what is made here, naming file, key or line.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from tianyuan.control.errors import InputError
from tianyuan.control.planning.curve import closed_curve
from tianyuan.control.planning.raceline import steering_reach_1pm
from tianyuan.control.records import Controller
from tianyuan.control.records import path as new_path
from tianyuan.firmware.car_file import Car, load_car, params_of
from tianyuan.firmware.commissioning import commission
from tianyuan.firmware.line_file import write_line
from tianyuan.firmware.racing_line import line_for
from tianyuan.hil.faults.entry import FaultEntry

LINE: Final = "line.csv"
TIGHTER: Final = 1.5  # than the steering reaches
SHARE_LEFT_OUT: Final = 0.25  # of an open line


class Inputs(NamedTuple):
    """The files that a host starts with; without a line it plans one for the track."""

    car: Path
    track: Path
    line: Path | None = None


def made_wrong(entry: FaultEntry, inputs: Inputs, folder: Path) -> Inputs:
    """The files with an entry's fault in them, in ``folder``. Raises InputError."""
    if entry.fault in ON_DBC:
        return _with_dbc(entry, inputs, folder)
    if entry.fault == "car_file_wrong":
        return inputs._replace(car=_car_wrong(entry, _copied(inputs.car, folder)))
    if entry.fault in ON_LINE:
        car = load_car(inputs.car)
        line = line_for(car, inputs.track, inputs.line).copy()
        file = folder / LINE
        write_line(ON_LINE[entry.fault](entry, line, car), file)
        return inputs._replace(line=file)
    raise InputError(f"{entry.fault}: is no fault of a file")


def _copied(car: Path, folder: Path) -> Path:
    """A car file with its DBC files beside it."""
    for file in load_car(car).dbc_files():
        shutil.copy(file, folder / file.name)
    return Path(shutil.copy(car, folder / car.name))


def _car_wrong(entry: FaultEntry, file: Path) -> Path:
    """A mass below zero, or a key that is misspelt."""
    text = file.read_text(encoding="utf-8")
    if entry.parameters["how"] == "negative":
        text = re.sub(r"^(mass_kg\s*=\s*)", r"\1-", text, count=1, flags=re.MULTILINE)
    else:
        text = re.sub(r"^mass_kg\b", "masss_kg", text, count=1, flags=re.MULTILINE)
    file.write_text(text, encoding="utf-8")
    return file


def _with_dbc(entry: FaultEntry, inputs: Inputs, folder: Path) -> Inputs:
    copied = _copied(inputs.car, folder)
    car = load_car(copied)
    if entry.fault == "dbc_changed":
        commission(car, "the day before the fault")
    message, _, signal = car.commands["steer_rad"][0].signal.partition(".")
    for file in car.dbc_files():
        text = file.read_bytes().decode("cp1252")
        if re.search(rf"^BO_ \d+ {message}\s*:", text, re.MULTILINE):
            wrong = ON_DBC[entry.fault](entry, text, message, signal)
            file.write_bytes(wrong.encode("cp1252"))
            return inputs._replace(car=copied)
    raise InputError(f"{inputs.car}: no DBC file has {message}")


def _changed(text: str, message: str, signal: str, change: Callable[[re.Match[str]], str]) -> str:
    """The text with one signal's line changed, given its head, start, size, order and scale."""
    block = re.compile(rf"^BO_ \d+ {message}\s*:.*\n(?:[ \t]*SG_ .*\n)*", re.MULTILINE)
    line = re.compile(
        rf"^(?P<head>[ \t]*SG_ {signal}\b[^:]*:\s*)(?P<start>\d+)\|(?P<size>\d+)"
        r"(?P<order>@[01][+-]\s*\()(?P<scale>[^,]+)(?P<rest>,.*\n)",
        re.MULTILINE,
    )
    return block.sub(lambda found: line.sub(change, found[0], count=1), text, count=1)


def _first_of(text: str, message: str, other: str) -> str:
    """Where the first signal of a message begins that is not ``other``."""
    block = text[re.search(rf"^BO_ \d+ {message}\s*:", text, re.MULTILINE).start() :]  # type: ignore[union-attr]
    named = re.findall(r"SG_ (\w+)\b[^:]*:\s*(\d+)\|", block)
    return next(start for name, start in named if name != other)


def _malformed(entry: FaultEntry, text: str, message: str, signal: str) -> str:
    """A signal's line cut off in the middle."""
    return _changed(text, message, signal, lambda found: f"{found['head']}{found['start']}|\n")


def _signal_wrong(entry: FaultEntry, text: str, message: str, signal: str) -> str:
    how = entry.parameters["how"]
    if how == "missing":
        return _changed(text, message, signal, lambda found: "")
    if how == "overlapping":
        start = _first_of(text, message, signal)
        return _changed(
            text, message, signal,
            lambda found: found[0].replace(f"{found['start']}|", f"{start}|", 1),
        )  # fmt: skip
    return _changed(
        text, message, signal,
        lambda found: found[0].replace(f"|{found['size']}@", "|4@", 1),
    )  # fmt: skip


def _scale_changed(entry: FaultEntry, text: str, message: str, signal: str) -> str:
    """A file that is right by itself, and not the one that the car was commissioned with."""
    return _changed(
        text, message, signal,
        lambda found: found[0].replace(
            f"({found['scale']},", f"({float(found['scale']) * 1.25:g},", 1
        ),
    )  # fmt: skip


def _nan(entry: FaultEntry, line: np.recarray, car: Car) -> np.recarray:
    line.x_m[len(line) // 3] = np.nan
    return line


def _repeated(entry: FaultEntry, line: np.recarray, car: Car) -> np.recarray:
    place = len(line) // 3
    line[place + 1] = line[place]
    return line


def _reversed(entry: FaultEntry, line: np.recarray, car: Car) -> np.recarray:
    """The same line the other way round, right in everything else."""
    back = line[::-1].copy().view(np.recarray)
    back.s_m = line.s_m
    back.heading_rad = back.heading_rad + np.pi
    back.curvature_1pm, back.slope_rad = -back.curvature_1pm, -back.slope_rad
    left, right = back.left_m.copy(), back.right_m.copy()
    back.left_m, back.right_m = right, left
    return back


def _not_simple(entry: FaultEntry, line: np.recarray, car: Car) -> np.recarray:
    """An end far from the beginning, or a figure of eight."""
    if entry.parameters["how"] == "open":
        return line[: round(len(line) * (1.0 - SHARE_LEFT_OUT))].view(np.recarray)
    turn = np.arange(400) * (2.0 * np.pi / 400)
    reach_m = line.s_m[-1] / 6.1  # so that both are about as long
    x_m, y_m = reach_m * np.sin(turn), 0.5 * reach_m * np.sin(2.0 * turn)
    curve = closed_curve(x_m + line.x_m.mean(), y_m + line.y_m.mean(), float(line.s_m[1]))
    eight = new_path(len(curve.s_m))
    for field in ("s_m", "x_m", "y_m", "heading_rad", "curvature_1pm"):
        eight[field] = getattr(curve, field)
    for field in ("speed_mps", "left_m", "right_m"):
        eight[field] = line[field].min()
    return eight


def _too_tight(entry: FaultEntry, line: np.recarray, car: Car) -> np.recarray:
    reach_1pm = float(steering_reach_1pm(params_of(car, Controller.STANLEY, 0.0)))
    line.curvature_1pm[len(line) // 3] = TIGHTER * reach_1pm
    return line


ON_DBC: Final[dict[str, Callable[[FaultEntry, str, str, str], str]]] = {
    "dbc_malformed": _malformed,
    "dbc_signal_wrong": _signal_wrong,
    "dbc_changed": _scale_changed,
}
ON_LINE: Final[dict[str, Callable[[FaultEntry, np.recarray, Car], np.recarray]]] = {
    "line_nan": _nan,
    "line_repeated_points": _repeated,
    "line_reversed": _reversed,
    "line_not_simple": _not_simple,
    "line_too_tight": _too_tight,
}
