"""Serial lines on pseudo-terminals: cut, flooded, pulled, and plugged in under another name."""

from __future__ import annotations

import os
import time
import tty
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from tianyuan.control.errors import InputError
from tianyuan.drivers.serial_line import LONGEST_LINE, Identity, SerialLines, candidates

PATIENCE_S = 60.0  # on a busy machine


class Device:
    """A serial device that is a pseudo-terminal; ``pull`` it and its port is gone."""

    def __init__(self) -> None:
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        self.name = os.ttyname(self.slave)
        self.plugged = True

    def say(self, said: bytes) -> None:
        os.write(self.master, said)

    def pull(self) -> None:
        if self.plugged:
            self.plugged = False
            os.close(self.slave)
            os.close(self.master)


@pytest.fixture
def plug() -> Iterator[Callable[[], Device]]:
    """Plug in devices; they are pulled after the test."""
    devices: list[Device] = []

    def one() -> Device:
        devices.append(Device())
        return devices[-1]

    yield one
    for device in devices:
        device.pull()


def usb(device: str, serial: str | None = None, product: int = 0x7523) -> SimpleNamespace:
    return SimpleNamespace(device=device, vid=0x1A86, pid=product, serial_number=serial)


def none() -> list[SimpleNamespace]:
    return []


def until(lines: SerialLines, done: Callable[[list[bytes]], bool]) -> list[bytes]:
    """Read until what has been read satisfies."""
    texts: list[bytes] = []
    end = time.monotonic() + PATIENCE_S
    while not done(texts):
        assert time.monotonic() < end, f"read {texts} and {lines.counts}"
        texts += [line.text for line in lines.read(0.02)]
    return texts


def test_lines_come_whole_however_they_are_cut(plug):
    device = plug()
    with SerialLines(device.name, ports=none) as lines:
        device.say(b"$one\r\n$two\n$thr")
        assert until(lines, lambda texts: len(texts) == 2) == [b"$one", b"$two"]
        assert lines.read(0.01) == []
        device.say(b"ee\r")
        assert lines.read(0.05) == []
        device.say(b"\n\n")
        assert until(lines, lambda texts: len(texts) == 2) == [b"$three", b""]
        assert lines.counts.lines == 4


def test_a_line_is_stamped_when_its_last_byte_is_read(plug):
    device = plug()
    with SerialLines(device.name, ports=none) as lines:
        device.say(b"begun")
        assert lines.read(0.05) == []
        before = time.monotonic_ns()
        device.say(b" and ended\n")
        (line,) = lines.read(1.0)
        assert before < line.t_ns <= time.monotonic_ns()


def test_what_arrived_before_anybody_listened_is_let_go(plug):
    device = plug()
    with SerialLines(device.name, ports=none) as lines:
        device.say(b"$old\n$ol")
        time.sleep(0.05)
        lines.discard()
        device.say(b"$new\n")
        assert until(lines, lambda texts: len(texts) == 1) == [b"$new"]


def test_silence_is_waited_out_and_is_no_loss(plug):
    device = plug()
    with SerialLines(device.name, ports=none) as lines:
        began = time.monotonic()
        assert lines.read(0.1) == []
        assert 0.09 < time.monotonic() - began < 2.0
        assert lines.counts.lost == 0


def test_what_goes_on_without_an_end_is_given_up_and_the_next_line_taken(plug):
    device = plug()
    with SerialLines(device.name, ports=none) as lines:
        for _ in range(5):
            device.say(b"\xaa" * 1000)
            lines.read(0.1)
        device.say(b"tail\nnext\n")
        assert until(lines, lambda texts: len(texts) == 1) == [b"next"]
        assert (lines.counts.overlong, len(lines._begun)) == (1, 0)
        assert lines.counts.bytes == 5000 + 10 > LONGEST_LINE


