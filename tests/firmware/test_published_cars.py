"""Entries for two published cars, on their own DBC files, against cantools."""

from __future__ import annotations

import math
import shutil

import numpy as np
import pytest

from tianyuan.control.records import CHANNEL_NAMES, COMMAND_NAMES, Flag, Mode
from tianyuan.dbc.codec import RECEIVED, SENT, Status, decode, encode, records
from tianyuan.dbc.frame import frames
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.car_messages import messages_of
from tianyuan.firmware.tables import wire

INDY = {
    "sensors": {
        "brake_front_bar": "brake_pressure_report.brake_pressure_fdbk_front",
        "wheel_fl_mps": "wheel_speed_report.wheel_speed_FL",
        "race_flag": {
            "signal": "base_to_car_summary.track_flag",
            "values": {"1": "RED", "3": "GREEN", "4": "CHEQUERED"},
        },
    },
    "commands": {
        "brake_bar": {"signal": "brake_pressure_cmd.brake_pressure_cmd", "unit": "kPa"},
        "steer_rad": {"signal": "steering_cmd.steering_motor_ang_cmd", "ratio": -9.0},
    },
    "messages": {
        **{name: {"cycle_ms": 10} for name in ("brake_pressure_cmd", "steering_cmd", "ct_report")},
        "base_to_car_summary": {"timeout_ms": 300},
    },
    "echo": {"ct_report.track_cond_ack": "base_to_car_summary.track_flag"},
}
ADS_DV = {
    "sensors": {
        "wheel_fl_mps": {"signal": "VCU2AI_Speeds.FL_WHEEL_SPEED", "radius_m": 0.253},
        "brake_rear_bar": {"signal": "VCU2AI_Brake.HYD_PRESS_R_pct", "unit": "", "ratio": 1.25},
        "estop": {
            "signal": "VCU2AI_Status.AS_STATE",
            "values": {"1": "RUN", "2": "RUN", "3": "RUN", "4": "STOP"},
        },
        "brake_fault": {"signal": "VCU2AI_Brake.STATUS_EBS", "values": {"1": "OK", "2": "OK"}},
    },
    "commands": {
        "throttle": [
            {"signal": "AI2VCU_Drive_F.FRONT_AXLE_TRQ_REQUEST", "unit": "", "ratio": 195.0},
            {"signal": "AI2VCU_Drive_R.REAR_AXLE_TRQ_REQUEST", "unit": "", "ratio": 195.0},
        ],
        "brake_bar": [
            {"signal": f"AI2VCU_Brake.HYD_PRESS_{axle}_REQ_pct", "unit": "", "ratio": 1.25}
            for axle in "FR"
        ],
        "mode": {
            "signal": "AI2VCU_Status.MISSION_STATUS",
            "values": {"0": "OFF", "1": "READY", "2": ["DRIVING", "CONTROLLED_STOP"],
                       "3": "EMERGENCY_STOP"},
        },
    },
    "messages": {
        **{f"AI2VCU_{name}": {"cycle_ms": 10} for name in ("Drive_F", "Drive_R", "Brake", "Status")}
    },
    "constants": {
        "AI2VCU_Status.DIRECTION_REQUEST": 1,
        "AI2VCU_Drive_F.FRONT_MOTOR_SPEED_MAX": 4000,
    },
    "echo": {"AI2VCU_Status.HANDSHAKE": "VCU2AI_Status.HANDSHAKE"},
}  # fmt: skip


