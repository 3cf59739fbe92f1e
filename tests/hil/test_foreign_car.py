"""A car whose wire is nothing like the shipped one's drives by its file alone."""

from __future__ import annotations

import tomllib
from pathlib import Path

import can
import cantools
import numpy as np
import pytest

from tianyuan import names
from tianyuan.control.records import Cause, Controller, Mode
from tianyuan.dbc.codec import Status
from tianyuan.dbc.frame import frames
from tianyuan.firmware.car_file import Car, load_car
from tianyuan.firmware.check import check
from tianyuan.firmware.host import make_host
from tianyuan.firmware.host_record import HOST_CHANNEL
from tianyuan.hil import lockstep, rig, virtual
from tianyuan.hil.laps import laps
from tianyuan.hil.replay import replay

pytestmark = pytest.mark.compiled

PERIOD_NS = 2_000_000
DBC = """\
VERSION ""
BU_: AI VCU INS
BO_ 1312 VCU2AI_Status: 8 VCU
 SG_ HANDSHAKE : 0|1@1+ (1,0) [0|1] "" AI
 SG_ AS_STATE : 16|4@1+ (1,0) [0|7] "" AI
 SG_ GO_SIGNAL : 11|1@1+ (1,0) [0|1] "" AI
 SG_ TRACK_FLAG : 23|4@0+ (1,0) [0|15] "" AI
 SG_ UNWATCHED : 32|8@1+ (1,0) [0|255] "" AI
BO_ 1315 VCU2AI_Steer: 6 VCU
 SG_ ANGLE : 7|16@0- (0.02,0) [-600|600] "deg" AI
 SG_ RATE : 23|16@0- (0.1,0) [-3000|3000] "deg/s" AI
 SG_ STATE : 32|4@1+ (1,0) [0|15] "" AI
BO_ 1316 VCU2AI_Brake: 5 VCU
 SG_ PRESS_F_pct : 0|16@1+ (0.01,0) [0|200] "%" AI
 SG_ PRESS_R_pct : 16|16@1+ (0.01,0) [0|200] "%" AI
 SG_ STATUS_BRK : 32|4@1+ (1,0) [0|15] "" AI
BO_ 1317 VCU2AI_Speeds: 8 VCU
 SG_ FL : 0|16@1+ (0.05,0) [0|3000] "rpm" AI
 SG_ FR : 16|16@1+ (0.05,0) [0|3000] "rpm" AI
 SG_ RL : 32|16@1+ (0.05,0) [0|3000] "rpm" AI
 SG_ RR : 48|16@1+ (0.05,0) [0|3000] "rpm" AI
BO_ 1318 VCU2AI_Engine: 4 VCU
 SG_ SPEED : 0|16@1+ (0.25,0) [0|16000] "rpm" AI
 SG_ GEAR : 16|4@1+ (1,0) [0|15] "" AI
BO_ 2147484928 INS_Status: 2 INS
 SG_ FIX : 0|3@1+ (1,0) [0|7] "" AI
BO_ 2147484929 INS_Position: 16 INS
 SG_ EAST : 0|64@1- (1,0) [0|0] "m" AI
 SG_ NORTH : 64|64@1- (1,0) [0|0] "m" AI
BO_ 2147484930 INS_Motion: 8 INS
 SG_ COURSE : 0|24@1+ (0.0001,0) [0|359.9999] "deg" AI
 SG_ SPEED : 24|16@1+ (0.01,0) [0|655] "kmph" AI
BO_ 2147484931 INS_Imu: 6 INS
 SG_ AX : 0|16@1- (0.1,0) [0|0] "mG" AI
 SG_ AY : 16|16@1- (0.1,0) [0|0] "mG" AI
 SG_ YAW : 32|16@1- (0.01,0) [-320|320] "deg/s" AI
BO_ 1296 AI2VCU_Status: 8 AI
 SG_ HANDSHAKE : 0|1@1+ (1,0) [0|1] "" VCU
 SG_ MISSION : 12|3@1+ (1,0) [0|7] "" VCU
 SG_ DIRECTION : 15|2@1+ (1,0) [0|3] "" VCU
BO_ 1297 AI2VCU_Drive_F: 4 AI
 SG_ TRQ : 0|16@1+ (0.1,0) [0|195] "Nm" VCU
 SG_ SPEED_MAX : 16|16@1+ (1,0) [0|4000] "rpm" VCU
BO_ 1298 AI2VCU_Drive_R: 4 AI
 SG_ TRQ : 0|16@1+ (0.1,0) [0|195] "Nm" VCU
 SG_ GEAR : 16|4@1+ (1,0) [0|15] "" VCU
BO_ 1299 AI2VCU_Steer: 2 AI
 SG_ ANGLE : 7|16@0- (0.02,0) [-600|600] "deg" VCU
BO_ 1300 AI2VCU_Brake: 4 AI
 SG_ PRESS_F : 0|16@1+ (0.01,0) [0|100] "%" VCU
 SG_ PRESS_R : 16|16@1+ (0.01,0) [0|100] "%" VCU
SIG_VALTYPE_ 2147484929 EAST : 2;
SIG_VALTYPE_ 2147484929 NORTH : 2;
VAL_ 1312 AS_STATE 1 "Off" 2 "Ready" 3 "Driving" 4 "EmergencyBrake" 5 "Finished" ;
"""
WIRED = """\
[car]
name = "foreign"

[buses]
main = { dbc = ["foreign.dbc"], bitrate = 1_000_000, data_bitrate = 4_000_000 }

[sensors]
gnss_x_m = { signal = "INS_Position.EAST", valid = { signal = "INS_Status.FIX", is = [4, 5] } }
gnss_y_m = "INS_Position.NORTH"
gnss_speed_mps = "INS_Motion.SPEED"
gnss_heading_rad = { signal = "INS_Motion.COURSE", ratio = -1, offset = 1.5707963267948966 }
imu_ax_mps2 = { signal = "INS_Imu.AX", unavailable = [-32768] }
imu_ay_mps2 = { signal = "INS_Imu.AY", unavailable = [-32768] }
imu_yaw_rate_radps = "INS_Imu.YAW"
wheel_fl_mps = { signal = "VCU2AI_Speeds.FL", radius_m = 0.344 }
wheel_fr_mps = { signal = "VCU2AI_Speeds.FR", radius_m = 0.344 }
wheel_rl_mps = { signal = "VCU2AI_Speeds.RL", radius_m = 0.344 }
wheel_rr_mps = { signal = "VCU2AI_Speeds.RR", radius_m = 0.344 }
steer_rad = { signal = "VCU2AI_Steer.ANGLE", ratio = -14.1 }
steer_rate_radps = { signal = "VCU2AI_Steer.RATE", ratio = -14.1 }
steer_fault = { signal = "VCU2AI_Steer.STATE", values = { 1 = "OK", 2 = "OK" } }
brake_front_bar = { signal = "VCU2AI_Brake.PRESS_F_pct", unit = "", ratio = 2.0 }
brake_rear_bar = { signal = "VCU2AI_Brake.PRESS_R_pct", unit = "", ratio = 2.0 }
brake_fault = { signal = "VCU2AI_Brake.STATUS_BRK", values = { 1 = "OK" } }
engine_speed_radps = "VCU2AI_Engine.SPEED"
gear = "VCU2AI_Engine.GEAR"
race_go = "VCU2AI_Status.GO_SIGNAL"

[sensors.race_flag]
signal = "VCU2AI_Status.TRACK_FLAG"
values = { 1 = "RED", 3 = "GREEN", 8 = "CHEQUERED", 9 = "NONE" }

[sensors.estop]
signal = "VCU2AI_Status.AS_STATE"
values = { Driving = "RUN", Ready = "RUN", Off = "RUN", EmergencyBrake = "STOP" }

[commands]
steer_rad = { signal = "AI2VCU_Steer.ANGLE", ratio = -14.1 }
throttle = [
    { signal = "AI2VCU_Drive_F.TRQ", unit = "", ratio = 195 },
    { signal = "AI2VCU_Drive_R.TRQ", unit = "", ratio = 195 },
]
brake_bar = [
    { signal = "AI2VCU_Brake.PRESS_F", unit = "", ratio = 2 },
    { signal = "AI2VCU_Brake.PRESS_R", unit = "", ratio = 1.6 },
]
gear = "AI2VCU_Drive_R.GEAR"

[commands.mode]
signal = "AI2VCU_Status.MISSION"
values = { 0 = "OFF", 1 = "READY", 2 = "DRIVING", 3 = "CONTROLLED_STOP", 4 = "EMERGENCY_STOP" }

[messages]
VCU2AI_Status = { cycle_ms = 10 }
VCU2AI_Steer = { cycle_ms = 10 }
VCU2AI_Brake = { cycle_ms = 10 }
VCU2AI_Speeds = { cycle_ms = 10 }
VCU2AI_Engine = { cycle_ms = 10 }
INS_Status = { cycle_ms = 100, timeout_ms = 400 }
INS_Position = { cycle_ms = 10 }
INS_Motion = { cycle_ms = 10 }
INS_Imu = { cycle_ms = 10 }
AI2VCU_Status = { cycle_ms = 10 }
AI2VCU_Drive_F = { cycle_ms = 10 }
AI2VCU_Drive_R = { cycle_ms = 10 }
AI2VCU_Steer = { cycle_ms = 4 }
AI2VCU_Brake = { cycle_ms = 10 }

[constants]
"AI2VCU_Status.DIRECTION" = 1
"AI2VCU_Drive_F.SPEED_MAX" = 4000
"VCU2AI_Status.UNWATCHED" = 7

[echo]
"AI2VCU_Status.HANDSHAKE" = "VCU2AI_Status.HANDSHAKE"

[supervisor]
ready_dwell_s = 0.0
"""


