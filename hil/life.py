"""All of the rig that changes: plant, actuators, sensors, race control, what came over the bus."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from tianyuan.control.records import COMMAND, COMMAND_NAMES, SENSORS, record
from tianyuan.dbc.codec import RECEIVED, SENT, Codec, records
from tianyuan.firmware.accounting import Accounts, accounts
from tianyuan.firmware.guard.records import SAID
from tianyuan.firmware.host_record import HOST
from tianyuan.firmware.timing import NS_PER_MS
from tianyuan.hil.actuators import emergency
from tianyuan.hil.actuators.state import ACTUATOR_FAULTS, ACTUATOR_STATE
from tianyuan.hil.faults.records import Faulted, faulted
from tianyuan.hil.plant.controls import CONTROLS
from tianyuan.hil.plant.road import flat
from tianyuan.hil.plant.state import at_rest
from tianyuan.hil.race_control import RACE
from tianyuan.hil.scenario import tap
from tianyuan.hil.scenario.tap import Tap
from tianyuan.hil.sensors.history import history
from tianyuan.hil.sensors.sensing import sensing
from tianyuan.hil.telemetry import TELEMETRY
from tianyuan.hil.world import World

PATIENCE_NS: Final = 30_000 * NS_PER_MS
GRID_POINT: Final = 2  # of the line, where the car starts from


class Life(NamedTuple):
    """One rig's state."""

    plant_state: np.recarray
    actuators: np.recarray  # ACTUATOR_STATE
    actuator_faults: np.recarray  # ACTUATOR_FAULTS
    controls: np.recarray  # CONTROLS
    road: np.recarray  # ROAD
    history: np.recarray
    sensing: np.recarray  # SENSING
    race: np.recarray  # RACE
    command: np.recarray  # COMMAND as it came over the bus
    obeyed: np.recarray  # COMMAND as the actuators act on it
    sensors: np.recarray  # SENSORS as they go onto the bus
    host: np.recarray  # HOST
    host_received: np.recarray
    estimate: np.ndarray  # (2,) position error of the host's estimate, and whether one is due
    timing: Accounts  # what the host says of its own ticks
    received: np.recarray  # one record a command message
    circuit: np.recarray  # CIRCUIT
    permit: np.recarray  # SAID, as it came over the bus
    permit_received: np.recarray
    sent: np.recarray  # one record a sensor message
    due_ns: np.ndarray
    place: np.ndarray  # (1,) index on the line
    foot: np.ndarray  # (2,) share of the way to the next point, and how far left of the line
    rows: np.recarray  # TELEMETRY
    written: np.ndarray  # (1,) rows of telemetry
    next_row_ns: np.ndarray  # (1,)
    faults: Faulted
    tap: Tap  # the judge's


def untold(commands: Codec) -> np.recarray:
    """COMMAND before the first frame; what no signal carries must not keep the car from driving."""
    blank = record(COMMAND)
    for name in ("gear", "steer_enable", "throttle_enable", "brake_enable"):
        if COMMAND_NAMES.index(name) not in commands.signals.slot:
            blank[name][0] = 1.0
    return blank


def make_life(
    world: World, laps: int, dwell_s: float, rows: int, judges: Tap | None = None
) -> Life:
    """A car at rest just past the line's first point, and ``rows`` rows for its telemetry.

    Only a judge needs a tap.
    """
    start = world.path[GRID_POINT]
    race = record(RACE)
    race.laps_wanted[0] = laps
    race.dwell_ns[0] = int((dwell_s + 0.2) * 1e9)
    race.patience_ns[0] = PATIENCE_NS + race.dwell_ns[0]
    return Life(
        at_rest(world.plant, start.x_m, start.y_m, start.heading_rad),
        record(ACTUATOR_STATE),
        record(ACTUATOR_FAULTS),
        record(CONTROLS),
        flat(),
        history(),
        sensing(),
        race,
        untold(world.commands),
        record(COMMAND),
        record(SENSORS),
        record(HOST),
        records(world.host, RECEIVED),
        np.zeros(2),
        accounts(),
        records(world.commands, RECEIVED),
        emergency.circuit(world.permit.messages.size > 0),
        record(SAID),
        records(world.permit, RECEIVED),
        records(world.sensors, SENT),
        np.zeros(world.sensors.messages.size, np.int64),
        np.full(1, -1, np.int64),
        np.zeros(2),
        np.zeros(rows, TELEMETRY).view(np.recarray),
        np.zeros(1, np.int64),
        np.zeros(1, np.int64),
        faulted(world.faults, world.sensors, world.commands),
        judges or tap.closed(world.commands, world.permit),
    )
