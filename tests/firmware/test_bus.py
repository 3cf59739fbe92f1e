"""The shipped DBC files: every message a race car needs, guarded, timed, and room on the bus."""

from __future__ import annotations

from enum import IntEnum

import cantools
import pytest

from tianyuan.control.records import Cause, Flag, Mode, Permit
from tianyuan.firmware.guard.records import GuardCause
from tianyuan.firmware.host_record import (
    EVERY_TICK,
    GAP_ID,
    HOST,
    POSITION_ID,
    SIGNALS,
    SNAPSHOT_ID,
    TICK_ID,
)
from tianyuan.firmware.tables import host_codec
from tianyuan.rooms import room

BITRATE = 500_000
NEEDED = {
    "GNSS_POSITION": {"X", "Y", "Quality"},
    "GNSS_VELOCITY": {"Speed", "Heading"},
    "IMU": {"AccelX", "AccelY", "YawRate"},
    "WHEEL_SPEEDS": {"FrontLeft", "FrontRight", "RearLeft", "RearRight"},
    "STEERING_STATUS": {"Angle", "Rate", "Torque", "Fault"},
    "BRAKE_STATUS": {"Travel", "PressureFront", "PressureRear", "Fault"},
    "POWERTRAIN_STATUS": {"Throttle", "Gear", "EngineSpeed", "Fault"},
    "RACE_CONTROL": {"Flag", "Go", "Heartbeat"},
    "RACE_ESTOP": {"Stop"},
    "STEERING_COMMAND": {"Angle", "RateLimit", "Enable"},
    "THROTTLE_COMMAND": {"Position", "Enable"},
    "BRAKE_COMMAND": {"Pressure", "Enable"},
    "GEAR_COMMAND": {"Gear"},
    "HOST_HEARTBEAT": {"Mode", "Cause"},
    "GUARD_PERMIT": {"Permit", "Cause"},
}
MEASURED = {
    "X": "m", "Y": "m", "Speed": "m/s", "AccelX": "m/s^2", "AccelY": "m/s^2",
    "YawRate": "deg/s", "Rate": "deg/s", "Torque": "Nm", "Travel": "%", "PressureFront": "bar",
    "PressureRear": "bar", "Pressure": "bar", "Throttle": "%", "Position": "%", "Angle": "deg",
    "EngineSpeed": "rpm", "Heading": "deg", "FrontLeft": "km/h", "FrontRight": "km/h",
    "RearLeft": "km/h", "RearRight": "km/h", "RateLimit": "deg/s",
}  # fmt: skip
CHOSEN = {"Quality", "Fault", "Flag", "Go", "Stop", "Enable", "Gear", "Mode", "Cause", "Permit"}


def loaded(name: str):
    return cantools.database.load_file(room("dbc") / name)


@pytest.fixture(scope="session")
def bus():
    return loaded("tianyuan.dbc")


@pytest.fixture(scope="session")
def about():
    return loaded("host.dbc")


@pytest.mark.parametrize("name", NEEDED)
def test_a_needed_message_is_there_whole(bus, name):
    message = bus.get_message_by_name(name)
    signals = {signal.name: signal for signal in message.signals}
    assert set(signals) >= NEEDED[name] | {"CRC", "Counter"}
    assert message.cycle_time
    assert (signals["CRC"].length, signals["Counter"].length) == (8, 4)
    for signal in NEEDED[name]:
        assert signals[signal].minimum < signals[signal].maximum
        assert (signals[signal].unit or "") == MEASURED.get(signal, "")
        assert bool(signals[signal].choices) == (signal in CHOSEN)


def test_every_range_fits_its_bits(bus):
    for message in bus.messages:
        for signal in message.signals:
            bits = signal.length - signal.is_signed
            top = (2**bits - 1) * signal.scale + signal.offset
            assert signal.maximum <= top + signal.scale
            assert signal.minimum >= (-(2**bits) * signal.scale if signal.is_signed else 0)


def test_every_message_is_protected_under_its_own_id(bus, car):
    assert set(car.protection) == {message.name for message in bus.messages}
    for name, guard in car.protection.items():
        assert guard.data_id == bus.get_message_by_name(name).frame_id


def test_the_bus_is_less_than_half_full(bus):
    load = 0.0
    for message in bus.messages:
        # Classic frame with the most stuff bits there can be, and the gap between frames.
        bits = 8 * message.length + 44 + 3 + (34 + 8 * message.length - 1) // 4
        load += bits / (message.cycle_time * 1e-3) / BITRATE
    assert load < 0.5


def words(enum: type[IntEnum]) -> dict[int, str]:
    return {each.value: each.name.replace("_", "").lower() for each in enum}


def choices(message, name: str) -> dict[int, str]:
    return {
        value: str(text).lower() for value, text in message.get_signal_by_name(name).choices.items()
    }


def test_value_tables_are_the_drivers_enums(bus, about):
    heartbeat, race = (
        bus.get_message_by_name("HOST_HEARTBEAT"),
        bus.get_message_by_name("RACE_CONTROL"),
    )
    state = about.get_message_by_name("HOST_STATE")
    for message in (heartbeat, state):
        assert choices(message, "Mode") == words(Mode)
        assert choices(message, "Cause") == words(Cause)
    assert choices(race, "Flag") == words(Flag)


def test_value_tables_are_the_guards_enums(bus):
    permit = bus.get_message_by_name("GUARD_PERMIT")
    assert choices(permit, "Permit") == words(Permit)
    assert choices(permit, "Cause") == words(GuardCause)
    assert permit.senders == ["Guard"]
    assert set(permit.receivers) == {"Host", "SteeringMotor", "BrakeMotor", "Powertrain"}


def test_the_guard_hears_all_that_the_host_commands_and_the_wheels(bus):
    heard = {message.name for message in bus.messages if "Guard" in message.receivers}
    commands = {message.name for message in bus.messages if message.senders == ["Host"]}
    assert heard == commands | {"WHEEL_SPEEDS"}


def test_the_hosts_identifiers_and_signals_are_its_dbc_files(about):
    assert about.get_message_by_name("HOST_TICK").frame_id == TICK_ID
    assert about.get_message_by_name("HOST_POSITION").frame_id == POSITION_ID
    assert about.get_message_by_name("HOST_GAP").frame_id == GAP_ID
    said = {f"{m.name}.{s.name}" for m in about.messages for s in m.signals}
    assert about.get_message_by_name("HOST_SNAPSHOT").frame_id == SNAPSHOT_ID
    # The tick writes its marker by itself, the recorder its gaps, the loop its state.
    others = {"HOST_TICK", "HOST_GAP", "HOST_SNAPSHOT"}
    assert set(SIGNALS.values()) == {each for each in said if each.split(".")[0] not in others}
    assert set(EVERY_TICK) <= {message.name for message in about.messages}
    assert tuple(SIGNALS) == HOST.names
    codec, messages = host_codec()
    assert codec.messages.size == len(messages) == len(about.messages) - len(others)


def test_the_two_buses_share_no_identifier(bus, about):
    ids = [message.frame_id for message in (*bus.messages, *about.messages)]
    assert len(set(ids)) == len(ids)
