"""Data length codes of CAN FD, by payload bytes."""

from __future__ import annotations

from typing import Final

import numpy as np
from can.util import len2dlc

DLC: Final = np.array([len2dlc(length) for length in range(65)], np.uint8)
