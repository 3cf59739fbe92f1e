"""``tianyuan gnss`` as people run it: sentences into a terminal, protected frames off the bus."""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tty
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path

import can
import cantools
import numpy as np
import pytest

from tianyuan.control.records import CHANNEL_NAMES
from tianyuan.dbc.codec import RECEIVED, decode, records
from tianyuan.dbc.frame import frames
from tianyuan.drivers.local_bus import nodes
from tianyuan.drivers.messages import write_frame
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.tables import wire
from tianyuan.rooms import room

pytestmark = [pytest.mark.compiled, pytest.mark.timed]

PATIENCE_S = 60.0  # on a busy machine
PERIOD_S = 0.05
ORIGIN = "27.7385,113.0312"
DBC = cantools.database.load_file(room("dbc") / "tianyuan.dbc")


@pytest.fixture
def bus() -> Iterator[str]:
    directory = tempfile.mkdtemp(prefix="bus-")
    yield f"{directory}/car"
    shutil.rmtree(directory)


class Talker:
    """A receiver on a pseudo-terminal that drives east, its second antenna on the right."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self._end, self._plug = threading.Event(), threading.Lock()
        self.plug()
        self._thread = threading.Thread(target=self._talk, daemon=True)

    def plug(self) -> None:
        with self._plug:
            self.master, self.slave = os.openpty()
            tty.setraw(self.slave)
            os.set_blocking(self.master, False)  # a wire waits for nobody
            self.link.unlink(missing_ok=True)
            self.link.symlink_to(os.ttyname(self.slave))

    def pull(self) -> None:
        with self._plug:
            os.close(self.slave)
            os.close(self.master)
            self.master = -1

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._end.set()
        if self._thread.is_alive():
            self._thread.join()
        self.pull()

    def _talk(self) -> None:
        began, k = time.time(), 0
        while not self._end.wait(max(0.0, began + k * PERIOD_S - time.time())):
            utc = datetime.fromtimestamp(began + k * PERIOD_S - 0.010, UTC)
            with self._plug:
                if self.master >= 0:
                    with contextlib.suppress(BlockingIOError):
                        os.write(self.master, b"".join(self._burst(utc, k)))
            k += 1

    def _burst(self, utc: datetime, k: int) -> list[bytes]:
        stamp = f"{utc:%H%M%S}.{utc.microsecond // 1000:03}"
        # At 30 m/s: a thousandth of a minute of longitude is 1.643 m there.
        minutes = 1.872 + 0.000913 * k
        gga = f"GNGGA,{stamp},2744.31,N,113{minutes:09.6f},E,4,23,0.7,60.0,M,0.0,M,,"
        lines = [
            gga,
            f"GNRMC,{stamp},A,2744.31,N,11301.87,E,58.315,90.0,231126,,,R",
            "GNHDT,180.0,T",
        ]
        sealed = [
            f"${each}*{reduce(lambda a, b: a ^ b, each.encode(), 0):02X}\r\n".encode()
            for each in lines
        ]
        if k % 20 == 7:
            sealed[0] = sealed[0].replace(b",4,23,", b",4,24,")  # a wrong checksum
        if k % 20 == 13:
            sealed[0] = sealed[0][:30]  # half a sentence, run into the next
        return sealed


@pytest.fixture
def talker(tmp_path) -> Iterator[Talker]:
    made = Talker(tmp_path / "gnss0")
    yield made
    made.stop()


def started(*arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "tianyuan", "gnss", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def collected(ear: can.BusABC, wanted: int, end_s: float = PATIENCE_S) -> list[can.Message]:
    heard: list[can.Message] = []
    end = time.monotonic() + end_s
    while len(heard) < wanted and time.monotonic() < end:
        message = ear.recv(0.5)
        if message is not None:
            heard.append(message)
    assert len(heard) >= wanted, f"{len(heard)} frames"
    return heard


def assert_protected(heard: list[can.Message]) -> np.ndarray:
    """The host takes every one; returns what its channels then hold."""
    codec = wire(load_car(room("firmware") / "cars" / "tianyuan.toml")).sensors
    received, values, one = records(codec, RECEIVED), np.zeros(len(CHANNEL_NAMES)), frames(1)
    for message in heard:
        write_frame(message, one, 0)
        assert decode(codec, one, 0, received, values) >= 0
    return values


def test_sentences_become_frames_that_the_host_takes(bus, talker, tmp_path):
    talker.start()
    figures = tmp_path / "gnss.json"
    arguments = ("--port", str(talker.link), "-c", bus, "--origin", ORIGIN)
    with can.Bus(interface="tianyuan", channel=bus) as ear:
        process = started(*arguments, "--heading-offset", "90", "--json", str(figures))
        heard = collected(ear, 60)
        talker.pull()
        time.sleep(0.5)
        while ear.recv(0.0) is not None:
            pass
        assert ear.recv(0.2) is None
        talker.plug()
        heard_after = collected(ear, 20)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    values = assert_protected(heard)
    assert_protected(heard_after)
    assert {message.arbitration_id for message in heard} == {0x100, 0x101}
    position = [DBC.decode_message(0x100, m.data) for m in heard if m.arbitration_id == 0x100]
    xs = np.array([each["X"] for each in position])
    steps = np.diff(xs)
    assert np.all((np.abs(steps - 1.5) < 0.01) | (np.abs(steps - 3.0) < 0.01))
    assert np.ptp([each["Y"] for each in position]) < 0.01
    assert {str(each["Quality"]) for each in position} == {"RtkFixed"}
    velocity = [DBC.decode_message(0x101, m.data) for m in heard if m.arbitration_id == 0x101]
    assert {each["Speed"] for each in velocity} == {30.0}
    assert all(min(each["Heading"], 360 - each["Heading"]) < 0.02 for each in velocity)
    assert math.isclose(values[CHANNEL_NAMES.index("gnss_speed_mps")], 30.0, abs_tol=1e-6)
    books = json.loads(figures.read_text())
    assert (books["port"]["lost"], books["port"]["reopened"]) == (1, 1)
    assert books["sentences"]["checksum"] >= 1
    assert books["sentences"]["half"] >= 1
    assert books["fixes"]["old"] <= 2
    assert books["period_s"] == pytest.approx(PERIOD_S, abs=0.0015)
    assert 9.0 < books["age_ms"]["p50"] < 60.0
    assert "lost" in err
    assert "is back" in err
    assert "frames sent" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--port", "/dev/no-such-port", "--origin", ORIGIN), "port /dev/no-such-port"),
        (("--port", "/dev/null", "--origin", "north"), "origin 'north'"),
        (("--port", "/dev/null", "--origin", ORIGIN, "--clock", "sun"), "--clock sun"),
        (("--port", "/dev/null", "--origin", ORIGIN, "--car", "tianyaun"), "did you mean tianyuan"),
        (("--port", "/dev/null", "--origin", ORIGIN, "-i", "vcan"), "interface vcan"),
        (("--origin", ORIGIN), "--port"),
    ],
)
def test_bad_input_is_one_line_and_status_two(arguments, said):
    process = started(*arguments)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_it_leaves_the_bus(bus, talker):
    process = started("--port", str(talker.link), "-c", bus, "--origin", ORIGIN, "--seconds", "0.5")
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    assert nodes(bus) == []
