"""Row N is a function of the campaign's file and of N, and each combination has one row."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.control.errors import InputError
from tianyuan.hil.campaign.model import Campaign
from tianyuan.hil.campaign.tasks import Tasks, put

FRICTION, GAIN = "conditions.friction", "car_file.stanley.k_1ps"


def tasks_of(**changes) -> Tasks:
    documents = {"dry": {"laps": 1}, "wet": {"laps": 2, "conditions": {"friction": 0.5}}}
    table = {
        "scenarios": list(documents),
        "seed": 7,
        "samples": 5,
        "seeds": 2,
        "grid": {"controller": ["stanley", "pure-pursuit"]},
        "sample": {FRICTION: {"uniform": [0.3, 1.0]}, GAIN: {"normal": [2.2, 0.2]}},
    }
    return Tasks(Campaign(**(table | changes)), documents)


def rows(tasks: Tasks):
    return [tasks[number] for number in range(1, len(tasks) + 1)]


def test_each_scenario_meets_each_corner_each_sample_and_each_seed_once():
    tasks = rows(tasks_of())
    assert len(tasks) == 2 * 2 * 5 * 2 == tasks_of().campaign.rows()
    met = Counter(
        (task.scenario, task.parameters["controller"], task.parameters[GAIN], task.seed)
        for task in tasks
    )
    assert len(met) == len(tasks)


@given(number=st.integers(1, 40))
def test_a_row_asked_for_alone_is_the_row_among_all(number):
    assert tasks_of()[number] == rows(tasks_of())[number - 1]


def test_a_point_is_the_same_for_each_scenario_and_corner():
    points = {}
    for task in rows(tasks_of()):
        kind = (task.scenario, task.parameters["controller"])
        points.setdefault(kind, []).append((task.parameters[GAIN], task.seed))
    first, *others = points.values()
    assert all(other == first for other in others)


def test_another_seed_draws_all_anew():
    for one, other in zip(rows(tasks_of()), rows(tasks_of(seed=8)), strict=True):
        assert one.seed != other.seed
        assert one.parameters[GAIN] != other.parameters[GAIN]


def test_the_first_rows_are_balanced():
    assert Counter(task.scenario for task in rows(tasks_of())[:8]) == {"dry": 4, "wet": 4}


def test_parameters_are_put_into_the_scenario_and_nowhere_else():
    tasks = tasks_of()
    task = tasks[3]
    assert task.document["conditions"]["friction"] == task.parameters[FRICTION]
    assert task.document["car_file"] == {"stanley": {"k_1ps": task.parameters[GAIN]}}
    assert task.document["seed"] == task.seed
    assert task.document["name"] == task.scenario == "dry"
    assert tasks.documents["dry"] == {"laps": 1}


def test_seeds_that_are_given_are_taken():
    assert {task.seed for task in rows(tasks_of(seeds=[4, 9, 11]))} == {4, 9, 11}


def test_rows_that_are_not_there_are_no_rows():
    for number in (0, -1, 41):
        with pytest.raises(IndexError):
            tasks_of()[number]


def test_a_key_leads_through_tables_and_lists():
    document = {"faults": [{"fault": "a"}, {"fault": "b"}]}
    put(document, "faults.1.at.speed_mps", 30.0)
    assert document == {"faults": [{"fault": "a"}, {"fault": "b", "at": {"speed_mps": 30.0}}]}


@pytest.mark.parametrize("key", ["laps.of", "faults.2.at", "faults.x", "laps.of.what"])
def test_a_key_that_leads_nowhere_is_refused(key):
    with pytest.raises(InputError, match=key):
        put({"laps": 1, "faults": [1, 2]}, key, 1)


def test_files_are_found_from_the_first_folder_that_has_them(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    (tmp_path / "two" / "mine.toml").touch()
    campaign = Campaign(scenario={"track": "mine.toml", "car": "tianyuan"})
    tasks = Tasks(campaign, {"it": campaign.scenario}, [tmp_path / "one", tmp_path / "two"])
    assert tasks[1].document["track"] == str(tmp_path / "two" / "mine.toml")
    assert tasks.values_of("car") == ["tianyuan"]
