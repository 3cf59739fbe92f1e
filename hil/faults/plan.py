"""From a scenario's entries to the rows of FAULTS, for one car."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import numpy as np

from tianyuan.firmware.tables import Wire
from tianyuan.hil.faults import of_channels, of_frames
from tianyuan.hil.faults.entry import At, FaultEntry
from tianyuan.hil.faults.records import FAULTS, Effect, Trigger
from tianyuan.hil.faults.targets import Rows, Targets

DRAWS: Final = 4096  # the noise channels of faults begin here, far above those of the sensors

UNNOTICED: Final = partial(of_frames.sole, Effect.NOTHING)  # by anything in virtual time
EXPANDED: Final[dict[str, Callable[[Targets, FaultEntry], Rows]]] = {
    "position_lost": partial(of_frames.frames, Effect.SILENCE),
    "position_frozen": of_channels.frozen,
    "position_jump": of_channels.jump,
    "signal_invalid": of_channels.invalid,
    "heading_flip": of_channels.flipped,
    "wheel_speed_stuck": of_channels.wheel,
    "wheel_speeds_lost": partial(of_frames.frames, Effect.SILENCE),
    "imu_saturated": of_channels.saturated,
    "yaw_rate_drift": of_channels.drifting,
    "covariance_growth": of_channels.poor,
    "bus_off": partial(of_frames.bus, "host_bus_off"),
    "error_passive": partial(of_frames.bus, "error_passive"),
    "cable_pulled": of_frames.cable,
    "transmit_queue_full": partial(of_frames.bus, "host_stuck"),
    "receive_queue_overflow": of_frames.overflow,
    "bus_load": of_frames.load,
    "interface_down": partial(of_frames.bus, "host_down"),
    "wrong_bit_rate": partial(of_frames.bus, "wrong_bit_rate"),
    "wrong_length": of_frames.length,
    "fd_frame": partial(of_frames.frames, Effect.FD),
    "overrun": of_frames.overrun,
    "overruns_in_a_row": of_frames.overrun,
    "host_stall": partial(of_frames.sole, Effect.STALL),
    "host_stall_long": partial(of_frames.sole, Effect.STALL),
    "frames_delayed": of_frames.delayed,
    "frames_disordered": of_frames.disordered,
    "host_killed": partial(of_frames.sole, Effect.STALL),
    "host_stopped": partial(of_frames.sole, Effect.STALL),
    "host_terminated": partial(of_frames.sole, Effect.TERMINATE),
    "steering_stuck": of_frames.steering,
    "steering_runaway": of_frames.runaway,
    "brake_dead": of_frames.brake,
    "throttle_stuck": of_frames.throttle,
    "actuator_silent": partial(of_frames.frames, Effect.SILENCE),
    "sensors_random": of_channels.random,
    "emergency_stop": of_channels.stop,
    "race_control_lost": of_channels.no_race_control,
    "late_emergency_stop": of_frames.late,
    "flag_flicker": of_channels.flicker,
    "early_go": of_channels.go,
    "unknown_flag": of_channels.flag,
    "wrong_crc": partial(of_frames.frames, Effect.WRONG_CRC),
    "counter_frozen": partial(of_frames.frames, Effect.HOLD_COUNTER),
    "frames_replayed": of_frames.replayed,
    "command_forged": of_frames.forged,
    "undeclared_id": of_frames.undeclared,
    "extended_id": partial(of_frames.frames, Effect.EXTENDED),
    "id_zero_flood": of_frames.flood,
    "implausible_value": of_channels.implausible,
    "telemetry_intrusion": of_frames.intruding,
}


def _trigger(at: At) -> dict[str, Any]:
    if at.time_s is not None:
        return {"trigger": Trigger.TIME, "at_ns": round(at.time_s * 1e9)}
    if at.station_m is not None:
        return {"trigger": Trigger.STATION, "at": at.station_m, "lap": at.lap or 1}
    return {"trigger": Trigger.SPEED, "at": at.speed_mps}


def faults(entries: Sequence[FaultEntry], wire: Wire, seed: int) -> np.recarray:
    """FAULTS of the entries that are not there before the run.

    What is done to processes has a row, too, that does nothing: FAULT_STATE tells when it is due.
    ``wire`` is that of the car's sensors as the rig speaks for them. Raises InputError for
    what this car does not have.
    """
    car, made = Targets(wire, seed), list[dict[str, Any]]()
    for place, entry in enumerate(entries):
        if entry.row.before_the_run:
            continue
        lasts_s = entry.lasts_s
        common = _trigger(entry.at) | {
            "entry": place,
            "number": entry.row.number,
            "for_ns": 0 if lasts_s is None else max(round(lasts_s * 1e9), 1),
            "seed": car.seed_of(entry),
        }
        expand = EXPANDED.get(entry.fault, UNNOTICED)
        made += [common | row for row in expand(car, entry)]
    rows = np.zeros(len(made), FAULTS).view(np.recarray)
    for r, values in enumerate(made):
        rows[r]["draws"] = DRAWS + r
        for name, value in values.items():
            rows[r][name] = value
    return rows
