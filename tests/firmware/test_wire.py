"""What a car file says of its wire must be on the wire; what is wrong is named in one line."""

from __future__ import annotations

import pytest

from tianyuan.control.errors import InputError
from tianyuan.control.records import GROUPS
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.tables import wire


def refusal(file) -> str:
    with pytest.raises(InputError) as caught:
        wire(load_car(file))
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("section", "channel", "wired", "named"),
    [
        ("sensors", "imu_ax_mps2", "IMUX.AccelX", ["IMUX", "tianyuan.dbc"]),
        ("sensors", "imu_ax_mps2", "IMU.AccelZ", ["AccelZ", "AccelX"]),
        ("commands", "brake_bar", "BRAKES.Pressure", ["BRAKES"]),
        ("commands", "brake_bar", "BRAKE_COMMAND.Presure", ["Presure", "Pressure"]),
        ("sensors", "imu_ax_mps2", "IMU.YawRate", ["deg/s", "imu_ax_mps2"]),
        ("sensors", "steer_rad", "IMU.Status", ["steer_rad"]),
    ],
)
def test_a_channel_that_the_wire_does_not_have_is_named(car_with, section, channel, wired, named):
    def edit(document):
        document[section][channel] = wired

    file = car_with(edit)
    said = refusal(file)
    assert said.startswith(f"{file}: {section}.{channel}")
    assert all(word in said for word in named)


def test_a_missing_dbc_file_is_named(car_with):
    file = car_with(lambda document: document["buses"]["car"].update(dbc=["none.dbc"]))
    said = refusal(file)
    assert said.startswith(f"{file}: buses.car.dbc")
    assert "none.dbc" in said


def test_a_malformed_dbc_file_is_named(car_with, tmp_path):
    (tmp_path / "mine.dbc").write_text("BO_ 1 nonsense\n")
    assert "mine.dbc" in refusal(
        car_with(lambda document: document["buses"]["car"].update(dbc=["mine.dbc"]))
    )


def test_a_message_of_two_dbc_files_is_refused(car_with, tmp_path, car):
    (tmp_path / "mine.dbc").write_bytes(car.dbc_files()[0].read_bytes())
    file = car_with(
        lambda document: document["buses"]["car"].update(dbc=["tianyuan.dbc", "mine.dbc"])
    )
    assert "mine.dbc" in refusal(file)


@pytest.mark.parametrize("edit", [{"crc": "Crc"}, {"counter": "Count"}])
def test_a_protection_by_signals_that_are_not_there_is_refused(car_with, edit):
    said = refusal(car_with(lambda document: document["protection"]["IMU"].update(edit)))
    assert "IMU" in said


def test_a_protection_of_no_message_is_refused(car_with):
    file = car_with(
        lambda document: document["protection"].update(IMUX={"profile": "P1", "data_id": 1})
    )
    assert refusal(file).startswith(f"{file}: protection.IMUX")


def test_a_group_is_fed_by_the_messages_of_its_channels(car_with):
    def edit(document):
        document["sensors"]["gnss_quality"] = "GNSS_VELOCITY.HeadingQuality"
        del document["sensors"]["estop"]

    made = wire(load_car(car_with(edit)))
    names = [message.name for message in made.sensor_messages]
    feeding = {
        group: {names[m] for m in row if m >= 0}
        for group, row in zip(GROUPS, made.feeds, strict=True)
    }
    assert feeding["position"] == {"GNSS_POSITION", "GNSS_VELOCITY"}
    assert feeding["velocity"] == {"GNSS_VELOCITY"}
    assert feeding["estop"] == set()
