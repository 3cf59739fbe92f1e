"""What a CAN controller says of its own bus: error frames, as Linux writes them.

The class is in the identifier's bits, several at once where several things happened, and
more of it in the payload (``linux/can/error.h``).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.dbc.frame import ERROR

ERROR_CLASSES: Final = (
    "bus_off", "error_passive", "error_warning", "error_active", "no_acknowledge",
    "arbitration_lost", "restarted", "overflow", "transmit_timeout", "bus_error",
)  # fmt: skip
(
    BUS_OFF, ERROR_PASSIVE, ERROR_WARNING, ERROR_ACTIVE, NO_ACKNOWLEDGE,
    ARBITRATION_LOST, RESTARTED, OVERFLOW, TRANSMIT_TIMEOUT, BUS_ERROR,
) = (1 << bit for bit in range(len(ERROR_CLASSES)))  # fmt: skip

# Bits of the identifier, and the class that each is.
_TX_TIMEOUT, _LOSTARB, _CONTROLLER, _PROTOCOL = 0x1, 0x2, 0x4, 0x8
_TRANSCEIVER, _ACK, _BUSOFF, _BUSERROR, _RESTARTED = 0x10, 0x20, 0x40, 0x80, 0x100
# Bits of the second byte where the controller speaks of itself; receiving and transmitting.
_OVERFLOWS, _WARNINGS, _PASSIVES, _ACTIVE = 0x03, 0x0C, 0x30, 0x40


@kernel
def is_error(frame: np.void) -> bool:
    """Whether a frame is the controller's word on its bus rather than a node's on it."""
    return frame["can_id"] & ERROR != 0


@kernel
def _of_controller(detail: int) -> int:
    found = 0
    if detail & _OVERFLOWS:
        found |= OVERFLOW
    if detail & _WARNINGS:
        found |= ERROR_WARNING
    if detail & _PASSIVES:
        found |= ERROR_PASSIVE
    if detail & _ACTIVE:
        found |= ERROR_ACTIVE
    return found


@kernel
def classes_of(frame: np.void) -> int:
    """The classes of an error frame, as bits BUS_OFF and so on."""
    can_id = frame["can_id"]
    found = _of_controller(frame["payload"][1]) if can_id & _CONTROLLER else 0
    if can_id & _BUSOFF:
        found |= BUS_OFF
    if can_id & _ACK:
        found |= NO_ACKNOWLEDGE
    if can_id & _LOSTARB:
        found |= ARBITRATION_LOST
    if can_id & _RESTARTED:
        found |= RESTARTED
    if can_id & _TX_TIMEOUT:
        found |= TRANSMIT_TIMEOUT
    if can_id & (_PROTOCOL | _TRANSCEIVER | _BUSERROR):
        found |= BUS_ERROR
    return found
