"""Copies of the sources, to build from and to edit, and the program without its start."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tianyuan import ROOMS

ROOT = Path(__file__).parents[2]
FOLDERS = ("tianyuan", *ROOMS)
NOT_SOURCES = shutil.ignore_patterns("__pycache__", ".*")

PATIENCE_S = 300  # a busy machine
# Importing a command takes a second; a fork of a program that has done so takes none.
FORKS = """
import importlib, json, os, sys
from tianyuan.cli import COMMANDS, main
asked = json.load(sys.stdin)
for name in {arguments[0] for arguments in asked} & set(COMMANDS):
    importlib.import_module(f"tianyuan.commands.{name}")
for number, arguments in enumerate(asked):
    if os.fork() == 0:
        for stream, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(f"{number}.{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
        sys.argv = ["tianyuan", *arguments]
        main()
    print(os.waitstatus_to_exitcode(os.wait()[1]))
"""

Answer = tuple[int, str, str]  # exit status, standard output, standard error


@pytest.fixture(scope="session")
def forked() -> Callable[[Path, Sequence[Sequence[str]]], list[Answer]]:
    """The program run in a folder, once for each list of arguments, one after the other."""

    def run(folder: Path, asked: Sequence[Sequence[str]]) -> list[Answer]:
        done = subprocess.run(
            [sys.executable, "-c", FORKS],
            cwd=folder, input=json.dumps(asked), capture_output=True, text=True,
            timeout=PATIENCE_S, check=True,
        )  # fmt: skip
        said = [
            [(folder / f"{number}.{stream}").read_text() for stream in ("out", "err")]
            for number in range(len(asked))
        ]
        statuses = map(int, done.stdout.split())
        return [(status, *each) for status, each in zip(statuses, said, strict=True)]

    return run


@pytest.fixture(scope="session")
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that a build reads, since it must not leave its own folders in the checkout."""
    return copy_sources(tmp_path_factory.mktemp("sources") / "checkout")


@pytest.fixture(scope="session")
def files(sources: Path) -> set[str]:
    """Every file of the package, by the path it has once installed."""
    found = (path for folder in FOLDERS for path in (sources / folder).rglob("*"))
    return {installed_path(path.relative_to(sources)) for path in found if path.is_file()}


@pytest.fixture(scope="session")
def decorators(sources: Path) -> dict[str, ast.Call]:
    """Names that the package gives to compilers, as in ``kernel = njit(cache=True)``."""
    found = {}
    for path in (path for folder in FOLDERS for path in (sources / folder).rglob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and is_compiler(node.value):
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                found[ast.unparse(target)] = node.value
    return found


def is_compiler(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Call) and ast.unparse(value.func).split(".")[-1] in {"jit", "njit"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The sources in the checkout's layout, for one test to edit."""
    return copy_sources(tmp_path / "checkout")


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The same as a wheel lays them out; the folder is for PYTHONPATH."""
    for folder in FOLDERS:
        target = tmp_path / "site" / installed_path(Path(folder))
        shutil.copytree(ROOT / folder, target, ignore=NOT_SOURCES)
    return tmp_path / "site"


def copy_sources(target: Path) -> Path:
    target.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "pytest_tianyuan.py"):
        shutil.copy(ROOT / name, target)
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, target / folder, ignore=NOT_SOURCES)
    return target


def installed_path(path: Path) -> str:
    return path.as_posix() if path.parts[0] == "tianyuan" else f"tianyuan/{path.as_posix()}"
