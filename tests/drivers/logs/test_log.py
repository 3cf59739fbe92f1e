"""Every published log is read as python-can reads it."""

from __future__ import annotations

import can
import pytest

from tianyuan.dbc.frame import frames
from tianyuan.drivers.logs.log import Log
from tianyuan.drivers.messages import write_frame


@pytest.mark.parametrize("name", ["logfile.asc", "test_CanMessage.trc"])
def test_a_log_is_read_as_python_can_reads_it(shared_data, name):
    file = shared_data / "logs" / "python-can" / name
    with can.LogReader(str(file)) as reader:
        messages = list(reader)
    expected = frames(len(messages))
    for at, message in enumerate(messages):
        write_frame(message, expected, at)

    (read,) = Log(file).blocks()

    for field in ("can_id", "length", "flags", "payload"):
        assert (read[field] == expected[field]).all(), field
    assert read.t_ns.tolist() == [round(message.timestamp * 1e9) for message in messages]
