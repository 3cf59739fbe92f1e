"""``tianyuan demo``: ten laps in virtual time, then host, guard and rig on a bus in real time."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from tianyuan.commands.lap import lap as run_lap
from tianyuan.commands.progress import bar
from tianyuan.control.errors import InputError
from tianyuan.drivers.local_bus import nodes

READY_S = 8.0  # the car stands ready for five seconds before race control says go
REPORT_S = 60.0  # the rig ends when the car stands, and writes its report
JOIN_S = 180.0  # a cold cache: the rig compiles before it joins the bus


def _program(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tianyuan", *arguments]


def _run(*arguments: str) -> None:
    """One command of ours, to its end; its failure, which it has explained, is ours."""
    status = subprocess.run(_program(*arguments), check=False).returncode
    if status:
        raise typer.Exit(status)


def _cpu_options(number: int) -> list[str]:
    usable = sorted(os.sched_getaffinity(0))
    return ["--cpu", str(usable[number])] if len(usable) > number else []


def _wait_for(bus: str, others: dict[str, subprocess.Popen[str]]) -> None:
    """Wait until each of the others is a node on the bus."""
    deadline = time.monotonic() + JOIN_S
    with bar(f"{' and '.join(others)} join the bus", total=None):
        while len(nodes(bus)) < len(others):
            for name, process in others.items():
                if process.poll() is not None:
                    why = process.communicate()[1].strip()
                    raise InputError(f"the {name} did not come up: {why}")
            if time.monotonic() > deadline:
                raise InputError(f"not all of {', '.join(others)} joined within {JOIN_S:.0f} s")
            time.sleep(0.1)


def _start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        _program(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _drive_over_the_bus(folder: Path, seconds: float, bus: str) -> None:
    """Host, guard and rig as three processes on a bus; host and guard print what they did."""
    common = ["--line", str(folder / "line.csv"), "--channel", bus]
    report, log = str(folder / "real-time.html"), str(folder / "drive.blf")
    rig = _start("rig", *common, "--laps", "10", "--report", report, *_cpu_options(0))
    guard = _start("guard", "--channel", bus, *_cpu_options(0))
    try:
        _wait_for(bus, {"rig": rig, "guard": guard})
        _run("drive", *common, "--seconds", str(seconds + READY_S), "--log", log, *_cpu_options(1))
        _, said = rig.communicate(timeout=REPORT_S)
        guard.terminate()
        typer.echo(guard.communicate(timeout=REPORT_S)[0].rstrip())
    except subprocess.TimeoutExpired:
        raise InputError(f"rig or guard did not end within {REPORT_S:.0f} s of the host") from None
    finally:
        rig.kill()
        guard.kill()
    if rig.returncode != 0:
        raise InputError(f"the rig failed: {said.strip()}")


def demo(
    folder: Annotated[Path, typer.Option("--folder", help="Where reports and log go.")] = Path(
        "runs/demo"
    ),
    laps: Annotated[int, typer.Option("--laps", min=1, help="In virtual time.")] = 10,
    seconds: Annotated[
        float, typer.Option("--seconds", min=1.0, help="Of driving in real time.")
    ] = 20.0,
) -> None:
    """Ten laps of Zhuzhou in virtual time, then real-time driving over the bus."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--folder {folder}: {error.strerror}") from None
    _run("raceline", "-o", str(folder / "line.csv"))
    run_lap(laps=laps, line=folder / "line.csv", report=folder / "virtual.html")
    # A socket's path is short, and nobody's old nodes are here.
    with tempfile.TemporaryDirectory(prefix="tianyuan-") as place:
        _drive_over_the_bus(folder, seconds, f"{place}/bus")
    _run("replay", str(folder / "drive.blf"))
    typer.echo(f"\nreports: {folder}/virtual.html and {folder}/real-time.html")
    typer.echo(f"log: {folder}/drive.blf, with dbc/tianyuan.dbc and dbc/host.dbc to read it by")
