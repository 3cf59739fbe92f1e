"""Protection: published CRC vectors, AUTOSAR profile 1, and what each fault does."""

from __future__ import annotations

import fastcrc
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.dbc import e2e
from tianyuan.dbc.codec import Binding, Protection, Status, build
from tianyuan.dbc.errors import DbcError
from tianyuan.dbc.frame import frames

DATA_ID = 0x123
P1 = {"M": Protection("P1", DATA_ID, "Crc", "Counter")}

VECTORS = {
    b"123456789": 0x4B,
    bytes.fromhex("00000000"): 0x59,
    bytes.fromhex("F20183"): 0x37,
    bytes.fromhex("0FAA0055"): 0x79,
    bytes.fromhex("00FF5511"): 0xB8,
    bytes.fromhex("332255AABBCCDDEEFF"): 0xCB,
    bytes.fromhex("926B55"): 0x8C,
    bytes.fromhex("FFFFFFFF"): 0x74,
}


def by_kernel(octets, start=0xFF, without=-1):
    """The kernel's CRC of bytes laid into a frame's payload."""
    frame = frames(2)
    frame["payload"][1, : len(octets)] = np.frombuffer(octets, np.uint8)
    words = frame.view(np.int64)
    return e2e.crc8(start, words, np.uint64(10), len(octets), without) ^ 0xFF


@pytest.mark.parametrize(("octets", "crc"), VECTORS.items())
def test_the_published_vectors_hold(octets, crc):
    assert e2e.crc8_j1850(octets) == crc
    assert by_kernel(octets) == crc


@given(st.binary(max_size=64))
def test_the_crc_is_that_of_fastcrc(octets):
    assert e2e.crc8_j1850(octets) == fastcrc.crc8.sae_j1850(octets)
    assert by_kernel(octets) == fastcrc.crc8.sae_j1850(octets)


@given(st.binary(min_size=1, max_size=64), st.data())
def test_the_crc_leaves_out_the_byte_it_is_told_to(octets, data):
    without = data.draw(st.integers(0, len(octets) - 1))
    rest = octets[:without] + octets[without + 1 :]
    assert by_kernel(octets, without=without) == fastcrc.crc8.sae_j1850(rest)


@pytest.fixture
def protected(wire, signal, message):
    """CRC in byte 0, counter in the low half of byte 1, as profile 1A has them."""
    signals = [signal("Crc", 0, 8), signal("Counter", 8, 4), signal("S", 16, 16)]
    return wire([message(signals)], [Binding("M", "S", 0)], P1)


@pytest.mark.parametrize(("counter", "begins"), [(0, "CC00"), (1, "9101"), (14, "CD0E")])
def test_eight_zero_bytes_are_protected_as_autosar_publishes(protected, counter, begins):
    protected.sent[0].counter = counter
    result, payload = protected.make(0, [0.0])
    assert result == Status.OK
    assert payload == bytes.fromhex(begins) + bytes(6)
    protected.put(0, payload)
    assert protected.take()[0] == 0


def test_the_counter_runs_from_0_to_14_and_around(protected):
    seen = [protected.make(0, [0.0])[1][1] & 15 for _ in range(32)]
    assert seen == [each % 15 for each in range(32)]
    assert protected.sent[0].count == 32


def test_a_frame_that_is_not_made_takes_no_counter(protected):
    protected.make(0, [1.0])
    assert protected.make(0, [np.nan])[0] == Status.NOT_FINITE
    assert protected.make(0, [1.0])[1][1] & 15 == 1


def test_what_is_made_is_taken_for_ever(protected):
    for step in range(100):
        _, payload = protected.make(0, [float(step)])
        protected.put(0, payload)
        result, values = protected.take()
        assert result == 0
        assert values[0] == step


