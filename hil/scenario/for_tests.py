"""What a rig engineer's own tests drive: a scenario written in place, or one from a file.

The pytest plugin's fixture ``rig`` gives a :class:`Rig`; it may be made without pytest as well.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from tianyuan.control.errors import InputError
from tianyuan.hil.faults.entry import FaultEntry
from tianyuan.hil.scenario.check import check
from tianyuan.hil.scenario.model import Scenario
from tianyuan.hil.scenario.on_bus import OnBus
from tianyuan.hil.scenario.read import files, load, scenario_of
from tianyuan.hil.scenario.result import Result
from tianyuan.hil.scenario.runner import run

LAPS: Final = 2  # where nobody says how long: one from standstill, one flying
ENDS: Final = ("laps", "seconds")


class Rig:
    """Drives scenarios; ``seed`` and ``realtime``, None for virtual time, are for all of its runs.

    ``scenario`` is what :meth:`run` takes without a name, ``folder`` where files are looked for
    first.
    """

    def __init__(
        self,
        *,
        scenario: str | None = None,
        folder: Path | None = None,
        seed: int | None = None,
        realtime: OnBus | None = None,
    ) -> None:
        self.scenario = scenario
        self.folder = folder or Path.cwd()
        self.seed = seed
        self.realtime = realtime

    def run(self, scenario: str | None = None, **keys: Any) -> Result:
        """Run and judge a scenario, shipped or a file, with some keys of its file changed.

        Without a name the keys are the whole scenario; it is two laps if nothing says how long.
        Raises InputError.
        """
        made = self.made(scenario, **keys)
        check(made, made.name, self.realtime)
        with one_at_a_time(self.realtime is not None):
            return run(made, seed=self.seed, realtime=self.realtime, where=made.name)

    def made(self, scenario: str | None = None, **keys: Any) -> Scenario:
        """The scenario that :meth:`run` would run."""
        name = scenario or self.scenario
        base: dict[str, Any] = {"name": "rig.run"}
        if name is not None:
            base = load(self.file(name)).model_dump(exclude_unset=True)
        if any(key in keys for key in ENDS):
            base = {key: value for key, value in base.items() if key not in ENDS}
        elif not any(key in base for key in ENDS):
            base["laps"] = LAPS
        return scenario_of(base | keys, base["name"])

    def file(self, name: str) -> Path:
        """The file of a scenario: beside the tests, or shipped, or from where the tests run."""
        beside = self.folder / name
        found = [beside] if beside.is_file() else files([name])
        if len(found) != 1:
            raise InputError(f"scenario {name}: {len(found)} scenarios; name one")
        return found[0]

    @staticmethod
    def fault(
        name: str,
        *,
        at_time_s: float | None = None,
        at_station_m: float | None = None,
        at_lap: int | None = None,
        at_speed_mps: float | None = None,
        for_s: float | None = None,
        **parameters: Any,
    ) -> Mapping[str, Any]:
        """One of a scenario's faults, from the start if nothing says when. Raises InputError."""
        at = {
            "time_s": at_time_s,
            "station_m": at_station_m,
            "lap": at_lap,
            "speed_mps": at_speed_mps,
        }
        entry: dict[str, Any] = {"fault": name, **parameters}
        if given := {key: value for key, value in at.items() if value is not None}:
            entry["at"] = given
        if for_s is not None:
            entry["for_s"] = for_s
        try:
            FaultEntry.model_validate(entry)
        except ValidationError as error:
            said = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise InputError(f"rig.fault({name!r}): {said}") from None
        return entry


@contextmanager
def one_at_a_time(realtime: bool) -> Iterator[None]:
    """In real time, let no other test of this machine have a car on the road meanwhile."""
    if not realtime:
        yield
        return
    place = Path(tempfile.gettempdir()) / f"tianyuan-rig-{os.getuid()}.lock"
    lock = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
