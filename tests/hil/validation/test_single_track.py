"""The linear car of the theory against python-control and closed forms."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from tianyuan.hil.plant.parameters import load
from tianyuan.hil.validation.manoeuvre import SAMPLE_S, Manoeuvre, hold, ramp
from tianyuan.hil.validation.single_track import LinearModel, axles_of

control = import_module("control")  # python-control, not our room of that name
SHIPPED = ("tianyuan", "indy", "ads-dv")


def rigid(vehicle):
    """The body held upright, so that the published two-state model is what is left."""
    names = ("front_roll_nm_per_rad", "rear_roll_nm_per_rad")
    held = vehicle.suspension.model_copy(update=dict.fromkeys(names, 1e9))
    tyre = vehicle.tyre.model_copy(update={"relaxation_y_m": 1e-6})
    return vehicle.model_copy(update={"suspension": held, "tyre": tyre})


@pytest.mark.parametrize("name", SHIPPED)
def test_its_run_is_python_controls_forced_response(name):
    vehicle = load(name)
    run = Manoeuvre(25.0, 3.0, ramp(0.01, 0.5, 0.4), hold(25.0))
    driven = LinearModel(vehicle).drive(run)
    system = axles_of(vehicle, 25.0).state_space(25.0)
    oracle = control.ss(system.A, system.B, system.C, system.D)
    times = np.arange(len(driven.t_s)) * SAMPLE_S
    yaw_rate, ay = control.forced_response(oracle, times, driven.steer_rad).outputs
    assert driven.yaw_rate_radps == pytest.approx(yaw_rate, abs=1e-9)
    assert driven.ay_mps2 == pytest.approx(ay, abs=1e-7)


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("speed", [5.0, 25.0, 60.0])
def test_its_gain_at_rest_is_speed_over_wheelbase_and_understeer(name, speed):
    axles = axles_of(load(name), speed)
    system = axles.state_space(speed)
    gains = control.dcgain(control.ss(system.A, system.B, system.C, system.D)).ravel()
    assert gains[0] == pytest.approx(axles.yaw_gain_1ps(speed), rel=1e-9)
    assert gains[1] == pytest.approx(gains[0] * speed, rel=1e-9)


@pytest.mark.parametrize("speed", [10.0, 30.0])
def test_upright_on_stiff_tyres_its_poles_are_those_of_the_published_two_states(speed):
    """Rajamani eq. 2.31: vy and r alone."""
    axles = axles_of(rigid(load("tianyuan")), speed)
    front, rear = axles.front_n_per_rad, axles.rear_n_per_rad
    a, b, m, inertia = axles.front_m, axles.rear_m, axles.mass_kg, axles.yaw_inertia_kgm2
    turned = a * front - b * rear
    published = np.array(
        [
            [-(front + rear) / (m * speed), -speed - turned / (m * speed)],
            [-turned / (inertia * speed), -(a * a * front + b * b * rear) / (inertia * speed)],
        ]
    )
    poles = np.linalg.eigvals(axles.state_space(speed).A)
    for pole in np.linalg.eigvals(published):
        assert np.abs(poles - pole).min() < 1e-3 * abs(pole)