@pytest.fixture(scope="module")
def foreign(tmp_path_factory) -> Car:
    folder = tmp_path_factory.mktemp("foreign")
    (folder / "foreign.dbc").write_text(DBC)
    shipped = names.car_file("tianyuan").read_text()
    rest = shipped[shipped.index("[vehicle]") :]
    file = folder / "car.toml"
    file.write_text(WIRED + rest)
    assert set(tomllib.loads(rest)) == {"vehicle", "limits", "planning", "estimator"}
    return load_car(file)


def test_it_has_no_mistake_and_its_buses_load_is_known(foreign):
    found = check(foreign.file)
    assert found.errors == []
    assert found.loads[0].missing_cycle == []
    assert {line.split(": ")[1] for line in found.warnings} <= {
        "sensors.gnss_quality", "sensors.race_heartbeat"
    }  # fmt: skip


@pytest.mark.timed
def test_it_drives_a_lap_as_the_shipped_car_does(loop_of, foreign, car):
    one, other = (loop_of(car=each).advance(90.0) for each in (foreign, car))
    for loop in (one, other):
        assert virtual.has_finished(loop.life, 1)
    assert Cause(int(one.life.command.cause[0])) == Cause.NONE  # no signal carries it
    assert Mode(int(one.life.command.mode[0])) == Mode.CONTROLLED_STOP
    ours, theirs = laps(one.rows)[0], laps(other.rows)[0]
    assert ours.time_s == pytest.approx(theirs.time_s, rel=0.01)
    assert ours.max_cross_track_m < theirs.max_cross_track_m + 0.15


