"""A car whose messages are spread over two buses, with one identifier in use on both."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from pathlib import Path

import can
import cantools
import pytest

from tianyuan import names
from tianyuan.control.errors import InputError
from tianyuan.control.records import Controller
from tianyuan.dbc.frame import frames
from tianyuan.drivers.buses import Buses, receive_all, send_all
from tianyuan.drivers.local_frame import frame_at
from tianyuan.firmware.bus_names import car_buses
from tianyuan.firmware.car_file import Car, load_car
from tianyuan.firmware.drive import Terms, drive
from tianyuan.firmware.gnss.age import SystemClock
from tianyuan.firmware.gnss.receiver import Receiver
from tianyuan.firmware.guard.process import guard as run_guard
from tianyuan.firmware.host import make_host
from tianyuan.firmware.loop_thread import controls
from tianyuan.firmware.run_card import read_card, write_card
from tianyuan.hil import virtual
from tianyuan.hil.realtime import drive_rig
from tianyuan.hil.replay import replay
from tianyuan.rooms import room

pytestmark = pytest.mark.compiled

MOVED = ("GNSS_POSITION", "GNSS_VELOCITY", "IMU", "THROTTLE_COMMAND", "GUARD_PERMIT")
PERIOD_NS = 2_000_000
PATIENCE_S = 60.0


def dbc_of(messages: list) -> str:
    return cantools.database.can.Database(messages=messages).as_dbc_string()


@pytest.fixture(scope="module")
def spread(tmp_path_factory) -> Car:
    """The shipped car with part of it on a second bus, its position under the wheels' id."""
    folder = tmp_path_factory.mktemp("spread")
    messages = cantools.database.load_file(room("dbc") / "tianyuan.dbc").messages
    stayed = [message for message in messages if message.name not in MOVED]
    moved = [message for message in messages if message.name in MOVED]
    wheels = next(message for message in stayed if message.name == "WHEEL_SPEEDS")
    next(m for m in moved if m.name == "GNSS_POSITION").frame_id = wheels.frame_id
    (folder / "one.dbc").write_text(dbc_of(stayed))
    (folder / "two.dbc").write_text(dbc_of(moved))
    shipped = names.car_file("tianyuan").read_text()
    buses = 'one = { dbc = ["one.dbc"] }\ntwo = { dbc = ["two.dbc"] }\n'
    head, tail = shipped.split('car = { dbc = ["tianyuan.dbc"], bitrate = 500_000 }\n')
    (folder / "car.toml").write_text(head + buses + tail + "\n[supervisor]\nready_dwell_s = 0.0\n")
    return load_car(folder / "car.toml")


def test_it_drives_the_same_lap_to_the_bit(loop_of, spread, car):
    eager = car.model_copy(update={"parameters": spread.parameters})
    one, two = (loop_of(car=each).advance(20.0) for each in (eager, spread))
    assert one.speed_mps > 5.0
    assert one.rows.tobytes() == two.rows.tobytes()


def test_in_real_time_it_drives_over_two_buses_and_replays_to_the_bit(
    spread, oval, tmp_path, rings
):
    folder = Path(tempfile.mkdtemp(prefix="bus-"))
    buses = car_buses(spread, f"{folder}/can0")
    assert buses == (f"{folder}/can0", f"{folder}/can0.two")
    log = tmp_path / "drive.blf"
    host = make_host(spread, oval, Controller.STANLEY, PERIOD_NS)
    world = virtual.make_rig(spread, names.vehicle_file("tianyuan"), host, 1)
    life = virtual.birth(world, host, 5)
    end, asked = threading.Event(), controls()
    began = time.monotonic()

    def card(beside: Path, wall_ns: int) -> None:
        write_card(beside, spread, oval, Controller.STANLEY, 500, wall_ns)

    def stop_at_speed(_: float) -> None:
        if life.plant_state.vx_mps[0] > 5.0 or time.monotonic() - began > PATIENCE_S:
            asked.stop()

    others = [
        threading.Thread(target=drive_rig, args=(world, life, buses, None, None, end)),
        threading.Thread(target=run_guard, args=(*virtual.make_guard(spread, host), buses, end)),
    ]
    try:
        for other in others:
            other.start()
        drive(host, Terms(buses, PERIOD_NS, log=log, card=card), asked, progress=stop_at_speed)
    finally:
        end.set()
        for other in others:
            other.join()
        shutil.rmtree(folder)

    rows = life.rows[: life.written[0]]
    assert rows.speed_mps.max() > 5.0
    with can.LogReader(str(log)) as reader:
        heard = {(message.channel, message.is_rx) for message in reader}
    assert heard == {(0, True), (1, True), (0, False), (1, False), (7, False)}
    card = read_card(log, tmp_path)
    outcome = replay(log, make_host(card.car, card.path, card.controller, PERIOD_NS))
    assert outcome.ticks > 500
    assert outcome.mismatches == 0


def test_frames_leave_by_the_bus_of_their_channel_and_come_with_it():
    folder = tempfile.mkdtemp(prefix="bus-")
    both = (f"{folder}/a", f"{folder}/b")
    try:
        with Buses(both, "one") as one, Buses(both, "other") as other:
            out, into = frames(5), frames(8)
            out.can_id = [1, 2, 3, 4, 5]
            out.channel = [0, 1, 1, 0, 6]  # the last has no bus
            send_all(one.record, out, 5)
            assert receive_all(other.record, into, 77) == 4
        assert list(zip(into.can_id[:4], into.channel[:4], strict=True)) == [
            (1, 0), (4, 0), (2, 1), (3, 1)
        ]  # fmt: skip
        assert set(into.t_ns[:4]) == {77}
    finally:
        shutil.rmtree(folder)


def test_a_receiver_is_on_the_bus_of_its_messages(spread, car):
    frame = frame_at("27.7385,113.0312")
    assert Receiver(car, frame, SystemClock()).channel == 0
    assert Receiver(spread, frame, SystemClock()).channel == 1


def test_each_bus_may_be_named_but_then_all_of_them(spread):
    assert car_buses(spread, "can0,can3") == ("can0", "can3")
    with pytest.raises(InputError, match="3 buses"):
        car_buses(spread, "can0,can1,can2")
