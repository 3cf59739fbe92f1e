"""Out of memory, in a control group of our own: the machine itself has enough left."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tianyuan.control.errors import InputError

GROUPS: Final = Path("/sys/fs/cgroup")
BEYOND_MIB: Final = 16  # of what there is room for
PATIENCE_S: Final = 10.0
# In a file in memory, which counts as nobody's own: otherwise the eater would be the largest. It
# is the second to go, right after whoever has put itself first.
_EATER: Final = """
import os, time
open({procs!r}, "w").write("0")
open("/proc/self/oom_score_adj", "w").write("900")
held = os.memfd_create("eater")
for _ in range({mib}):
    os.write(held, bytes(1 << 20))
time.sleep(60)
"""


def _hierarchy() -> tuple[Path, str]:
    """Where memory's groups are, and the file that limits one; of cgroup 2, else 1."""
    second = GROUPS / "cgroup.controllers"
    if second.is_file() and "memory" in second.read_text().split():
        return GROUPS, "memory.max"
    if (GROUPS / "memory").is_dir():
        return GROUPS / "memory", "memory.limit_in_bytes"
    raise InputError(f"{GROUPS}: no control group for memory; the fault needs one")


def _group_of(pid: int, root: Path) -> Path:
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        number, names, path = line.split(":", 2)
        if "memory" in names.split(",") or (number == "0" and root == GROUPS):
            return root / path.strip("/")
    return root


@contextmanager
def short_of_memory(pids: list[int], room_mib: int) -> Iterator[int]:
    """Put processes into a group with so much room beyond what they hold, and an eater of more.

    Whom the kernel's killer takes is its choice, by its score: what a process holds, and a share
    of the group's limit that it may set itself. With a limit below what they hold, as a machine
    never has it, the largest would go whatever it had set. Yields the eater's process. Raises
    InputError where this user may make no group.
    """
    room_mib = max(room_mib, 1) + sum(map(_held_mib, pids))
    root, limit = _hierarchy()
    group = root / f"tianyuan-{os.getpid()}"
    before = {pid: _group_of(pid, root) for pid in pids}
    try:
        group.mkdir()
        (group / limit).write_text(str(room_mib << 20))
        for pid in pids:
            (group / "cgroup.procs").write_text(str(pid))
    except OSError as error:
        _leave(group, before)
        raise InputError(f"{group}: {error.strerror}; running out of memory takes root") from None
    eater = _eat(group, room_mib + BEYOND_MIB)
    try:
        yield eater.pid
    finally:
        eater.kill()
        eater.wait()
        _leave(group, before)


def _held_mib(pid: int) -> int:
    """What a process has in memory, rounded up; nothing where it has ended."""
    with contextlib.suppress(OSError):
        resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return (resident * os.sysconf("SC_PAGESIZE") >> 20) + 1
    return 0


def _eat(group: Path, mib: int) -> subprocess.Popen[bytes]:
    script = _EATER.format(procs=str(group / "cgroup.procs"), mib=mib)
    return subprocess.Popen([sys.executable, "-S", "-c", script])


def _leave(group: Path, before: dict[int, Path]) -> None:
    for pid, home in before.items():
        with contextlib.suppress(OSError):
            (home / "cgroup.procs").write_text(str(pid))
    end_s = time.monotonic() + PATIENCE_S
    while group.is_dir() and time.monotonic() < end_s:
        with contextlib.suppress(OSError):
            group.rmdir()
        time.sleep(0.01)
