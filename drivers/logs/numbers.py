"""Numbers in a log's text, read by kernels.

Texts are (n,) uint8. A reader takes where a number begins and where its line ends, and returns
its value, -1 if it is none, and where it stopped.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tianyuan.control.kernels import inlined, kernel

SPACE: Final = 0x20
TAB: Final = 0x09
DOT: Final = 0x2E
NO_DIGIT: Final = 16
_HEX: Final = np.full(256, NO_DIGIT, np.int64)  # the value of each character
for _digit, _characters in enumerate(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9",
                                      "aA", "bB", "cC", "dD", "eE", "fF"]):  # fmt: skip
    for _character in _characters:
        _HEX[ord(_character)] = _digit
# From here on a time does not fit into 64 bits of nanoseconds: it is none.
END_OF_TIME_S: Final = 9_223_372_036
SECOND_NS: Final = 1_000_000_000
_UNIT_NS: Final = 10 ** np.arange(9, -1, -1)  # of the last of so many decimals


@inlined
def octet(text, at):
    """One of a text, found without the look for a negative place that an index costs."""
    return text[np.uint64(at)]


@inlined
def digit(text, at):
    """The value of a hexadecimal digit, NO_DIGIT of anything else."""
    return _HEX[octet(text, at)]


@kernel
def skip_blanks(text, at, end):
    """The first character from ``at`` that is no blank."""
    while at < end and (octet(text, at) == SPACE or octet(text, at) == TAB):
        at += 1
    return at


@kernel
def skip_word(text, at, end):
    """The first blank from ``at``."""
    while at < end and octet(text, at) != SPACE and octet(text, at) != TAB:
        at += 1
    return at


@kernel
def decimal(text, at, end):
    """A whole number of at most 18 digits."""
    begin, value = at, 0
    while at < end and at - begin < 18 and digit(text, at) < 10:
        value = value * 10 + digit(text, at)
        at += 1
    return (value if at > begin else -1), at


@kernel
def hexadecimal(text, at, end):
    """A hexadecimal number of at most eight digits."""
    begin, value = at, 0
    while at < end and at - begin < 8 and digit(text, at) < NO_DIGIT:
        value = value * 16 + digit(text, at)
        at += 1
    return (value if at > begin else -1), at


@kernel
def seconds_as_ns(text, at, end):
    """Seconds with or without decimals, as whole nanoseconds; what is below those is dropped."""
    seconds, at = decimal(text, at, end)
    if seconds < 0 or seconds >= END_OF_TIME_S:
        return -1, at
    t_ns = seconds * SECOND_NS
    if at < end and octet(text, at) == DOT:
        begin = at + 1
        decimals, at = decimal(text, begin, min(begin + 9, end))
        if at > begin:
            t_ns += decimals * _UNIT_NS[at - begin]
        while at < end and digit(text, at) < 10:
            at += 1
    return t_ns, at
