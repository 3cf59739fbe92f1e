"""CAN interfaces joined by a cable: two ptys with the kernel's slcan driver at their ends.

``cable.py can0 can1`` makes both interfaces at 500 kbit/s, says "ready" and carries bytes
until its input says ``quit``. A line ``pull can0`` takes that adapter away, as a hand at its
plug does; ``plug can0`` brings it back; ``block`` and ``carry`` stop and restart the cable,
as a bus on which nothing gets through does. Each is answered by "done". Needs root, Linux
6.0 or newer with slcan, and iproute2.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import tty

TIOCSETD, N_SLCAN = 0x5423, 17
SIOCGIFNAME = 0x8910
QUEUE = 10  # frames: what waits longer in a queue is old when it leaves
BITRATE = 500_000
WAIT_S = 0.02


class Cable:
    """Carries bytes between adapters: each a pty whose far side the kernel takes for one."""

    def __init__(self) -> None:
        self.masters: dict[str, int] = {}
        self.slaves: dict[str, int] = {}
        self.carrying = True

    def plug(self, name: str) -> None:
        master, slave = pty.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        fcntl.ioctl(slave, TIOCSETD, struct.pack("i", N_SLCAN))
        self.masters[name], self.slaves[name] = master, slave
        given = fcntl.ioctl(slave, SIOCGIFNAME, bytes(16)).split(b"\0")[0].decode()
        if given != name:
            self._ip("set", given, "name", name)
        self._ip("set", name, "type", "can", "bitrate", str(BITRATE))
        self._ip("set", name, "txqueuelen", str(QUEUE), "up")

    def pull(self, name: str) -> None:
        os.close(self.slaves.pop(name))
        os.close(self.masters.pop(name))

    def _ip(self, *arguments: str) -> None:
        """Run ``ip link``, and go on carrying: the driver waits for what it says to be read."""
        with subprocess.Popen(["ip", "link", *arguments]) as running:
            while running.poll() is None:
                self.carry([])
            if running.returncode:
                raise SystemExit(f"cable: ip link {' '.join(arguments)}: {running.returncode}")

    def carry(self, others: list[int]) -> list[int]:
        """Carry what there is, or wait for it; returns which of the others are readable."""
        watched = {master: name for name, master in self.masters.items() if self.carrying}
        readable = select.select([*watched, *others], [], [], WAIT_S)[0]
        for descriptor in readable:
            if descriptor in watched:
                self._pass(descriptor)
        return [each for each in readable if each in others]

    def _pass(self, source: int) -> None:
        # A buffer that is full loses bytes, as a cable does.
        with contextlib.suppress(BlockingIOError):
            data = os.read(source, 4096)
            for master in self.masters.values():
                if master != source:
                    os.write(master, data)


def obey(cable: Cable, line: str) -> None:
    match line.split():
        case ["pull", name]:
            cable.pull(name)
        case ["plug", name]:
            cable.plug(name)
        case ["block"]:
            cable.carrying = False
        case ["carry"]:
            cable.carrying = True
        case _:
            raise SystemExit(f"cable: {line.strip()!r}: unknown")


def main(names: list[str]) -> None:
    cable = Cable()
    for name in names:
        cable.plug(name)
    print("ready", flush=True)
    inputs = [sys.stdin.fileno()]
    while True:
        for descriptor in cable.carry(inputs):
            line = os.read(descriptor, 200).decode()  # one at a time: each is waited for
            if line.strip() == "quit":
                return
            if line:
                obey(cable, line)
                print("done", flush=True)
            else:
                inputs = []  # nobody speaks to us any more; carry on


if __name__ == "__main__":
    main(sys.argv[1:])
