"""Compiled code is never older than what it was compiled from, and never piles up."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import threading
import time
import timeit
from pathlib import Path
from typing import Any

import pytest
from numba.core.caching import IndexDataCacheFile

import tianyuan
import tianyuan.control.kernels  # has the entries of numba's cache locked
from tianyuan import cache

WHERE = "import tianyuan; print(tianyuan.cache_directory())"


def run(code: str, folder: Path, **settings: str) -> str:
    """Run Python code on the sources in ``folder``; what it printed."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    environment = {**clean, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", **settings}
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command,
        env=environment,
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    ).stdout.strip()


def make_kernels(installed: Path, returned: int) -> None:
    control = installed / "tianyuan" / "control"
    (control / "callee.py").write_text(
        "import numba\n\n\n@numba.njit(cache=True)\n"
        f"def callee(values):\n    return {returned} + 0 * values[3]\n"
    )
    (control / "caller.py").write_text(
        "import numba\nfrom tianyuan.control.callee import callee\n\n\n@numba.njit(cache=True)\n"
        "def caller(values):\n    return callee(values)\n"
    )


CALL = """
import numpy as np
from tianyuan.control.caller import caller
try:
    print(caller(np.zeros({length}, np.int64)), sum(caller.stats.cache_hits.values()))
except IndexError:
    print("out of bounds")
"""


def test_an_edit_in_an_imported_module_is_never_hidden_by_the_cache(
    installed: Path, tmp_path: Path
) -> None:
    parent = str(tmp_path / "cache")
    make_kernels(installed, returned=1)
    first = run(CALL.format(length=4), installed, NUMBA_CACHE_DIR=parent)
    again = run(CALL.format(length=4), installed, NUMBA_CACHE_DIR=parent)

    make_kernels(installed, returned=2)
    edited = run(CALL.format(length=4), installed, NUMBA_CACHE_DIR=parent)

    assert [first, again, edited] == ["1 0", "1 1", "2 0"]


def test_checked_bounds_are_never_hidden_by_code_compiled_without_them(
    installed: Path, tmp_path: Path
) -> None:
    parent = str(tmp_path / "cache")
    make_kernels(installed, returned=1)
    run(CALL.format(length=3), installed, NUMBA_CACHE_DIR=parent)  # out of bounds, silently

    checked = run(CALL.format(length=3), installed, NUMBA_CACHE_DIR=parent, NUMBA_BOUNDSCHECK="1")

    assert checked == "out of bounds"


@pytest.mark.parametrize("edit", ["change", "add", "remove", "rename"])
@pytest.mark.parametrize("room", ["tianyuan", "control/planning", "hil/plant"])
def test_any_edit_of_the_sources_changes_the_directory(
    checkout: Path, tmp_path: Path, room: str, edit: str
) -> None:
    extra = checkout / room / "extra.py"
    extra.write_text("A = 1\n")
    before = run(WHERE, checkout, NUMBA_CACHE_DIR=str(tmp_path / "cache"))

    match edit:
        case "change":
            extra.write_text("A = 2\n")
        case "add":
            extra.with_stem("more").write_text("A = 1\n")
        case "remove":
            extra.unlink()
        case "rename":
            extra.rename(extra.with_stem("other"))

    assert run(WHERE, checkout, NUMBA_CACHE_DIR=str(tmp_path / "cache")) != before


def test_two_processes_agree_also_when_one_starts_the_other(checkout: Path, tmp_path: Path) -> None:
    parent = tmp_path / "cache"
    starts_another = (
        "import subprocess, sys, tianyuan\n"
        f"subprocess.run([sys.executable, '-c', {WHERE!r}], check=True)"
    )

    first = run(WHERE, checkout, NUMBA_CACHE_DIR=str(parent))
    second = run(WHERE, checkout, NUMBA_CACHE_DIR=str(parent))
    child = run(starts_another, checkout, NUMBA_CACHE_DIR=str(parent))

    assert first == second == child
    assert Path(first).parent == parent


@pytest.mark.parametrize("order", ["tianyuan, numba", "numba, tianyuan"])
def test_numba_uses_the_directory_whichever_is_imported_first(
    checkout: Path, tmp_path: Path, order: str
) -> None:
    code = f"import {order}; print(numba.config.CACHE_DIR == str(tianyuan.cache_directory()))"

    assert run(code, checkout, NUMBA_CACHE_DIR=str(tmp_path)) == "True"


def test_without_settings_the_directory_is_in_the_users_cache(
    checkout: Path, tmp_path: Path
) -> None:
    place = run(WHERE, checkout, XDG_CACHE_HOME=str(tmp_path))

    assert Path(place).parent == tmp_path / "tianyuan"


