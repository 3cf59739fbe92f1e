"""Each row is driven once, by as many workers as were asked for, whoever dies meanwhile."""

from __future__ import annotations

import faulthandler
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tianyuan.hil.campaign.pool import Lost, run_all

LONG_S = 60.0


@pytest.mark.parametrize("workers", [1, 3, 20])
def test_each_row_is_driven_once(workers):
    found = list(run_all(range(1, 11), lambda row: {"row": row, "pid": os.getpid()}, workers))
    assert sorted(made["row"] for made, _ in found) == list(range(1, 11))
    assert {tries for _, tries in found} == {1}
    pids = {made["pid"] for made, _ in found}
    assert os.getpid() not in pids
    assert len(pids) <= min(workers, 10)


def test_a_worker_that_dies_is_replaced_and_its_row_driven_again(tmp_path):
    def work(row):
        if row == 3 and not (tmp_path / "died").exists():
            (tmp_path / "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return {"row": row}

    tries = {made["row"]: tries for made, tries in run_all(range(1, 7), work, 2)}
    assert tries == {1: 1, 2: 1, 3: 2, 4: 1, 5: 1, 6: 1}


def test_a_row_that_kills_twice_is_lost_and_the_rest_is_driven(tmp_path):
    def work(row):
        if row == 2:
            os._exit(7)
        if row == 3:
            faulthandler.disable()  # whose trace reads as if pytest had crashed
            os.kill(os.getpid(), signal.SIGSEGV)
        return {"row": row}

    found = [made for made, _ in run_all(range(1, 7), work, 2)]
    lost = {made.row: made.how for made in found if isinstance(made, Lost)}
    assert lost == {2: "its worker ended with status 7", 3: "its worker was killed by SIGSEGV"}
    assert sorted(made["row"] for made in found if isinstance(made, dict)) == [1, 4, 5, 6]


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def gone(pids: list[int]) -> bool:
    until = time.monotonic() + LONG_S
    while any(map(alive, pids)) and time.monotonic() < until:
        time.sleep(0.01)
    return not any(map(alive, pids))


def test_closing_ends_the_workers_amid_their_rows(tmp_path):
    def work(row):
        (tmp_path / str(os.getpid())).touch()
        if row > 1:
            time.sleep(LONG_S)
        return {"row": row}

    found = run_all(range(1, 9), work, 2)
    assert next(found)[0] == {"row": 1}
    found.close()
    assert gone([int(file.name) for file in tmp_path.iterdir()])


PARENT = """
import os, sys, time
from tianyuan.hil.campaign.pool import run_all
def work(row):
    os.write(1, b"%d\\n" % os.getpid())
    time.sleep(600)
for _ in run_all([1, 2], work, 2): pass
"""


def test_workers_do_not_outlive_a_killed_parent():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    pids = [int(parent.stdout.readline()) for _ in range(2)]
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert gone(pids)
