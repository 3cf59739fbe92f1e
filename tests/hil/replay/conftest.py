"""A drive of the shipped car in virtual time, recorded as a host's recorder would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import can
import numpy as np
import pytest

from tianyuan import names
from tianyuan.control.records import Controller, Mode
from tianyuan.dbc.frame import TX, frames
from tianyuan.drivers.messages import read_frame
from tianyuan.firmware.car_file import Car, load_car
from tianyuan.firmware.host import Host, make_host
from tianyuan.firmware.run_card import write_card
from tianyuan.firmware.snapshot import blank, fill
from tianyuan.hil import lockstep, rig, virtual

PERIOD_NS = 10_000_000
EVERY = PERIOD_NS // rig.STEP_NS
SECONDS = 12.0
TICKS_A_SNAPSHOT = 100
TICKS = round(SECONDS * 1e9) // PERIOD_NS


class Driven(NamedTuple):
    """A drive that is over: its car and line, its frames in order, and its host."""

    car: Car
    path: np.recarray
    host: Host
    frames: np.recarray

    @property
    def ticks(self) -> int:
        return TICKS

    def fresh(self) -> Host:
        return make_host(self.car, self.path, Controller.STANLEY, PERIOD_NS)

    def write(self, file: Path, kept: np.ndarray | None = None) -> Path:
        """The frames as a log, with the run's card."""
        write_frames(file, self.frames if kept is None else kept)
        write_card(file, self.car, self.path, Controller.STANLEY, 1_000_000_000 // PERIOD_NS)
        return file


def write_frames(file: Path, kept: np.ndarray) -> Path:
    with can.Logger(str(file)) as writer:
        for i in range(kept.size):
            at_s, own = int(kept[i]["t_ns"]) * 1e-9, int(kept[i]["reserved"]) == TX
            message = read_frame(kept, i, at_s, int(kept[i]["channel"]), own)
            writer.on_message_received(message)
    return file


@pytest.fixture(scope="session")
def unguarded(tmp_path_factory) -> Car:
    """The shipped car without its guard, ready at once, as a file of its own."""
    shipped = load_car(names.car_file("tianyuan"))
    file = tmp_path_factory.mktemp("car") / "car.toml"
    lines = shipped.file.read_text().splitlines()
    begin = lines.index("[guard]")
    end = next(i for i in range(begin + 1, len(lines)) if lines[i].startswith("["))
    kept = [line for line in lines[:begin] if not line.startswith("permit ")] + lines[end:]
    file.write_text("\n".join(kept) + "\n\n[supervisor]\nready_dwell_s = 0.0\n")
    for dbc in shipped.dbc_files():
        (file.parent / dbc.name).write_bytes(dbc.read_bytes())
    return load_car(file)


@pytest.fixture(scope="session")
def driven(unguarded, oval) -> Driven:
    host = make_host(unguarded, oval, Controller.STANLEY, PERIOD_NS)
    world = virtual.make_rig(unguarded, names.vehicle_file("tianyuan"), host, 1)
    life = virtual.birth(world, host, 3)
    kept, heard = list[np.ndarray](), list[np.ndarray]()
    t_ns, out, to_rig, n_to_rig = lockstep.EPOCH_NS, frames(256), frames(256), 0
    snapshot, tick = blank(host.sensors, host.memory, host.command), 0
    snapshot.reserved = TX
    for ms in range(TICKS * EVERY):
        n_rig = rig.tick(world, life, to_rig, n_to_rig, t_ns, out)
        heard.append(out[:n_rig].copy())
        n_to_rig = 0
        if ms % EVERY == 0:
            came = np.concatenate(heard)
            came["t_ns"] = t_ns
            host.frames_in[: came.size] = came
            n_out = host.tick(came.size, t_ns)
            said = host.frames_out[:n_out].copy()
            to_rig[:n_out], n_to_rig, heard = said, n_out, []
            said["reserved"] = TX
            kept += [came, said]
            if tick % TICKS_A_SNAPSHOT == 0:
                fill(host.sensors, host.memory, host.command, snapshot, t_ns)
                kept.append(snapshot.copy())
            tick += 1
        t_ns += rig.STEP_NS
    assert host.memory.driver.mode[0] == Mode.DRIVING
    assert host.memory.driver.speed_mps[0] > 5.0
    return Driven(unguarded, oval, host, np.concatenate(kept).view(np.recarray))


@pytest.fixture(scope="session")
def log(driven, tmp_path_factory) -> Path:
    return driven.write(tmp_path_factory.mktemp("log") / "drive.blf")


@pytest.fixture
def make_bare(car, oval) -> Callable[[], Host]:
    """Hosts of the shipped car that have seen nothing."""
    return lambda: make_host(car, oval, Controller.STANLEY, PERIOD_NS)
