"""A scenario in virtual time: as fast as the machine goes, and the same every time.

Frames go over the model of the car's buses, so that latency and load are as they would be.
"""

from __future__ import annotations

import time
from typing import Final

from tianyuan.hil import lockstep, rig, virtual
from tianyuan.hil.scenario.end import NS_PER_S, End
from tianyuan.hil.scenario.model import Scenario
from tianyuan.hil.scenario.prepare import Ready

CHUNK_STEPS: Final = 200  # a call takes as long as some thirty of its steps


def drive(ready: Ready, scenario: Scenario) -> float:
    """Advance until the scenario is over; returns how many times faster than real time."""
    world, life, host, guard = ready.world, ready.life, ready.host, ready.guard
    queues, host_every = lockstep.queues(), ready.period_ns // rig.STEP_NS
    t_ns = first_ns = lockstep.EPOCH_NS
    end = End(scenario, first_ns + int(ready.longest_s * NS_PER_S))
    began = time.perf_counter()
    while not end.reached(life, t_ns):
        t_ns = virtual.advance_once(
            world, life, host, guard, queues, t_ns, CHUNK_STEPS, host_every, ready.net
        )
    return (t_ns - first_ns) / NS_PER_S / max(time.perf_counter() - began, 1e-9)
