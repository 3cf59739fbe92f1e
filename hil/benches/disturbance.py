"""What must not cost the loop a deadline.

A hog on its CPU, readers that never read, a recorder that dies again and again, a full disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from tianyuan.drivers.port import open_port
from tianyuan.firmware.bus_names import host_bus
from tianyuan.hil.faults.disks import full_from_the_start
from tianyuan.hil.faults.processes import hogged, killed_again_and_again

KILL_EVERY_S: Final = 5.0
LOG: Final = "drive.blf"


class Disturbed(NamedTuple):
    """A disturbance that is going on: where to log to, and what is done."""

    log: Path
    figures: dict[str, Any]


@contextmanager
def disturbance(bus: str, cpu: int, folder: Path, host: int) -> Iterator[Disturbed]:
    """Disturb the host on ``bus``, whose loop runs on ``cpu``, inside a ``with``.

    The recorders below process ``host`` are killed every five seconds. ``figures`` are complete
    after the ``with``.
    """
    with ExitStack() as stack:
        for each in (bus, host_bus(bus)):
            stack.enter_context(open_port(each, "never-reads"))
        stack.enter_context(hogged({cpu}))
        place, disk = stack.enter_context(full_from_the_start(folder, LOG))
        kills = stack.enter_context(killed_again_and_again(host, "recorder", KILL_EVERY_S))
        figures: dict[str, Any] = {"hog_cpu": cpu, "never_read": 2, "disk": disk}
        yield Disturbed(place / LOG, figures)
        figures["recorder_kills"] = len(kills)
