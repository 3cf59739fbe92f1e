"""The plant of a vehicle's file against theory: each figure, what theory says, and how near.

For most of it the car is stripped of what the theory leaves out, air and rolling resistance
and the differentials' locks, by :func:`bare`; then what is left is named beside the figure.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from tianyuan.hil.plant import steady
from tianyuan.hil.plant.parameters import Vehicle
from tianyuan.hil.validation import energy, limits
from tianyuan.hil.validation import measures as m
from tianyuan.hil.validation.manoeuvre import (
    STEER_RATE_RADPS,
    Manoeuvre,
    Profile,
    after,
    hold,
    ramp,
    rising,
    sampled,
    straight,
)
from tianyuan.hil.validation.manoeuvre import steady as always
from tianyuan.hil.validation.ours import STEP_S, Ours
from tianyuan.hil.validation.single_track import LinearModel, axles_of

BEGIN_S: Final = 0.5
SPEEDS_MPS: Final = (15.0, 25.0, 35.0)
SMALL_MPS2: Final = 0.5
MIDDLE_MPS2: Final = 4.0
WET: Final = 0.5
LINEAR: Final = "linear single track, rolling"
EXCUSE: Final = {
    "small": "The angles are small, not zero, and the car has two tracks.",
    "settled": "Nothing is left out once loads and roll have settled.",
    "limit": "The two front tyres do not peak at the same steering angle, and the speed is held.",
    "lag": "The load follows the force with a lag, and the peak is passed in tenths of a second.",
    "slip": "The wheels' slip, which theory leaves out, takes or gives a little.",
    "sum": "Steps of 1 ms; of the body's roll both have the first order only.",
}


class Check(NamedTuple):
    """One figure; ``within`` is relative, or in the unit where ``absolute`` is set."""

    title: str
    figure: str
    unit: str
    ours: float
    theory: float
    within: float
    absolute: bool
    source: str
    excuse: str

    def difference(self) -> float:
        """Ours less theory's, relative to theory's unless ``absolute``."""
        apart = self.ours - self.theory
        return apart if self.absolute else apart / self.theory

    def holds(self) -> bool:
        """Whether it is inside its bound."""
        return abs(self.difference()) <= self.within


def bare(vehicle: Vehicle) -> Vehicle:
    """The vehicle without air, rolling resistance and locks between its wheels."""
    open_axle = {"kind": "open", "preload_nm": 0.0, "drive_lock": 0.0, "coast_lock": 0.0}
    changes: dict[str, dict] = {
        "tyre": {"rolling": 0.0, "rolling_spm": 0.0},
        "aero": {"drag_n_per_mps2": 0.0, "side_n_per_mps2": 0.0},
        "front_differential": open_axle,
        "rear_differential": open_axle,
    }
    parts = {name: getattr(vehicle, name).model_copy(update=c) for name, c in changes.items()}
    return vehicle.model_copy(update=parts)


def checks(vehicle: Vehicle) -> Iterator[Check]:
    """All of them, one at a time, as they are driven."""
    stripped = bare(vehicle)
    yield from steps(stripped)
    yield from skid_pad(stripped)
    if vehicle.gearbox.rear_share == 1.0:
        yield traction(stripped)
    yield from braking_limits(stripped)
    yield sliding(stripped)
    yield gentle(stripped)
    yield coasting(vehicle)
    yield balance(vehicle)


def steps(vehicle: Vehicle) -> Iterator[Check]:
    """Small steps of the steering, at the linear model's heart."""
    linear, ours = LinearModel(vehicle), Ours(vehicle)
    for speed in SPEEDS_MPS:
        if speed > ours.top_mps():
            continue
        axles = axles_of(vehicle, speed)
        gain = axles.yaw_gain_1ps(speed)
        steer = SMALL_MPS2 / (speed * gain)
        run = Manoeuvre(speed, 3.0, ramp(steer, BEGIN_S, STEER_RATE_RADPS), hold(speed))
        driven, expected = ours.drive(run), linear.drive(run)
        title = f"Step steer, {speed:.0f} m/s, to {SMALL_MPS2} m/s²"
        yield Check(
            title, "yaw rate gain", "1/s", m.yaw_gain_1ps(driven), gain, 0.003, False,
            "v / (L + K v²)", EXCUSE["small"],
        )  # fmt: skip
        yield Check(
            title, "rise time of the yaw rate", "s", m.rise_time_s(driven, BEGIN_S),
            m.rise_time_s(expected, BEGIN_S), 0.03, False, LINEAR, EXCUSE["small"],
        )  # fmt: skip
        yield Check(
            title, "overshoot of the yaw rate", "%", 100 * m.overshoot(driven),
            100 * m.overshoot(expected), 0.4, True, LINEAR, EXCUSE["small"],
        )  # fmt: skip
    yield gradient(vehicle)


