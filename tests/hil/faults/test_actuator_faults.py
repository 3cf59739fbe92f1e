"""Broken actuators and a car beside its line: what comes of it is seen at the car."""

from __future__ import annotations

import numpy as np
import pytest

from tianyuan.control.records import COMMAND, record
from tianyuan.dbc.codec import SENT, encode, records
from tianyuan.dbc.frame import frames
from tianyuan.hil.actuators.state import ACTUATOR_FAULTS
from tianyuan.hil.faults import start
from tianyuan.hil.faults.entry import FaultEntry

AT_MS, FOR_MS, END_MS = 40, 60, 160

FIELDS = {
    ("steering_stuck", "how", "stuck"): {"steer_stuck": 1.0},
    ("steering_stuck", "how", "dead"): {"steer_dead": 1.0},
    ("steering_runaway", "rate_radps", -0.7): {"steer_runaway_radps": -0.7},
    ("brake_dead", "circuit", "1"): {"brake_circuit_1_dead": 1.0},
    ("brake_dead", "circuit", "2"): {"brake_circuit_2_dead": 1.0},
    ("brake_dead", "circuit", "both"): {"brake_circuit_1_dead": 1.0, "brake_circuit_2_dead": 1.0},
    ("throttle_stuck", None, None): {"throttle_stuck": 1.0},
}


def document(name: str, **more: object) -> dict:
    return {"fault": name, "at": {"time_s": AT_MS / 1000}, **more}


def commanded(rig, **wanted: float) -> np.recarray:
    """A frame of each command message, as a host sends them that wants this."""
    command, made = record(COMMAND), frames(rig.world.commands.messages.size)
    command.steer_enable[0] = command.throttle_enable[0] = command.brake_enable[0] = 1.0
    for name, value in wanted.items():
        command[name][0] = value
    sent = records(rig.world.commands, SENT)
    sent.counter = rig.now_ms
    for m in range(len(made)):
        assert encode(rig.world.commands, m, sent, command.view(np.float64), made, m) == 0
    return made


def driven(rig, ms: int, **wanted: float):
    """Advance by commands that come every two milliseconds; the car has no guard to wait for."""
    rig.life.circuit.guarded[0] = rig.life.circuit.tripped[0] = 0
    while rig.now_ms < ms:
        rig.run(2, commanded(rig, **wanted) if rig.now_ms % 2 == 0 else None)
    return rig


@pytest.mark.parametrize(("name", "key", "value"), FIELDS)
def test_what_is_broken_is_broken_from_its_instant_for_its_time(name, key, value, mouth):
    rig = mouth(document(name, for_s=FOR_MS / 1000, **({key: value} if key else {})))
    for ms, broken in ((AT_MS - 1, False), (AT_MS, True), (AT_MS + FOR_MS, False)):
        rig.run(ms + 1 - rig.now_ms)
        now = {field: float(rig.life.actuator_faults[field][0]) for field in ACTUATOR_FAULTS.names}
        wanted = FIELDS[name, key, value] if broken else {}
        assert now == dict.fromkeys(ACTUATOR_FAULTS.names, 0.0) | wanted


@pytest.mark.compiled  # the motors run interpreted in tests/hil/actuators
def test_a_wheel_that_is_stuck_does_not_follow_and_one_that_runs_away_needs_no_command(mouth):
    healthy, stuck = mouth(), mouth(document("steering_stuck"))
    for rig in (healthy, stuck):
        driven(rig, END_MS, steer_rad=0.1)
    assert (
        float(stuck.life.controls.steer_rad[0]) < float(healthy.life.controls.steer_rad[0]) - 0.01
    )
    away = driven(mouth(document("steering_runaway", rate_radps=0.5)), END_MS, steer_rad=0.0)
    turned_s = (END_MS - AT_MS) / 1000
    assert float(away.life.controls.steer_rad[0]) == pytest.approx(0.5 * turned_s, rel=0.4)


@pytest.mark.compiled  # the motors run interpreted in tests/hil/actuators
def test_a_dead_circuit_presses_nothing_and_a_stuck_throttle_stays_open(mouth):
    healthy, dead = mouth(), mouth(document("brake_dead", circuit="both"))
    for rig in (healthy, dead):
        driven(rig, END_MS, brake_bar=40.0)
    assert float(dead.life.controls.brake_front_bar[0]) < 5.0
    assert float(healthy.life.controls.brake_front_bar[0]) > 15.0
    stuck, free = mouth({"fault": "throttle_stuck", "at": {"time_s": 0.12}}), mouth()
    for rig in (stuck, free):
        driven(driven(rig, 120, throttle=0.8), 240, throttle=0.0)
    assert float(stuck.life.controls.throttle[0]) > 0.2
    assert float(free.life.controls.throttle[0]) < 0.1


def test_a_car_stands_beside_its_line_and_turned(mouth):
    """The line goes along x; the car goes to its left."""
    rig = mouth()
    x, y = float(rig.life.plant_state.x_m[0]), float(rig.life.plant_state.y_m[0])
    document = {"fault": "car_off_line", "offset_m": 4.0, "turn_rad": 0.3}
    start.place(rig.life, FaultEntry.model_validate(document))
    state = rig.life.plant_state[0]
    assert (state.x_m, state.y_m - y, state.heading_rad) == pytest.approx((x, 4.0, 0.3))
