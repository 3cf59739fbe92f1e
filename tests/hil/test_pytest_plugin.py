"""The plugin: the rig in other people's tests, and nothing at all where nobody asks for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tianyuan.control.errors import InputError
from tianyuan.hil.scenario.for_tests import Rig
from tianyuan.hil.scenario.on_bus import OnBus

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.compiled

LAP = 'track = "oval"\nlaps = 1\n'


def test_a_project_that_does_not_use_it_imports_nothing_of_it(pytester: pytest.Pytester):
    pytester.makeconftest(
        """
        import os, sys
        def pytest_sessionfinish():
            assert "pytest_tianyuan" in sys.modules
            heavy = {"tianyuan", "numba", "numpy", "pydantic"} & set(sys.modules)
            assert not heavy, heavy
            assert "NUMBA_CACHE_DIR" not in os.environ
        """
    )
    pytester.makepyfile(test_theirs="def test_theirs(tmp_path): pass")
    pytester.makefile(".toml", other="theirs = 1")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:hypothesispytest", "-p", "no:cacheprovider"],
        cwd=pytester.path,
        env=bare_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def bare_environment() -> dict[str, str]:
    import os

    return {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}


def test_a_test_drives_the_rig_and_judges_by_its_result(pytester: pytest.Pytester):
    pytester.makepyfile(
        """
        import pytest

        def test_emergency_stop(rig):
            stop = rig.fault("emergency_stop", at_speed_mps=15)
            result = rig.run(track="oval", faults=[stop])
            assert result.reaction == "emergency_stop", result.failures
            assert result.stopped_on_track and result.detected_ms <= 100

        def test_lap(rig):
            result = rig.run(track="oval", laps=1)
            assert len(result.laps) == 1 and result.seed == 7

        @pytest.mark.scenario("mine.toml")
        def test_of_a_file(rig):
            assert rig.run().on_track
            assert rig.run(seed=3, expect={"max_cross_track_m": 0.001}).failures
        """
    )
    pytester.path.joinpath("mine.toml").write_text(LAP)
    pytester.runpytest("--strict-markers", "--rig-seed=7").assert_outcomes(passed=3)


def test_scenario_files_are_tests_of_their_own(pytester: pytest.Pytester):
    known = '[expect]\nmax_cross_track_m = 0.001\nknown = "too strict"\n'
    files = {
        "good": LAP,
        "bad": f"{LAP}[expect]\nmax_cross_track_m = 0.001\n",
        "known": LAP + known,
        "mended": f'{LAP}[expect]\nknown = "was broken"\n',
        "wrong": f"{LAP}lapps = 1\n",
    }
    for name, text in files.items():
        pytester.path.joinpath(f"{name}.scenario.toml").write_text(text)
    result = pytester.runpytest("-rA", "--junit-xml=out.xml")
    result.assert_outcomes(passed=1, failed=3, xfailed=1)
    result.stdout.fnmatch_lines_random(
        [
            "it was * m off its line; 0.001 m is the most",
            "seed 1",
            "*mended.scenario.toml*",
            "it passes, yet its file knows why it should not: was broken",
            "*lapps: unknown key; did you mean laps?",
        ]
    )
    assert "Traceback" not in result.stdout.str()
    assert 'name="max_cross_track_m"' in pytester.path.joinpath("out.xml").read_text()


@pytest.mark.timed
def test_the_rig_drives_in_real_time_where_the_command_line_says_so(pytester: pytest.Pytester):
    pytester.makepyfile(
        """
        def test_start(rig):
            result = rig.run(track="oval", seconds=1.0, rate_hz=100, expect={"limits_kept": False})
            assert result.realtime and result.faults == []
        """
    )
    pytester.runpytest("--rig-realtime").assert_outcomes(passed=1)


def test_workers_of_xdist_share_the_scenarios(pytester: pytest.Pytester):
    for name in ("one", "two"):
        pytester.path.joinpath(f"{name}.scenario.toml").write_text(LAP)
    result = pytester.runpytest_subprocess("-n2", "-v")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines_random(["*PASSED*one.scenario.toml::one*"])


def test_a_scenario_is_its_file_with_some_keys_changed(tmp_path: Path):
    (tmp_path / "mine.toml").write_text(
        'about = "mine"\ntrack = "zhuzhou"\nlaps = 3\n[[faults]]\nfault = "brake_dead"\n'
        'circuit = "1"\n'
    )
    rig = Rig(folder=tmp_path)
    assert rig.made("mine.toml").laps == 3
    assert rig.made("mine.toml").faults[0].parameters["circuit"] == "1"
    assert rig.made("mine.toml", controller="pure-pursuit").track == "zhuzhou"
    assert rig.made("mine.toml", seconds=9.0).laps is None
    assert rig.made(track="oval").laps == 2
    assert rig.made("oval_lap").track == "oval"


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda rig: rig.fault("brake_ded"), "did you mean brake_dead"),
        (lambda rig: rig.fault("brake_dead", circuit="3"), "circuit = '3'"),
        (lambda rig: rig.fault("brake_dead", at_lap=2), "give one of"),
        (lambda rig: rig.made(trakc="oval"), "did you mean track"),
        (lambda rig: rig.made("nowhere.toml"), "no such file"),
        (lambda rig: rig.made("all"), "name one"),
        (lambda rig: rig.run(faults=[rig.fault("recorder_killed")]), "means nothing in virtual"),
        (lambda rig: Rig(realtime=OnBus("socketcan")).run(), "name the interface, as --channel"),
        (lambda rig: Rig(realtime=OnBus("socketcan", "no0")).run(), "no0: not there"),
        (lambda rig: Rig(realtime=OnBus("pcan", "0")).run(), "tianyuan bridge joins"),
        (lambda rig: Rig(realtime=OnBus()).run(faults=[rig.fault("bus_off")]), "-i socketcan"),
    ],
)
def test_a_mistake_of_a_test_is_one_line_with_its_remedy(ask, said):
    with pytest.raises(InputError) as refused:
        ask(Rig())
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
