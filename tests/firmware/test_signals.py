"""What a car file may say of a signal, against cantools and the physics of the units."""

from __future__ import annotations

import math

import cantools
import numpy as np
import pytest

from tianyuan.control.errors import InputError
from tianyuan.control.records import CHANNEL_NAMES, COMMAND, Flag, Mode
from tianyuan.dbc.codec import RECEIVED, SENT, Status, decode, encode, records
from tianyuan.dbc.frame import frames
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.car_messages import messages_of
from tianyuan.firmware.tables import wire

DBC = """\
VERSION ""
BU_: Host Car
BO_ 1280 STATUS: 8 Car
 SG_ Flag : 0|4@1+ (1,0) [0|0] "" Host
 SG_ Estop : 4|4@1+ (1,0) [0|0] "" Host
 SG_ State : 8|4@1+ (1,0) [0|0] "" Host
 SG_ Handshake : 12|1@1+ (1,0) [0|1] "" Host
BO_ 1281 WHEELS: 8 Car
 SG_ FL : 0|16@1+ (1,0) [0|0] "rpm" Host
 SG_ FR : 16|16@1+ (0.01,0) [0|0] "rps" Host
 SG_ RL : 32|16@1+ (0.1,0) [0|0] "kmph" Host
 SG_ RR : 48|16@1+ (0.01,0) [0|0] "mps" Host
BO_ 1282 BRAKES: 8 Car
 SG_ Front : 0|13@1+ (1,0) [0|8191] "" Host
 SG_ Rear : 16|8@1+ (0.5,0) [0|100] "%" Host
 SG_ Fault : 24|4@1+ (1,0) [0|0] "" Host
BO_ 1283 HEADING: 8 Car
 SG_ Course : 0|16@1+ (0.01,0) [0|0] "deg" Host
BO_ 1536 DRIVE: 8 Host
 SG_ FrontTorque : 0|16@1+ (0.1,0) [0|195] "Nm" Car
 SG_ RearTorque : 16|16@1+ (0.1,0) [0|195] "Nm" Car
 SG_ Mission : 32|2@1+ (1,0) [0|3] "" Car
 SG_ Direction : 34|2@1+ (1,0) [0|3] "" Car
 SG_ Handshake : 36|1@1+ (1,0) [0|1] "" Car
 SG_ SpeedMax : 40|16@1+ (1,0) [0|4000] "rpm" Car
VAL_ 1280 State 0 "Off" 1 "Manual" 3 "Driving" ;
VAL_ 1536 Direction 0 "Neutral" 1 "Forward" ;
"""
PI = math.pi


@pytest.fixture
def foreign(car_with, tmp_path):
    """The wire of the shipped car with some channels on a bus of another car's."""
    (tmp_path / "foreign.dbc").write_text(DBC)

    def make(**tables):
        def edit(document):
            document["buses"]["car"]["dbc"] = ["tianyuan.dbc", "foreign.dbc"]
            times = {"DRIVE": {"cycle_ms": 10}}
            document["messages"] = times | tables.pop("messages", {})
            for name, table in tables.items():
                document.setdefault(name, {}).update(table)

        return car_with(edit)

    return make


class Car:
    """Both codecs of a car file, its messages for cantools, and one frame."""

    def __init__(self, file):
        self.car = load_car(file)
        self.wire = wire(self.car)
        self.messages = messages_of(self.car).named
        self.received = records(self.wire.sensors, RECEIVED)
        self.values = np.full(64, np.nan)

    def hear(self, name, **signals):
        message = self.messages[name]
        every = {each.name: 0 for each in message.signals} | signals
        payload = message.encode(every, strict=False)
        frame = frames(1)
        frame.can_id, frame.length, frame.t_ns = message.frame_id, len(payload), 5
        frame.payload[0, : len(payload)] = np.frombuffer(payload, np.uint8)
        return decode(self.wire.sensors, frame, 0, self.received, self.values)

    def channel(self, name):
        return self.values[CHANNEL_NAMES.index(name)]

    def say(self, name, **channels):
        values = np.zeros(64)
        for channel, value in channels.items():
            values[(COMMAND.names or ()).index(channel)] = value
        place = [each.name for each in self.wire.command_messages].index(name)
        frame = frames(1)
        sent = records(self.wire.commands, SENT)
        assert encode(self.wire.commands, place, sent, values, frame, 0) == Status.OK
        message = self.messages[name]
        return message.decode(frame.payload[0, : message.length].tobytes(), decode_choices=False)


