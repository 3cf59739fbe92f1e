"""pytest's plugin: the fixture ``rig``, and scenario files as tests.

It stands beside the package and imports nothing of it before a test asks for the rig: projects
that do not use it are neither slowed down, nor is numba's cache moved under them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tianyuan.hil.scenario.for_tests import Rig
    from tianyuan.hil.scenario.result import Result

SUFFIX = ".scenario.toml"
TOLD = ("reaction", "cause", "detected_ms", "bound_ms", "stop_distance_m", "max_cross_track_m")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the rig."""
    group = parser.getgroup("tianyuan", "TianYuan's rig")
    group.addoption(
        "--rig-realtime",
        action="store_true",
        help="run scenarios in real time on a bus, one after the other",
    )
    group.addoption(
        "--rig-interface",
        default="tianyuan",
        metavar="I",
        help="of --rig-realtime: tianyuan is the local bus, socketcan the kernel's own CAN",
    )
    group.addoption(
        "--rig-channel",
        metavar="C",
        help="of --rig-realtime: the bus, as can0; a local one of its own if not given",
    )
    group.addoption(
        "--rig-far-channel",
        metavar="C",
        help="of --rig-realtime: the interface of rig and guard, where a cable joins two",
    )
    group.addoption(
        "--rig-seed", type=int, metavar="N", help="the seed of every run, instead of its own"
    )


def pytest_configure(config: pytest.Config) -> None:
    """The marker, for those who are strict about markers."""
    config.addinivalue_line(
        "markers",
        "scenario(name): what rig.run() drives: a scenario's file, from the test's folder, or "
        "the name of a shipped one",
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take ``NAME.scenario.toml`` for a test."""
    if not file_path.name.endswith(SUFFIX):
        return None
    return ScenarioFile.from_parent(parent, path=file_path)


def rig_of(config: pytest.Config, folder: Path, scenario: str | None = None) -> Rig:
    """The rig as the command line wants it."""
    # What nobody uses costs nothing.
    from tianyuan.hil.scenario.for_tests import Rig  # noqa: PLC0415
    from tianyuan.hil.scenario.on_bus import OnBus  # noqa: PLC0415

    given = ("--rig-interface", "--rig-channel", "--rig-far-channel")
    on = OnBus(*map(config.getoption, given))
    return Rig(
        scenario=scenario,
        folder=folder,
        seed=config.getoption("--rig-seed"),
        realtime=on if config.getoption("--rig-realtime") else None,
    )


@pytest.fixture
def rig(request: pytest.FixtureRequest) -> Rig:
    """The rig: ``rig.run(track="zhuzhou", faults=[rig.fault("brake_dead", at_speed_mps=40)])``."""
    marker = request.node.get_closest_marker("scenario")
    scenario = marker.args[0] if marker and marker.args else None
    return rig_of(request.config, request.path.parent, scenario)


class ScenarioFile(pytest.File):
    """A scenario's file: one test."""

    def collect(self) -> Iterator[pytest.Item]:
        """The test, which reads the file only when it is run."""
        yield ScenarioItem.from_parent(self, name=self.path.name.removesuffix(SUFFIX))


class ScenarioItem(pytest.Item):
    """Passes if every expectation of the file is met; a known failure is an expected one."""

    def runtest(self) -> None:
        """Run the scenario and judge it."""
        result = rig_of(self.config, self.path.parent).run(str(self.path))
        self.user_properties += [(name, getattr(result, name)) for name in TOLD]
        if result.known is not None and result.passed:
            raise UnexpectedError(
                [f"it passes, yet its file knows why it should not: {result.known}"]
            )
        if result.known is not None:
            pytest.xfail(result.known)
        if not result.passed:
            raise UnexpectedError(said_of(result))

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """Sentences in place of a traceback, where it is no mistake of the rig's own."""
        from tianyuan.control.errors import InputError  # noqa: PLC0415

        if isinstance(excinfo.value, (UnexpectedError, InputError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """How reports call it."""
        return self.path, 0, f"scenario {self.name}"


class UnexpectedError(Exception):
    """What a scenario expected and did not find, a sentence each."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__("\n".join(sentences))


def said_of(result: Result) -> list[str]:
    """A failure's sentences, and how to see it again."""
    return [*result.failures, f"seed {result.seed}"]
