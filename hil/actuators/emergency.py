"""The emergency circuit: the actuators, when nobody who may tells them what to do.

They move the car only on fresh commands under a fresh permit. Without either they close the
throttle and press the brakes by a circuit of its own, and go on until the permit is granted
again and the car stands. The wheel follows fresh commands all the same, since an emergency
stop steers along the line, and is held where it is when there are none.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tianyuan.control.kernels import inlined
from tianyuan.control.records import Permit, record

GRANTED = int(Permit.GRANTED)
WITHDRAWN = int(Permit.WITHDRAWN)
STANDSTILL_MPS = 0.2

CIRCUIT: Final = np.dtype(
    [
        ("guarded", "i8"),  # 1 for a car that has a guard
        ("granted_ns", "i8"),  # when the permit was last heard, 0 for never or withdrawn
        ("tripped", "i8"),  # 1 while the circuit brakes
    ]
)


def circuit(guarded: bool) -> np.recarray:
    """A circuit that has heard nothing: with a guard to wait for, it holds the brakes."""
    made = record(CIRCUIT)
    made.guarded[0] = made.tripped[0] = int(guarded)
    return made


@inlined
def hear(circuit, permit, t_ns):
    """Take a permit's frame: no grant before a withdrawal counts after it."""
    if permit == GRANTED:
        circuit[0].granted_ns = t_ns
    elif permit == WITHDRAWN:
        circuit[0].granted_ns = 0


@inlined
def update(plant, circuit, heard, speed_mps, t_ns):
    """Trip, or release, the circuit; ``heard`` says whether the commands are fresh."""
    c = circuit[0]
    fresh_ns = plant[0].emergency_permit_s * 1e9
    permitted = c.guarded == 0 or (c.granted_ns > 0 and t_ns - c.granted_ns <= fresh_ns)
    if not (heard and permitted):
        c.tripped = 1
    elif c.tripped != 0 and abs(speed_mps) < STANDSTILL_MPS:
        c.tripped = 0


@inlined
def press(plant, circuit, steered, actuators, obeyed):
    """Close the throttle and press, where the circuit is tripped; else let go.

    ``steered`` says whether somebody still steers, or may in a moment: a brake that leaves a
    steered car its line is too weak for one whose wheel is held.
    """
    if circuit[0].tripped == 0:
        actuators[0].circuit_wanted_bar = 0.0
        return
    own_bar = plant[0].emergency_steered_bar if steered else plant[0].emergency_blind_bar
    actuators[0].circuit_wanted_bar = own_bar
    obeyed[0].throttle = 0.0
