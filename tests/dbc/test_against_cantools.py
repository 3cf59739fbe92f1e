"""Every message of every published DBC file, bit for bit against cantools.

cantools refuses a frame whose multiplexor selects nothing, so payloads are made along a
path of its own multiplexing tree, with random bits in all else. No message of these files
is beyond cantools otherwise: an exception of its own fails the test.
"""

from __future__ import annotations

import math
import os
import struct
import zlib
from pathlib import Path

import cantools
import numpy as np
import pytest

from tianyuan.dbc.codec import Status
from tianyuan.dbc.errors import DbcError
from tianyuan.dbc.read import read

SHARED = Path(os.environ.get("TIANYUAN_SHARED", Path(__file__).parents[3] / "shared"))
FOLDER = SHARED / "data" / "dbc"
NAMES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.dbc"))
FLOATS = {16: "<e", 32: "<f", 64: "<d"}
PAYLOADS = 6

# Refused by cantools as well; the message and the signal that our error names.
REFUSED = {
    "cantools/bad_message_length.dbc": ("Message1", "Signal1"),
    "cantools/issue_199.dbc": ("DriverDoorStatus", ""),
    "cantools/issue_199_extended.dbc": ("DriverDoorStatus", ""),
    "cantools/issue_63.dbc": ("AFT1PSI2", "HtrRes"),
    "iac/CAN1_INDY_V5.dbc": ("pt_report_1", "gear_shift_status"),
    "opendbc/FORD_CADS_64.dbc": ("MRR_Detection_022", "CAN_DET_AZIMUTH_22_03"),
    "opendbc/hongqi_hs5.dbc": ("ABS_3", "DRIVER_BRAKE_PRESSURE"),
    "opendbc/hyundai_canfd.dbc": ("SCC_CONTROL", "SCC_ObjSta"),
    "opendbc/mazda_2017.dbc": ("", ""),
}


@pytest.fixture(params=[name for name in NAMES if name not in REFUSED] or ["none"])
def messages(request, shared_data):
    return cantools.database.load_file(shared_data / "dbc" / request.param, strict=True).messages


@pytest.fixture
def rng(request):
    return np.random.default_rng(zlib.crc32(request.node.name.encode()))


def along_a_path(tree, rng):
    """The signals of one path through a signal tree, with the multiplexors' values."""
    chosen = {}
    for node in tree:
        if isinstance(node, str):
            chosen[node] = None
            continue
        ((multiplexor, branches),) = node.items()
        selection = int(rng.choice(list(branches)))
        chosen |= {multiplexor: selection} | along_a_path(branches[selection], rng)
    return chosen


