"""Candump's logs: as python-can reads them, whatever lies between the lines."""

from __future__ import annotations

import can
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.drivers.logs.reading import (
    all_frames,
    assert_cuts_harmless,
    assert_same,
    frames_of,
    kinds,
)
from tianyuan.control.errors import InputError
from tianyuan.dbc.frame import BRS, ERROR, EXTENDED, FDF, REMOTE, TX
from tianyuan.drivers.logs.log import Log

pytestmark = pytest.mark.kernel


@st.composite
def lines(draw) -> str:
    """A line as ``candump -L`` or ``-l`` may write it."""
    extended = draw(st.booleans())
    can_id = draw(st.integers(0, 0x1FFFFFFF if extended else 0x7FF))
    name = draw(st.sampled_from(["can0", "vcan1", "slcan-left", "can12"]))
    seconds, micros = draw(st.integers(0, 2**31)), draw(st.integers(0, 999_999))
    kind = draw(st.sampled_from(["#", "##", "R"]))
    if kind == "##":
        payload = f"##{draw(st.integers(0, 7))}" + draw(st.binary(max_size=64)).hex().upper()
    elif kind == "R":
        payload = "#R" + draw(st.sampled_from(["", *"012345678"]))
    else:
        payload = "#" + draw(st.binary(max_size=8)).hex()
    ending = draw(st.sampled_from(["", " R", " T"]))
    number = f"{can_id:08X}" if extended else f"{can_id:03X}"
    return f"({seconds:010d}.{micros:06d}) {name} {number}{payload}{ending}"


@given(written=st.lists(lines(), min_size=1, max_size=8))
def test_a_log_is_read_as_python_can_reads_it(tmp_path_factory, written):
    file = tmp_path_factory.mktemp("candump") / "written.log"
    file.write_text("\n".join(written) + "\n")
    with can.CanutilsLogReader(str(file)) as reader:
        messages = list(reader)

    log = Log(file)
    read = all_frames(log)

    assert_same(read, frames_of(messages), within_ns=500)  # half a step of its float seconds
    assert [log.channels[channel] for channel in read.channel] == [m.channel for m in messages]
    assert kinds(log).keys() <= {"time goes backwards"}


def test_the_published_log_is_read_as_python_can_reads_it(shared_data):
    file = shared_data / "logs" / "savvycan" / "candump.log"
    with can.CanutilsLogReader(str(file)) as reader:
        expected = frames_of(reader)

    assert_same(all_frames(Log(file)), expected, within_ns=500)


@pytest.mark.parametrize(
    ("line", "can_id", "flags", "length", "t_ns"),
    [
        ("(1.000000001) can0 123#", 0x123, 0, 0, 1_000_000_001),
        ("(1700000000.123456789) can0 123#00", 0x123, 0, 1, 1_700_000_000_123_456_789),
        ("(5) can0 123#R4", 0x123 | REMOTE, 0, 4, 5_000_000_000),
        ("(0.5) can0 00000123##1AABB", 0x123 | EXTENDED, FDF | BRS, 2, 500_000_000),
        ("(0.5) can0 20000080#0000000800000000", ERROR | 0x80, 0, 8, 500_000_000),
        ("(0.5) can0 123#1122334455667788_F", 0x123, 0, 8, 500_000_000),
    ],
)
def test_a_line_means_what_can_utils_mean_by_it(tmp_path, line, can_id, flags, length, t_ns):
    file = tmp_path / "one.log"
    file.write_text(line + "\r\n")

    (frame,) = all_frames(Log(file))

    found = (frame["can_id"], frame["flags"], frame["length"], frame["t_ns"])
    assert found == (can_id, flags, length, t_ns)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("garbage", "garbage line"),
        ("\x00\x01\xff\x00", "garbage line"),
        ("(1.0 can0 123#00", "garbage line"),
        ("(99999999999.0) can0 123#00", "garbage line"),
        ("(1.0) can0 123#0", "garbage line"),
        ("(1.0) can0 FFF#00", "garbage line"),
        ("(1.0) can0 123#00 X", "garbage line"),
        (f"(1.0) {'n' * 40} 123#00", "garbage line"),
        ("(1.0) can0 123#" + "00" * 9, "more bytes than a frame has"),
        ("(1.0) can0 123##0" + "00" * 65, "more bytes than a frame has"),
        ("(1.0) can0 123###0", "frame of an unknown kind"),
    ],
)
def test_a_line_that_is_no_frame_is_counted_and_costs_only_itself(tmp_path, line, kind):
    file = tmp_path / "garbage.log"
    whole = "(1.0) can0 123#11\n"
    file.write_bytes((whole + line + "\n" + whole).encode("latin-1"))

    log = Log(file)

    assert all_frames(log).payload[:, 0].tolist() == [0x11, 0x11]
    assert kinds(log) == {kind: 1}
    assert "\n" not in log.notes.all()[0].first
    assert log.notes.all()[0].first.startswith("line 2: ")


