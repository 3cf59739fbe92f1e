"""A circuit, a car that laps it, and its log as `tianyuan drive` would have left it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from tianyuan import names
from tianyuan.control.records import CHANNEL_NAMES, COMMAND, PATH, Controller, Mode, Permit
from tianyuan.dbc.codec import SENT, Codec, encode, records
from tianyuan.dbc.frame import TX, frames
from tianyuan.firmware.car_file import Car, load_car
from tianyuan.firmware.host_record import HOST, HOST_CHANNEL, TICK_ID
from tianyuan.firmware.log_file import card_text
from tianyuan.firmware.recording.formats import open_log_file
from tianyuan.firmware.run_card import write_card
from tianyuan.firmware.tables import host_codec, wire

STRAIGHT_M, RADIUS_M, SPEED_MPS = 200.0, 50.0, 40.0
LENGTH_M = 2.0 * STRAIGHT_M + 2.0 * np.pi * RADIUS_M
RATE_HZ = 10  # of this host: few frames, for the interpreter's sake
WALL_NS = 1_700_000_000_000_000_000


def stadium(start_m: float = 0.0, count: int = 714) -> np.recarray:
    """Two straights and two half circles to the left, from ``start_m`` along them.

         ______________
        /              \\
       (                )   begins in the middle of the lower straight
        \\______>_______/
    """
    path = np.zeros(count, PATH).view(np.recarray)
    path.s_m = np.arange(count) * LENGTH_M / count
    along = (path.s_m + start_m + STRAIGHT_M / 2) % LENGTH_M
    half = STRAIGHT_M + np.pi * RADIUS_M
    back, s = along >= half, along % half
    turned = np.maximum(s - STRAIGHT_M, 0.0) / RADIUS_M
    x = np.minimum(s, STRAIGHT_M) - STRAIGHT_M / 2 + RADIUS_M * np.sin(turned)
    y = -RADIUS_M * np.cos(turned)
    path.x_m, path.y_m = np.where(back, -x, x), np.where(back, -y, y)
    path.heading_rad = np.unwrap(turned + np.pi * back)
    path.curvature_1pm = np.where(turned > 0.0, 1.0 / RADIUS_M, 0.0)
    path.speed_mps = 20.0
    path.left_m = path.right_m = 5.0
    return path


def beside(
    path: np.recarray, station_m: np.ndarray, offset_m: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points left of a closed line that turns once to the left, and the way it runs there."""
    place = (station_m % LENGTH_M) / path.s_m[1]
    columns = [np.append(path[name], path[name][0]) for name in ("x_m", "y_m", "heading_rad")]
    columns[2][-1] += 2.0 * np.pi
    x_m, y_m, way_rad = (np.interp(place, np.arange(len(c)), c) for c in columns)
    return x_m - offset_m * np.sin(way_rad), y_m + offset_m * np.cos(way_rad), way_rad


class Driven(NamedTuple):
    """What the host, the car and the log's clock said at each tick."""

    t_ns: np.ndarray
    host: np.ndarray  # HOST
    sensors: np.ndarray  # (n, channels of SENSORS)
    commands: np.ndarray  # COMMAND


def driven(path: np.recarray, laps: float = 2.2, speed_mps: float = SPEED_MPS) -> Driven:
    """A car that stands for two seconds and then laps at one speed, a little beside the line."""
    seconds = 2.0 + laps * LENGTH_M / speed_mps
    t_s = np.arange(0.0, seconds, 1.0 / RATE_HZ)
    covered_m = np.maximum(t_s - 2.0, 0.0) * speed_mps + 1.0
    s_m = covered_m % LENGTH_M
    host = np.zeros(len(t_s), HOST)
    host["cross_track_m"] = 0.1 * np.sin(s_m / 7.0)
    host["x_m"], host["y_m"], heading = beside(path, s_m, host["cross_track_m"])
    host["heading_rad"], host["station_m"] = heading, s_m
    host["speed_mps"] = np.where(t_s < 2.0, 0.0, speed_mps)
    host["target_mps"] = speed_mps + 1.0
    host["mode"] = np.where(t_s < 2.0, Mode.READY, Mode.DRIVING)
    host["laps"] = covered_m // LENGTH_M
    host["wake_us"], host["receive_us"], host["tick_us"], host["send_us"] = 3.0, 7.0, 5.0, 11.0
    sensors = np.zeros((len(t_s), len(CHANNEL_NAMES)))
    sensors[:, CHANNEL_NAMES.index("steer_rad")] = 0.05 * np.sin(t_s)
    sensors[:, CHANNEL_NAMES.index("throttle")] = 0.4
    sensors[:, CHANNEL_NAMES.index("gear")] = 3.0
    sensors[:, CHANNEL_NAMES.index("brake_front_bar")] = 12.0
    sensors[:, CHANNEL_NAMES.index("permit")] = Permit.GRANTED
    commands = np.zeros(len(t_s), COMMAND)
    commands["steer_rad"], commands["throttle"] = 0.06 * np.sin(t_s), 0.5
    return Driven(round(5e9) + np.rint(t_s * 1e9).astype(np.int64), host, sensors, commands)


