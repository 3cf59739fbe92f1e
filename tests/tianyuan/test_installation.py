"""Installed, the folders are one package beside which every other package can live.

Both ways of installing are tried from outside the checkout, each in an environment of its
own. What the package depends on, python-control besides, is lent by the environment that
runs the tests, so nothing is downloaded.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tianyuan import ROOMS

BUILD = ("--quiet", "--no-deps", "--no-index", "--no-build-isolation")


def run(*command: str | Path, **settings: str) -> str:
    """Run a command outside the checkout; what it printed."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    outside = "/"
    done = subprocess.run(
        [str(word) for word in command],
        env={**clean, **settings},
        cwd=outside,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def build_wheel(source: Path, target: Path) -> Path:
    run(sys.executable, "-m", "pip", "wheel", *BUILD, "--wheel-dir", target, source)
    (wheel,) = target.glob("*.whl")
    return wheel


class Installation:
    """A virtual environment with the package in it."""

    def __init__(self, folder: Path, *what: str | Path) -> None:
        self.folder = folder
        run(sys.executable, "-m", "venv", "--without-pip", folder)
        (site,) = folder.glob("lib/python3*/site-packages")
        # A path line lends packages, yet not the finder of the editable install beside them.
        (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
        python = folder / "bin" / "python"
        run(sys.executable, "-m", "pip", "--python", python, "install", *BUILD, *what)

    def run(self, program: str, *arguments: str) -> str:
        cache = str(self.folder / "cache")
        return run(self.folder / "bin" / program, *arguments, NUMBA_CACHE_DIR=cache)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory, sources: Path) -> Path:
    return build_wheel(sources, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session", params=["wheel", "editable"])
def installation(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    sources: Path,
    wheel: Path,
) -> Installation:
    what = [wheel] if request.param == "wheel" else ["--editable", sources]
    return Installation(tmp_path_factory.mktemp(request.param), *what)


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_every_folder_is_declared_as_a_package(pyproject: dict[str, Any], files: set[str]) -> None:
    declared = pyproject["tool"]["setuptools"]
    on_disk = {Path(name).parent.as_posix().replace("/", ".") for name in files}
    rooms = {f"tianyuan.{room}": room for room in ROOMS}

    assert on_disk == set(declared["packages"])
    assert declared["package-dir"] == {"tianyuan": "tianyuan", **rooms}


def test_the_wheel_holds_every_file_of_the_folders(wheel: Path, files: set[str]) -> None:
    packed = {name for name in contents(wheel) if name.startswith("tianyuan/")}

    assert packed == files


def test_the_wheel_puts_nothing_beside_tianyuan_but_pytests_plugin(wheel: Path) -> None:
    beside = {name.partition("/")[0].partition("-")[0] for name in contents(wheel)}

    assert beside == {"tianyuan", "pytest_tianyuan.py"}


def test_a_wheel_built_from_the_sdist_is_the_same(
    tmp_path: Path, sources: Path, wheel: Path
) -> None:
    code = "import sys; from setuptools import build_meta as b; print(b.build_sdist(sys.argv[1]))"
    build = ["-c", f"import os, sys; os.chdir(sys.argv[2]); {code}", tmp_path, sources]
    sdist = tmp_path / run(sys.executable, *build).splitlines()[-1]
    shutil.unpack_archive(sdist, tmp_path)

    rebuilt = build_wheel(tmp_path / sdist.name.removesuffix(".tar.gz"), tmp_path / "wheel")

    assert contents(rebuilt) == contents(wheel)


def test_our_control_and_python_control_live_side_by_side(installation: Installation) -> None:
    code = (
        "import control, tianyuan.control.records as records\n"
        "print(control.tf([1], [1, 1]).poles()[0].real, records.PATH.names[0])"
    )

    assert installation.run("python", "-c", code) == "-1.0 s_m"


def test_no_folder_is_importable_by_its_bare_name(
    installation: Installation,
) -> None:
    bare = ["tests", *(room for room in ROOMS if room != "control")]
    code = f"import importlib.util as u; print([n for n in {bare} if u.find_spec(n)])"

    assert installation.run("python", "-c", code) == "[]"


def test_shipped_data_is_found_where_the_package_is(
    installation: Installation, files: set[str]
) -> None:
    data = sorted(name.removeprefix("tianyuan/") for name in files if not name.endswith(".py"))
    code = (
        "import tianyuan, sys\n"
        "for name in sys.argv[1:]:\n"
        "    room, _, file = name.partition('/')\n"
        "    assert (tianyuan.room(room) / file).read_bytes(), name\n"
    )

    installation.run("python", "-c", code, *data)


def test_every_module_can_be_imported(installation: Installation, files: set[str]) -> None:
    modules = [
        name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for name in sorted(files)
        if name.endswith(".py") and not name.endswith("__main__.py")
    ]

    installation.run("python", "-c", f"import {', '.join(modules)}")


def test_the_program_starts(installation: Installation) -> None:
    assert "Usage" in installation.run("tianyuan", "--help")


def test_python_can_finds_the_local_bus(installation: Installation) -> None:
    code = (
        "from importlib.metadata import entry_points\n"
        "import can\n"
        "assert 'tianyuan' in can.VALID_INTERFACES\n"
        "(entry,) = entry_points(group='can.interface', name='tianyuan')\n"
        "assert issubclass(entry.load(), can.BusABC)\n"
    )

    installation.run("python", "-c", code)


def test_every_dependency_is_pinned_by_name_and_version_alone(pyproject: dict[str, Any]) -> None:
    lines = (Path(__file__).parents[2] / "constraints.txt").read_text().splitlines()
    pins = [re.fullmatch(r"([A-Za-z0-9._-]+)==[A-Za-z0-9.+]+( ; .*)?", line) for line in lines]
    project = pyproject["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["dev"]

    assert all(pins)
    assert normalized(wanted) <= normalized([pin[1] for pin in pins if pin])


def normalized(requirements: list[str]) -> set[str]:
    """Names as an index compares them."""
    names = (re.match(r"[A-Za-z0-9._-]+", requirement) for requirement in requirements)
    return {re.sub(r"[-_.]+", "-", name[0]).lower() for name in names if name}
