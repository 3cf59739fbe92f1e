"""Frames on a wire: who goes first, nothing overlaps, nothing is lost unsaid."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tianyuan.dbc.frame import BRS, EXTENDED, FDF, REMOTE
from tianyuan.hil.bus.frame_length import lengths, order_of
from tianyuan.hil.bus.records import GUARD, HOST, INTRUDER, NODES, RIG, SLOTS

INTERMISSION_NS = 3 * 2000
IDS = st.integers(0, 0x7FF) | st.integers(0, 0x1FFF_FFFF).map(lambda number: number | EXTENDED)


def took_ns(made: np.recarray, bit_ns: int = 2000) -> int:
    """A frame's time on the wire, intermission included."""
    return int(lengths(made.view(np.int64), 0)[0]) * bit_ns


def started_ns(carried: np.recarray) -> list[int]:
    """When each frame of the tap began."""
    return [
        int(one.t_ns[0]) + INTERMISSION_NS - took_ns(one)
        for one in (carried[k : k + 1] for k in range(len(carried)))
    ]


@settings(max_examples=30, deadline=None)
@given(st.lists(IDS, min_size=2, max_size=20, unique=True), st.randoms())
def test_frames_that_wait_together_go_by_their_identifiers(buses, frame, ids, shuffle):
    bus = buses()
    split = shuffle.randrange(len(ids))
    bus.say(RIG, *[frame(can_id) for can_id in ids[:split] or ids])
    if split:
        bus.say(INTRUDER, frame(ids[split]))
    bus.run_for(0.01)

    sent = bus.on_wire().can_id.tolist()
    assert sent == sorted(sent, key=order_of)
    assert len(sent) == (split + 1 if split else len(ids))


class Queued(NamedTuple):
    at_ns: int
    order: int


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), IDS), max_size=40, unique_by=lambda each: each[1]))
def test_no_frame_is_preempted_nor_overtaken_by_a_weaker_one_that_waits(buses, frame, plan):
    bus = buses()
    queued = {}
    for ms in range(20):
        for can_id in (can_id for at_ms, can_id in plan if at_ms == ms):
            bus.say(RIG, frame(can_id))
            queued[can_id] = Queued(bus.clock[0], order_of(can_id))
        bus.run()

    carried = bus.on_wire()
    starts = started_ns(carried)
    assert sorted(carried.can_id.tolist()) == sorted(queued)
    for (one_ns, _), (next_ns, _) in pairwise(zip(starts, carried, strict=True)):
        assert next_ns >= one_ns
    for k in range(1, len(carried)):  # the next begins when the one before has ended, or later
        assert starts[k] >= carried.t_ns[k - 1] + INTERMISSION_NS
    for k, start_ns in enumerate(starts):
        mine = queued[int(carried.can_id[k])]
        assert mine.at_ns <= start_ns
        waiting = [queued[int(other)] for other in carried.can_id[k + 1 :]]
        assert all(mine.order < other.order for other in waiting if other.at_ns <= start_ns)


def test_a_wire_carries_each_bus_s_own_frames(buses, frame):
    bus = buses(3)
    for channel in range(3):
        bus.say(RIG, frame(0x100, channel=channel))
    bus.run()
    carried = bus.on_wire()
    assert carried.channel.tolist() == [0, 1, 2]
    assert len(set(carried.t_ns.tolist())) == 1  # at the same time


@pytest.mark.parametrize(("flags", "fast"), [(FDF, False), (FDF | BRS, True)])
def test_can_fd_takes_its_data_at_the_data_rate_where_it_switches(buses, frame, flags, fast):
    bus = buses(data_bitrate=2_000_000)
    made = frame(0x123, bytes(range(64)), flags=flags)
    bus.say(RIG, made)
    bus.run(3_000_000)
    first, second = lengths(made.view(np.int64), 0)
    wanted_ns = first * 2000 + second * (500 if fast else 2000) - INTERMISSION_NS
    assert bus.on_wire().t_ns.tolist() == [wanted_ns]


def test_a_newer_frame_takes_the_place_of_one_that_a_control_unit_has_not_sent(buses, frame):
    bus = buses()
    bus.say(RIG, frame(0x001))  # is being sent when the others come
    bus.run(100_000)
    bus.say(RIG, frame(0x001, b"b"), frame(0x200, b"old"), frame(0x200, b"new"))
    bus.run_for(0.003)
    heard = bus.heard_by(HOST)
    assert [bytes(one.payload[: one.length]) for one in heard] == [bytes(8), b"b", b"new"]
    assert bus.node(RIG).replaced == 1


def kept(bus) -> None:
    """Every frame was sent, replaced, dropped, or waits; and who could hear one heard it."""
    for who in range(NODES):
        node = bus.node(who)
        assert node.offered == node.sent + node.replaced + node.dropped + node.queued
    sent = sum(bus.node(who).sent for who in range(NODES))
    for who in (HOST, GUARD, RIG):
        node = bus.node(who)
        said = len(bus.errors_of(who))
        assert node.received + node.overrun == sent - node.sent + said
        assert len(bus.everything(who)) == node.received
    assert bus.net.buses[0].wires[0].carried == sent == len(bus.on_wire())


