"""The machine code made of a DBC file does, bit for bit, what the kernels do from its tables."""

from __future__ import annotations

import math
from copy import deepcopy

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numba.core.errors import TypingError

from tianyuan.control.kernels import kernel
from tianyuan.dbc import assembly, decoding, e2e, encoding, machine
from tianyuan.dbc.checksums import CHECKSUMS
from tianyuan.dbc.codec import RECEIVED, Protection, Status, records

pytestmark = pytest.mark.skipif(not machine.GENERATED, reason="the tables alone are used")

EACH = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SCALES = [1.0, -1.0, 0.1, -0.05, 0.5, 3.0, 1e-9, 1e300, 5e-324]
OFFSETS = [0.0, -0.0, -40.0, 1e6, 0.3]
BESIDE = [0.0, 0.25, 0.5, -0.5, math.nextafter(0.5, 1.0), 1e30, -1e30]


def network(start):
    """A DBC bit number counted from the top of byte 0."""
    return 8 * (start // 8) + 7 - start % 8


@st.composite
def layouts(draw):
    """Signals of both byte orders, one after another with gaps: Intel in the first bytes."""
    size = draw(st.sampled_from([1, 2, 5, 8, 12, 64]))
    border = 8 * draw(st.integers(0, size))
    found = []
    for begins, ends in ((0, border), (border, 8 * size)):
        at = begins + draw(st.integers(0, 7))
        while at < ends and len(found) < 12:
            length = draw(st.integers(1, min(64, ends - at)))
            intel = begins == 0 and border > 0
            found.append(
                {
                    "start": at if intel else network(at),
                    "length": length,
                    "byte_order": "little_endian" if intel else "big_endian",
                    "is_signed": draw(st.booleans()),
                    "scale": draw(st.sampled_from(SCALES)),
                    "offset": draw(st.sampled_from(OFFSETS)),
                }
            )
            at += length + draw(st.integers(0, 9))
    return size, found


def from_tables(verb, *arguments):
    """What a kernel does when it works from the tables alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "GENERATED", False)
        patch.setattr(encoding, "GENERATED", False)
        with np.errstate(all="ignore"):
            return verb.py_func(*arguments)


def both(verb, codec, *arguments):
    """Do the same twice; what is written must not differ, nor what is returned."""
    others = deepcopy(arguments)
    result = verb(codec, *arguments)
    assert from_tables(verb, codec, *others) == result
    return result, zip(arguments, others, strict=True)


def assert_alike(pairs):
    for one, other in pairs:
        if isinstance(one, np.ndarray):
            # Field by field: what pads a record is copied by nobody.
            for name in one.dtype.names or (...,):
                assert one[name].tobytes() == other[name].tobytes()


@EACH
@given(layouts(), st.binary(min_size=64, max_size=64))
def test_any_payload_gives_the_same_values(wire, signal, message, layout, payload):
    size, places = layout
    signals = [signal(f"S{k}", **place) for k, place in enumerate(places)]
    tried = wire([message(signals, length=size)])
    tried.put(0, payload[:size])
    values = np.full(tried.size, np.nan)

    result, pairs = both(decoding.decode, tried.codec, tried.frame, 0, tried.received, values)

    assert result == 0
    assert_alike(pairs)


@EACH
@given(layouts(), st.data())
def test_any_values_make_the_same_frame(wire, signal, message, layout, data):
    """On ties and beside them, beyond every range, and where the frame held something before."""
    size, places = layout
    signals = [signal(f"S{k}", **place) for k, place in enumerate(places)]
    tried = wire([message(signals, length=size)])
    tried.frame.view(np.uint8)[:] = 0xA5
    values = np.array([value_for(place, data.draw) for place in places], np.float64)

    result, pairs = both(encoding.encode, tried.codec, 0, tried.sent, values, tried.frame, 0)

    assert result == Status.OK
    assert_alike(pairs)


def value_for(place, draw):
    raw = draw(st.integers(-(2 ** place["length"]), 2 ** place["length"]))
    raw += draw(st.sampled_from(BESIDE))
    value = raw * place["scale"] + place["offset"]
    return value if math.isfinite(value) else math.copysign(1e308, value)


@pytest.mark.parametrize("value", [math.nan, -math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("which", range(3))
def test_no_value_that_is_not_finite_makes_a_frame_among_any_others(
    wire, signal, message, value, which
):
    tried = wire([message([signal(f"S{k}", 12 * k, 12) for k in range(3)])])
    values = np.arange(3.0)
    values[which] = value

    result, _ = both(encoding.encode, tried.codec, 0, tried.sent, values, tried.frame, 0)

    assert result == Status.NOT_FINITE


GUARDS = [
    *(Protection("P1", 0x1234, "Crc", "Counter", mode=mode) for mode in ("BOTH", "ALT", "LOW")),
    Protection("P1", 0x1234, "Crc", "Counter", mode="NIBBLE", nibble="Nibble"),
    Protection("P2", 0, "Crc", "Counter", data_ids=tuple(range(3, 51, 3))),
    Protection("P5", 0x1234, "Crc", "Counter"),
    Protection("P11", 0x1234, "Crc", "Counter", mode="NIBBLE", nibble="Nibble"),
    Protection("counter", 0, "", "Counter"),
    *(Protection("counter", 0, "Crc", "Counter", checksum=each) for each in CHECKSUMS),
]


@pytest.mark.parametrize("length", [4, 7, 8, 9, 10, 12, 20, 64])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("guard", GUARDS, ids=lambda each: f"{each[0]}-{each[5]}-{each[8]}")
def test_a_protected_frame_is_the_same_and_is_taken_alike(
    wire, signal, message, length, last, guard
):
    """Whatever bytes the CRC runs over, and wherever its own are."""
    size = 2 if guard.profile == "P5" else 1
    width = 8 * size if guard.profile == "P5" else 4
    own = length - size if last else 0
    at = 0 if last else size
    places = [("Crc", 8 * own, 8 * size), ("Counter", 8 * at, min(width, 8))]
    places += [("Nibble", 8 * at + 4, 4)] if guard.nibble else []
    free = [byte for byte in range(length) if byte not in (at, *range(own, own + size))]
    places += [(f"S{byte}", 8 * byte, 8) for byte in free]
    tried = wire([message([signal(*place) for place in places], length=length)], None, {"M": guard})
    values = np.random.default_rng(length).uniform(0, 255, tried.size)

    for round_ in range(20):
        made, pairs = both(encoding.encode, tried.codec, 0, tried.sent, values, tried.frame, 0)
        assert_alike(pairs)
        wrong = round_ % 5 == 4 and bool(guard.crc)
        tried.frame["payload"][0, free[-1]] ^= wrong
        taken, pairs = both(
            decoding.decode, tried.codec, tried.frame, 0, tried.received, np.zeros(tried.size)
        )
        assert_alike(pairs)
        assert (made, taken) == (0, Status.WRONG_CRC if wrong else 0)


@pytest.mark.parametrize("guard", GUARDS, ids=lambda each: f"{each[0]}-{each[5]}-{each[8]}")
def test_any_bytes_are_found_wrong_alike(wire, signal, message, guard):
    """Counters beyond the profile's and nibbles of another data id are among them."""
    size = 2 if guard.profile == "P5" else 1
    places = [("Crc", 0, 8 * size), ("Counter", 16, 8 if size == 2 else 4)]
    places += [("Nibble", 20, 4)] if guard.nibble else []
    tried = wire([message([signal(*place) for place in places], length=12)], None, {"M": guard})
    rng = np.random.default_rng(1)
    seen = set()
    for _ in range(300):
        tried.put(0, rng.bytes(12))
        found = tried.codec.messages[0]
        off = e2e.mismatch(tried.codec, tried.codec.protected[found.protected], words_of(tried), 0)
        assert machine_finds(found.crc, words_of(tried), tried.size) == off
        seen.add(int(off))
    assert len(seen) > 50 or not guard.crc


def words_of(tried):
    return tried.frame.view(np.int64)


@kernel
def machine_call(address, words, values):
    return machine.call(address, words, np.uint64(0), values)


def machine_finds(address, words, size):
    return machine_call(int(address), words, np.zeros(size))


def test_the_code_of_one_file_is_made_once(wire, signal, message):
    def address():
        tried = wire([message([signal("S", 3, 9, scale=0.7)])])
        return tried.codec.messages[0].unpack, tried.codec.lookup.unpack.max()

    assert address() == address()
    assert address()[0] == address()[1] != 0


def test_every_message_has_functions_of_its_own(wire, signal, message):
    named = [message([signal("S", 0, 8)], name=f"M{m}", frame_id=m) for m in range(5)]
    tried = wire(named)
    text = assembly.source(tried.codec)

    assert text.count("define i64 @unpack_") == text.count("define i64 @pack_") == 5
    assert np.unique([tried.codec.messages.unpack, tried.codec.messages.pack]).size == 10


def test_values_must_be_contiguous_doubles(wire, signal, message):
    tried = wire([message([signal("S", 0, 8)])])
    for values in (np.zeros(4)[::2], np.zeros(4, np.float32)):
        with pytest.raises(TypingError, match="not a contiguous array of float64"):
            decoding.decode(tried.codec, tried.frame, 0, records(tried.codec, RECEIVED), values)
