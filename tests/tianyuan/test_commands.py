"""The program as people run it: somewhere else, on good input and on bad."""

from __future__ import annotations

import json
import math
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import can
import pytest

from tianyuan import cli
from tianyuan.drivers.local_bus import nodes
from tianyuan.firmware.ring_file import ring_file
from tianyuan.rooms import room

pytestmark = [pytest.mark.compiled, pytest.mark.timed]

COMMANDS = tuple(cli.COMMANDS)
LAP_KEYS = {
    "time_s",
    "rms_cross_track_m",
    "max_cross_track_m",
    "min_edge_margin_m",
    "top_speed_mps",
}
PATIENCE_S = 300  # a cold cache on a busy machine
Run = Callable[..., subprocess.CompletedProcess]


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder far from the checkout, with a car in it that does not wait to be ready."""
    folder = tmp_path_factory.mktemp("elsewhere")
    shipped = (room("firmware") / "cars" / "tianyuan.toml").read_text()
    (folder / "tianyuan.toml").write_text(shipped + "\n[supervisor]\nready_dwell_s = 0.0\n")
    return folder


def tianyuan(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "tianyuan", *arguments],
        cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def line(place) -> Path:
    """The oval's line, planned once by the program itself."""
    done = tianyuan(place, "raceline", "--track", "oval", "-o", "line.csv", "--json", "line.json")
    assert (done.returncode, done.stderr) == (0, "")
    return place / "line.csv"


def stops(run: dict) -> list[tuple[str, str]]:
    """What stopped a run's car while it moved, and why."""
    return [(each["reaction"], each["cause"]) for each in run["reactions"]]


def test_help_tells_what_there_is(place):
    done = tianyuan(place, "--help")
    assert done.returncode == 0
    assert "Usage" in done.stdout
    assert all(name in done.stdout for name in COMMANDS)


@pytest.fixture(scope="module")
def helps(tmp_path_factory, forked) -> dict[str, tuple[int, str, str]]:
    """What the program answers that is asked for each command's help."""
    done = forked(tmp_path_factory.mktemp("helps"), [[name, "--help"] for name in COMMANDS])
    return dict(zip(COMMANDS, done, strict=True))


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(helps, command):
    status, out, err = helps[command]
    assert (status, err) == (0, "")
    assert f"Usage: tianyuan {command}" in out


def test_the_version_is_the_packages(place):
    done = tianyuan(place, "--version")
    assert (done.returncode, done.stdout.strip()) == (0, "0.1.0")


def test_a_lap_s_json_is_all_that_standard_output_holds(place, line):
    arguments = ("lap", "--track", "oval", "--laps", "2", "--line", str(line), "--json")
    done = tianyuan(place, *arguments, "-", "--report", "lap.html", "--picture", "lap.svg")
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    run = json.loads(done.stdout)
    assert set(run) >= {"finished", "stop_cause", "laps", "real_time_factor"}
    assert (run["finished"], run["stop_cause"]) == (True, "CHEQUERED_FLAG")
    assert stops(run) == [("controlled_stop", "CHEQUERED_FLAG")]
    assert len(run["laps"]) == 2
    for lap in run["laps"]:
        assert set(lap) >= LAP_KEYS
        assert lap["min_edge_margin_m"] > 0
    assert run["real_time_factor"] > 1
    planned = json.loads((place / "line.json").read_text())
    assert run["laps"][1]["time_s"] == pytest.approx(planned["predicted_lap_s"], rel=0.05)
    page = (place / "lap.html").read_text()
    assert "<html" in page
    assert not any(word in page for word in ('src="http', 'href="http', "@import", 'src="//'))
    # The line on disk drives the same laps, bit for bit, as the one planned on the spot.
    again = tianyuan(place, "lap", "--track", "oval", "--laps", "2", "--json", "lap.json")
    assert again.returncode == 0
    assert "not finished" not in again.stdout
    assert json.loads((place / "lap.json").read_text())["laps"] == run["laps"]
    assert run["buses"] == []