def encoded(codec: Codec, values: np.ndarray, channel: int, mark: int, t_ns: np.ndarray) -> list:
    """Every message of a codec at every tick, in order: a list of ticks of frames."""
    sent, count = records(codec, SENT), codec.messages.size
    ticks = []
    for row, at_ns in zip(values, t_ns, strict=True):
        made = frames(count)
        for m in range(count):
            assert encode(codec, m, sent, row, made, m) == 0
        made.channel, made.reserved, made.t_ns = channel, mark, at_ns
        ticks.append(made)
    return ticks


def ticks_of(car: Car, drive: Driven) -> list[np.recarray]:
    """The frames of each tick as the recorder writes them: in, out, about, and the marker."""
    bus, (about, _) = wire(car), host_codec()
    told = drive.host.view("f8").reshape(len(drive.t_ns), -1)
    said = np.stack([drive.commands[name] for name in COMMAND.names], axis=1)
    parts = zip(
        encoded(bus.sensors, np.pad(drive.sensors, ((0, 0), (0, 8))), 0, 0, drive.t_ns),
        encoded(bus.commands, said, 0, TX, drive.t_ns),
        encoded(about, told, HOST_CHANNEL, TX, drive.t_ns),
        drive.t_ns.tolist(),
        strict=True,
    )
    return [np.concatenate([*three, marker(t_ns)]).view(np.recarray) for *three, t_ns in parts]


def marker(t_ns: int) -> np.recarray:
    """HOST_TICK."""
    made = frames(1)
    made.can_id, made.length, made.channel, made.reserved = TICK_ID, 8, HOST_CHANNEL, TX
    made.payload[:, :8] = np.frombuffer(t_ns.to_bytes(8, "little"), np.uint8)
    made.t_ns = t_ns
    return made


class Written(NamedTuple):
    """A log, and what it was made of."""

    log: Path
    drive: Driven
    ticks: list[np.recarray]
    path: np.recarray


class Workshop(NamedTuple):
    """What the tests make drives with."""

    stadium: Callable = stadium
    beside: Callable = beside
    driven: Callable = driven
    ticks_of: Callable = ticks_of
    marker: Callable = marker
    length_m: float = LENGTH_M
    speed_mps: float = SPEED_MPS
    rate_hz: int = RATE_HZ


@pytest.fixture(scope="session")
def workshop() -> Workshop:
    return Workshop()


@pytest.fixture(scope="session")
def car() -> Car:
    return load_car(names.car_file("tianyuan"))


@pytest.fixture(scope="session")
def log_of(car: Car) -> Callable[..., Path]:
    """Write ticks to a log with its card beside it."""

    def write(
        folder: Path,
        path: np.recarray,
        ticks: list[np.recarray],
        name: str,
        card_of: Path | None = None,
    ) -> Path:
        log = folder / name
        written = open_log_file(log, card_text(card_of) if card_of else None)
        written.append(np.concatenate(ticks), WALL_NS)
        written.close()
        if not (folder / "drive.blf.run.json").exists():
            write_card(folder / "drive.blf", car, path, Controller.STANLEY, RATE_HZ)
        return log

    return write


@pytest.fixture(scope="session")
def lapped(car: Car, log_of: Callable[..., Path], tmp_path_factory) -> Written:
    """A drive of two laps and a bit, whole."""
    path = stadium()
    drive = driven(path)
    ticks = ticks_of(car, drive)
    log = log_of(tmp_path_factory.mktemp("lapped"), path, ticks, "drive.blf")
    return Written(log, drive, ticks, path)
