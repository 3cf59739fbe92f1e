"""Signals by name, as other code asks for them."""

from __future__ import annotations

import pytest

from tianyuan.control.errors import InputError
from tianyuan.firmware.car_file import load_car
from tianyuan.hil.decoding.databases import database, of_car
from tianyuan.hil.decoding.signals import read_signals
from tianyuan.names import car_file
from tianyuan.rooms import room

HOST = room("dbc") / "host.dbc"


@pytest.fixture
def log(tmp_path):
    """Four frames of two messages on two channels, a hundredth of a second apart."""
    file = tmp_path / "a.log"
    file.write_text(
        "(1.000000) can0 701#0000803F00000040\n"
        "(1.010000) can7 701#0000003F00000040\n"
        "(1.020000) can7 705#02000300\n"
        "(1.030000) can7 701#0000803F00000041\n"
    )
    return file


def test_a_cars_own_log_is_read_by_bus(log):
    signals = read_signals([log], of_car(load_car(car_file("tianyuan"))))

    # 0x701 is nothing on the car's own bus.
    assert signals["HOST_POSITION.X"].values.tolist() == [0.5, 1.0]
    assert signals["HOST_POSITION.X"].t_ns.tolist() == [1_010_000_000, 1_030_000_000]
    assert signals["HOST_STATE.Laps"].values.tolist() == [3.0]


def test_a_message_on_two_channels_is_two_messages(log):
    signals = read_signals([log], [database(HOST)])

    assert signals["HOST_POSITION.X"].values.tolist() == [1.0]
    assert signals["HOST_POSITION@can7.X"].values.tolist() == [0.5, 1.0]


def test_only_what_is_wanted_is_decoded_of_all_logs(log):
    wanted = {"HOST_STATE.Mode", "HOST_POSITION.Z"}

    signals = read_signals([log, log], [database(f"can7={HOST}")], wanted)

    assert list(signals) == ["HOST_STATE.Mode"]
    assert signals["HOST_STATE.Mode"].values.tolist() == [2.0, 2.0]


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match=r"no\.dbc: cannot be read"):
        database(tmp_path / "no.dbc")
