"""The other shipped cars: each on its own buses, with its own plant, by the same code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tianyuan import names
from tianyuan.control.records import Cause, Controller, Mission, Mode
from tianyuan.dbc.read import read
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.host import make_host
from tianyuan.firmware.racing_line import line_for
from tianyuan.firmware.tables import wire
from tianyuan.hil import virtual
from tianyuan.hil.laps import laps, stop_cause
from tianyuan.hil.life import untold

# Compiled code alone is quick enough.
pytestmark = pytest.mark.compiled

# What race control's chequered flag is to the car, and the fastest and slowest believable lap
# of Zhuzhou: a human raced there in 136 s in a touring car.
CARS = {
    "indy": (Cause.CHEQUERED_FLAG, (85.0, 115.0)),
    "ads-dv": (Cause.FLAG_STOP, (150.0, 210.0)),
}
DBC = {"indy": "iac/CAN1-INDY-V14.dbc", "ads-dv": "fs_ai/ADSDV_2021_VCU_AI_interface_v2.dbc"}
PERIOD_NS = 2_000_000


@pytest.fixture(scope="module", params=CARS)
def other(request):
    return load_car(names.car_file(request.param))


@pytest.fixture(scope="module")
def short(other):
    return line_for(other, names.track_file("oval"))


def drive(car, path: np.recarray, controller: Controller, laps_: int) -> virtual.Outcome:
    host = make_host(car, path, controller, PERIOD_NS)
    world = virtual.make_rig(car, names.vehicle_file(car.name), host, seed=1)
    return virtual.run(world, host, virtual.make_guard(car, host), laps_, PERIOD_NS)


@pytest.mark.parametrize("controller", Controller)
def test_it_laps_the_oval_with_either_law(other, short, controller):
    outcome = drive(other, short, controller, 1)
    assert outcome.finished
    assert stop_cause(outcome.telemetry) == CARS[other.name][0]
    assert outcome.telemetry.edge_margin_m.min() > 0


@pytest.mark.timed
@pytest.mark.parametrize("controller", Controller)
@pytest.mark.parametrize("track", ["zhuzhou", "Monza"])
def test_it_laps_a_circuit_and_never_leaves_the_track(other, track, controller, request):
    if track == "Monza":
        file = request.getfixturevalue("tracks") / "Monza.csv"
    else:
        file = names.track_file(track)
    outcome = drive(other, line_for(other, Path(file)), controller, 2)
    assert outcome.finished
    assert outcome.telemetry.edge_margin_m.min() > 0
    fastest_s, slowest_s = CARS[other.name][1]
    if track == "zhuzhou":
        assert fastest_s < laps(outcome.telemetry)[1].time_s < slowest_s


def told(loop, database) -> dict[str, float]:
    """The signals of the host's frames of the last step, as the published file reads them."""
    _, to_rig, _, waiting, _ = loop.queues
    read_ = {}
    for frame in to_rig[: waiting[1]]:
        if frame.channel == 0:
            message = database.get_message_by_frame_id(int(frame.can_id))
            payload = frame.payload[: frame.length].tobytes()
            read_ |= message.decode(payload, decode_choices=False)
    return read_


def heard(loop, database, seconds: float) -> dict[str, float]:
    """Everything that the host says within a while, the newest of each signal."""
    said: dict[str, float] = {}
    for _ in range(round(seconds * 1000)):
        loop.advance(0.001)
        said |= told(loop, database)
    return said


@pytest.fixture
def indy(loop_of, shared_data):
    car = load_car(names.car_file("indy"))
    loop = loop_of(laps=3, line=line_for(car, names.track_file("oval")), car=car, vehicle=car.name)
    return loop, read(shared_data / "dbc" / DBC["indy"])


@pytest.fixture
def ads_dv(loop_of, shared_data):
    car = load_car(names.car_file("ads-dv"))
    loop = loop_of(laps=3, line=line_for(car, names.track_file("oval")), car=car, vehicle=car.name)
    return loop, read(shared_data / "dbc" / DBC["ads-dv"])


