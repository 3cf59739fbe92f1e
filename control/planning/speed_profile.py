"""The fastest speed along a given line that grip, engine and brakes allow.

A point mass under (|ax| / ax_max)^p + (|ay| / ay_max)^p <= 1, with drag, rolling
resistance, the drag of steered tyres, the best gear's force, down-force and slope; one
pass forward for driving, one backward for braking (Subosits and Gerdes 2015; Heilmeier et
al., VSD 2019). Each step is taken implicitly, the limit holding at the point that the step
leads to: near the limit of grip the remaining force has an infinite slope, where explicit
steps ring.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from tianyuan.control import grip, speed
from tianyuan.control.geometry import on_table
from tianyuan.control.grip import GRAVITY_MPS2
from tianyuan.control.kernels import kernel
from tianyuan.control.planning.curve import Array
from tianyuan.control.planning.drive_force import FORCE_STEP_MPS, force_table

LIMITED: Final = 0  # by the bend or the speed cap, at this very point
DRIVING: Final = 1  # by what the step from the point before allows
BRAKING: Final = 2  # by what the step to the point after allows

# What the passes need of the line, point by point; step_m leads to the next point.
ROAD: Final = np.dtype(
    [
        ("step_m", "f8"),
        ("curvature_1pm", "f8"),
        ("sin_slope", "f8"),
        ("cos_slope", "f8"),
        ("hollow_1pm", "f8"),  # change of slope along the line: hollow positive, crest negative
    ]
)

_SLOWEST_M2PS2 = 1.0  # the square of 1 m/s: keeps lap times finite where a car cannot climb
_LEAST_LOAD = 0.05  # of the weight, that a crest leaves on the tyres at the least
_BISECTIONS = 40
_LAPS = 50
_SETTLED_M2PS2 = 1e-6


@dataclass(frozen=True)
class SpeedProfile:
    """Arrays of shape (n,): speed, acceleration along the line, what limits each point."""

    speed_mps: Array
    accel_mps2: Array
    limit: np.ndarray
    lap_s: float


def speed_profile(
    params: np.recarray, curvature_1pm: Array, slope_rad: Array, step_m: Array | float
) -> SpeedProfile:
    """The fastest periodic profile along a closed line of n points.

    ``step_m`` is the distance from each point to the next, one for all or of shape (n,).
    Acceleration is the centred difference of v^2 / 2, so that it belongs to its point.
    """
    road = make_road(curvature_1pm, slope_rad, step_m)
    square, limit = np.zeros(len(road)), np.zeros(len(road), np.int8)
    solve_profile(params, force_table(params), road, square, limit)
    speed_mps = np.sqrt(square)
    step, before = road.step_m, np.roll(road.step_m, 1)
    accel = (np.roll(square, -1) - np.roll(square, 1)) / (2 * (step + before))
    return SpeedProfile(speed_mps, accel, limit, lap_time(speed_mps, step))


def make_road(curvature_1pm: Array, slope_rad: Array, step_m: Array | float) -> np.recarray:
    """The ROAD array (n,) of a closed line."""
    road = np.zeros(len(curvature_1pm), ROAD).view(np.recarray)
    road.step_m = step_m
    road.curvature_1pm = curvature_1pm
    road.sin_slope, road.cos_slope = np.sin(slope_rad), np.cos(slope_rad)
    road.hollow_1pm = (np.roll(slope_rad, -1) - np.roll(slope_rad, 1)) / (
        road.step_m + np.roll(road.step_m, 1)
    )
    return road


def lap_time(speed_mps: Array, step_m: Array | float) -> float:
    """Time for a lap at constant acceleration between points."""
    return float(np.sum(2 * step_m / (speed_mps + np.roll(speed_mps, -1))))


@kernel
def load_mps2(params, road, i, square):
    """Load on the tyres over mass at a squared speed."""
    p = params[0]
    lift = road[i].hollow_1pm + p.downforce_n_per_mps2 / p.mass_kg
    load = GRAVITY_MPS2 * road[i].cos_slope + lift * square
    return max(load, _LEAST_LOAD * GRAVITY_MPS2)


@kernel
def resistance_mps2(params, road, i, square):
    """Deceleration by drag, rolling, steered tyres and slope, over mass alone."""
    speed_mps = math.sqrt(square)
    ay = road[i].curvature_1pm * square
    slope = math.asin(road[i].sin_slope)
    return speed.resistance_n(params, speed_mps, slope, ay) / params[0].mass_kg


@kernel
def _grip_left(params, road, i, square, load):
    """Share of the longitudinal grip that cornering leaves."""
    p = params[0]
    used = abs(road[i].curvature_1pm) * square / (p.friction * p.planning_lateral_share * load)
    if used >= 1.0:
        return 0.0
    return (1.0 - used**p.planning_exponent) ** (1.0 / p.planning_exponent)


@kernel
def engine_accel_mps2(params, force, road, i, square):
    """What full throttle in the best gear gives, less resistance, at a squared speed."""
    p = params[0]
    full = on_table(force, math.sqrt(square) / FORCE_STEP_MPS) / p.mass_kg
    return (full - resistance_mps2(params, road, i, square)) / p.rotating_mass_factor


@kernel
def traction_share(params):
    """Driving force that the driven tyres hold, over the load on all tyres."""
    p = params[0]
    # In proportion to load, so it is asked for at standstill: grip knows no hollows, no slopes.
    weight_n = max(grip.load_n(params, 0.0), 1.0)
    return p.planning_drive_share * grip.traction_n(params, 0.0, 0.0) / weight_n


@kernel
def drive_accel_mps2(params, force, road, i, square):
    """The hardest acceleration at a squared speed; negative where resistance wins."""
    load = load_mps2(params, road, i, square)
    tyres = traction_share(params) * load * _grip_left(params, road, i, square, load)
    by_tyres = tyres - resistance_mps2(params, road, i, square)
    return min(by_tyres, engine_accel_mps2(params, force, road, i, square))


@kernel
def brake_decel_mps2(params, road, i, square):
    """The hardest deceleration at a squared speed, positive, resistance helping."""
    p = params[0]
    load = load_mps2(params, road, i, square)
    tyres = p.friction * p.planning_brake_share * load * _grip_left(params, road, i, square, load)
    brakes = p.brake_n_per_bar * p.limits_brake_bar / p.mass_kg
    resistance = resistance_mps2(params, road, i, square)
    return min(tyres + resistance, (brakes + resistance) / p.rotating_mass_factor)


@kernel
def bend_limit(params, road, i):
    """The squared speed at which the bend takes all grip, or the cap if that is less."""
    p = params[0]
    grip = p.friction * p.planning_lateral_share
    lift = road[i].hollow_1pm + p.downforce_n_per_mps2 / p.mass_kg
    need = abs(road[i].curvature_1pm) - grip * lift
    cap = p.limits_speed_mps * p.limits_speed_mps
    supply = grip * GRAVITY_MPS2 * road[i].cos_slope
    if need * cap <= supply:
        return cap
    return max(supply / need, _SLOWEST_M2PS2)


@kernel
def _step(params, force, road, i, step_m, start, most, braking):
    """Largest squared speed <= ``most`` at point i, reached over ``step_m`` from ``start``."""
    low, high = _SLOWEST_M2PS2, most
    for k in range(_BISECTIONS):
        middle = high if k == 0 else 0.5 * (low + high)
        if braking:
            accel = brake_decel_mps2(params, road, i, middle)
        else:
            accel = drive_accel_mps2(params, force, road, i, middle)
        if middle <= start + 2.0 * step_m * accel:
            low = middle
            if k == 0:
                break
        else:
            high = middle
    return low


@kernel
def _pass(params, force, road, square, limit, first, braking):
    """One lap from ``first``, lowering ``square``; returns the largest change."""
    n = square.shape[0]
    change = 0.0
    for k in range(n):
        i = (first - k) % n if braking else (first + k) % n
        to = (i - 1) % n if braking else (i + 1) % n
        step_m = road[to].step_m if braking else road[i].step_m
        reached = _step(params, force, road, to, step_m, square[i], square[to], braking)
        if reached < square[to]:
            change = max(change, square[to] - reached)
            square[to] = reached
            limit[to] = BRAKING if braking else DRIVING
    return change


@kernel
def solve_profile(params, force, road, square, limit):
    """Fill the squared speeds and what limits them; laps are driven until one repeats."""
    n = square.shape[0]
    first = 0
    for i in range(n):
        square[i] = bend_limit(params, road, i)
        limit[i] = LIMITED
        if square[i] < square[first]:
            first = i
    for braking in (False, True):
        for _ in range(_LAPS):
            if _pass(params, force, road, square, limit, first, braking) < _SETTLED_M2PS2:
                break
