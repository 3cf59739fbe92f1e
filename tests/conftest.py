"""What every test has: published data, and which tests also run interpreted and checked."""

from __future__ import annotations

import os
import select
import socket
import subprocess
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


@pytest.fixture
def vcan() -> Iterator[str]:
    """A CAN interface of the test's own, with CAN FD, without a wire."""
    name = f"v{os.getpid()}"
    subprocess.run(["ip", "link", "add", name, "type", "vcan"], check=True)
    subprocess.run(["ip", "link", "set", name, "mtu", "72", "up"], check=True)
    yield name
    subprocess.run(["ip", "link", "delete", name], check=False, capture_output=True)


CABLE_S = 30.0


class Cable:
    """Interfaces can0 and can1 at the ends of a cable; see ``can_kernel/cable.py``."""

    def __init__(self, names: tuple[str, str]) -> None:
        self.names = names
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).parent / "can_kernel" / "cable.py", *names],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._expect("ready")

    def tell(self, *words: str) -> None:
        """pull NAME, plug NAME, block or carry; returns once it is done."""
        self._process.stdin.write(" ".join(words) + "\n")
        self._process.stdin.flush()
        self._expect("done")

    def _expect(self, answer: str) -> None:
        assert select.select([self._process.stdout], [], [], CABLE_S)[0], "the cable hangs"
        assert self._process.stdout.readline() == f"{answer}\n"

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def cable() -> Iterator[Cable]:
    made = Cable((f"a{os.getpid()}", f"b{os.getpid()}"))
    yield made
    made.close()


# Ports wait for other processes, whose code would have to be compiled in each mode as well;
# tests/drivers/test_modes.py runs their kernels in both modes.
OWN_MODES = Path(__file__).parent / "drivers"


def kernel_has_can() -> bool:
    """Whether this kernel speaks CAN, and lets us make interfaces."""
    try:
        socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW).close()
    except OSError:
        return False
    return os.geteuid() == 0


@pytest.hookimpl(tryfirst=True)  # before -m selects by these marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests of kernels, and skip what the interpreter cannot show."""
    elsewhere = set() if kernel_has_can() else {"socketcan"}  # `make test-can` runs these
    if "preempt_rt" not in config.option.markexpr:  # they send on can0, which may be a car's
        elsewhere.add("preempt_rt")
    left_out = [item for item in items if any(map(item.get_closest_marker, elsewhere))]
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)
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
