"""A folder of logs is a regression suite: a changed result shows, until it is accepted."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ET
from contextlib import closing

import pytest

from tianyuan.control.errors import InputError
from tianyuan.firmware.log_file import card_file, part
from tianyuan.hil.campaign.cluster import Cluster
from tianyuan.hil.replay import run, suite
from tianyuan.hil.replay.reference import (
    changes,
    read_reference,
    reference_file,
    write_reference,
)
from tianyuan.hil.replay.source import Named
from tianyuan.hil.replay.suite import Job

compiled = pytest.mark.compiled


@pytest.fixture
def folder(log, tmp_path):
    """Two logs of the same drive, the second in a folder of its own, cut short."""
    (tmp_path / "logs" / "b").mkdir(parents=True)
    for name, cut in (("a.blf", 1.0), ("b/b.blf", 0.3)):
        to = tmp_path / "logs" / name
        content = log.read_bytes()
        to.write_bytes(content[: int(cut * len(content))])
        shutil.copy(card_file(log), card_file(to))
    return tmp_path / "logs"


def cases(folder, workers=2):
    logs, _ = suite.logs_of(folder, Named())
    job = Job(logs, Named())
    suite.compile_first(job)
    return sorted(suite.cases(job, workers), key=lambda case: case.log)


@compiled
def test_a_log_is_new_then_the_same_and_a_change_is_told(folder, driven, tmp_path):
    first = cases(folder)
    assert [case.verdict for case in first] == ["new", "new"]
    for case in first:
        write_reference(case.log, case.document)
    kept = read_reference(folder / "a.blf")
    assert (kept["ticks"], kept["differing_frames"]) == (driven.ticks, 0)
    ticks = sum(kept["figures"][f"{mode}_ticks"] for mode in
                ("off", "ready", "driving", "controlled_stop", "emergency_stop"))  # fmt: skip
    assert ticks == driven.ticks
    assert "STEERING_COMMAND" in kept["messages"]

    kept["figures"]["top_speed_mps"] += 0.5
    write_reference(folder / "a.blf", kept)
    (folder / "b" / "b.blf").write_bytes(b"")
    again = cases(folder)
    assert [case.verdict for case in again] == ["changed", "failed"]
    assert list(again[0].changes) == ["figures.top_speed_mps"]
    assert any("figures.top_speed_mps" in line for line in suite.told(again[0]))

    suite.write_junit(tmp_path / "junit.xml", again)
    (found,) = ET.parse(tmp_path / "junit.xml").getroot().iter("testsuite")
    assert (found.get("tests"), found.get("failures"), found.get("errors")) == ("2", "1", "1")


@compiled
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_cluster_s_cases_are_those_of_this_machine(folder):
    from distributed import LocalCluster

    here = cases(folder)
    logs, _ = suite.logs_of(folder, Named())
    with (
        LocalCluster(
            n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
        ) as started,
        closing(Cluster(started.scheduler_address)) as cluster,
    ):
        there = sorted(suite.cases(Job(logs, Named()), 1, cluster), key=lambda case: case.log)
    assert [case._replace(took_s=0.0) for case in there] == [
        case._replace(took_s=0.0) for case in here
    ]


@compiled
def test_a_reference_does_not_depend_on_how_the_log_is_cut_up(folder, monkeypatch):
    job = Job((folder / "a.blf",), Named())
    one = suite.drive(job, 0)
    monkeypatch.setattr(run, "TICKS", 77)
    other = suite.drive(job, 0)
    assert one["document"] == other["document"]


def test_parts_belong_to_their_log_and_a_reference_without_a_log_is_told(folder):
    part(folder / "a.blf", 2).write_bytes(b"")
    (folder / "bystander.blf").write_bytes(b"")
    reference_file(folder / "gone.blf").write_text("{}")
    logs, stale = suite.logs_of(folder, Named())
    assert [log.name for log in logs] == ["a.blf", "b.blf"]
    assert [file.name for file in stale] == ["gone.blf.replay.json"]
    logs, _ = suite.logs_of(folder, Named("tianyuan", "oval"))
    assert [log.name for log in logs] == ["a.blf", "b.blf", "bystander.blf"]


def test_a_folder_without_logs_is_refused(tmp_path):
    with pytest.raises(InputError, match="--car"):
        suite.logs_of(tmp_path, Named())


@pytest.mark.parametrize("content", ["", "[]", '{"format": 0}', "\x00"])
def test_what_is_no_reference_is_told(tmp_path, content):
    reference_file(tmp_path / "a.blf").write_text(content)
    with pytest.raises(InputError, match="--accept"):
        read_reference(tmp_path / "a.blf")


def test_changes_are_told_by_key_with_what_is_gone_and_what_is_new():
    kept, now = {"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 1, "c": 4, "e": 5}}
    assert changes(kept, now) == {"a.c": (2, 4), "d": (3, None), "a.e": (None, 5)}
    assert changes(json.loads(json.dumps(kept)), kept) == {}