def test_an_indy_car_is_told_in_the_units_of_its_published_file(indy):
    loop, database = indy
    loop.advance(15.0)
    said = heard(loop, database, 0.1)
    command = loop.host.command[0]
    steer_deg = np.degrees(command.steer_rad) * 15
    assert said["steering_motor_ang_cmd"] == pytest.approx(steer_deg, abs=3.0)
    assert said["acc_pedal_cmd"] == pytest.approx(command.throttle * 100, abs=5.0)
    assert said["brake_pressure_cmd"] == pytest.approx(command.brake_bar * 100, abs=50.0)
    assert said["desired_gear"] == command.gear
    assert said["ct_state"] == 9
    assert said["marelli_track_flag_ack"] == 1
    assert said["veh_num"] == 1
    assert said["driver_traction_aim_switch"] == 0


def test_an_indy_car_says_its_state_and_acknowledges_its_flags(indy):
    loop, database = indy
    assert heard(loop, database, 0.02)["ct_state"] == 2
    loop.advance(3.0)
    said = heard(loop, database, 0.2)
    assert said["ct_state"] == 6
    assert said["brake_pressure_cmd"] == 1500  # kPa: 15 bar hold the car
    loop.advance(15.0)
    loop.life.race.flag = 3  # red
    said = heard(loop, database, 0.3)
    assert said["marelli_track_flag_ack"] == 3
    assert said["ct_state"] == 10


COUNTERS = {
    "steering_motor_cmd_counter": 256,
    "acc_pedal_cmd_counter": 256,
    "brk_pressure_cmd_counter": 256,
    "ct_state_rolling_counter": 10,
}


def test_an_indy_cars_counters_count_its_commands_as_far_as_their_signals_go(indy):
    loop, database = indy
    counted: dict[str, list[float]] = {name: [] for name in COUNTERS}
    for _ in range(4000):
        loop.advance(0.001)
        for name, value in told(loop, database).items():
            if name in counted:
                counted[name].append(value)
    for name, turns in COUNTERS.items():
        values = np.array(counted[name])
        assert len(values) > 300
        assert np.array_equal((values[:-1] + 1) % turns, values[1:]), name


@pytest.mark.parametrize("counter", ["steering_motor_fdbk_counter", "brk_pressure_fdbk_counter"])
def test_an_indy_car_whose_counter_stands_still_is_stopped(indy, counter):
    """A controller that hangs goes on sending the last of its frames."""
    loop, _ = indy
    loop.advance(15.0)
    assert loop.host.memory.driver.mode[0] == Mode.DRIVING
    message = {"steering": "steering_report", "brk": "brake_pressure_report"}
    name = message[counter.partition("_")[0]]
    place = [m.name for m in wire(load_car(names.car_file("indy"))).sensor_messages].index(name)
    frozen = int(loop.life.sent[place].count)
    for _ in range(600):
        loop.life.sent[place].count = frozen
        loop.life.sent[place].counter = 3
        loop.advance(0.001)
    lost = {"steering_report": Cause.STEERING_LOST, "brake_pressure_report": Cause.BRAKE_LOST}
    assert loop.host.memory.driver.cause[0] == lost[name]


def test_an_ads_dv_is_told_in_the_units_of_its_published_file(ads_dv):
    loop, database = ads_dv
    loop.advance(9.0)
    said = heard(loop, database, 0.05)
    command = loop.host.command[0]
    assert command.throttle > 0.1
    assert said["FRONT_AXLE_TRQ_REQUEST"] == pytest.approx(195 * command.throttle, abs=10)
    assert said["REAR_AXLE_TRQ_REQUEST"] == said["FRONT_AXLE_TRQ_REQUEST"]
    assert said["FRONT_MOTOR_SPEED_MAX"] == said["REAR_MOTOR_SPEED_MAX"] == 4000
    assert said["HYD_PRESS_F_REQ_pct"] == said["HYD_PRESS_R_REQ_pct"] == 0
    assert said["STEER_REQUEST"] == pytest.approx(np.degrees(command.steer_rad), abs=1.0)


