"""A port on the kernel's own CAN: frames, filters, stamps, errors, and a plug that is pulled."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import can
import numpy as np
import pytest

from tianyuan.control.errors import InputError
from tianyuan.dbc.frame import BRS, ERROR, EXTENDED, FDF, FRAME, REMOTE, frames
from tianyuan.drivers.address import Address
from tianyuan.drivers.can_port import CanPort, can_figures, filters_of
from tianyuan.drivers.interface_facts import advice, facts_of
from tianyuan.drivers.port import open_port, receive, send
from tianyuan.drivers.port_record import DOWN, GONE, UP, WAITING
from tianyuan.drivers.raw_sending import WAIT_NS

pytestmark = pytest.mark.socketcan

Join = Callable[..., CanPort]
PATIENCE_S = 20.0


@pytest.fixture
def join(vcan: str) -> Iterator[Join]:
    with ExitStack() as stack:
        yield lambda channel=0, name=vcan, **more: stack.enter_context(
            open_port(Address(name, "socketcan", **more), "node", channel)
        )


@pytest.fixture
def outside(vcan: str) -> Iterator[socket.socket]:
    """A socket of somebody else's on the interface."""
    with socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW) as made:
        made.bind((vcan,))
        yield made


def receive_all(port: CanPort, room: int = 1000, t_ns: int = 1) -> np.recarray:
    into = frames(room)
    return into[: receive(port.record, into, 0, t_ns)]


def hear(port: CanPort, count: int, t_ns: int = 1) -> np.recarray:
    """Wait for ``count`` frames; the kernel hands them on in its own time."""
    got = list(receive_all(port, t_ns=t_ns))
    end = time.monotonic() + PATIENCE_S
    while len(got) < count and time.monotonic() < end:
        time.sleep(0.001)
        got += list(receive_all(port, t_ns=t_ns))
    return np.array(got, FRAME).view(np.recarray)


def until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


def fill(port: CanPort) -> int:
    """Send frames that nobody looks at until the queue is full; returns how many it took."""
    sent = 0
    while port.record.full[0] == 0:
        sent += send(port.record, some(1, 0x700), 0, 1)
        assert (sent < 10_000, port.record.interface[0]) == (True, UP)
    return sent


def some(count: int, first: int = 0x100) -> np.recarray:
    made = frames(count)
    made.can_id = np.arange(first, first + count)
    made.length = 8
    made.payload[:, :8] = np.arange(8)
    return made


def error(port_socket: socket.socket, classes: int, detail: int = 0) -> None:
    port_socket.send(struct.pack("=IB3x8s", ERROR | classes, 8, bytes([0, detail])))


def test_every_field_survives_and_the_stamp_is_the_ticks(join):
    a, b = join(channel=3), join(channel=7)
    sent = frames(4)
    sent.can_id = [0x7FF, EXTENDED | 0x1FFFFFFF, REMOTE | 0x10, EXTENDED | 0x55]
    sent.length = [8, 0, 5, 64]
    sent["flags"] = [0, 0, 0, FDF | BRS]
    sent.payload[0, :8] = np.arange(1, 9)
    sent.payload[3] = np.arange(64)

    assert send(a.record, sent, 0, 4) == 4
    got = hear(b, 4, t_ns=123456789012345)

    assert list(got.can_id) == list(sent.can_id)
    assert list(got.length) == [8, 0, 5, 64]
    assert list(got["flags"]) == [0, 0, 0, FDF | BRS]
    assert np.array_equal(got.payload, sent.payload)
    assert set(got.channel) == {7}
    assert set(got.t_ns) == {123456789012345}
    assert len(receive_all(a)) == 0  # its own frames it does not hear


def test_python_can_says_and_hears_the_same(join, vcan):
    port = join()
    with can.Bus(interface="socketcan", channel=vcan, fd=True) as bus:
        said = can.Message(arbitration_id=0x18FF1234, data=b"12345", is_extended_id=True)
        bus.send(said)
        (frame,) = hear(port, 1)
        assert (frame.can_id, frame.length) == (EXTENDED | 0x18FF1234, 5)
        assert bytes(frame.payload[:5]) == b"12345"

        assert send(port.record, some(1), 0, 1) == 1
        heard = bus.recv(PATIENCE_S)
    assert (heard.arbitration_id, bytes(heard.data)) == (0x100, bytes(range(8)))


