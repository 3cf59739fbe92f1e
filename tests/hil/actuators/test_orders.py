"""Own timeouts: each motor obeys its own message, and has its own safe state."""

from __future__ import annotations

import numpy as np
import pytest

from tianyuan.control.kernels import kernel
from tianyuan.control.records import COMMAND, Permit, record
from tianyuan.dbc.records import RECEIVED
from tianyuan.hil.actuators import emergency, orders
from tianyuan.hil.actuators.motors import act
from tianyuan.hil.actuators.state import ACTUATOR_FAULTS, ACTUATOR_STATE, Fault
from tianyuan.hil.plant import parameters
from tianyuan.hil.plant.controls import CONTROLS

MS = 1_000_000
VEHICLE = parameters.load("tianyuan")
PLANT = VEHICLE.plant()
STEERING, THROTTLE, BRAKE, GEAR = range(4)
PATIENT = VEHICLE.plant()  # its emergency circuit leaves the motors to themselves
PATIENT.emergency_commands_s = 100.0
# A motor's own time differs from the others', so that none can stand in for another.
PATIENT.throttle_timeout_s, PATIENT.brake_actuator_timeout_s = 0.12, 0.14
TIMEOUTS_S = (VEHICLE.steering.timeout_s, 0.12, 0.14)
CARRIERS = np.array([STEERING, THROTTLE, BRAKE], np.int64)


@kernel
def obey(plant, carriers, received, command, circuit, speed_mps, actuators, obeyed, t_ns):
    orders.obey(
        plant, carriers, received, command, circuit, speed_mps, actuators, obeyed, t_ns
    )  # fmt: skip


class Car:
    """Motors on a bus with four command messages, each heard every millisecond or not."""

    def __init__(
        self,
        guarded: bool = False,
        carriers: np.ndarray = CARRIERS,
        plant: np.recarray = PLANT,
    ):
        self.carriers, self.plant = carriers, plant
        self.received = np.zeros(4, RECEIVED).view(np.recarray)
        self.command, self.obeyed = record(COMMAND), record(COMMAND)
        self.command.steer_enable = self.command.throttle_enable = self.command.brake_enable = 1
        self.state, self.controls = record(ACTUATOR_STATE), record(CONTROLS)
        self.faults, self.circuit = record(ACTUATOR_FAULTS), emergency.circuit(guarded)
        self.speed_mps, self.t_ns = 20.0, 10**9

    def drive(self, seconds: float, silent: tuple[int, ...] = (), **wanted: float) -> Car:
        for name, value in wanted.items():
            self.command[name] = value
        for _ in range(round(seconds * 1000)):
            self.t_ns += MS
            for m in set(range(4)) - set(silent):
                self.received[m].t_ns = self.t_ns
            obey(
                self.plant, self.carriers, self.received, self.command, self.circuit,
                self.speed_mps, self.state, self.obeyed, self.t_ns,
            )  # fmt: skip
            act(
                self.plant, self.state, self.faults, self.circuit, 0.0, self.obeyed,
                self.controls, 1e-3,
            )  # fmt: skip
        return self

    @property
    def said(self) -> tuple[float, float, float]:
        s = self.state[0]
        return s.steer_fault, s.powertrain_fault, s.brake_fault


DRIVEN = {"steer_rad": 0.1, "throttle": 0.6, "brake_bar": 0.0, "gear": 2.0}


def test_a_car_that_hears_all_obeys_and_reports_nothing():
    car = Car().drive(1.0, **DRIVEN)
    assert car.state.motor_rad[0] == pytest.approx(0.1, abs=1e-3)
    assert car.controls.throttle[0] == pytest.approx(0.6, abs=1e-3)
    assert car.said == (Fault.NONE, Fault.NONE, Fault.NONE)
    assert car.circuit.tripped[0] == 0


@pytest.mark.parametrize(("message", "which"), [(STEERING, 0), (THROTTLE, 1), (BRAKE, 2)])
def test_a_motor_whose_own_message_falls_silent_times_out_and_says_so(message, which):
    car = Car(plant=PATIENT).drive(1.0, **DRIVEN)
    car.drive(TIMEOUTS_S[which], (message,))
    assert car.said == (Fault.NONE, Fault.NONE, Fault.NONE)
    car.drive(0.001, (message,))
    assert {i for i, fault in enumerate(car.said) if fault == Fault.TIMEOUT} == {which}
    assert car.drive(0.001).said == (Fault.NONE, Fault.NONE, Fault.NONE)