class Car:
    """Both codecs of the shipped car with some entries on another car's bus."""

    def __init__(self, car_with, folder, dbc, entries):
        shutil.copy(dbc, folder / "theirs.dbc")

        def edit(document):
            document["buses"]["theirs"] = {"dbc": ["theirs.dbc"]}
            for table, own in entries.items():
                document.setdefault(table, {}).update(own)

        self.car = load_car(car_with(edit))
        self.wire, self.messages = wire(self.car), messages_of(self.car).named
        self.received, self.values = records(self.wire.sensors, RECEIVED), np.full(64, np.nan)

    def hear(self, name, **signals):
        message = self.messages[name]
        every = {each.name: 0 for each in message.signals} | signals
        payload = message.encode(every, strict=False)
        frame = frames(1)
        frame.can_id, frame.length = message.frame_id, len(payload)
        frame.channel, frame.t_ns = 1, 5
        frame.payload[0, : len(payload)] = np.frombuffer(payload, np.uint8)
        assert decode(self.wire.sensors, frame, 0, self.received, self.values) >= 0
        return {name: self.values[k] for k, name in enumerate(CHANNEL_NAMES)}

    def say(self, name, **channels):
        values, frame = np.zeros(64), frames(1)
        for channel, value in channels.items():
            values[COMMAND_NAMES.index(channel)] = value
        place = [each.name for each in self.wire.command_messages].index(name)
        sent = records(self.wire.commands, SENT)
        assert encode(self.wire.commands, place, sent, values, frame, 0) == Status.OK
        assert frame.channel[0] == 1
        message = self.messages[name]
        return message.decode(frame.payload[0, : message.length].tobytes(), decode_choices=False)


def test_an_indy_car_is_heard_and_told_in_its_own_units(shared_data, car_with, tmp_path):
    car = Car(car_with, tmp_path, shared_data / "dbc" / "iac" / "CAN1-INDY-V14.dbc", INDY)
    heard = car.hear("brake_pressure_report", brake_pressure_fdbk_front=3000)
    assert heard["brake_front_bar"] == pytest.approx(30.0)
    assert car.hear("wheel_speed_report", wheel_speed_FL=180)["wheel_fl_mps"] == pytest.approx(50.0)
    for raw, flag in ((1, Flag.RED), (3, Flag.GREEN), (4, Flag.CHEQUERED), (9, Flag.RED)):
        assert car.hear("base_to_car_summary", track_flag=raw)["race_flag"] == flag
    assert car.say("brake_pressure_cmd", brake_bar=12.34)["brake_pressure_cmd"] == 1234
    told = car.say("steering_cmd", steer_rad=math.radians(10.0))
    assert told["steering_motor_ang_cmd"] == pytest.approx(-90.0)


def test_the_ads_dv_is_heard_and_told_in_its_own_units(shared_data, car_with, tmp_path):
    dbc = shared_data / "dbc" / "fs_ai" / "ADSDV_2021_VCU_AI_interface_v2.dbc"
    car = Car(car_with, tmp_path, dbc, ADS_DV)
    heard = car.hear("VCU2AI_Speeds", FL_WHEEL_SPEED=600)
    assert heard["wheel_fl_mps"] == pytest.approx(10 * 2 * math.pi * 0.253)
    heard = car.hear("VCU2AI_Brake", HYD_PRESS_R_pct=50, STATUS_EBS=1)
    assert (heard["brake_rear_bar"], heard["brake_fault"]) == (pytest.approx(40.0), 0.0)
    assert car.hear("VCU2AI_Brake", STATUS_EBS=3)["brake_fault"] == 1.0
    for state, stop in ((2, 0), (3, 0), (4, 1), (5, 1), (0, 1)):
        assert car.hear("VCU2AI_Status", AS_STATE=state)["estop"] == stop
    front, rear = (car.say(f"AI2VCU_Drive_{axle}", throttle=0.5) for axle in "FR")
    assert (front["FRONT_AXLE_TRQ_REQUEST"], rear["REAR_AXLE_TRQ_REQUEST"]) == (97.5, 97.5)
    assert front["FRONT_MOTOR_SPEED_MAX"] == 4000
    brake = car.say("AI2VCU_Brake", brake_bar=40.0)
    assert (brake["HYD_PRESS_F_REQ_pct"], brake["HYD_PRESS_R_REQ_pct"]) == (50.0, 50.0)
    for mode, mission in zip(Mode, (0, 1, 2, 2, 3), strict=True):
        said = car.say("AI2VCU_Status", mode=mode)
        assert (said["MISSION_STATUS"], said["DIRECTION_REQUEST"]) == (mission, 1)