def test_a_pulled_plug_is_counted_told_and_its_half_line_lost(plug, tmp_path):
    device, told = plug(), []
    link = tmp_path / "by-id"
    link.symlink_to(device.name)
    with SerialLines(str(link), told=told.append, ports=none) as lines:
        device.say(b"$whole\n$ha")
        assert until(lines, lambda texts: len(texts) == 1) == [b"$whole"]
        device.pull()
        until(lines, lambda _: lines.counts.lost == 1)
        assert lines.counts.cut == 1
        # The link of /dev/serial/by-id points to the new name as soon as udev has seen it.
        again = plug()
        link.unlink()
        link.symlink_to(again.name)
        until(lines, lambda _: lines.counts.reopened == 1)
        again.say(b"lf\n$new\n")
        assert until(lines, lambda texts: len(texts) == 2) == [b"lf", b"$new"]
    lost, back = told
    assert lost in {f"port {link} lost: {why}" for why in ("Input/output error", "disconnected")}
    assert back == f"port {link} is back"


def test_a_device_is_found_again_by_its_serial_number_under_another_name(plug):
    old, new, other = plug(), plug(), plug()
    there = [usb(old.name, "A1"), usb(other.name, "B2")]
    with SerialLines(old.name, ports=lambda: there) as lines:
        old.pull()
        until(lines, lambda _: lines.counts.lost == 1)
        there[:] = [usb(other.name, "B2")]  # the same make, but another one
        for _ in range(4):
            assert lines.read(0.1) == []
        assert lines.counts.reopened == 0
        there.append(usb(new.name, "A1"))
        until(lines, lambda _: lines.counts.reopened == 1)
        assert lines.device == new.name
        new.say(b"$here\n")
        assert until(lines, lambda texts: len(texts) == 1) == [b"$here"]


def test_another_device_under_the_old_name_is_not_taken(plug):
    old, new = plug(), plug()
    there = [usb(old.name, "A1")]
    with SerialLines(old.name, ports=lambda: there) as lines:
        old.pull()
        until(lines, lambda _: lines.counts.lost == 1)
        there[:] = [usb(old.name, "B2")]
        assert candidates(old.name, lines._known, lambda: there) == []
        there[:] = [usb(new.name, "A1")]
        until(lines, lambda _: lines.counts.reopened == 1)


def test_a_pattern_takes_the_device_that_is_there(plug, tmp_path):
    device = plug()
    (tmp_path / "ttyUSB3").symlink_to(device.name)
    with SerialLines(f"{tmp_path}/ttyUSB*", ports=none) as lines:
        device.pull()
        until(lines, lambda _: lines.counts.lost == 1)
        (tmp_path / "ttyUSB3").unlink()
        again = plug()
        (tmp_path / "ttyUSB0").symlink_to(again.name)
        until(lines, lambda _: lines.counts.reopened == 1)
        assert lines.device == f"{tmp_path}/ttyUSB0"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("1a86:7523", ["/dev/a", "/dev/b"]),
        ("1A86:7523:B2", ["/dev/b"]),
        ("1a86:7523:C3", []),
        ("1a86:0001", ["/dev/c"]),
        ("/dev/ttyS0", ["/dev/ttyS0"]),
    ],
)
def test_a_usb_device_is_named_by_what_it_is(name, found):
    there = [usb("/dev/b", "B2"), usb("/dev/a", "A1"), usb("/dev/c", "B2", product=1)]
    there.append(SimpleNamespace(device="/dev/ttyS0", vid=None, pid=None, serial_number=None))
    assert candidates(name, None, lambda: there) == found


def test_what_was_there_before_counts_more_than_its_name():
    there = [usb("/dev/b", "B2"), usb("/dev/a", "A1")]
    assert candidates("/dev/b", Identity(0x1A86, 0x7523, "A1"), lambda: there) == ["/dev/a"]


@pytest.mark.parametrize("name", ["/dev/no-such-port", "/dev/no-such*", "dead:beef", "/dev/null"])
def test_a_port_that_is_none_is_refused_in_one_line(name):
    with pytest.raises(InputError, match=f"port {name.replace('*', '.')}") as caught:
        SerialLines(name, ports=none)
    assert "\n" not in str(caught.value)


def test_a_port_that_another_reads_is_refused(plug):
    device = plug()
    with SerialLines(device.name, ports=none), pytest.raises(InputError, match="open"):
        SerialLines(device.name, ports=none)
