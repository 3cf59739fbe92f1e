from __future__ import annotations

import os
import subprocess
import sys

import pytest

SAMPLE = """
import sys
from tianyuan.dbc.frame import EXTENDED, FDF, frames
from tianyuan.drivers.clock import monotonic_ns, scratch, sleep_until, wait_until
from tianyuan.drivers.port import open_port, receive, send

room = scratch()
start_ns = monotonic_ns(room)
sleep_until(room, start_ns + 2_000_000)
assert monotonic_ns(room) >= start_ns + 2_000_000
assert wait_until(room, start_ns + 4_000_000, 50_000) >= start_ns + 4_000_000
with open_port(sys.argv[1], "a") as a, open_port(sys.argv[1], "b", 255) as b:
    a.hear_itself()
    out, into = frames(70), frames(40)
    out.can_id = EXTENDED | 0x1FFFFFFF
    out.length = 8
    out["flags"][1::2] = FDF
    out.length[1::2] = 64
    out.payload = 0xFF
    assert send(a.record, out, 0, 70) == 70
    assert receive(b.record, into, 0, 2**62) == 40
    assert receive(b.record, into, 10, 2**62) == 30
    assert receive(b.record, into, 0, 2**62) == 0
    assert set(into.channel) == {255} and set(into.t_ns) == {2**62}
    assert receive(a.record, into, 0, 1) == 40
    b.close()
    assert send(a.record, out, 0, 3) == 3
assert a.record.errors[0] == 0 and a.record.malformed[0] == 0
print("sound")
"""


@pytest.mark.parametrize("mode", ["NUMBA_DISABLE_JIT", "NUMBA_BOUNDSCHECK"])
def test_ports_and_clock_work_interpreted_and_with_bounds_checked(mode, bus):
    environment = {**os.environ, mode: "1"}

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SAMPLE, bus],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout.strip(), done.returncode) == ("sound", 0), done.stderr
