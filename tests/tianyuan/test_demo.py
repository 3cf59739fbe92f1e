"""The demo drives: small, but the real thing, from a folder whose path no socket could have."""

import subprocess
import sys

import pytest


@pytest.mark.timed
def test_the_demo_laps_drives_over_the_bus_and_replays_bit_for_bit(tmp_path):
    folder = tmp_path / ("a" * 60) / ("b" * 60)
    arguments = ("demo", "--folder", str(folder), "--laps", "1", "--seconds", "2")
    done = subprocess.run(
        [sys.executable, "-m", "tianyuan", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "finished: CHEQUERED_FLAG" in done.stdout
    assert "deadlines missed" in done.stdout
    assert "permits sent, granted" in done.stdout
    assert "replay: bit-exact" in done.stdout
    reports = {file.name for file in folder.glob("*.html")}
    assert reports == {"virtual.html", "real-time.html"}
