"""Controllers that meet errors, nobody, or another of the same identifier, and faults."""

from __future__ import annotations

import numpy as np
import pytest

from tianyuan.control.records import Cause
from tianyuan.drivers.error_frames import BUS_OFF as SAYS_OFF
from tianyuan.drivers.error_frames import (
    ERROR_ACTIVE,
    ERROR_PASSIVE,
    ERROR_WARNING,
    NO_ACKNOWLEDGE,
    RESTARTED,
    classes_of,
)
from tianyuan.firmware import bus_faults
from tianyuan.hil.bus.controller import BITS_OFF
from tianyuan.hil.bus.records import ACTIVE, GUARD, HOST, INTRUDER, OFF, PASSIVE, RIG, WARNING

MS = 1_000_000
BIT_NS = 2_000


def classes(bus, who: int = HOST) -> list[int]:
    return [int(classes_of(one)) for one in bus.errors_of(who)]


def cause(bus, t_ns: int | None = None) -> Cause:
    """What the host's tick makes of all that it was told, by its own code."""
    seen = np.zeros(1, bus_faults.BUS).view(np.recarray)
    bus.ask()
    for batch in bus.heard[HOST]:
        for one in batch:
            if int(classes_of(one)) and int(one["can_id"]) & 0x2000_0000:
                bus_faults.note(seen, bus.told, one, int(one["t_ns"]))
            else:
                bus_faults.back(seen, 0, int(one["t_ns"]))
    return Cause(bus_faults.fault(seen, bus.told, bus.clock[0] if t_ns is None else t_ns))


def drive(bus, frame, ms: int) -> None:
    """The host's and the rig's usual traffic."""
    for _ in range(ms):
        bus.say(HOST, frame(0x80, bytes([0x55] * 6)))
        bus.say(RIG, frame(0x200))
        bus.run()


def test_a_host_alone_tries_for_ever_and_is_error_passive_never_bus_off(buses, frame):
    bus = buses()
    bus.net.faults.host_unplugged = 1
    bus.say(HOST, frame(0x80), frame(0x90))
    bus.run_for(0.2)
    host = bus.node(HOST)
    assert (host.tec, host.state, host.queued, host.sent) == (128, PASSIVE, 2, 0)
    said = classes(bus)
    tries = [k for k, one in enumerate(said) if one & NO_ACKNOWLEDGE]
    warned, passive = said.index(ERROR_WARNING), said.index(ERROR_PASSIVE)
    assert sum(k < warned for k in tries) == 12  # 8 each: above 95
    assert sum(k < passive for k in tries) == 16  # above 127
    assert host.retried == len(tries) > 500
    assert cause(bus) == Cause.NO_ACKNOWLEDGE
    assert len(bus.on_wire()) == 0


def test_a_cable_that_is_pulled_leaves_the_others_alone_and_comes_back(buses, frame):
    bus = buses()
    drive(bus, frame, 5)
    bus.net.faults.host_unplugged = 1
    drive(bus, frame, 100)
    before = len(bus.heard_by(HOST))
    assert before <= 6
    assert len(bus.heard_by(GUARD)) >= 105
    assert cause(bus) == Cause.NO_ACKNOWLEDGE
    bus.net.faults.host_unplugged = 0
    drive(bus, frame, 200)
    assert len(bus.heard_by(HOST)) > before + 190
    assert bus.node(HOST).state == ACTIVE
    assert cause(bus) == Cause.NONE


def test_a_host_that_nobody_acknowledges_still_hears_the_others(buses, frame):
    bus = buses()
    bus.net.faults.nobody_acknowledges = 1
    drive(bus, frame, 60)
    assert len(bus.heard_by(HOST)) >= 55
    assert 0x80 not in bus.heard_by(RIG).can_id
    assert cause(bus) == Cause.NO_ACKNOWLEDGE
    assert bus.node(HOST).state == PASSIVE