def refusal(file) -> str:
    with pytest.raises(InputError) as caught:
        wire(load_car(file))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_wheel_speed_in_any_unit_becomes_metres_a_second(foreign):
    wheels = {
        "wheel_fl_mps": {"signal": "WHEELS.FL", "radius_m": 0.25},
        "wheel_fr_mps": {"signal": "WHEELS.FR", "unit": "turn/s", "radius_m": 0.25},
        "wheel_rl_mps": "WHEELS.RL",
        "wheel_rr_mps": "WHEELS.RR",
    }
    car = Car(foreign(sensors=wheels))
    assert car.hear("WHEELS", FL=600, FR=10, RL=36, RR=20) >= 0
    assert car.channel("wheel_fl_mps") == pytest.approx(600 / 60 * 2 * PI * 0.25)
    assert car.channel("wheel_fr_mps") == pytest.approx(10 * 2 * PI * 0.25)
    assert car.channel("wheel_rl_mps") == pytest.approx(10.0)
    assert car.channel("wheel_rr_mps") == pytest.approx(20.0)


@pytest.mark.parametrize(
    ("wired", "named"),
    [
        ("WHEELS.FL", ["rpm", "radius_m"]),
        ({"signal": "WHEELS.FR", "radius_m": 0.3}, ["rps", "unit"]),
        ({"signal": "WHEELS.FL", "unit": "furlongs"}, ["furlongs", "unit"]),
    ],
)
def test_a_unit_that_does_not_fit_is_refused_with_the_remedy(foreign, wired, named):
    said = refusal(foreign(sensors={"wheel_fl_mps": wired}))
    assert "sensors.wheel_fl_mps" in said
    assert all(word in said for word in named)


def test_the_unit_that_the_car_file_says_counts_before_the_dbc_files(foreign):
    car = Car(
        foreign(
            sensors={
                "brake_front_bar": {"signal": "BRAKES.Front", "unit": "kPa"},
                "brake_rear_bar": {"signal": "BRAKES.Rear", "unit": "", "ratio": 2.5},
            }
        )
    )
    car.hear("BRAKES", Front=4000, Rear=50.0)
    assert car.channel("brake_front_bar") == pytest.approx(40.0)
    assert car.channel("brake_rear_bar") == pytest.approx(20.0)


def test_a_compass_course_becomes_a_heading(foreign):
    compass = {"signal": "HEADING.Course", "ratio": -1.0, "offset": PI / 2}
    car = Car(foreign(sensors={"gnss_heading_rad": compass}))
    for course_deg, heading_rad in ((0.0, PI / 2), (90.0, 0.0), (270.0, -PI)):
        car.hear("HEADING", Course=course_deg)
        assert car.channel("gnss_heading_rad") == pytest.approx(heading_rad)


