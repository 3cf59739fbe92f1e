"""Signals that are lists of values, against a dictionary and cantools, both ways."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.dbc.codec import Binding, Status, build
from tianyuan.dbc.errors import DbcError

WIDTH = 6
RAWS = st.integers(0, (1 << WIDTH) - 1)
# Whole numbers, as enumerations are; each may stand for several raw values and the reverse.
LISTS = st.lists(
    st.tuples(RAWS, st.integers(-5, 50).map(float)),
    min_size=1,
    max_size=12,
    unique_by=lambda p: p[0],
)


@pytest.fixture(scope="module")
def placed(signal, message):
    """The listed signal between two that must not notice, in either byte order."""

    def make(order: str):
        start = 15 if order == "big_endian" else 10
        return message(
            [
                signal("Before", 0, 8),
                signal("Listed", start, WIDTH, byte_order=order),
                signal("After", 24, 8),
            ]
        )

    return {order: make(order) for order in ("little_endian", "big_endian")}


def bindings(values, default=None):
    return [
        Binding("M", "Before", 0),
        Binding("M", "Listed", 1, values=tuple(values), default=default),
        Binding("M", "After", 2),
    ]


@given(LISTS, RAWS, st.sampled_from(["little_endian", "big_endian"]))
def test_a_raw_value_is_what_the_list_says(wire, placed, values, raw, order):
    tried = wire([placed[order]], bindings(values, default=-9.0))
    tried.put(0, placed[order].encode({"Before": 3, "Listed": raw, "After": 4}))
    result, got = tried.take()
    assert result == 0
    assert got.tolist() == [3.0, dict(values).get(raw, -9.0), 4.0]


@given(LISTS, RAWS)
def test_without_a_default_a_raw_value_that_is_not_listed_refuses_its_frame(
    wire, placed, values, raw
):
    tried = wire([placed["little_endian"]], bindings(values))
    tried.put(0, placed["little_endian"].encode({"Before": 3, "Listed": raw, "After": 4}))
    result, got = tried.take()
    if raw in dict(values):
        assert result == 0
        assert got[1] == dict(values)[raw]
    else:
        assert result == Status.NOT_AVAILABLE
        assert np.isnan(got).all()
        assert (tried.received.errors[0], tried.received.count[0]) == (1, 0)
        assert tried.received.t_ns[0] == 0


@given(LISTS, st.data())
def test_a_value_is_sent_as_the_first_raw_value_that_means_it(wire, placed, values, data):
    value = data.draw(st.sampled_from([value for _, value in values]))
    tried = wire([placed["big_endian"]], bindings(values))
    result, payload = tried.make(0, [1.0, value, 2.0])
    assert result == Status.OK
    first = next(raw for raw, each in values if each == value)
    assert placed["big_endian"].decode(payload) == {"Before": 1, "Listed": first, "After": 2}


@given(LISTS)
def test_what_is_sent_is_received(wire, placed, values):
    tried = wire([placed["little_endian"]], bindings(values))
    for _, value in values:
        _, payload = tried.make(0, [1.0, value, 2.0])
        tried.put(0, payload)
        assert tried.take()[1].tolist() == [1.0, value, 2.0]


def test_one_raw_value_may_be_sent_for_several(wire, placed):
    tried = wire([placed["little_endian"]], bindings([(1, 2.0), (1, 3.0), (5, 4.0)]))
    sent = [tried.make(0, [0.0, value, 0.0])[1][1] >> 2 for value in (2.0, 3.0, 4.0)]
    assert sent == [1, 1, 5]
    tried.put(0, tried.make(0, [0.0, 3.0, 0.0])[1])
    assert tried.take()[1][1] == 2.0  # the first that it means


def test_a_value_that_is_not_listed_is_sent_as_the_default_or_not_at_all(wire, placed):
    listed = [(1, 2.0), (5, 4.0)]
    tried = wire([placed["little_endian"]], bindings(listed, default=4.0))
    assert tried.make(0, [0.0, 3.0, 0.0])[1][1] >> 2 == 5
    for default in (None, 9.0):
        tried = wire([placed["little_endian"]], bindings(listed, default=default))
        assert tried.make(0, [0.0, 3.0, 0.0])[0] == Status.NOT_FINITE
        assert tried.sent.count[0] == 0


def test_a_list_may_name_negative_raw_values(wire, signal, message):
    one = message([signal("S", 0, 4, is_signed=True)])
    tried = wire([one], [Binding("M", "S", 0, values=((-8, 1.0), (7, 2.0)))])
    for raw, value in ((-8, 1.0), (7, 2.0)):
        tried.put(0, one.encode({"S": raw}))
        assert tried.take()[1][0] == value
        assert one.decode(tried.make(0, [value])[1]) == {"S": raw}


@pytest.mark.parametrize("raw", [0, 1 << 63, (1 << 64) - 1])
def test_a_list_may_name_any_raw_value_of_64_bits(wire, signal, message, raw):
    one = message([signal("S", 0, 64)])
    tried = wire([one], [Binding("M", "S", 0, values=((raw, 7.0),))])
    tried.put(0, raw.to_bytes(8, "little"))
    assert tried.take()[1][0] == 7.0
    assert tried.make(0, [7.0])[1] == raw.to_bytes(8, "little")


def test_a_list_in_a_multiplexed_group_counts_only_while_it_is_there(wire, signal, message):
    one = message(
        [
            signal("Which", 0, 4, is_multiplexer=True),
            signal("S", 8, 8, multiplexer_ids=[1], multiplexer_signal="Which"),
            signal("T", 8, 8, multiplexer_ids=[2], multiplexer_signal="Which"),
        ]
    )
    tried = wire(
        [one],
        [Binding("M", "Which", 0), Binding("M", "S", 1, values=((3, 30.0),)), Binding("M", "T", 2)],
    )
    for payload, expected in ((b"\x01\x03", 30.0), (b"\x02\x09", None), (b"\x01\x09", "refused")):
        tried.put(0, payload + bytes(6))
        result, got = tried.take()
        assert result == (Status.NOT_AVAILABLE if expected == "refused" else 0)
        assert got[1] == expected or np.isnan(got[1])


@pytest.mark.parametrize(
    ("raw", "options", "words"),
    [
        (64, {}, "raw value 64 does not fit"),
        (-1, {}, "raw value -1 does not fit"),
        (1, {"length": 32, "is_float": True}, "IEEE float"),
    ],
)
def test_a_raw_value_that_cannot_be_is_refused_by_name(signal, message, raw, options, words):
    one = message([signal("S", 0, **({"length": 6} | options))])
    with pytest.raises(DbcError, match=words) as caught:
        build([one], [Binding("M", "S", 0, values=((raw, 1.0),))])
    assert (caught.value.message, caught.value.signal) == ("M", "S")
