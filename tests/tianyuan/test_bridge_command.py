"""``tianyuan bridge`` as people run it, with an SLCAN adapter that is a pseudo-terminal."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tty
from collections.abc import Iterator

import can
import pytest

pytestmark = [pytest.mark.compiled, pytest.mark.timed]

PATIENCE_S = 60.0  # on a busy machine


@pytest.fixture
def bus() -> Iterator[str]:
    directory = tempfile.mkdtemp(prefix="bus-")
    yield f"{directory}/car"
    shutil.rmtree(directory)


@pytest.fixture
def adapter() -> Iterator[tuple[int, str]]:
    """An SLCAN adapter: the end that it holds, and its port's name."""
    master, slave = os.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    os.close(slave)
    os.close(master)


def started(*arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "tianyuan", "bridge", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def read_until(master: int, wanted: bytes) -> None:
    said, end = b"", time.monotonic() + PATIENCE_S
    while wanted not in said:
        assert time.monotonic() < end, said
        said += os.read(master, 1000)


def test_an_slcan_adapter_joins_the_local_bus(bus, adapter, tmp_path):
    master, name = adapter
    figures = tmp_path / "bridge.json"
    arguments = ("-i", "slcan", "-c", name, "-b", "500000", "--to", bus)
    with can.Bus(interface="tianyuan", channel=bus) as node:
        process = started(
            *arguments, "--set", "sleep_after_open=0.1", "--in", "120:7F0", "--json", str(figures)
        )
        assert process.stderr.readline() == "bridge: carrying\n"
        read_until(master, b"S6\r")
        os.write(master, b"t3332FFFF\rt12320A0B\r")  # the first is filtered out
        got = node.recv(PATIENCE_S)
        assert (got.arbitration_id, bytes(got.data)) == (0x123, b"\x0a\x0b")
        node.send(can.Message(arbitration_id=0x456, data=b"\x01", is_extended_id=False))
        read_until(master, b"t456101\r")
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    books = json.loads(figures.read_text())
    assert (books["inward"]["passed"], books["outward"]["passed"]) == (1, 1)
    assert books["outward"]["p50_us"] > 0
    assert (books["lost"], books["reopened"]) == (0, 0)
    assert "inward: 1 passed" in out
    assert "p99" in out


BAD = (
    ((), "--interface"),
    (("-i", "slcan", "-c", "/dev/no-such-port"), "/dev/no-such-port"),
    (("-i", "kvaser", "-c", "0"), "-i kvaser"),
    (("-i", "neovi", "-c", "0"), "-i neovi"),
    (("-i", "robotell", "-c", ""), "--channel"),
    (("-i", "no-such-interface", "-c", "0"), "no-such-interface"),
    (("-i", "slcan", "-c", "/dev/null", "-b", "123456"), "-i slcan"),
    (("-i", "virtual", "-c", "0", "--in", "12:xyz"), "--in 12:xyz"),
    (("-i", "virtual", "-c", "0", "--set", "speed"), "--set speed"),
    (("-i", "tianyuan", "-c", "pit", "--to", "pit"), "a bridge joins two"),
    (("-i", "virtual", "-c", "0", "--to", "*"), "bus '*'"),
)


@pytest.fixture(scope="module")
def answers(forked, tmp_path_factory) -> list[tuple[int, str, str]]:
    """What the program answers to each bad input."""
    asked = [["bridge", *arguments] for arguments, _ in BAD]
    return forked(tmp_path_factory.mktemp("bad"), asked)


@pytest.mark.parametrize("number", range(len(BAD)), ids=[said for _, said in BAD])
def test_bad_input_is_one_line_and_status_two(answers, number):
    status, out, err = answers[number]
    assert (status, out) == (2, "")
    assert BAD[number][1] in err
    assert err.count("\n") == 1
