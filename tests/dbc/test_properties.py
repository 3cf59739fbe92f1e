"""Any signal that a message can hold: there and back, saturation, its neighbours' bits."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tianyuan.dbc.codec import Status

pytestmark = pytest.mark.kernel  # its kernels are those of the fixture `wire`

EACH = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LENGTHS = [1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 32, 48, 64]


def network(start):
    """A DBC bit number counted from the top of byte 0."""
    return 8 * (start // 8) + 7 - start % 8


def reference(payload, spec):
    """The raw value by its definition: a slice of one long integer."""
    total = 8 * len(payload)
    if spec["byte_order"] == "little_endian":
        pattern = int.from_bytes(payload, "little") >> spec["start"]
    else:
        pattern = int.from_bytes(payload, "big") >> total - network(spec["start"]) - spec["length"]
    pattern &= (1 << spec["length"]) - 1
    negative = spec["is_signed"] and pattern >> spec["length"] - 1
    return pattern - (1 << spec["length"]) if negative else pattern


@st.composite
def specs(draw):
    """The length of a message and the place of a signal in it."""
    size = draw(st.sampled_from(LENGTHS))
    length = draw(st.integers(1, min(64, 8 * size)))
    first = draw(st.integers(0, 8 * size - length))
    order = draw(st.sampled_from(["little_endian", "big_endian"]))
    start = first if order == "little_endian" else network(first)
    signed = draw(st.booleans())
    return size, {"start": start, "length": length, "byte_order": order, "is_signed": signed}


def spec(start, length, order="little_endian", signed=False):
    return {"start": start, "length": length, "byte_order": order, "is_signed": signed}


STRADDLES = (64, spec(4, 64))
STRADDLES_SIGNED = (64, spec(59, 64, signed=True))
STRADDLES_MOTOROLA = (64, spec(3, 64, "big_endian", signed=True))
LAST_BYTE = (64, spec(504, 8))
LAST_BIT = (64, spec(511, 1))
LAST_MOTOROLA = (64, spec(511, 8, "big_endian"))
LAST_WORD_MOTOROLA = (64, spec(455, 64, "big_endian"))


def edges(test):
    for place in (STRADDLES, STRADDLES_SIGNED, STRADDLES_MOTOROLA, LAST_BYTE, LAST_BIT):
        test = example(place, 1)(test)
    return example(LAST_MOTOROLA, 2)(example(LAST_WORD_MOTOROLA, 3)(test))


@EACH
@given(specs(), st.randoms(use_true_random=False).map(lambda random: random.getrandbits(32)))
@edges
def test_a_raw_value_is_the_slice_that_its_definition_says(wire, signal, message, place, seed):
    size, where = place
    tried = wire([message([signal("S", **where)], length=size)])
    payload = noise(size, seed)
    tried.put(0, payload)

    result, raws, _ = tried.take_raw()

    assert result == 0
    wanted = reference(payload, where)
    assert int(raws[0]) == (wanted - (1 << 64) if wanted >> 63 == 1 else wanted)
    assert tried.take()[1][0] == float(wanted)


def noise(size, seed):
    return random.Random(seed).randbytes(size)


@EACH
@given(specs(), st.integers(0, 2**32))
@edges
def test_a_value_survives_the_way_there_and_back(wire, signal, message, place, seed):
    size, where = place
    tried = wire([message([signal("S", **where)], length=size)])
    low, high = ends(where)
    value = float(low + seed * (high - low) // 2**32)
    if not low <= value <= high:
        value = math.nextafter(value, 0.0)

    result, payload = tried.make(0, [value])

    assert result == Status.OK
    assert reference(payload, where) == int(value)
    assert tried.take()[1][0] == value


def ends(where):
    if where["is_signed"]:
        return -(1 << where["length"] - 1), (1 << where["length"] - 1) - 1
    return 0, (1 << where["length"]) - 1


@EACH
@given(specs(), st.integers(0, 1))
@edges
def test_a_signal_fills_its_own_bits_and_no_other(wire, signal, message, place, _):
    size, where = place
    ones = where | {"is_signed": False}
    tried = wire([message([signal("S", **ones)], length=size)])

    _, payload = tried.make(0, [math.ldexp(1.0, 70)])

    assert sum(octet.bit_count() for octet in payload) == where["length"]
    assert reference(payload, ones) == (1 << where["length"]) - 1


finite = st.floats(allow_nan=False, allow_infinity=False)


@EACH
@given(
    specs(),
    finite,
    st.sampled_from([1.0, -1.0, 0.1, -0.05, 3.0, 1e-9, 1e12, 0.00390625, 1 / 3]),
    st.sampled_from([0.0, -40.0, 1e6, 0.3]),
)
@example(LAST_BYTE, 1e308, 1e-9, 0.0)
@example(STRADDLES, 1.8446744073709552e19, 1.0, 0.0)
@example(STRADDLES, -1.0, 1.0, 0.0)
def test_a_value_out_of_range_is_sent_as_the_nearest_end(
    wire, signal, message, place, value, scale, offset
):
    size, where = place
    tried = wire([message([signal("S", **where, scale=scale, offset=offset)], length=size)])

    with np.errstate(over="ignore", invalid="ignore"):  # plain numpy warns of infinity
        result, payload = tried.make(0, [value])

    low, high = ends(where)
    quotient = (value - offset) / scale if abs(value - offset) < 1e290 else value / scale * 1e20
    wanted = round(min(max(quotient, float(low) - 1), float(high) + 1))
    assert result == Status.OK
    assert reference(payload, where) == min(max(wanted, low), high)


@EACH
@given(
    st.integers(1, 53),
    st.integers(-(2**52), 2**52),
    st.floats(1e-6, 1e6),
    st.floats(-1e3, 1e3),
    st.integers(-3, 3),
)
def test_rounding_is_that_of_the_division_however_near_the_tie(
    wire, signal, message, length, twice, scale, offset, ulps
):
    """The product with the inverse must never show: values on ties and beside them."""
    tried = wire([message([signal("S", 3, length, is_signed=True, scale=scale, offset=offset)])])
    value = twice / 2 * scale + offset
    for _ in range(abs(ulps)):
        value = math.nextafter(value, math.inf * ulps)

    _, payload = tried.make(0, [value])

    low, high = -(1 << length - 1), (1 << length - 1) - 1
    wanted = min(max(round((value - offset) / scale), low), high)
    assert reference(payload, spec(3, length, signed=True)) == wanted


@EACH
@given(finite, st.integers(1, 60), st.integers(0, 400), st.sampled_from([0.5, 0.1, -0.1]))
def test_a_value_beyond_the_declared_range_is_sent_as_its_end(
    wire, signal, message, value, low, width, scale
):
    minimum, maximum = low * 1.0, low + 0.5 + width / 2
    tried = wire(
        [
            message(
                [signal("S", 5, 20, is_signed=True, scale=scale, minimum=minimum, maximum=maximum)]
            )
        ]
    )

    with np.errstate(over="ignore", invalid="ignore"):
        tried.make(0, [value])

    sent = tried.take()[1][0]
    clipped = min(max(value, minimum), maximum)
    assert abs(sent - clipped) <= abs(scale) / 2 * (1 + 1e-9)
    assert minimum - abs(scale) / 2 <= sent <= maximum + abs(scale) / 2


@pytest.mark.parametrize("length", [8, 20, 60, 64])
@pytest.mark.parametrize("is_signed", [False, True])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_makes_no_frame(wire, signal, message, value, length, is_signed):
    tried = wire([message([signal("S", 0, length, is_signed=is_signed)])])
    assert tried.make(0, [value])[0] == Status.NOT_FINITE
    assert tried.sent[0].count == 0


@EACH
@given(finite, st.sampled_from([16, 32, 64]), st.sampled_from(["little_endian", "big_endian"]))
@example(6.103515625e-05, 16, "little_endian")  # the smallest normal number
@example(5.960464477539063e-08, 16, "little_endian")  # the smallest of all
@example(2.9802322387695312e-08, 16, "little_endian")  # a tie with zero
@example(65519.99, 16, "big_endian")
@example(65520.0, 16, "big_endian")
@example(3.4028235677973366e38, 32, "little_endian")
def test_a_float_is_rounded_to_nearest_and_saturates(wire, signal, message, value, length, order):
    kind = {16: np.float16, 32: np.float32, 64: np.float64}[length]
    start = 0 if order == "little_endian" else 7
    tried = wire([message([signal("S", start, length, byte_order=order, is_float=True)])])

    result, payload = tried.make(0, [value])

    largest = float(np.finfo(kind).max)
    wanted = np.array(min(max(value, -largest), largest), kind)
    mark = "<" if order == "little_endian" else ">"
    assert result == Status.OK
    assert payload[: length // 8] == wanted.astype(wanted.dtype.newbyteorder(mark)).tobytes()
    assert tried.take()[1][0] == float(wanted)


def test_every_half_is_read_as_numpy_reads_it(wire, signal, message):
    tried = wire([message([signal("S", 0, 16, is_float=True)], length=2)])
    for pattern in range(0, 1 << 16, 3):
        octets = pattern.to_bytes(2, "little")
        wanted = float(np.frombuffer(octets, "<f2")[0])
        tried.put(0, octets)
        result, values = tried.take()
        assert values[0] == wanted if math.isfinite(wanted) else result == Status.NOT_FINITE


@EACH
@given(st.integers(0, 2**64 - 1))
@example(2**63)
@example(2**63 + 1025)
@example(2**64 - 1)
def test_a_large_unsigned_value_is_rounded_once(wire, signal, message, raw):
    tried = wire([message([signal("S", 0, 64)])])
    tried.put(0, raw.to_bytes(8, "little"))
    assert Fraction(tried.take()[1][0]) == Fraction(float(raw))


def test_a_message_without_bytes_is_taken_and_made(wire, message):
    tried = wire([message([], length=0)])
    tried.put(0, b"")
    assert tried.take()[0] == 0
    assert tried.received[0].count == 1
    assert tried.make(0, [0.0]) == (Status.OK, b"")
