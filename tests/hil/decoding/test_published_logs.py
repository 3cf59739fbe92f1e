"""Every frame of the published logs, decoded as cantools decodes it."""

from __future__ import annotations

import numpy as np
import pytest

from tianyuan.drivers.logs.log import Log


@pytest.mark.parametrize(
    ("log", "dbc", "channel"),
    [
        ("css/00000164_00000001-60FE3F04.MF4", "css/canmod-gps.dbc", 2),
        ("css/00000165_00000006-60FFE42F.MF4", "css/canmod-gps.dbc", 2),
        ("css/7512BE4D.MF4", "css/can9-database-01.09.dbc", 9),
        ("savvycan/candump.log", "opendbc/bmw_e9x_e8x.dbc", 0),
        ("savvycan/candump.log", "opendbc/vw_mlb.dbc", 0),
        ("python-can/issue_1256.asc", "cantools/socialledge.dbc", 0),
    ],
)
def test_every_frame_of_a_published_log_decodes_as_cantools_decodes_it(
    shared_data, usable, assert_as_cantools, log, dbc, channel
):
    file, messages = shared_data / "logs" / log, usable(shared_data / "dbc" / dbc)

    read_frames = np.concatenate(list(Log(file).blocks()))
    on_channel = read_frames[read_frames["channel"] == channel]

    assert assert_as_cantools(Log(file), messages, on_channel, str(channel))
