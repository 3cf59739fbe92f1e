"""The judge's tap: hears every frame between the nodes, and sees the car as it really is.

It decodes the commands by records of its own, so a frame counts as it was on the bus, whatever
the actuators made of it. A rig without a judge has a tap without rows, which does nothing.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from tianyuan.control.kernels import inlined
from tianyuan.control.records import COMMAND, COMMAND_NAMES, record
from tianyuan.dbc.codec import RECEIVED, Codec, Status, decode, records
from tianyuan.firmware.guard.records import BRAKE, LIMITS, SAID, STEERING, THROTTLE
from tianyuan.firmware.guard.slew import AHEAD_S, SLEW, spend
from tianyuan.firmware.guard.tables import Tables
from tianyuan.firmware.host_record import HOST_CHANNEL
from tianyuan.hil import truth
from tianyuan.hil.scenario.trace import KEPT, TRACE

STEERS: Final = COMMAND_NAMES.index("steer_rad")
THROTTLES: Final = COMMAND_NAMES.index("throttle")
BRAKES: Final = COMMAND_NAMES.index("brake_bar")
UNKNOWN_ID: Final = int(Status.UNKNOWN_ID)
BEATS: Final = COMMAND_NAMES.index("mode")
CAUSES: Final = COMMAND_NAMES.index("cause")


class Tap(NamedTuple):
    """All of the tap; ``rows`` of size zero is a tap that is closed."""

    carrier: np.ndarray  # (channels of COMMAND,) the message that carries each, -1 for none
    limits: np.recarray  # LIMITS
    silent_ns: np.ndarray  # (command messages,) a gap above this is a silence
    command: np.recarray  # COMMAND, by the newest frames
    received: np.recarray  # RECEIVED, one record a command message
    permit: np.recarray  # SAID
    permit_received: np.recarray
    slew: np.recarray  # (3,) SLEW
    kept: np.recarray  # KEPT
    rows: np.recarray  # TRACE
    written: np.ndarray  # (1,)


def tap(commands: Codec, plan: Tables, rows: int) -> Tap:
    """A tap with room for so many milliseconds, that goes by the guard's ``plan`` of the car."""
    return _tap(commands, plan.permit, plan.carrier, plan.limits, plan.silent_ns, rows)


def closed(commands: Codec, permit: Codec) -> Tap:
    """A tap that hears nothing, for a rig without a judge."""
    nothing = np.full(len(COMMAND_NAMES), -1, np.int64)
    silent_ns = np.zeros(commands.messages.size, np.int64)
    return _tap(commands, permit, nothing, record(LIMITS), silent_ns, 0)


def _tap(
    commands: Codec, permit: Codec, carrier: np.ndarray, limits: np.recarray,
    silent_ns: np.ndarray, rows: int,
) -> Tap:  # fmt: skip
    command = record(COMMAND)
    for name in ("steer_enable", "throttle_enable", "brake_enable"):
        command[name][0] = 1.0  # what has no signal to switch it off is on
    return Tap(
        carrier,
        limits,
        silent_ns,
        command,
        records(commands, RECEIVED),
        record(SAID),
        records(permit, RECEIVED),
        np.zeros(3, SLEW).view(np.recarray),
        record(KEPT),
        np.zeros(rows, TRACE).view(np.recarray),
        np.zeros(1, np.int64),
    )


@inlined
def _break(tap, limit, value, t_ns):
    if tap.kept[0].broken_ns == 0:
        tap.kept[0].broken_ns, tap.kept[0].broken, tap.kept[0].value = t_ns, limit, value


@inlined
def _keep(tap, m, kind, value, moved, rate, within, t_ns):
    """Hold a command of message ``m`` against its range and its slew."""
    too_fast = spend(tap.slew[kind], value, moved, rate, AHEAD_S, tap.silent_ns[m], t_ns)
    if not within:
        _break(tap, 2 * kind + 1, value, t_ns)
    elif too_fast:
        _break(tap, 2 * kind + 2, value, t_ns)