def gradient(vehicle: Vehicle) -> Check:
    """The understeer gradient of the linear tyres, from two small angles."""
    speed, wheelbase = 25.0, vehicle.chassis.wheelbase_m
    gain = axles_of(vehicle, speed).yaw_gain_1ps(speed)
    steer = SMALL_MPS2 / (speed * gain)
    trace = Ours(vehicle).drive(Manoeuvre(speed, 4.0, ramp(steer, BEGIN_S, 0.1), hold(speed)))
    path = math.atan(wheelbase * m.last_mean(trace.yaw_rate_radps) / m.last_mean(trace.vx_mps))
    found = (steer - path) / m.last_mean(trace.ay_mps2)
    return Check(
        "Steady turn, 25 m/s", "understeer gradient", "mrad/(m/s²)", 1e3 * found,
        1e3 * axles_of(vehicle, speed).understeer_gradient(), 0.01, True,
        "m / L (b / Cf - a / Cr)", EXCUSE["small"],
    )  # fmt: skip


def skid_pad(vehicle: Vehicle) -> Iterator[Check]:
    """Roll and loads in a steady turn, and the most that there is."""
    speed = 20.0
    gain = axles_of(vehicle, speed).yaw_gain_1ps(speed)
    run = Manoeuvre(speed, 5.0, ramp(MIDDLE_MPS2 / (speed * gain), BEGIN_S, 0.1), hold(speed))
    trace = Ours(vehicle).drive(run)
    ay, title = m.last_mean(trace.ay_mps2), f"Skid pad, 20 m/s, about {MIDDLE_MPS2:.0f} m/s²"
    yield Check(
        title, "roll angle", "mrad", 1e3 * m.last_mean(trace.roll_rad),
        1e3 * steady.roll_rad(vehicle, ay), 0.005, False, "Milliken ch. 18", EXCUSE["settled"],
    )  # fmt: skip
    for axle, name in enumerate(steady.AXLES):
        yield Check(
            title, f"{name} load moved across", "N", m.side_transfer_n(trace, axle),
            2 * steady.moved_n(vehicle, name, ay), 0.005, False, "Milliken ch. 18",
            EXCUSE["settled"],
        )  # fmt: skip
    slow = Manoeuvre(speed, 14.0, ramp(0.26, BEGIN_S, 0.02), hold(speed))
    most = m.peak(Ours(vehicle).drive(slow).ay_mps2)
    yield Check(
        "Slow ramp steer, 20 m/s", "most lateral acceleration", "m/s²", most,
        limits.cornering_mps2(vehicle, speed), 0.03, False, "the front tyres' peaks, steered",
        EXCUSE["limit"],
    )  # fmt: skip


def traction(vehicle: Vehicle) -> Check:
    """Drive torque ramped up in the wet, where any engine can spin the rear wheels."""
    run = Manoeuvre(1.5, 3.5, straight(), rising(0.3, 3.0, 30.0))
    trace = Ours(vehicle, WET).drive(run)
    at = int(np.argmax(trace.ax_mps2))
    expected = limits.traction_mps2(vehicle, float(trace.vx_mps[at]), WET)
    return Check(
        f"Traction limit, friction {WET}", "peak acceleration", "m/s²",
        float(trace.ax_mps2[at]), expected, 0.01, False, "Gillespie ch. 2, front wheels turning",
        EXCUSE["lag"],
    )  # fmt: skip


