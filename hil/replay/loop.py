"""The replay's loop: a stretch of ticks by the host's own tick, and its frames held to the log's.

What the loop told each tick beside frames and time was sent in the host's frames of that tick;
they tell it again.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tianyuan.control.kernels import inlined, kernel, unlocked
from tianyuan.dbc.codec import decode
from tianyuan.dbc.frame import TX, WORDS
from tianyuan.firmware.host_record import HOST, HOST_CHANNEL
from tianyuan.firmware.tick import tick

TOLD: Final = (
    "wake_us", "receive_us", "tick_us", "send_us", "overruns", "shutdown", "interface_down",
    "overruns_in_a_row", "unsent_in_a_row",
)  # fmt: skip
_FIELDS: Final = tuple((HOST.names or ()).index(name) for name in TOLD)
_TIME: Final = WORDS - 1  # the word of a frame that no bus carries
_WIRE: Final = (1 << 56) - 1  # of the header's word: all but ``reserved``, which tells logs apart


@inlined
def _copy(to, at, words, i):
    for w in range(WORDS):
        to[at * WORDS + w] = words[i * WORDS + w]


@kernel
def _differ(one, i, other, k):
    """Whether two frames differ in what a bus carries of them."""
    if (one[i * WORDS] ^ other[k * WORDS]) & _WIRE != 0:
        return True
    for w in range(1, _TIME):
        if one[i * WORDS + w] != other[k * WORDS + w]:
            return True
    return False


@kernel
def _wrong(frames, words, first, end, said, n_out):
    """How many of a tick's frames differ from those recorded, one by one in their order."""
    wrong = count = 0
    for i in range(first, end):
        if frames[i].reserved != TX:
            continue
        if count >= n_out or _differ(words, i, said, count):
            wrong += 1
        count += 1
    return wrong + max(n_out - count, 0)


@unlocked
def run(
    tables, path, sensors, memory, command, frames_in, out, received, told,
    frames, ends, times, own, made, made_ends, wrong, commands, thoughts,
):  # fmt: skip
    """The ticks of a stretch: ``frames``, ``ends`` and ``times`` are as in Stretch.

    ``own`` says that the frames with TX are what this host sent: they tell it what its loop
    did (``received`` and ``told`` are of the codec of HOST), and ``wrong`` (ticks,) gets how many
    are other than those now. All that is sent is put into ``made``, a tick's up to
    ``made_ends``, and COMMAND and HOST of each tick into ``commands`` and ``thoughts`` (ticks,).
    """
    words, given = frames.view(np.int64), frames_in.view(np.int64)
    said, kept = out.view(np.int64), made.view(np.int64)
    host, wanted = memory.host.view(np.float64), command.view(np.float64)
    commanded, thought = commands.view(np.float64), thoughts.view(np.float64)
    first = count = 0
    for k in range(times.size):
        t_ns, n_in = times[k], 0
        for i in range(first, ends[k]):
            frames[i].t_ns = t_ns
            if own and frames[i].reserved == TX:
                if frames[i].channel == HOST_CHANNEL:
                    decode(tables.host, frames, i, received, told)
                continue
            _copy(given, n_in, words, i)
            frames_in[n_in].reserved = 0
            n_in += 1
        if own:
            for field in _FIELDS:
                host[field] = told[field]
        n_out = tick(tables, path, frames_in, n_in, t_ns, sensors, memory, command, out)
        wrong[k] = _wrong(frames, words, first, ends[k], said, n_out) if own else 0
        for i in range(n_out):
            _copy(kept, count, said, i)
            count += 1
        made_ends[k] = count
        for field in range(wanted.size):
            commanded[k * wanted.size + field] = wanted[field]
        for field in range(host.size):
            thought[k * host.size + field] = host[field]
        first = ends[k]