@pytest.mark.parametrize(
    ("signal", "wired"),
    [
        ("0|16@1+ (0.01,0) [0|359.99]", {"ratio": -1.0, "offset": PI / 2}),
        ("0|16@1- (0.01,0) [-180|180]", {}),
        ("0|16@1- (0.0001,0) [-3.1416|3.1416]", {"unit": "rad"}),
        ("0|16@1+ (0.01,0) [0|360]", {}),
    ],
)
def test_the_rig_says_every_heading_whatever_the_signal_counts_from(
    car_with, tmp_path, signal, wired
):
    dbc = f'VERSION ""\nBU_: Host\nBO_ 1283 HEADING: 8 Host\n SG_ Course : {signal} "deg" Host\n'
    (tmp_path / "more.dbc").write_text(dbc)

    def edit(document):
        document["buses"]["car"]["dbc"].append("more.dbc")
        document["sensors"]["gnss_heading_rad"] = {"signal": "HEADING.Course"} | wired

    car = Car(car_with(edit))
    place = [each.name for each in car.wire.sensor_messages].index("HEADING")
    for heading_rad in np.linspace(0.0, 2 * PI, 99, endpoint=False):
        values, frame = np.zeros(64), frames(1)
        values[CHANNEL_NAMES.index("gnss_heading_rad")] = heading_rad
        sent = records(car.wire.sensors, SENT)
        assert encode(car.wire.sensors, place, sent, values, frame, 0) == Status.OK
        assert decode(car.wire.sensors, frame, 0, car.received, car.values) == place
        off = car.channel("gnss_heading_rad") - heading_rad
        assert math.remainder(off, 2 * PI) == pytest.approx(0.0, abs=2e-4)


def test_one_channel_feeds_several_signals(foreign):
    torque = {"unit": "", "ratio": 195.0}
    throttle = [{"signal": f"DRIVE.{axle}Torque"} | torque for axle in ("Front", "Rear")]
    said = Car(foreign(commands={"throttle": throttle})).say("DRIVE", throttle=0.4)
    assert (said["FrontTorque"], said["RearTorque"]) == pytest.approx((78.0, 78.0))


def test_a_list_of_values_goes_by_name_or_number_either_way(foreign):
    flags = {"signal": "STATUS.Flag", "values": {"1": "green", "0x2": "YELLOW", "9": 4}}
    mission = {
        "signal": "DRIVE.Mission",
        "values": {
            "0": ["OFF", "READY"],
            "1": ["DRIVING", "CONTROLLED_STOP"],
            "3": "EMERGENCY_STOP",
        },
    }
    car = Car(foreign(sensors={"race_flag": flags}, commands={"mode": mission}))
    for raw, flag in ((1, Flag.GREEN), (2, Flag.YELLOW), (9, Flag.CHEQUERED)):
        car.hear("STATUS", Flag=raw)
        assert car.channel("race_flag") == flag
    for mode, raw in zip(Mode, (0, 0, 1, 1, 3), strict=True):
        assert car.say("DRIVE", mode=mode)["Mission"] == raw


@pytest.mark.parametrize(
    ("channel", "restrictive"),
    [("race_flag", 3), ("estop", 1), ("brake_fault", 1), ("race_go", 2), ("gnss_quality", 0)],
)
def test_a_raw_value_that_is_not_listed_is_the_most_restrictive(foreign, channel, restrictive):
    wired = {"signal": "STATUS.Flag", "values": {"4": 0, "5": 1}}
    car = Car(foreign(sensors={channel: wired}))
    car.hear("STATUS", Flag=4)
    assert car.channel(channel) == 0
    for raw in (0, 6, 15):
        car.hear("STATUS", Flag=raw)
        assert car.channel(channel) == restrictive
    told = Car(foreign(sensors={channel: wired | {"default": 1}}))
    told.hear("STATUS", Flag=6)
    assert told.channel(channel) == 1


def test_a_channel_without_a_most_restrictive_value_refuses_the_frame(foreign):
    car = Car(foreign(sensors={"gear": {"signal": "STATUS.Flag", "values": {"1": 0, "2": 1}}}))
    assert car.hear("STATUS", Flag=2) >= 0
    assert car.hear("STATUS", Flag=3) == Status.NOT_AVAILABLE
    assert car.channel("gear") == 1


def test_what_means_not_available_refreshes_nothing(foreign):
    wired = {"signal": "BRAKES.Front", "unit": "kPa", "unavailable": [8191]}
    car = Car(foreign(sensors={"brake_front_bar": wired}))
    assert car.hear("BRAKES", Front=100) >= 0
    assert car.hear("BRAKES", Front=8191) == Status.NOT_AVAILABLE
    assert car.channel("brake_front_bar") == 1.0


