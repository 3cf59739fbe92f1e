"""Columns against cantools: random frames of every published DBC file.

cantools is asked as its users ask it, without choices: a frame that it refuses has no values.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import numpy as np
import pytest

from tianyuan.dbc.frame import frames
from tianyuan.dbc.header import LENGTHS, can_id

pytestmark = pytest.mark.kernel

SHARED = Path(os.environ.get("TIANYUAN_SHARED", Path(__file__).parents[4] / "shared"))
FOLDER = SHARED / "data" / "dbc"
DBC_FILES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.dbc"))
# Without multiplexors: cantools refuses more of a short frame with one than it has to.
PLAIN = ["cantools/motohawk.dbc", "cantools/signed.dbc", "css/canmod-gps.dbc", "oscc/oscc.dbc"]
FRAMES = 8  # of each message


class Blocks:
    """A log that is in memory already."""

    channels = ("can0",)

    def __init__(self, block):
        self._block = block

    def blocks(self):
        half = self._block.size // 2
        yield self._block[:half]
        yield self._block[half:]


def random_frames(messages, rng):
    """Frames of every message in a random order, some too short and some too long."""
    made = frames(FRAMES * len(messages))
    made.t_ns = np.arange(made.size)
    for at, message in enumerate(messages * FRAMES):
        longer = [length for length in LENGTHS if length >= message.length]
        shorter = [length for length in LENGTHS if length < message.length] or longer
        pool = (shorter, longer, longer[:1], longer[:1], longer[:1], longer[:1])[rng.integers(6)]
        length = int(rng.choice(pool))
        made[at].can_id, made[at].length = can_id(message), length
        made[at].payload[:length] = np.frombuffer(rng.bytes(length), np.uint8)
        if rng.integers(2):  # so that multiplexors select something more often
            made[at].payload[:2] &= 3
    return made[rng.permutation(made.size)]


@pytest.mark.parametrize("name", DBC_FILES or ["none"])
def test_random_frames_of_a_published_file_decode_as_cantools_decodes_them(
    shared_data, usable, assert_as_cantools, name
):
    messages = usable(shared_data / "dbc" / name)
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    made = random_frames(messages, rng)

    assert_as_cantools(Blocks(made), messages, made)


@pytest.mark.parametrize("name", PLAIN)
def test_what_there_is_of_a_short_frame_decodes_as_cantools_decodes_it(
    shared_data, usable, assert_as_cantools, name
):
    messages = usable(shared_data / "dbc" / name)
    made = random_frames(messages, np.random.default_rng(1))

    assert assert_as_cantools(Blocks(made), messages, made, partial=True)