def test_every_single_wrong_bit_is_found(protected):
    _, payload = protected.make(0, [1234.0])
    for bit in range(64):
        wrong = bytearray(payload)
        wrong[bit // 8] ^= 1 << bit % 8
        protected.put(0, bytes(wrong))
        result, values = protected.take()
        assert result == Status.WRONG_CRC
        assert np.isnan(values).all()
    record = protected.received[0]
    assert (record.count, record.errors, record.t_ns, record.counter) == (0, 64, 0, 0)


def test_another_data_id_is_a_wrong_crc(wire, protected):
    other = wire(protected.messages, protected.bindings, {"M": P1["M"]._replace(data_id=0x124)})
    _, payload = other.make(0, [1.0])
    protected.put(0, payload)
    assert protected.take()[0] == Status.WRONG_CRC


def deliver(protected, counter, t_ns=1):
    protected.sent[0].counter = counter
    _, payload = protected.make(0, [float(counter)])
    protected.put(0, payload, t_ns=t_ns)
    return protected.take()[0]


@pytest.mark.parametrize("counter", range(15))
def test_the_first_frame_is_taken_whatever_its_counter(protected, counter):
    assert deliver(protected, counter) == 0


@pytest.mark.parametrize("last", range(15))
@pytest.mark.parametrize("delta", range(15))
def test_a_counter_may_be_one_or_two_on(protected, last, delta):
    deliver(protected, last, t_ns=1)

    result = deliver(protected, (last + delta) % 15, t_ns=2)

    wanted = {0: Status.REPEATED, 1: 0, 2: 0}.get(delta, Status.WRONG_SEQUENCE)
    assert result == wanted
    record = protected.received[0]
    assert record.t_ns == (2 if wanted == 0 else 1)
    assert record.errors == (0 if wanted == 0 else 1)
    assert record.status == wanted


def test_after_a_wrong_sequence_the_next_frame_is_taken(protected):
    assert [deliver(protected, each) for each in (3, 9, 10, 11)] == [
        0,
        Status.WRONG_SEQUENCE,
        0,
        0,
    ]


def test_frames_recorded_and_replayed_are_refused(protected):
    assert [deliver(protected, each) for each in (3, 4, 5, 3, 3)] == [
        0,
        0,
        0,
        Status.WRONG_SEQUENCE,
        Status.REPEATED,
    ]


def test_counter_15_is_never_taken(protected):
    """Made by hand, as nothing of ours sends it: the CRC is right."""
    for _ in range(2):
        crc = e2e.crc8_j1850(b"\x23\x01\x0f" + bytes(6), start=0, invert=0)
        protected.put(0, bytes([crc, 15]) + bytes(6))
        assert protected.take()[0] == Status.WRONG_SEQUENCE
    assert deliver(protected, 14) == 0


def test_crc_and_counter_may_lie_anywhere(wire, signal, message):
    """Motorola, in the second word, the CRC behind the counter; also bound to a slot."""
    signals = [
        signal("S", 0, 16),
        signal("Counter", 71, 4, byte_order="big_endian"),
        signal("Crc", 87, 8, byte_order="big_endian"),
    ]
    bindings = [Binding("M", "S", 0), Binding("M", "Counter", 1), Binding("M", "Crc", 2)]
    tried = wire([message(signals, length=12)], bindings, P1)
    for step in range(20):
        result, payload = tried.make(0, [7.0, np.nan, np.nan])  # their values are not asked for
        wanted = e2e.crc8_j1850(b"\x23\x01" + payload[:10] + payload[11:], start=0, invert=0)
        assert (result, payload[8], payload[10]) == (Status.OK, step % 15 << 4, wanted)
        tried.put(0, payload)
        assert tried.take()[1].tolist() == [7.0, step % 15, wanted]


@pytest.mark.parametrize(
    ("change", "words", "culprit"),
    [
        ({"profile": "P7"}, "profile 'P7'", ""),
        ({"data_id": 0x10000}, "data id 65536", ""),
        ({"max_delta": 15}, "max_delta 15", ""),
        ({"crc": "Crcc"}, "did you mean Crc", "Crcc"),
        ({"crc": "Half"}, "must fill one byte", "Half"),
        ({"counter": "S"}, "unsigned integer of 4 bits", "S"),
        ({"counter": "Mux"}, "is multiplexed", "Mux"),
    ],
)
def test_a_protection_that_cannot_be_is_refused_by_name(signal, message, change, words, culprit):
    signals = [
        signal("Crc", 0, 8),
        signal("Counter", 8, 4, is_multiplexer=True),
        signal("S", 16, 16),
        signal("Half", 36, 8),
        signal("Mux", 48, 4, multiplexer_signal="Counter", multiplexer_ids=[1]),
    ]
    with pytest.raises(DbcError, match=words) as caught:
        build([message(signals)], None, {"M": P1["M"]._replace(**change)})
    assert (caught.value.message, caught.value.signal) == ("M", culprit)


def test_a_protected_message_must_exist(message):
    with pytest.raises(DbcError, match="no such message to protect"):
        build([message([])], None, {"N": P1["M"]})