def test_a_lap_over_modelled_buses_tells_their_load_and_every_message_s_latency(place, line):
    arguments = ("lap", "--track", "oval", "--laps", "1", "--line", str(line), "--bus-model")
    done = tianyuan(place, *arguments, "--json", "bus.json")
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    (bus,) = json.loads((place / "bus.json").read_text())["buses"]
    assert f"load {bus['load']:.1%}" in done.stdout
    steering = next(each for each in bus["messages"] if each["name"] == "STEERING_COMMAND")
    assert 0 < steering["min_us"] <= steering["median_us"] <= steering["max_us"] < 2000
    assert sum(each["frames"] for each in bus["messages"]) == bus["frames"]


@pytest.fixture
def bus() -> Iterator[str]:
    directory = tempfile.mkdtemp(prefix="bus-")
    yield f"{directory}/can0"
    shutil.rmtree(directory)


def started(place: Path, *arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "tianyuan", *arguments],
        cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def hear(bus: str, wanted: Callable[[can.Message], bool]) -> None:
    """Wait for a frame on the bus, as any program may that knows python-can."""
    end = time.monotonic() + PATIENCE_S
    with can.Bus(interface="tianyuan", channel=bus) as ear:
        while time.monotonic() < end:
            message = ear.recv(1.0)
            if message is not None and wanted(message):
                return
    raise AssertionError("not heard in time")


def fast(message: can.Message) -> bool:
    """GNSS_VELOCITY says more than 5 m/s."""
    return message.arbitration_id == 0x101 and int.from_bytes(message.data[2:4], "little") > 1000


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_at_speed_stops_the_car_and_then_the_program(place, line, bus, number):
    common = ("--car", "tianyuan.toml", "--track", "oval", "--line", str(line), "-c", bus)
    rig = started(place, "rig", *common, "--laps", "5", "--json", "-")
    guard = started(place, "guard", "--rate", "100", "-c", bus, "--json", "-")
    try:
        while len(nodes(bus)) < 2:
            assert rig.poll() is None, rig.communicate()
            assert guard.poll() is None, guard.communicate()
            time.sleep(0.1)
        log = f"drive-{number}.blf"
        drive = started(place, "drive", *common, "--rate", "100", "--log", log, "--json", "-")
        hear(bus, fast)
        drive.send_signal(number)
        said, complained = drive.communicate(timeout=30)
        assert drive.returncode == 0
        assert "Traceback" not in complained
        figures = json.loads(said)
        assert figures["ticks"] > 100
        assert figures["lost_by_recorder"] == 0
        told, _ = rig.communicate(timeout=30)
        assert rig.returncode == 0
        seen = json.loads(told)
        assert seen["stop_cause"] == "SHUTDOWN"
        assert stops(seen) == [("controlled_stop", "SHUTDOWN")]
        guard.send_signal(number)
        kept, granted = guard.communicate(timeout=30)
        assert guard.returncode == 0
        assert json.loads(kept)["grants"] >= 1
        assert [line for line in granted.splitlines() if "permit granted" in line]
        assert [line for line in granted.splitlines() if "withdrawn: guard ended" in line]
    finally:
        rig.kill()
        guard.kill()
    replayed = tianyuan(place, "replay", log, "--json", "-")
    assert replayed.returncode == 0
    outcome = json.loads(replayed.stdout)
    assert (outcome["ticks"], outcome["bit_exact"]) == (figures["ticks"], True)


def test_a_second_signal_ends_a_drive_at_once(place, line, bus):
    drive = started(place, "drive", "--track", "oval", "--line", str(line), "-c", bus)
    hear(bus, lambda message: message.arbitration_id == 0x090)
    drive.send_signal(signal.SIGTERM)
    drive.send_signal(signal.SIGTERM)
    drive.communicate(timeout=30)
    assert drive.returncode == 0


