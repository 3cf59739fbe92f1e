from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import can
import pytest

from tianyuan.dbc.frame import FDF, frames
from tianyuan.drivers import local_bus
from tianyuan.drivers.local_can import LocalBus
from tianyuan.drivers.port import receive, send


def message(can_id: int, data: bytes = b"12345678", **kind: object) -> can.Message:
    return can.Message(arbitration_id=can_id, data=data, is_extended_id=can_id > 0x7FF, **kind)


@pytest.fixture
def pair(bus):
    with LocalBus(bus) as a, LocalBus(bus) as b:
        yield a, b


def test_python_can_finds_the_interface_by_its_name(bus):
    with can.Bus(interface="tianyuan", channel=bus, bitrate=500_000) as found:
        assert isinstance(found, LocalBus)


@pytest.mark.parametrize(
    "sent",
    [
        message(0x123),
        message(0x1FFFFFFF),
        message(0, b""),
        can.Message(arbitration_id=0x7FF, is_extended_id=False, is_remote_frame=True, dlc=6),
        message(0x12345, bytes(range(64)), is_fd=True, bitrate_switch=True),
        message(0x10, b"123456789012", is_fd=True, error_state_indicator=True),
    ],
    ids=["standard", "extended", "empty", "remote", "fd", "fd-esi"],
)
def test_every_kind_of_message_goes_round(pair, bus, sent):
    a, b = pair
    before = time.time()

    a.send(sent)
    got = b.recv(1.0)

    assert got.equals(sent, timestamp_delta=None, check_channel=False, check_direction=False)
    assert got.is_rx and got.channel == bus
    assert before <= got.timestamp <= time.time()


def test_messages_and_compiled_ports_meet_on_one_bus(bus, join):
    port = join("hot")
    into = frames(4)
    with LocalBus(bus) as tool:
        tool.send(message(0x5))
        tool.send(message(0x6, bytes(48), is_fd=True))

        assert receive(port.record, into, 0, 9) == 2
        assert [int(f["length"]) for f in into[:2]] == [8, 48]
        assert [int(f["flags"]) for f in into[:2]] == [0, FDF]
        send(port.record, into, 0, 2)
        assert [tool.recv(1).arbitration_id, tool.recv(1).is_fd] == [5, True]


def test_a_timeout_is_kept(pair):
    for timeout in (0, 0.05, 0.2):
        before = time.monotonic()
        assert pair[0].recv(timeout) is None
        assert timeout - 0.001 <= time.monotonic() - before < timeout + 1.0


def test_a_waiting_receiver_is_woken(pair):
    a, b = pair
    threading.Timer(0.05, lambda: a.send(message(7))).start()

    assert b.recv(10).arbitration_id == 7


def test_filters_let_only_their_messages_through(bus):
    wanted = [{"can_id": 0x100, "can_mask": 0x700, "extended": False}]
    with LocalBus(bus) as a, LocalBus(bus, can_filters=wanted) as b:
        for can_id in (0x0FF, 0x123, 0x1FFF, 0x200):
            a.send(message(can_id))

        assert b.recv(1).arbitration_id == 0x123
        assert b.recv(0.01) is None


def test_own_messages_are_received_once_when_asked_for(bus):
    with LocalBus(bus, receive_own_messages=True) as a, LocalBus(bus) as b:
        a.send(message(1))
        b.send(message(2))

        got = [a.recv(1), a.recv(1)]
        assert sorted((m.arbitration_id, m.is_rx) for m in got) == [(1, False), (2, True)]
        assert a.recv(0) is None
        assert b.recv(1).arbitration_id == 1
        assert b.recv(0) is None


def test_without_fd_neither_sent_nor_seen(bus):
    with LocalBus(bus) as a, LocalBus(bus, fd=False) as b:
        a.send(message(1, is_fd=True))
        a.send(message(2))

        assert b.recv(1).arbitration_id == 2
        with pytest.raises(can.CanOperationError, match="is CAN FD; open with fd=True"):
            b.send(message(3, is_fd=True))
        assert b.protocol is can.CanProtocol.CAN_20


def test_the_descriptor_is_readable_until_the_last_message_is_read(pair):
    a, b = pair
    b.recv(0)

    def readable() -> bool:
        return bool(select.select([b.fileno()], [], [], 0)[0])

    assert not readable()
    for k in range(3):
        a.send(message(k))
    for k in range(3):
        assert readable()
        assert b.recv(0).arbitration_id == k
    assert not readable()


def test_a_notifier_with_a_thread_hears_all(pair):
    a, b = pair
    reader = can.BufferedReader()
    notifier = can.Notifier(b, [reader], timeout=0.1)
    for k in range(200):
        a.send(message(k))

    assert [reader.get_message(2).arbitration_id for _ in range(200)] == list(range(200))
    notifier.stop()


