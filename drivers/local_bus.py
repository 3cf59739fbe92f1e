"""The local bus: CAN between processes of one user, where there is no CAN.

A bus is a directory, each node a listening SOCK_SEQPACKET socket in it, with a link to each
other node. Links rather than datagrams, because the kernel lets a datagram socket queue ten
packets (net.unix.max_dgram_qlen) where a link queues some ten thousand, and because a link
tells when its node is gone. Frames stay one packet each.

Nodes join one at a time, under a lock on the directory. A node's name begins with a number
above all others there, and it connects to the nodes before it, so each pair gets exactly
one link. A socket that nobody listens at belongs to a dead node and is removed.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from tianyuan.control.errors import InputError
from tianyuan.drivers.port_record import LINKS

BUS_DIRECTORY: Final = "TIANYUAN_BUS_DIR"
_LOCK: Final = ".lock"
_LOCK_SECONDS: Final = 10.0
_SUN_PATH: Final = 107  # bytes of a socket's path, its final zero excepted
_LABEL: Final = re.compile(r"[A-Za-z0-9_.-]{1,32}")
_BUS: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
_NODE: Final = re.compile(r"(\d{8})-\d+-.+")
_BACKLOG: Final = 1024


class Node(NamedTuple):
    """A place on a bus: the socket others connect to, its path, the links made at joining."""

    path: Path
    listener: socket.socket
    links: list[socket.socket]


def base_directory() -> Path:
    """The directory of the buses that are known by name, private to this user."""
    chosen = os.environ.get(BUS_DIRECTORY)
    if chosen:
        return Path(chosen)
    user = os.geteuid()
    session = Path(f"/run/user/{user}")
    if session.is_dir() and os.access(session, os.W_OK):
        return session / "tianyuan"
    shared = Path("/dev/shm")
    usable = shared.is_dir() and os.access(shared, os.W_OK)
    return (shared if usable else Path("/tmp")) / f"tianyuan-{user}"


def bus_directory(bus: str) -> Path:
    """The directory of a bus: ``bus`` itself if it holds a slash, else one named so.

    Raises InputError on anything that cannot be a bus's name.
    """
    if "/" in bus:
        return Path(bus).absolute()
    if not _BUS.fullmatch(bus):
        raise InputError(
            f"bus {bus!r}: not a name; use letters, digits, '-', '_' and '.', or a path with a '/'"
        )
    return base_directory() / bus


def buses() -> list[str]:
    """Names of the buses that exist for this user."""
    base = base_directory()
    return sorted(entry.name for entry in base.iterdir() if entry.is_dir()) if base.is_dir() else []


def _make_private(directory: Path) -> None:
    """Make a directory that only this user can enter, or check that it is so already."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = directory.stat()
    except OSError as error:
        raise InputError(
            f"bus directory {directory}: {error.strerror}; set {BUS_DIRECTORY} to one that "
            f"user {os.geteuid()} can write"
        ) from error
    if found.st_uid != os.geteuid():
        raise InputError(
            f"bus directory {directory}: owned by user {found.st_uid}, this is user "
            f"{os.geteuid()}; run both as one user or set {BUS_DIRECTORY}"
        )
    if stat.S_IMODE(found.st_mode) & (stat.S_IWGRP | stat.S_IWOTH):
        raise InputError(
            f"bus directory {directory}: mode {stat.S_IMODE(found.st_mode):o} lets others "
            f"write to the bus; run chmod 700 {directory}"
        )


@contextlib.contextmanager
def _lock(directory: Path) -> Iterator[None]:
    """Hold the bus's lock. Raises InputError if another process keeps it too long."""
    descriptor = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise InputError(
                        f"bus directory {directory}: locked for over {_LOCK_SECONDS:g} s; "
                        f"end the process that fuser {directory / _LOCK} shows"
                    ) from None
                time.sleep(0.002)
        yield
    finally:
        os.close(descriptor)


def _new_socket() -> socket.socket:
    flags = socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
    return socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | flags)


def _connect(path: Path) -> socket.socket | None:
    """A link to the node at ``path``, or None if there is none any more."""
    link = _new_socket()
    try:
        link.connect(os.fsencode(path))
    except OSError as error:
        link.close()
        if error.errno == errno.ECONNREFUSED:
            path.unlink(missing_ok=True)
        elif error.errno == errno.EAGAIN:
            raise InputError(
                f"node {path}: {_BACKLOG} nodes wait for it; it hangs, end its process"
            ) from error
        elif error.errno != errno.ENOENT:
            raise
        return None
    return link


def _node_names(directory: Path) -> list[str]:
    """Names of the nodes on a bus, dead ones among them, in the order they joined."""
    return sorted(entry.name for entry in directory.iterdir() if _NODE.fullmatch(entry.name))


def nodes(bus: str) -> list[str]:
    """Names of the nodes on a bus in the order they joined; none where there is no bus."""
    directory = bus_directory(bus)
    return _node_names(directory) if directory.is_dir() else []


def _listen(directory: Path, label: str, names: list[str]) -> tuple[socket.socket, Path]:
    """Take the next name on the bus and listen there."""
    number = 1 + (int(names[-1].split("-")[0]) if names else 0)
    path = directory / f"{number:08d}-{os.getpid()}-{label}"
    length = len(os.fsencode(path))
    if length > _SUN_PATH:
        raise InputError(
            f"bus directory {directory}: its sockets' path takes {length} bytes, above "
            f"{_SUN_PATH}; set {BUS_DIRECTORY} to a shorter one"
        )
    listener = _new_socket()
    try:
        listener.bind(os.fsencode(path))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener, path


def _join(directory: Path, label: str) -> Node:
    names = _node_names(directory)
    links = [link for name in names if (link := _connect(directory / name))]
    try:
        if len(links) > LINKS:
            raise InputError(
                f"bus directory {directory}: {len(links)} nodes, above {LINKS}; end some of them"
            )
        listener, path = _listen(directory, label, names)
    except BaseException:
        for link in links:
            link.close()
        raise
    return Node(path, listener, links)


def join(bus: str, label: str) -> Node:
    """Join a bus, which is made if it is not there; the caller owns the sockets.

    ``label`` tells people which node this is: up to 32 letters, digits and ``_.-``. Raises
    InputError on a name, label or directory that does not serve, and on a full bus.
    """
    if not _LABEL.fullmatch(label):
        raise InputError(f"label {label!r}: not 1 to 32 letters, digits, '-', '_' and '.'")
    directory = bus_directory(bus)
    if "/" not in bus and not os.environ.get(BUS_DIRECTORY):
        _make_private(directory.parent)
    _make_private(directory)
    try:
        with _lock(directory):
            return _join(directory, label)
    except OSError as error:
        raise InputError(
            f"bus directory {directory}: {error.strerror}; set {BUS_DIRECTORY} to one on a "
            f"local file system that user {os.geteuid()} can write"
        ) from error
