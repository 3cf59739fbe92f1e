"""Signals bound to channels: what is read, what is sent, what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tianyuan.dbc.codec import Binding, Status, build, every_signal, slots
from tianyuan.dbc.errors import DbcError

pytestmark = pytest.mark.kernel  # its kernels are those of the fixture `wire`

KPH = Binding("M", "Speed", 2, factor=1 / 3.6)


@pytest.fixture
def car(signal, message):
    return message(
        [
            signal("Speed", 0, 16, scale=0.01, minimum=0.0, maximum=360.0),
            signal("Steer", 16, 16, is_signed=True, scale=-0.1, offset=5.0, raw_initial=-50),
            signal("Gear", 32, 4, raw_initial=7),
            signal("Level", 55, 12, byte_order="big_endian", raw_initial=0xABC),
        ]
    )


def test_without_bindings_each_signal_has_a_slot_in_order(car):
    assert [each.signal for each in every_signal([car])] == ["Speed", "Steer", "Gear", "Level"]
    assert [each.slot for each in every_signal([car])] == [0, 1, 2, 3]
    assert slots(build([car])) == 4


def test_only_bound_signals_are_written_and_in_the_channels_unit(wire, car):
    tried = wire([car], [KPH])
    tried.put(0, (36000).to_bytes(2, "little") + bytes(6))
    _, values = tried.take()
    assert values[2] == pytest.approx(100.0, rel=1e-15)
    assert np.isnan(values[:2]).all()


def test_a_channel_is_sent_in_the_signals_unit(wire, car):
    tried = wire([car], [KPH])
    _, payload = tried.make(0, [math.nan, math.nan, 50.0])
    assert int.from_bytes(payload[:2], "little") == 18000


def test_a_channel_is_sent_within_the_signals_declared_range(wire, car):
    tried = wire([car], [KPH])
    for value, raw in ((1e9, 36000), (-1.0, 0)):
        _, payload = tried.make(0, [math.nan, math.nan, value])
        assert int.from_bytes(payload[:2], "little") == raw


def test_an_offset_of_the_channel_counts_both_ways(wire, car):
    tried = wire([car], [Binding("M", "Steer", 0, factor=2.0, offset=-1.0)])
    _, payload = tried.make(0, [15.0])  # 15 = physical * 2 - 1, physical 8 = -0.1 * raw + 5
    assert int.from_bytes(payload[2:4], "little", signed=True) == -30
    tried.put(0, payload)
    assert tried.take()[1][0] == pytest.approx(15.0, rel=1e-15)


def test_an_unbound_signal_is_sent_as_its_initial_value(wire, car):
    tried = wire([car], [KPH])
    _, payload = tried.make(0, [math.nan, math.nan, 0.0])
    assert car.decode(payload, scaling=False) == {
        "Speed": 0,
        "Steer": -50,
        "Gear": 7,
        "Level": 0xABC,
    }


def test_an_unbound_signal_of_any_width_is_sent_as_its_initial_value(wire, signal, message):
    wide = message([signal("Wide", 0, 100, raw_initial=1 << 99), signal("S", 104, 8)], length=16)
    tried = wire([wide], [Binding("M", "S", 0)])
    _, payload = tried.make(0, [9.0])
    assert payload == bytes(12) + bytes([8, 9, 0, 0])


def test_one_signal_may_feed_two_channels(wire, car):
    tried = wire([car], [KPH, Binding("M", "Speed", 0)])
    tried.put(0, (36000).to_bytes(2, "little") + bytes(6))
    _, values = tried.take()
    assert values[0] == 360.0
    _, payload = tried.make(0, [math.nan, math.nan, 10.0])  # sent from the first binding
    assert int.from_bytes(payload[:2], "little") == 3600


def test_a_message_without_bindings_is_known_and_sent(wire, car):
    tried = wire([car], [])
    tried.put(0, bytes(8))
    assert tried.take()[0] == 0
    assert tried.make(0, [])[0] == Status.OK


@pytest.mark.parametrize(
    ("binding", "words"),
    [
        (Binding("N", "Speed", 0), "message N: no such message"),
        (Binding("M", "Sped", 0), "signal Sped: no such signal in it; did you mean Speed"),
        (Binding("M", "Speed", -1), "signal Speed: slot -1"),
        (Binding("M", "Speed", 0, 0.0), "signal Speed: factor 0.0"),
        (Binding("M", "Speed", 0, math.nan), "signal Speed: factor nan"),
        (Binding("M", "Speed", 0, 1.0, math.inf), "signal Speed: factor 1.0, offset inf"),
    ],
)
def test_a_binding_that_cannot_be_is_refused_by_name(car, binding, words):
    with pytest.raises(DbcError, match=words):
        build([car], [binding])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"length": 65}, "length 65 bits"),
        ({"length": 24, "is_float": True}, "IEEE float of 24 bits"),
        ({"length": 8, "scale": 0}, "factor 0"),
        ({"length": 8, "scale": math.inf}, "factor inf"),
    ],
)
def test_a_signal_that_cannot_be_is_refused_by_name(signal, message, options, words):
    with pytest.raises(DbcError, match=words) as caught:
        build([message([signal("S", 0, **options)], length=16)])
    assert (caught.value.message, caught.value.signal) == ("M", "S")


def test_a_signal_outside_its_message_is_refused_by_name(signal, message):
    loose = message([signal("S", 0, 8)], length=8)
    loose.signals[0].start = 60
    with pytest.raises(DbcError, match="does not fit"):
        build([loose])


def test_a_codec_without_messages_knows_no_frame(wire):
    tried = wire([])
    assert tried.take()[0] == Status.UNKNOWN_ID
