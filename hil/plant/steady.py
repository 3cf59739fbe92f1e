"""Steady cornering in closed form, and what a driver's single-track model makes of it.

The driver knows of each axle one Magic Formula on the axle's static load, one coefficient of
friction and the down-force. :func:`identify` fits those to the four tyres of a plant on their
rolling axles, as measurements on a skid pad would.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.optimize import brentq, least_squares

from tianyuan.hil.plant.load import GRAVITY_MPS2
from tianyuan.hil.plant.parameters import Vehicle
from tianyuan.hil.plant.tyre import force

AXLES: Final = ("front", "rear")
SLIP_ANGLES: Final = np.linspace(0.0, 0.4, 401)
POINTS: Final = 40
UP_TO: Final = 0.97  # of the peak: beyond, a slip angle says nothing about the force


def static_share(vehicle: Vehicle, axle: str) -> float:
    """The axle's share of the weight."""
    rear = vehicle.chassis.front_axle_m / vehicle.chassis.wheelbase_m
    return rear if axle == "rear" else 1.0 - rear


def roll_rad(vehicle: Vehicle, ay_mps2: float) -> float:
    """The body's roll in a steady bend."""
    body_kg, arm_m = vehicle.body()
    axles = vehicle.suspension
    stiffness = axles.front_roll_nm_per_rad + axles.rear_roll_nm_per_rad
    return body_kg * arm_m * ay_mps2 / (stiffness - body_kg * arm_m * GRAVITY_MPS2)


def moved_n(vehicle: Vehicle, axle: str, ay_mps2: float) -> float:
    """Load in N that goes over from the inner wheel of an axle to the outer in a steady bend."""
    axles = vehicle.suspension
    unsprung_kg = getattr(axles, f"{axle}_unsprung_kg")
    linked_kg = vehicle.chassis.mass_kg * static_share(vehicle, axle) - unsprung_kg
    moment_nm = getattr(axles, f"{axle}_roll_nm_per_rad") * roll_rad(vehicle, ay_mps2)
    moment_nm += linked_kg * ay_mps2 * getattr(axles, f"{axle}_roll_centre_m")
    moment_nm += unsprung_kg * ay_mps2 * vehicle.tyre.radius_m
    return float(moment_nm / getattr(vehicle.chassis, f"{axle}_track_m"))


def axle_n(
    vehicle: Vehicle, axle: str, ay_mps2: float, slip_angles: np.ndarray, air_mps: float = 0.0
) -> np.ndarray:
    """Lateral force in N of an axle at slip angles in rad, its load moved by ``ay_mps2``."""
    share, aero = static_share(vehicle, axle), vehicle.aero
    half_n = 0.5 * vehicle.chassis.mass_kg * GRAVITY_MPS2 * share
    pressed = aero.front_share if axle == "front" else 1.0 - aero.front_share
    half_n += 0.5 * pressed * aero.downforce_n_per_mps2 * air_mps**2
    moved = min(half_n, moved_n(vehicle, axle, ay_mps2))
    stiffness = vehicle.tyre.stiffness_y_1prad * getattr(vehicle.tyre, f"{axle}_factor")
    p = vehicle.plant()[0]
    return np.array(
        [
            sum(force(p, n, 0.0, slip, stiffness, 1.0)[1] for n in (half_n - moved, half_n + moved))
            for slip in np.tan(slip_angles)
        ]
    )


def limit_mps2(vehicle: Vehicle, axle: str, air_mps: float = 0.0) -> float:
    """The lateral acceleration at which an axle has nothing left."""
    carried_kg = vehicle.chassis.mass_kg * static_share(vehicle, axle)

    def left(ay: float) -> float:
        return float(axle_n(vehicle, axle, ay, SLIP_ANGLES, air_mps).max()) - carried_kg * ay

    return float(brentq(left, 0.1, 200.0, xtol=1e-6))


def slip_angle_rad(vehicle: Vehicle, axle: str, ay_mps2: float) -> float:
    """The slip angle at which an axle carries its share of ``ay_mps2``, below its limit."""
    forces = axle_n(vehicle, axle, ay_mps2, SLIP_ANGLES)
    rising = forces[: int(np.argmax(forces)) + 1]
    wanted_n = vehicle.chassis.mass_kg * static_share(vehicle, axle) * ay_mps2
    return float(np.interp(wanted_n, rising, SLIP_ANGLES[: len(rising)]))


def identify(vehicle: Vehicle, top_mps: float) -> dict[str, float]:
    """The driver's ``friction``, ``tyre_b_…``, ``tyre_c_…`` and ``downforce_n_per_mps2``.

    Friction is that of the axle which gives way first. The down-force is what raises the
    limit with it at ``top_mps``: what the tyres lose of friction under it is taken off.
    """
    limits = {axle: limit_mps2(vehicle, axle) for axle in AXLES}
    friction = min(limits.values()) / GRAVITY_MPS2
    found = {"friction": friction}
    for axle in AXLES:
        ay = np.linspace(0.02, UP_TO, POINTS) * min(limits.values())
        slip = np.tan([slip_angle_rad(vehicle, axle, one) for one in ay])

        def error(bc: np.ndarray, ay: np.ndarray = ay, slip: np.ndarray = slip) -> np.ndarray:
            peak = friction * GRAVITY_MPS2
            return np.asarray(peak * np.sin(bc[1] * np.arctan(bc[0] * slip)) - ay)

        found[f"tyre_b_{axle}"], found[f"tyre_c_{axle}"] = least_squares(error, (12.0, 1.4)).x
    pressed = min(limit_mps2(vehicle, axle, top_mps) for axle in AXLES) / friction
    down_n = vehicle.chassis.mass_kg * (pressed - GRAVITY_MPS2)
    return found | {"downforce_n_per_mps2": down_n / top_mps**2}
