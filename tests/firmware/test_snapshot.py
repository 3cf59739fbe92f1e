"""The host's state goes through frames whole, and the loop adds it to the ring as it is."""

from __future__ import annotations

import numpy as np
import pytest

from tianyuan.control.records import Controller
from tianyuan.dbc.frame import TX
from tianyuan.drivers.buses import Buses
from tianyuan.drivers.port import open_port
from tianyuan.firmware import loop
from tianyuan.firmware.accounting import accounts
from tianyuan.firmware.host import Host, make_host
from tianyuan.firmware.host_record import SNAPSHOT_ID
from tianyuan.firmware.loop_thread import Beat, arguments, controls
from tianyuan.firmware.ring import ring, take
from tianyuan.firmware.snapshot import blank, fill, find, layout, restore

PERIOD_NS = 10_000_000


def parts(host: Host) -> tuple[np.ndarray, ...]:
    return host.sensors, host.command, *host.memory


def filled(host: Host, seed: int) -> Host:
    """The host with other content everywhere in its state."""
    rng = np.random.default_rng(seed)
    for part in parts(host):
        octets = part.view(np.ndarray).view(np.uint8)
        octets[:] = rng.integers(0, 256, octets.size, np.uint8)
    return host


@pytest.fixture
def fresh(car, circle):
    return lambda: make_host(car, circle, Controller.STANLEY, PERIOD_NS)


def test_a_state_put_back_is_the_same_in_every_bit(fresh):
    host, other = filled(fresh(), 1), filled(fresh(), 2)
    state = host.sensors, host.memory, host.command
    made = blank(*state)

    fill(*state, made, 12345)
    snapshot, begin, end = find(made)

    assert (snapshot.t_ns, begin, end) == (12345, 0, made.size)
    assert restore(snapshot, other.sensors, other.memory, other.command)
    assert [part.tobytes() for part in parts(other)] == [part.tobytes() for part in parts(host)]


def test_what_is_no_whole_state_is_passed_over(fresh):
    host = filled(fresh(), 1)
    state = host.sensors, host.memory, host.command
    made = blank(*state)
    fill(*state, made, 1)
    half, again = made[: made.size // 2], made.copy().view(np.recarray)
    fill(*state, again, 2)

    snapshot, begin, end = find(np.concatenate((made[3:], half, again)))

    assert (snapshot.t_ns, begin) == (2, made.size - 3 + half.size)
    assert end == begin + made.size
    assert find(made[3:]) == (None, made.size - 3, made.size - 3)
    assert find(np.concatenate((made[3:], half))) == (None, made.size - 3, made.size - 3)


def test_a_state_of_another_layout_is_left_alone(fresh):
    host = fresh()
    state = host.sensors, host.memory, host.command
    made = blank(*state)
    fill(*state, made, 1)
    made.payload[:, 4] ^= 1
    before = [part.tobytes() for part in parts(host)]

    assert not restore(find(made)[0], *state)

    assert [part.tobytes() for part in parts(host)] == before
    longer = host.memory._replace(due_ns=np.zeros(host.memory.due_ns.size + 1, np.int64))
    assert layout(host.sensors, longer, host.command) != layout(*state)


@pytest.mark.compiled
def test_the_loop_adds_the_state_that_its_tick_left(fresh, tmp_path):
    host, kept, asked = filled_driver(fresh()), ring(256), controls()
    asked.words[loop.LIMIT] = 1
    names = tuple(f"{tmp_path}/{k}" for k in range(host.buses))

    with Buses(names, "host") as car, open_port(f"{tmp_path}/about", "host") as about:
        ports, beat = (car.record, about.record), Beat(PERIOD_NS, 0)
        loop.run(*arguments(host, ports, kept, accounts(), asked, beat))

    frames, _, lost = take(kept, 0)
    own = frames[(frames["can_id"] == SNAPSHOT_ID) & (frames["reserved"] == TX)]
    other = fresh()
    assert lost == 0
    assert restore(find(own)[0], other.sensors, other.memory, other.command)
    assert [part.tobytes() for part in parts(other)] == [part.tobytes() for part in parts(host)]


def filled_driver(host: Host) -> Host:
    host.memory.driver.laps, host.memory.refused[0] = 3, 7
    return host