def test_the_last_seconds_of_a_host_that_was_killed_can_be_read(place, line, bus):
    drive = started(place, "drive", "--track", "oval", "--line", str(line), "-c", bus)
    hear(bus, lambda message: message.arbitration_id == 0x090)
    time.sleep(0.5)
    drive.kill()
    drive.communicate()
    done = tianyuan(place, "record", "last.log", "-c", bus)
    assert (done.returncode, done.stderr) == (0, "")
    with can.LogReader(str(place / "last.log")) as reader:
        markers = [message for message in reader if message.arbitration_id == 0x700]
    assert len(markers) > 100
    # A host that is started again has a ring of its own, and keeps this one.
    again = tianyuan(place, "drive", *OVAL, "-c", bus, "--seconds", "0.5")
    assert again.returncode == 0
    left = ring_file(bus).with_suffix(".ring.dead")
    rescued = tianyuan(place, "record", "again.log", "--ring", str(left))
    assert rescued.returncode == 0
    assert (place / "again.log").read_bytes() == (place / "last.log").read_bytes()
    left.unlink()


def test_a_host_that_is_refused_leaves_the_log_of_the_one_that_drives_alone(place, line, bus):
    log = place / "kept.log"
    log.write_text("precious\n")
    first = started(place, "drive", *OVAL, "-c", bus)
    hear(bus, lambda message: message.arbitration_id == 0x090)
    second = tianyuan(place, "drive", *OVAL, "-c", bus, "--log", "kept.log")
    first.terminate()
    first.communicate(timeout=30)
    assert second.returncode == 2
    assert second.stderr.count("\n") == 1
    assert "drives on it already" in second.stderr
    assert log.read_text() == "precious\n"
    assert not (place / "kept.log.run.json").exists()


def test_a_warm_start_is_told_stage_by_stage(place, line, bus):
    done = tianyuan(place, "drive", *OVAL, "-c", bus, "--seconds", "0.3", "--json", "-")
    figures = json.loads(done.stdout)
    assert list(figures["boot_s"]) == ["load", "check", "compile", "warm up", "lock", "arm"]
    assert sum(figures["boot_s"].values()) == pytest.approx(figures["ready_s"])
    assert f"ready after {figures['ready_s']:.2f} s" in done.stderr
    assert (figures["allocations"], figures["compilations"]) == (0, 0)


def test_warming_up_says_what_it_compiled_and_leaves_nothing_to_compile(place):
    arguments = ("warmup", "--track", "oval", "--json", "-")
    first = json.loads(tianyuan(place, *arguments).stdout)["seconds"]
    second = json.loads(tianyuan(place, *arguments).stdout)["seconds"]
    assert set(first) == set(second) >= {"line", "host", "rig"}


def with_line(name: str, edit: Callable[[list[str]], None], line: Path) -> str:
    rows = line.read_text().splitlines()
    edit(rows)
    (line.parent / name).write_text("\n".join(rows) + "\n")
    return name


def put_nan(rows: list[str]) -> None:
    cells = rows[40].split(",")
    cells[1] = "nan"
    rows[40] = ",".join(cells)


def spoilt_car(place: Path, name: str, old: str, new: str) -> str:
    text = (place / "tianyuan.toml").read_text()
    assert old in text
    (place / name).write_text(text.replace(old, new, 1))
    return name


