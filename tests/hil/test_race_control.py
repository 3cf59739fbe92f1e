"""Race control: go after the dwell, laps through the seam, chequered after the last."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.control.records import Flag, Mode, record
from tianyuan.hil.race_control import RACE, count_lap, update

MS = 1_000_000
DWELL_NS = 5200 * MS
PATIENCE_NS = 30_000 * MS
LENGTH_M = 1000.0


def race(laps: int = 2, **settings):
    made = record(RACE)
    made.laps_wanted, made.dwell_ns, made.patience_ns = laps, DWELL_NS, PATIENCE_NS
    for name, value in settings.items():
        made[name] = value
    return made


def look(made, mode: Mode, t_ms: int, speed_mps: float = 0.0) -> None:
    update(made, int(mode), speed_mps, t_ms * MS)


def test_green_from_the_first_look_and_no_go_yet():
    made = race()
    look(made, Mode.OFF, 1000)
    assert (made.flag[0], made.go[0], made.began_ns[0]) == (Flag.GREEN, 0, 1000 * MS)


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=30), st.data())
def test_go_only_after_ready_has_lasted_the_whole_dwell(gaps, data):
    made, t_ms, since = race(), 1000, None
    for gap in gaps:
        ready = data.draw(st.booleans())
        look(made, Mode.READY if ready else Mode.OFF, t_ms)
        since = (t_ms if since is None else since) if ready else None
        if not made.finished[0]:
            assert made.go[0] == (since is not None and t_ms - since >= DWELL_NS // MS)
        t_ms += gap


def test_go_stays_while_the_car_drives():
    made = race()
    for t_ms in (1000, 6300):
        look(made, Mode.READY, t_ms)
    look(made, Mode.DRIVING, 6320)
    look(made, Mode.DRIVING, 9000, 20.0)
    assert (made.go[0], made.started[0], made.lap[0], made.finished[0]) == (1, 1, 1, 0)


def test_a_car_that_is_never_ready_is_sent_home():
    made = race()
    look(made, Mode.OFF, 1000)
    look(made, Mode.OFF, 1000 + PATIENCE_NS // MS)
    assert made.finished[0] == 0
    look(made, Mode.OFF, 1001 + PATIENCE_NS // MS)
    assert (made.finished[0], made.go[0]) == (1, 0)


@given(
    st.lists(st.floats(1.0, 200.0), min_size=1, max_size=120),
    st.floats(0, LENGTH_M, exclude_max=True),
)
def test_laps_are_the_crossings_of_the_seam(steps_m, start_m):
    made, covered_m = race(started=1, lap=1, station_m=start_m), start_m
    for step_m in steps_m:
        covered_m += step_m
        count_lap(made, covered_m % LENGTH_M, LENGTH_M)
    assert made.lap[0] == 1 + covered_m // LENGTH_M


@given(st.lists(st.floats(-40.0, 40.0), min_size=1, max_size=50))
def test_to_and_fro_over_the_seam_counts_no_lap_that_was_not_driven(offsets_m):
    made = race(started=1, lap=1, station_m=0.98 * LENGTH_M)
    for offset_m in [*offsets_m, -20.0]:
        count_lap(made, offset_m % LENGTH_M, LENGTH_M)
    assert made.lap[0] == 1


def test_a_car_that_has_not_started_counts_nothing():
    made = race(station_m=0.99 * LENGTH_M)
    count_lap(made, 1.0, LENGTH_M)
    assert made.lap[0] == 0


@pytest.mark.parametrize("lap", [1, 2, 3, 4])
def test_the_chequered_flag_falls_after_the_last_lap(lap):
    made = race(laps=2, started=1, lap=lap, began_ns=1, flag=int(Flag.GREEN), go=1)
    look(made, Mode.DRIVING, 9000, 30.0)
    assert (made.flag[0] == Flag.CHEQUERED) == (lap > 2)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("speed_mps", [0.0, 0.1, 0.3, 30.0])
def test_the_run_is_over_once_a_started_car_stands_and_no_longer_drives(mode, speed_mps):
    made = race(started=1, lap=1, began_ns=1, go=1)
    look(made, mode, 9000, speed_mps)
    assert made.finished[0] == (mode != Mode.DRIVING and speed_mps < 0.2)
    assert made.go[0] == (1 - made.finished[0])


def test_records_are_plain_numbers():
    assert all(np.dtype(RACE[name]).itemsize == 8 for name in RACE.names)
