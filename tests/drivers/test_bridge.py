"""The bridge between the local bus and python-can's interfaces, and an SLCAN adapter's plug."""

from __future__ import annotations

import os
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import can
import pytest

from tianyuan.drivers import bridge as bridging
from tianyuan.drivers.bridge import Bridge
from tianyuan.drivers.bridge_measure import measure
from tianyuan.drivers.local_can import LocalBus

PATIENCE_S = 60.0  # on a busy machine


def message(can_id: int, data: bytes = b"12345678", **kind: object) -> can.Message:
    return can.Message(arbitration_id=can_id, data=data, is_extended_id=can_id > 0x7FF, **kind)


def until(done: Callable[[], bool], what: object = "") -> None:
    end = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < end, what
        time.sleep(0.01)


class Joined:
    """A bridge, a node on its local bus and one on the virtual bus."""

    def __init__(self, stack: ExitStack, bus: str, opened=None, **near: object) -> None:
        virtual = {"interface": "virtual", "channel": bus}
        self.near = stack.enter_context(LocalBus(bus, **near))
        self.node = stack.enter_context(LocalBus(bus))
        self.outside = stack.enter_context(can.Bus(**virtual))
        self.told: list[str] = []
        self.bridge = Bridge(self.near, opened or (lambda: can.Bus(**virtual)), self.told.append)
        self.bridge.start()
        stack.callback(self.bridge.stop)


@pytest.fixture
def joined(bus: str) -> Iterator[Callable[..., Joined]]:
    with ExitStack() as stack:
        yield lambda opened=None, **near: Joined(stack, bus, opened, **near)


KINDS = [
    message(0x123),
    message(0x1FFFFFFF),
    message(0, b""),
    can.Message(arbitration_id=0x7FF, is_extended_id=False, is_remote_frame=True, dlc=6),
    message(0x12345, bytes(range(64)), is_fd=True, bitrate_switch=True),
]


@pytest.mark.parametrize("sent", KINDS, ids=["standard", "extended", "empty", "remote", "fd"])
def test_every_kind_of_frame_passes_both_ways_unchanged(joined, sent):
    made = joined()
    for mouth, ear in ((made.outside, made.node), (made.node, made.outside)):
        mouth.send(sent)
        got = ear.recv(PATIENCE_S)
        assert got.equals(sent, timestamp_delta=None, check_channel=False, check_direction=False)


def test_nothing_goes_round(joined):
    made = joined()
    for k in range(100):
        made.outside.send(message(0x100 + k))
        made.node.send(message(0x400 + k))
    until(lambda: made.bridge.inward.passed == made.bridge.outward.passed == 100)
    time.sleep(0.2)
    assert made.bridge.inward.passed == made.bridge.outward.passed == 100
    for ear, first in ((made.node, 0x100), (made.outside, 0x400)):
        heard = []
        while (got := ear.recv(0.0)) is not None:
            heard.append(got.arbitration_id)
        assert heard == list(range(first, first + 100))  # in order, and not its own


def test_an_adapter_s_echo_is_not_carried_back(joined, bus):
    made = joined(lambda: can.Bus(interface="virtual", channel=bus, receive_own_messages=True))
    made.node.send(message(0x55))
    until(lambda: made.bridge.inward.echoes == 1)
    assert made.outside.recv(PATIENCE_S).arbitration_id == 0x55
    assert made.node.recv(0.2) is None
    assert made.bridge.inward.passed == 0


def test_a_classic_local_side_takes_no_fd_frame(joined):
    made = joined(fd=False)
    made.outside.send(KINDS[-1])
    until(lambda: made.bridge.inward.unsuited == 1)
    made.outside.send(message(1))
    assert made.node.recv(PATIENCE_S).arbitration_id == 1


def test_what_an_adapter_says_of_its_own_bus_stays_there(joined):
    made = joined()
    made.outside.send(can.Message(is_error_frame=True))
    until(lambda: made.bridge.inward.unsuited == 1)
    assert made.node.recv(0.2) is None


def test_passages_are_timed(joined):
    made = joined()
    made.node.send(message(1))
    until(lambda: made.bridge.outward.passed == 1)
    figures = made.bridge.outward.figures()
    assert 0 < figures["p50_us"] <= figures["p99_us"] <= figures["max_us"] < 1e6
    assert "p50_us" not in made.bridge.inward.figures()


class Frail(can.BusABC):
    """An adapter that fails when it is told to."""

    def __init__(self) -> None:
        self.receiving: BaseException | None = None
        self.sending: BaseException | None = None
        self.sent: list[can.Message] = []
        self.closed = False
        super().__init__("frail")

    def _recv_internal(self, timeout):
        time.sleep(min(timeout, 0.01))
        if self.receiving:
            raise self.receiving
        return None, False

    def send(self, msg, timeout=None):
        if self.sending:
            raise self.sending
        self.sent.append(msg)

    def shutdown(self):
        super().shutdown()
        self.closed = True
        raise can.CanOperationError("gone already")


class Drawer:
    """Opens frail adapters, or fails to; keeps them."""

    def __init__(self) -> None:
        self.out: list[Frail] = []
        self.empty = threading.Event()

    def __call__(self) -> Frail:
        if self.empty.is_set():
            raise can.CanInitializationError("no such adapter")
        self.out.append(Frail())
        return self.out[-1]


