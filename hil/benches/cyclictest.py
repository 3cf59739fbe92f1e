"""cyclictest of rt-tests: the latency of a bare loop in C, to compare ours with."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np

from tianyuan.control.errors import InputError
from tianyuan.firmware.accounting import BINS
from tianyuan.hil.benches.histogram import Histogram

PROGRAM: Final = "cyclictest"
LIMIT_US: Final = 4000  # of its histogram; what is longer is only counted
PATIENCE_S: Final = 30.0


def installed() -> str:
    """The program's path; raises InputError where it is not."""
    found = shutil.which(PROGRAM)
    if found is None:
        raise InputError(f"--against {PROGRAM}: not installed; apt install rt-tests")
    return found


def run(cpu: int, priority: int, period_ns: int, seconds: float) -> Histogram:
    """One turn of one thread on ``cpu``, memory locked, woken by clock_nanosleep as our loop is.

    Raises InputError where it is not installed or not permitted what it asks for.
    """
    loops = max(round(seconds * 1e9 / period_ns), 1)
    with tempfile.TemporaryDirectory(prefix="cyclictest-") as folder:
        file = Path(folder) / "figures.json"
        command = [
            installed(), "-m", "-q", "-t", "1", "-a", str(cpu), "-p", str(priority),
            "-i", str(period_ns // 1000), "-l", str(loops), "-h", str(LIMIT_US), f"--json={file}",
        ]  # fmt: skip
        ended = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=2 * seconds + PATIENCE_S
        )
        if ended.returncode != 0 or not file.is_file():
            said = " ".join((ended.stderr + ended.stdout).split()) or "no figures"
            raise InputError(f"{PROGRAM}: exit status {ended.returncode}: {said}")
        return parse(json.loads(file.read_text()))


def parse(document: dict[str, Any]) -> Histogram:
    """The histogram in a document of ``--json``, of its only thread.

    Its integer microseconds are rounded down, and so are our bins: the same bin here holds
    the same latencies. Raises InputError on a document without them.
    """
    try:
        thread = document["thread"]["0"]
        bins = np.zeros(BINS, np.int64)
        for latency_us, count in thread["histogram"].items():
            bins[min(int(latency_us), BINS - 1)] += count
        bins[BINS - 1] += max(thread["cycles"] - bins.sum(), 0)
        return Histogram(bins, int(thread["max"]) * 1000)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{PROGRAM}: no histogram in its JSON ({error!r}); use rt-tests 2.0 or newer"
        ) from None
