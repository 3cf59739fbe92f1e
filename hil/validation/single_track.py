"""Theory: the linear single-track model with tyres that build up their force over a way.

Rajamani, Vehicle Dynamics and Control (2nd ed.), eq. 2.31, with first-order tyres after
Pacejka, Tire and Vehicle Dynamics (3rd ed.), ch. 7: ``sigma / v * alpha' + alpha`` is the slip
angle of the axle. It holds for small angles at a constant speed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.signal import StateSpace, lsim

from tianyuan.hil.plant.parameters import Vehicle
from tianyuan.hil.validation.manoeuvre import SAMPLE_S, Manoeuvre
from tianyuan.hil.validation.trace import Trace

GRAVITY_MPS2 = 9.81


class Axles(NamedTuple):
    """What the linear model is made of; stiffness is an axle's force over its slip angle."""

    mass_kg: float
    yaw_inertia_kgm2: float
    front_m: float
    rear_m: float
    front_n_per_rad: float
    rear_n_per_rad: float
    relaxation_m: float

    def understeer_gradient(self) -> float:
        """In rad/(m/s^2), Rajamani eq. 3.11 over g: positive when the car understeers."""
        wheelbase_m = self.front_m + self.rear_m
        front = self.rear_m / self.front_n_per_rad
        rear = self.front_m / self.rear_n_per_rad
        return self.mass_kg / wheelbase_m * (front - rear)

    def yaw_gain_1ps(self, speed_mps: float) -> float:
        """Steady yaw rate over steering angle."""
        length_m = self.front_m + self.rear_m
        return speed_mps / (length_m + self.understeer_gradient() * speed_mps**2)

    def state_space(self, speed_mps: float) -> StateSpace:
        """From steering to (yaw rate, lateral acceleration); states vy, r and the two slips."""
        m, inertia, v = self.mass_kg, self.yaw_inertia_kgm2, speed_mps
        a, b = self.front_m, self.rear_m
        front, rear = self.front_n_per_rad, self.rear_n_per_rad
        rate = v / self.relaxation_m
        dynamics = [
            [0.0, -v, front / m, rear / m],
            [0.0, 0.0, a * front / inertia, -b * rear / inertia],
            [-rate / v, -rate * a / v, -rate, 0.0],
            [-rate / v, rate * b / v, 0.0, -rate],
        ]
        outputs = [[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, front / m, rear / m]]
        return StateSpace(dynamics, [[0.0], [0.0], [rate], [0.0]], outputs, [[0.0], [0.0]])


def axles_of(vehicle: Vehicle, speed_mps: float) -> Axles:
    """The linear model of a vehicle's file at a speed, whose down-force loads its tyres.

    Each tyre bears half its axle's static load.
    """
    car, tyre, aero = vehicle.chassis, vehicle.tyre, vehicle.aero
    weight_n = car.mass_kg * GRAVITY_MPS2
    down_n = aero.downforce_n_per_mps2 * speed_mps**2
    rear_share = car.front_axle_m / car.wheelbase_m
    front_n = weight_n * (1 - rear_share) + down_n * aero.front_share
    rear_n = weight_n * rear_share + down_n * (1 - aero.front_share)

    def stiffness(load_n: float) -> float:
        over = 2.0 * load_n / weight_n - 1.0
        return load_n * tyre.stiffness_y_1prad * (1 + tyre.stiffness_sensitivity * over)

    return Axles(
        mass_kg=car.mass_kg,
        yaw_inertia_kgm2=car.yaw_inertia_kgm2,
        front_m=car.front_axle_m,
        rear_m=car.wheelbase_m - car.front_axle_m,
        front_n_per_rad=tyre.front_factor * stiffness(front_n),
        rear_n_per_rad=tyre.rear_factor * stiffness(rear_n),
        relaxation_m=tyre.relaxation_y_m,
    )


class LinearModel:
    """The linear model as one that drives manoeuvres, at their first speed for ever."""

    name = "linear single-track"

    def __init__(self, vehicle: Vehicle) -> None:
        self._vehicle = vehicle

    def drive(self, manoeuvre: Manoeuvre) -> Trace:
        """A whole run; see ``trace.Model``. It has neither roll nor wheels."""
        speed_mps = manoeuvre.start_mps
        t_s = np.arange(round(manoeuvre.seconds / SAMPLE_S) + 1) * SAMPLE_S
        steer_rad = np.array([manoeuvre.steer.angle(t) for t in t_s])
        system = axles_of(self._vehicle, speed_mps).state_space(speed_mps)
        _, (yaw_rate, ay), states = _response(system, steer_rad, t_s)
        heading = np.concatenate(
            ([0.0], np.cumsum(0.5 * SAMPLE_S * (yaw_rate[1:] + yaw_rate[:-1])))
        )
        vy_mps = states[:, 0]
        course = heading + vy_mps / speed_mps
        none = np.zeros_like(t_s)
        return Trace(
            t_s=t_s,
            x_m=np.cumsum(speed_mps * SAMPLE_S * np.cos(course)),
            y_m=np.cumsum(speed_mps * SAMPLE_S * np.sin(course)),
            heading_rad=heading,
            vx_mps=np.full_like(t_s, speed_mps),
            vy_mps=vy_mps,
            yaw_rate_radps=yaw_rate,
            ax_mps2=none,
            ay_mps2=ay,
            steer_rad=steer_rad,
            roll_rad=none,
            wheel_radps=np.zeros((len(t_s), 4)),
            wheel_load_n=np.zeros((len(t_s), 4)),
        )


def _response(
    system: StateSpace, steer_rad: np.ndarray, t_s: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    t_s, outputs, states = lsim(system, steer_rad, t_s)
    return t_s, outputs.T, states