def random_raw(signal, rng):
    pattern = int.from_bytes(rng.bytes(8), "little") >> (64 - signal.length)
    if signal.is_float:
        kind = FLOATS[signal.length]
        return struct.unpack(kind, pattern.to_bytes(signal.length // 8, "little"))[0]
    signed = signal.is_signed and pattern >> (signal.length - 1)
    return pattern - (1 << signal.length) if signed else pattern


def random_raws(message, rng):
    path = along_a_path(message.signal_tree, rng)
    signals = {name: message.get_signal_by_name(name) for name in path}
    return {
        name: random_raw(signals[name], rng) if value is None else value
        for name, value in path.items()
    }


def pattern_of(signal, raw):
    """A raw value as the integer that its bits make; NaN as one pattern."""
    if not signal.is_float:
        return raw & ((1 << signal.length) - 1)
    if math.isnan(raw):
        return "NaN"
    return int.from_bytes(struct.pack(FLOATS[signal.length], raw), "little")


def as_raw(signal, word):
    """What ``decode_raw`` gives, as cantools has it."""
    pattern = int(word) & ((1 << signal.length) - 1)
    if signal.is_float:
        octets = pattern.to_bytes(signal.length // 8, "little")
        return struct.unpack(FLOATS[signal.length], octets)[0]
    signed = signal.is_signed and pattern >> (signal.length - 1)
    return pattern - (1 << signal.length) if signed else pattern


def test_every_raw_value_is_that_of_cantools(messages, rng, wire):
    tried = wire(messages)
    for m, message in enumerate(messages):
        for noise in range(PAYLOADS):
            raws = random_raws(message, rng)
            payload = message.encode(raws, scaling=False, strict=False, padding=bool(noise % 2))
            expected = message.decode(payload, decode_choices=False, scaling=False)
            tried.put(m, payload)

            result, words, present = tried.take_raw()

            assert result == m
            for signal in message.signals:
                slot = tried.slot[message.name, signal.name]
                assert present[slot] == (signal.name in expected)
                if present[slot]:
                    raw = as_raw(signal, words[slot])
                    wanted = pattern_of(signal, expected[signal.name])
                    assert pattern_of(signal, raw) == wanted, (message.name, signal.name)


def test_every_physical_value_is_that_of_cantools(messages, rng, wire):
    """Equal as doubles.

    cantools scales integers by integers without limit; a double is exact up to 2^53, and
    no signal of these files is both longer than that and scaled.
    """
    tried = wire(messages)
    for m, message in enumerate(messages):
        for _ in range(PAYLOADS):
            payload = message.encode(random_raws(message, rng), scaling=False, strict=False)
            expected = message.decode(payload, decode_choices=False)
            tried.put(m, payload)

            result, values = tried.take()

            if not all(math.isfinite(value) for value in expected.values()):
                assert result == Status.NOT_FINITE
                assert np.isnan(values).all()
                continue
            assert result == m
            for signal in message.signals:
                value = values[tried.slot[message.name, signal.name]]
                wanted = expected.get(signal.name)
                if wanted is None:
                    assert math.isnan(value)
                else:
                    assert value == float(wanted), (message.name, signal.name)


def random_physical(signal, rng):
    """A value in range, on the grid, off it or on a tie between two raw values."""
    raw = random_raw(signal, rng)
    if signal.is_float:
        raw = raw if math.isfinite(raw) else 1.5
    elif signal.length > 53:
        raw = raw // 2  # the ends of the range are no doubles
    part = rng.choice([0.0, 0.25, 0.5, -0.5, rng.random() - 0.5])
    value = float(signal.conversion.raw_to_scaled(raw, False))
    value += part * float(signal.scale) * (not signal.is_float)
    ends = [float(signal.conversion.raw_to_scaled(end, False)) for end in raw_ends(signal)]
    low, high = min(ends), max(ends)
    declared = signal.minimum, signal.maximum
    if None not in declared and declared[0] < declared[1]:
        low, high = max(low, float(declared[0])), min(high, float(declared[1]))
    assert low <= high, f"{signal.name}: its range and its bits never meet"
    return min(max(value, low), high)


def raw_ends(signal):
    if signal.is_float:
        largest = {16: 65504.0, 32: float(np.finfo(np.float32).max), 64: 1e300}[signal.length]
        return -largest, largest
    if signal.is_signed:
        return -(1 << signal.length - 1), (1 << signal.length - 1) - 1
    return 0, (1 << signal.length) - 1


def test_every_payload_is_that_of_cantools(messages, rng, wire):
    tried = wire(messages)
    for m, message in enumerate(messages):
        for _ in range(PAYLOADS):
            values = physical_values(message, rng)
            slots = np.full(tried.size, np.nan)
            for name, value in values.items():
                slots[tried.slot[message.name, name]] = value

            result, payload = tried.make(m, slots)

            assert result == Status.OK
            assert payload[: message.length] == message.encode(values, strict=False), values


def physical_values(message, rng):
    """Values in range along a path."""
    values = {}
    for name, selection in along_a_path(message.signal_tree, rng).items():
        signal = message.get_signal_by_name(name)
        if selection is None:
            values[name] = random_physical(signal, rng)
        else:
            values[name] = float(signal.conversion.raw_to_scaled(selection, False))
    return values


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_file_that_cantools_refuses_is_refused_by_name(name, shared_data):
    path = shared_data / "dbc" / name
    with pytest.raises(DbcError) as caught:
        read(path)
    assert (caught.value.message, caught.value.signal) == REFUSED[name]
    assert caught.value.file == str(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in REFUSED] or ["none"])
def test_a_file_that_cantools_loads_is_read_alike(name, shared_data):
    path = shared_data / "dbc" / name
    ours, theirs = read(path), cantools.database.load_file(path)
    assert [repr(each) for each in ours.messages] == [repr(each) for each in theirs.messages]
