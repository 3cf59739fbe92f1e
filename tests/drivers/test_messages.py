from __future__ import annotations

import can
import pytest
from can.interfaces.socketcan.socketcan import build_can_frame
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.dbc.frame import CLASSIC_SIZE, FD_SIZE, frames
from tianyuan.drivers.messages import read_frame, write_frame

FD_LENGTHS = [*range(9), 12, 16, 20, 24, 32, 48, 64]


@st.composite
def messages(draw: st.DrawFn) -> can.Message:
    extended, is_fd = draw(st.booleans()), draw(st.booleans())
    remote = not is_fd and draw(st.booleans())
    length = draw(st.sampled_from(FD_LENGTHS if is_fd else range(9)))
    return can.Message(
        arbitration_id=draw(st.integers(0, 0x1FFFFFFF if extended else 0x7FF)),
        is_extended_id=extended,
        is_remote_frame=remote,
        is_fd=is_fd,
        bitrate_switch=is_fd and draw(st.booleans()),
        error_state_indicator=is_fd and draw(st.booleans()),
        dlc=length,
        data=None if remote else draw(st.binary(min_size=length, max_size=length)),
        check=True,
    )


@given(messages())
def test_a_message_survives_the_way_through_a_frame(message):
    some = frames(2)
    some.payload = 0xAA

    write_frame(message, some, 1)

    assert read_frame(some, 1, message.timestamp, message.channel).equals(message)


@given(messages())
def test_a_frame_holds_the_bytes_that_socketcan_sends(message):
    some = frames(1)

    write_frame(message, some, 0)

    size = FD_SIZE if message.is_fd else CLASSIC_SIZE
    oracle = bytearray(build_can_frame(message))
    oracle[7] = 0  # python-can repeats the length here; it counts on interfaces that ask for it
    assert some.tobytes()[:size] == oracle


def test_an_error_frame_survives():
    some = frames(1)
    message = can.Message(arbitration_id=0x20, is_error_frame=True, data=[1] * 8)

    write_frame(message, some, 0)

    assert read_frame(some, 0, message.timestamp, None).equals(message)


@pytest.mark.parametrize(
    ("arbitration_id", "extended", "is_fd", "length", "said"),
    [
        (0x800, False, False, 0, "identifier 0x800: not 0 to 0x7ff"),
        (0x20000000, True, False, 0, "not 0 to 0x1fffffff"),
        (-1, True, False, 0, "not 0 to"),
        (1, True, False, 9, "9 bytes, above 8"),
        (1, True, True, 65, "65 bytes, above 64"),
    ],
)
def test_what_no_frame_can_carry_is_refused(arbitration_id, extended, is_fd, length, said):
    message = can.Message(is_extended_id=extended, is_fd=is_fd, data=bytes(length))
    message.arbitration_id = arbitration_id

    with pytest.raises(ValueError, match=said):
        write_frame(message, frames(1), 0)
