"""The layout of the flat tables that the codec's kernels work over.

A codec is made once, by ``dbc/tables.py``, and only read afterwards. What
changes with traffic lives in RECEIVED and SENT, one record a message, which are zeroed
to begin with.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np

# One row a signal. Positions count in 64-bit words of a FRAME, so the payload begins in
# word 1 and the words beside the payload, header and time, can be loaded harmlessly.
SIGNAL: Final = np.dtype(
    [
        ("word", "u1"),  # holds the signal's most significant bit
        ("beside", "u1"),  # holds what does not fit into that word
        ("left", "u1"),  # shift that brings the most significant bit to the top
        ("spare", "u1"),  # 64 less the signal's length
        ("kind", "u1"),  # Kind
        ("spills", "u1"),  # 1 if part of the signal is in the word beside
        ("swap", "u1"),  # 1 for Motorola: read the words with their bytes reversed
        ("slot", "u4"),  # index of the channel among the values
        ("listed", "u4"),  # rows of VALUE [listed, listed_end) of a signal that is a list of
        ("listed_end", "u4"),  # values; the same number for one that is scaled
        ("substitute", "u4"),  # 1: a value that is not in the list is sent as raw_low
        ("mask", "i8"),  # of an unsigned signal's bits; -1 leaves the sign alone
        ("scale", "f8"),  # channel = raw * scale + offset
        ("offset", "f8"),
        ("low", "f8"),  # smallest and largest raw value that is sent …
        ("high", "f8"),
        ("raw_low", "i8"),  # … and their 64-bit patterns, exact where a double is not
        ("raw_high", "i8"),
        ("period", "f8"),  # in raw values: of a signal that comes round, or 0
        ("otherwise", "f8"),  # the channel's value for a raw value that is not in the list
    ],
    align=True,
)
VALUE: Final = np.dtype([("raw", "i8"), ("value", "f8")])

NO_SLOT: Final = 0xFFFF_FFFF  # of a signal that is not bound
NO_PARENT: Final = 0xFFFF_FFFF  # of a group whose multiplexor is always present

# One row a set of signals that the same value of the same multiplexor selects.
GROUP: Final = np.dtype(
    [
        ("first", "u4"),  # rows of SIGNAL [first, sent) are decoded and encoded,
        ("plain", "u4"),  # the plain ones, in [first, plain), before the others,
        ("sent", "u4"),  # [sent, received) only decoded,
        ("received", "u4"),  # [received, end) not bound: encoded as their initial value
        ("end", "u4"),
        ("selector", "u4"),  # row of the multiplexor
        ("ranges_first", "u4"),  # rows of RANGE that select the group
        ("ranges_end", "u4"),
        ("parent", "u4"),  # group the multiplexor itself is in, or NO_PARENT
    ],
    align=True,
)
RANGE: Final = np.dtype([("low", "i8"), ("high", "i8")])  # inclusive, raw values

# One row a condition on a signal: it holds while the raw value is in none of the ranges, or,
# ``within``, while it is in one; always in a frame that does not hold the signal.
CHECK: Final = np.dtype(
    [
        ("signal", "u4"),  # row of SIGNAL
        ("group", "u4"),  # group the signal is in, or NO_PARENT
        ("ranges_first", "u4"),
        ("ranges_end", "u4"),
        ("within", "u4"),
    ],
    align=True,
)
# One row a condition of another message that a message needs: its index and its bit in ``gates``.
NEED: Final = np.dtype([("message", "i8"), ("bit", "i8")])

MESSAGE: Final = np.dtype(
    [
        ("unpack", "i8"),  # address of the function that writes the plain signals' values,
        ("pack", "i8"),  # of the one that makes the frame of them,
        ("crc", "i8"),  # of the one that checks a frame's CRC,
        ("seal", "i8"),  # and of the one that puts counter and CRC in; 0 where there is none
        ("length", "i4"),
        ("padded", "i4"),  # the next length that CAN FD can carry
        ("first", "u4"),  # rows of SIGNAL that are always present, as in GROUP
        ("plain", "u4"),
        ("sent", "u4"),
        ("received", "u4"),
        ("groups_first", "u4"),  # rows of GROUP, a multiplexor's own before its groups'
        ("groups_end", "u4"),
        ("checks_first", "u4"),  # rows of CHECK without which its frames are refused,
        ("checks_end", "u4"),
        ("gates_end", "u4"),  # [checks_end, gates_end) those that other messages need
        ("needs_first", "u4"),  # rows of NEED
        ("needs_end", "u4"),
        ("guarded", "i4"),  # 1 with protection, floats or checks: more to check than the length
        ("floats", "i4"),  # 1 if a signal that is decoded may be NaN
        ("checked", "i4"),  # 1 with rows of CHECK or NEED of its own
        ("rest", "i4"),  # 1 if it has more than plain signals, or others need its checks
        ("counter", "i4"),  # row of the protection's counter, -1 without protection
        ("protected", "i4"),  # row of PROTECTED
        ("first_count", "i8"),  # the counter's first and last value
        ("last_count", "i8"),
        ("calm", "i8"),  # good frames in a row after which one more changes no window
    ],
    align=True,
)

# Open addressing: the key is a frame's can_id and channel, -1 where empty. The
# message's row is repeated here, so that one look gives all that a frame needs.
LOOKUP: Final = np.dtype(
    [("key", "i8"), ("index", "i8"), *((name, MESSAGE[name]) for name in MESSAGE.names or ())],
    align=True,
)

_LINE: Final = 64  # bytes of the processor's cache lines
_RECEIVED: Final = np.dtype(
    [
        ("t_ns", "i8"),  # of the last frame accepted while the message was valid
        ("count", "i8"),  # frames accepted
        ("gates", "i8"),  # a bit each: conditions that held in the last accepted frame
        ("status", "i8"),  # Status of the last frame, or NO_NEW_DATA
        ("errors", "i8"),  # frames refused
        ("counter", "i8"),  # the protection's, of the last frame that it took for right
        # Of a protected message (receiving.py):
        ("state", "i8"),  # State
        ("streak", "i8"),  # frames in a row that came as they should
        ("begun", "i8"),  # 1 once there is a counter to go on from
        ("tolerance", "i8"),  # reads since then that brought nothing good
        ("sync", "i8"),  # frames still to come that are SYNC
        ("no_new", "i8"),  # reads in a row that were empty or repeated
        ("read_ns", "i8"),  # of the last read, if that was later than t_ns
        ("seen", "i8"),  # frames, good and wrong, when reads were last counted
        ("ok_bits", "i8"),  # the window, the newest result lowest: good ones …
        ("error_bits", "i8"),  # … and wrong ones
        ("oks", "i8"),  # how many of each
        ("wrong", "i8"),
    ]
)
# In whole lines: a record that lies across one more costs every frame a fraction of a nanosecond.
RECEIVED: Final = np.dtype(
    {
        "names": list(_RECEIVED.names or ()),
        "formats": ["i8"] * len(_RECEIVED.names or ()),
        "itemsize": -(-_RECEIVED.itemsize // _LINE) * _LINE,
    }
)
SENT: Final = np.dtype(
    [
        ("counter", "i8"),  # the protection's, for the next frame
        ("count", "i8"),  # frames made
    ]
)


class Kind(IntEnum):
    """How the bits of a signal are to be read."""

    INTEGER = 0
    UNSIGNED_64 = 1  # does not fit the signed word that the kernels compute in
    FLOAT_16 = 2
    FLOAT_32 = 3
    FLOAT_64 = 4


class Status(IntEnum):
    """What was made of a frame: taken if not negative, else why it was refused or not made."""

    OK = 0
    OK_SOME_LOST = 1
    INITIAL = 2  # the first one, with nothing to hold its counter against
    SYNC = 3  # the sequence was disturbed, and this may be by chance
    NO_NEW_DATA = 4  # no frame when there should have been one
    UNKNOWN_ID = -1
    NOT_DATA = -2  # remote or error frame
    WRONG_LENGTH = -3
    WRONG_CRC = -4
    REPEATED = -5
    WRONG_SEQUENCE = -6
    NOT_FINITE = -7
    NOT_AVAILABLE = -8  # its sender says that it means nothing
    INVALID = -9  # right by itself, but of a message that is not to be trusted now


class Codec(NamedTuple):
    """Everything the kernels need to know of a set of messages; read-only.

    It holds addresses of machine code, so it means nothing to another process that was not
    forked from this one.
    """

    messages: np.recarray  # MESSAGE
    groups: np.recarray  # GROUP
    signals: np.recarray  # SIGNAL
    ranges: np.recarray  # RANGE
    lookup: np.recarray  # LOOKUP
    initial: np.ndarray  # i8: for each message the words of a frame, unbound signals set
    values: np.recarray  # VALUE
    checks: np.recarray  # CHECK
    needs: np.recarray  # NEED
    protected: np.recarray  # PROTECTED
    covered: np.ndarray  # u1: for each protected message the bytes that its CRC runs over
    by_counter: np.ndarray  # i8, (protected, BY_COUNTER, 3): CRC before them, bytes after them


class Binding(NamedTuple):
    """A signal that feeds, or is fed from, a channel: value = physical * factor + offset.

    With ``values`` it is a list instead: raw values and the channel's values that they mean.
    The first pair that fits counts, either way. What is not in the list is ``default``, or
    without one refused. ``unavailable`` raw values are never sent if they end its range.
    A value beyond the range that comes round after ``period`` is sent as one within.
    """

    message: str
    signal: str
    slot: int
    factor: float = 1.0
    offset: float = 0.0
    values: tuple[tuple[int, float], ...] = ()
    default: float | None = None
    unavailable: tuple[int, ...] = ()
    period: float = 0.0


class Condition(NamedTuple):
    """What must hold of a signal, or a message's frames are refused as NOT_AVAILABLE.

    The raw value is none of ``raws`` or, with ``within``, one of them. The signal may be of
    another message, ``source``: then the last of its frames decides, and none is refusal.
    """

    message: str
    source: str
    signal: str
    raws: tuple[int, ...]
    within: bool


def records(codec: Codec, dtype: np.dtype) -> np.recarray:
    """Zeroed RECEIVED or SENT records, one for each of the codec's messages."""
    return np.zeros(len(codec.messages), dtype).view(np.recarray)


def slots(codec: Codec) -> int:
    """How many values a frame of the codec may write: one more than the largest slot."""
    bound = codec.signals.slot[codec.signals.slot != NO_SLOT]
    return int(bound.max()) + 1 if len(bound) else 0