@pytest.fixture(scope="module")
def bad(place, line) -> Path:
    """Everything that can be wrong, in files."""
    (place / "broken.dbc").write_text('VERSION ""\n\nBO_ 1 nonsense\n')
    spoilt_car(place, "dbc.toml", '["tianyuan.dbc"]', '["broken.dbc"]')
    spoilt_car(place, "nodbc.toml", '["tianyuan.dbc"]', '["none.dbc"]')
    spoilt_car(place, "key.toml", "mass_kg", "mas_kg")
    spoilt_car(place, "value.toml", "steer_rate_radps = 0.85", "steer_rate_radps = 90.0")
    spoilt_car(place, "signal.toml", "IMU.AccelX", "IMU.AccelQ")
    spoilt_car(place, "guard.toml", "GUARD_PERMIT.Cause", "GUARD_PERMIT.Causes")
    spoilt_car(place, "toml.toml", "[vehicle]", "[vehicle")
    with_line("nan.csv", put_nan, line)
    with_line("short.csv", lambda rows: rows.__delitem__(slice(9, None)), line)
    circle = [f"{60 * c:.4f},{60 * s:.4f},0.7,0.7" for c, s in points()]
    (place / "narrow.csv").write_text("\n".join(circle) + "\n")
    (place / "garbled.blf").write_bytes(b"LOGG" + bytes(100))
    (place / "list.blf").write_bytes(b"")
    (place / "list.blf.run.json").write_text("[]")
    return place


def points() -> list[tuple[float, float]]:
    return [(math.cos(a / 32 * math.pi), math.sin(a / 32 * math.pi)) for a in range(64)]


OVAL = ("--track", "oval", "--line", "line.csv")
BAD = {
    "missing car": (("lap", "--car", "none.toml"), "none.toml"),
    "unknown car": (("lap", "--car", "tianyaun"), "tianyuan"),
    "missing track": (("lap", "--track", "none.csv"), "none.csv"),
    "unknown track": (("lap", "--track", "zhuzou"), "zhuzhou"),
    "missing line": (("lap", "--track", "oval", "--line", "none.csv"), "none.csv"),
    "missing log": (("replay", "none.blf"), "none.blf"),
    "log without a card": (("replay", "garbled.blf"), "garbled.blf"),
    "card that is a list": (("replay", "list.blf"), "list.blf"),
    "another host's log without a car": (("replay", "garbled.blf", "--track", "oval"), "--car"),
    "report of no question": (("replay", "garbled.blf", "--report", "a.html"), "--set"),
    "workers for one log": (("replay", "garbled.blf", "--workers", "2"), "--workers"),
    "bus without a channel": (("replay", "garbled.blf", "--bus", "car"), "--bus car"),
    "log onto no adapter": (("replay", "garbled.blf", "--to-bus", "-i", "nowhere"), "nowhere"),
    "frames of no kind": (("replay", "garbled.blf", "--to-bus", "--frames", "up"), "--frames up"),
    "malformed DBC": (("lap", "--car", "dbc.toml", *OVAL), "broken.dbc"),
    "missing DBC": (("lap", "--car", "nodbc.toml", *OVAL), "none.dbc"),
    "unknown key": (("lap", "--car", "key.toml", *OVAL), "vehicle.mas_kg"),
    "value out of bounds": (("lap", "--car", "value.toml", *OVAL), "limits.steer_rate_radps"),
    "unknown signal": (("lap", "--car", "signal.toml", *OVAL), "AccelQ"),
    "no TOML": (("lap", "--car", "toml.toml", *OVAL), "toml.toml"),
    "NaN in the line": (("lap", "--track", "oval", "--line", "nan.csv"), "line 41"),
    "line cut short": (("lap", "--track", "oval", "--line", "short.csv"), "short.csv"),
    "narrow track": (("lap", "--track", "narrow.csv"), "narrow.csv"),
    "unknown controller": (("lap", "--controller", "mpc", *OVAL), "--controller mpc"),
    "unknown rate": (("drive", "--rate", "300", *OVAL), "--rate 300"),
    "unknown option": (("lap", "--lap", "3"), "--lap"),
    "no laps": (("lap", "--laps", "0"), "--laps"),
    "no number": (("lap", "--laps", "many"), "--laps"),
    "unknown command": (("lapp",), "lapp"),
    "missing argument": (("replay",), "log"),
    "missing output": (("raceline", "--track", "oval"), "--output"),
    "guard of another bus": (("guard", "--seconds", "1", "-i", "pcan"), "pcan"),
    "guard of no car": (("guard", "--seconds", "1", "--car", "none.toml"), "none.toml"),
    "guard of half a car": (("guard", "--seconds", "1", "--car", "guard.toml"), "Causes"),
    "guard of another rate": (("guard", "--seconds", "1", "--rate", "300"), "--rate 300"),
    "guard on no bus": (("guard", "--seconds", "1", "-c", "a b"), "a b"),
    "other bus": (("drive", "-i", "pcan", *OVAL), "pcan"),
    "no such interface": (("drive", "-i", "socketcan", "-c", "can77", *OVAL), "can77"),
    "unwritable line": (("raceline", "--track", "oval", "-o", "none/line.csv"), "none/line.csv"),
    "unwritable JSON": (("lap", "-n", "1", *OVAL, "--json", "none/lap.json"), "none/lap.json"),
    "unwritable report": (("lap", "-n", "1", *OVAL, "--json", "a.json", "--report", "none/a.html"),
        "none/a.html"),
    "unwritable log": (("drive", *OVAL, "--log", "none/a.blf", "--seconds", "1"), "none/a.blf"),
    "unknown log": (("drive", *OVAL, "--log", "a.xyz", "--seconds", "1", "-c", "{bus}"), "a.xyz"),
    "no bus": (("drive", *OVAL, "--seconds", "1", "-c", "a b"), "a b"),
    "no ring": (("record", "a.blf", "-c", "none"), "none.ring"),
    "no such ring": (("record", "a.blf", "--ring", "none.ring"), "none.ring"),
    "ring that is none": (("record", "a.blf", "--ring", "line.csv"), "line.csv"),
    "unknown car to warm up": (("warmup", "--car", "none.toml"), "none.toml"),
    "unwritable demo": (("demo", "--folder", "line.csv/demo"), "line.csv/demo"),
}  # fmt: skip


