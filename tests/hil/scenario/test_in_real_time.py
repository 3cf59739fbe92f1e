"""The run in real time, with stand-ins for its processes: in which order all of it ends."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tianyuan.control.errors import InputError
from tianyuan.hil.faults.files import Inputs
from tianyuan.hil.scenario import in_real_time
from tianyuan.hil.scenario.model import Scenario
from tianyuan.hil.scenario.on_bus import OnBus

RACE = np.dtype([("began_ns", "i8"), ("finished", "i8")])


class Process:
    """One that runs until it is killed, or has ended with a status."""

    def __init__(self, happened: list[str], name: str, status: int | None) -> None:
        self.happened, self.name, self.status = happened, name, status

    def poll(self) -> int | None:
        return self.status

    def kill(self) -> None:
        self.happened.append(f"{self.name} killed")

    def communicate(self) -> tuple[None, str]:
        return None, f"tianyuan: {self.name}: wrong"


@pytest.fixture
def happened(monkeypatch) -> list[str]:
    """What happens when, in a run whose rig does nothing but wait for its end."""
    told: list[str] = []

    def rig(world, life, buses, cpu, progress, over: threading.Event, about) -> None:
        over.wait()
        told.append("rig ended")

    inputs = Inputs(Path("car.toml"), Path("oval.toml"), Path("line.csv"))
    monkeypatch.setattr(in_real_time, "drive_rig", rig)
    monkeypatch.setattr(in_real_time, "write_inputs", lambda *_: inputs)
    return told


def starts(monkeypatch, happened: list[str], **ended: int) -> None:
    def start(self, name: str, *arguments: str) -> Process:
        happened.append(f"{name} started")
        self.all.append(Process(happened, name, ended.get(name)))
        return self.all[-1]

    monkeypatch.setattr(in_real_time._Processes, "start", start)


def ready(began_ns: int) -> SimpleNamespace:
    """A run that is over at once, by its time."""
    race = np.zeros(1, RACE).view(np.recarray)
    race.began_ns = began_ns
    heard = np.ones(1, [("count", "i8")])
    return SimpleNamespace(
        car=SimpleNamespace(guard={"permit": 1}, buses={"main": None}), period_ns=2_000_000,
        longest_s=0.0, world=None, life=SimpleNamespace(race=race, permit_received=heard),
    )  # fmt: skip


def test_the_rig_sees_nothing_of_how_guard_and_host_are_killed(happened, monkeypatch):
    starts(monkeypatch, happened)
    done = in_real_time.drive(ready(1), Scenario(seconds=1.0), "test", OnBus())
    assert done == {}
    assert happened == [
        "guard started",
        "drive started",
        "rig ended",
        "guard killed",
        "drive killed",
    ]


def test_a_host_that_ends_before_it_has_begun_is_told(happened, monkeypatch):
    starts(monkeypatch, happened, drive=2)
    with pytest.raises(InputError, match="test: tianyuan: drive: wrong"):
        in_real_time.drive(ready(0), Scenario(seconds=1.0), "test", OnBus())
    assert "guard killed" in happened


def test_a_host_that_is_to_refuse_and_does_has_not_driven(happened, monkeypatch):
    starts(monkeypatch, happened, drive=2)
    scenario = Scenario.model_validate({"seconds": 1.0, "expect": {"reaction": "refused"}})
    assert in_real_time.drive(ready(0), scenario, "test", OnBus()) == {}
