"""The loop calm and disturbed, in turns: deadlines missed of both."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tianyuan.hil.benches import loop
from tianyuan.hil.benches.contest import Outcome, take_turns
from tianyuan.hil.benches.disturbance import disturbance
from tianyuan.hil.benches.loop import Bench, Progress, Setup, Turn


def measure(setup: Setup, turns: int, progress: Progress) -> Outcome:
    """The same drive with and without disturbance, recorded both times, in alternating order.

    ``progress`` is told seconds done, of ``seconds_of(…)``.
    """
    calm: list[Turn] = []
    disturbed: list[Turn] = []
    done: list[dict[str, Any]] = []
    with loop.bench_of(setup) as bench:
        contestants: list[Callable[[str, Progress], object]] = [
            lambda name, told: calm.append(_calm(bench, name, told)),
            lambda name, told: disturbed.append(_disturbed(bench, name, told, done)),
        ]
        take_turns(contestants, turns, setup.seconds, progress)
    both = {"calm": figures(calm), "disturbed": figures(disturbed)}
    by_turn = [
        {"calm": counts(before), "disturbed": counts(after) | how}
        for before, after, how in zip(calm, disturbed, done, strict=True)
    ]
    return Outcome(both["calm"] | both | {"turns": by_turn}, disturbed[-1].steps)


def seconds_of(setup: Setup, turns: int) -> float:
    """How long all turns take."""
    return setup.seconds * turns * 2


def figures(turns: list[Turn]) -> dict[str, Any]:
    """Percentiles and counts of some turns."""
    return loop.stages(turns) | loop.totals(turns)


def counts(turn: Turn) -> dict[str, Any]:
    """What one turn missed and lost."""
    return {"overruns": turn.overruns, "missed": turn.missed, "lost_by_recorder": turn.lost}


def _folder(bench: Bench, name: str) -> Path:
    folder = bench.folder / f"{name}.log"
    folder.mkdir()
    return folder


def _calm(bench: Bench, name: str, progress: Progress) -> Turn:
    return loop.driven(bench, name, progress, _folder(bench, name) / "drive.blf")


def _disturbed(bench: Bench, name: str, progress: Progress, done: list[dict[str, Any]]) -> Turn:
    folder, cpu = _folder(bench, name), bench.setup.cpu
    with disturbance(bench.bus(name), cpu, folder, os.getpid()) as how:
        turn = loop.driven(bench, name, progress, how.log)
    done.append(how.figures)
    return turn
