"""The record of a port, laid out for compiled code.

A port reads and writes packet sockets, its links, that all hold one frame a packet. On the
local bus there is a link to each other node and a listener where new nodes connect; a raw
CAN socket is a port of one link and no listener, with fields of its own. An epoll descriptor
watches them all, so that finding nothing to read costs one system call, however many links
there are.

The record holds descriptors and the addresses of its own scratch, so a copy of it is no
port. One thread at a time may use it.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from typing import Final

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.dbc.frame import FD_SIZE, FRAME, WORDS
from tianyuan.drivers.error_frames import ERROR_CLASSES

LINKS: Final = 64  # nodes on a bus, this one excepted
BATCH: Final = 32  # frames a system call moves at most
HEADER_BYTES: Final = 64  # struct mmsghdr: name, its length, iovec, count, control, length,
HEADER_WORDS: Final = 8  # flags, and the packet's size, each in 64 bits
H_VECTOR, H_VECTORS, H_CONTROL, H_CONTROL_SIZE, H_FLAGS, H_SIZE = 2, 3, 4, 5, 6, 7
FRAME_BYTES: Final = FRAME.itemsize
CONTROL_WORDS: Final = 8  # of control messages beside a packet: its stamp, and drops before it
FILTERS: Final = 512  # the kernel's most, CAN_RAW_FILTER_MAX
WAITING: Final = 32  # frames that a full queue keeps waiting at most, one of an identifier
AGES: Final = 24  # bins, each to twice the microseconds of the one before

# A link's state. The frames of a node that has left are still read before its link is freed.
FREE: Final = 0
LIVE: Final = 1
READ_ONLY: Final = 2  # never sent to: hears the node's own frames
LEFT: Final = 3  # the node is gone: nothing to send to, perhaps something to read

# A port's kind, and the state of a CAN interface.
LOCAL: Final = 0
RAW: Final = 1
UP: Final = 0
DOWN: Final = 1  # there, but administratively down
GONE: Final = 2  # unplugged; the socket is bound to nothing

# struct epoll_event is packed on x86-64 only: an event in 32-bit words, and where its tag is.
_PACKED: Final = platform.machine() in ("x86_64", "AMD64")
EVENT_WORDS: Final = 3 if _PACKED else 4
EVENT_TAG: Final = 1 if _PACKED else 2

PORT: Final = np.dtype(
    [
        # counters
        ("received", "i8"),  # frames handed out
        ("sent", "i8"),  # frames that at least one link took
        ("dropped", "i8"),  # frames that a link had no room for, once for each such link
        ("malformed", "i8"),  # packets that are no frame
        ("refused", "i8"),  # nodes that found all links taken
        ("errors", "i8"),  # unexpected failures of a system call
        ("error", "i8"),  # error number of the newest of them
        ("links", "i8"),  # links now open
        ("link_dropped", "i8", (LINKS,)),  # share of each link now open in dropped
        # counters of a CAN interface
        ("overwritten", "i8"),  # frames lost because the receive queue was full
        ("full", "i8"),  # sends that found no room in the transmit queue
        ("full_in_a_row", "i8"),  # of them, since the last that left nothing waiting
        ("replaced", "i8"),  # share of dropped that a newer frame of its identifier replaced
        ("outages", "i8"),  # times that the interface went down or vanished
        ("asked_outages", "i8"),  # of them, those that somebody has asked about
        ("returns", "i8"),  # times that it came back
        ("interface", "i8"),  # UP, DOWN or GONE
        ("bus_error", "i8", (len(ERROR_CLASSES),)),  # error frames by class, as they came
        ("ages", "i8", (AGES,)),  # bin k: frames that lay in the kernel for less than 2**k us
        ("age_sum_ns", "i8"),
        ("age_max_ns", "i8"),
        ("ageless", "i8"),  # frames without a stamp that can be believed
        # scratch for system calls
        ("headers", "i8", (BATCH, HEADER_WORDS)),
        ("vectors", "i8", (BATCH, 2)),  # struct iovec: address, bytes
        ("events", "u4", ((LINKS + 1) * EVENT_WORDS,)),
        ("event", "u4", (4,)),
        ("option", "i4"),
        ("control", "i8", (BATCH, CONTROL_WORDS)),
        ("clock", "i8", (2,)),
        ("drops", "u4"),  # the kernel's own count of overwritten, as last heard
        # a CAN interface
        ("looked_ns", "i8"),  # when it was last looked for
        ("filters", "u4", (FILTERS, 2)),  # struct can_filter: identifier, mask
        ("filter_count", "i4"),  # -1 for none: everything is heard
        ("request", "i4", (10,)),  # struct ifreq: the name, then what is asked for
        ("address", "i4", (6,)),  # struct sockaddr_can
        ("waiting", "i8", (WAITING, WORDS)),  # frames that found no room
        ("waiting_ns", "i8", (WAITING,)),  # since when
        ("waiting_count", "i4"),
        # descriptors
        ("listener", "i4"),  # -1 where nobody connects
        ("epoll", "i4"),
        ("descriptor", "i4", (LINKS,)),
        ("state", "i4", (LINKS,)),
        ("ready", "i4", (LINKS,)),  # links with something to read, in the order of reading
        ("turn", "i4"),  # of the links, to be read first
        ("newest", "i4"),  # link that the newest frame came by
        ("kind", "i4"),  # LOCAL or RAW
        ("channel", "u1"),  # stamped on the frames received
    ],
    align=True,
)


def _offset(name: str) -> int:
    return PORT.fields[name][1]  # type: ignore[index]


HEADERS: Final = _offset("headers")
VECTORS: Final = _offset("vectors")
EVENTS: Final = _offset("events")
EVENT: Final = _offset("event")
OPTION: Final = _offset("option")
CONTROL: Final = _offset("control")
CLOCK: Final = _offset("clock")
FILTER: Final = _offset("filters")
REQUEST: Final = _offset("request")
ADDRESS: Final = _offset("address")
WAITING_FRAMES: Final = _offset("waiting")


def closed_ports(channels: Sequence[int]) -> np.recarray:
    """A PORT a channel (0 to 255), with no descriptors, its scratch laid out."""
    ports = np.zeros(len(channels), PORT).view(np.recarray)
    ports.listener = ports.epoll = ports.descriptor = -1
    ports.channel = channels
    own = ports.ctypes.data + PORT.itemsize * np.arange(len(channels))
    ports.headers[:, :, H_VECTOR] = own[:, None] + VECTORS + 16 * np.arange(BATCH)
    ports.headers[:, :, H_VECTORS] = 1
    controls = CONTROL + 8 * CONTROL_WORDS * np.arange(BATCH)
    ports.headers[:, :, H_CONTROL] = own[:, None] + controls
    ports.vectors[:, :, 1] = FD_SIZE
    return ports


def closed_port(channel: int) -> np.recarray:
    """One such PORT, as the array of length one that the kernels take."""
    return closed_ports((channel,))


@kernel
def note_error(port: np.ndarray, number: int) -> None:
    """Count an unexpected failure of a system call."""
    port[0].errors += 1
    port[0].error = number


@kernel
def aim(port: np.ndarray, frames: np.ndarray, k: int, at: int, size: int) -> None:
    """Point message ``k`` at the first ``size`` bytes of frame ``at``."""
    port[0].vectors[k, 0] = np.int64(frames.ctypes.data) + at * FRAME_BYTES
    port[0].vectors[k, 1] = size
