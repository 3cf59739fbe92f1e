"""Faults of the host and of its bus in virtual time: host, guard and rig over the modelled bus.

The car stands; what is looked at is who ticks when, and what is on the wire.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from tianyuan import names
from tianyuan.control.records import Controller, Mode
from tianyuan.firmware.host import make_host
from tianyuan.hil import lockstep, rig, virtual
from tianyuan.hil.bus.records import HOST, PASSIVE, tap_of
from tianyuan.hil.faults.catalogue import FAULTS
from tianyuan.hil.faults.entry import FaultEntry
from tianyuan.hil.faults.fault import Layer
from tianyuan.hil.life import Life, make_life
from tianyuan.hil.world import World

pytestmark = pytest.mark.compiled  # a tick of everything for each millisecond

MS = rig.STEP_NS
AT_MS, END_MS = 60, 220
STEERING, HEARTBEAT, PERMIT, POSITION, LOAD = 0x080, 0x090, 0x091, 0x100, 0x7FF
HOSTS = {0x080, 0x081, 0x082, 0x083, 0x090}


class Run(NamedTuple):
    """What was seen, by millisecond."""

    heard: list[set[int]]  # identifiers on the wire
    ticked: list[bool]  # whether the host did
    told: list[dict[str, float]]  # HOST, what the host tells of itself
    world: World
    life: Life
    net: Any

    def when(self, identifier: int) -> set[int]:
        return {ms for ms, heard in enumerate(self.heard) if identifier in heard}

    @property
    def missed(self) -> list[int]:
        """The even milliseconds in which the host did not tick."""
        return [ms for ms, ticked in enumerate(self.ticked) if not ticked and ms % 2 == 0]


@pytest.fixture(scope="module")
def run(shipped, straight_line) -> Callable[..., Run]:
    def begin(*entries: dict[str, Any], ms: int = END_MS, modelled: bool = True) -> Run:
        host = make_host(shipped, straight_line, Controller.STANLEY, 2 * MS)
        faults = [FaultEntry.model_validate(each) for each in entries]
        vehicle = names.vehicle_file("tianyuan")
        world = virtual.make_rig(shipped, vehicle, host, 1, faults=faults)
        life, guard = make_life(world, 1, 0.0, rows=64), virtual.make_guard(shipped, host)
        net = virtual.make_net(shipped, 1) if modelled else virtual.AT_ONCE
        queues, t_ns, last_ns = lockstep.queues(), lockstep.EPOCH_NS, 0
        seen = Run([], [], [], world, life, net)
        for _ in range(ms):
            t_ns = virtual.advance_once(world, life, host, guard, queues, t_ns, 1, 2, net)
            seen.heard.append({int(can_id) for can_id in tap_of(net).can_id} if modelled else set())
            now_ns = int(host.memory.driver.t_ns[0])
            seen.ticked.append(now_ns != last_ns)
            last_ns = now_ns
            seen.told.append({name: float(host.memory.host[name][0]) for name in TOLD})
        return seen

    return begin


TOLD = (
    "overruns", "overruns_in_a_row", "shutdown", "interface_down", "unsent_in_a_row", "bus_off",
    "no_acknowledge", "error_passive", "mode",
)  # fmt: skip


def document(name: str, **more: Any) -> dict[str, Any]:
    return {"fault": name, "at": {"time_s": AT_MS / 1000}, **more}


@pytest.fixture(scope="module")
def healthy(run) -> Run:
    return run()


def same_until(one: Run, other: Run, ms: int) -> bool:
    return one.heard[:ms] == other.heard[:ms] and one.ticked[:ms] == other.ticked[:ms]


BY_LOCKSTEP = [fault for fault in FAULTS if fault.virtual in (Layer.BUS, Layer.HOST)]


@pytest.mark.parametrize("fault", BY_LOCKSTEP, ids=lambda fault: fault.name)
def test_nothing_is_otherwise_before_the_instant_and_something_is_after_it(fault, run, healthy):
    wrong = run(document(fault.name))
    begun = int(wrong.life.faults.state.began_ns[0] - wrong.life.race.began_ns[0]) // MS
    assert begun == AT_MS
    first_ms = AT_MS + int(wrong.life.race.began_ns[0] - lockstep.EPOCH_NS) // MS
    assert same_until(wrong, healthy, first_ms)
    changed = (
        wrong.heard != healthy.heard or wrong.ticked != healthy.ticked or wrong.told != healthy.told
    )
    assert changed == (fault.name != "wall_clock_jump")


def test_without_a_model_of_the_bus_its_faults_do_nothing_and_the_rig_s_do(run):
    wrong = run(document("bus_off"), document("id_zero_flood"), modelled=False)
    assert wrong.life.faults.state.active.tolist() == [0, 1, 0]


class TestTheBus:
    def test_a_host_that_is_bus_off_is_silent_and_back_after_its_restart(self, run):
        wrong = run(document("bus_off", for_s=0.05))
        silent = set(range(AT_MS + 5, AT_MS + 45))
        assert not wrong.when(STEERING) & silent
        assert wrong.when(POSITION) & silent
        assert wrong.told[-1]["bus_off"] == 1.0
        assert max(wrong.when(STEERING)) > END_MS - 20

    def test_an_error_passive_controller_says_so(self, run):
        wrong = run(document("error_passive"))
        assert wrong.net.buses[0].nodes[HOST].state == PASSIVE
        assert wrong.told[-1]["error_passive"] >= 1.0

    def test_a_host_whose_cable_is_pulled_neither_hears_nor_is_heard(self, run):
        wrong = run(document("cable_pulled"))
        assert max(wrong.when(STEERING)) < AT_MS + 8
        assert max(wrong.when(POSITION)) > END_MS - 20
        assert wrong.told[-1]["no_acknowledge"] > 0

    def test_a_host_that_nobody_acknowledges_still_hears(self, run):
        wrong = run(document("cable_pulled", how="nobody_acknowledges"))
        assert max(wrong.when(STEERING)) < AT_MS + 8
        assert wrong.told[-1]["no_acknowledge"] > 0

    def test_frames_that_do_not_leave_fill_the_queue(self, run):
        wrong = run(document("transmit_queue_full"))
        assert max(wrong.when(STEERING)) < AT_MS + 8
        assert wrong.told[-1]["unsent_in_a_row"] >= 3

    def test_a_receive_queue_without_room_loses_frames(self, run, healthy):
        wrong = run(document("receive_queue_overflow", room=1))
        lost = wrong.net.buses[0].nodes[HOST].overrun
        assert lost > healthy.net.buses[0].nodes[HOST].overrun == 0

    def test_a_bus_is_loaded_up_to_its_share_by_those_who_give_way(self, run, healthy):
        wrong = run(document("bus_load", share=0.95))
        assert len(wrong.when(LOAD)) > 100
        assert min(wrong.when(LOAD)) >= AT_MS
        busy = [float(each.net.buses[0].wires[0].busy_ns) for each in (wrong, healthy)]
        assert (busy[0] - busy[1]) / ((END_MS - AT_MS) * MS) > 0.2

    def test_an_interface_goes_down_and_comes_up(self, run):
        wrong = run(document("interface_down", for_s=0.05))
        down = [ms for ms, told in enumerate(wrong.told) if told["interface_down"]]
        assert down and AT_MS <= min(down) <= AT_MS + 4
        assert max(wrong.when(STEERING)) > END_MS - 20

    def test_a_wrong_bit_rate_takes_no_frame_for_one(self, run):
        wrong = run(document("wrong_bit_rate"))
        assert not {ms for ms in wrong.when(STEERING) if ms > AT_MS + 10}

    def test_a_flood_of_identifier_0_leaves_room_for_nobody(self, run):
        wrong = run(document("id_zero_flood"))
        assert len(wrong.when(0)) > END_MS - AT_MS - 10
        assert not {ms for ms in wrong.when(POSITION) if ms > AT_MS + 10}

    def test_frames_of_others_reach_host_and_guard_over_the_bus(self, run):
        wrong = run(document("undeclared_id", every_ms=10), document("command_forged"))
        assert len(wrong.when(0x3A5)) >= 12
        assert wrong.life.faults.state.count[1] >= 10


class TestTheHost:
    def test_an_overrun_is_one_tick_missed_that_the_next_one_hears_of(self, run):
        wrong = run(document("overrun"))
        assert len(wrong.missed) == 1
        missed = wrong.missed[0]
        in_a_row = [told["overruns_in_a_row"] for told in wrong.told]
        assert in_a_row[missed : missed + 5] == [0, 0, 1, 1, 0]
        assert wrong.told[-1]["overruns"] == 1.0

    def test_overruns_in_a_row_are_every_other_tick(self, run):
        wrong = run(document("overruns_in_a_row", ticks=3))
        assert np.diff(wrong.missed).tolist() == [4, 4]
        assert max(told["overruns_in_a_row"] for told in wrong.told) == 3.0
        assert wrong.told[-1]["overruns_in_a_row"] == 0.0

    @pytest.mark.parametrize(("name", "for_ms"), [("host_stall", 50), ("host_stopped", 100)])
    def test_a_stall_is_as_long_as_it_was_asked_to_be(self, name, for_ms, run):
        wrong = run(document(name, for_s=for_ms / 1000))
        assert len(wrong.missed) == for_ms // 2
        after = max(wrong.missed) + 2
        assert wrong.ticked[after]
        assert wrong.told[after + 2]["overruns_in_a_row"] == 1.0
        assert wrong.told[after + 4]["overruns_in_a_row"] == 0.0
        assert wrong.told[-1]["overruns"] == for_ms // 2

    def test_a_killed_host_never_ticks_again_and_its_permit_goes(self, run):
        wrong = run(document("host_killed"))
        assert not any(wrong.ticked[AT_MS + 6 :])
        assert max(wrong.when(HEARTBEAT)) < AT_MS + 8
        assert max(wrong.when(PERMIT)) > END_MS - 20

    def test_a_host_that_is_asked_to_end_does_where_it_stands(self, run):
        wrong = run(document("host_terminated"))
        last = max(ms for ms, ticked in enumerate(wrong.ticked) if ticked)
        assert AT_MS <= last <= AT_MS + 4
        assert wrong.told[-1]["mode"] == Mode.OFF


def test_a_jump_of_the_wall_clock_is_there_and_changes_no_bit(run, healthy):
    wrong = run(document("wall_clock_jump"))
    assert wrong.life.faults.state.active[0] == 1
    assert wrong.life.plant_state.tobytes() == healthy.life.plant_state.tobytes()
    assert wrong.life.command.tobytes() == healthy.life.command.tobytes()