class Log:
    """Host and rig without a guard, by turns, every frame kept as a log keeps it."""

    def __init__(self, car: Car, line: np.recarray, meddle=lambda t_s, heard: heard) -> None:
        self.car = car
        self.host = make_host(car, line, Controller.STANLEY, PERIOD_NS)
        self.world = virtual.make_rig(car, names.vehicle_file("tianyuan"), self.host, 1)
        self.life = virtual.birth(self.world, self.host, 3)
        self.meddle = meddle
        self.kept: list[can.Message] = []
        self.ms = 0
        self.heard: list[np.void] = []
        self.to_rig, self.n_to_rig = frames(256), 0

    def keep(self, made: np.ndarray, is_rx: bool) -> None:
        for each in made:
            can_id, length = int(each["can_id"]), int(each["length"])
            self.kept.append(
                can.Message(
                    timestamp=len(self.kept) * 1e-6, arbitration_id=can_id & 0x1FFF_FFFF,
                    is_extended_id=bool(can_id >> 31), is_rx=is_rx, is_fd=bool(each["flags"] & 4),
                    dlc=length, data=each["payload"][:length].tobytes(),
                    channel=int(each["channel"]),
                )
            )  # fmt: skip

    def run(self, seconds: float) -> Log:
        """Drive on for so long."""
        out = frames(256)
        for ms in range(self.ms, self.ms + round(seconds * 1000)):
            t_ns = lockstep.EPOCH_NS + ms * rig.STEP_NS
            n_rig = rig.tick(self.world, self.life, self.to_rig, self.n_to_rig, t_ns, out)
            self.n_to_rig = 0
            self.heard += self.meddle(ms * 1e-3, list(out[:n_rig].copy()))
            if ms % 2 == 0:
                self.tick(t_ns)
            self.ms = ms + 1
        return self

    def tick(self, t_ns: int) -> None:
        """The host's turn."""
        count = len(self.heard)
        for i, each in enumerate(self.heard):
            self.host.frames_in[i] = each
            self.host.frames_in[i].t_ns = t_ns
        n_out = self.host.tick(count, t_ns)
        said = self.host.frames_out[:n_out]
        self.keep(self.host.frames_in[:count], True)
        self.keep(said, False)
        self.to_rig[:n_out] = said
        self.to_rig.t_ns[:n_out] = t_ns + rig.STEP_NS
        self.n_to_rig, self.heard = n_out, []

    def write(self, file: Path) -> Path:
        with can.Logger(str(file)) as writer:
            for message in self.kept:
                writer.on_message_received(message)
        return file

    @property
    def mode(self) -> Mode:
        return Mode(int(self.host.memory.driver.mode[0]))

    @property
    def cause(self) -> Cause:
        return Cause(int(self.host.memory.driver.cause[0]))

    @property
    def refused(self) -> int:
        return int(self.host.memory.refused[0])

    def said(self, name: str) -> list[dict]:
        """What cantools makes of all frames of a message that the host sent."""
        database = cantools.database.load_string(DBC)
        message = database.get_message_by_name(name)
        return [
            message.decode(bytes(each.data), decode_choices=False)
            for each in self.kept
            if not each.is_rx and each.channel != HOST_CHANNEL
            and each.arbitration_id == message.frame_id
        ]  # fmt: skip


