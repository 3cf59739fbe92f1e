"""What a host and its car said, read back out of a log's frames by the car's own codecs."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.control.records import CHANNEL_NAMES, COMMAND, COMMAND_NAMES, SENSORS
from tianyuan.dbc.codec import RECEIVED, Codec, Status, decode, records
from tianyuan.dbc.frame import TX
from tianyuan.firmware.accounting import CYCLE, RECEIVE, SEND, TICK, WAKE, Accounts, accounts, book
from tianyuan.firmware.car_file import Car
from tianyuan.firmware.car_messages import messages_of
from tianyuan.firmware.host_record import HOST, HOST_CHANNEL, TICK_ID
from tianyuan.firmware.tables import host_codec
from tianyuan.firmware.wiring import codec_of, command_wiring, sensor_wiring

ROW_NS: Final = 10_000_000  # between two rows
HOST_NAMES: Final = HOST.names or ()
WAKES, RECEIVES, TICKS, SENDS = (
    HOST_NAMES.index(name) for name in ("wake_us", "receive_us", "tick_us", "send_us")
)
UNKNOWN_ID: Final = int(Status.UNKNOWN_ID)
NS_PER_US: Final = 1000.0


class Codecs(NamedTuple):
    """Of the car's two directions and of the host's own messages."""

    sensors: Codec
    commands: Codec
    host: Codec


class Hearing(NamedTuple):
    """What was heard last, and what is kept of it: one row each ROW_NS, at a tick's marker."""

    received: tuple[np.recarray, np.recarray, np.recarray]  # RECEIVED, by codec
    sensors: np.ndarray  # by the channels of SENSORS, NaN before the first frame
    commands: np.ndarray  # by the channels of COMMAND
    host: np.ndarray  # by the fields of HOST
    timing: Accounts
    kept: np.ndarray  # (3,) rows written, the last row's slot of ROW_NS, ticks
    last_ns: np.ndarray  # (1,) of the last tick


class Rows(NamedTuple):
    """Room for rows: times (n,), and the values of each codec (n, channels)."""

    t_ns: np.ndarray
    sensors: np.ndarray
    commands: np.ndarray
    host: np.ndarray


def codecs_of(car: Car) -> tuple[Codecs, dict[str, tuple[str, ...]]]:
    """The codecs of a car's log, and by their names their messages. Raises InputError."""
    messages = messages_of(car)
    # Each frame by itself: what the host made of a message's counter is in its own frames.
    sensors, heard = codec_of(car, sensor_wiring(car, messages), messages, windowed=False)
    commands, said = codec_of(car, command_wiring(car, messages), messages, windowed=False)
    host, about = host_codec()
    named = {"sensors": heard, "commands": said, "host": about}
    return Codecs(sensors, commands, host), {
        of: tuple(message.name for message in each) for of, each in named.items()
    }


def hearing(codecs: Codecs) -> Hearing:
    """Nothing heard yet."""
    return Hearing(
        (
            records(codecs.sensors, RECEIVED),
            records(codecs.commands, RECEIVED),
            records(codecs.host, RECEIVED),
        ),
        np.full(len(SENSORS.names or ()), np.nan),
        np.full(len(COMMAND.names or ()), np.nan),
        np.full(len(HOST_NAMES), np.nan),
        accounts(),
        np.array([0, -1, 0]),
        np.zeros(1, np.int64),
    )


def rows(count: int) -> Rows:
    """Room for so many rows."""
    return Rows(
        np.zeros(count, np.int64),
        np.zeros((count, len(CHANNEL_NAMES))),
        np.zeros((count, len(COMMAND_NAMES))),
        np.zeros((count, len(HOST_NAMES))),
    )


@kernel
def _time(frame):
    """The integer time in a tick's marker."""
    t_ns = 0
    for k in range(7, -1, -1):
        t_ns = (t_ns << 8) | int(frame.payload[k])
    return t_ns


@kernel
def _book(accounts, host):
    """Count what one HOST_TIMING said, which is of the tick before."""
    wake, receive = host[WAKES] * NS_PER_US, host[RECEIVES] * NS_PER_US
    tick, send = host[TICKS] * NS_PER_US, host[SENDS] * NS_PER_US
    if wake + receive + tick + send > 0.0:
        book(accounts, WAKE, int(wake + 0.5))
        book(accounts, RECEIVE, int(receive + 0.5))
        book(accounts, TICK, int(tick + 0.5))
        book(accounts, SEND, int(send + 0.5))
        book(accounts, CYCLE, int(wake + receive + tick + send + 0.5))


@kernel
def _keep(source, row, count):
    for k in range(count):
        row[k] = source[k]


@kernel
def hear(codecs, heard, timing_message, frames, rows):
    """Take in a block of frames in order; returns how many of ``rows`` are written now.

    A frame that cannot be decoded, or whose protection fails, is counted in its message's
    record and changes no value.
    """
    written = 0
    for i in range(frames.size):
        if frames[i].channel != HOST_CHANNEL:
            if decode(codecs.sensors, frames, i, heard.received[0], heard.sensors) == UNKNOWN_ID:
                decode(codecs.commands, frames, i, heard.received[1], heard.commands)
            continue
        if decode(codecs.host, frames, i, heard.received[2], heard.host) == timing_message:
            _book(heard.timing, heard.host)
        if frames[i].can_id != TICK_ID or frames[i].reserved != TX:
            continue
        t_ns = _time(frames[i])
        heard.last_ns[0] = t_ns
        heard.kept[2] += 1
        if t_ns // ROW_NS != heard.kept[1] and written < rows.t_ns.size:
            heard.kept[1] = t_ns // ROW_NS
            rows.t_ns[written] = t_ns
            _keep(heard.sensors, rows.sensors[written], rows.sensors.shape[1])
            _keep(heard.commands, rows.commands[written], rows.commands.shape[1])
            _keep(heard.host, rows.host[written], rows.host.shape[1])
            written += 1
    return written