def test_a_folder_that_cannot_be_written_is_named_with_its_remedy(checkout: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as raised:
        run(WHERE, checkout, NUMBA_CACHE_DIR="/dev/null/cache")

    last_line = raised.value.stderr.strip().splitlines()[-1]
    assert "/dev/null/cache/kernels-" in last_line
    assert "Not a directory; set NUMBA_CACHE_DIR to a folder" in last_line


def test_importing_the_package_costs_little(checkout: Path, tmp_path: Path) -> None:
    heavy = run(
        "import sys, tianyuan; print({'numba', 'numpy', 'can', 'pydantic'} & set(sys.modules))",
        checkout,
        NUMBA_CACHE_DIR=str(tmp_path),
    )

    assert heavy == "set()"
    assert min(timeit.repeat(tianyuan.source_digest.__wrapped__, number=1, repeat=5)) < 0.1


def directories(parent: Path, count: int) -> list[Path]:
    """Directories as of different sources, the oldest first."""
    made = [parent / f"kernels-{number:016x}" for number in range(count)]
    for age, path in enumerate(reversed(made)):
        (path / "control").mkdir(parents=True)
        (path / "control" / "kernel.nbi").write_bytes(b"index")
        os.utime(path, (1e9 - age, 1e9 - age))
    return made


def test_pruning_keeps_the_newest_and_all_that_is_not_ours(tmp_path: Path) -> None:
    made = directories(tmp_path, 5)
    foreign = tmp_path / "somebody-else"
    foreign.mkdir()

    cache.prune(tmp_path, keep=2)

    assert sorted(tmp_path.iterdir()) == [*made[-2:], foreign]


def test_pruning_never_removes_a_directory_in_use(tmp_path: Path) -> None:
    made = directories(tmp_path, 3)
    user = os.open(made[0], os.O_RDONLY)
    fcntl.flock(user, fcntl.LOCK_SH)

    cache.prune(tmp_path, keep=1)
    while_used = sorted(tmp_path.iterdir())
    os.close(user)
    cache.prune(tmp_path, keep=1)

    assert while_used == [made[0], made[2]]
    assert sorted(tmp_path.iterdir()) == [made[2]]


def test_a_running_process_keeps_its_directory_in_use(checkout: Path, tmp_path: Path) -> None:
    code = (
        "import pathlib, tianyuan\n"
        "from tianyuan import cache\n"
        f"cache.prune(pathlib.Path({str(tmp_path / 'cache')!r}), keep=0)\n"
        "print(tianyuan.cache_directory().is_dir())"
    )

    assert run(code, checkout, NUMBA_CACHE_DIR=str(tmp_path / "cache")) == "True"


def test_a_new_directory_makes_the_oldest_go(checkout: Path, tmp_path: Path) -> None:
    parent = tmp_path / "cache"
    made = directories(parent, cache.KEEP + 2)

    newest = run(WHERE, checkout, NUMBA_CACHE_DIR=str(parent))

    assert sorted(parent.iterdir()) == sorted([*made[3:], Path(newest)])


def test_a_directory_pruned_while_it_is_claimed_is_made_again(
    checkout: Path, tmp_path: Path
) -> None:
    directory = Path(run(WHERE, checkout, NUMBA_CACHE_DIR=str(tmp_path)))
    pruner = os.open(directory, os.O_RDONLY)
    fcntl.flock(pruner, fcntl.LOCK_EX)
    command = [sys.executable, "-c", f"print('start', flush=True); {WHERE}; input()"]
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=checkout, env=environment, stdin=pipe, stdout=pipe, text=True
    ) as claimant:
        assert claimant.stdout and claimant.stdin
        claimant.stdout.readline()
        wait_until_blocked(claimant.pid)
        shutil.rmtree(directory)
        os.close(pruner)
        place = Path(claimant.stdout.readline().strip())
        cache.prune(tmp_path, keep=0)
        kept = place.is_dir()
        claimant.communicate("\n", timeout=20)

    assert place == directory
    assert kept


def wait_until_blocked(pid: int) -> None:
    """Wait for a process to wait for a lock on a file."""
    deadline = time.monotonic() + 20
    while f"-> FLOCK  ADVISORY  READ {pid} " not in Path("/proc/locks").read_text():
        assert time.monotonic() < deadline, "the process never asked for the lock"
        time.sleep(0.01)


def test_a_process_keeps_its_directory_when_a_source_is_edited_meanwhile(
    installed: Path, tmp_path: Path
) -> None:
    code = (
        "import tianyuan\n"
        "before = tianyuan.cache_directory()\n"
        "(tianyuan.room('hil') / 'new.py').write_text('edited = 1')\n"
        "print(before == tianyuan.cache_directory(), before.is_dir())"
    )

    assert run(code, installed, NUMBA_CACHE_DIR=str(tmp_path / "cache")) == "True True"


class Slow(IndexDataCacheFile):
    """A function's entries, saved by one that waits before it writes each of the two files."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder), "function-1.py311", "stamp")
        self.index_wait = self.data_wait = threading.Event()
        self.index_wait.set()
        self.index_written = threading.Event()

    def _save_index(self, overloads: dict[Any, str]) -> None:
        self.index_wait.wait(0.5)
        super()._save_index(overloads)
        self.index_written.set()

    def _save_data(self, name: str, data: object) -> None:
        self.data_wait.wait(0.5)
        super()._save_data(name, data)


def test_two_that_save_at_once_never_leave_one_signatures_code_under_the_other(
    tmp_path: Path,
) -> None:
    first, second = Slow(tmp_path), Slow(tmp_path)
    saved = threading.Event()
    # Both look for a free name; then the one writes its index, the other both of its files,
    # and the one its code.
    second.index_wait, first.data_wait = first.index_written, saved

    def save_second() -> None:
        second.save("float64", "code for doubles")
        saved.set()

    other = threading.Thread(target=save_second)
    other.start()
    time.sleep(0.1)
    first.save("int64", "code for integers")
    other.join()

    assert first.load("float64") == "code for doubles"
    assert first.load("int64") == "code for integers"