def test_times_that_go_backwards_are_counted_and_the_order_is_kept(tmp_path):
    file = tmp_path / "backwards.log"
    file.write_text("".join(f"({t}.0) can0 123#00\n" for t in (5, 4, 4, 6, 1)))

    log = Log(file)

    assert all_frames(log).t_ns.tolist() == [t * 10**9 for t in (5, 4, 4, 6, 1)]
    assert kinds(log) == {"time goes backwards": 2}


def test_a_frame_is_sent_or_received_as_its_last_letter_says(tmp_path):
    file = tmp_path / "direction.log"
    file.write_text("(0.0) can0 1F3#00 T\n(0.0) can0 1F3#00 R\n(0.0) can0 1F3#00\n")

    assert all_frames(Log(file)).reserved.tolist() == [TX, 0, 0]


def test_a_bus_has_the_number_its_name_ends_in_if_that_is_free(tmp_path):
    file = tmp_path / "buses.log"
    names = ["can3", "vcan3", "pit", "can1", "can0", "can300"]
    file.write_text("".join(f"(0.0) {name} 123#00\n" for name in names))

    log = Log(file)

    assert all_frames(log).channel.tolist() == [3, 0, 1, 2, 4, 5]
    assert log.channels == ["vcan3", "pit", "can1", "can3", "can0", "can300"]


def test_a_bus_whose_name_begins_like_another_is_another(tmp_path):
    file = tmp_path / "buses.log"
    file.write_text("".join(f"(0.0) {name} 123#00\n" for name in ("can12", "can1", "can")))

    assert all_frames(Log(file)).channel.tolist() == [12, 1, 0]


def test_more_buses_than_there_are_numbers_share_the_last_one(tmp_path):
    file = tmp_path / "buses.log"
    names = [f"bus{n}x" for n in range(300)]
    file.write_text("".join(f"(0.0) {name} 123#00\n" for name in names))

    assert all_frames(Log(file)).channel.tolist() == [*range(256), *[255] * 44]


@pytest.mark.compiled
def test_a_cut_log_is_read_up_to_the_cut(tmp_path):
    whole = tmp_path / "whole.log"
    whole.write_text("".join(f"({t}.{t:06d}) can{t % 2} 123##1{'AB' * t}\n" for t in range(20)))

    assert_cuts_harmless(whole, tmp_path / "cut.log")


@pytest.mark.compiled
def test_blocks_join_without_a_frame_lost(tmp_path):
    file = tmp_path / "long.log"
    count = 150_000
    file.write_text("".join(f"({t}) c {t & 0x7FF:x}#{t:08x}\n" for t in range(count)))

    log = Log(file)
    blocks = list(log.blocks())

    assert len(blocks) > 2
    assert log.read_bytes == log.size_bytes
    read = np.concatenate(blocks)
    assert (read["t_ns"] == np.arange(count) * 10**9).all()
    assert (read["payload"][:, :4].copy().view(">u4")[:, 0] == np.arange(count)).all()


@pytest.mark.parametrize("content", [b"", b"\x00" * 5000, bytes(range(256)) * 30])
def test_what_is_no_log_is_refused_in_one_line(tmp_path, content):
    file = tmp_path / "noise.log"
    file.write_bytes(content)

    with pytest.raises(InputError, match=r"noise\.log: [^\n]+$"):
        all_frames(Log(file))


def test_a_folder_and_a_file_that_is_not_there_are_refused_in_one_line(tmp_path):
    for file in (tmp_path, tmp_path / "none.log"):
        with pytest.raises(InputError, match=r"[^\n]+$"):
            Log(file)