def test_a_notifier_in_asyncio_hears_all(pair):
    a, b = pair

    async def listen() -> list[int]:
        reader = can.AsyncBufferedReader()
        notifier = can.Notifier(b, [reader], loop=asyncio.get_running_loop())
        for k in range(200):
            a.send(message(k))
        got = [await asyncio.wait_for(reader.get_message(), 2) for _ in range(200)]
        notifier.stop()
        return [m.arbitration_id for m in got]

    assert asyncio.run(listen()) == list(range(200))


def test_threads_may_share_a_bus(pair):
    a, b = pair

    def chatter(first: int) -> None:
        for k in range(200):
            a.send(message(first + k))

    threads = [threading.Thread(target=chatter, args=(1000 * t,)) for t in range(3)]
    for thread in threads:
        thread.start()
    got = [b.recv(5).arbitration_id for _ in range(600)]
    for thread in threads:
        thread.join()

    for t in range(3):
        assert [i for i in got if i // 1000 == t] == list(range(1000 * t, 1000 * t + 200))


def test_periodic_sending_works(pair):
    a, b = pair
    with_period = a.send_periodic(message(3), 0.01)

    got = [b.recv(2) for _ in range(5)]
    with_period.stop()

    assert {m.arbitration_id for m in got} == {3}


def test_after_shutdown_it_says_so(bus):
    tool = LocalBus(bus)

    tool.shutdown()
    tool.shutdown()

    with pytest.raises(can.CanOperationError, match="already shut down"):
        tool.recv(0)
    with pytest.raises(can.CanOperationError, match="already shut down"):
        tool.send(message(1))
    assert [p for p in Path(bus).iterdir() if p.is_socket()] == []


def test_a_message_no_frame_can_carry_is_an_operation_error(pair):
    bad = message(1)
    bad.arbitration_id = 0x800

    with pytest.raises(can.CanOperationError, match="identifier 0x800"):
        pair[0].send(bad)


@pytest.mark.parametrize("channel", [None, "", "a b", "/proc/nothing/here"])
def test_a_bad_channel_is_an_initialization_error_of_one_line(channel):
    with pytest.raises(can.CanInitializationError) as caught:
        LocalBus(channel)

    assert "\n" not in str(caught.value)


def test_the_buses_there_are_are_detected(bus, monkeypatch):
    monkeypatch.setenv(local_bus.BUS_DIRECTORY, bus)
    assert can.detect_available_configs("tianyuan") == []

    with LocalBus("car"):
        found = can.detect_available_configs("tianyuan")

    assert found == [{"interface": "tianyuan", "channel": "car"}]


@pytest.fixture
def run_tool(bus):
    """Start a python-can program on the bus named ``car``."""
    started = []

    def start(*arguments: str) -> subprocess.Popen:
        program, *rest = arguments
        command = [sys.executable, "-m", program, "-i", "tianyuan", "-c", "car", *rest]
        environment = {**os.environ, local_bus.BUS_DIRECTORY: bus, "PYTHONUNBUFFERED": "1"}
        # A test run in the background ignores Ctrl-C, and so would what it starts.
        before = signal.signal(signal.SIGINT, signal.SIG_DFL)
        try:
            started.append(
                subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
            )
        finally:
            signal.signal(signal.SIGINT, before)
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_can_player_plays_what_can_logger_then_writes(bus, run_tool, tmp_path, monkeypatch):
    monkeypatch.setenv(local_bus.BUS_DIRECTORY, bus)
    played, written = tmp_path / "in.asc", tmp_path / "out.blf"
    messages = [message(0x100 + k, bytes([k] * 8)) for k in range(50)]
    messages.append(message(0x1ABCDEF, b"ext"))
    messages.append(message(0x77, bytes(range(64)), is_fd=True, bitrate_switch=True))
    with can.Logger(played) as log:
        for k, sent in enumerate(messages):
            sent.timestamp = 1000.0 + k * 1e-3
            log(sent)
    logger = run_tool("can.logger", "-f", str(written))
    assert "Connected to LocalBus: local bus car" in logger.stdout.readline()

    with LocalBus("car") as watcher:
        player = run_tool("can.player", str(played))
        assert player.wait(30) == 0
        assert [watcher.recv(1).arbitration_id for _ in messages] == [
            m.arbitration_id for m in messages
        ]
    time.sleep(0.2)
    logger.send_signal(signal.SIGINT)
    logger.wait(30)

    got = list(can.LogReader(written))
    assert [(m.arbitration_id, bytes(m.data), m.is_fd) for m in got] == [
        (m.arbitration_id, bytes(m.data), m.is_fd) for m in messages
    ]
