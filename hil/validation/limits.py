"""Theory of straight lines: limits of traction and braking, masses that turn, lost speed.

Balances of forces and of moments about the contact with the road (Gillespie, Fundamentals of
Vehicle Dynamics, ch. 1 to 3), with tyres whose friction falls with their load. The turning of
a wheel that is not driven takes part of the tyres' force; that of a braked one, part of the
brake's torque.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq

from tianyuan.hil.plant import steady
from tianyuan.hil.plant.parameters import Vehicle

GRAVITY_MPS2 = 9.81
MOST_MPS2 = 60.0


def wheels_kg(vehicle: Vehicle) -> float:
    """What one axle's wheels add to the mass by their turning."""
    return 2.0 * vehicle.tyre.wheel_inertia_kgm2 / vehicle.tyre.radius_m**2


def axle_loads_n(vehicle: Vehicle, ax_mps2: float, speed_mps: float) -> tuple[float, float]:
    """Loads (front, rear) while the tyres push with ``ax_mps2``; drag has no arm."""
    car, aero = vehicle.chassis, vehicle.aero
    rear_share = car.front_axle_m / car.wheelbase_m
    down_n = aero.downforce_n_per_mps2 * speed_mps**2
    weight_n = car.mass_kg * GRAVITY_MPS2
    moved_n = car.mass_kg * ax_mps2 * car.cg_height_m / car.wheelbase_m
    front_n = weight_n * (1.0 - rear_share) + aero.front_share * down_n - moved_n
    return front_n, weight_n + down_n - front_n


def peak_n(vehicle: Vehicle, axle_n: float, friction: float = 1.0) -> float:
    """The most that an axle's two tyres can push or brake with."""
    tyre = vehicle.tyre
    over = 0.5 * axle_n / tyre.nominal_load_n - 1.0
    return friction * axle_n * tyre.friction_x * (1.0 + tyre.load_sensitivity_x * over)


def locked_n(vehicle: Vehicle, axle_n: float) -> float:
    """What an axle's two tyres brake with at a slip of -1: the Magic Formula's tail."""
    tyre, most_n = vehicle.tyre, peak_n(vehicle, axle_n)
    b = tyre.stiffness_x * axle_n / (tyre.shape_x * most_n)
    bent = b - tyre.curvature_x * (b - math.atan(b))
    return most_n * math.sin(tyre.shape_x * math.atan(bent))


def traction_mps2(vehicle: Vehicle, speed_mps: float, friction: float) -> float:
    """The most that the driven rear axle can push the tyres' force to, over the mass."""

    def left(ax: float) -> float:
        _, rear_n = axle_loads_n(vehicle, ax, speed_mps)
        return (
            peak_n(vehicle, rear_n, friction) - (vehicle.chassis.mass_kg + wheels_kg(vehicle)) * ax
        )

    return float(brentq(left, 0.1, MOST_MPS2))


def braking_mps2(vehicle: Vehicle, axle: int, speed_mps: float) -> float:
    """The tyres' deceleration at which an axle locks that brakes alone; axle 0 is front."""

    def left(ax: float) -> float:
        load_n = axle_loads_n(vehicle, -ax, speed_mps)[axle]
        return peak_n(vehicle, load_n) - (vehicle.chassis.mass_kg + wheels_kg(vehicle)) * ax

    return float(brentq(left, 0.1, MOST_MPS2))


def sliding_mps2(vehicle: Vehicle, speed_mps: float) -> float:
    """The tyres' deceleration with all wheels locked."""

    def left(ax: float) -> float:
        loads = axle_loads_n(vehicle, -ax, speed_mps)
        return sum(locked_n(vehicle, n) for n in loads) - vehicle.chassis.mass_kg * ax

    return float(brentq(left, 0.1, MOST_MPS2))


def cornering_mps2(vehicle: Vehicle, speed_mps: float) -> float:
    """The most lateral acceleration of a car whose front axle gives way first.

    The steering angle turns the front wheels' force back, and gives the outer one, which is
    the larger, an arm of half a track to turn the car back by: so the rear axle carries less.
    """
    car = vehicle.chassis
    rear_m = car.wheelbase_m - car.front_axle_m

    def left(ay: float) -> float:
        inner_n, outer_n = steady.wheels_n(vehicle, "front", ay, steady.SLIP_ANGLES, speed_mps)
        best = int(np.argmax(inner_n + outer_n))
        rear_rad = steady.slip_angle_rad(vehicle, "rear", ay, speed_mps)
        steer_rad = car.wheelbase_m * ay / speed_mps**2 + steady.SLIP_ANGLES[best] - rear_rad
        front_n = (inner_n[best] + outer_n[best]) * math.cos(steer_rad)
        back_nm = (outer_n[best] - inner_n[best]) * math.sin(steer_rad) * 0.5 * car.front_track_m
        rear_n = (car.front_axle_m * front_n - back_nm) / rear_m
        return float(front_n + rear_n - car.mass_kg * ay)

    return float(brentq(left, 0.1, MOST_MPS2))


def coast_down_s(vehicle: Vehicle, from_mps: float, to_mps: float) -> float:
    """Time out of gear between two speeds, by drag and rolling resistance alone."""
    tyre, aero = vehicle.tyre, vehicle.aero
    mass_kg = vehicle.chassis.mass_kg + 2.0 * wheels_kg(vehicle)
    weight_n = vehicle.chassis.mass_kg * GRAVITY_MPS2

    def per_mps(v: float) -> float:
        load_n = weight_n + aero.downforce_n_per_mps2 * v**2
        resisted_n = load_n * (tyre.rolling + tyre.rolling_spm * v) + aero.drag_n_per_mps2 * v**2
        return mass_kg / resisted_n

    return float(quad(per_mps, to_mps, from_mps)[0])