def test_a_signal_of_another_message_says_whether_it_is_valid(foreign):
    valid = {"signal": "STATUS.State", "is": ["Driving", 1]}
    wired = {"signal": "BRAKES.Front", "unit": "kPa", "valid": valid}
    car = Car(foreign(sensors={"brake_front_bar": wired}))
    assert car.hear("BRAKES", Front=100) == Status.NOT_AVAILABLE
    for state, taken in ((3, True), (0, False), (1, True), (2, False)):
        assert car.hear("STATUS", State=state) >= 0
        assert (car.hear("BRAKES", Front=100) >= 0) == taken


def test_constants_and_echoes_are_sent(foreign):
    car = Car(
        foreign(
            commands={"throttle": {"signal": "DRIVE.FrontTorque", "unit": "", "ratio": 195.0}},
            constants={"DRIVE.Direction": "Forward", "DRIVE.SpeedMax": 4000},
            echo={"DRIVE.Handshake": "STATUS.Handshake"},
        )
    )
    assert car.hear("STATUS", Handshake=1) >= 0
    said = car.say("DRIVE", echo_0=1.0)
    assert (said["Direction"], said["SpeedMax"], said["Handshake"]) == (1, 4000, 1)


def test_an_echo_goes_through_the_tick(foreign, host_of):
    file = foreign(
        commands={"throttle": {"signal": "DRIVE.FrontTorque", "unit": "", "ratio": 195.0}},
        echo={"DRIVE.Handshake": "STATUS.Handshake"},
    )
    car = load_car(file)
    host = host_of(car)
    database = cantools.database.load_string(DBC)
    payload = database.encode_message("STATUS", {"Flag": 0, "Estop": 0, "State": 0, "Handshake": 1})
    frame = host.frames_in[0]
    frame.can_id, frame.length = 1280, 8
    frame.payload[:8] = np.frombuffer(payload, np.uint8)
    heard = []
    for k in range(2):
        frame.t_ns = t_ns = 10_000_000_000 + 20_000_000 * k
        n = host.tick(k, t_ns)
        out = [f for f in host.frames_out[:n] if int(f["can_id"]) == 1536]
        data = out[0]["payload"][:8].tobytes()
        heard.append(database.decode_message(1536, data)["Handshake"])
    assert heard == [0, 1]


def test_a_message_of_constants_alone_is_sent_by_the_host(foreign):
    car = Car(foreign(constants={"DRIVE.SpeedMax": 3000}))
    assert car.say("DRIVE")["SpeedMax"] == 3000
    assert "DRIVE" not in {each.name for each in car.wire.sensor_messages}


def test_a_constant_of_a_message_that_is_heard_is_the_rigs(foreign):
    flags = {"signal": "STATUS.Flag", "values": {"1": "GREEN"}}
    car = Car(foreign(sensors={"race_flag": flags}, constants={"STATUS.State": "Driving"}))
    assert "STATUS" not in {each.name for each in car.wire.command_messages}
    place = [each.name for each in car.wire.sensor_messages].index("STATUS")
    values, frame = np.zeros(64), frames(1)
    values[CHANNEL_NAMES.index("race_flag")] = Flag.GREEN
    sent = records(car.wire.sensors, SENT)
    assert encode(car.wire.sensors, place, sent, values, frame, 0) == Status.OK
    said = car.messages["STATUS"].decode(frame.payload[0, :8].tobytes(), decode_choices=False)
    assert (said["Flag"], said["State"]) == (1, 3)


