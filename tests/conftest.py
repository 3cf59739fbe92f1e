"""What every test has: published data, and which tests also run interpreted and checked."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numba
import pytest
from hypothesis import settings

INTERPRETED = bool(numba.config.DISABLE_JIT)

# A first example compiles kernels, so no deadline. Interpreted, a sample has to do; CI tries
# the same examples every time, people new ones.
settings.register_profile(
    "house",
    deadline=None,
    derandomize="CI" in os.environ,
    max_examples=20 if INTERPRETED else 100,
)
settings.load_profile("house")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Published circuits, DBC files and logs, beside the checkout."""
    folder = Path(os.environ.get("TIANYUAN_SHARED", Path(__file__).parents[2] / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip(f"no published data at {folder}; set TIANYUAN_SHARED to the folder above data/")
    return folder


@pytest.fixture
def rings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in memory for the rings of one test's hosts."""
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="rings-") as folder:
        monkeypatch.setenv("TIANYUAN_RING_DIR", folder)
        yield Path(folder)


# Ports wait for other processes, whose code would have to be compiled in each mode as well;
# tests/drivers/test_modes.py runs their kernels in both modes.
OWN_MODES = Path(__file__).parent / "drivers"


@pytest.hookimpl(tryfirst=True)  # before -m selects by these marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of kernels, and skip what the interpreter cannot show."""
    for item in items:
        module = item.getparent(pytest.Module)
        if module and OWN_MODES not in module.path.parents and imports_kernels(module.obj):
            item.add_marker("kernel")
        if INTERPRETED and item.get_closest_marker("compiled"):
            item.add_marker(pytest.mark.skip(reason="means nothing with the JIT off"))


def imports_kernels(test_module: ModuleType) -> bool:
    """Whether a test file imports a module of kernels, or anything out of one."""
    return any(uses_numba(origin(value)) for value in vars(test_module).values())


def origin(value: object) -> ModuleType | None:
    """Return the module that a value was made in; a module is its own origin."""
    if isinstance(value, ModuleType):
        return value
    name = getattr(value, "__module__", None)
    return sys.modules.get(name) if isinstance(name, str) else None


def uses_numba(module: ModuleType | None) -> bool:
    """Whether a module of the package holds numba, its decorators or what they make others of."""
    if module is None or module.__name__.partition(".")[0] != "tianyuan":
        return False
    return any(value is numba or is_numbas(value) for value in vars(module).values())


def is_numbas(value: object) -> bool:
    name = getattr(value, "__module__", None)
    return isinstance(name, str) and name.startswith("numba.")