def braking_limits(vehicle: Vehicle) -> Iterator[Check]:
    """Pressure ramped up until an axle locks, each with its circuit alone."""
    alone = ({"rear_nm_per_bar": 0.0}, {"front_nm_per_bar": 1e-9, "max_bar": 1e4})
    for axle, other in enumerate(alone):
        brakes = vehicle.brakes.model_copy(update=other)
        one = vehicle.model_copy(update={"brakes": brakes})
        run = Manoeuvre(30.0, 4.0, straight(), rising(0.2, -4.0, -40.0), 1.0, neutral=True)
        trace = Ours(one).drive(run)
        at = int(np.argmin(trace.ax_mps2))
        expected = limits.braking_mps2(one, axle, float(trace.vx_mps[at]))
        yield Check(
            f"Braking limit, {steady.AXLES[axle]} brakes alone", "peak deceleration", "m/s²",
            -float(trace.ax_mps2[at]), expected, 0.01, False, "Gillespie ch. 3, wheels turning",
            EXCUSE["lag"],
        )  # fmt: skip


def sliding(vehicle: Vehicle) -> Check:
    """All wheels locked, read at half the speed."""
    run = Manoeuvre(30.0, 4.0, straight(), rising(0.1, -200.0, -60.0), 1.0, neutral=True)
    trace = Ours(vehicle).drive(run)
    ours = -m.at(trace, trace.ax_mps2, m.crossing(trace.t_s, -trace.vx_mps, -12.0))
    return Check(
        "All wheels locked", "deceleration at 12 m/s", "m/s²", ours,
        limits.sliding_mps2(vehicle, 12.0), 0.002, False, "Magic Formula at slip -1",
        EXCUSE["settled"],
    )  # fmt: skip


def gentle(vehicle: Vehicle) -> Check:
    """Far below any limit a brake's torque is force on mass and turning wheels."""
    run = Manoeuvre(30.0, 10.0, straight(), rising(0.1, -60.0, -4.0), 1.0, neutral=True)
    trace = Ours(vehicle).drive(run)
    turning = 1 + 2 * limits.wheels_kg(vehicle) / vehicle.chassis.mass_kg
    expected = (28.0**2 - 2.0**2) / 2 / 4.0 * turning
    return Check(
        "Braking, 4 m/s² asked for", "distance 28 to 2 m/s", "m",
        m.distance_between_m(trace, 28.0, 2.0), expected, 0.005, False, "v² / 2 a, wheels turning",
        EXCUSE["slip"],
    )  # fmt: skip


def coasting(vehicle: Vehicle) -> Check:
    """Out of gear on the flat, with all that the vehicle's file has."""
    run = Manoeuvre(40.0, 30.0, straight(), always(0.0), neutral=True)
    trace = Ours(vehicle).drive(run)
    low = float(math.ceil(trace.vx_mps[-1] + 0.5))
    return Check(
        "Coast-down", f"time 38 to {low:.0f} m/s", "s", m.time_between_s(trace, 38.0, low),
        limits.coast_down_s(vehicle, 38.0, low), 0.002, False, "integral of m dv / F",
        EXCUSE["slip"],
    )  # fmt: skip


def balance(vehicle: Vehicle) -> Check:
    """A slalom with braking: what the motion lost against what slip, brakes and air took."""
    run = Manoeuvre(30.0, 4.0, _slalom(), after(2.0, always(0.0), always(-3.0)), 1.0, neutral=True)
    states, controls = Ours(vehicle).history(run)
    before, last = energy.stored_j(vehicle, states[[0, -1]])
    bars = np.stack([controls["brake_front_bar"], controls["brake_rear_bar"]], axis=1)
    lost = energy.lost_w(vehicle, states[1:], controls["steer_rad"][1:], bars[1:]).sum() * STEP_S
    return Check(
        "Slalom with braking from 30 m/s", "energy lost", "kJ", 1e-3 * float(before - last),
        1e-3 * float(lost), 0.003, False, "work of slip, brakes, air, dampers", EXCUSE["sum"],
    )  # fmt: skip


def _slalom() -> Profile:
    return sampled(lambda t: 0.04 * np.sin(2 * np.pi * 0.5 * t), 4.0)