@pytest.fixture
def drawer(monkeypatch: pytest.MonkeyPatch) -> Drawer:
    monkeypatch.setattr(bridging, "RETRY_S", 0.05)
    monkeypatch.setattr(bridging, "PATIENCE_S", 0.1)
    return Drawer()


@pytest.mark.parametrize(
    "error", [can.CanOperationError("device gone"), OSError(19, "No such device")]
)
def test_a_pulled_adapter_is_counted_told_and_opened_again(joined, drawer, error):
    made = joined(drawer)
    drawer.empty.set()
    drawer.out[0].receiving = error
    until(lambda: made.bridge.far.lost == 1)
    for _ in range(3):
        made.node.send(message(1))
    until(lambda: made.bridge.outward.dropped == 3)
    drawer.empty.clear()
    until(lambda: made.bridge.far.reopened == 1)
    made.node.send(message(2))
    until(lambda: [each.arbitration_id for each in drawer.out[1].sent] == [2])
    assert drawer.out[0].closed
    assert made.bridge.far.lost == 1
    assert made.told == [f"the adapter is lost: {error}", "the adapter is back"]


def test_a_full_adapter_refuses_a_frame_and_is_kept(joined, drawer):
    made = joined(drawer)
    drawer.out[0].sending = can.CanOperationError("transmit buffer full")
    made.node.send(message(1))
    until(lambda: made.bridge.outward.refused == 1)
    drawer.out[0].sending = None
    made.node.send(message(2))
    until(lambda: made.bridge.outward.passed == 1)
    assert (made.bridge.far.lost, len(drawer.out)) == (0, 1)


def test_an_adapter_that_takes_nothing_any_more_is_opened_again(joined, drawer):
    made = joined(drawer)
    drawer.out[0].sending = can.CanOperationError("transmit buffer full")

    def is_lost() -> bool:
        made.node.send(message(1))
        return made.bridge.far.lost == 1

    until(is_lost)
    assert made.bridge.outward.refused > 1
    until(lambda: made.bridge.far.reopened == 1)


def test_a_line_that_is_no_frame_is_counted_and_no_loss(joined, drawer):
    made = joined(drawer)
    drawer.out[0].receiving = ValueError("invalid literal for int()")
    until(lambda: made.bridge.inward.unsuited > 0)
    drawer.out[0].receiving = None
    assert made.bridge.far.lost == 0


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_error_that_nobody_expected_ends_the_bridge_and_is_seen(joined, drawer):
    made = joined(drawer)
    assert made.bridge.is_alive()
    drawer.out[0].receiving = RuntimeError("a driver's own mistake")
    until(lambda: not made.bridge.is_alive())


class Slcan:
    """An SLCAN adapter on a pseudo-terminal, behind a link as udev makes one."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self.plug()

    def plug(self) -> None:
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(self.slave))
        self.said = b""

    def pull(self) -> None:
        os.close(self.slave)
        os.close(self.master)

    def heard(self, what: bytes) -> bool:
        with suppress(BlockingIOError):
            self.said += os.read(self.master, 1000)
        return what in self.said


@pytest.fixture
def slcan(tmp_path: Path) -> Iterator[Slcan]:
    made = Slcan(tmp_path / "can0")
    yield made
    made.pull()


def test_an_slcan_adapter_is_carried_pulled_and_plugged_in_again(joined, slcan, drawer):
    made = joined(
        lambda: can.Bus(
            interface="slcan", channel=str(slcan.link), bitrate=500_000, sleep_after_open=0.0
        )
    )
    until(lambda: slcan.heard(b"S6\r"), slcan.said)  # 500 kbit/s
    os.write(slcan.master, b"t12320A0B\r")
    assert made.node.recv(PATIENCE_S).equals(
        message(0x123, b"\x0a\x0b"), timestamp_delta=None, check_channel=False
    )
    made.node.send(message(0x456, b"\x01"))
    until(lambda: slcan.heard(b"t456101\r"), slcan.said)
    for seen, nonsense in enumerate((b"tzz\r", b"\xff\xfe\r"), start=1):
        os.write(slcan.master, nonsense)
        until(lambda seen=seen: made.bridge.inward.unsuited == seen)
    time.sleep(0.05)  # what is left of the line is thrown away with it
    os.write(slcan.master, b"t00110C\r")
    assert made.node.recv(PATIENCE_S).arbitration_id == 1
    assert made.bridge.far.lost == 0
    slcan.pull()
    until(lambda: made.bridge.far.lost == 1)
    slcan.plug()
    until(lambda: made.bridge.far.reopened == 1)
    until(lambda: slcan.heard(b"O\r"), slcan.said)
    os.write(slcan.master, b"t7FF0\r")
    until(lambda: (got := made.node.recv(0.1)) is not None and got.arbitration_id == 0x7FF)


def test_what_a_bridge_adds_is_measured_frame_by_frame():
    figures = measure(50)
    assert set(figures) == {"alone", "inward", "outward"}
    for way, table in figures.items():
        assert table["frames"] == (25 if way == "alone" else 50)
        assert 0 < table["p50_us"] <= table["p99_us"] <= table["max_us"]