@pytest.fixture(scope="module")
def driven(foreign, oval) -> Log:
    log = Log(foreign, oval).run(12.0)
    assert log.mode == Mode.DRIVING
    assert log.refused < 20  # until the first word of the INS's status
    return log


def test_a_log_of_it_replays_to_the_bit_with_its_echoes(driven, foreign, oval, tmp_path):
    echoed = {each["HANDSHAKE"] for each in driven.said("AI2VCU_Status")}
    assert echoed == {0, 1}
    log = driven.write(tmp_path / "drive.blf")
    outcome = replay(log, make_host(foreign, oval, Controller.STANLEY, PERIOD_NS))
    assert outcome.ticks == 6000
    assert outcome.mismatches == 0
    other = foreign.model_copy(update={"echo": {}})
    assert replay(log, make_host(other, oval, Controller.STANLEY, PERIOD_NS)).mismatches > 100


def test_cantools_reads_what_it_was_told_to_say(driven):
    status, front = driven.said("AI2VCU_Status"), driven.said("AI2VCU_Drive_F")
    rear, brake = driven.said("AI2VCU_Drive_R"), driven.said("AI2VCU_Brake")
    assert {each["DIRECTION"] for each in status} == {1}
    assert {each["MISSION"] for each in status} == {1, 2}
    assert {each["SPEED_MAX"] for each in front} == {4000}
    assert max(each["TRQ"] for each in front) == 195
    assert [each["TRQ"] for each in front] == [each["TRQ"] for each in rear]
    assert max(each["PRESS_F"] for each in brake) > 10
    for each in brake:
        assert each["PRESS_R"] == pytest.approx(0.8 * each["PRESS_F"], abs=0.011)


def altered(name: str, **signals):
    """A change of what cantools says that a frame holds."""
    database = cantools.database.load_string(DBC)
    message = database.get_message_by_name(name)

    def alter(frame: np.void) -> None:
        if int(frame["can_id"]) & 0x1FFF_FFFF != message.frame_id:
            return
        data = frame["payload"][: message.length].tobytes()
        told = message.decode(data, decode_choices=False, scaling=False) | signals
        payload = message.encode(told, scaling=False, strict=False)
        frame["payload"][: message.length] = np.frombuffer(payload, np.uint8)

    return alter


@pytest.mark.parametrize(
    ("name", "signals", "mode", "cause", "within_ms"),
    [
        ("INS_Imu", {"AX": -32768}, Mode.CONTROLLED_STOP, Cause.IMU_LOST, 120),
        ("INS_Status", {"FIX": 1}, Mode.CONTROLLED_STOP, Cause.POSITION_LOST, 220),
        ("VCU2AI_Status", {"AS_STATE": 4}, Mode.EMERGENCY_STOP, Cause.REMOTE_ESTOP, 15),
        ("VCU2AI_Status", {"AS_STATE": 7}, Mode.EMERGENCY_STOP, Cause.REMOTE_ESTOP, 15),
        ("VCU2AI_Status", {"TRACK_FLAG": 14}, Mode.CONTROLLED_STOP, Cause.FLAG_STOP, 15),
        ("VCU2AI_Brake", {"STATUS_BRK": 3}, Mode.CONTROLLED_STOP, Cause.BRAKE_FAULT, 15),
    ],
)
def test_what_its_signals_say_stops_it_in_time(
    foreign, oval, name, signals, mode, cause, within_ms
):
    alter, begin_s = altered(name, **signals), 9.0

    def meddle(t_s, heard):
        for frame in heard if t_s >= begin_s else ():
            alter(frame)
        return heard

    log = Log(foreign, oval, meddle).run(begin_s)
    assert log.mode == Mode.DRIVING
    log.run(within_ms * 1e-3)
    assert (log.mode, log.cause) == (mode, cause)


def test_a_frame_that_is_not_available_is_counted_against_its_message(foreign, oval):
    alter = altered("INS_Imu", AX=-32768)

    def meddle(t_s, heard):
        for frame in heard:
            alter(frame)
        return heard

    log = Log(foreign, oval, meddle).run(0.5)
    statuses = log.host.memory.received.status.tolist()
    assert statuses.count(Status.NOT_AVAILABLE) == 1
    assert log.mode == Mode.OFF
    assert log.cause == Cause.WAITING_FOR_SENSORS
