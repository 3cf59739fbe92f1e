"""Which frames are taken: identifier, kind of frame, length."""

from __future__ import annotations

import numpy as np
import pytest

from tianyuan.dbc.codec import Status, build
from tianyuan.dbc.errors import DbcError
from tianyuan.dbc.frame import BRS, ERROR, EXTENDED, FDF, REMOTE

pytestmark = pytest.mark.kernel  # its kernels are those of the fixture `wire`


def take(tried, can_id, length=8, flags=0):
    tried.frame["can_id"], tried.frame["length"], tried.frame["flags"] = can_id, length, flags
    return tried.take()


@pytest.fixture
def standard(wire, signal, message):
    return wire([message([signal("S", 0, 8)], frame_id=0x123)])


def test_an_extended_frame_with_the_low_bits_of_a_standard_id_is_unknown(standard):
    assert take(standard, 0x123)[0] == 0
    assert take(standard, 0x123 | EXTENDED)[0] == Status.UNKNOWN_ID
    assert take(standard, 0x10000123 | EXTENDED)[0] == Status.UNKNOWN_ID
    assert take(standard, 0x10000123)[0] == Status.UNKNOWN_ID


def test_a_standard_frame_with_the_low_bits_of_an_extended_id_is_unknown(wire, signal, message):
    tried = wire([message([signal("S", 0, 8)], frame_id=0x123, is_extended_frame=True)])
    assert take(tried, 0x123)[0] == Status.UNKNOWN_ID
    assert take(tried, 0x123 | EXTENDED)[0] == 0


def test_one_number_may_be_a_standard_and_an_extended_id(wire, signal, message):
    both = [
        message([signal("S", 0, 8)], frame_id=0x123, name=name, is_extended_frame=name == "B")
        for name in "AB"
    ]
    tried = wire(both)
    assert take(tried, 0x123)[0] == 0
    assert take(tried, 0x123 | EXTENDED)[0] == 1


@pytest.mark.parametrize("mark", [REMOTE, ERROR, REMOTE | ERROR, ERROR | EXTENDED])
def test_a_remote_or_error_frame_is_no_data(standard, mark):
    result, values = take(standard, 0x123 | mark)
    assert result == Status.NOT_DATA
    assert np.isnan(values).all()
    assert standard.received[0].count == standard.received[0].errors == 0


def test_every_identifier_is_found_and_no_other(wire, signal, message):
    rng = np.random.default_rng(3)
    ids = {(int(each), False) for each in rng.integers(0, 0x800, 300)}
    ids |= {(int(each), True) for each in rng.integers(0, 0x20000000, 300)}
    ids |= {(each << 18, True) for each in range(100)}  # alike but for their high bits
    listed = sorted(ids)
    tried = wire(
        [
            message([], frame_id=each, is_extended_frame=extended, name=f"M{n}")
            for n, (each, extended) in enumerate(listed)
        ]
    )
    for index, (each, extended) in enumerate(listed):
        assert take(tried, each | (EXTENDED if extended else 0))[0] == index
    for each in range(0x800):
        if (each, False) not in ids:
            assert take(tried, each)[0] == Status.UNKNOWN_ID


@pytest.mark.parametrize("length", [*range(8), 9, 12, 64, 255])
@pytest.mark.parametrize("flags", [0, FDF, FDF | BRS])
def test_a_frame_of_another_length_is_refused(standard, length, flags):
    result, values = take(standard, 0x123, length, flags)
    assert result == Status.WRONG_LENGTH
    assert np.isnan(values).all()
    record = standard.received[0]
    assert (record.count, record.errors, record.status) == (0, 1, Status.WRONG_LENGTH)
    assert record.t_ns == 0


@pytest.mark.parametrize(
    ("length", "padded"),
    [(8, 8), (9, 12), (13, 16), (17, 20), (21, 24), (25, 32), (33, 48), (49, 64)],
)
def test_a_frame_of_can_fd_may_be_padded_to_the_next_length(wire, signal, message, length, padded):
    tried = wire([message([signal("S", 0, 8)], length=length)])
    for sent in range(65):
        good = sent in (length, padded)
        assert (take(tried, 0x123, sent, FDF)[0] == 0) == good
        assert (take(tried, 0x123, sent)[0] == 0) == (sent == length)
    assert tried.make(0, [0.0]) == (Status.OK, bytes(padded))
    assert bool(tried.frame["flags"][0] & FDF) == (length > 8)


def test_a_frame_is_made_whole(wire, signal, message):
    tried = wire(
        [message([signal("S", 8, 16)], frame_id=0x1ABCDEF, is_extended_frame=True, is_fd=True)]
    )
    tried.frame.view(np.uint8)[:] = 0xFF

    tried.make(0, [513.0])

    assert tried.frame["can_id"][0] == 0x1ABCDEF | EXTENDED
    assert tried.frame["length"][0] == 8
    assert tried.frame["flags"][0] == FDF
    assert tried.frame["channel"][0] == 0
    assert tried.frame["reserved"][0] == 0
    assert bytes(tried.frame["payload"][0]) == b"\0\1\2" + bytes(61)
    assert tried.frame["t_ns"][0] == 0


def test_an_accepted_frame_is_stamped_and_counted(standard):
    standard.put(0, bytes(range(8)), t_ns=1234)
    assert standard.take()[0] == 0
    record = standard.received[0]
    assert (record.t_ns, record.count, record.errors, record.status) == (1234, 1, 0, 0)


def test_words_serve_as_well_as_frames(standard):
    standard.put(0, bytes(range(1, 9)))
    standard.frame = standard.frame.view(np.uint64)
    assert standard.take()[1][0] == 1.0


def test_a_float_that_is_not_finite_refuses_its_whole_frame(wire, signal, message):
    tried = wire(
        [message([signal("A", 0, 8), signal("F", 32, 32, is_float=True), signal("B", 8, 8)])]
    )
    for bad in (np.nan, np.inf, -np.inf):
        tried.put(0, b"\1\2\0\0" + np.float32(bad).tobytes())
        result, values = tried.take()
        assert result == Status.NOT_FINITE
        assert np.isnan(values).all()
    record = tried.received[0]
    assert (record.t_ns, record.count, record.errors, record.status) == (0, 0, 3, Status.NOT_FINITE)
    tried.put(0, b"\1\2\0\0" + np.float32(1.5).tobytes())
    assert tried.take()[0] == 0
    assert tried.received[0].errors == 3


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ({"frame_id": 0x123, "name": "N"}, "identifier 0x123"),
        ({"frame_id": 0x124, "name": "M"}, "defined twice"),
        ({"frame_id": 0x125, "name": "N", "length": 65}, "above the 64 bytes"),
    ],
)
def test_messages_that_cannot_be_told_apart_or_sent_are_refused(message, second, words):
    with pytest.raises(DbcError, match=words) as caught:
        build([message([]), message([], **second)])
    assert caught.value.message == second["name"]
