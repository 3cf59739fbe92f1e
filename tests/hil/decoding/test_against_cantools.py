"""Columns against cantools: every published DBC file on random frames, and every published log.

cantools is asked as its users ask it, without choices: a frame that it refuses has no values.
"""

from __future__ import annotations

import math
import os
import zlib
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from cantools.database.errors import DecodeError

from tianyuan.dbc.errors import DbcError
from tianyuan.dbc.frame import ERROR, REMOTE, frames
from tianyuan.dbc.header import LENGTHS, can_id
from tianyuan.dbc.read import read
from tianyuan.drivers.logs.log import Log
from tianyuan.hil.decoding.catalogue import Catalogue
from tianyuan.hil.decoding.databases import Database
from tianyuan.hil.decoding.decoder import Counts, tables

SHARED = Path(os.environ.get("TIANYUAN_SHARED", Path(__file__).parents[4] / "shared"))
FOLDER = SHARED / "data" / "dbc"
DBC_FILES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.dbc"))
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


def cantools_columns(messages, frames_read):
    """What cantools makes of frames: for each signal, its times and values."""
    by_id = {}
    for message in messages:
        by_id.setdefault(can_id(message), message)
    found = defaultdict(list)
    for frame in frames_read:
        message = by_id.get(int(frame["can_id"]))
        if message is None or frame["can_id"] & (ERROR | REMOTE):
            continue
        payload = frame["payload"][: int(frame["length"])].tobytes()
        try:
            values = message.decode(payload, decode_choices=False)
        except DecodeError:
            continue
        for name, value in values.items():
            found[message.name, name].append((int(frame["t_ns"]), value))
    return found


def our_columns(log, messages, channel=None):
    found = defaultdict(list)
    for table in tables(log, Catalogue([Database(messages, channel)]), Counts()):
        for at, column in enumerate(table.stream.layout.columns):
            held = table.present[at] != 0 if len(table.present) else slice(None)
            values = table.words[at].view(column.kind)[held].tolist()
            series = zip(table.t_ns[held].tolist(), values, strict=True)
            found[table.stream.layout.message.name, column.name].extend(series)
    return found


def assert_equal(ours, theirs):
    assert {name for name, series in ours.items() if series} == set(theirs)
    for name, series in theirs.items():
        assert [t_ns for t_ns, _ in ours[name]] == [t_ns for t_ns, _ in series], name
        for (_, value), (_, wanted) in zip(ours[name], series, strict=True):
            expected = float(wanted) if isinstance(value, float) else wanted
            both_nan = math.isnan(value) and math.isnan(expected)
            assert value == expected or both_nan, (name, value, expected)


def usable(file):
    try:
        return [message for message in read(file).messages if message.length <= 64]
    except DbcError:
        return []


@pytest.mark.parametrize("name", DBC_FILES or ["none"])
def test_random_frames_of_a_published_file_decode_as_cantools_decodes_them(shared_data, name):
    messages = usable(shared_data / "dbc" / name)
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    made = random_frames(messages, rng)

    ours = our_columns(Blocks(made), messages)

    assert_equal(ours, cantools_columns(messages, made))


@pytest.mark.parametrize(
    ("log", "dbc", "channel"),
    [
        ("css/00000164_00000001-60FE3F04.MF4", "css/canmod-gps.dbc", 2),
        ("css/00000165_00000006-60FFE42F.MF4", "css/canmod-gps.dbc", 2),
        ("css/7512BE4D.MF4", "css/can9-database-01.09.dbc", 9),
        ("savvycan/candump.log", "opendbc/bmw_e9x_e8x.dbc", 0),
        ("savvycan/candump.log", "opendbc/vw_mlb.dbc", 0),
        ("python-can/issue_1256.asc", "cantools/socialledge.dbc", 0),
    ],
)
def test_every_frame_of_a_published_log_decodes_as_cantools_decodes_it(
    shared_data, log, dbc, channel
):
    file, messages = shared_data / "logs" / log, usable(shared_data / "dbc" / dbc)

    ours = our_columns(Log(file), messages, str(channel))

    read_frames = np.concatenate(list(Log(file).blocks()))
    theirs = cantools_columns(messages, read_frames[read_frames["channel"] == channel])
    assert theirs
    assert_equal(ours, theirs)
