"""What every test has: published data, and which tests also run interpreted and checked."""

from __future__ import annotations

import os
import sys
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if imports_kernels(item.getparent(pytest.Module).obj):
            item.add_marker("kernel")
        if INTERPRETED and item.get_closest_marker("compiled"):
            item.add_marker(pytest.mark.skip(reason="means nothing with the JIT off"))


def imports_kernels(test_module: ModuleType) -> bool:
    """Whether a test file imports from a module of the package that uses numba."""
    return any(uses_numba(origin(value)) for value in vars(test_module).values())


def origin(value: object) -> ModuleType | None:
    return value if isinstance(value, ModuleType) else sys.modules.get(_module_name(value))


def _module_name(value: object) -> str:
    name = getattr(value, "__module__", None)
    return name if isinstance(name, str) else ""


def uses_numba(module: ModuleType | None) -> bool:
    if module is None or module.__name__.partition(".")[0] != "tianyuan":
        return False
    return any(value in (numba, numba.njit) for value in vars(module).values() if callable(value) or isinstance(value, ModuleType))
