"""What is measured leaves in the steps of the car's own DBC file, as cantools reads it."""

from __future__ import annotations

import math

import cantools
import numpy as np
import pytest

from tianyuan import names
from tianyuan.dbc.codec import SENT, encode, records
from tianyuan.dbc.frame import frames
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.tables import wire
from tianyuan.rooms import room

RATIO = 14.1
# Channel, its signal, and SI units in one of the signal's.
CARRIED = [
    ("position", "gnss_x_m", "GNSS_POSITION", "X", 1.0),
    ("velocity", "gnss_speed_mps", "GNSS_VELOCITY", "Speed", 1.0),
    ("velocity", "gnss_heading_rad", "GNSS_VELOCITY", "Heading", math.pi / 180),
    ("imu", "imu_ay_mps2", "IMU", "AccelY", 1.0),
    ("imu", "imu_yaw_rate_radps", "IMU", "YawRate", math.pi / 180),
    ("wheels", "wheel_rr_mps", "WHEEL_SPEEDS", "RearRight", 1 / 3.6),
    ("steering", "steer_rad", "STEERING_STATUS", "Angle", math.pi / 180 / RATIO),
    ("brake", "brake_front_bar", "BRAKE_STATUS", "PressureFront", 1.0),
    ("powertrain", "engine_speed_radps", "POWERTRAIN_STATUS", "EngineSpeed", math.pi / 30),
]  # fmt: skip


@pytest.fixture(scope="module")
def bus():
    return wire(load_car(names.car_file("tianyuan")))


@pytest.mark.parametrize(("group", "channel", "message", "signal", "unit"), CARRIED)
def test_a_measured_value_leaves_in_whole_steps_of_its_signal(
    bus, shipped, group, channel, message, signal, unit
):
    known = cantools.database.load_file(room("dbc") / "tianyuan.dbc").get_message_by_name(message)
    step = known.get_signal_by_name(signal).scale
    k = [m.name for m in bus.sensor_messages].index(message)
    r, sent, out = shipped().run(60), records(bus.sensors, SENT), frames(1)
    r.actuators.brake_front_bar, r.state.engine_radps = 33.3, 333.3
    steps = set()
    for _ in range(20):
        value = r.stand().measure(group)[channel]
        assert encode(bus.sensors, k, sent, r.out.view(np.float64), out, 0) == 0
        payload = out[0].payload[: out[0].length].tobytes()
        raw = known.decode(payload, scaling=False, decode_choices=False)[signal]
        assert abs(raw * step * unit - value) <= 0.5001 * step * unit
        steps.add(raw)
    assert len(steps) > 1 or channel.startswith(("wheel", "engine"))