@pytest.fixture(scope="module")
def refused(bad, forked) -> dict[str, tuple[int, str]]:
    """Exit status and standard error of the program on each bad input."""
    bus = tempfile.mkdtemp(prefix="bus-")
    asked = [[word.format(bus=bus) for word in arguments] for arguments, _ in BAD.values()]
    done = forked(bad, asked)
    shutil.rmtree(bus)
    return {what: (status, said) for what, (status, _, said) in zip(BAD, done, strict=True)}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_ends_in_one_line_that_names_it(refused, what):
    status, said = refused[what]
    assert said.startswith("tianyuan: ")
    assert said.count("\n") == 1
    assert BAD[what][1] in said
    assert "Traceback" not in said
    assert status == 2


@pytest.mark.parametrize("what", ["missing car", "NaN in the line", "unknown option"])
def test_a_program_of_its_own_says_the_same(bad, refused, what):
    done = tianyuan(bad, *BAD[what][0])
    assert (done.returncode, done.stdout) == (2, "")
    status, said = refused[what]
    assert done.returncode == status
    assert done.stderr.replace("python -m tianyuan", "tianyuan") == said


def test_no_command_at_all_shows_the_help_and_fails(place):
    done = tianyuan(place)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert all(name in done.stdout + done.stderr for name in COMMANDS)


def test_a_car_that_does_not_finish_is_a_failure(place, line):
    shy = spoilt_car(place, "shy.toml", "ready_dwell_s = 0.0", "arm_cross_track_m = 0.1")
    plant = (room("hil") / "vehicles" / "tianyuan.toml").read_text()
    assert "\nnoise_m = " in plant
    (place / "shy.plant.toml").write_text(plant.replace("\nnoise_m = ", "\nnoise_m = 5.0 # "))
    done = tianyuan(place, "lap", "--car", shy, *OVAL, "-n", "1", "--json", "-")
    assert done.returncode == 1
    assert json.loads(done.stdout)["finished"] is False