@pytest.mark.parametrize(("per_ms", "error_rate"), [(1, 3e-4), (5, 0.0), (5, 2e-4)])
def test_every_frame_is_kept_or_counted(buses, frame, error_rate, per_ms):
    bus = buses()
    bus.net.faults.bit_error_rate = error_rate
    rng, given_ = np.random.default_rng(1), dict.fromkeys((HOST, GUARD), 0)
    for _ in range(120):
        for who in rng.choice([HOST, GUARD, RIG, INTRUDER], per_ms):
            bus.say(int(who), frame(int(rng.integers(1 << 8)) << 3 | int(who), rng.bytes(8)))
            if who in given_:
                given_[who] += 1
        bus.run()

    kept(bus)
    for who, ports in ((HOST, bus.net.host), (GUARD, bus.net.guard)):
        assert given_[who] == ports.sent[0] + ports.dropped[0] + ports.waiting_count[0]
        assert ports.sent[0] == bus.node(who).offered
    assert (bus.net.buses[0].wires[0].spoilt > 0) == (error_rate > 0)
    assert (bus.node(RIG).retried > 0) == (error_rate > 0)


def test_a_bus_that_is_asked_too_much_of_starves_the_weakest_first(buses, frame):
    bus, ids = buses(), [0x100 + k for k in range(8)]
    for _ in range(100):
        bus.say(RIG, *[frame(can_id) for can_id in ids])  # twice what a millisecond holds
        bus.run()
    carried = bus.on_wire().can_id.tolist()
    counts = [carried.count(can_id) for can_id in ids]
    assert counts == sorted(counts, reverse=True)
    assert counts[:2] == [100, 100]
    assert counts[-2:] == [0, 0]


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_extra_traffic_fills_the_bus_up_to_its_share_and_the_car_goes_first(buses, frame, share):
    bus = buses()
    bus.net.faults.load_share, bus.net.faults.load_id = share, 0x7FF
    for _ in range(300):
        bus.say(RIG, frame(0x100))
        bus.run()
    wire = bus.net.buses[0].wires[0]
    assert wire.busy_ns / wire.now_ns == pytest.approx(share, abs=0.02)
    carried = bus.on_wire().can_id.tolist()
    assert carried.count(0x100) >= 299
    assert set(carried) == {0x100, 0x7FF}
    kept(bus)


def test_a_receive_queue_that_is_full_loses_what_comes_and_counts_it(buses, frame):
    bus = buses()
    bus.net.faults.receive_room = 3
    bus.say(RIG, *[frame(0x100 + k) for k in range(8)])
    bus.run(3_000_000)
    assert bus.heard_by(HOST).can_id.tolist() == [0x100, 0x101, 0x102]
    assert (bus.node(HOST).overrun, bus.net.host.overwritten[0]) == (5, 5)
    assert len(bus.heard_by(GUARD)) == 8
    kept(bus)


def play(bus, frame, cuts) -> tuple[bytes, ...]:
    """Traffic with all that is random in it, carried in steps cut as ``cuts`` tells."""
    bus.net.faults.bit_error_rate, bus.net.faults.load_share = 3e-4, 0.8
    bus.net.faults.load_id = 0x155
    bus.net.faults.duplicate = bus.net.faults.reorder = 0.1
    for ms in range(60):
        bus.say(RIG, frame(0x100), frame(0x200 + ms))
        bus.say(HOST, frame(0x80, bytes([ms])), frame(0x7FF))
        left = 1_000_000
        while left > 0:
            step = min(left, cuts())
            bus.run(step)
            left -= step
    return (
        bus.on_wire().tobytes(),
        bus.heard_by(GUARD).tobytes(),
        bus.errors_of(HOST).tobytes(),
        np.sort(bus.heard_by(HOST), order="t_ns").tobytes(),
        bus.net.buses["nodes"].tobytes(),
    )


def test_how_time_is_cut_into_pieces_does_not_matter(buses, frame):
    rng = np.random.default_rng(3)
    whole = play(buses(), frame, lambda: 1_000_000)
    cut = play(buses(), frame, lambda: int(rng.integers(1_000, 700_000)))
    assert whole == cut


def test_another_seed_spoils_other_frames(buses, frame):
    first, again, other = (play(buses(seed=seed), frame, lambda: 1_000_000) for seed in (1, 1, 2))
    assert first == again != other


class Message(NamedTuple):
    can_id: int
    period_ms: int
    took_ns: int
    payload: bytes