def test_an_ads_dv_goes_through_its_mission_as_its_controller_wants(ads_dv):
    """Neutral, without torque and straight before the go; under way for as long as it moves."""
    loop, database = ads_dv
    loop.advance(3.0)
    said = heard(loop, database, 0.05)
    assert (said["MISSION_STATUS"], said["DIRECTION_REQUEST"]) == (Mission.SELECTED, 0)
    assert said["FRONT_AXLE_TRQ_REQUEST"] == said["STEER_REQUEST"] == 0
    assert said["HYD_PRESS_F_REQ_pct"] == said["HYD_PRESS_R_REQ_pct"] == 30  # of 50 bar
    loop.advance(9.0)
    said = heard(loop, database, 0.05)
    assert (said["MISSION_STATUS"], said["DIRECTION_REQUEST"]) == (Mission.RUNNING, 1)
    assert said["ESTOP_REQUEST"] == 0
    loop.life.race.flag = 4  # chequered, which to this car is a request to shut down
    while not loop.life.race.finished[0]:
        said = heard(loop, database, 0.01)
        state = loop.life.plant_state[0]
        wheels_radps = state.wheel_radps.max()
        if "MISSION_STATUS" in said and wheels_radps > 10 * np.pi / 30:
            assert (said["MISSION_STATUS"], said["DIRECTION_REQUEST"]) == (Mission.RUNNING, 1)
            moving = wheels_radps
    assert moving < 2.0
    # As the car last heard it: the host may take up the released go in the same millisecond.
    assert loop.life.command.mode[0] == Mode.CONTROLLED_STOP


@pytest.mark.timed
def test_an_ads_dv_never_gets_torque_and_brake_at_once(loop_of, shared_data):
    """Its controller takes that for a fault. Each is sent every ten milliseconds, in one step."""
    car, database = load_car(names.car_file("ads-dv")), read(shared_data / "dbc" / DBC["ads-dv"])
    loop = loop_of(
        laps=3, line=line_for(car, names.track_file("zhuzhou")), car=car, vehicle=car.name
    )
    loop.advance(56.0)
    braked = driven = 0
    for _ in range(6_000):  # through the first corner that it has to brake for
        loop.advance(0.001)
        said = told(loop, database)
        if "FRONT_AXLE_TRQ_REQUEST" in said:
            torque, brake = said["FRONT_AXLE_TRQ_REQUEST"], said["HYD_PRESS_F_REQ_pct"]
            assert torque == 0 or brake == 0
            braked, driven = braked + (brake > 0), driven + (torque > 0)
    assert braked > 50
    assert driven > 50


def test_an_ads_dv_sends_the_handshake_back_in_time(ads_dv):
    """The controller waits a hundred milliseconds for it; the rig's changes that often."""
    loop, database = ads_dv
    seen = set()
    for _ in range(10):
        loop.advance(0.09)
        value = heard(loop, database, 0.01)["HANDSHAKE"]
        assert value == loop.life.sensors.echo_0[0]
        seen.add(value)
    assert seen == {0, 1}


def test_an_emergency_stop_is_asked_of_the_ads_dvs_own_brake(ads_dv):
    loop, database = ads_dv
    loop.advance(15.0)
    # It no longer believes itself on the line.
    loop.host.memory.driver.x_m[0] += 50.0
    loop.host.memory.driver.y_m[0] += 50.0
    said = heard(loop, database, 0.1)
    assert loop.host.memory.driver.mode[0] == Mode.EMERGENCY_STOP
    assert said["ESTOP_REQUEST"] == 1


def test_what_no_signal_carries_does_not_keep_the_rig_from_driving(other):
    blank = untold(wire(other).commands)[0]
    assert blank.steer_enable == blank.throttle_enable == blank.brake_enable == 1
    assert blank.gear == (0 if "gear" in other.commands else 1)


def test_race_controls_heartbeat_counts_as_far_as_its_signal_does(other, short):
    host = make_host(other, short, Controller.STANLEY, PERIOD_NS)
    world = virtual.make_rig(other, names.vehicle_file(other.name), host, seed=1)
    assert world.beats == (16 if "race_heartbeat" in other.sensors else 256)
