"""ASC logs: as python-can reads them, and past what it passes over in silence."""

from __future__ import annotations

import can
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
from tianyuan.dbc.frame import EXTENDED, REMOTE, TX
from tianyuan.drivers.logs.log import Log

pytestmark = pytest.mark.kernel
HEAD = "date Sat Sep 30 15:06:13.191 2017\nbase hex  timestamps absolute\ninternal events logged\n"
PUBLISHED = [
    "issue_1256.asc",
    "issue_1299.asc",
    "logfile.asc",
    "logfile_errorframes.asc",
    "single_frame.asc",
    "single_frame_us_locale.asc",
    "test_CanErrorFrames.asc",
    "test_CanFdMessage.asc",
    "test_CanFdMessage64.asc",
    "test_CanFdRemoteMessage.asc",
    "test_CanMessage.asc",
    "test_CanRemoteMessage.asc",
]


def expected_of(file):
    with can.ASCReader(str(file)) as reader:
        return frames_of(reader)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_log_is_read_as_python_can_reads_it(shared_data, name):
    file = shared_data / "logs" / "python-can" / name

    log = Log(file)

    assert_same(all_frames(log), expected_of(file))
    assert not log.notes.all()


@st.composite
def messages(draw) -> can.Message:
    extended, fd = draw(st.booleans()), draw(st.booleans())
    length = draw(st.sampled_from([1, 8, 12, 64] if fd else [0, 1, 7, 8]))
    remote = not fd and draw(st.booleans())
    return can.Message(
        timestamp=draw(st.integers(0, 10**9)) / 1e6,
        arbitration_id=draw(st.integers(0, 0x1FFFFFFF if extended else 0x7FF)),
        is_extended_id=extended,
        is_fd=fd,
        is_remote_frame=remote,
        bitrate_switch=fd and draw(st.booleans()),
        error_state_indicator=fd and draw(st.booleans()),
        channel=draw(st.sampled_from([0, 1, 11])),
        is_rx=draw(st.booleans()),
        dlc=length,
        data=None if remote else draw(st.binary(min_size=length, max_size=length)),
    )


def written(file, sent) -> None:
    with can.ASCWriter(str(file)) as writer:
        for message in sent:
            writer.on_message_received(message)


@given(sent=st.lists(messages(), min_size=1, max_size=8))
def test_a_log_is_read_as_python_can_reads_it(tmp_path_factory, sent):
    file = tmp_path_factory.mktemp("asc") / "written.asc"
    written(file, sent)

    log = Log(file)
    read = all_frames(log)

    assert_same(read, expected_of(file))
    assert [log.channels[number] for number in read.channel] == [f"can{m.channel}" for m in sent]


def test_a_log_in_decimal_numbers_is_read_so(tmp_path):
    file = tmp_path / "decimal.asc"
    lines = "   0.5 1  100  Rx  d 2 10 255\n   0.6 2  100x  Tx  r 4\n"
    file.write_text(HEAD.replace("hex", "dec") + lines)

    first, second = all_frames(Log(file))

    assert (first["can_id"], first["payload"][:2].tolist()) == (100, [10, 255])
    assert (second["can_id"], second["reserved"]) == (100 | EXTENDED | REMOTE, TX)
    assert second["length"] == 4


@pytest.mark.parametrize(
    "line",
    [
        "// a comment",
        "   1.015991 CAN 1 Status:chip status error active",
        "   1.015991 4  Statistic: D 0 R 0 XD 0 XR 0 E 0 O 0 B 0.00%",
        "   3.297743 J1939TP FEE3p        6    0  0   -   Rx   d 2 A0 0F",
        "End TriggerBlock",
    ],
)
def test_other_events_are_no_faults_and_no_buses(tmp_path, line):
    file = tmp_path / "events.asc"
    file.write_text(HEAD + line + "\n   0.5 1  123  Rx  d 1 11\n")

    log = Log(file)

    assert all_frames(log).size == 1
    assert not log.notes.all()
    assert log.channels == ["can0"]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("garbage", "garbage line"),
        ("\x00\x01\xff", "garbage line"),
        ("   0.5 1  ZZ  Rx  d 8 XX", "garbage line"),
        ("   0.5 1  FFF  Rx  d 0", "garbage line"),
        ("   0.5 1  123  Rx  d 8 11 22", "garbage line"),
        ("   0.5 1  123  Rx", "garbage line"),
        ("   0.5", "garbage line"),
        ("   0.5 CANFD 1 Rx 123 1 0 8 8 11 22", "garbage line"),
        ("   0.5 CANFD", "garbage line"),
        ("   0.5 CANFD 1 Rx 123 1 0 f 65 " + "11 " * 65, "more bytes than a frame has"),
    ],
)
def test_a_line_that_is_no_frame_is_counted_and_costs_only_itself(tmp_path, line, kind):
    file = tmp_path / "garbage.asc"
    whole = "   0.5 1  123  Rx  d 1 11\n"
    file.write_bytes((HEAD + whole + line + "\n" + whole).encode("latin-1"))

    log = Log(file)

    assert all_frames(log).payload[:, 0].tolist() == [0x11, 0x11]
    assert kinds(log) == {kind: 1}


@pytest.mark.compiled
def test_a_cut_log_is_read_up_to_the_cut(tmp_path):
    whole = tmp_path / "whole.asc"
    written(whole, [can.Message(timestamp=n, data=[n] * (n % 9)) for n in range(12)])

    assert_cuts_harmless(whole, tmp_path / "cut.asc")
