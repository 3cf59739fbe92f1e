"""A comparison is worth something only if all contestants do the same work."""

from __future__ import annotations

import numpy as np
import pytest

from tianyuan.dbc.codec import RECEIVED, SENT, Status, records
from tianyuan.dbc.header import can_id
from tianyuan.hil.benches import codec, in_c, traffic
from tianyuan.hil.benches.in_c import NoCompilerError, peers
from tianyuan.hil.benches.ours import decode_all, encode_all

PEERS = ("c", "c_inlined")


@pytest.fixture(scope="module", params=["six-signals", "car"])
def work(request):
    return traffic.six_signals() if request.param == "six-signals" else traffic.car(guarded=False)


@pytest.fixture(scope="module")
def built(work):
    try:
        with peers(work) as both:
            yield both
    except NoCompilerError as error:
        pytest.skip(str(error))


def decoded(side):
    values = np.zeros_like(side.values)
    refused = decode_all(side.codec, side.frames, 1, records(side.codec, RECEIVED), values)
    assert refused == 0
    return values


def encoded(side):
    made = np.zeros_like(side.frames)
    refused = encode_all(side.codec, side.order, 1, records(side.codec, SENT), side.values, made)
    assert refused == 0
    return made


def names(side):
    return [signal.name for message in side.messages for signal in message.signals]


@pytest.mark.parametrize("peer", PEERS)
def test_the_c_decodes_the_same_values(work, built, peer):
    assert built[peer].decode(1) == 0
    np.testing.assert_array_equal(built[peer].decoded, decoded(work.decoded))


@pytest.mark.parametrize("peer", PEERS)
def test_the_c_encodes_the_same_frames(work, built, peer):
    assert built[peer].encode(1) == 0
    np.testing.assert_array_equal(built[peer].encoded, encoded(work.encoded))


@pytest.mark.parametrize("peer", PEERS)
def test_the_c_refuses_a_frame_it_does_not_know_and_one_too_short(work, built, peer):
    frame = work.decoded.frames[0]
    can_id, length = int(frame.can_id), int(frame.length)
    refused = []
    for frame.can_id, frame.length in ((0x7FF, length), (can_id, length - 1), (can_id, length)):
        refused.append(built[peer].decode(1))

    assert refused == [1, 1, 0]


def test_cantools_decodes_the_same_values(work):
    last = {int(frame.can_id): frame for frame in work.decoded.frames}
    values = []
    for message in work.decoded.messages:
        frame = last[can_id(message)]
        payload = frame.payload[: frame.length].tobytes()
        values.extend(message.decode(payload, decode_choices=False).values())

    np.testing.assert_array_equal(values, decoded(work.decoded))


def test_cantools_encodes_the_same_frames(work):
    side = work.encoded
    wanted = iter(side.values.tolist())
    payloads = [
        message.encode({signal.name: next(wanted) for signal in message.signals})
        for message in side.messages
    ]
    made = encoded(side)

    for m, frame in zip(side.order, made, strict=True):
        assert frame.payload[: frame.length].tobytes() == payloads[m]


def test_the_cars_traffic_is_all_of_its_messages_in_their_cycle_times():
    work = traffic.car(guarded=False)
    for side in (work.decoded, work.encoded):
        counts = np.bincount(side.order).tolist()
        assert counts == [traffic.PASS_MS / message.cycle_time for message in side.messages]
    both = {message.name for side in (work.decoded, work.encoded) for message in side.messages}
    assert both == {message.name for message in traffic.read(traffic.CAR).messages}


def test_protection_holds_over_any_number_of_passes():
    side = traffic.car(guarded=True).decoded
    received, values = records(side.codec, RECEIVED), np.zeros_like(side.values)

    assert decode_all(side.codec, side.frames, 3, received, values) == 0
    side.frames.payload[-1, 0] ^= 1
    assert decode_all(side.codec, side.frames, 1, received, values) == 1
    assert Status.WRONG_CRC in received.status


@pytest.mark.compiled
@pytest.mark.timed
def test_without_a_compiler_the_rest_is_compared_and_the_reason_is_told(monkeypatch):
    monkeypatch.setattr(in_c, "COMPILER", "no-such-gcc")

    figures = codec.compare(traffic.six_signals(), turns=1)

    assert figures.note == "no no-such-gcc on this machine; apt install gcc"
    assert set(figures.decode_ns) == set(figures.encode_ns) == {"ours", "cantools"}


@pytest.mark.compiled
@pytest.mark.timed
def test_a_frame_refused_voids_the_comparison():
    work = traffic.six_signals()
    work.decoded.frames.length[3] = 7

    with pytest.raises(RuntimeError, match="frames refused"):
        codec.compare(work, turns=1)
