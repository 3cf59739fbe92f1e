"""What a recorder could not keep, told in the log itself by HOST_GAP of ``dbc/host.dbc``."""

from __future__ import annotations

from typing import Final

import numpy as np

from tianyuan.dbc.frame import FRAME, TX
from tianyuan.firmware.host_record import GAP_ID, HOST_CHANNEL

MOST: Final = (1 << 32) - 1


def gap(lost: int, t_ns: int) -> np.ndarray:
    """One frame (1,) that stands for ``lost`` frames before the instant ``t_ns``."""
    made = np.zeros(1, FRAME)
    made["can_id"], made["length"], made["channel"] = GAP_ID, 4, HOST_CHANNEL
    made["reserved"], made["t_ns"] = TX, t_ns
    made["payload"][0, :4] = np.frombuffer(min(lost, MOST).to_bytes(4, "little"), np.uint8)
    return made
