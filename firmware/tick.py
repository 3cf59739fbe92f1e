"""One tick: frames in, the driver's step, frames out. The heart of the host.

On the car, on the rig and in replay this is the same compiled function; only where the
frames and the time come from differs. There is no clock, no randomness, no I/O, no heap
allocation and no exception below it.
"""

from __future__ import annotations

import numpy as np

from tianyuan.control.kernels import inlined, kernel
from tianyuan.control.records import COMMAND, ECHOES, GROUPS, NO_HEARTBEAT, SENSORS
from tianyuan.control.step import step
from tianyuan.dbc.codec import decode, encode, tick_over
from tianyuan.dbc.frame import FRAME
from tianyuan.drivers.error_frames import is_error
from tianyuan.firmware import bus_faults
from tianyuan.firmware.host_record import HOST_CHANNEL, TICK_ID

STAMPS = (SENSORS.names or ()).index(f"{GROUPS[0]}_t_ns")  # SENSORS' last fields
HEARD = (SENSORS.names or ()).index(ECHOES[0])
ECHOED = len(ECHOES)
SAID = (COMMAND.names or ()).index(ECHOES[0])
RACE_STAMP = STAMPS + GROUPS.index("race")
FRAME_WORDS = FRAME.itemsize // 8
MARKER_LENGTH = 8
# Below half of the shortest period: a tick that woke less late than the first one did must
# not leave its message to the next tick.
SLACK_NS = 400_000


@inlined
def receive(tables, frames_in, n_in, t_ns, sensors, memory):
    """Decode what came in, and stamp each group with the age of the oldest message it needs.

    A message is as old as when it last was valid: one whose protection fails ages, and its
    groups are lost as if it were silent.
    """
    values = sensors.view(np.float64)
    for i in range(n_in):
        if is_error(frames_in[i]):
            bus_faults.note(memory.buses, memory.host, frames_in[i], t_ns)
            continue
        bus_faults.back(memory.buses, frames_in[i].channel, t_ns)
        if decode(tables.sensors, frames_in, i, memory.received, values) < 0:
            memory.refused[0] += 1
    tick_over(tables.sensors, memory.received, t_ns)
    stamps = sensors.view(np.int64)
    for group in range(tables.feeds.shape[0]):
        oldest = t_ns  # a group that this car does not have is never missed
        for k in range(tables.feeds.shape[1]):
            message = tables.feeds[group, k]
            if message < 0:
                break
            heard_ns = memory.received[message].t_ns
            if heard_ns > 0:
                heard_ns += tables.slack_ns[group, k]
            oldest = min(oldest, heard_ns)
        stamps[STAMPS + group] = oldest
    stamps[RACE_STAMP] = min(stamps[RACE_STAMP], _beat(sensors, memory, t_ns))


@inlined
def _beat(sensors, memory, t_ns):
    """When race control's heartbeat last moved: its frames may go on when its mind does not."""
    beat = sensors[0].race_heartbeat
    if beat == NO_HEARTBEAT:
        return t_ns  # this car has none
    if beat != memory.heartbeat[0]:
        memory.heartbeat[0] = beat
        memory.heartbeat_ns[0] = t_ns
    return memory.heartbeat_ns[0]


@kernel
def due(due_ns, cycle_ns, m, t_ns):
    """Whether message ``m`` is to be sent now; its next time keeps the phase of the first."""
    until_ns = t_ns + SLACK_NS
    if until_ns < due_ns[m]:
        return False
    if due_ns[m] == 0 or cycle_ns[m] <= 0:
        due_ns[m] = t_ns
    due_ns[m] += cycle_ns[m]
    if due_ns[m] <= until_ns and cycle_ns[m] > 0:
        due_ns[m] += ((until_ns - due_ns[m]) // cycle_ns[m] + 1) * cycle_ns[m]
    return True


@inlined
def _send(codec, due_ns, cycle_ns, sent, values, t_ns, frames_out, n_out):
    for m in range(codec.messages.size):
        if n_out >= frames_out.size or not due(due_ns, cycle_ns, m, t_ns):
            continue
        if encode(codec, m, sent, values, frames_out, n_out) >= 0:
            frames_out[n_out].t_ns = t_ns
            n_out += 1
    return n_out


@inlined
def _publish(memory):
    """What the driver thinks, for the host's own bus."""
    h, s = memory.host[0], memory.driver[0]
    h.x_m, h.y_m = s.x_m, s.y_m
    h.heading_rad, h.speed_mps = s.heading_rad, s.speed_mps
    h.cross_track_m, h.heading_error_rad = s.cross_track_m, s.heading_error_rad
    h.station_m, h.target_mps = s.station_m, s.target_mps
    h.mode, h.cause, h.laps = s.mode, s.cause, s.laps
    h.refused = memory.refused[0]


@kernel
def _mark(frames_out, n_out, t_ns):
    """The frame that ends a tick in the log: the integer time, bit for bit."""
    if n_out >= frames_out.size:
        return n_out
    frame = frames_out[n_out]
    frame.can_id, frame.length = TICK_ID, MARKER_LENGTH
    frame["flags"] = 0  # `flags` as an attribute is numpy's own with the JIT off
    frame.channel, frame.t_ns = HOST_CHANNEL, t_ns
    frames_out.view(np.int64)[n_out * FRAME_WORDS + 1] = t_ns
    return n_out + 1


@inlined
def tick(params, path, frames_in, n_in, t_ns, sensors, state, command, frames_out):
    """Take ``n_in`` frames at the instant ``t_ns``; return how many frames to send.

    ``params`` is Tables, ``state`` is Memory (``tables.py``); ``path``, ``sensors`` and
    ``command`` are the records of ``control/records.py``. ``frames_out`` gets the commands
    that are due, bus by bus, then, on the host's own channel, its messages and the tick marker.
    What does not fit is not sent; 32 frames hold everything a car can have due at once.
    """
    receive(params, frames_in, n_in, t_ns, sensors, state)
    state.driver[0].shutdown = int(state.host[0].shutdown)
    state.driver[0].overruns = int(state.host[0].overruns_in_a_row)
    state.driver[0].bus_fault = bus_faults.fault(state.buses, state.host, t_ns)
    step(params.driver, path, t_ns, sensors, state.driver, command)
    values, heard = command.view(np.float64), sensors.view(np.float64)
    for k in range(ECHOED):
        values[SAID + k] = heard[HEARD + k]
    n_out = _send(
        params.commands,
        state.due_ns,
        params.cycle_ns,
        state.sent,
        values,
        t_ns,
        frames_out,
        0,
    )
    _publish(state)
    n_out = _send(
        params.host,
        state.host_due_ns,
        params.host_cycle_ns,
        state.host_sent,
        state.host.view(np.float64),
        t_ns,
        frames_out,
        n_out,
    )
    return _mark(frames_out, n_out, t_ns)


@kernel
def for_the_car(frames_out, n_out):
    """How many of a tick's frames, from the first, are the car's; the host's own come after."""
    for i in range(n_out):
        if frames_out[i].channel == HOST_CHANNEL:
            return i
    return n_out