def test_the_brake_says_so_while_the_circuit_has_tripped():
    car = Car().drive(1.0, **DRIVEN).drive(0.2, (GEAR,))
    assert car.said == (Fault.NONE, Fault.NONE, Fault.TIMEOUT)
    assert car.drive(0.1).said[2] == Fault.TIMEOUT
    car.speed_mps = 0.0
    assert car.drive(0.01).said[2] == Fault.NONE


def test_a_steering_that_hears_nothing_holds_the_wheel_where_it_was_told():
    car = Car().drive(1.0, **DRIVEN)
    car.drive(0.11, (STEERING,)).drive(1.0, (STEERING,), steer_rad=-0.3)
    assert car.state.motor_rad[0] == pytest.approx(0.1, abs=1e-3)


def test_a_throttle_that_hears_nothing_closes_and_lets_the_others_work():
    car = Car(plant=PATIENT).drive(1.0, **DRIVEN).drive(0.5, (THROTTLE,), steer_rad=0.2)
    assert car.controls.throttle[0] == pytest.approx(0.0, abs=1e-3)
    assert car.state.motor_rad[0] == pytest.approx(0.2, abs=1e-3)


def test_a_brake_motor_that_hears_nothing_lets_go_and_the_circuit_presses():
    car = Car().drive(1.0, brake_bar=80.0).drive(0.5, (BRAKE,))
    assert car.state.service_bar[0] < 1.0
    assert car.controls.brake_front_bar[0] == pytest.approx(VEHICLE.emergency.steered_bar, rel=1e-3)


def test_what_the_host_asks_above_the_circuits_pressure_is_pressed():
    car = Car().drive(1.0, brake_bar=60.0).drive(0.5, (GEAR,))
    assert car.circuit.tripped[0] == 1
    assert car.controls.brake_front_bar[0] == pytest.approx(60.0, rel=1e-3)


def test_the_circuit_presses_harder_once_nobody_has_steered_for_a_while():
    car = Car().drive(1.0, **DRIVEN)
    held = car.drive(0.5, (STEERING, THROTTLE, BRAKE, GEAR)).controls.brake_front_bar[0]
    assert held == pytest.approx(VEHICLE.emergency.blind_bar, rel=1e-2)


def test_the_circuit_waits_for_a_permit_and_then_for_a_standstill():
    car = Car(guarded=True).drive(0.5, **DRIVEN)
    assert car.controls.throttle[0] == 0.0
    assert car.controls.brake_front_bar[0] > 0.9 * VEHICLE.emergency.steered_bar
    emergency.hear(car.circuit, Permit.GRANTED, car.t_ns)
    car.drive(0.01)
    assert car.circuit.tripped[0] == 1
    car.speed_mps = 0.0
    car.drive(0.01)
    assert car.circuit.tripped[0] == 0
    car.drive(VEHICLE.emergency.permit_s)
    assert car.circuit.tripped[0] == 1


def test_messages_that_were_never_heard_are_not_missed():
    car = Car().drive(1.0, (STEERING, THROTTLE, BRAKE, GEAR), **DRIVEN)
    assert car.said == (Fault.NONE, Fault.NONE, Fault.NONE)


def test_a_motor_without_a_message_of_its_own_waits_for_none():
    car = Car(carriers=np.array([STEERING, -1, BRAKE])).drive(1.0, **DRIVEN)
    car.drive(1.0, (THROTTLE,))
    assert car.said[1] == Fault.NONE


@pytest.mark.parametrize("channel", ["steer", "throttle", "brake"])
def test_a_motor_that_is_not_enabled_is_let_go(channel):
    car = Car().drive(0.5, steer_rad=0.1, throttle=0.5, brake_bar=30.0)
    car.command[f"{channel}_enable"] = 0
    car.drive(1.0, steer_rad=0.3, throttle=0.9, brake_bar=50.0)
    got = {"steer": car.state.motor_rad[0] - 0.1, "throttle": car.controls.throttle[0],
           "brake": car.controls.brake_front_bar[0]}[channel]  # fmt: skip
    assert got == pytest.approx(0.0, abs=0.01)
