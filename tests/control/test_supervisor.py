"""The supervisor's table, exhaustively, and the paths through it, at random."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tianyuan.control import supervisor
from tianyuan.control.records import STATE, Cause, Flag, Mode, Permit, record

NOW_NS = 100_000_000_000
TICK_NS = 10_000_000
SENSOR_NS = 100_000_000  # supervisor.stale_s of the shipped car
RACE_NS = 300_000_000
PERMIT_NS = 70_000_000
DWELL_NS = 5_000_000_000
STOPS = (Mode.CONTROLLED_STOP, Mode.EMERGENCY_STOP)


@pytest.fixture(scope="module")
def params(new_params):
    return new_params()


def driving_state(mode=Mode.DRIVING, speed=20.0, **more):
    state = record(STATE)
    s = state[0]
    s.mode, s.speed_mps, s.initialised, s.go = mode, speed, 1, 1
    for name, value in more.items():
        state[0][name] = value
    return state


def with_nan(sensors, state):
    state[0].x_m = math.nan


def setting(where, name, value):
    def apply(sensors, state):
        record_ = sensors if where == "sensors" else state
        record_[0][name] = value

    return apply


def silent(group, age_ns):
    return setting("sensors", f"{group}_t_ns", NOW_NS - age_ns - 1)


def sensor(name, value):
    return setting("sensors", name, value)


def inside(name, value):
    return setting("state", name, value)


EMERGENCIES = {
    "estop pressed": (sensor("estop", 1.0), Cause.REMOTE_ESTOP),
    "estop in error": (sensor("estop", 2.0), Cause.REMOTE_ESTOP),
    "estop not available": (sensor("estop", 3.0), Cause.REMOTE_ESTOP),
    "estop no number": (sensor("estop", math.nan), Cause.REMOTE_ESTOP),
    "estop silent": (silent("estop", RACE_NS), Cause.ESTOP_LOST),
    "estop never heard": (sensor("estop_t_ns", 0), Cause.ESTOP_LOST),
    **{
        f"bus: {cause.name}": (inside("bus_fault", cause), cause)
        for cause in (
            Cause.INTERFACE_DOWN,
            Cause.BUS_OFF,
            Cause.NO_ACKNOWLEDGE,
            Cause.NOT_SENT,
        )
    },
    "x is nan": (inside("x_m", math.nan), Cause.NOT_FINITE),
    "y is inf": (inside("y_m", math.inf), Cause.NOT_FINITE),
    "heading is nan": (inside("heading_rad", math.nan), Cause.NOT_FINITE),
    "speed is nan": (inside("speed_mps", math.nan), Cause.NOT_FINITE),
}


def waits(age_ns):
    """The guard waits; its last grant is so old."""

    def apply(sensors, state):
        sensors[0].permit = Permit.WAITING
        state[0].granted_ns = NOW_NS - age_ns

    return apply


PERMITLESS = {
    "permit withdrawn": (sensor("permit", float(Permit.WITHDRAWN)), Cause.PERMIT_WITHDRAWN),
    "permit not available": (sensor("permit", 3.0), Cause.PERMIT_WITHDRAWN),
    "permit no number": (sensor("permit", math.nan), Cause.PERMIT_WITHDRAWN),
    "permit silent": (silent("permit", PERMIT_NS), Cause.PERMIT_LOST),
    "permit never heard": (sensor("permit_t_ns", 0), Cause.PERMIT_LOST),
    "guard waits for too long": (waits(PERMIT_NS + 1), Cause.PERMIT_LOST),
}
CONTROLLED = {
    "position silent": (silent("position", SENSOR_NS), Cause.POSITION_LOST),
    "velocity silent": (silent("velocity", SENSOR_NS), Cause.VELOCITY_LOST),
    "imu silent": (silent("imu", SENSOR_NS), Cause.IMU_LOST),
    "wheels silent": (silent("wheels", SENSOR_NS), Cause.WHEELS_LOST),
    "steering silent": (silent("steering", SENSOR_NS), Cause.STEERING_LOST),
    "brake silent": (silent("brake", SENSOR_NS), Cause.BRAKE_LOST),
    "powertrain silent": (silent("powertrain", SENSOR_NS), Cause.POWERTRAIN_LOST),
    "race control silent": (silent("race", RACE_NS), Cause.RACE_CONTROL_LOST),
    "wheels from the future": (silent("wheels", -10 * SENSOR_NS), Cause.WHEELS_LOST),
    "no fix": (sensor("gnss_quality", 0.0), Cause.POSITION_LOST),
    "no heading": (sensor("gnss_heading_quality", 0.0), Cause.VELOCITY_LOST),
    "steering fault": (sensor("steer_fault", 1.0), Cause.STEERING_FAULT),
    "brake fault": (sensor("brake_fault", 3.0), Cause.BRAKE_FAULT),
    "powertrain fault": (sensor("powertrain_fault", math.nan), Cause.POWERTRAIN_FAULT),
    "shutdown": (inside("shutdown", 1), Cause.SHUTDOWN),
    "three overruns": (inside("overruns", 3), Cause.OVERRUNS),
    "chequered": (sensor("race_flag", float(Flag.CHEQUERED)), Cause.CHEQUERED_FLAG),
    "red": (sensor("race_flag", float(Flag.RED)), Cause.FLAG_STOP),
    "unknown flag": (sensor("race_flag", 9.0), Cause.FLAG_STOP),
    "half a flag": (sensor("race_flag", 1.5), Cause.FLAG_STOP),
    "flag no number": (sensor("race_flag", math.nan), Cause.FLAG_STOP),
}
WAITING = {
    "not started": (inside("initialised", 0), Cause.WAITING_FOR_SENSORS),
    "rolling": (inside("speed_mps", 0.31), Cause.WAITING_FOR_STANDSTILL),
    "beside the line": (inside("cross_track_m", -2.6), Cause.WAITING_FOR_CAR_ON_LINE),
    "across the line": (inside("heading_error_rad", 0.6), Cause.WAITING_FOR_CAR_ON_LINE),
    "nowhere": (inside("cross_track_m", math.nan), Cause.WAITING_FOR_CAR_ON_LINE),
}
FINE = {
    "all well": (sensor("race_flag", float(Flag.NONE)), Cause.NONE),
    "green": (sensor("race_flag", float(Flag.GREEN)), Cause.NONE),
    "yellow": (sensor("race_flag", float(Flag.YELLOW)), Cause.NONE),
    "two overruns": (inside("overruns", 2), Cause.NONE),
    "sensors at their oldest": (silent("imu", SENSOR_NS - 1), Cause.NONE),
    "permit at its oldest": (silent("permit", PERMIT_NS - 1), Cause.NONE),
    "guard waits for a moment": (waits(PERMIT_NS - 1), Cause.NONE),
    "race control at its oldest": (silent("race", RACE_NS - 1), Cause.NONE),
}
OFF_LINE = {
    "left of the line": (inside("cross_track_m", 3.01), Cause.OFF_LINE),
    "right of the line": (inside("cross_track_m", -3.01), Cause.OFF_LINE),
}


def after(params, healthy, mode, change, speed, **more):
    sensors = healthy(NOW_NS, race_go=1.0)
    state = driving_state(mode, speed, **more)
    change(sensors, state)
    with np.errstate(all="ignore"):
        supervisor.update(params, sensors, state, NOW_NS)
    return state[0]


def table(*parts):
    rows = [(name, *row) for part in parts for name, row in part.items()]
    return pytest.mark.parametrize(
        ("change", "cause"), [r[1:] for r in rows], ids=[r[0] for r in rows]
    )


@table(EMERGENCIES, PERMITLESS, OFF_LINE)
def test_while_driving_an_emergency_is_an_emergency_stop(params, healthy, change, cause):
    s = after(params, healthy, Mode.DRIVING, change, 20.0)
    assert (s.mode, s.cause) == (Mode.EMERGENCY_STOP, cause)


@table(CONTROLLED)
def test_while_driving_a_loss_a_fault_or_an_order_is_a_controlled_stop(
    params, healthy, change, cause
):
    s = after(params, healthy, Mode.DRIVING, change, 20.0)
    assert (s.mode, s.cause) == (Mode.CONTROLLED_STOP, cause)


@table(FINE)
def test_what_is_within_its_bounds_stops_nobody(params, healthy, change, cause):
    s = after(params, healthy, Mode.DRIVING, change, 20.0)
    assert (s.mode, s.cause) == (Mode.DRIVING, cause)


@table(EMERGENCIES, PERMITLESS, OFF_LINE)
def test_a_worse_cause_turns_a_controlled_stop_into_an_emergency_and_the_first_stays_told(
    params, healthy, change, cause
):
    s = after(params, healthy, Mode.CONTROLLED_STOP, change, 20.0, cause=Cause.CHEQUERED_FLAG)
    assert (s.mode, s.cause) == (Mode.EMERGENCY_STOP, Cause.CHEQUERED_FLAG)


@table(CONTROLLED, FINE)
@pytest.mark.parametrize("mode", STOPS)
def test_a_stop_stays_what_it_is_through_all_lesser_causes(params, healthy, mode, change, cause):
    s = after(params, healthy, mode, change, 20.0, cause=Cause.IMU_LOST)
    assert (s.mode, s.cause) == (mode, Cause.IMU_LOST)


@table(EMERGENCIES, PERMITLESS, OFF_LINE)
def test_nothing_eases_an_emergency_stop(params, healthy, change, cause):
    s = after(params, healthy, Mode.EMERGENCY_STOP, change, 20.0, cause=Cause.OFF_LINE)
    assert (s.mode, s.cause) == (Mode.EMERGENCY_STOP, Cause.OFF_LINE)


@table(EMERGENCIES, CONTROLLED, WAITING)
@pytest.mark.parametrize("mode", [Mode.OFF, Mode.READY])
def test_an_unarmed_car_that_lacks_anything_is_off_and_says_what(
    params, healthy, mode, change, cause
):
    s = after(params, healthy, mode, change, 0.0, go=0)
    assert (s.mode, s.cause) == (Mode.OFF, cause)


@table(PERMITLESS)
@pytest.mark.parametrize("mode", [Mode.OFF, Mode.READY])
def test_an_unarmed_car_without_a_permit_waits_for_it(params, healthy, mode, change, cause):
    s = after(params, healthy, mode, change, 0.0, go=0)
    assert (s.mode, s.cause) == (Mode.OFF, Cause.WAITING_FOR_PERMIT)


def test_a_host_whose_permit_is_missing_names_it_before_the_faults_that_follow(params, healthy):
    def both(sensors, state):
        sensors[0].permit, sensors[0].brake_fault = Permit.WITHDRAWN, 1.0

    s = after(params, healthy, Mode.OFF, both, 0.0, go=0)
    assert s.cause == Cause.WAITING_FOR_PERMIT


@table(FINE)
def test_a_car_that_lacks_nothing_stays_ready_until_its_dwell_is_over(
    params, healthy, change, cause
):
    s = after(params, healthy, Mode.READY, change, 0.0, go=0, ready_ns=NOW_NS - DWELL_NS + 1)
    assert (s.mode, s.cause) == (Mode.READY, cause)
    s = after(params, healthy, Mode.READY, change, 0.0, go=0, ready_ns=NOW_NS - DWELL_NS)
    assert (s.mode, s.cause) == (Mode.DRIVING, Cause.NONE)


@pytest.mark.parametrize("pair", [(1, 2), (2, 3), (3, 4)])
def test_of_two_causes_at_once_an_emergency_comes_before_a_loss_before_a_fault_before_an_order(
    params, healthy, pair
):
    ranked = {
        1: EMERGENCIES["estop pressed"],
        2: CONTROLLED["imu silent"],
        3: CONTROLLED["brake fault"],
        4: CONTROLLED["red"],
    }
    first, second = ranked[pair[0]], ranked[pair[1]]

    def both(sensors, state):
        second[0](sensors, state)
        first[0](sensors, state)

    assert after(params, healthy, Mode.DRIVING, both, 20.0).cause == first[1]


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("speed", [0.0, 0.2, 20.0])
@pytest.mark.parametrize("go", [0.0, 1.0])
def test_the_remote_stop_wins_at_once_in_every_mode(params, healthy, mode, speed, go):
    sensors = healthy(NOW_NS, race_go=go, estop=1.0)
    state = driving_state(mode, speed, ready_ns=1, go=0)
    supervisor.update(params, sensors, state, NOW_NS)
    assert state[0].mode in (Mode.OFF, Mode.EMERGENCY_STOP)
    if mode in (Mode.DRIVING, *STOPS) and speed > 1.0:
        assert state[0].mode == Mode.EMERGENCY_STOP


@pytest.mark.parametrize("mode", STOPS)
@pytest.mark.parametrize(
    ("speed", "go", "then"),
    [
        (0.0, 0.0, Mode.OFF),
        (0.29, 0.0, Mode.OFF),
        (0.31, 0.0, None),
        (0.0, 1.0, None),
        (0.0, 2.0, None),
        (0.0, math.nan, None),
        (math.nan, 0.0, Mode.EMERGENCY_STOP),
    ],
)
def test_only_a_standing_car_whose_go_is_released_is_disarmed(
    params, healthy, mode, speed, go, then
):
    s = after(params, healthy, mode, sensor("race_go", go), speed, cause=Cause.IMU_LOST)
    assert s.mode == (mode if then is None else then)
    assert s.cause == Cause.IMU_LOST


@pytest.mark.parametrize("group", ["position", "velocity", "imu", "wheels", "steering", "brake",
                                   "powertrain", "race", "estop"])  # fmt: skip
def test_a_group_that_falls_silent_stops_the_car_within_its_bound(params, healthy, group):
    state = driving_state()
    limit = RACE_NS if group in ("race", "estop") else SENSOR_NS
    for t_ns in range(NOW_NS, NOW_NS + limit + 2 * TICK_NS, TICK_NS):
        sensors = healthy(t_ns, race_go=1.0)
        sensors[0][f"{group}_t_ns"] = NOW_NS
        supervisor.update(params, sensors, state, t_ns)
        assert (state[0].mode != Mode.DRIVING) == (t_ns - NOW_NS > limit)


def test_a_go_pressed_at_the_start_never_drives_until_released_and_pressed_again(params, healthy):
    state = driving_state(Mode.OFF, 0.0, go=0)
    t_ns = NOW_NS
    for go, seconds, mode in (
        (1.0, 20, Mode.OFF),
        (0.0, 4, Mode.READY),
        (1.0, 20, Mode.READY),  # too early: the dwell was not over
        (0.0, 1, Mode.READY),
        (1.0, 1, Mode.DRIVING),
    ):
        for _ in range(seconds * 100):
            t_ns += TICK_NS
            supervisor.update(params, healthy(t_ns, race_go=go), state, t_ns)
        assert state[0].mode == mode


@pytest.mark.parametrize("between", [2.0, 0.5, -1.0, math.nan])
def test_a_go_that_flickers_was_not_released(params, healthy, between):
    state = driving_state(Mode.READY, 0.0, ready_ns=NOW_NS - DWELL_NS, go=1)
    for t_ns, go in enumerate((1.0, between, 1.0, between, 1.0), NOW_NS):
        supervisor.update(params, healthy(t_ns, race_go=go), state, t_ns)
        assert state[0].mode == Mode.READY
    state = driving_state(Mode.OFF, 0.0, go=1)
    supervisor.update(params, healthy(NOW_NS, race_go=between), state, NOW_NS)
    assert state[0].mode == Mode.OFF


def test_ready_begins_its_dwell_anew_after_every_loss(params, healthy):
    state = driving_state(Mode.READY, 0.0, ready_ns=NOW_NS - DWELL_NS, go=0)
    t_ns = NOW_NS
    for go, flag in ((0.0, Flag.RED), (0.0, Flag.GREEN), (1.0, Flag.GREEN)):
        t_ns += TICK_NS
        supervisor.update(params, healthy(t_ns, race_go=go, race_flag=flag), state, t_ns)
    assert state[0].mode == Mode.READY


def test_laps_are_counted_from_the_start_of_the_drive(params, healthy):
    state = driving_state(Mode.READY, 0.0, ready_ns=0, go=0, laps=7)
    supervisor.update(params, healthy(NOW_NS, race_go=1.0), state, NOW_NS)
    assert state[0].mode == Mode.DRIVING
    assert state[0].laps == 0


class Races(RuleBasedStateMachine):
    """Anything may happen in any order; what must hold is checked after every tick."""

    params = healthy = None  # given by the test that runs the machine

    @initialize(go=st.sampled_from([0.0, 1.0]))
    def boot(self, go):
        self.t_ns, self.state = NOW_NS, record(STATE)
        self.state[0].initialised = 1
        self.inputs = {"race_go": go, "race_flag": float(Flag.GREEN)}
        self.late = {}
        self.was = (Mode.OFF, Cause.NONE)
        # A model of what a start needs: the length of an unbroken READY and an edge of go.
        self.ready_since = None
        self.released = False

    def tick(self, count=1):
        for _ in range(count):
            self.t_ns += TICK_NS
            sensors = self.healthy(self.t_ns, **self.inputs)
            for group, age_ns in self.late.items():
                sensors[0][f"{group}_t_ns"] = self.t_ns - age_ns
            s = self.state[0]
            self.was = (Mode(s.mode), Cause(s.cause))
            supervisor.update(self.params, sensors, self.state, self.t_ns)
            self.check()

    def check(self):
        (before, cause), s = self.was, self.state[0]
        mode, go = Mode(s.mode), self.inputs["race_go"]
        if mode == Mode.DRIVING and before != Mode.DRIVING:
            assert before == Mode.READY
            assert self.released and go == 1.0
            assert self.t_ns - self.ready_since >= DWELL_NS
        if before in STOPS:
            assert mode not in (Mode.DRIVING, Mode.READY)
            assert s.cause == cause
        if before in STOPS and mode == Mode.OFF:
            assert s.speed_mps < 0.3 and go == 0.0
        if before == Mode.EMERGENCY_STOP:
            assert mode in (Mode.EMERGENCY_STOP, Mode.OFF)
        if mode == Mode.DRIVING:
            assert s.cause == Cause.NONE and not self.late
            assert self.inputs.get("estop", 0.0) == 0.0
        if mode in STOPS:
            assert s.cause >= Cause.POSITION_LOST
        if mode != Mode.READY:
            self.ready_since = None
        elif self.ready_since is None:
            self.ready_since = self.t_ns
        self.released = go == 0.0

    @rule(ticks=st.integers(1, 5))
    def wait(self, ticks):
        self.tick(ticks)

    @rule(go=st.sampled_from([0.0, 1.0, 2.0, math.nan]))
    def race_control_says(self, go):
        self.inputs["race_go"] = go
        self.tick()

    @rule()
    def start_properly(self):
        self.inputs = {"race_go": 0.0, "race_flag": float(Flag.GREEN)}
        self.late.clear()
        self.state[0].speed_mps = self.state[0].cross_track_m = 0.0
        self.tick(3)
        self.t_ns += DWELL_NS
        self.tick()
        self.inputs["race_go"] = 1.0
        self.tick()
        assert self.state[0].mode == Mode.DRIVING

    @precondition(lambda self: self.state[0].mode != Mode.OFF)
    @rule(speed=st.sampled_from([0.0, 0.2, 5.0, 40.0]))
    def moves(self, speed):
        self.state[0].speed_mps = speed
        self.tick()

    @rule(flag=st.sampled_from([0.0, 1.0, 2.0, 3.0, 4.0, 7.0]))
    def flag_is_shown(self, flag):
        self.inputs["race_flag"] = flag
        self.tick()

    @rule(stop=st.sampled_from([0.0, 1.0]))
    def stop_button(self, stop):
        self.inputs["estop"] = stop
        self.tick()

    @rule(group=st.sampled_from(["position", "imu", "race", "estop"]), lost=st.booleans())
    def sensor_goes_or_comes(self, group, lost):
        if lost:
            self.late[group] = RACE_NS + 1
        else:
            self.late.pop(group, None)
        self.tick()

    @rule(off_m=st.sampled_from([0.0, 2.7, 3.5]))
    def drifts(self, off_m):
        self.state[0].cross_track_m = off_m
        self.tick()

    @rule(seconds=st.integers(0, 6))
    def time_passes(self, seconds):
        self.t_ns += seconds * 1_000_000_000
        self.tick()

    @invariant()
    def mode_is_one_of_the_modes(self):
        if hasattr(self, "state"):
            Mode(self.state[0].mode)
            Cause(self.state[0].cause)


def test_no_order_of_events_starts_a_car_without_dwell_and_a_new_go(params, healthy):
    class These(Races):
        pass

    These.params, These.healthy = params, staticmethod(healthy)
    run_state_machine_as_test(These, settings=settings(stateful_step_count=40))
