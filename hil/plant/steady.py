"""Steady cornering in closed form, and what a driver's single-track model makes of it.

The driver knows of each axle one Magic Formula on the axle's static load, one coefficient of
friction and the down-force. :func:`identify` fits those to the four tyres of a plant on their
rolling axles, as measurements on a skid pad would.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.optimize import brentq, least_squares

from tianyuan.control.kernels import kernel
from tianyuan.hil.plant.load import GRAVITY_MPS2
from tianyuan.hil.plant.parameters import Vehicle
from tianyuan.hil.plant.tyre import force

AXLES: Final = ("front", "rear")
SLIP_ANGLES: Final = np.linspace(0.0, 0.4, 401)
POINTS: Final = 12
SPEEDS: Final = 4
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
    return np.asarray(wheels_n(vehicle, axle, ay_mps2, slip_angles, air_mps).sum(axis=0))


def wheels_n(
    vehicle: Vehicle, axle: str, ay_mps2: float, slip_angles: np.ndarray, air_mps: float = 0.0
) -> np.ndarray:
    """As ``axle_n``, of its inner wheel and its outer, (2, angles)."""
    share, aero = static_share(vehicle, axle), vehicle.aero
    half_n = 0.5 * vehicle.chassis.mass_kg * GRAVITY_MPS2 * share
    pressed = aero.front_share if axle == "front" else 1.0 - aero.front_share
    half_n += 0.5 * pressed * aero.downforce_n_per_mps2 * air_mps**2
    moved = min(half_n, moved_n(vehicle, axle, ay_mps2))
    stiffness = vehicle.tyre.stiffness_y_1prad * getattr(vehicle.tyre, f"{axle}_factor")
    out = np.zeros((2, len(slip_angles)))
    _fill(vehicle.plant(), half_n - moved, half_n + moved, np.tan(slip_angles), stiffness, out)
    return out


@kernel
def _fill(plant, inner_n, outer_n, slips, stiffness, out):
    for i in range(slips.size):
        out[0, i] = force(plant[0], inner_n, 0.0, slips[i], stiffness, 1.0)[1]
        out[1, i] = force(plant[0], outer_n, 0.0, slips[i], stiffness, 1.0)[1]


def limit_mps2(vehicle: Vehicle, axle: str, air_mps: float = 0.0) -> float:
    """The lateral acceleration at which an axle has nothing left."""
    carried_kg = vehicle.chassis.mass_kg * static_share(vehicle, axle)

    def left(ay: float) -> float:
        return float(axle_n(vehicle, axle, ay, SLIP_ANGLES, air_mps).max()) - carried_kg * ay

    return float(brentq(left, 0.1, 200.0, xtol=1e-6))


def slip_angle_rad(vehicle: Vehicle, axle: str, ay_mps2: float, air_mps: float = 0.0) -> float:
    """The slip angle at which an axle carries its share of ``ay_mps2``, below its limit."""
    forces = axle_n(vehicle, axle, ay_mps2, SLIP_ANGLES, air_mps)
    rising = forces[: int(np.argmax(forces)) + 1]
    wanted_n = vehicle.chassis.mass_kg * static_share(vehicle, axle) * ay_mps2
    return float(np.interp(wanted_n, rising, SLIP_ANGLES[: len(rising)]))


def skid_pads(vehicle: Vehicle, axle: str, top_mps: float) -> np.ndarray:
    """Rows of lateral acceleration, squared speed and an axle's slip angle, up to its limit."""
    speeds = np.linspace(0.0, top_mps, SPEEDS) if vehicle.aero.downforce_n_per_mps2 else [0.0]
    rows = []
    for air in speeds:
        most = UP_TO * min(limit_mps2(vehicle, one, air) for one in AXLES)
        for ay in np.linspace(0.05, 1.0, POINTS) * most:
            rows.append((ay, air**2, slip_angle_rad(vehicle, axle, ay, air)))
    return np.array(rows)


def fit(rows: np.ndarray, friction: float) -> np.ndarray:
    """The driver's b, c and d (1/m) of one axle for its rows of ``skid_pads``."""
    ay, square, slip_rad = rows.T
    slip = np.tan(slip_rad)

    def error(bcd: np.ndarray) -> np.ndarray:
        peak = friction * (GRAVITY_MPS2 + 1e-3 * bcd[2] * square)
        return np.asarray(peak * np.sin(bcd[1] * np.arctan(bcd[0] * slip)) / ay - 1.0)

    b, c, thousandths = least_squares(error, (12.0, 1.4, 1.0)).x
    return np.array([b, c, 1e-3 * thousandths if square.any() else 0.0])


def identify(vehicle: Vehicle, top_mps: float) -> dict[str, float]:
    """The driver's ``friction``, ``tyre_b_…``, ``tyre_c_…`` and its down-force with its share.

    Friction is that of the axle which gives way first without down-force. The rest is fitted
    to the slip angles on skid pads up to ``top_mps``, where the driver's model is

        ay = friction (g + d v^2) sin(c atan(b tan(alpha)))

    with d the axle's down-force over the mass that it carries. Tyres lose friction and
    stiffness under a load, so that comes out below what the wings press with.
    """
    friction = min(limit_mps2(vehicle, axle) for axle in AXLES) / GRAVITY_MPS2
    found, pressed = {"friction": friction}, {}
    for axle in AXLES:
        b, c, d = fit(skid_pads(vehicle, axle, top_mps), friction)
        found[f"tyre_b_{axle}"], found[f"tyre_c_{axle}"] = b, c
        pressed[axle] = d * vehicle.chassis.mass_kg * static_share(vehicle, axle)
    found["downforce_n_per_mps2"] = sum(pressed.values())
    if found["downforce_n_per_mps2"]:
        found["downforce_front_share"] = pressed["front"] / found["downforce_n_per_mps2"]
    return found
