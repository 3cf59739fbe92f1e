"""How fast a command moves, by nothing but when its frames are heard: a budget of time.

It is earned by waiting and spent by moving. Frames are held up on their way, so a command may come
ahead of its slew by AHEAD_S, once. After a silence they may be as old as the silence is long: what
waited in a transmit queue while nothing left comes first, and what was commanded meanwhile follows
at once. So what a silence earned can be spent for as long as such a queue takes to empty.

    heard   x x x                             xxx   x   x   x
                |<-------- earned ---------->|<- spent ->|<- as ever
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tianyuan.control.kernels import inlined

# The host's longest step after a stall, and more than frames are ever held up on a bus that works.
AHEAD_S: Final = 0.02
_AHEAD_NS: Final = 20_000_000

SLEW: Final = np.dtype(
    [
        ("value", "f8"),  # of the last good frame
        ("t_ns", "i8"),  # of that frame, 0 before the first
        ("left_s", "f8"),  # how much sooner than its slew allows the command may still come
        ("silent_s", "f8"),  # the last silence
        ("until_ns", "i8"),  # when what it earned expires
    ]
)


@inlined
def spend(slew, value, moved, rate, most_s, silent_ns, t_ns):
    """Book a command that ``moved`` since its last frame; whether faster than ``rate`` allows.

    ``most_s`` of the budget is kept from frame to frame; a gap above ``silent_ns`` is a silence.
    """
    if slew.t_ns == 0:
        slew.left_s = AHEAD_S
    else:
        gap_ns = t_ns - slew.t_ns
        if t_ns <= slew.until_ns:
            most_s += slew.silent_s
        slew.left_s = min(slew.left_s, most_s) + gap_ns * 1e-9 - max(moved, 0.0) / rate
        if gap_ns > silent_ns:
            slew.silent_s, slew.until_ns = gap_ns * 1e-9, t_ns + silent_ns + _AHEAD_NS
    too_fast = slew.left_s < 0.0
    slew.value, slew.t_ns, slew.left_s = value, t_ns, max(slew.left_s, 0.0)
    return too_fast
