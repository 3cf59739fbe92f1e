"""Error frames in a log: what a replay needs of them is kept."""

from __future__ import annotations

import can

from tianyuan.dbc.frame import ERROR, frames
from tianyuan.drivers.logs.log import Log
from tianyuan.firmware.log_file import message_of


def test_a_log_keeps_an_error_frame_s_classes_bus_and_payload(tmp_path):
    log, told = tmp_path / "errors.blf", frames(1)
    told.can_id, told.length, told.channel = ERROR | 0x64, 8, 1
    told.payload[0, :8] = [0, 0x30, 0, 0, 0, 0, 7, 9]
    with can.BLFWriter(str(log)) as writer:
        writer.on_message_received(message_of(told[0], 0))

    (read,) = Log(log).blocks()
    read.t_ns = 0

    assert read.tobytes() == told.tobytes()
