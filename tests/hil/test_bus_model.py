"""Laps over modelled buses: nearly those without, and what the model tells of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from tianyuan import names
from tianyuan.control.records import Cause, Controller, Mode
from tianyuan.firmware.bus_load import load
from tianyuan.firmware.host import make_host
from tianyuan.hil import lockstep, virtual
from tianyuan.hil.bus.figures import figures, histogram
from tianyuan.hil.bus.make import messages_on
from tianyuan.hil.bus.records import GUARD, HOST, MAIN, RIG, Net
from tianyuan.hil.laps import laps

pytestmark = pytest.mark.compiled  # minutes of driving

PERIOD_NS = 2_000_000


class Run(NamedTuple):
    outcome: virtual.Outcome
    net: Net


@pytest.fixture(scope="module")
def drive(car, oval):
    def begin(net: Net) -> Run:
        host = make_host(car, oval, Controller.STANLEY, PERIOD_NS)
        world = virtual.make_rig(car, names.vehicle_file(car.name), host, seed=1)
        guard = virtual.make_guard(car, host)
        return Run(virtual.run(world, host, guard, 2, PERIOD_NS, net=net), net)

    return begin


@pytest.fixture(scope="module")
def modelled(drive, car) -> Run:
    return drive(virtual.make_net(car, 1))


def test_a_lap_over_the_buses_is_nearly_the_lap_without_them(drive, modelled):
    at_once = drive(virtual.AT_ONCE).outcome
    assert modelled.outcome.finished
    assert modelled.outcome.telemetry.edge_margin_m.min() > 0.2
    times_s, wanted_s = (
        [lap.time_s for lap in laps(one.telemetry)] for one in (modelled.outcome, at_once)
    )
    assert len(times_s) == len(wanted_s) == 2
    assert times_s == pytest.approx(wanted_s, rel=0.005)
    assert times_s != wanted_s  # frames do take their time


def test_the_load_is_between_the_least_and_the_worst_by_the_cycles(modelled, car):
    (found,) = figures(modelled.net, car)
    least_and_worst = load(car, found.name, messages_on(car).values())
    assert least_and_worst.load <= found.load <= least_and_worst.worst


def test_no_frame_of_a_healthy_car_is_lost(modelled, car):
    (found,) = figures(modelled.net, car)
    assert found.spoilt == 0
    for node in found.nodes:
        assert (node.retried, node.replaced, node.dropped, node.overrun) == (0, 0, 0, 0)
    nodes = modelled.net.buses[0].nodes
    sent = sum(int(node.sent) for node in nodes)
    assert sent == found.frames == sum(each.frames for each in found.messages)
    for who in (HOST, RIG, GUARD):
        assert nodes[who].received == sent - nodes[who].sent


def test_latencies_have_a_histogram_and_steering_is_among_the_first(modelled, car):
    (found,) = figures(modelled.net, car)
    told = {each.name: each for each in found.messages}
    edges_us, counts = histogram(modelled.net, "STEERING_COMMAND", car)
    steering = told["STEERING_COMMAND"]
    assert counts.sum() == steering.frames
    assert len(edges_us) == len(counts) + 1
    filled = np.flatnonzero(counts)
    assert edges_us[filled[0]] <= steering.min_us <= steering.median_us
    assert steering.median_us <= steering.max_us <= edges_us[filled[-1] + 1]
    assert steering.max_us < 1000 < told["POWERTRAIN_STATUS"].max_us < 5000
    assert told["RACE_ESTOP"].max_us < 250  # the strongest, right after at most one other


@pytest.mark.parametrize(
    ("fault", "cause", "within_ms"),
    [
        ("host_bus_off", Cause.BUS_OFF, 10),
        ("host_unplugged", Cause.NO_ACKNOWLEDGE, 40),
        ("nobody_acknowledges", Cause.NO_ACKNOWLEDGE, 40),
        ("host_stuck", Cause.NOT_SENT, 30),
        ("host_down", Cause.INTERFACE_DOWN, 10),
        ("flood_id0", Cause.NOT_SENT, 30),
    ],
)
def test_a_bus_that_fails_stops_the_car_by_the_host_s_own_cause(
    loop_of, car, fault, cause, within_ms
):
    loop, net = loop_of(laps=3), virtual.make_net(car, 1)

    def advance(ms: int) -> None:
        loop.clock[0] = virtual.advance_once(
            loop.world, loop.life, loop.host, loop.guard, loop.queues, loop.clock[0], ms,
            loop.host_every, net,
        )  # fmt: skip

    advance(18_000)
    assert loop.speed_mps > 15
    assert loop.host.memory.driver.cause[0] == Cause.NONE
    net.faults[fault] = 1
    advance(within_ms)
    assert loop.host.memory.driver.mode[0] == Mode.EMERGENCY_STOP
    assert loop.host.memory.driver.cause[0] == cause
    advance(8000)
    assert abs(loop.speed_mps) < 0.3  # by the circuit, where the host is not heard any more


def test_how_a_run_over_the_buses_is_cut_does_not_matter(loop_of, car):
    nets = [virtual.make_net(car, 1) for _ in range(2)]
    runs = [loop_of(laps=3) for _ in nets]
    rng = np.random.default_rng(1)
    for net in nets:
        net.faults.bit_error_rate, net.faults.load_share = 1e-5, 0.6
        net.faults.load_id = 0x0F0
    for loop, net, cut in zip(runs, nets, (False, True), strict=True):
        while loop.clock[0] < lockstep.EPOCH_NS + 10_000_000_000:
            left = (lockstep.EPOCH_NS + 10_000_000_000 - loop.clock[0]) // 1_000_000
            loop.clock[0] = virtual.advance_once(
                loop.world, loop.life, loop.host, loop.guard, loop.queues, loop.clock[0],
                min(int(rng.integers(1, 700)), left) if cut else left, loop.host_every, net,
            )  # fmt: skip
    assert runs[0].life.plant_state.tobytes() == runs[1].life.plant_state.tobytes()
    assert nets[0].buses["nodes"].tobytes() == nets[1].buses["nodes"].tobytes()
    assert nets[0].latencies.tobytes() == nets[1].latencies.tobytes()
    assert nets[0].buses[0].wires[MAIN].spoilt > 0