def test_a_burst_is_kept_whole_and_in_order_until_it_is_read(join):
    a, b = join(), join()
    for first in range(0, 1000, 100):
        assert send(a.record, some(100, first), 0, 100) == 100
    got = hear(b, 1000)
    assert list(got.can_id) == list(range(1000))
    assert b.record.overwritten[0] == 0


def test_only_what_is_asked_for_is_heard(join, outside):
    b = join(identifiers=[0x123, EXTENDED | 0x1ABCDEF])
    heard = [0x123, EXTENDED | 0x1ABCDEF]
    others = [
        0x122,
        EXTENDED | 0x123,  # the standard one's low bits, as an extended identifier
        REMOTE | 0x123,
        EXTENDED | 0x1FFF_F123,
        0x1ABCDEF & 0x7FF,
        EXTENDED | 0x0ABCDEF,
    ]
    for can_id in others + heard + others:
        outside.send(struct.pack("=IB3x8x", can_id, 0))
    assert list(hear(b, 2).can_id) == heard


def test_a_node_that_asks_for_nothing_hears_nothing_but_errors(join, outside):
    b = join(identifiers=[])
    outside.send(struct.pack("=IB3x8x", 0x123, 0))
    error(outside, 0x40)
    assert list(hear(b, 1).can_id) == [ERROR | 0x40]


def test_a_filter_passes_its_identifier_and_no_other_kind():
    standard, extended = filters_of([EXTENDED | 0x123, 0x123])
    assert list(standard) == [0x123, 0xC00007FF]
    assert list(extended) == [0x80000123, 0xDFFFFFFF]


def test_how_long_a_frame_lay_in_the_kernel_is_booked(join):
    a, b = join(), join()
    receive_all(b)
    send(a.record, some(10), 0, 10)
    time.sleep(0.3)
    assert len(receive_all(b)) == 10
    figures = can_figures(b.record)["age_us"]
    assert b.record.ages[0].sum() == 10
    assert b.record.ageless[0] == 0
    assert 300e3 < figures["mean"] <= figures["max"] < 10e6
    assert figures["p50"] > 300e3
    send(a.record, some(10), 0, 10)
    hear(b, 10)
    assert can_figures(b.record)["age_us"]["p50"] < 10e6


def test_frames_that_the_queue_had_no_room_for_are_counted(join):
    a, b = join(), join()
    b._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    for _ in range(5):
        send(a.record, some(100), 0, 100)
    time.sleep(0.1)
    got = len(receive_all(b))
    assert got < 500
    send(a.record, some(1), 0, 1)  # the next frame brings the count
    assert len(hear(b, 1)) == 1
    assert b.record.overwritten[0] == 500 - got


@pytest.mark.parametrize(
    ("classes", "detail", "counted"),
    [
        (0x40, 0, {"bus_off"}),
        (0x20, 0, {"no_acknowledge"}),
        (0x02, 0, {"arbitration_lost"}),
        (0x100, 0, {"restarted"}),
        (0x04, 0x20, {"error_passive"}),
        (0x04, 0x08, {"error_warning"}),
        (0x04, 0x40, {"error_active"}),
        (0x04, 0x01, {"overflow"}),
        (0x01, 0, {"transmit_timeout"}),
        (0x88, 0, {"bus_error"}),
        (0x24, 0x30, {"no_acknowledge", "error_passive"}),
    ],
)
def test_the_controllers_words_come_as_frames_and_are_counted_by_class(
    join, outside, classes, detail, counted
):
    port = join(identifiers=[0x123])
    error(outside, classes, detail)
    (frame,) = hear(port, 1)
    assert frame.can_id == ERROR | classes
    assert frame.payload[1] == detail
    told = can_figures(port.record)["bus_errors"]
    assert {name for name, count in told.items() if count} == counted
    assert set(told.values()) <= {0, 1}


def ip(*arguments: str) -> None:
    subprocess.run(["ip", "link", *arguments], check=True)


def test_an_interface_that_goes_down_is_survived_and_heard_again(join, vcan):
    a, b = join(), join()
    ip("set", vcan, "down")

    assert send(a.record, some(3), 0, 3) == 0
    assert len(receive_all(b)) == 0
    for port in (a, b):
        assert (port.record.interface[0], port.record.outages[0]) == (DOWN, 1)
    assert a.record.dropped[0] == 3

    ip("set", vcan, "up")
    until(lambda: len(receive_all(a)) == 0 and a.record.interface[0] == UP)
    until(lambda: len(receive_all(b)) == 0 and b.record.interface[0] == UP)
    assert send(a.record, some(1, 0x555), 0, 1) == 1
    assert list(hear(b, 1).can_id) == [0x555]
    assert (b.record.outages[0], b.record.returns[0], b.record.errors[0]) == (1, 1, 0)