def test_frames_unsent_are_the_queue_then_the_newest_of_each_identifier(buses, frame):
    bus = buses()
    bus.net.faults.host_stuck = 1
    for k in range(30):
        bus.say(HOST, frame(0x80, bytes([k])), frame(0x90, bytes([k])))
        bus.run()
        assert bus.ask()[1] == max(k - 4, 0)  # ten in the queue, one in the mailbox
    assert cause(bus) == Cause.NOT_SENT
    bus.net.faults.host_stuck = 0
    bus.run_for(0.004)
    bus.say(HOST, frame(0x90, bytes([99])))
    bus.run_for(0.004)

    said = [(int(one.can_id), int(one.payload[0])) for one in bus.on_wire()]
    assert said[:11] == [(0x80 + 0x10 * (k % 2), k // 2) for k in range(11)]
    assert said[11:] == [(0x80, 29), (0x90, 99)]
    assert bus.ask()[1] == 0
    assert bus.net.host.replaced[0] == 48  # of 60 frames: 11 in the queue, the last of 0x80
    assert bus.net.host.sent[0] + bus.net.host.dropped[0] == 61


def test_what_waits_for_20_ms_is_let_go(buses, frame):
    bus = buses()
    bus.net.faults.host_stuck = 1
    bus.say(HOST, *[frame(0x100 + k) for k in range(12)])
    bus.run_for(0.021)
    bus.net.faults.host_stuck = 0
    bus.run_for(0.004)
    bus.say(HOST, frame(0x80))
    bus.run_for(0.004)
    assert bus.on_wire().can_id.tolist() == [*range(0x100, 0x10B), 0x80]


def test_a_sender_whose_every_frame_is_spoilt_is_bus_off_and_silent(buses, frame):
    bus = buses()
    bus.net.faults.bit_error_rate = 1.0
    bus.say(HOST, *[frame(0x80 + k) for k in range(5)])
    bus.run_for(0.05)
    host = bus.node(HOST)
    assert (host.tec, host.state, host.retried) == (256, OFF, 32)
    assert [one for one in classes(bus) if one & SAYS_OFF] == [SAYS_OFF]
    assert (host.queued, host.dropped) == (0, 5)
    assert bus.node(RIG).rec == 32
    bus.net.faults.bit_error_rate = 0.0
    drive(bus, frame, 300)  # the kernel takes frames and does not tell
    assert bus.ask() == (0.0, 0.0)
    assert bus.node(HOST).state == OFF
    assert 0x80 not in bus.on_wire().can_id
    assert len(bus.heard_by(HOST)) == 0
    assert cause(bus) == Cause.BUS_OFF


def test_a_control_unit_that_is_bus_off_comes_back_by_itself(buses, frame):
    bus = buses()
    bus.net.faults.bit_error_rate = 1.0
    bus.say(RIG, frame(0x200))
    states = []
    for _ in range(20):
        bus.run()
        states.append(int(bus.node(RIG).state))
    assert 0 <= states.count(OFF) - BITS_OFF * BIT_NS // MS <= 1
    assert states[-1] == ACTIVE
    bus.net.faults.bit_error_rate = 0.0
    assert (bus.node(RIG).tec, bus.node(RIG).rec) == (0, 0)
    bus.say(RIG, frame(0x200))
    bus.run()
    assert bus.on_wire().can_id.tolist() == [0x200]


def test_a_restart_is_told_and_takes_128_times_11_bits(buses, frame):
    bus = buses()
    drive(bus, frame, 5)
    bus.net.faults.host_bus_off = 1
    drive(bus, frame, 50)
    assert cause(bus) == Cause.BUS_OFF
    assert classes(bus)[-1] == SAYS_OFF
    bus.net.faults.host_bus_off = 0
    began_ns, heard = bus.clock[0], len(bus.heard_by(HOST))
    for _ in range(10):
        drive(bus, frame, 1)
        if len(bus.heard_by(HOST)) > heard:
            break
    assert RESTARTED in classes(bus)
    assert 0 <= bus.clock[0] - began_ns - BITS_OFF * BIT_NS <= 2 * MS
    assert cause(bus) == Cause.NONE
    drive(bus, frame, 5)
    assert bus.on_wire().can_id.tolist().count(0x80) >= 8


def test_a_restart_by_itself_comes_after_the_time_that_was_set(buses, frame):
    bus = buses(restart_ns=100 * MS)
    bus.net.faults.bit_error_rate = 1.0
    bus.say(HOST, frame(0x80))
    bus.run_for(0.02)
    bus.net.faults.bit_error_rate = 0.0
    bus.run_for(0.07)
    assert bus.node(HOST).state == OFF
    assert RESTARTED not in classes(bus)
    bus.run_for(0.04)
    assert RESTARTED in classes(bus)
    assert bus.node(HOST).state == ACTIVE


def test_a_host_held_error_passive_says_so_once_and_lets_the_others_start(buses, frame):
    bus = buses()
    bus.net.faults.error_passive = 1
    for _ in range(20):
        bus.say(HOST, frame(0x80), frame(0x81))
        bus.say(RIG, frame(0x200))
        bus.run()
    assert classes(bus) == [ERROR_PASSIVE]
    assert bus.on_wire().can_id[:3].tolist() == [0x80, 0x200, 0x81]  # not 0x81 before 0x200
    assert cause(bus) == Cause.NONE
    bus.net.faults.error_passive = 0
    drive(bus, frame, 140)
    assert classes(bus) == [ERROR_PASSIVE, ERROR_WARNING, ERROR_ACTIVE]
    assert bus.node(HOST).state == ACTIVE


def test_a_few_bit_errors_cost_time_and_no_frame(buses, frame):
    bus = buses()
    bus.net.faults.bit_error_rate = 2e-4
    drive(bus, frame, 400)
    bus.run_for(0.01)
    assert bus.node(HOST).sent == 400
    assert bus.node(HOST).retried > 2
    assert {bus.node(who).state for who in (HOST, RIG, GUARD)} == {ACTIVE}


def test_the_states_are_those_of_the_larger_counter(buses, frame):
    bus = buses()
    bus.net.faults.bit_error_rate = 1.0
    seen = {}
    bus.say(INTRUDER, frame(0x300))
    for _ in range(400):
        bus.run(100_000)
        seen.setdefault(int(bus.node(INTRUDER).state), int(bus.node(INTRUDER).tec))
    assert seen == {ACTIVE: 0, WARNING: 96, PASSIVE: 128, OFF: 256}
    assert bus.node(HOST).rec == 32  # one each


@pytest.mark.parametrize("up_ms", [3, 50])
def test_an_interface_that_is_down_is_told_as_long_and_at_least_once(buses, frame, up_ms):
    bus = buses()
    drive(bus, frame, 3)
    bus.net.faults.host_down = 1
    told = []
    for ms in range(80):
        if ms == up_ms:
            bus.net.faults.host_down = 0
        drive(bus, frame, 1)
        told.append(bus.ask()[0])
    lasted = told.index(0.0)
    assert up_ms <= lasted <= up_ms + 11  # it is looked for every 10 ms
    assert set(told[lasted:]) == {0.0}
    assert (bus.net.host.outages[0], bus.net.host.returns[0]) == (1, 1)
    assert bus.node(HOST).state == ACTIVE
    assert len(bus.heard_by(HOST)) >= 80 - up_ms


def test_a_flood_leaves_the_host_unheard_and_says_so(buses, frame):
    bus = buses()
    bus.net.faults.flood_id0 = 1
    for _ in range(20):
        bus.say(HOST, frame(0x80), frame(0x81))
        bus.say(RIG, frame(0x200))
        bus.run()
        bus.ask()
    assert set(bus.on_wire().can_id.tolist()) <= {0}
    assert cause(bus) == Cause.NOT_SENT


def test_a_foreign_frame_of_the_host_s_identifier_spoils_both_until_one_is_passive(buses, frame):
    bus = buses()
    bus.say(HOST, frame(0x80, b"host"))
    bus.say(INTRUDER, frame(0x80, b"evil"))
    bus.run_for(0.02)
    said = [bytes(one.payload[:4]) for one in bus.on_wire()]
    assert sorted(said) == [b"evil", b"host"]
    assert said[0] == b"evil"  # dominant where they differ first
    assert bus.node(HOST).retried == bus.net.buses[0].wires[0].spoilt + 1 == 17
    assert ERROR_PASSIVE in classes(bus)


def test_two_frames_that_are_the_same_bit_by_bit_are_one(buses, frame):
    bus = buses()
    bus.say(HOST, frame(0x80, b"same"))
    bus.say(INTRUDER, frame(0x80, b"same"))
    bus.run_for(0.005)
    assert len(bus.on_wire()) == 1
    assert (bus.node(HOST).sent, bus.node(INTRUDER).sent) == (1, 1)
    assert bus.net.buses[0].wires[0].spoilt == 0


def test_a_wrong_bit_rate_hears_nothing_disturbs_at_first_and_is_bus_off_once_it_speaks(
    buses, frame
):
    bus = buses()
    bus.net.faults.wrong_bit_rate = 1
    for _ in range(40):
        bus.say(RIG, frame(0x200))
        bus.run()
    assert len(bus.heard_by(HOST)) == 0
    assert bus.node(HOST).state == PASSIVE
    assert 0 < bus.node(RIG).retried <= 16
    assert 35 <= len(bus.heard_by(GUARD)) <= 40
    drive(bus, frame, 60)
    assert bus.node(HOST).state == OFF
    assert bus.node(HOST).sent == 0
    assert cause(bus) == Cause.BUS_OFF


def test_a_delay_holds_back_what_the_host_hears_and_nobody_else(buses, frame):
    bus = buses()
    bus.net.faults.delay_ns = 50 * MS
    bus.say(RIG, frame(0x200))
    bus.run()
    assert len(bus.heard_by(GUARD)) == 1
    bus.run_for(0.049)
    assert len(bus.heard_by(HOST)) == 0
    bus.run_for(0.002)
    assert len(bus.heard_by(HOST)) == 1


def test_frames_are_doubled_and_overtaken_by_their_shares(buses, frame):
    bus = buses()
    bus.net.faults.duplicate, bus.net.faults.reorder = 0.2, 0.3
    for k in range(200):
        bus.say(RIG, frame(0x200, bytes([k])))
        bus.run()
    bus.run_for(0.02)
    order = [int(one.payload[0]) for one in bus.heard_by(HOST)]
    assert sorted(set(order)) == list(range(200))
    assert 20 < len(order) - 200 < 60
    overtaken = sum(later < max(order[:k], default=0) for k, later in enumerate(order))
    assert 40 < overtaken < 100
    assert bus.heard_by(GUARD).payload[:, 0].tolist() == list(range(200))


def test_the_buses_of_a_car_have_faults_of_their_own(buses, frame):
    bus = buses(2)
    bus.net.faults.host_bus_off[1] = 1
    bus.say(HOST, frame(0x80), frame(0x80, channel=1))
    bus.run()
    assert bus.on_wire().channel.tolist() == [0]
    assert bus.errors_of(HOST).channel.tolist() == [1]
