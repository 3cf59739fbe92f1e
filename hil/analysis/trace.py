"""A drive as points in time: the car's own log, or any log with a position in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pymap3d
from scipy.interpolate import Akima1DInterpolator
from scipy.ndimage import gaussian_filter1d

from tianyuan.control.errors import InputError
from tianyuan.dbc.names import suggestion
from tianyuan.dbc.units import conversion
from tianyuan.drivers.local_frame import LocalFrame
from tianyuan.drivers.logs.notes import Note
from tianyuan.hil.analysis.own_log import OwnLog
from tianyuan.hil.decoding.databases import Database
from tianyuan.hil.decoding.signals import Series, read_signals

STEP_S: Final = 0.05  # between the points of a trace: 3 m at 60 m/s
REPEATED_S: Final = 1.5  # the same place for less than this is the same fix, sent again
GAP_S: Final = 4.0  # without a fix for longer, nobody knows where the car was
SMOOTH_S: Final = 0.3  # of a speed made of places
FEWEST: Final = 10  # fixes of a drive
STANDING_MPS: Final = 0.5
DRIVEN: Final = ("speed_mps", "steer_rad", "throttle", "brake_bar")


@dataclass(frozen=True)
class Trace:
    """A drive; arrays (n,) over time, NaN where nothing is known."""

    name: str
    t_s: np.ndarray  # since the log began
    x_m: np.ndarray
    y_m: np.ndarray
    speed_mps: np.ndarray
    steer_rad: np.ndarray
    throttle: np.ndarray  # 0 to 1
    brake_bar: np.ndarray
    notes: tuple[str, ...] = ()  # what was wrong with the log

    @property
    def heading_rad(self) -> np.ndarray:
        """Which way the points go, NaN while the car stands."""
        dx, dy = np.gradient(self.x_m), np.gradient(self.y_m)
        moving = np.hypot(dx, dy) > 1e-3
        return np.where(moving, np.arctan2(dy, dx), np.nan)

    def between(self, begin_s: float, end_s: float) -> Trace:
        """The part of a time."""
        inside = (self.t_s >= begin_s) & (self.t_s <= end_s)
        return replace(self, **{name: getattr(self, name)[inside] for name in _ARRAYS})


_ARRAYS: Final = ("t_s", "x_m", "y_m", *DRIVEN)


class Wanted(NamedTuple):
    """Which signals of a foreign log are what, as ``MESSAGE.Signal``; None is not there."""

    databases: Sequence[Database]
    position: tuple[str, str]  # x and y, or latitude and longitude
    speed: str | None = None
    steer: str | None = None
    steer_ratio: float = 1.0  # of a steering wheel's angle to the road wheels'
    throttle: str | None = None
    brake: str | None = None
    valid: str | None = None  # not zero where the position is to be believed


def of_own(own: OwnLog) -> Trace:
    """The trace of our own log, by the host's estimate."""
    rows = own.telemetry[np.isfinite(own.telemetry["x_m"])]
    columns = {name: rows[name].astype(float) for name in _ARRAYS}
    gaps = [f"nothing for {gap.missing_s:.3f} s at {gap.t_s:.3f} s" for gap in own.gaps]
    return Trace(own.file.name, **columns, notes=(*gaps, *map(_told, own.notes)))


def _told(note: Note) -> str:
    return f"{note.kind}, {note.times} times; first: {note.first}"


def read_foreign(
    log: Path, wanted: Wanted, origin: LocalFrame | None
) -> tuple[Trace, LocalFrame | None]:
    """The trace of any log, by its signals; latitudes are taken about ``origin``.

    Returns the origin too, which is the first place where none is given, and None for places in
    metres. Raises InputError, naming the signal, for one that is not in the log or has a unit
    that does not fit.
    """
    notes = list[Note]()
    names = {name for name in _names(wanted) if name}
    series = read_signals([log], wanted.databases, names, notes)
    places = [_of(log, wanted, series, name) for name in wanted.position]
    t_ns = places[0].t_ns
    first, second = (_at(t_ns, each) for each in places)
    units = [_unit(wanted.databases, name) for name in wanted.position]
    keep = np.isfinite(first) & np.isfinite(second)
    if wanted.valid is not None:
        keep &= _before(t_ns, _of(log, wanted, series, wanted.valid)) != 0.0
    if keep.sum() < FEWEST:
        raise InputError(
            f"{log}: {int(keep.sum())} places by {', '.join(wanted.position)}: too few for a drive"
        )
    t_s = (t_ns[keep] - t_ns[keep][0]) * 1e-9
    begin_ns = int(t_ns[keep][0])
    x_m, y_m, origin = _local(wanted, units, first[keep], second[keep], origin)
    dense_s, x_m, y_m = _dense(t_s, x_m, y_m)
    driven = {
        name: _driven(log, wanted, series, signal, unit, dense_s, begin_ns)
        for name, (signal, unit) in _driven_by(wanted).items()
    }
    if wanted.speed is None:
        driven["speed_mps"] = _speed(x_m, y_m)
    driven["steer_rad"] = driven["steer_rad"] / wanted.steer_ratio
    return Trace(log.name, dense_s, x_m, y_m, **driven, notes=tuple(map(_told, notes))), origin