def test_an_interface_that_vanishes_is_bound_to_again_with_its_filters(join, vcan):
    a, b = join(), join(identifiers=[0x123])
    send(a.record, some(1, 0x123), 0, 1)  # what came before is still read
    ip("delete", vcan)
    assert list(hear(b, 1).can_id) == [0x123]
    until(lambda: len(receive_all(b)) == 0 and b.record.interface[0] == GONE)
    assert send(a.record, some(3), 0, 3) == 0
    assert a.record.interface[0] == GONE

    ip("add", vcan, "type", "vcan")
    ip("set", vcan, "up")
    for port in (a, b):
        until(lambda port=port: len(receive_all(port)) == 0 and port.record.interface[0] == UP)
    assert send(a.record, some(4, 0x121), 0, 4) == 4
    assert list(hear(b, 1).can_id) == [0x123]
    assert (b.record.returns[0], b.record.errors[0]) == (1, 0)


def test_a_full_queue_keeps_the_newest_frame_of_each_identifier_and_nothing_older(cable):
    names = cable.names
    with (
        open_port(Address(names[0], "socketcan"), "a") as a,
        open_port(Address(names[1], "socketcan"), "b") as b,
    ):
        cable.tell("block")
        sent = fill(a)
        for value in range(5):
            newest = some(2, 0x100)
            newest.payload[:, 0] = value
            assert send(a.record, newest, 0, 2) == 0
        assert a.record.full_in_a_row[0] == 6
        assert a.record.waiting_count[0] == 3
        assert a.record.replaced[0] == 8

        cable.tell("carry")
        got = []

        def told() -> bool:
            send(a.record, some(0), 0, 0)
            got.extend((frame.can_id, frame.payload[0]) for frame in receive_all(b))
            return a.record.waiting_count[0] == 0

        until(told)
        until(lambda: told() and len(got) >= sent)
        time.sleep(0.2)
        told()
        ours = [each for each in got if each[0] != 0x700]
        # Either they left while they were fresh, or nothing did.
        assert ours in ([(0x100, 4), (0x101, 4)], [])
        assert a.record.full_in_a_row[0] == 0


def test_what_has_waited_too_long_never_leaves(cable):
    names = cable.names
    with (
        open_port(Address(names[0], "socketcan"), "a") as a,
        open_port(Address(names[1], "socketcan"), "b") as b,
    ):
        cable.tell("block")
        fill(a)
        send(a.record, some(1, 0x123), 0, 1)
        assert a.record.waiting_count[0] == 2
        time.sleep(2 * WAIT_NS * 1e-9)
        cable.tell("carry")
        time.sleep(0.3)
        assert send(a.record, some(1, 0x456), 0, 1) == 1
        got = []
        until(lambda: bool(got.extend(receive_all(b).can_id)) or 0x456 in got)
        assert 0x123 not in got
        assert a.record.waiting_count[0] == 0


def test_what_finds_no_place_to_wait_is_counted(cable):
    with open_port(Address(cable.names[0], "socketcan"), "a") as a:
        cable.tell("block")
        fill(a)
        send(a.record, some(WAITING + 5, 0x100), 0, WAITING + 5)
        assert a.record.waiting_count[0] == WAITING
        assert a.record.dropped[0] == 6


def test_a_pulled_plug_is_survived_and_nothing_stale_leaves_when_it_is_back(cable):
    names = cable.names
    with (
        open_port(Address(names[0], "socketcan"), "a") as a,
        open_port(Address(names[1], "socketcan"), "b") as b,
    ):
        until(lambda: send(a.record, some(1, 0x111), 0, 1) and len(receive_all(b)) > 0)
        cable.tell("block")
        fill(a)
        cable.tell("pull", names[0])
        until(lambda: len(receive_all(a)) == 0 and a.record.interface[0] == GONE)
        assert a.record.waiting_count[0] == 0
        assert send(a.record, some(1, 0x333), 0, 1) == 0
        cable.tell("carry")
        time.sleep(0.1)
        receive_all(b)

        cable.tell("plug", names[0])
        until(lambda: len(receive_all(a)) == 0 and a.record.interface[0] == UP)
        assert send(a.record, some(1, 0x444), 0, 1) == 1
        got = []
        until(lambda: bool(got.extend(receive_all(b).can_id)) or 0x444 in got)
        assert set(got) == {0x444}
        assert (a.record.outages[0], a.record.returns[0], a.record.errors[0]) == (1, 1, 0)


