"""Every fault to survive, as data: number, name, expected reaction, where it is injected.

The numbers are those of the list that the project was started from; a test holds the two
together. Adding a fault is a row here and what expands it (``plan.py``) or does it.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Final

from tianyuan.control.errors import InputError
from tianyuan.control.records import Cause, Flag
from tianyuan.firmware.car_entries import suggestion
from tianyuan.hil.faults.fault import (
    Expected,
    Fault,
    Layer,
    Reaction,
    channel,
    choice,
    message,
    number,
)

CHANNEL, FRAME, ACTUATOR, BUS = Layer.CHANNEL, Layer.FRAME, Layer.ACTUATOR, Layer.BUS
HOST, START, FILE = Layer.HOST, Layer.START, Layer.FILE
PROCESS, INTERFACE = Layer.PROCESS, Layer.INTERFACE


_ign = partial(Expected, Reaction.IGN)
_deg = partial(Expected, Reaction.DEG)
_cs = partial(Expected, Reaction.CS)
_es = partial(Expected, Reaction.ES)
_ref = partial(Expected, Reaction.REF)
NOTHING: Final = (Expected(Reaction.NONE),)
LINE_CAUSES: Final = (Cause.WAITING_FOR_CAR_ON_LINE,)

SENSORS: Final = (
    Fault(1, "position_lost", "sensors", (_deg(3, "P"), _cs(200, "ms")), FRAME, FRAME,
          (message("position"),), (Cause.POSITION_LOST,)),
    Fault(2, "position_frozen", "sensors", (_cs(200, "ms"),), CHANNEL, CHANNEL),
    Fault(3, "position_jump", "sensors", (_ign(when="fewer than five in a row"),
          _cs(when="five in a row")), CHANNEL, CHANNEL,
          (number("offset_m", 5.0, "m", -1000.0, 1000.0),
           number("frames", 1, "1", 1, 10_000))),
    Fault(4, "signal_invalid", "sensors", (_ign(1, "T"),), CHANNEL, CHANNEL,
          (channel("gnss_x_m"), choice("how", "not_available", "nan", "inf")), for_s=0.02),
    Fault(5, "heading_flip", "sensors", (_cs(2, "T"),), CHANNEL, CHANNEL),
    Fault(6, "wheel_speed_stuck", "sensors", (_deg(100, "ms"),), CHANNEL, CHANNEL,
          (choice("wheel", "fl", "fr", "rl", "rr"), choice("how", "held", "zero"))),
    Fault(7, "wheel_speeds_lost", "sensors", (_deg(3, "P"),), FRAME, FRAME,
          (message("wheels"),), (Cause.WHEELS_LOST,)),
    Fault(8, "imu_saturated", "sensors", (_deg(3, "P"),), CHANNEL, CHANNEL,
          (number("limit_mps2", 4.0, "m/s²", 0.0, 500.0),
           number("limit_radps", 0.2, "rad/s", 0.0, 50.0)), (Cause.IMU_LOST,)),
    Fault(9, "yaw_rate_drift", "sensors", (_deg(1000, "ms"),), CHANNEL, CHANNEL,
          (number("rate_radps2", 0.05, "rad/s²", -10.0, 10.0),)),
    Fault(10, "covariance_growth", "sensors", (_deg(2, "T"),), CHANNEL, CHANNEL,
          (number("quality", 1, "1", 0, 15), number("noise_m", 1.0, "m", 0.0, 1000.0)),
          (Cause.POSITION_LOST,)),
)  # fmt: skip

BUSES: Final = (
    Fault(11, "bus_off", "bus", (_es(50, "ms"),), BUS, INTERFACE, (), (Cause.BUS_OFF,)),
    Fault(12, "error_passive", "bus", (_deg(100, "ms"),), BUS, INTERFACE),
    Fault(13, "cable_pulled", "bus", (_es(100, "ms"),), BUS, INTERFACE,
          (choice("how", "host_unplugged", "nobody_acknowledges"),),
          (Cause.NO_ACKNOWLEDGE, Cause.ESTOP_LOST)),
    Fault(14, "transmit_queue_full", "bus", (_ign(3, "T", "room again within"),
          _es(3, "T", "still full")), BUS, INTERFACE, (), (Cause.NOT_SENT,)),
    Fault(15, "receive_queue_overflow", "bus", (_ign(when="short"),
          _cs(when="once a critical message has aged")), FRAME, FRAME,
          (number("frames", 200, "1", 1, 4000), number("every_ms", 100, "ms", 1, 10_000),
           number("room", 4, "1", 1, 4000))),
    Fault(16, "bus_load", "bus", NOTHING, BUS, INTERFACE,
          (number("share", 0.95, "1", 0.0, 1.0),)),
    Fault(17, "interface_down", "bus", (_es(),), BUS, INTERFACE, (), (Cause.INTERFACE_DOWN,),
          for_s=0.5),
    Fault(18, "wrong_bit_rate", "bus", (_ref(2000, "ms"),), BUS, INTERFACE,
          (number("bitrate", 250_000, "bit/s", 10_000, 8_000_000),)),
    Fault(19, "wrong_length", "bus", (_ign(),), FRAME, FRAME,
          (message("position"), number("length", 3, "byte", 0, 8)), for_s=0.02),
    Fault(20, "fd_frame", "bus", (_ref(),), FRAME, FRAME, (message("position"),)),
)  # fmt: skip

TIMING: Final = (
    Fault(21, "overrun", "timing", (_ign(),), HOST, PROCESS,
          (number("ticks", 1, "1", 1, 2),)),
    Fault(22, "overruns_in_a_row", "timing", (_cs(3, "T"),), HOST, PROCESS,
          (number("ticks", 3, "1", 3, 1000),), (Cause.OVERRUNS,)),
    Fault(23, "host_stall", "timing", NOTHING, HOST, PROCESS, (), (), for_s=0.05),
    Fault(24, "host_stall_long", "timing", (_es(),), HOST, PROCESS, (),
          (Cause.PERMIT_LOST, Cause.PERMIT_WITHDRAWN, Cause.ESTOP_LOST), for_s=0.3),
    Fault(25, "wall_clock_jump", "timing", NOTHING, HOST, PROCESS,
          (number("jump_s", 3600.0, "s", -1e6, 1e6),)),
    Fault(26, "frames_delayed", "timing", (_deg(),), FRAME, FRAME,
          (message("all"), number("delay_ms", 50.0, "ms", 1.0, 150.0))),
    Fault(27, "frames_disordered", "timing", (_ign(),), FRAME, FRAME,
          (message("all"), choice("how", "reordered", "doubled"))),
    Fault(28, "work_in_the_loop", "timing", NOTHING, None, PROCESS,
          (choice("how", "collection", "compilation"),)),
)  # fmt: skip

PROCESSES: Final = (
    Fault(29, "recorder_killed", "processes", NOTHING, None, PROCESS, ends=False),
    Fault(30, "disk_full", "processes", NOTHING, None, PROCESS,
          (number("room_kib", 64, "KiB", 4, 1 << 20),)),
    Fault(31, "disk_hang", "processes", NOTHING, None, PROCESS),
    Fault(32, "memory_pressure", "processes", NOTHING, None, PROCESS,
          (number("room_mib", 16, "MiB", 0, 1 << 20),)),
    Fault(33, "cores_hogged", "processes", NOTHING, None, PROCESS),
    Fault(34, "host_killed", "processes", (_es(1, "T", "the heartbeat; the guard stops the car"),),
          HOST, PROCESS, ends=False),
    Fault(35, "host_stopped", "processes", (_es(1, "T", "the heartbeat; the guard stops the car"),),
          HOST, PROCESS),
    Fault(36, "host_terminated", "processes", (_cs(),), HOST, PROCESS, (), (Cause.SHUTDOWN,),
          ends=False),
)  # fmt: skip

CONFIGURATION: Final = (
    Fault(37, "dbc_malformed", "configuration", (_ref(),), FILE, FILE),
    Fault(38, "dbc_signal_wrong", "configuration", (_ref(),), FILE, FILE,
          (choice("how", "missing", "overlapping", "narrow"),)),
    Fault(39, "dbc_changed", "configuration", (_ref(),), FILE, FILE),
    Fault(40, "line_nan", "configuration", (_ref(),), FILE, FILE),
    Fault(41, "line_repeated_points", "configuration", (_ref(),), FILE, FILE),
    Fault(42, "line_reversed", "configuration", (_ref(),), FILE, FILE),
    Fault(43, "line_not_simple", "configuration", (_ref(),), FILE, FILE,
          (choice("how", "open", "crossing"),)),
    Fault(44, "line_too_tight", "configuration", (_ref(),), FILE, FILE),
    Fault(45, "car_file_wrong", "configuration", (_ref(),), FILE, FILE,
          (choice("how", "negative", "unknown_key"),)),
    Fault(46, "car_off_line", "configuration", (_ref(),), START, START,
          (number("offset_m", 4.0, "m", -1000.0, 1000.0),
           number("turn_rad", 0.0, "rad", -math.pi, math.pi)), LINE_CAUSES),
)  # fmt: skip

ACTUATORS: Final = (
    Fault(47, "steering_stuck", "actuators", (_cs(100, "ms"),), ACTUATOR, ACTUATOR,
          (choice("how", "stuck", "dead"),), (Cause.STEERING_FAULT,)),
    Fault(48, "steering_runaway", "actuators", (_es(50, "ms"),), ACTUATOR, ACTUATOR,
          (number("rate_radps", 0.5, "rad/s", -20.0, 20.0),)),
    Fault(49, "brake_dead", "actuators", (_es(100, "ms"),), ACTUATOR, ACTUATOR,
          (choice("circuit", "1", "2", "both"),), (Cause.BRAKE_FAULT,)),
    Fault(50, "throttle_stuck", "actuators", (_es(100, "ms"),), ACTUATOR, ACTUATOR,
          (), (Cause.POWERTRAIN_FAULT,)),
    Fault(51, "actuator_silent", "actuators", (_cs(3, "P"),), FRAME, FRAME,
          (message("steering"),),
          (Cause.STEERING_LOST, Cause.BRAKE_LOST, Cause.POWERTRAIN_LOST)),
    Fault(52, "sensors_random", "actuators", (_ign(when="commands within limits and slew"),),
          CHANNEL, CHANNEL, (message("all"),)),
)  # fmt: skip

RACE_CONTROL: Final = (
    Fault(53, "emergency_stop", "race control", (_es(2, "T"),), CHANNEL, CHANNEL, (),
          (Cause.REMOTE_ESTOP,)),
    Fault(54, "race_control_lost", "race control", (_cs(500, "ms"),), FRAME, FRAME,
          (choice("how", "silent", "heartbeat_frozen"),), (Cause.RACE_CONTROL_LOST,)),
    Fault(55, "late_emergency_stop", "race control", (_ign(),), FRAME, FRAME,
          (number("frames_old", 3, "1", 1, 7),)),
    Fault(56, "flag_flicker", "race control", (_cs(),), CHANNEL, CHANNEL,
          (number("flag", int(Flag.RED), "1", 0, 15), number("period_ms", 100, "ms", 2, 10_000)),
          (Cause.FLAG_STOP,)),
    Fault(57, "early_go", "race control", (_ign(),), CHANNEL, CHANNEL, for_s=1.0),
    Fault(58, "unknown_flag", "race control", (_cs(),), CHANNEL, CHANNEL,
          (number("flag", 9, "1", 0, 255),), (Cause.FLAG_STOP,)),
)  # fmt: skip

SECURITY: Final = (
    Fault(59, "wrong_crc", "security", (_ign(when="the window still valid"),
          _cs(when="protection state INVALID")), FRAME, FRAME, (message("position"),),
          (Cause.POSITION_LOST,)),
    Fault(60, "counter_frozen", "security", (_cs(3, "P"),), FRAME, FRAME, (message("position"),),
          (Cause.POSITION_LOST,)),
    Fault(61, "frames_replayed", "security", (_ign(),), FRAME, FRAME,
          (message("position"), choice("how", "beside", "instead")), for_s=0.05),
    Fault(62, "command_forged", "security", (_es(2, "T"),), FRAME, FRAME,
          (choice("command", "steer_rad", "throttle", "brake_bar"),
           number("value", 0.2, "the command's", -1000.0, 1000.0),
           number("every_ms", 10, "ms", 1, 10_000))),
    Fault(63, "undeclared_id", "security", (_ign(),), FRAME, FRAME,
          (number("id", 0x3A5, "1", 0, 0x7FF), number("every_ms", 10, "ms", 1, 10_000))),
    Fault(64, "extended_id", "security", (_ign(),), FRAME, FRAME, (message("position"),)),
    Fault(65, "id_zero_flood", "security", (_cs(100, "ms"),), FRAME, FRAME,
          (number("frames_per_ms", 4, "1/ms", 1, 64),)),
    Fault(66, "implausible_value", "security", (_deg(),), CHANNEL, CHANNEL,
          (channel("gnss_speed_mps"), number("offset", 8.0, "the channel's", -1e6, 1e6))),
    Fault(67, "telemetry_intrusion", "security", NOTHING, FRAME, PROCESS,
          (choice("how", "commands", "stalled"), number("every_ms", 10, "ms", 1, 10_000))),
)  # fmt: skip

FAULTS: Final = (
    *SENSORS, *BUSES, *TIMING, *PROCESSES, *CONFIGURATION, *ACTUATORS, *RACE_CONTROL, *SECURITY,
)  # fmt: skip
BY_NAME: Final = {fault.name: fault for fault in FAULTS}


def fault_named(name: str) -> Fault:
    """The fault of a name; raises InputError naming the nearest."""
    if name not in BY_NAME:
        raise InputError(f"fault = {name!r}: no such fault{suggestion(name, BY_NAME)}")
    return BY_NAME[name]