def _driven_by(wanted: Wanted) -> dict[str, tuple[str | None, str]]:
    return {
        "speed_mps": (wanted.speed, "m/s"),
        "steer_rad": (wanted.steer, "rad"),
        "throttle": (wanted.throttle, ""),
        "brake_bar": (wanted.brake, "bar"),
    }


def _names(wanted: Wanted) -> list[str | None]:
    return [*wanted.position, wanted.valid, *(signal for signal, _ in _driven_by(wanted).values())]


def _unit(databases: Sequence[Database], name: str) -> str:
    """The unit of a signal; raises InputError where no DBC file has it."""
    message_name, _, signal_name = name.partition(".")
    known = list[str]()
    for database in databases:
        for message in database.messages:
            for signal in message.signals:
                if message.name == message_name and signal.name == signal_name:
                    return signal.unit or ""
                known.append(f"{message.name}.{signal.name}")
    files = ", ".join(database.file for database in databases)
    raise InputError(f"{name}: not in {files}; {suggestion(name, known)}")


def _of(log: Path, wanted: Wanted, series: Mapping[str, Series], name: str) -> Series:
    _unit(wanted.databases, name)
    if name not in series:
        raise InputError(f"{log}: no frame of {name} in it; name a signal that it has")
    return series[name]


def _at(t_ns: np.ndarray, series: Series) -> np.ndarray:
    if np.array_equal(t_ns, series.t_ns):
        return series.values
    order = np.argsort(series.t_ns, kind="stable")
    return np.interp(t_ns, series.t_ns[order], series.values[order], np.nan, np.nan)


def _before(t_ns: np.ndarray, series: Series) -> np.ndarray:
    """The newest value at each time, the first one before it."""
    place = np.searchsorted(series.t_ns, t_ns, "right") - 1
    return series.values[np.maximum(place, 0)]


def _local(
    wanted: Wanted,
    units: list[str],
    first: np.ndarray,
    second: np.ndarray,
    origin: LocalFrame | None,
) -> tuple[np.ndarray, np.ndarray, LocalFrame | None]:
    """East and north in metres, of places in metres or degrees, and the origin of degrees."""
    if all(_is_angle(unit) for unit in units):
        (to_deg, _), (to_deg2, _) = (conversion(unit, "deg") for unit in units)
        latitude, longitude = first * to_deg, second * to_deg2
        if "lon" in wanted.position[0].rpartition(".")[2].lower():
            latitude, longitude = longitude, latitude
        origin = origin or LocalFrame(float(latitude[0]), float(longitude[0]))
        east, north, _ = pymap3d.geodetic2enu(
            latitude, longitude, 0.0, origin.latitude_deg, origin.longitude_deg, 0.0
        )
        return np.asarray(east), np.asarray(north), origin
    metres = [
        conversion(unit, "m", name) for unit, name in zip(units, wanted.position, strict=True)
    ]
    x_m, y_m = (
        values * factor + offset
        for values, (factor, offset) in zip((first, second), metres, strict=True)
    )
    return x_m, y_m, None


def _is_angle(unit: str) -> bool:
    try:
        conversion(unit, "deg")
    except InputError:
        return False
    return True


def _dense(
    t_s: np.ndarray, x_m: np.ndarray, y_m: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points every STEP_S on a smooth curve through the fixes, NaN where these have a gap."""
    order = np.argsort(t_s, kind="stable")
    t_s, x_m, y_m = t_s[order], x_m[order], y_m[order]
    moved = np.concatenate([[True], (np.diff(x_m) != 0.0) | (np.diff(y_m) != 0.0)])
    since_s = t_s - np.maximum.accumulate(np.where(moved, t_s, -np.inf))
    standing = (since_s > REPEATED_S) & np.append(moved[1:], True)
    keep = (moved | standing) & np.concatenate([[True], np.diff(t_s) > 0.0])
    t_s, x_m, y_m = t_s[keep], x_m[keep], y_m[keep]
    dense_s = np.arange(t_s[0], t_s[-1], STEP_S)
    place = np.clip(np.searchsorted(t_s, dense_s, "right"), 1, len(t_s) - 1)
    known = t_s[place] - t_s[place - 1] <= GAP_S
    curves = (Akima1DInterpolator(t_s, values, method="makima")(dense_s) for values in (x_m, y_m))
    x_m, y_m = (np.where(known, values, np.nan) for values in curves)
    return dense_s, x_m, y_m


def _driven(
    log: Path,
    wanted: Wanted,
    series: Mapping[str, Series],
    signal: str | None,
    unit: str,
    t_s: np.ndarray,
    begin_ns: int,
) -> np.ndarray:
    if signal is None:
        return np.full(len(t_s), np.nan)
    found = _of(log, wanted, series, signal)
    factor, offset = conversion(_unit(wanted.databases, signal), unit, signal)
    at_ns = begin_ns + np.rint(t_s * 1e9).astype(np.int64)
    return _at(at_ns, found) * factor + offset


def _speed(x_m: np.ndarray, y_m: np.ndarray) -> np.ndarray:
    speed_mps = np.hypot(np.gradient(x_m), np.gradient(y_m)) / STEP_S
    known = np.isfinite(speed_mps)
    smooth = gaussian_filter1d(np.where(known, speed_mps, 0.0), SMOOTH_S / STEP_S)
    weight = gaussian_filter1d(known.astype(float), SMOOTH_S / STEP_S)
    return np.where(known, smooth / np.maximum(weight, 1e-9), np.nan)
