"""What can be wrong with a bus of the car: the record that scenarios set and the model reads.

One BUS_FAULTS a bus, in the order of the car file's ``[buses]``. All zero is a healthy bus. A
field holds for as long as it is set: what its end brings is what repairing it brings.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tianyuan.firmware.host_record import MOST_BUSES

BUS_FAULTS: Final = np.dtype(
    [
        # 1 for as long as it lasts
        ("host_bus_off", "i8"),  # the host's controller is bus-off; its end is a restart
        ("host_unplugged", "i8"),  # its cable is pulled: alone, while the others go on
        ("nobody_acknowledges", "i8"),  # its frames; it still hears the others
        ("error_passive", "i8"),  # its controller's errors do not fall below error-passive
        ("host_down", "i8"),  # its interface is down
        ("host_stuck", "i8"),  # its controller starts no frame: the queue before it fills up
        ("wrong_bit_rate", "i8"),  # its controller's, which takes no frame for one
        ("flood_id0", "i8"),  # somebody sends identifier 0 whenever the bus is free
        # shares of 1
        ("bit_error_rate", "f8"),  # of the bits on the wire
        ("load_share", "f8"),  # extra traffic fills the bus up to this load
        ("reorder", "f8"),  # of the frames to the host: held back, so that others overtake them
        ("duplicate", "f8"),  # of the frames to the host: come twice
        # quantities
        ("load_id", "i8"),  # can_id of the extra traffic
        ("delay_ns", "i8"),  # of every frame to the host, beyond what the wire takes
        ("receive_room", "i8"),  # frames that the host's receive queue holds, 0 for the usual
    ]
)


def bus_faults(buses: int = MOST_BUSES) -> np.recarray:
    """BUS_FAULTS of so many healthy buses."""
    return np.zeros(buses, BUS_FAULTS).view(np.recarray)
