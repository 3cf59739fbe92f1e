"""A log of every kind of signal, with the DBC file for it, and columns beside cantools' own."""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import chain

import pytest
from cantools.database.errors import DecodeError

from tianyuan.dbc.errors import DbcError
from tianyuan.dbc.frame import ERROR, REMOTE
from tianyuan.dbc.header import can_id
from tianyuan.dbc.read import read
from tianyuan.hil.decoding.catalogue import Catalogue
from tianyuan.hil.decoding.databases import Database
from tianyuan.hil.decoding.decoder import Counts, tables

DBC = """VERSION ""

NS_ :

BS_:

BU_: A

BO_ 256 PLAIN: 8 A
 SG_ Speed : 0|16@1- (0.1,-5) [0|0] "m/s" A
 SG_ Mode : 16|4@1+ (1,0) [0|0] "" A
 SG_ Ratio : 32|32@1- (1,0) [0|0] "" A

BO_ 257 MUXED: 4 A
 SG_ Which M : 0|8@1+ (1,0) [0|0] "" A
 SG_ First m1 : 8|8@1+ (2,0) [0|0] "V" A
 SG_ Second m2 : 15|16@0+ (1,0) [0|0] "A" A

BO_ 2566844926 LONG: 8 A
 SG_ Stamp : 0|64@1+ (1,0) [0|0] "ns" A

VAL_ 256 Mode 0 "Off" 1 "On, really" ;
SIG_VALTYPE_ 256 Ratio : 1;
"""

LOG = """(170.000000001) can0 100#640001000000803F
(170.010000000) can0 101#01070000
(170.020000000) can0 101#02010200
(170.030000000) can0 18FEF1FE#FFFFFFFFFFFFFFFF
(170.040000000) can0 100#9CFF02000000C07F
(170.050000000) can0 101#09010200
(170.060000000) can0 100#6400
(170.070000000) can0 123#00
(170.080000000) can0 123#01
(170.090000000) can0 124#01
(170.100000000) can0 100#R
"""


@pytest.fixture
def dbc(tmp_path):
    file = tmp_path / "all.dbc"
    file.write_text(DBC)
    return file


@pytest.fixture
def log(tmp_path):
    file = tmp_path / "all.log"
    file.write_text(LOG)
    return file


def cantools_columns(messages, frames_read, partial):
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
            values = message.decode(payload, decode_choices=False, allow_truncated=partial)
        except DecodeError:
            continue
        for name, value in values.items():
            found[message.name, name].append((int(frame["t_ns"]), value))
    return found


def our_columns(log, messages, channel, partial):
    found = defaultdict(list)
    catalogue = Catalogue([Database(messages, channel)])
    for table in chain.from_iterable(tables(log, catalogue, Counts(), partial)):
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


def usable_messages(file):
    """The messages of a DBC file that a frame can carry; none of one that cannot be read."""
    try:
        return [message for message in read(file).messages if message.length <= 64]
    except DbcError:
        return []


@pytest.fixture(scope="session")
def usable():
    return usable_messages


@pytest.fixture(scope="session")
def assert_as_cantools():
    """Hold a log's columns to those that cantools makes of the same frames; return how many."""

    def compare(log, messages, frames_read, channel=None, partial=False):
        ours = our_columns(log, messages, channel, partial)
        theirs = cantools_columns(messages, frames_read, partial)
        assert_equal(ours, theirs)
        return len(theirs)

    return compare
