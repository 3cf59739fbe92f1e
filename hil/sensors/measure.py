"""Measure a group of channels: from the truth that is remembered to SENSORS.

Race control and the emergency stop are not the car's; the rig writes them.
"""

from __future__ import annotations

from typing import Final

from tianyuan.control.kernels import kernel
from tianyuan.control.records import GROUPS
from tianyuan.hil.sensors import gnss, status
from tianyuan.hil.sensors.imu import imu
from tianyuan.hil.sensors.wheels import wheels

_POSITION: Final = GROUPS.index("position")
_VELOCITY: Final = GROUPS.index("velocity")
_IMU: Final = GROUPS.index("imu")
_WHEELS: Final = GROUPS.index("wheels")
_STEERING: Final = GROUPS.index("steering")
_BRAKE: Final = GROUPS.index("brake")
_POWERTRAIN: Final = GROUPS.index("powertrain")


@kernel
def measure(sensor_params, plant, history, sensing, seed, group, sensors, t_ns):
    """Fill the channels of one group of SENSORS (index in GROUPS), as sent at ``t_ns``.

    Stamps are left alone: they are the receiver's. The same past, seed and instant give the
    same values; ``seed`` is any number from 0 below 2**62. Heading is that of the car, by two
    antennas, in [0, 2 pi).
    """
    k, p, out = sensor_params[0], plant[0], sensors[0]
    if group == _POSITION:
        gnss.position(k, history, sensing, seed, out, t_ns)
    elif group == _VELOCITY:
        gnss.velocity(k, history, sensing, seed, out, t_ns)
    elif group == _IMU:
        imu(k, history, sensing, seed, out, t_ns)
    elif group == _WHEELS:
        wheels(k, p, history, seed, out, t_ns)
    elif group == _STEERING:
        status.steering(k, history, sensing, seed, out, t_ns)
    elif group == _BRAKE:
        status.brake(k, history, sensing, seed, out, t_ns)
    elif group == _POWERTRAIN:
        status.powertrain(k, history, seed, out, t_ns)
