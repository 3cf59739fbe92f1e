"""A row is the same whoever drives it, and says so when it could not be driven."""

from __future__ import annotations

import json

import pytest

from tianyuan.control.errors import InputError
from tianyuan.hil.campaign import rows
from tianyuan.hil.campaign.driving import driven_here
from tianyuan.hil.campaign.store import opened

pytestmark = pytest.mark.compiled


def test_workers_and_this_process_drive_the_same_rows(small):
    _, loaded = rows.read(small)
    rows.warm_up(loaded.tasks)

    there = {row["row"]: row for row in driven_here(loaded, range(1, 5), workers=2)}

    for number in range(1, 5):
        assert rows.differences(rows.drive(loaded.tasks, number), there[number]) == []
    assert there[1]["driven_s"] > 30.0
    assert len({row["max_cross_track_m"] for row in there.values()}) == 4


def test_a_row_has_the_columns_of_its_file_and_comes_back_from_it(small, tmp_path):
    _, loaded = rows.read(small)
    row = rows.drive(loaded.tasks, 2)
    assert set(row) == set(loaded.columns())
    with opened(tmp_path / "r.sqlite", loaded.columns(), {}, ()) as store:
        store.add(row)
        kept = store.row(2)
    assert rows.differences(row, kept) == []
    assert rows.differences(row | {"wall_s": 9.0, "tries": 2}, kept) == []
    assert rows.differences(row | {"driven_s": row["driven_s"] * (1 + 2**-52)}, kept) == [
        "driven_s"
    ]


def test_a_run_that_fails_by_an_exception_is_a_row_that_says_so(small):
    small.write_text(small.read_text() + '"laps" = { uniform = [1.0, 2.0] }\n')
    _, loaded = rows.read(small)
    row = rows.drive(loaded.tasks, 1)
    assert row["passed"] == 0
    assert row["error"].startswith("InputError: row 1: laps")
    assert row["car_file.stanley.k_1ps"] is not None
    assert set(row) == set(loaded.columns())


@pytest.mark.parametrize("key", ["car_file.stanley.k_1pss", "trak", "vehicle.chassis.mas_kg"])
def test_a_key_that_no_scenario_has_is_refused_before_anything_is_driven(small, key):
    small.write_text(small.read_text() + f'"{key}" = {{ uniform = [1.0, 2.0] }}\n')
    _, loaded = rows.read(small)
    with pytest.raises(InputError, match=key.rpartition(".")[2]):
        rows.warm_up(loaded.tasks)


def test_a_change_of_any_file_is_another_campaign(small):
    circuit = small.with_name("mine.toml")
    circuit.write_text((small.parent / "small.toml").read_text())  # read by its bytes alone
    small.write_text(small.read_text().replace("oval", "mine.toml"))
    job, loaded = rows.read(small)
    circuit.write_text("# another\n")
    changed, others = rows.read(small)
    assert others.digests["files"] != loaded.digests["files"]
    assert others.digests["campaign"] == loaded.digests["campaign"]
    with pytest.raises(InputError, match="a worker finds other files"):
        rows.drive_of(job, 1)
    assert changed.digest != job.digest


def test_a_comment_makes_no_other_campaign_and_another_seed_does(small):
    job, _ = rows.read(small)
    small.write_text(f"# a comment\n{small.read_text()}")
    assert rows.read(small)[0].digest == job.digest
    assert rows.read(small, seed=4)[0].digest != job.digest


def test_scenarios_are_found_beside_the_campaign(small):
    small.with_name("short.toml").write_text('track = "oval"\nlaps = 1\n')
    small.write_text('scenarios = ["short.toml", "oval_lap"]\n')
    _, loaded = rows.read(small)
    assert [loaded.tasks[number].scenario for number in (1, 2)] == ["short", "oval_lap"]
    assert json.loads(rows.drive(loaded.tasks, 1)["failures"]) == []
