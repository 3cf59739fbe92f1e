"""SavvyCAN's logs: the same frames as in candump's log of the same drive, and line by line."""

from __future__ import annotations

import pytest

from tests.drivers.logs.reading import all_frames, assert_cuts_harmless, kinds
from tianyuan.dbc.frame import EXTENDED, FDF, TX
from tianyuan.drivers.logs.log import Log

pytestmark = pytest.mark.kernel
TITLE = "Time Stamp,ID,Extended,Dir,Bus,LEN,D1,D2,D3,D4,D5,D6,D7,D8\n"


def test_the_published_log_has_the_frames_of_its_candump_log(shared_data):
    folder = shared_data / "logs" / "savvycan"

    log = Log(folder / "GVRET_Log.csv")
    read, expected = all_frames(log), all_frames(Log(folder / "candump.log"))

    for field in ("can_id", "length", "flags", "reserved", "payload"):
        assert (read[field] == expected[field]).all(), field
    assert (read.t_ns // 10**9 == expected.t_ns // 10**9).all()  # the other has whole seconds
    assert not log.notes.all()


@pytest.mark.parametrize(
    ("line", "can_id", "length", "channel", "sent", "t_ns"),
    [
        ("7,0000021A,false,0,2,FE,36,", 0x21A, 2, 0, 0, 7_000),
        ("7,0000021A,false,Rx,1,2,FE,36,00,00,00,00,00,00,", 0x21A, 2, 1, 0, 7_000),
        ("7,0000021A,true,Tx,2,0,", 0x21A | EXTENDED, 0, 2, TX, 7_000),
        (
            "1700000000000001,18FEF100,true,Rx,0,1,05",
            0x98FEF100,
            1,
            0,
            0,
            1_700_000_000_000_001_000,
        ),
    ],
)
def test_a_line_means_what_savvycan_means_by_it(
    tmp_path, line, can_id, length, channel, sent, t_ns
):
    file = tmp_path / "one.csv"
    file.write_text(TITLE + line + "\r\n")

    (frame,) = all_frames(Log(file))

    assert (frame["can_id"], frame["length"], frame["t_ns"]) == (can_id, length, t_ns)
    assert (frame["channel"], frame["reserved"]) == (channel, sent)
    assert not frame["payload"][length:].any()


def test_a_frame_of_more_than_eight_bytes_is_can_fd(tmp_path):
    file = tmp_path / "fd.csv"
    file.write_text(TITLE + "7,21A,false,Rx,0,12," + "AA," * 12 + "\n")

    (frame,) = all_frames(Log(file))

    assert (frame["flags"], frame["length"]) == (FDF, 12)
    assert frame["payload"].tolist() == [0xAA] * 12 + [0] * 52


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("garbage", "garbage line"),
        (",,,,,", "garbage line"),
        ("7,0000021A,false,0,2,FE", "garbage line"),
        ("7,0000021A,false,0,2,FE,1FF,", "garbage line"),
        ("7,00000FFF,false,0,0,", "garbage line"),
        ("7,0000021A", "garbage line"),
        ("7,0000021A,false,0,65," + "00," * 65, "more bytes than a frame has"),
    ],
)
def test_a_line_that_is_no_frame_is_counted_and_costs_only_itself(tmp_path, line, kind):
    file = tmp_path / "garbage.csv"
    whole = "7,0000021A,false,0,1,11,\n"
    file.write_text(TITLE + whole + line + "\n" + whole)

    log = Log(file)

    assert all_frames(log).payload[:, 0].tolist() == [0x11, 0x11]
    assert kinds(log) == {kind: 1}


@pytest.mark.compiled
def test_a_cut_log_is_read_up_to_the_cut(tmp_path):
    whole = tmp_path / "whole.csv"
    whole.write_text(TITLE + "".join(f"{n},{n:08X},false,0,2,AA,BB,\n" for n in range(15)))

    assert_cuts_harmless(whole, tmp_path / "cut.csv")
