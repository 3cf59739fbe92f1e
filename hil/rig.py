"""The car and the world, one millisecond at a time: command frames in, sensor frames out.

The rig speaks the car's own bus through the same car file as the host, with the two codecs
the other way round: it decodes what the host encodes and encodes what the host decodes.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from tianyuan.control.kernels import inlined, kernel
from tianyuan.dbc.codec import decode, encode
from tianyuan.firmware.accounting import RECEIVE, SEND, TICK, WAKE, book
from tianyuan.firmware.host_record import HOST_CHANNEL, POSITION_ID, TICK_ID
from tianyuan.firmware.tick import ECHOED, FRAME_WORDS, HEARD, due
from tianyuan.firmware.timing import NS_PER_MS
from tianyuan.hil import race_control, truth
from tianyuan.hil.actuators import emergency
from tianyuan.hil.actuators.motors import act
from tianyuan.hil.actuators.orders import obey
from tianyuan.hil.faults import inject
from tianyuan.hil.plant.vehicle import step
from tianyuan.hil.road import look
from tianyuan.hil.scenario import tap
from tianyuan.hil.sensors.history import recall, remember
from tianyuan.hil.sensors.measure import measure
from tianyuan.hil.sensors.receiver import receive
from tianyuan.hil.sensors.sensing import wander

STEP_NS: Final = NS_PER_MS
STEP_S: Final = 1e-3
ROW_NS: Final = 10 * NS_PER_MS
BEAT_NS: Final = 10 * NS_PER_MS
ECHO_NS: Final = 100 * NS_PER_MS  # what the host is to send back changes this often


@kernel
def _heard(received):
    """Whether a host has spoken yet: race control waits for one."""
    for m in range(received.size):
        if received[m].t_ns > 0:
            return True
    return False


@inlined
def _compare(life, words, i):
    """Where the host thought it was at the tick that frame ``i`` ends, against the truth then."""
    life.estimate[1] = 0.0
    then = recall(life.history, words[i * FRAME_WORDS + 1])
    h, past = life.host[0], life.history[0]
    dx, dy = h.x_m - past.x_m[then], h.y_m - past.y_m[then]
    life.estimate[0] = math.sqrt(dx * dx + dy * dy)


@inlined
def _book(life):
    """Book what the host said of its last tick."""
    h = life.host[0]
    book(life.timing, WAKE, int(h.wake_us * 1e3))
    book(life.timing, RECEIVE, int(h.receive_us * 1e3))
    book(life.timing, TICK, int(h.tick_us * 1e3))
    book(life.timing, SEND, int(h.send_us * 1e3))


@inlined
def _read_permit(codec, life, frames_in, i):
    said = life.permit.view(np.float64)
    if decode(codec, frames_in, i, life.permit_received, said) >= 0:
        emergency.hear(life.circuit, life.permit[0].permit, frames_in[i].t_ns)


@inlined
def _read_bus(world, life, frames_in, n_in):
    """Commands for the actuators; what the host says about itself for the telemetry."""
    values, host = life.command.view(np.float64), life.host.view(np.float64)
    words = frames_in.view(np.int64)
    for i in range(n_in):
        if frames_in[i].channel != HOST_CHANNEL:
            if decode(world.commands, frames_in, i, life.received, values) < 0:
                _read_permit(world.permit, life, frames_in, i)
        elif frames_in[i].can_id == TICK_ID:
            _book(life)
            if life.estimate[1] != 0.0:
                _compare(life, words, i)
        elif frames_in[i].can_id == POSITION_ID:
            decode(world.host, frames_in, i, life.host_received, host)
            life.estimate[1] = 1.0
        else:
            decode(world.host, frames_in, i, life.host_received, host)


@inlined
def _speak(world, life, t_ns, frames_out):
    """Measure and send every sensor message that is due; returns the number of frames."""
    m, race = life.sensors[0], life.race[0]
    m.race_flag, m.race_go, m.estop = race.flag, race.go, 0.0
    m.race_heartbeat = (t_ns // BEAT_NS) % world.beats
    values = life.sensors.view(np.float64)
    for k in range(ECHOED):
        values[HEARD + k] = (t_ns // ECHO_NS) % 2
    n_out = 0
    for k in range(world.cycle_ns.size):
        if n_out >= frames_out.size or not due(life.due_ns, world.cycle_ns, k, t_ns):
            continue
        if int(life.actuator_faults[0].status_silent) & world.statuses[k] != 0:
            continue
        for group in range(world.groups.shape[1]):
            if world.groups[k, group] != 0:
                measure(
                    world.sensor_params, world.plant, life.history, life.sensing, world.seed,
                    group, life.sensors, t_ns,
                )  # fmt: skip
        if not inject.measured(world, life, k, t_ns):
            continue
        if encode(world.sensors, k, life.sent, values, frames_out, n_out) >= 0:
            frames_out[n_out].t_ns = t_ns
            n_out = inject.encoded(world, life, k, frames_out, n_out + 1, t_ns)
    return inject.end(world, life, frames_out, n_out, t_ns)


@inlined
def _watch(world, life, t_ns):
    """Find the car on the line, let race control look, and write a telemetry row when due."""
    spacing_m = world.driver[0].path_spacing_m
    index, share, cross_track = truth.locate(world.path, spacing_m, life.plant_state, life.place[0])
    life.place[0], life.foot[0], life.foot[1] = index, share, cross_track
    if _heard(life.received):
        mode, speed_mps = int(life.command[0].mode), life.plant_state[0].vx_mps
        race_control.update(life.race, mode, speed_mps, t_ns)
    race_control.count_lap(life.race, (index + share) * spacing_m, world.driver[0].path_length_m)
    begun = life.race[0].began_ns > 0
    if begun:
        tap.note(life.tap, world, life, index, share, cross_track, t_ns)
    if not begun or t_ns < life.next_row_ns[0] or life.written[0] >= life.rows.size:
        return
    planned_ns = life.next_row_ns[0]
    life.next_row_ns[0] = (planned_ns if planned_ns > t_ns - ROW_NS else t_ns) + ROW_NS
    row, told = life.rows[life.written[0]], life.command[0]
    life.written[0] += 1
    truth.write_row(
        row, world.path, world.driver, life.plant_state, life.controls, index, share, cross_track
    )
    row.t_s = (t_ns - life.race[0].began_ns) * 1e-9
    row.lap = life.race[0].lap
    row.steer_command_rad, row.throttle_command = told.steer_rad, told.throttle
    row.brake_command_bar = told.brake_bar
    row.target_mps, row.position_error_m = life.host[0].target_mps, life.estimate[0]
    row.mode, row.cause = int(told.mode), int(life.host[0].cause)
    row.circuit = life.circuit[0].tripped


@inlined
def _act(world, life, t_ns):
    """Let the motors do what they were told, and what they do by themselves."""
    s = life.plant_state[0]
    obey(
        world.plant, world.carriers, life.received, life.command, life.circuit, s.vx_mps,
        life.actuators, life.obeyed, t_ns,
    )  # fmt: skip
    act(
        world.plant, life.actuators, life.actuator_faults, life.circuit, s.align_nm, life.obeyed,
        life.controls, STEP_S,
    )  # fmt: skip


@inlined
def _remember(world, life, t_ns):
    """Keep what the sensors may have to tell, and how well they tell it by now."""
    race = life.race[0]
    run_s = (t_ns - race.began_ns) * 1e-9 if race.began_ns > 0 else 0.0
    wander(world.sensor_params, life.sensing, world.seed, t_ns)
    receive(world.sensor_params, life.sensing, world.sky, race.station_m, race.lap, run_s, t_ns)
    remember(life.history, life.plant_state, life.actuators, life.sensing, t_ns)


@inlined
def tick(world, life, frames_in, n_in, t_ns, frames_out):
    """One millisecond of the car and the world, up to the instant ``t_ns``.

    Takes ``n_in`` frames off the bus, fills ``frames_out`` with what the sensors send, and
    returns how many that are.
    """
    inject.begin(world, life, t_ns)
    tap.hear(life.tap, world.commands, world.permit, frames_in, n_in)
    _read_bus(world, life, frames_in, n_in)
    _act(world, life, t_ns)
    place = max(life.place[0], 0)
    look(
        world.ground, world.path, world.plant, life.plant_state, place, life.foot[0],
        life.foot[1], life.road,
    )  # fmt: skip
    step(world.plant, life.plant_state, life.controls, life.road, STEP_S)
    _remember(world, life, t_ns)
    _watch(world, life, t_ns)
    return _speak(world, life, t_ns, frames_out)