def test_a_frame_that_the_interface_cannot_carry_is_counted_and_the_next_passes(cable):
    with (
        open_port(Address(cable.names[0], "socketcan"), "a") as a,
        open_port(Address(cable.names[1], "socketcan"), "b") as b,
    ):
        sent = some(3)
        sent["flags"][1], sent.length[1] = FDF, 64
        assert send(a.record, sent, 0, 3) == 2
        got = []
        until(lambda: bool(got.extend(receive_all(b).can_id)) or len(got) == 2)
        assert got == [0x100, 0x102]
        assert (a.record.dropped[0], a.record.errors[0]) == (1, 1)


def test_an_interface_that_does_not_serve_is_refused_in_one_line(vcan, cable):
    def refused(name: str, channel: int = 0, **more: object) -> str:
        with pytest.raises(InputError) as caught:
            open_port(Address(name, "socketcan", **more), "node", channel)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "not there" in refused("can77")
    assert "not there" in refused("lo")
    assert "not there" in refused("x" * 16)
    assert "classic CAN" in refused(cable.names[0], fd=True)
    assert "runs at 500000 bit/s" in refused(cable.names[0], bitrate=250_000)
    open_port(Address(cable.names[0], "socketcan", 500_000), "node").close()
    open_port(Address(vcan, "socketcan", 500_000, fd=True), "node").close()
    ip("set", vcan, "down")
    assert "ip link set" in refused(vcan)


def test_a_long_queue_is_told_with_its_remedy(cable):
    name = cable.names[0]
    assert advice(facts_of(name)) is None
    ip("set", name, "txqueuelen", "1000")
    assert advice(facts_of(name)).endswith(f"ip link set {name} txqueuelen 10")


def test_a_closed_port_is_closed_once_and_for_all(join):
    port = join()
    descriptors = (port.fileno(), int(port.record.descriptor[0, 0]))
    port.close()
    port.close()
    for descriptor in descriptors:
        with pytest.raises(OSError, match="Bad file"):
            os.fstat(descriptor)
    assert len(receive_all(port)) == 0
    assert send(port.record, some(1), 0, 1) == 0


SAMPLE = """
import sys
from tianyuan.dbc.frame import ERROR, FDF, frames
from tianyuan.drivers.address import Address
from tianyuan.drivers.port import open_port, receive, send

with (
    open_port(Address(sys.argv[1], "socketcan"), "a") as a,
    open_port(Address(sys.argv[1], "socketcan", identifiers={0x123}), "b", 255) as b,
    open_port(Address(sys.argv[2], "socketcan"), "c") as c,
):
    out, into = frames(40), frames(50)
    out.can_id, out.length = 0x123, 8
    out["flags"][1::2], out.length[1::2] = FDF, 64
    out.can_id[0], out.payload[0, 1] = ERROR | 0x64, 0x10
    assert send(a.record, out, 0, 40) == 40
    got = 0
    while got < 40:
        got += receive(b.record, into, got, 2**62)
    assert set(into.channel[:40]) == {255} and set(into.t_ns[:40]) == {2**62}
    assert b.record.ages[0].sum() == 40 and b.record.bus_error[0].sum() == 3
    for _ in range(40):
        out["flags"] = 0
        out.length = 8
        send(c.record, out, 1, 3)
    assert c.record.waiting_count[0] > 0 and c.record.full_in_a_row[0] > 3
    assert [each.record.errors[0] for each in (a, b, c)] == [0, 0, 0]
print("sound")
"""


@pytest.mark.parametrize("mode", ["NUMBA_DISABLE_JIT", "NUMBA_BOUNDSCHECK"])
def test_a_port_works_interpreted_and_with_bounds_checked(mode, vcan, cable):
    cable.tell("block")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SAMPLE, vcan, cable.names[0]],
        env={**os.environ, mode: "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stdout.strip(), done.returncode) == ("sound", 0), done.stderr
