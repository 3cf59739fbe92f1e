"""Faults of the kernel's CAN: seen by somebody else on the interface, and gone afterwards."""

from __future__ import annotations

import errno
import json
import socket
import struct
import subprocess
import time
from collections.abc import Iterator

import pytest

from tianyuan.control.errors import InputError
from tianyuan.dbc.frame import ERROR
from tianyuan.hil.faults import socketcan

pytestmark = pytest.mark.socketcan

FRAME = struct.Struct("=IB3x8s")
CAN_RAW_ERR_FILTER = 2


@pytest.fixture
def ear(vcan) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW) as made:
        made.setsockopt(socket.SOL_CAN_RAW, CAN_RAW_ERR_FILTER, 0x1FFFFFFF)
        made.bind((vcan,))
        made.settimeout(2.0)
        yield made


def heard(ear: socket.socket) -> tuple[int, bytes]:
    can_id, length, payload = FRAME.unpack(ear.recv(FRAME.size))
    return can_id, payload[:length]


def is_up(interface: str) -> bool:
    told = subprocess.run(
        ["ip", "-json", "link", "show", interface], capture_output=True, text=True, check=True
    )
    return "UP" in json.loads(told.stdout)[0]["flags"]


def test_a_controller_says_bus_off_and_that_it_has_restarted(vcan, ear):
    with socketcan.bus_off(vcan):
        assert heard(ear)[0] == ERROR | socketcan.BUS_OFF
    assert heard(ear)[0] == ERROR | socketcan.RESTARTED


def test_a_controller_says_that_it_is_error_passive(vcan, ear):
    with socketcan.error_passive(vcan):
        can_id, payload = heard(ear)
    assert can_id == ERROR | socketcan.CONTROLLER
    assert payload[1] == socketcan.PASSIVE


def test_nobody_acknowledges_for_as_long_as_it_was_asked_to(vcan, ear):
    with socketcan.nobody_acknowledges(vcan):
        assert {heard(ear)[0] for _ in range(5)} == {ERROR | socketcan.NO_ACKNOWLEDGE}
    ear.settimeout(0.2)
    with pytest.raises(TimeoutError):
        for _ in range(100):
            heard(ear)


def test_a_load_is_of_the_lowest_priority_and_of_the_share_that_was_asked_for(vcan, ear):
    count, end = 0, time.monotonic() + 1.0
    with socketcan.load(vcan, 0.5, 500_000):
        while time.monotonic() < end:
            assert heard(ear)[0] == 0x7FF
            count += 1
    assert 400 < count < 2600  # 2000 in a second; a guest may come late


def test_a_burst_comes_at_once(vcan, ear):
    socketcan.burst(vcan, 0x100, 50)
    assert [heard(ear) for _ in range(50)] == [(0x100, b"")] * 50


def test_an_interface_is_down_and_up_again(vcan):
    with socketcan.down(vcan):
        assert not is_up(vcan)
    assert is_up(vcan)


def test_frames_are_delayed_on_their_way(vcan, ear):
    with socketcan.Netem(vcan, "delay", "50ms"):
        time.sleep(0.2)  # in which tc has read its line
        sent = time.monotonic()
        socketcan.burst(vcan, 0x123, 1)
        assert heard(ear)[0] == 0x123
        assert 0.045 < time.monotonic() - sent < 1.0


def test_what_tc_refuses_is_told_in_a_line(vcan):
    with pytest.raises(InputError, match=r"tc qdisc replace .* netem"):  # noqa: SIM117
        with socketcan.Netem(vcan, "nonsense"):
            pass


def test_a_full_queue_is_told_to_whom_sends(vcan):
    with (
        socketcan.transmit_queue_full(vcan),
        socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW) as sender,
    ):
        time.sleep(0.2)
        sender.bind((vcan,))
        with pytest.raises(OSError) as full:
            for _ in range(3 * socketcan.QUEUED):
                sender.send(FRAME.pack(0x80, 8, bytes(8)))
    assert full.value.errno == errno.ENOBUFS


def test_somebody_in_the_middle_changes_what_passes(vcan, ear):
    other = f"{vcan}b"
    subprocess.run(["ip", "link", "add", other, "type", "vcan"], check=True)
    try:
        subprocess.run(["ip", "link", "set", other, "up"], check=True)
        with socketcan.gateway(other, vcan, "-m", "SET:D:000.8.AA00000000000000"):
            with socketcan.opened(other) as source:
                source.send(FRAME.pack(0x100, 8, bytes(range(8))))
            can_id, payload = heard(ear)
        assert (can_id, payload) == (0x100, b"\xaa" + bytes(7))
    finally:
        subprocess.run(["ip", "link", "delete", other], check=False)


def test_a_vcan_has_no_bit_rate_to_be_wrong(vcan):
    with pytest.raises(InputError, match="no bit rate"), socketcan.wrong_bit_rate(vcan, 250_000):
        pass


def test_what_is_no_interface_is_named():
    with pytest.raises(InputError, match="nowhere0"):
        socketcan.say_error("nowhere0", socketcan.BUS_OFF)
