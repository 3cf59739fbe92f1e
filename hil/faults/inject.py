"""Where the rig and the lockstep let faults in. Without any, each of these is one branch."""

from __future__ import annotations

from tianyuan.control.kernels import inlined
from tianyuan.hil.faults import extra_frames
from tianyuan.hil.faults.active import set_fields, update
from tianyuan.hil.faults.channels import on_channels
from tianyuan.hil.faults.host import ticks
from tianyuan.hil.faults.on_frames import on_frame, release, silent
from tianyuan.hil.faults.records import Effect

BUS = int(Effect.BUS)
ACTUATOR = int(Effect.ACTUATOR)


@inlined
def begin(world, life, t_ns):
    """A step of the rig begins: which faults are there, and what do the actuators overhear."""
    if world.faults.size > 0:
        f = life.faults
        speed_mps = life.plant_state[0].vx_mps
        update(world.faults, f.state, f.host[0].modelled, life.race, speed_mps, t_ns)
        set_fields(world.faults, f.state, ACTUATOR, life.actuator_faults)
        extra_frames.hear(f.outside, f.counts, world.commands, life.received, life.command)


@inlined
def set_buses(world, life, bus_faults):
    """Set BUS_FAULTS of the buses' model as it is now."""
    if world.faults.size > 0:
        set_fields(world.faults, life.faults.state, BUS, bus_faults)


@inlined
def measured(world, life, message, t_ns):
    """A message's channels were measured; returns whether its sender says anything at all."""
    if world.faults.size > 0:
        f = life.faults
        on_channels(world.faults, f.state, world.groups, message, life.sensors, t_ns)
        return not silent(world.faults, f.state, message)
    return True


@inlined
def encoded(world, life, message, frames, n, t_ns):
    """The last of ``n`` frames was encoded; returns how many there are now."""
    if world.faults.size > 0:
        f = life.faults
        return on_frame(
            world.faults, f.state, f.held, f.swapped, f.tape, f.counts,
            world.sensors, message, frames, n, t_ns,
        )  # fmt: skip
    return n


@inlined
def end(world, life, frames, n, t_ns):
    """All that is due was encoded; returns how many frames there are with those of others."""
    if world.faults.size > 0:
        f = life.faults
        n = release(f.held, f.counts, frames, n, t_ns)
        return extra_frames.add(
            world.faults, f.state, f.outside, f.counts, f.forged, f.sent, f.forged_sent,
            world.sensors, life.sent, life.sensors, world.commands, life.received, life.command,
            frames, n, t_ns,
        )  # fmt: skip
    return n


@inlined
def host_ticks(world, life, memory, t_ns):
    """Whether the host in virtual time ticks now."""
    if world.faults.size > 0:
        f = life.faults
        return ticks(world.faults, f.state, f.host, memory.host, memory.driver, t_ns)
    return True
