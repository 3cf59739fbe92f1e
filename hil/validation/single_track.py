"""Theory: the linear single-track model, its tyres with a relaxation, its body on springs.

Rajamani, Vehicle Dynamics and Control (2nd ed.), eq. 2.31, with first-order tyres after
Pacejka, Tire and Vehicle Dynamics (3rd ed.), ch. 7: ``sigma / v * alpha' + alpha`` is the slip
angle of the axle; and with Segel's roll (1956): the body's mass M, its centre h above the roll
axis, swings out by the angle phi and leaves the axles the lighter for it,

    m (vy' + v r)                = F + M h phi''
    (I + M h^2 - M^2 h^2 / m) phi'' = M h F / m - (K - M g h) phi - C phi'

It holds for small angles at a constant speed.
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
    swing_kgm: float  # the body's mass times its height above the roll axis
    roll_kgm2: float  # the inertia of the second equation
    roll_nm_per_rad: float  # springs less weight
    roll_nms: float

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
        """From steering to (yaw rate, lateral acceleration).

        States: vy, r, the front and the rear tyre's slip, roll angle and roll rate.
        """
        m, inertia, v = self.mass_kg, self.yaw_inertia_kgm2, speed_mps
        a, b = self.front_m, self.rear_m
        force = np.array([0.0, 0.0, self.front_n_per_rad, self.rear_n_per_rad, 0.0, 0.0])
        upright = np.array([0.0, 0.0, 0.0, 0.0, self.roll_nm_per_rad, self.roll_nms])
        swung = (self.swing_kgm / m * force - upright) / self.roll_kgm2
        across = (force + self.swing_kgm * swung) / m
        across[1] -= v
        rate = v / self.relaxation_m
        dynamics = [
            across,
            force * [0.0, 0.0, a, -b, 0.0, 0.0] / inertia,
            [-rate / v, -rate * a / v, -rate, 0.0, 0.0, 0.0],
            [-rate / v, rate * b / v, 0.0, -rate, 0.0, 0.0],
            [0.0, 0.0, 0.0, 0.0, 0.0, 1.0],
            swung,
        ]
        steering = [[0.0], [0.0], [rate], [0.0], [0.0], [0.0]]
        outputs = [[0.0, 1.0, 0.0, 0.0, 0.0, 0.0], force / m]
        return StateSpace(np.array(dynamics), steering, np.array(outputs), [[0.0], [0.0]])


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
        to_peak = 0.5 * load_n / (tyre.stiffness_peak * tyre.nominal_load_n)
        return load_n * tyre.stiffness_y_1prad / (1.0 + to_peak**2)

    body = vehicle.suspension
    body_kg, arm_m = vehicle.body()
    swing = body_kg * arm_m
    springs = body.front_roll_nm_per_rad + body.rear_roll_nm_per_rad
    return Axles(
        mass_kg=car.mass_kg,
        yaw_inertia_kgm2=car.yaw_inertia_kgm2 + wheels_kgm2(vehicle),
        front_m=car.front_axle_m,
        rear_m=car.wheelbase_m - car.front_axle_m,
        front_n_per_rad=tyre.front_factor * stiffness(front_n),
        rear_n_per_rad=tyre.rear_factor * stiffness(rear_n),
        relaxation_m=tyre.relaxation_y_m,
        swing_kgm=swing,
        roll_kgm2=body.roll_inertia_kgm2 + swing * arm_m - swing**2 / car.mass_kg,
        roll_nm_per_rad=springs - swing * GRAVITY_MPS2,
        roll_nms=body.front_roll_damping_nms + body.rear_roll_damping_nms,
    )


def wheels_kgm2(vehicle: Vehicle) -> float:
    """What the wheels add to the inertia in yaw: as the car turns faster, the outer ones must."""
    car, tyre = vehicle.chassis, vehicle.tyre
    tracks = car.front_track_m**2 + car.rear_track_m**2
    return 0.5 * tracks * tyre.wheel_inertia_kgm2 / tyre.radius_m**2


class LinearModel:
    """The linear model as one that drives manoeuvres, at their first speed for ever."""

    name = "linear single-track"

    def __init__(self, vehicle: Vehicle) -> None:
        self._vehicle = vehicle

    def drive(self, manoeuvre: Manoeuvre) -> Trace:
        """A whole run; see ``trace.Model``. Of its wheels it knows nothing."""
        speed_mps = manoeuvre.start_mps
        t_s = np.arange(round(manoeuvre.seconds / SAMPLE_S) + 1) * SAMPLE_S
        steer_rad = np.array([manoeuvre.steer.angle(t) for t in t_s])
        system = axles_of(self._vehicle, speed_mps).state_space(speed_mps)
        _, outputs, states = lsim(system, steer_rad, t_s)
        yaw_rate, ay = outputs.T
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
            roll_rad=states[:, 4],
            wheel_radps=np.zeros((len(t_s), 4)),
            wheel_load_n=np.zeros((len(t_s), 4)),
        )