@pytest.mark.parametrize(
    ("tables", "where", "named"),
    [
        ({"sensors": {"gear": {"signal": "STATUS.State", "values": {"Drivin": 1}}}},
         "sensors.gear", ["Drivin", "did you mean Driving"]),
        ({"sensors": {"gear": {"signal": "STATUS.State", "values": {"16": 1}}}},
         "sensors.gear", ["16", "0 to 15"]),
        ({"sensors": {"gear": {"signal": "STATUS.State", "values": {"1": 1, "0x1": 2}}}},
         "sensors.gear", ["twice"]),
        ({"sensors": {"gear": {"signal": "STATUS.State", "values": {"1": "FIRST"}}}},
         "sensors.gear", ["FIRST", "number"]),
        ({"sensors": {"race_flag": {"signal": "STATUS.Flag", "values": {"1": "GREN"}}}},
         "sensors.race_flag", ["GREN", "did you mean GREEN"]),
        ({"commands": {"mode": {"signal": "DRIVE.Mission", "values": {"1": "DRIVING"}}}},
         "commands.mode", ["EMERGENCY_STOP", "default"]),
        ({"commands": {"mode": {"signal": "DRIVE.Mission", "values": {"1": "DRIVING"},
                                "default": "OFF"}}}, "commands.mode", ["default"]),
        ({"sensors": {"gear": {"signal": "STATUS.State", "unavailable": [16]}}},
         "sensors.gear", ["16"]),
        ({"sensors": {"gear": {"signal": "STATUS.State", "valid": {"signal": "STATUS.Stat",
                                                                   "is": [1]}}}},
         "sensors.gear.valid", ["Stat", "State"]),
        ({"sensors": {"gear": {"signal": "STATUS.State", "radius_m": 0.3}}},
         "sensors.gear", ["radius_m"]),
        ({"constants": {"DRIVE.Directoin": 1}}, "constants", ["Directoin", "Direction"]),
        ({"constants": {"DRIVE.SpeedMax": 4001}}, "constants.DRIVE.SpeedMax", ["4000"]),
        ({"constants": {"DRIVE.Direction": "Backward"}}, "constants.DRIVE.Direction", ["Forward"]),
        ({"echo": {"DRIVE.Handshake": "STATUS.Handshak"}}, "echo.DRIVE.Handshake", ["Handshake"]),
        ({"messages": {"DRIV": {"cycle_ms": 10}}}, "messages.DRIV", ["did you mean DRIVE"]),
    ],
)  # fmt: skip
def test_what_an_entry_cannot_mean_is_refused_by_name(foreign, tables, where, named):
    said = refusal(foreign(**tables))
    assert where in said
    assert all(word in said for word in named)


@pytest.mark.parametrize(
    ("table", "entry", "where"),
    [
        ("sensors", {"gear": {"signal": "A.B", "values": {}}}, "sensors.gear.values"),
        ("sensors", {"gear": {"signal": "A.B", "values": {"1": 1}, "ratio": 2.0}},
         "sensors.gear.ratio"),
        ("sensors", {"gear": {"signal": "A.B", "default": 1}}, "sensors.gear.default"),
        ("sensors", {"gear": {"signal": "A.B", "valid": {"signal": "A.C"}}},
         "sensors.gear.valid.0.is"),
        ("sensors", {"gear": {"signal": "A.B", "radius_m": -1.0}}, "sensors.gear.radius_m"),
        ("sensors", {"gear": {"signal": "A.B", "units": "m"}}, "sensors.gear.units"),
        ("sensors", {"gear": ["A.B"]}, "sensors.gear"),
        ("commands", {"gear": []}, "commands.gear"),
        ("commands", {"gear": ["A.B", "A"]}, "commands.gear[1]"),
        ("messages", {"A": {"cycle_ms": 0}}, "messages.A.cycle_ms"),
        ("messages", {"A": {"timeout_ms": -5.0}}, "messages.A.timeout_ms"),
        ("constants", {"A": 1}, "constants.A"),
        ("constants", {"A.B": True}, "constants.A.B"),
        ("echo", {"A.B": "C"}, "echo.A.B"),
        ("echo", {"A.B": 3}, "echo.A.B"),
    ],
)  # fmt: skip
def test_an_entry_of_another_shape_is_refused_by_name(car_with, table, entry, where):
    with pytest.raises(InputError) as caught:
        load_car(car_with(lambda document: document.setdefault(table, {}).update(entry)))
    assert f".toml: {where}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_command_channel_may_be_a_list(car):
    assert all(isinstance(signals, list) for signals in car.commands.values())
