"""Frames of every kind, and a clock that logs are told."""

from __future__ import annotations

import numpy as np
import pytest

from tianyuan.dbc.frame import BRS, ERROR, EXTENDED, FDF, REMOTE, TX
from tianyuan.dbc.frame import frames as blank
from tianyuan.drivers.messages import ESI

WALL_NS = 1_795_651_200_123_456_789
FD_LENGTHS = (0, 1, 8, 12, 16, 20, 24, 32, 48, 64)


@pytest.fixture
def mixed() -> np.recarray:
    """Classic, CAN FD, remote and error frames in both directions on eight buses."""
    rng, count = np.random.default_rng(3), 3000
    made = blank(count)
    kind = rng.integers(0, 10, count)  # 0 and 1: CAN FD, 2: remote, 3: error, else: classic
    made.can_id = rng.integers(0, 0x800, count)
    extended = rng.random(count) < 0.3
    made.can_id[extended] = rng.integers(0x800, 1 << 29, extended.sum()) | EXTENDED
    made.length = np.where(kind < 2, rng.choice(FD_LENGTHS, count), rng.integers(0, 9, count))
    made["flags"] = np.where(kind < 2, FDF | rng.choice([0, BRS, ESI, BRS | ESI], count), 0)
    made.can_id[kind == 2] |= REMOTE
    made.can_id[kind == 3] = ERROR | rng.integers(1, 0x200, (kind == 3).sum())
    made.length[kind == 3] = 8
    made.channel = rng.integers(0, 8, count)
    made.reserved = np.where(kind == 3, 0, rng.integers(0, 2, count) * TX)
    content = rng.integers(0, 256, made.payload.shape, np.uint8)
    inside = np.arange(64) < made.length[:, np.newaxis]
    made.payload = np.where(inside & (kind != 2)[:, np.newaxis], content, 0)
    made.t_ns = 10**13 + np.sort(rng.integers(0, 10**10, count))
    return made