def response_ns(messages: list[Message], m: int, bit_ns: int = 2000) -> int | None:
    """Worst-case response time; None where it exceeds the period.

    Davis, Burns, Bril, Lukkien (2007), equations 3 to 5, without jitter: by the stronger ones
    and by the longest weaker one, of messages sorted by priority.
    """
    blocked = max([each.took_ns for each in messages[m + 1 :]], default=0)
    waits = blocked
    while waits + messages[m].took_ns <= messages[m].period_ms * 1_000_000:
        longer = blocked + sum(
            math.ceil((waits + bit_ns) / (each.period_ms * 1_000_000)) * each.took_ns
            for each in messages[:m]
        )
        if longer == waits:
            return waits + messages[m].took_ns
        waits = longer
    return None


def messages_of(frame, plan) -> list[Message]:
    made = []
    for k, (period_ms, length) in enumerate(plan):
        payload = bytes((37 * k + 11 * i) % 256 for i in range(length))
        made.append(Message(0x100 + k, period_ms, took_ns(frame(0x100 + k, payload)), payload))
    return made


PLANS = st.lists(
    st.tuples(st.sampled_from([2, 4, 5, 10]), st.integers(0, 8)), min_size=2, max_size=9
)


def worst_ns(carried, queued) -> dict[int, int]:
    """The longest response of each message, intermission included."""
    found: dict[int, int] = {}
    for one in carried:
        can_id = int(one.can_id)
        began_ns = max(at for at in queued[can_id] if at < one.t_ns)
        took = int(one.t_ns) + INTERMISSION_NS - began_ns
        found[can_id] = max(found.get(can_id, 0), took)
    return found


@settings(max_examples=25, deadline=None)
@given(PLANS, st.randoms(use_true_random=False))
def test_no_response_is_longer_than_its_analysis(buses, frame, plan, random):
    messages = messages_of(frame, plan)
    phases = [random.randrange(each.period_ms) for each in messages]
    bus, queued = buses(), {each.can_id: [] for each in messages}
    for ms in range(40):
        for each, phase in zip(messages, phases, strict=True):
            if (ms - phase) % each.period_ms == 0:
                queued[each.can_id].append(bus.clock[0])
                bus.say(RIG, frame(each.can_id, each.payload))
        bus.run()
    found = worst_ns(bus.on_wire(), queued)
    for m, each in enumerate(messages):
        bound_ns = response_ns(messages, m)
        if bound_ns is not None and each.can_id in found:
            assert found[each.can_id] <= bound_ns


@settings(max_examples=15, deadline=None)
@given(PLANS, st.data())
def test_the_analysis_is_reached_at_the_critical_instant(buses, frame, plan, data):
    messages = messages_of(frame, plan)
    m = data.draw(st.integers(0, len(messages) - 1))
    bound_ns = response_ns(messages, m)
    if bound_ns is None:
        return
    bus, queued = buses(), {each.can_id: [] for each in messages}
    weaker = sorted(messages[m + 1 :], key=lambda each: each.took_ns)
    if weaker:  # the longest has just begun
        queued[weaker[-1].can_id].append(bus.clock[0])
        bus.say(RIG, frame(weaker[-1].can_id, weaker[-1].payload))
    bus.run(1)
    for ms in range(12):
        for each in messages[: m + 1]:
            if ms % each.period_ms == 0:
                queued[each.can_id].append(bus.clock[0])
                bus.say(RIG, frame(each.can_id, each.payload))
        bus.run()
    found = worst_ns(bus.on_wire(), queued)[messages[m].can_id]
    assert bound_ns - 2000 <= found <= bound_ns


def test_latencies_are_from_queue_to_reception_and_kept_by_message(buses, frame):
    bus = buses(2, keys=[0x100, 0x100 | 1 << 32, 0x200])
    alone = frame(0x100, channel=1)
    for _ in range(10):
        bus.say(RIG, frame(0x100), frame(0x200), frame(0x300), alone)
        bus.run()
    rows = {int(row.key): row for row in bus.net.latencies}
    wire_ns = took_ns(alone) - INTERMISSION_NS
    first = rows[0x100]
    assert (first.frames, first.least_ns, first.most_ns) == (10, wire_ns, wire_ns)
    assert rows[0x100 | 1 << 32].most_ns == wire_ns
    second = took_ns(frame(0x100)) + took_ns(frame(0x200)) - INTERMISSION_NS
    assert (rows[0x200].least_ns, rows[0x200].most_ns) == (second, second)
    assert rows[0x200].bins[second // 10_000] == rows[0x200].bins.sum() == 10
    assert bus.net.latencies[-1].frames == 10  # what is not the car's


def test_a_queue_has_an_end(buses, frame):
    bus = buses()
    bus.say(INTRUDER, *[frame(0x100 + k) for k in range(SLOTS + 5)])
    assert (bus.node(INTRUDER).queued, bus.node(INTRUDER).dropped) == (SLOTS, 5)
    bus.run_for(0.03)
    assert len(bus.on_wire()) == SLOTS
    kept(bus)


def test_remote_frames_carry_no_data_and_lose_against_data(buses, frame):
    bus = buses()
    bus.say(INTRUDER, frame(0x100 | REMOTE))
    bus.say(RIG, frame(0x100))
    bus.run()
    assert bus.on_wire().can_id.tolist() == [0x100, 0x100 | REMOTE]
