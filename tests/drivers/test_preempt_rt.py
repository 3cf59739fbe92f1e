"""A port on two wired CAN cards under a PREEMPT_RT kernel: see ``can_kernel/qemu.sh``."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from tianyuan.control.errors import InputError
from tianyuan.dbc.frame import FRAME, frames
from tianyuan.drivers.address import Address
from tianyuan.drivers.can_port import CanPort, can_figures
from tianyuan.drivers.interface_facts import facts_of
from tianyuan.drivers.port import open_port, receive, send
from tianyuan.drivers.port_record import DOWN, UP

pytestmark = pytest.mark.preempt_rt

NAMES = ("can0", "can1")
BITRATE = 500_000
PATIENCE_S = 30.0


@pytest.fixture
def pair() -> Iterator[tuple[CanPort, CanPort]]:
    """Ports at both ends of the wire."""
    with ExitStack() as stack:
        a, b = (
            stack.enter_context(open_port(Address(name, "socketcan", BITRATE), "node"))
            for name in NAMES
        )
        yield a, b


def hear(port: CanPort, count: int) -> np.recarray:
    """Wait for ``count`` frames."""
    into, got = frames(count), 0
    end = time.monotonic() + PATIENCE_S
    while got < count and time.monotonic() < end:
        got += receive(port.record, into, got, 1)
        time.sleep(0.001)
    return np.array(into[:got], FRAME).view(np.recarray)


def until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_the_kernel_is_preempt_rt():
    assert Path("/sys/kernel/realtime").read_text().strip() == "1"
    assert "PREEMPT_RT" in os.uname().version


def test_the_cards_interrupts_are_real_time_threads():
    threads = {
        int(entry.parent.name): entry.read_text().strip()
        for entry in Path("/proc").glob("[0-9]*/comm")
    }
    for name in NAMES:
        (pid,) = (pid for pid, comm in threads.items() if re.fullmatch(rf"irq/\d+-{name}", comm))
        assert os.sched_getscheduler(pid) == os.SCHED_FIFO


def test_frames_cross_the_wire_whole_in_order_and_stamped_by_the_kernel(pair, numbered):
    a, b = pair
    assert [facts_of(name).bitrate for name in NAMES] == [BITRATE, BITRATE]
    sent = numbered(100)
    sent.payload[:, 0] = np.arange(100)
    sent.length[::3] = 5
    sent.payload[::3, 5:] = 0
    got = []
    for first in range(0, 100, 5):  # the transmit queue holds ten
        assert send(a.record, sent, first, 5) == 5
        got += list(hear(b, 5))
    got = np.array(got, FRAME).view(np.recarray)

    assert np.array_equal(got.can_id, sent.can_id)
    assert np.array_equal(got.length, sent.length)
    assert np.array_equal(got.payload, sent.payload)
    assert (b.record.ages[0].sum(), b.record.ageless[0], b.record.overwritten[0]) == (100, 0, 0)
    assert [port.record.errors[0] for port in pair] == [0, 0]


def test_a_stamp_is_of_the_arrival_and_not_of_the_reading(pair, numbered):
    a, b = pair
    assert send(a.record, numbered(5), 0, 5) == 5
    time.sleep(1.0)
    assert len(hear(b, 5)) == 5
    age_us = can_figures(b.record)["age_us"]
    assert 0.5e6 < age_us["mean"] <= age_us["max"] < 30e6


def test_a_wrong_bit_rate_is_refused_in_one_line():
    with pytest.raises(InputError, match="runs at 500000 bit/s") as caught:
        open_port(Address("can1", "socketcan", 250_000), "node")
    assert "\n" not in str(caught.value)


def test_interfaces_that_go_down_are_survived_and_heard_again(pair, numbered):
    a, b = pair
    for name in NAMES:
        subprocess.run(["ip", "link", "set", name, "down"], check=True)
    nothing = frames(1)
    assert send(a.record, numbered(3), 0, 3) == 0
    assert receive(b.record, nothing, 0, 1) == 0
    for port in pair:
        assert (port.record.interface[0], port.record.outages[0]) == (DOWN, 1)

    for name in NAMES:
        subprocess.run(["ip", "link", "set", name, "up"], check=True)
    for port in pair:
        until(
            lambda port=port: (
                receive(port.record, nothing, 0, 1) == 0 and port.record.interface[0] == UP
            )
        )
    assert send(a.record, numbered(3, 0x555), 0, 3) == 3
    assert list(hear(b, 3).can_id) == [0x555, 0x556, 0x557]
    assert [port.record.returns[0] for port in pair] == [1, 1]
