"""The numbers by which the sensors' noises differ: one each, for good."""

from __future__ import annotations

from typing import Final

NOISES: Final = (
    # white, new with every message
    "position", "speed", "heading", "imu_accel", "imu_yaw_rate", "wheels_front", "wheels_rear",
    "steering_angle", "steering_rate", "brake", "engine",
    # how much later than its latency a message's truth is
    "position_age", "velocity_age", "imu_age", "wheels_age", "steering_age", "brake_age",
    "powertrain_age",
    # where the wheels' timer ticks
    "timer",
    # slow, and constant over a run
    "position_slow", "imu_accel_slow", "imu_yaw_rate_slow", "heading_mounting",
    "imu_accel_bias", "imu_yaw_rate_bias", "steering_offset", "brake_offset",
)  # fmt: skip


def noise(name: str) -> int:
    """The number of a noise."""
    return NOISES.index(name)