@inlined
def _check(tap, m, t_ns):
    """Hold what message ``m`` commands against the car's limits."""
    c, most = tap.command[0], tap.limits[0]
    if m == tap.carrier[STEERS] and c.steer_enable != 0.0:
        moved = abs(c.steer_rad - tap.slew[STEERING].value) - most.steer_step_rad
        within = abs(c.steer_rad) <= most.steer_rad + most.steer_step_rad
        _keep(tap, m, STEERING, c.steer_rad, moved, most.steer_rate_radps, within, t_ns)
    elif m == tap.carrier[STEERS]:
        tap.slew[STEERING].t_ns = 0
    if m == tap.carrier[THROTTLES]:
        moved = c.throttle - tap.slew[THROTTLE].value - most.throttle_step
        within = -most.throttle_step <= c.throttle <= 1.0 + most.throttle_step
        _keep(tap, m, THROTTLE, c.throttle, moved, most.throttle_rate_1ps, within, t_ns)
    if m == tap.carrier[BRAKES]:
        moved = c.brake_bar - tap.slew[BRAKE].value - most.brake_step_bar
        within = -most.brake_step_bar <= c.brake_bar <= most.brake_bar + most.brake_step_bar
        _keep(tap, m, BRAKE, c.brake_bar, moved, most.brake_rate_barps, within, t_ns)


@inlined
def hear(tap, commands, permit, frames_in, n_in):
    """Take in the frames that came over the bus in this millisecond, in order."""
    if tap.rows.size == 0:
        return
    values, said = tap.command.view(np.float64), tap.permit.view(np.float64)
    for i in range(n_in):
        if frames_in[i].channel == HOST_CHANNEL:
            continue
        m = decode(commands, frames_in, i, tap.received, values)
        if m >= 0:
            _check(tap, m, frames_in[i].t_ns)
        elif m != UNKNOWN_ID:
            tap.kept[0].refused += 1
        else:
            decode(permit, frames_in, i, tap.permit_received, said)


@inlined
def _heard_ns(tap, channel):
    m = tap.carrier[channel]
    return tap.received[m].t_ns if m >= 0 else 0


@inlined
def note(tap, world, life, index, share, cross_track_m, t_ns):
    """Write the row of this millisecond."""
    if tap.written[0] >= tap.rows.size:
        return
    row, c = tap.rows[tap.written[0]], tap.command[0]
    tap.written[0] += 1
    row.t_ns = t_ns
    row.steer_ns, row.throttle_ns = _heard_ns(tap, STEERS), _heard_ns(tap, THROTTLES)
    row.brake_ns, row.beat_ns = _heard_ns(tap, BRAKES), _heard_ns(tap, BEATS)
    if tap.permit_received.size > 0:
        row.permit_ns = tap.permit_received[0].t_ns
    row.steer_command_rad, row.throttle_command = c.steer_rad, c.throttle
    row.brake_command_bar, row.target_mps = c.brake_bar, life.host[0].target_mps
    row.steer_enable, row.mode = int(c.steer_enable), int(c.mode)
    # A car's own bus may have no word for it; the host's has.
    row.cause = int(c.cause if tap.carrier[CAUSES] >= 0 else life.host[0].cause)
    row.host_mode, row.host_cause = int(life.host[0].mode), int(life.host[0].cause)
    row.permit, row.guard_cause = int(tap.permit[0].permit), int(tap.permit[0].cause)
    row.flag, row.lap = life.race[0].flag, life.race[0].lap
    road = life.road[0].friction
    row.friction = 0.25 * (road[0] + road[1] + road[2] + road[3])
    _see(row, world, life, index, share, cross_track_m)


@inlined
def _see(row, world, life, index, share, cross_track_m):
    """The plant's truth."""
    s, c = life.plant_state[0], life.controls[0]
    row.x_m, row.y_m, row.speed_mps = s.x_m, s.y_m, s.vx_mps
    row.ax_mps2, row.ay_mps2 = s.ax_mps2, s.ay_mps2
    row.steer_rad, row.throttle, row.brake_bar = c.steer_rad, c.throttle, c.brake_front_bar
    row.station_m = (index + share) * world.driver[0].path_spacing_m
    row.cross_track_m = cross_track_m
    row.edge_margin_m = truth.margin_m(
        world.path, world.driver, s.heading_rad, index, share, cross_track_m
    )
