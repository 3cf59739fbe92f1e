"""Frames that say of themselves, or of which another says, that they mean nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.dbc.codec import (
    RECEIVED,
    SENT,
    Binding,
    Condition,
    Protection,
    Status,
    build,
    decode,
    encode,
    every_signal,
    records,
)
from tianyuan.dbc.errors import DbcError
from tianyuan.dbc.frame import frames
from tianyuan.dbc.header import key

BYTE = st.integers(0, 255)


@pytest.fixture(scope="module")
def two(signal, message):
    """A measurement with a state of its own, and a message that says whether it is valid."""
    data = message(
        [signal("Value", 0, 16), signal("State", 19, 4, byte_order="big_endian")], name="DATA"
    )
    state = message([signal("Good", 0, 8), signal("Other", 8, 8)], name="STATE", frame_id=0x124)
    return [data, state]


class Bus:
    """A codec over some messages that are put to it one by one."""

    def __init__(self, messages, bindings=None, rules=(), **more):
        self.messages = {each.name: each for each in messages}
        wired = every_signal(messages) if bindings is None else bindings
        self.codec = build(messages, wired, rules=rules, **more)
        self.order = list(self.messages)
        self.received = records(self.codec, RECEIVED)
        self.values = np.full(8, np.nan)

    def hear(self, name: str, t_ns: int = 1, **signals: int) -> int:
        frame, message = frames(1), self.messages[name]
        every = {each.name: 0 for each in message.signals} | signals
        payload = message.encode(every, strict=False)
        frame.can_id, frame.length, frame.t_ns = key(message, 0), len(payload), t_ns
        frame.payload[0, : len(payload)] = np.frombuffer(payload, np.uint8)
        return int(decode(self.codec, frame, 0, self.received, self.values))


@given(st.sets(BYTE, min_size=1, max_size=5), BYTE, st.booleans())
def test_a_frame_is_refused_by_its_own_signal(two, raws, raw, within):
    bus = Bus(two, rules=[Condition("STATE", "STATE", "Good", tuple(raws), within)])
    taken = (raw in raws) == within
    assert bus.hear("STATE", Good=raw, Other=5) == (1 if taken else Status.NOT_AVAILABLE)
    assert bus.received.errors[1] == (not taken)
    assert (bus.values[3] == 5) == taken
    assert bus.hear("DATA", Value=1) == 0  # another message goes on


def test_a_refused_frame_refreshes_nothing(two):
    bus = Bus(two, rules=[Condition("DATA", "DATA", "State", (15,), False)])
    assert bus.hear("DATA", t_ns=10, Value=7) == 0
    assert bus.hear("DATA", t_ns=20, Value=9, State=15) == Status.NOT_AVAILABLE
    assert (bus.received.t_ns[0], bus.values[0]) == (10, 7.0)
    assert (bus.received.count[0], bus.received.errors[0]) == (1, 1)
    assert bus.received.status[0] == Status.NOT_AVAILABLE
    assert bus.hear("DATA", t_ns=30, Value=9) == 0
    assert (bus.received.t_ns[0], bus.values[0]) == (30, 9.0)


@given(st.lists(st.tuples(st.sampled_from(["DATA", "STATE"]), BYTE), max_size=20))
def test_another_messages_last_word_decides(two, heard):
    bus = Bus(two, rules=[Condition("DATA", "STATE", "Good", (2, 3), True)])
    good = False
    for name, raw in heard:
        if name == "STATE":
            good = raw in (2, 3)
            assert bus.hear("STATE", Good=raw) == 1
        else:
            assert bus.hear("DATA", Value=raw) == (0 if good else Status.NOT_AVAILABLE)


def test_all_conditions_must_hold(two):
    rules = [
        Condition("DATA", "STATE", "Good", (1,), True),
        Condition("DATA", "STATE", "Other", (1,), True),
        Condition("DATA", "DATA", "State", (0,), True),
    ]
    bus = Bus(two, rules=rules)
    for good in (0, 1):
        for other in (0, 1):
            bus.hear("STATE", Good=good, Other=other)
            for state in (0, 1):
                taken = good and other and not state
                assert bus.hear("DATA", State=state) == (0 if taken else Status.NOT_AVAILABLE)


def test_a_refused_word_about_others_changes_nothing(two):
    rules = [
        Condition("DATA", "STATE", "Good", (1,), True),
        Condition("STATE", "STATE", "Other", (9,), False),
    ]
    bus = Bus(two, rules=rules)
    bus.hear("STATE", Good=1)
    assert bus.hear("STATE", Good=0, Other=9) == Status.NOT_AVAILABLE
    assert bus.hear("DATA") == 0


def test_the_signal_of_a_condition_needs_no_channel(two):
    bindings = [Binding("DATA", "Value", 0)]
    bus = Bus(two, bindings, [Condition("DATA", "STATE", "Good", (1,), True)])
    assert bus.hear("DATA", Value=3) == Status.NOT_AVAILABLE
    assert bus.hear("STATE", Good=1) == 1
    assert bus.hear("DATA", Value=3) == 0
    assert bus.values[0] == 3.0
    assert np.isnan(bus.values[1:]).all()


def test_a_condition_on_a_multiplexed_signal_holds_while_it_is_not_there(signal, message):
    one = message(
        [
            signal("Which", 0, 4, is_multiplexer=True),
            signal("S", 8, 8, multiplexer_ids=[1], multiplexer_signal="Which"),
            signal("T", 8, 8, multiplexer_ids=[2], multiplexer_signal="Which"),
        ]
    )
    bus = Bus([one], rules=[Condition("M", "M", "S", (255,), False)])
    assert bus.hear("M", Which=1, S=255) == Status.NOT_AVAILABLE
    assert bus.hear("M", Which=2, T=255) == 0


def test_protection_is_checked_first_and_counts_on(signal, message):
    one = message([signal("CRC", 0, 8), signal("Counter", 8, 4), signal("S", 16, 8)])
    guarded = {"M": Protection("P1", 0x123, "CRC", "Counter", 1)}
    rules = [Condition("M", "M", "S", (255,), False)]
    codec = build([one], [Binding("M", "S", 0)], guarded, rules=rules)
    sent, received = records(codec, SENT), records(codec, RECEIVED)
    frame, values = frames(1), np.zeros(1)
    results = []
    for value in (1.0, 255.0, 255.0, 2.0):
        values[0] = value
        encode(codec, 0, sent, values, frame, 0)
        results.append(int(decode(codec, frame, 0, received, values)))
    assert results == [0, Status.NOT_AVAILABLE, Status.NOT_AVAILABLE, 0]
    frame.payload[0, 2] ^= 1
    assert decode(codec, frame, 0, received, values) == Status.WRONG_CRC


def test_no_value_is_sent_as_not_available(wire, signal, message):
    one = message([signal("S", 0, 8, scale=0.5)])
    tried = wire([one], [Binding("M", "S", 0, unavailable=(255, 254, 0))])
    for value, raw in ((1e9, 253), (-1e9, 1), (50.0, 100)):
        assert tried.make(0, [value])[1][0] == raw
    tried.put(0, b"\xfe" + bytes(7))
    assert tried.take()[0] == Status.NOT_AVAILABLE


def test_what_we_send_ourselves_meets_the_conditions_on_it(wire, two):
    bindings = [Binding("DATA", "Value", 0)]
    rules = [Condition("DATA", "STATE", "Good", (7, 8), True)]
    codec = build(two, bindings, rules=rules, constants={("STATE", "Other"): 99})
    frame, values = frames(1), np.zeros(1)

    assert encode(codec, 1, records(codec, SENT), values, frame, 0) == Status.OK
    assert two[1].decode(frame.payload[0, :8].tobytes()) == {"Good": 7, "Other": 99}


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Condition("DATA", "STAT", "Good", (1,), True), "message STAT: no such message"),
        (Condition("DATA", "STATE", "God", (1,), True), "did you mean Good"),
        (Condition("DATA", "STATE", "Good", (256,), True), "256 does not fit"),
    ],
)
def test_a_condition_that_cannot_be_is_refused_by_name(two, rule, words):
    with pytest.raises(DbcError, match=words):
        build(two, rules=[rule])


def test_a_constant_of_no_signal_is_refused_by_name(two):
    for name in (("DATA", "Valu"), ("DAT", "Value")):
        with pytest.raises(DbcError, match="did you mean"):
            build(two, constants={name: 1})
